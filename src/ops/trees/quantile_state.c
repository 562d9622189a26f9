/* The resource of quantile streams: handles, making it, adding summaries to it, and the boundaries that come of it. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "graph/shape.h"
#include "kernel/handle.h"
#include "ops/trees/quantiles.h"

/* --- the resource --- */

static void destroy(tn_object *object) {
  tn_quantiles *q = (tn_quantiles *)object;
  for (int64_t i = 0; i < q->n; i++) {
    tn_quantile_stream_clear(&q->streams[i]);
    tn_free(q->bounds[i].values);
  }
  tn_free(q->streams);
  tn_free(q->bounds);
  pthread_mutex_destroy(&q->lock);
  tn_free(q);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  (void)argument;
  (void)name;
  tn_quantiles *q = tn_calloc(1, sizeof *q);
  if (!q) return tn_out_of_memory();
  atomic_init(&q->object.refs, 1);
  q->object.type = TN_QUANTILES_TYPE;
  q->object.destroy = destroy;
  pthread_mutex_init(&q->lock, NULL);
  *out = &q->object;
  return NULL;
}

tn_error *tn_quantiles_lock(const tn_run *r, tn_quantiles **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_QUANTILES_TYPE, &object));
  tn_quantiles *q = (tn_quantiles *)object;
  tn_lock(&q->lock);
  if (q->made) {
    *out = q;
    return NULL;
  }
  tn_unlock(&q->lock);
  return tn_run_errorf(r, TN_NOT_FOUND, "Resource %s does not exist: no BoostedTreesCreateQuantileStreamResource ran",
                       TN_QUANTILES_TYPE);
}

void tn_quantiles_unlock(tn_quantiles *q) { tn_unlock(&q->lock); }

void tn_quantiles_reset(tn_quantiles *q) {
  for (int64_t i = 0; i < q->n; i++) {
    tn_quantile_stream_clear(&q->streams[i]);
    tn_quantile_stream_init(&q->streams[i], (double)q->error, q->elements);
  }
}

tn_error *tn_quantiles_give(tn_run *r, int i, const tn_quantile_summary *s) {
  tn_shape shape = tn_shape_of(2, (int64_t[]){s->n, 4});
  TN_TRY(tn_run_allocate(r, i, &shape));
  if (s->n > 0) memcpy(r->outputs[i]->data, s->items, (size_t)s->n * sizeof *s->items);
  return NULL;
}

static tn_error *prepare_handle(tn_prepare *p) {
  tn_object *object = NULL;
  tn_handle_request request = {TN_QUANTILES_TYPE, create, NULL};
  return tn_handle_prepare(p, &request, &object);
}

static tn_error *prepare_made(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_made(tn_run *r) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_QUANTILES_TYPE, &object));
  tn_quantiles *q = (tn_quantiles *)object;
  tn_lock(&q->lock);
  *TN_DATA(bool, r->outputs[0]) = q->made;
  tn_unlock(&q->lock);
  return NULL;
}

/* --- making it: the first one counts --- */

static tn_error *make(tn_quantiles *q, float error, int64_t n, int64_t elements) {
  tn_quantile_stream *streams = tn_calloc((size_t)n + 1, sizeof *streams);
  tn_quantile_bounds *bounds = tn_calloc((size_t)n + 1, sizeof *bounds);
  if (!streams || !bounds) {
    tn_free(streams);
    tn_free(bounds);
    return tn_out_of_memory();
  }
  q->made = true;
  q->error = error;
  q->elements = elements;
  q->n = n;
  q->streams = streams;
  q->bounds = bounds;
  tn_quantiles_reset(q);
  return NULL;
}

static tn_error *run_create(tn_run *r) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_QUANTILES_TYPE, &object));
  for (int i = 1; i < 3; i++) {
    if (r->inputs[i]->shape.rank != 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must be a scalar, got a tensor of shape %s",
                           i == 1 ? "epsilon" : "num_streams", TN_SHAPE_STR(&r->inputs[i]->shape));
  }
  float error = *TN_DATA(float, r->inputs[1]);
  int64_t n = *TN_DATA(int64_t, r->inputs[2]), elements = tn_node_get_int(r->node, "max_elements");
  if (!(error > 0 && error < 1))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "epsilon must be in (0, 1), but is %g: an epsilon value of zero is not allowed",
                         (double)error);
  if (n < 0 || n > 1 << 24)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_streams must be in [0, 2^24], but is %lld", (long long)n);
  if (elements < 1 || elements > (int64_t)1 << 60)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "max_elements must be in [1, 2^60], but is %lld", (long long)elements);
  tn_quantiles *q = (tn_quantiles *)object;
  tn_lock(&q->lock);
  tn_error *failed = q->made ? NULL : make(q, error, n, elements);
  tn_unlock(&q->lock);
  return failed;
}

/* --- adding to it --- */

