/* _ShardGradients and what goes with it: the gradients of one variable, by shard, until all of a step have come. Those
 * of another epoch or an old step are dropped, and so is a second one of the same shard, which has the same bits. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/thread.h"
#include "graph/shape.h"
#include "kernel/handle.h"
#include "kernel/step.h"
#include "ops/state/shards.h"

#define TYPE "ShardGradients"

typedef struct gradients {
  tn_object object;
  int n;                 /* shards */
  pthread_mutex_t mutex; /* guards what follows */
  int64_t epoch, step;
  tn_tensor *values;  /* of each shard; dtype TN_INVALID: it has not come */
  tn_tensor *indices; /* of rows */
} gradients;

static void clear(gradients *g) {
  for (int i = 0; i < g->n; i++) {
    tn_tensor_clear(&g->values[i]);
    tn_tensor_clear(&g->indices[i]);
    g->values[i] = g->indices[i] = (tn_tensor){.dtype = TN_INVALID};
  }
}

static void destroy(tn_object *object) {
  gradients *g = (gradients *)object;
  if (g->values && g->indices) clear(g);
  tn_free(g->values);
  tn_free(g->indices);
  pthread_mutex_destroy(&g->mutex);
  tn_free(g);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  (void)name;
  gradients *g = tn_calloc(1, sizeof *g);
  if (!g) return tn_out_of_memory();
  atomic_init(&g->object.refs, 1);
  g->object.type = TYPE;
  g->object.destroy = destroy;
  pthread_mutex_init(&g->mutex, NULL);
  g->n = (int)tn_node_get_int(argument, "shards");
  g->values = tn_calloc((size_t)g->n, sizeof *g->values);
  g->indices = tn_calloc((size_t)g->n, sizeof *g->indices);
  if (!g->values || !g->indices) {
    tn_object_unref(&g->object);
    return tn_out_of_memory();
  }
  clear(g);
  *out = &g->object;
  return NULL;
}

static tn_error *prepare_handle(tn_prepare *p) {
  tn_object *object;
  tn_handle_request request = {TYPE, create, (void *)p->node};
  return tn_handle_prepare(p, &request, &object);
}

static tn_error *gradients_of(const tn_run *r, gradients **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TYPE, &object));
  *out = (gradients *)object;
  return NULL;
}

/* --- beginning anew --- */

static tn_error *run_reset(tn_run *r) {
  gradients *g = NULL;
  TN_TRY(gradients_of(r, &g));
  tn_lock(&g->mutex);
  clear(g);
  g->epoch = *TN_DATA(const int64_t, r->inputs[1]);
  g->step = *TN_DATA(const int64_t, r->inputs[2]);
  tn_unlock(&g->mutex);
  return NULL;
}

/* --- what comes --- */

/* VALUE to keep: a copy where its bytes belong to somebody who may change them. */
static tn_error *keep(tn_tensor *to, const tn_tensor *value) {
  if (!value->buffer || value->buffer->release) return tn_tensor_init_copy(to, value);
  tn_tensor_set(to, value);
  return NULL;
}

/* With the lock held. */
static tn_error *put(const tn_run *r, gradients *g, const tn_shard_place *at) {
  const tn_tensor *value = r->inputs[2], *indices = r->n_inputs > 3 ? r->inputs[3] : NULL;
  if (at->shard < 0 || at->shard >= g->n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "shard %lld is not one of %d", (long long)at->shard, g->n);
  }
  if (indices &&
      (indices->shape.rank != 1 || value->shape.rank < 1 || indices->shape.dims[0] != value->shape.dims[0])) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "as many rows as indices are needed; there are %s and %s",
                         TN_SHAPE_STR(&value->shape), TN_SHAPE_STR(&indices->shape));
  }
  tn_tensor *to = &g->values[at->shard];
  if (to->dtype != TN_INVALID) return NULL;
  if (indices) TN_TRY(keep(&g->indices[at->shard], indices));
  return keep(to, value);
}

static tn_error *run_put(tn_run *r) {
  gradients *g = NULL;
  tn_shard_place at;
  TN_TRY(gradients_of(r, &g));
  TN_TRY(tn_shard_place_of(r, 1, &at));
  tn_fault("put");
  tn_lock(&g->mutex);
  bool wanted = at.kind == TN_SHARD_COMPUTE && at.epoch == g->epoch && at.step == g->step;
  tn_error *error = wanted ? put(r, g, &at) : NULL;
  tn_unlock(&g->mutex);
  return error;
}

/* --- what is taken --- */

