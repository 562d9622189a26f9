/* Using readers. */
#include <string.h>

#include "base/alloc.h"
#include "data/reader.h"
#include "graph/shape.h"

/* The reader behind input 0, which is held. */
static tn_error *hold(const tn_run *r, tn_reader **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_READER_TYPE, &object));
  TN_TRY(tn_reader_hold((tn_reader *)object, r->step));
  *out = (tn_reader *)object;
  return NULL;
}

static tn_error *read(const tn_run *r, int64_t count, tn_records *records) {
  tn_object *queue = NULL;
  tn_reader *reader = NULL;
  TN_TRY(tn_run_object(r, 1, TN_QUEUE_TYPE, &queue));
  TN_TRY(hold(r, &reader));
  tn_error *error = tn_reader_read(reader, (tn_queue *)queue, r->step, count, records);
  tn_reader_release(reader);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

/* Moves N strings into output I. */
static tn_error *hand_out(tn_run *r, int i, const tn_shape *shape, tn_string *from, int64_t n) {
  TN_TRY(tn_run_allocate(r, i, shape));
  if (n == 0) return NULL;
  memcpy(r->outputs[i]->data, from, (size_t)n * sizeof *from);
  memset(from, 0, (size_t)n * sizeof *from);
  return NULL;
}

static tn_error *prepare_read(tn_prepare *p) {
  if (p->n_inputs > 2 && p->inputs[2].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_records must be a scalar, but its shape is %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  }
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  return NULL;
}

static tn_error *run_read(tn_run *r) {
  bool many = r->n_inputs > 2;
  int64_t count = many ? *TN_DATA(const int64_t, r->inputs[2]) : 1;
  if (count < 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_records is %lld; it must be > 0", (long long)count);
  tn_records records = {0};
  tn_error *error = read(r, count, &records);
  tn_shape shape = many ? tn_shape_of(1, &records.n) : tn_shape_scalar();
  if (!error) error = hand_out(r, 0, &shape, records.keys, records.n);
  if (!error) error = hand_out(r, 1, &shape, records.values, records.n);
  tn_records_clear(&records);
  return error;
}

/* --- the rest --- */

static tn_error *prepare_scalar(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_produced(tn_run *r) {
  tn_reader *reader = NULL;
  TN_TRY(hold(r, &reader));
  *TN_DATA(int64_t, r->outputs[0]) = tn_reader_produced(reader);
  tn_reader_release(reader);
  return NULL;
}

static tn_error *run_finished(tn_run *r) {
  tn_reader *reader = NULL;
  TN_TRY(hold(r, &reader));
  *TN_DATA(int64_t, r->outputs[0]) = tn_reader_finished(reader);
  tn_reader_release(reader);
  return NULL;
}

static tn_error *run_save(tn_run *r) {
  tn_reader *reader = NULL;
  tn_str state = {0};
  TN_TRY(hold(r, &reader));
  tn_error *error = tn_reader_save(reader, &state);
  tn_reader_release(reader);
  if (!error) error = tn_string_set(TN_DATA(tn_string, r->outputs[0]), state.size ? state.data : "", state.size);
  tn_str_clear(&state);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *prepare_state(tn_prepare *p) {
  if (p->n_inputs > 1 && p->inputs[1].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Reader state must be scalar, but had shape: %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  }
  return NULL;
}

static tn_error *run_restore(tn_run *r) {
  tn_reader *reader = NULL;
  const tn_string *state = TN_DATA(const tn_string, r->inputs[1]);
  TN_TRY(hold(r, &reader));
  tn_error *error = tn_reader_restore(reader, state->size ? state->data : "", state->size);
  tn_reader_release(reader);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_reset(tn_run *r) {
  tn_reader *reader = NULL;
  TN_TRY(hold(r, &reader));
  tn_reader_reset(reader);
  tn_reader_release(reader);
  return NULL;
}

static const tn_kernel_def reads[] = {{.name = "reference", .prepare = prepare_read, .run = run_read}, {0}};
static const tn_kernel_def produced[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_produced}, {0}};
static const tn_kernel_def finished[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_finished}, {0}};
static const tn_kernel_def saves[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_save}, {0}};
static const tn_kernel_def restores[] = {{.name = "reference", .prepare = prepare_state, .run = run_restore}, {0}};
static const tn_kernel_def resets[] = {{.name = "reference", .prepare = prepare_state, .run = run_reset}, {0}};

static tn_error *shape_many(tn_shape_ctx *c) {
  c->out[0] = c->out[1] = tn_shape_unknown_of_rank(1);
  return NULL;
}

#define NEW TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED | TN_OP_BLOCKING
#define OLD TN_OP_NO_GRADIENT | TN_OP_BLOCKING

TN_OP(ReaderReadV2, .inputs = "reader_handle: resource, queue_handle: resource",
      .outputs = "key: string, value: string", .attrs = "", .doc = "The next record of the files that a queue names.",
      .flags = NEW | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_scalar_out, .kernels = reads);
TN_OP(ReaderRead, .inputs = "reader_handle: Ref(string), queue_handle: Ref(string)",
      .outputs = "key: string, value: string", .attrs = "", .doc = "The old ReaderReadV2.",
      .flags = OLD | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_scalar_out, .kernels = reads);
TN_OP(ReaderReadUpToV2, .inputs = "reader_handle: resource, queue_handle: resource, num_records: int64",
      .outputs = "keys: string, values: string", .attrs = "",
      .doc = "Up to num_records next records of the files that a queue names.", .flags = NEW | TN_OP_DYNAMIC_SHAPE,
      .shape = shape_many, .kernels = reads);
TN_OP(ReaderReadUpTo, .inputs = "reader_handle: Ref(string), queue_handle: Ref(string), num_records: int64",
      .outputs = "keys: string, values: string", .attrs = "", .doc = "The old ReaderReadUpToV2.",
      .flags = OLD | TN_OP_DYNAMIC_SHAPE, .shape = shape_many, .kernels = reads);
TN_OP(ReaderNumRecordsProducedV2, .inputs = "reader_handle: resource", .outputs = "records_produced: int64",
      .attrs = "", .doc = "How many records a reader gave.", .flags = NEW, .shape = tn_shape_scalar_out,
      .kernels = produced);
TN_OP(ReaderNumRecordsProduced, .inputs = "reader_handle: Ref(string)", .outputs = "records_produced: int64",
      .attrs = "", .doc = "The old ReaderNumRecordsProducedV2.", .flags = OLD, .shape = tn_shape_scalar_out,
      .kernels = produced);
TN_OP(ReaderNumWorkUnitsCompletedV2, .inputs = "reader_handle: resource", .outputs = "units_completed: int64",
      .attrs = "", .doc = "How many files a reader is through with.", .flags = NEW, .shape = tn_shape_scalar_out,
      .kernels = finished);
TN_OP(ReaderNumWorkUnitsCompleted, .inputs = "reader_handle: Ref(string)", .outputs = "units_completed: int64",
      .attrs = "", .doc = "The old ReaderNumWorkUnitsCompletedV2.", .flags = OLD, .shape = tn_shape_scalar_out,
      .kernels = finished);
TN_OP(ReaderSerializeStateV2, .inputs = "reader_handle: resource", .outputs = "state: string", .attrs = "",
      .doc = "The state of a reader, for ReaderRestoreState.", .flags = NEW, .shape = tn_shape_scalar_out,
      .kernels = saves);
TN_OP(ReaderSerializeState, .inputs = "reader_handle: Ref(string)", .outputs = "state: string", .attrs = "",
      .doc = "The old ReaderSerializeStateV2.", .flags = OLD, .shape = tn_shape_scalar_out, .kernels = saves);
TN_OP(ReaderRestoreStateV2, .inputs = "reader_handle: resource, state: string", .outputs = "", .attrs = "",
      .doc = "Puts a reader into a state.", .flags = NEW, .shape = tn_shape_no_outputs, .kernels = restores);
TN_OP(ReaderRestoreState, .inputs = "reader_handle: Ref(string), state: string", .outputs = "", .attrs = "",
      .doc = "The old ReaderRestoreStateV2.", .flags = OLD, .shape = tn_shape_no_outputs, .kernels = restores);
TN_OP(ReaderResetV2, .inputs = "reader_handle: resource", .outputs = "", .attrs = "",
      .doc = "Puts a reader into the state that it began with.", .flags = NEW, .shape = tn_shape_no_outputs,
      .kernels = resets);
TN_OP(ReaderReset, .inputs = "reader_handle: Ref(string)", .outputs = "", .attrs = "", .doc = "The old ReaderResetV2.",
      .flags = OLD, .shape = tn_shape_no_outputs, .kernels = resets);