static tn_error *check_count(const tn_run *r, const tn_quantiles *q, const char *attr) {
  int64_t n = tn_node_get_int(r->node, attr);
  if (n == q->n) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s is %lld, but the resource has %lld streams", attr, (long long)n,
                       (long long)q->n);
}

static tn_error *add(const tn_run *r, tn_quantiles *q) {
  TN_TRY(check_count(r, q, "num_features"));
  for (int64_t i = 0; i < q->n; i++) {
    const tn_shape *shape = &r->inputs[1 + i]->shape;
    if (shape->rank != 2 || shape->dims[1] != 4)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "summaries[%lld] must be a matrix [?, 4], but is %s", (long long)i,
                           TN_SHAPE_STR(shape));
  }
  for (int64_t i = 0; i < q->n; i++)
    TN_TRY(tn_quantile_stream_push_summary(&q->streams[i], r->inputs[1 + i]->data, r->inputs[1 + i]->shape.dims[0]));
  return NULL;
}

static tn_error *run_add(tn_run *r) {
  tn_quantiles *q = NULL;
  TN_TRY(tn_quantiles_lock(r, &q));
  tn_error *error = add(r, q);
  tn_quantiles_unlock(q);
  return error;
}

/* --- finishing it --- */

static tn_error *flush_summaries(tn_run *r, tn_quantiles *q) {
  TN_TRY(check_count(r, q, "num_features"));
  for (int64_t i = 0; i < q->n; i++) {
    TN_TRY(tn_quantile_stream_finish(&q->streams[i]));
    TN_TRY(tn_quantiles_give(r, (int)i, &q->streams[i].local));
  }
  return NULL;
}

static tn_error *run_flush_summaries(tn_run *r) {
  tn_quantiles *q = NULL;
  TN_TRY(tn_quantiles_lock(r, &q));
  tn_error *error = flush_summaries(r, q);
  tn_quantiles_reset(q);
  tn_quantiles_unlock(q);
  return error;
}

static tn_error *flush(const tn_run *r, tn_quantiles *q, int64_t buckets) {
  bool quantiles = tn_node_get_bool(r->node, "generate_quantiles");
  for (int64_t i = 0; i < q->n; i++) {
    tn_quantile_bounds made = {0}, *kept = &q->bounds[i];
    TN_TRY(tn_quantile_stream_finish(&q->streams[i]));
    if (quantiles) {
      TN_TRY(tn_quantile_quantiles(&q->streams[i], buckets - 1, &made.values, &made.n));
    } else {
      TN_TRY(tn_quantile_boundaries(&q->streams[i], buckets, &made.values, &made.n));
    }
    tn_free(kept->values);
    *kept = made;
  }
  return NULL;
}

static tn_error *run_flush(tn_run *r) {
  tn_quantiles *q = NULL;
  if (r->inputs[1]->shape.rank != 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_buckets must be a scalar, got a tensor of shape %s",
                         TN_SHAPE_STR(&r->inputs[1]->shape));
  int64_t buckets = *TN_DATA(int64_t, r->inputs[1]);
  if (buckets < 1 || buckets > 1 << 24)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_buckets must be in [1, 2^24], but is %lld", (long long)buckets);
  TN_TRY(tn_quantiles_lock(r, &q));
  tn_error *error = flush(r, q, buckets);
  tn_quantiles_reset(q);
  tn_quantiles_unlock(q);
  return error;
}

/* --- the boundaries --- */

static tn_error *read_bounds(const tn_run *r, tn_quantiles *q) {
  TN_TRY(check_count(r, q, "num_streams"));
  for (int64_t i = 0; i < q->n; i++) {
    const tn_tensor *t = r->inputs[1 + i];
    if (t->shape.rank != 1)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "bucket_boundaries[%lld] must be a vector, but is %s", (long long)i,
                           TN_SHAPE_STR(&t->shape));
    float *values = tn_calloc((size_t)t->shape.dims[0] + 1, sizeof *values);
    if (!values) return tn_out_of_memory();
    if (t->shape.dims[0] > 0) memcpy(values, t->data, (size_t)t->shape.dims[0] * sizeof *values);
    tn_free(q->bounds[i].values);
    q->bounds[i] = (tn_quantile_bounds){t->shape.dims[0], values};
  }
  return NULL;
}

static tn_error *run_deserialize(tn_run *r) {
  tn_quantiles *q = NULL;
  TN_TRY(tn_quantiles_lock(r, &q));
  tn_error *error = read_bounds(r, q);
  tn_quantiles_unlock(q);
  return error;
}

static tn_error *give_bounds(tn_run *r, const tn_quantiles *q) {
  TN_TRY(check_count(r, q, "num_features"));
  for (int64_t i = 0; i < q->n; i++) {
    tn_shape shape = tn_shape_of(1, &q->bounds[i].n);
    TN_TRY(tn_run_allocate(r, (int)i, &shape));
    if (q->bounds[i].n > 0) memcpy(r->outputs[i]->data, q->bounds[i].values, (size_t)q->bounds[i].n * sizeof(float));
  }
  return NULL;
}