/* With the lock held: all of the step are here, and look alike. */
static tn_error *check(const tn_run *r, const gradients *g, const tn_shard_place *at) {
  if (at->epoch != g->epoch || at->step != g->step) {
    return tn_run_errorf(r, TN_ABORTED, "the update of step %lld is not of this epoch, which is at step %lld",
                         (long long)at->step, (long long)g->step);
  }
  const tn_shape *first = &g->values[0].shape;
  bool rows = r->n_outputs == 2;
  for (int i = 0; i < g->n; i++) {
    const tn_tensor *v = &g->values[i];
    if (v->dtype == TN_INVALID) {
      return tn_run_errorf(r, TN_ABORTED, "shard %d of step %lld is missing: was this task restarted?", i,
                           (long long)at->step);
    }
    bool same = v->dtype == g->values[0].dtype && v->shape.rank == first->rank;
    for (int d = rows; same && d < first->rank; d++) same = v->shape.dims[d] == first->dims[d];
    if (same) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the gradient of shard %d is %s %s, that of shard 0 %s %s", i,
                         tn_dtype_name(v->dtype), TN_SHAPE_STR(&v->shape), tn_dtype_name(g->values[0].dtype),
                         TN_SHAPE_STR(first));
  }
  return NULL;
}

/* All rows, one shard after the other; output I gets those of VALUES. */
static tn_error *join(tn_run *r, int i, int n, const tn_tensor *values) {
  tn_shape shape = values[0].shape;
  shape.dims[0] = 0;
  for (int k = 0; k < n; k++) shape.dims[0] += values[k].shape.dims[0];
  TN_TRY(tn_run_allocate(r, i, &shape));
  char *to = r->outputs[i]->data;
  for (int k = 0; k < n; k++) {
    size_t size = (size_t)tn_elements(&values[k]) * tn_dtype_size(values[k].dtype);
    if (size) memcpy(to, values[k].data, size);
    to += size;
  }
  return NULL;
}

static tn_error *take(tn_run *r, gradients *g) {
  if (r->n_outputs == 2) {
    TN_TRY(join(r, 0, g->n, g->indices));
    TN_TRY(join(r, 1, g->n, g->values));
    return tn_shard_divide(g->values[0].dtype, r->outputs[1]->data, tn_elements(r->outputs[1]), g->n);
  }
  tn_tensor mean = {.dtype = TN_INVALID};
  TN_TRY(tn_shard_mean(g->n, g->values, &mean));
  tn_run_set(r, 0, &mean);
  tn_tensor_clear(&mean);
  return NULL;
}

static tn_error *run_take(tn_run *r) {
  gradients *g = NULL;
  tn_shard_place at;
  TN_TRY(gradients_of(r, &g));
  TN_TRY(tn_shard_place_of(r, 1, &at));
  tn_lock(&g->mutex);
  tn_error *error = check(r, g, &at);
  if (!error) error = take(r, g);
  if (!error) {
    clear(g);
    g->step++;
  }
  tn_unlock(&g->mutex);
  tn_fault("apply");
  return error;
}

static const tn_kernel_def handles[] = {
    {.name = "reference", .prepare = prepare_handle, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def resets[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_reset}, {0}};
static const tn_kernel_def puts[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_put}, {0}};
static const tn_kernel_def takes[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_take}, {0}};

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(_ShardGradients, .inputs = "", .outputs = "handle: resource",
      .attrs = "shards: int >= 1; container: string = ''; shared_name: string = ''",
      .doc = "The gradients of one variable, by shard.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = handles);
TN_OP(_ShardGradientsReset, .inputs = "handle: resource, epoch: int64, step: int64", .outputs = "", .attrs = "",
      .doc = "Drops all gradients; those of EPOCH and STEP are wanted from now on.", .flags = FLAGS,
      .shape = tn_shape_no_outputs, .kernels = resets);
TN_OP(_ShardPut, .inputs = "handle: resource, place: int64, gradient: T", .outputs = "", .attrs = "T: numbertype",
      .doc = "Keeps the gradient of a shard, unless it is of another epoch or step.", .flags = FLAGS,
      .shape = tn_shape_no_outputs, .kernels = puts);
TN_OP(_ShardPutRows, .inputs = "handle: resource, place: int64, gradient: T, indices: int64", .outputs = "",
      .attrs = "T: numbertype", .doc = "_ShardPut of rows, which belong at INDICES.", .flags = FLAGS,
      .shape = tn_shape_no_outputs, .kernels = puts);
TN_OP(_ShardTake, .inputs = "handle: resource, place: int64", .outputs = "mean: T", .attrs = "T: numbertype",
      .doc = "The mean of the gradients of all shards, added in their order; ABORTED if one is missing.",
      .flags = FLAGS | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .kernels = takes);
TN_OP(_ShardTakeRows, .inputs = "handle: resource, place: int64", .outputs = "indices: int64, values: T",
      .attrs = "T: numbertype", .doc = "The rows of all shards, in their order, divided by the number of shards.",
      .flags = FLAGS | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .kernels = takes);
