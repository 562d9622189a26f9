/* What a worker of collective training runs: it begins a ring, computes shards, takes means, gets variables. */
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "cluster/collective.h"
#include "graph/shape.h"

static tn_error *named(const tn_run *r, tn_error *error) {
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static void release(tn_collective *c) { tn_object_unref(tn_collective_object(c)); }

/* --- rings --- */

/* Input 0: generation, root, whether variables are sent (not for here), and the members. */
static tn_error *begin(const tn_run *r, tn_collective *c) {
  const tn_tensor *view = r->inputs[0];
  int64_t n = tn_elements(view);
  if (n < 4) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a ring has at least one member");
  const int64_t *at = view->data;
  tn_collective_ring ring = {.generation = at[0], .root = (int)at[1], .size = (int)(n - 3), .members = at + 3};
  const tn_attr *types = tn_node_attr(r->node, "types"), *elements = tn_node_attr(r->node, "elements");
  bool good = types->n == elements->n;
  for (size_t i = 0; good && i < elements->n; i++) good = elements->ints[i] >= 0;
  if (!good) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "types and elements do not describe buckets");
  tn_collective_layout layout = {.shards = (int)tn_node_get_int(r->node, "shards"),
                                 .n = (int)types->n,
                                 .types = types->types,
                                 .elements = elements->ints};
  return named(r, tn_collective_begin(c, &ring, &layout));
}

static tn_error *run_begin(tn_run *r) {
  tn_collective *c = NULL;
  TN_TRY(tn_collective_of(r, &c));
  tn_error *error = begin(r, c);
  release(c);
  return error;
}

static tn_error *run_leave(tn_run *r) {
  tn_collective *c = NULL;
  TN_TRY(tn_collective_of(r, &c));
  tn_error *error = tn_collective_leave(c, r->step);
  release(c);
  return error;
}

/* --- steps --- */

static tn_error *prepare_next(tn_prepare *p) {
  tn_shape four = tn_shape_of(1, &(int64_t){4});
  return tn_prepare_output(p, 0, &four);
}

static tn_error *run_next(tn_run *r) {
  tn_collective *c = NULL;
  tn_shard_place place;
  TN_TRY(tn_collective_of(r, &c));
  int64_t at_and_last[2] = {*TN_DATA(const int64_t, r->inputs[0]), *TN_DATA(const int64_t, r->inputs[1])};
  tn_error *error = tn_collective_next(c, r->step, at_and_last, &place);
  if (!error) memcpy(r->outputs[0]->data, &place, sizeof place);
  release(c);
  return error;
}

static tn_error *run_put(tn_run *r) {
  tn_collective *c = NULL;
  tn_shard_place place;
  TN_TRY(tn_shard_place_of(r, 0, &place));
  TN_TRY(tn_collective_of(r, &c));
  tn_fault("put");
  tn_error *error =
      tn_collective_put(c, &place, (int)tn_node_get_int(r->node, "bucket"), r->n_inputs - 1, r->inputs + 1);
  release(c);
  return named(r, error);
}

static tn_error *prepare_take(tn_prepare *p) {
  const tn_attr *shapes = tn_node_attr(p->node, "shapes");
  if (shapes->n != (size_t)p->n_outputs)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "one shape for each output is needed");
  for (int i = 0; i < p->n_outputs; i++) {
    const tn_shape *shape = &shapes->shapes[i];
    if (!tn_shape_known(shape))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the shape of output %d is not known", i);
    TN_TRY(tn_prepare_output(p, i, shape));
  }
  return NULL;
}

static tn_error *take(tn_run *r, tn_collective *c, int64_t step) {
  const void *from = NULL;
  size_t size = 0, at = 0;
  TN_TRY(named(r, tn_collective_take(c, step, (int)tn_node_get_int(r->node, "bucket"), &from, &size)));
  for (int i = 0; i < r->n_outputs; i++) {
    size_t n = (size_t)tn_elements(r->outputs[i]) * tn_dtype_size(r->outputs[i]->dtype);
    if (n > size - at) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the bucket has %zu bytes, too few", size);
    if (n) memcpy(r->outputs[i]->data, (const char *)from + at, n);
    at += n;
  }
  tn_fault("apply");
  return NULL;
}

