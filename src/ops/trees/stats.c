/* BoostedTreesMakeStatsSummary, BoostedTreesAggregateStats: sums of gradients and Hessians of the examples in a node,
 * by the bucket that their feature lies in. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

/* INVALID_ARGUMENT unless inputs 0 to 2 are N nodes, [N, ?] gradients and [N, ?] Hessians. */
static tn_error *check_examples(tn_prepare *p) {
  const tn_shape *nodes = &p->inputs[0].shape;
  static const char *const names[] = {"gradients", "hessians"};
  if (nodes->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "node_ids must be a vector, received shape %s",
                             TN_SHAPE_STR(nodes));
  for (int i = 1; i < 3; i++) {
    const tn_shape *shape = &p->inputs[i].shape;
    if (shape->rank != 2 || shape->dims[0] != nodes->dims[0] || shape->dims[1] < 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "node_ids size should match 0th dim of %s. node ids size: %lld, %s shape: %s",
                               names[i - 1], (long long)nodes->dims[0], names[i - 1], TN_SHAPE_STR(shape));
  }
  return NULL;
}

static tn_error *bad_place(const tn_run *r, const char *what, int64_t i, int32_t value, int64_t limit) {
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s %lld is %d, which is not in [0, %lld)", what, (long long)i,
                       (int)value, (long long)limit);
}

static void give(const double *sums, tn_tensor *out) {
  int64_t n = tn_elements(out);
  for (int64_t i = 0; i < n; i++) TN_DATA(float, out)[i] = (float)sums[i];
}

/* --- one number a gradient, several features --- */

static tn_error *prepare(tn_prepare *p) {
  int64_t features = tn_node_get_int(p->node, "num_features");
  tn_shape out = tn_shape_of(
      4, (int64_t[]){features, tn_node_get_int(p->node, "max_splits"), tn_node_get_int(p->node, "num_buckets"), 2});
  TN_TRY(check_examples(p));
  for (int f = 0; f < features; f++) {
    const tn_shape *shape = &p->inputs[3 + f].shape;
    if (shape->rank != 1 || shape->dims[0] != p->inputs[0].shape.dims[0])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "bucketized feature %d must have the shape %s, but has %s", f,
                               TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(shape));
  }
  TN_TRY(tn_prepare_output(p, 0, &out));
  p->scratch = (size_t)tn_shape_elements(&out) * sizeof(double);
  return NULL;
}

static tn_error *run(tn_run *r) {
  const int64_t *dims = r->outputs[0]->shape.dims, n = r->inputs[0]->shape.dims[0];
  const int64_t wide[] = {r->inputs[1]->shape.dims[1], r->inputs[2]->shape.dims[1]};
  double *sums = r->scratch;
  for (int64_t i = 0; i < tn_elements(r->outputs[0]); i++) sums[i] = 0;
  for (int64_t f = 0; f < dims[0]; f++) {
    for (int64_t i = 0; i < n; i++) {
      int32_t node = TN_DATA(int32_t, r->inputs[0])[i], bucket = TN_DATA(int32_t, r->inputs[3 + f])[i];
      if (node < 0 || node >= dims[1]) return bad_place(r, "node_ids", i, node, dims[1]);
      if (bucket < 0 || bucket >= dims[2]) return bad_place(r, "the bucket of example", i, bucket, dims[2]);
      double *at = sums + ((f * dims[1] + node) * dims[2] + bucket) * 2;
      at[0] += (double)TN_DATA(float, r->inputs[1])[i * wide[0]];
      at[1] += (double)TN_DATA(float, r->inputs[2])[i * wide[1]];
    }
  }
  give(sums, r->outputs[0]);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  int64_t features = tn_node_get_int(c->node, "num_features"), n;
  tn_shape nodes, gradients, hessians, feature;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &nodes));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &gradients));
  TN_TRY(tn_shape_with_rank(c, 2, 2, &hessians));
  TN_TRY(tn_dim_merge(c, nodes.dims[0], gradients.dims[0], &n));
  TN_TRY(tn_shape_merge(c, &gradients, &hessians, &hessians));
  for (int f = 0; f < features; f++) {
    TN_TRY(tn_shape_with_rank(c, 3 + f, 1, &feature));
    TN_TRY(tn_dim_merge(c, nodes.dims[0], feature.dims[0], &n));
  }
  c->out[0] = tn_shape_of(
      4, (int64_t[]){features, tn_node_get_int(c->node, "max_splits"), tn_node_get_int(c->node, "num_buckets"), 2});
  return NULL;
}

