/* Taking elements out of queues, one or a batch. */
#include <string.h>

#include "data/ops/queue_ops.h"
#include "kernel/copy.h"

static tn_error *prepare(tn_prepare *p) {
  if (tn_node_get_int(p->node, "timeout_ms") != -1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Timeout not supported yet.");
  }
  if (p->n_inputs > 1 && p->inputs[1].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "n must be a scalar, but its shape is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  }
  return tn_prepare_all_dynamic(p);
}

tn_error *tn_queue_check_outputs(const tn_run *r, const tn_queue *q) {
  bool same = r->n_outputs == q->spec.n;
  for (int i = 0; same && i < r->n_outputs; i++) same = r->node->output_types[i] == q->spec.types[i];
  if (same) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the components of queue '%s' have other types than the node says",
                       q->name);
}

static tn_error *run_take(tn_run *r) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_of(r, &q));
  TN_TRY(tn_queue_check_outputs(r, q));
  tn_tensor *tuple = tn_calloc((size_t)q->spec.n + 1, sizeof *tuple);
  int64_t taken = 0;
  bool waits = false;
  tn_error *error = !tuple      ? tn_out_of_memory()
                    : r->waiter ? tn_queue_try_take(q, r->waiter, tuple, &waits)
                                : tn_queue_take(q, r->step, 1, false, &taken, tuple);
  if (waits) r->outcome = TN_RUN_WAITS;
  for (int i = 0; tuple && i < q->spec.n; i++) {
    if (!error && !waits) tn_run_set(r, i, &tuple[i]);
    tn_tensor_clear(&tuple[i]);
  }
  tn_free(tuple);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

/* --- batches --- */

/* The shape that holds component I of each of the COUNT elements. */
static tn_shape widest(const tn_queue *q, int i, int64_t count, const tn_tensor *tuples) {
  tn_shape shape = q->spec.shapes[i];
  for (int d = 0; d < shape.rank; d++) {
    if (shape.dims[d] >= 0) continue;
    shape.dims[d] = 0;
    for (int64_t k = 0; k < count; k++) {
      int64_t size = tuples[k * q->spec.n + i].shape.dims[d];
      if (size > shape.dims[d]) shape.dims[d] = size;
    }
  }
  return shape;
}

/* Copies VALUE to where an array of shape WHOLE begins. */
static tn_error *place(char *to, const tn_shape *whole, const tn_tensor *value) {
  if (tn_elements(value) == 0) return NULL;
  if (tn_shape_equal(whole, &value->shape)) return tn_copy_dense(value->dtype, to, value->data, tn_elements(value));
  int64_t target[TN_MAX_RANK], source[TN_MAX_RANK];
  tn_copy copy;
  tn_copy_strides(whole->rank, whole->dims, target);
  tn_copy_strides(value->shape.rank, value->shape.dims, source);
  tn_copy_init(&copy, value->dtype, value->shape.rank, value->shape.dims, target, source);
  return tn_copy_run(&copy, to, value->data);
}

static tn_error *batch(tn_run *r, const tn_queue *q, int i, int64_t count, const tn_tensor *tuples) {
  tn_shape one = widest(q, i, count, tuples), all = one;
  if (one.rank == TN_MAX_RANK) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "component %d has too many dimensions", i);
  all.rank++;
  all.dims[0] = count;
  memcpy(all.dims + 1, one.dims, (size_t)one.rank * sizeof *one.dims);
  TN_TRY(tn_run_allocate(r, i, &all));
  char *to = r->outputs[i]->data;
  size_t bytes = (size_t)tn_shape_elements(&one) * tn_dtype_size(q->spec.types[i]);
  if (!tn_shape_known(&q->spec.shapes[i])) {
    TN_TRY(tn_copy_zero(q->spec.types[i], to, tn_elements(r->outputs[i])));
  }
  for (int64_t k = 0; k < count; k++) TN_TRY(place(to + (size_t)k * bytes, &one, &tuples[k * q->spec.n + i]));
  return NULL;
}

