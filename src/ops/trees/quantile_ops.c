/* BoostedTreesMakeQuantileSummaries, BoostedTreesBucketize: numbers to summaries, and to the buckets between
 * boundaries. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "ops/trees/quantiles.h"

/* --- summaries --- */

static tn_error *summarise(tn_run *r, int i, const tn_tensor *weights, float error) {
  int64_t n = tn_elements(r->inputs[i]), wide = tn_elements(weights);
  tn_quantile_stream stream;
  tn_quantile_stream_init(&stream, (double)error, n + 1);
  tn_error *failed = NULL;
  for (int64_t j = 0; j < n && !failed; j++)
    failed =
        tn_quantile_stream_push(&stream, TN_DATA(float, r->inputs[i])[j], TN_DATA(float, weights)[wide > 1 ? j : 0]);
  if (!failed) failed = tn_quantile_stream_finish(&stream);
  if (!failed) failed = tn_quantiles_give(r, i, &stream.local);
  tn_quantile_stream_clear(&stream);
  return failed;
}

static tn_error *run(tn_run *r) {
  int features = (int)tn_node_get_int(r->node, "num_features");
  const tn_tensor *weights = r->inputs[features], *epsilon = r->inputs[features + 1];
  if (features == 0) return NULL;
  int64_t wide = tn_elements(weights), n = tn_elements(r->inputs[0]);
  if (epsilon->shape.rank != 0 || !(*TN_DATA(float, epsilon) > 0 && *TN_DATA(float, epsilon) < 1))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "epsilon must be a scalar in (0, 1)");
  if (wide != 1 && wide != n)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Weights should be a single value or same size as features.");
  for (int i = 0; i < features; i++) {
    if (tn_elements(r->inputs[i]) != n)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "float_values[%d] has %lld elements, the first one %lld", i,
                           (long long)tn_elements(r->inputs[i]), (long long)n);
    TN_TRY(summarise(r, i, weights, *TN_DATA(float, epsilon)));
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  int features = (int)tn_node_get_int(c->node, "num_features");
  tn_shape seen;
  TN_TRY(tn_shape_with_rank(c, features, 1, &seen));
  for (int i = 0; i < features; i++) TN_TRY(tn_shape_with_rank(c, i, 1, &seen));
  TN_TRY(tn_shape_with_rank(c, features + 1, 0, &seen));
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_of(2, (int64_t[]){-1, 4});
  return NULL;
}

/* --- buckets --- */

/* The first of N boundaries that is not below VALUE, or the last one. */
static int32_t bucket_of(const float *bounds, int64_t n, float value) {
  int64_t low = 0, count = n;
  while (count > 0) {
    int64_t half = count / 2;
    if (bounds[low + half] < value) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return (int32_t)(low < n || n == 0 ? low : n - 1);
}

static tn_error *run_bucketize(tn_run *r) {
  int features = (int)tn_node_get_int(r->node, "num_features");
  for (int i = 0; i < features; i++) {
    const tn_tensor *values = r->inputs[i], *bounds = r->inputs[features + i];
    if (bounds->shape.rank != 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Buckets should be flat vectors.");
    if (values->shape.rank < 1 || tn_elements(values) < values->shape.dims[0])
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "float_values[%d] must be a vector, but is %s", i,
                           TN_SHAPE_STR(&values->shape));
    tn_shape out = tn_shape_of(1, values->shape.dims);
    TN_TRY(tn_run_allocate(r, i, &out));
    for (int64_t j = 0; j < values->shape.dims[0]; j++)
      TN_DATA(int32_t, r->outputs[i])[j] = bucket_of(bounds->data, bounds->shape.dims[0], TN_DATA(float, values)[j]);
  }
  return NULL;
}

static tn_error *shape_bucketize(tn_shape_ctx *c) {
  int features = (int)tn_node_get_int(c->node, "num_features");
  tn_shape seen, first;
  int64_t same;
  for (int i = 0; i < features; i++) {
    TN_TRY(tn_shape_with_rank(c, i, 1, &seen));
    if (i == 0) first = seen;
    TN_TRY(tn_dim_merge(c, first.dims[0], seen.dims[0], &same));
    TN_TRY(tn_shape_with_rank(c, features + i, 1, &seen));
    c->out[i] = tn_shape_of(1, first.dims);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run}, {0}};
static const tn_kernel_def bucketizes[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_bucketize}, {0}};

TN_OP(BoostedTreesMakeQuantileSummaries,
      .inputs = "float_values: num_features * float, example_weights: float, epsilon: float",
      .outputs = "summaries: num_features * float", .attrs = "num_features: int >= 0",
      .doc = "A summary of each feature: values with weights and the least and largest ranks they can have.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
TN_OP(BoostedTreesBucketize, .inputs = "float_values: num_features * float, bucket_boundaries: num_features * float",
      .outputs = "buckets: num_features * int32", .attrs = "num_features: int >= 0",
      .doc = "The bucket between boundaries that each number of each feature lies in.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_bucketize, .kernels = bucketizes);