static tn_error *run_bounds(tn_run *r) {
  tn_quantiles *q = NULL;
  TN_TRY(tn_quantiles_lock(r, &q));
  tn_error *error = give_bounds(r, q);
  tn_quantiles_unlock(q);
  return error;
}

/* --- the ops --- */

static tn_error *shape_scalars(tn_shape_ctx *c) {
  tn_shape seen;
  for (int i = 0; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &seen));
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_scalar();
  return NULL;
}

static tn_error *shape_add(tn_shape_ctx *c) {
  tn_shape seen;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &seen));
  for (int i = 1; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 2, &seen));
  return NULL;
}

/* TensorFlow's asks for a first scalar, which no boundaries are: they come from a checkpoint, of unknown shape. */
static tn_error *shape_read(tn_shape_ctx *c) {
  tn_shape seen;
  return tn_shape_with_rank(c, 0, 0, &seen);
}

static tn_error *shape_summaries(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_of(2, (int64_t[]){-1, 4});
  return NULL;
}

static tn_error *shape_bounds(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static const tn_kernel_def handles[] = {
    {.name = "reference", .prepare = prepare_handle, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def mades[] = {{.name = "reference", .prepare = prepare_made, .run = run_made}, {0}};
static const tn_kernel_def creates[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_create},
                                        {0}};
static const tn_kernel_def adds[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_add}, {0}};
static const tn_kernel_def summaries[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_flush_summaries}, {0}};
static const tn_kernel_def flushes[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_flush},
                                        {0}};
static const tn_kernel_def reads[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_deserialize},
                                      {0}};
static const tn_kernel_def bounds[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_bounds},
                                       {0}};

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(BoostedTreesQuantileStreamResourceHandleOp, .inputs = "", .outputs = "resource: resource",
      .attrs = "container: string = ''; shared_name: string = ''",
      .doc = "A handle of streams whose quantiles are sought.", .flags = FLAGS, .shape = tn_shape_scalar_out,
      .kernels = handles);
TN_OP(IsBoostedTreesQuantileStreamResourceInitialized, .inputs = "quantile_stream_resource_handle: resource",
      .outputs = "is_initialized: bool", .attrs = "", .doc = "Whether the streams were made.",
      .flags = FLAGS | TN_OP_READ_ONLY, .shape = shape_scalars, .kernels = mades);
TN_OP(BoostedTreesCreateQuantileStreamResource,
      .inputs = "quantile_stream_resource_handle: resource, epsilon: float, num_streams: int64", .outputs = "",
      .attrs = "max_elements: int = 1099511627776", .doc = "Makes streams; nothing where they exist.", .flags = FLAGS,
      .shape = shape_scalars, .kernels = creates);
TN_OP(BoostedTreesQuantileStreamResourceAddSummaries,
      .inputs = "quantile_stream_resource_handle: resource, summaries: num_features * float", .outputs = "",
      .attrs = "num_features: int >= 0", .doc = "Adds a summary to each stream.", .flags = FLAGS, .shape = shape_add,
      .kernels = adds);
TN_OP(BoostedTreesFlushQuantileSummaries, .inputs = "quantile_stream_resource_handle: resource",
      .outputs = "summaries: num_features * float", .attrs = "num_features: int >= 0",
      .doc = "The summaries of all streams, which begin anew.", .flags = FLAGS | TN_OP_DYNAMIC_SHAPE,
      .shape = shape_summaries, .kernels = summaries);
TN_OP(BoostedTreesQuantileStreamResourceFlush,
      .inputs = "quantile_stream_resource_handle: resource, num_buckets: int64", .outputs = "",
      .attrs = "generate_quantiles: bool = false", .doc = "Makes boundaries of the streams, which begin anew.",
      .flags = FLAGS, .shape = shape_scalars, .kernels = flushes);
TN_OP(BoostedTreesQuantileStreamResourceDeserialize,
      .inputs = "quantile_stream_resource_handle: resource, bucket_boundaries: num_streams * float", .outputs = "",
      .attrs = "num_streams: int >= 1", .doc = "Sets the boundaries of all streams.", .flags = FLAGS,
      .shape = shape_read, .kernels = reads);
TN_OP(BoostedTreesQuantileStreamResourceGetBucketBoundaries, .inputs = "quantile_stream_resource_handle: resource",
      .outputs = "bucket_boundaries: num_features * float", .attrs = "num_features: int >= 0",
      .doc = "The boundaries that were made of the streams.", .flags = FLAGS | TN_OP_DYNAMIC_SHAPE | TN_OP_READ_ONLY,
      .shape = shape_bounds, .kernels = bounds);