tn_error *tn_queue_take_batch(tn_run *r, tn_queue *q, int64_t count, bool less) {
  size_t n = (size_t)count * (size_t)q->spec.n;
  if (n > SIZE_MAX / sizeof(tn_tensor) - 1) return tn_out_of_memory();
  tn_tensor *tuples = tn_calloc(n + 1, sizeof *tuples);
  int64_t taken = 0;
  tn_error *error = tuples ? tn_queue_take(q, r->step, count, less, &taken, tuples) : tn_out_of_memory();
  for (int i = 0; i < q->spec.n && !error; i++) error = batch(r, q, i, taken, tuples);
  for (size_t i = 0; tuples && i < n; i++) tn_tensor_clear(&tuples[i]);
  tn_free(tuples);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_batch(tn_run *r, bool less) {
  tn_queue *q = NULL;
  TN_TRY(tn_queue_of(r, &q));
  TN_TRY(tn_queue_check_outputs(r, q));
  int32_t count = *TN_DATA(const int32_t, r->inputs[1]);
  if (count < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "n is %d; it must be >= 0", count);
  if (q->spec.shapes) return tn_queue_take_batch(r, q, count, less);
  return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                       "%s's DequeueMany and DequeueUpTo require the components to have specified shapes.",
                       tn_queue_kind_name(q));
}

static tn_error *run_many(tn_run *r) { return run_batch(r, false); }
static tn_error *run_up_to(tn_run *r) { return run_batch(r, true); }

static const tn_kernel_def takes[] = {{.name = "reference", .prepare = prepare, .run = run_take, .attempts = true},
                                      {0}};
static const tn_kernel_def many[] = {{.name = "reference", .prepare = prepare, .run = run_many}, {0}};
static const tn_kernel_def up_to[] = {{.name = "reference", .prepare = prepare, .run = run_up_to}, {0}};

#define NEW  TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE
#define OLD  TN_OP_NO_GRADIENT | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE
#define TAKE "component_types: list(type) >= 1; timeout_ms: int = -1"

TN_OP(QueueDequeueV2, .inputs = "handle: resource", .outputs = "components: component_types", .attrs = TAKE,
      .doc = "Takes an element out of a queue, once there is one.", .flags = NEW, .shape = tn_shape_unknown_out,
      .kernels = takes);
TN_OP(QueueDequeue, .inputs = "handle: Ref(string)", .outputs = "components: component_types", .attrs = TAKE,
      .doc = "The old QueueDequeueV2.", .flags = OLD, .shape = tn_shape_unknown_out, .kernels = takes);
TN_OP(QueueDequeueManyV2, .inputs = "handle: resource, n: int32", .outputs = "components: component_types",
      .attrs = TAKE, .doc = "Takes n elements out of a queue, as one batch.", .flags = NEW,
      .shape = tn_shape_unknown_out, .kernels = many);
TN_OP(QueueDequeueMany, .inputs = "handle: Ref(string), n: int32", .outputs = "components: component_types",
      .attrs = TAKE, .doc = "The old QueueDequeueManyV2.", .flags = OLD, .shape = tn_shape_unknown_out,
      .kernels = many);
TN_OP(QueueDequeueUpToV2, .inputs = "handle: resource, n: int32", .outputs = "components: component_types",
      .attrs = TAKE, .doc = "QueueDequeueManyV2 that takes fewer elements if the queue is closed.", .flags = NEW,
      .shape = tn_shape_unknown_out, .kernels = up_to);
TN_OP(QueueDequeueUpTo, .inputs = "handle: Ref(string), n: int32", .outputs = "components: component_types",
      .attrs = TAKE, .doc = "The old QueueDequeueUpToV2.", .flags = OLD, .shape = tn_shape_unknown_out,
      .kernels = up_to);