static tn_error *run_take(tn_run *r) {
  tn_collective *c = NULL;
  tn_shard_place place;
  TN_TRY(tn_shard_place_of(r, 0, &place));
  TN_TRY(tn_collective_of(r, &c));
  tn_error *error = take(r, c, place.step);
  release(c);
  return error;
}

static tn_error *run_done(tn_run *r) {
  tn_collective *c = NULL;
  tn_shard_place place;
  TN_TRY(tn_shard_place_of(r, 0, &place));
  TN_TRY(tn_collective_of(r, &c));
  tn_collective_done(c, place.step);
  release(c);
  return NULL;
}

/* --- variables --- */

static tn_error *prepare_same(tn_prepare *p) {
  for (int i = 0; i < p->n_outputs; i++) {
    if (!tn_dtype_is_plain(p->inputs[i].dtype)) {
      return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "%s values are not sent", tn_dtype_name(p->inputs[i].dtype));
    }
    TN_TRY(tn_prepare_output(p, i, &p->inputs[i].shape));
  }
  return NULL;
}

static tn_error *run_sync(tn_run *r) {
  tn_collective *c = NULL;
  TN_TRY(tn_collective_of(r, &c));
  tn_error *error = tn_collective_sync(c, r->step, r->n_inputs, r->inputs, r->outputs);
  release(c);
  return named(r, error);
}

static const tn_kernel_def begins[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_begin}, {0}};
static const tn_kernel_def leaves[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_leave}, {0}};
static const tn_kernel_def nexts[] = {{.name = "reference", .prepare = prepare_next, .run = run_next}, {0}};
static const tn_kernel_def puts[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_put}, {0}};
static const tn_kernel_def takes[] = {{.name = "reference", .prepare = prepare_take, .run = run_take}, {0}};
static const tn_kernel_def dones[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_done}, {0}};
static const tn_kernel_def syncs[] = {{.name = "reference", .prepare = prepare_same, .run = run_sync}, {0}};

static tn_error *shape_place(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){4});
  return NULL;
}

static tn_error *shape_given(tn_shape_ctx *c) {
  const tn_attr *shapes = tn_node_attr(c->node, "shapes");
  for (int i = 0; i < c->n_outputs && (size_t)i < shapes->n; i++) c->out[i] = shapes->shapes[i];
  return NULL;
}

static tn_error *shape_same(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = c->in[i];
  return NULL;
}

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED
#define WAITS FLAGS | TN_OP_BLOCKING

TN_OP(_CollectiveBegin, .inputs = "view: int64", .outputs = "",
      .attrs = "shards: int >= 1; types: list(type); elements: list(int)",
      .doc = "This task takes part in a ring from now on.", .flags = WAITS, .shape = tn_shape_no_outputs,
      .kernels = begins);
TN_OP(_CollectiveLeave, .inputs = "", .outputs = "", .attrs = "",
      .doc = "Waits until the ring needs this task no more.", .flags = WAITS, .shape = tn_shape_no_outputs,
      .kernels = leaves);
TN_OP(_CollectiveNext, .inputs = "step: int64, last: int64", .outputs = "place: int64", .attrs = "",
      .doc = "Waits for what this task is to do now that its variables are at STEP.", .flags = WAITS,
      .shape = shape_place, .kernels = nexts);
TN_OP(_CollectivePut, .inputs = "place: int64, gradients: N * T", .outputs = "",
      .attrs = "T: numbertype; N: int >= 1; bucket: int", .doc = "The gradients of a shard, of one bucket.",
      .flags = FLAGS, .shape = tn_shape_no_outputs, .kernels = puts);
TN_OP(_CollectiveTake, .inputs = "place: int64", .outputs = "means: N * T",
      .attrs = "T: numbertype; N: int >= 1; bucket: int; shapes: list(shape)",
      .doc = "The means of the gradients of all shards, of one bucket.", .flags = FLAGS, .shape = shape_given,
      .kernels = takes);
TN_OP(_CollectiveDone, .inputs = "place: int64", .outputs = "", .attrs = "", .doc = "The step of PLACE was made.",
      .flags = FLAGS, .shape = tn_shape_no_outputs, .kernels = dones);
TN_OP(_CollectiveSync, .inputs = "values: T", .outputs = "same: T", .attrs = "T: list(type)",
      .doc = "The values of the ring's root, everywhere.", .flags = WAITS, .shape = shape_same, .kernels = syncs);