/* --- several numbers a gradient, one feature of several dimensions, some of which may be missing (-1) --- */

static tn_error *prepare_many(tn_prepare *p) {
  TN_TRY(check_examples(p));
  const tn_shape *feature = &p->inputs[3].shape;
  if (feature->rank != 2 || feature->dims[0] != p->inputs[0].shape.dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "feature must be a matrix with %lld rows, but is %s",
                             (long long)p->inputs[0].shape.dims[0], TN_SHAPE_STR(feature));
  tn_shape out = tn_shape_of(4, (int64_t[]){tn_node_get_int(p->node, "max_splits"), feature->dims[1],
                                            tn_node_get_int(p->node, "num_buckets") + 1,
                                            p->inputs[1].shape.dims[1] + p->inputs[2].shape.dims[1]});
  TN_TRY(tn_prepare_output(p, 0, &out));
  p->scratch = (size_t)tn_shape_elements(&out) * sizeof(double);
  return NULL;
}

/* Adds what example I says to AT. */
static void add_example(const tn_run *r, int64_t i, double *at) {
  for (int k = 1; k < 3; k++) {
    int64_t n = r->inputs[k]->shape.dims[1];
    for (int64_t j = 0; j < n; j++) *at++ += (double)TN_DATA(float, r->inputs[k])[i * n + j];
  }
}

static tn_error *run_many(tn_run *r) {
  const int64_t *dims = r->outputs[0]->shape.dims, n = r->inputs[0]->shape.dims[0];
  double *sums = r->scratch;
  for (int64_t i = 0; i < tn_elements(r->outputs[0]); i++) sums[i] = 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t node = TN_DATA(int32_t, r->inputs[0])[i];
    if (node < 0 || node >= dims[0]) return bad_place(r, "node_ids", i, node, dims[0]);
    for (int64_t d = 0; d < dims[1]; d++) {
      int32_t bucket = TN_DATA(int32_t, r->inputs[3])[i * dims[1] + d];
      if (bucket < -1 || bucket >= dims[2] - 1) return bad_place(r, "the bucket of example", i, bucket, dims[2] - 1);
      if (bucket == -1) bucket = (int32_t)(dims[2] - 1);
      add_example(r, i, sums + ((node * dims[1] + d) * dims[2] + bucket) * dims[3]);
    }
  }
  give(sums, r->outputs[0]);
  return NULL;
}

static tn_error *shape_many(tn_shape_ctx *c) {
  tn_shape nodes, seen[3];
  int64_t n;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &nodes));
  for (int i = 0; i < 3; i++) TN_TRY(tn_shape_with_rank(c, 1 + i, 2, &seen[i]));
  for (int i = 0; i < 3; i++) TN_TRY(tn_dim_merge(c, seen[i].dims[0], nodes.dims[0], &n));
  int64_t logits = seen[0].dims[1], hessians = seen[1].dims[1];
  c->out[0] = tn_shape_of(4, (int64_t[]){tn_node_get_int(c->node, "max_splits"), seen[2].dims[1],
                                         tn_node_get_int(c->node, "num_buckets") + 1,
                                         logits < 0 || hessians < 0 ? -1 : logits + hessians});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def kernels_many[] = {{.name = "reference", .prepare = prepare_many, .run = run_many}, {0}};

TN_OP(BoostedTreesMakeStatsSummary,
      .inputs = "node_ids: int32, gradients: float, hessians: float, bucketized_features_list: num_features * int32",
      .outputs = "stats_summary: float", .attrs = "max_splits: int >= 1; num_buckets: int >= 1; num_features: int >= 1",
      .doc = "Sums of gradients and Hessians by feature, node and bucket.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = kernels);
TN_OP(
    BoostedTreesAggregateStats, .inputs = "node_ids: int32, gradients: float, hessians: float, feature: int32",
    .outputs = "stats_summary: float", .attrs = "max_splits: int >= 1; num_buckets: int >= 1",
    .doc = "Sums of gradients and Hessians by node, dimension of the feature and bucket, the last for what is missing.",
    .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_many, .kernels = kernels_many);
