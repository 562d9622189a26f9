/* BoostedTreesSparseAggregateStats: sums of gradients and Hessians as a sparse tensor, of a sparse feature. */
#include <stdlib.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *prepare(tn_prepare *p) {
  tn_shape four = tn_shape_of(1, (int64_t[]){4});
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  return tn_prepare_output(p, 2, &four);
}

/* One example in one bucket of one dimension. */
typedef struct entry {
  int32_t node, dimension, bucket;
  int64_t example;
} entry;

static int compare_places(const entry *x, const entry *y) {
  if (x->node != y->node) return x->node < y->node ? -1 : 1;
  if (x->dimension != y->dimension) return x->dimension < y->dimension ? -1 : 1;
  return x->bucket < y->bucket ? -1 : x->bucket > y->bucket;
}

static int compare(const void *a, const void *b) {
  const entry *x = a, *y = b;
  int places = compare_places(x, y);
  return places ? places : x->example < y->example ? -1 : x->example > y->example;
}

static tn_error *check_ranks(const tn_run *r) {
  static const char *const names[] = {"node_ids",        "gradients",      "hessians",
                                      "feature_indices", "feature_values", "feature_shape"};
  static const int ranks[] = {1, 2, 2, 2, 1, 1};
  for (int i = 0; i < 6; i++) {
    if (r->inputs[i]->shape.rank != ranks[i])
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must be a %s, received shape %s", names[i],
                           ranks[i] == 1 ? "vector" : "matrix", TN_SHAPE_STR(&r->inputs[i]->shape));
  }
  return NULL;
}

static tn_error *check(const tn_run *r) {
  TN_TRY(check_ranks(r));
  int64_t n = r->inputs[0]->shape.dims[0], entries = r->inputs[3]->shape.dims[0];
  for (int i = 1; i < 3; i++) {
    if (r->inputs[i]->shape.dims[0] != n)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "node_ids has %lld elements, but %s the shape %s", (long long)n,
                           i == 1 ? "gradients" : "hessians", TN_SHAPE_STR(&r->inputs[i]->shape));
  }
  if (r->inputs[3]->shape.dims[1] != 2)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "feature_indices must be a matrix of shape [?, 2], received shape %s",
                         TN_SHAPE_STR(&r->inputs[3]->shape));
  if (r->inputs[4]->shape.dims[0] != entries)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Number of elements in feature_values must match number of sparse entries in "
                         "feature_indices. Got %lld and %lld",
                         (long long)r->inputs[4]->shape.dims[0], (long long)entries);
  if (r->inputs[5]->shape.dims[0] != 2 || TN_DATA(int32_t, r->inputs[5])[1] < 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "feature_shape must be two numbers, received shape %s",
                         TN_SHAPE_STR(&r->inputs[5]->shape));
  int64_t splits = tn_node_get_int(r->node, "max_splits");
  for (int64_t i = 0; i < n; i++) {
    int32_t node = TN_DATA(int32_t, r->inputs[0])[i];
    if (node < 0 || node > splits)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Nodes in node_ids must be at most max_splits. Node %lld is %d, max_splits %lld",
                           (long long)i, (int)node, (long long)splits);
  }
  return NULL;
}

/* Entry I of the feature lies after the one before it, inside, in a bucket that there is. */
static tn_error *check_entry(const tn_run *r, int64_t i, int64_t examples) {
  const int32_t *at = TN_DATA(int32_t, r->inputs[3]) + 2 * i;
  int32_t wide = TN_DATA(int32_t, r->inputs[5])[1], bucket = TN_DATA(int32_t, r->inputs[4])[i];
  int64_t buckets = tn_node_get_int(r->node, "num_buckets");
  if (at[0] < 0 || at[0] >= examples || at[1] < 0 || at[1] >= wide)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "feature_indices[%lld] is [%d, %d], which is not in [%lld, %d]",
                         (long long)i, (int)at[0], (int)at[1], (long long)examples, (int)wide);
  if (i > 0 && (at[0] < at[-2] || (at[0] == at[-2] && at[1] <= at[-1])))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "feature_indices should be increasing, but [%d, %d] comes before [%d, %d]", (int)at[-2],
                         (int)at[-1], (int)at[0], (int)at[1]);
  if (bucket < 0 || bucket > buckets)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Features in feature_values must be at most num_buckets. Feature %lld is %d, num_buckets %lld",
                         (long long)i, (int)bucket, (long long)buckets);
  return NULL;
}

/* Every example in every dimension: in the bucket that the feature says, else in that of missing values. */
static tn_error *list(const tn_run *r, entry *all, int64_t examples, int32_t wide) {
  int64_t n = r->inputs[3]->shape.dims[0], next = 0;
  int32_t missing = (int32_t)tn_node_get_int(r->node, "num_buckets");
  const int32_t *at = TN_DATA(int32_t, r->inputs[3]);
  for (int64_t i = 0; i < n; i++) TN_TRY(check_entry(r, i, examples));
  for (int64_t i = 0; i < examples; i++) {
    for (int32_t d = 0; d < wide; d++) {
      bool said = next < n && at[2 * next] == i && at[2 * next + 1] == d;
      int32_t bucket = said ? TN_DATA(int32_t, r->inputs[4])[next] : missing;
      next += said;
      all[i * wide + d] = (entry){TN_DATA(int32_t, r->inputs[0])[i], d, bucket, i};
    }
  }
  return NULL;
}

static void put(const tn_run *r, const entry *e, int64_t slot, int64_t sums) {
  int32_t *at = TN_DATA(int32_t, r->outputs[0]) + slot * sums * 4;
  for (int64_t k = 0; k < sums; k++, at += 4) {
    at[0] = e->node;
    at[1] = e->dimension;
    at[2] = e->bucket;
    at[3] = (int32_t)k;
    TN_DATA(float, r->outputs[1])[slot * sums + k] = 0;
  }
}

static void add(const tn_run *r, int64_t example, float *values) {
  for (int k = 1; k < 3; k++) {
    int64_t n = r->inputs[k]->shape.dims[1];
    for (int64_t j = 0; j < n; j++) *values++ += TN_DATA(float, r->inputs[k])[example * n + j];
  }
}

static tn_error *give(tn_run *r, const entry *all, int64_t n, int32_t wide) {
  int64_t sums = r->inputs[1]->shape.dims[1] + r->inputs[2]->shape.dims[1], slots = 0, slot = -1;
  for (int64_t i = 0; i < n; i++) slots += i == 0 || compare_places(&all[i - 1], &all[i]) != 0;
  tn_shape indices = tn_shape_of(2, (int64_t[]){slots * sums, 4}), values = tn_shape_of(1, (int64_t[]){slots * sums});
  TN_TRY(tn_run_allocate(r, 0, &indices));
  TN_TRY(tn_run_allocate(r, 1, &values));
  for (int64_t i = 0; i < n; i++) {
    if (i == 0 || compare_places(&all[i - 1], &all[i]) != 0) put(r, &all[i], ++slot, sums);
    add(r, all[i].example, TN_DATA(float, r->outputs[1]) + slot * sums);
  }
  int32_t *shape = TN_DATA(int32_t, r->outputs[2]);
  shape[0] = (int32_t)tn_node_get_int(r->node, "max_splits");
  shape[1] = wide;
  shape[2] = (int32_t)tn_node_get_int(r->node, "num_buckets") + 1;
  shape[3] = (int32_t)sums;
  return NULL;
}

static tn_error *run(tn_run *r) {
  TN_TRY(check(r));
  int64_t examples = r->inputs[0]->shape.dims[0];
  int32_t wide = TN_DATA(int32_t, r->inputs[5])[1];
  if (wide > 0 && examples > ((int64_t)1 << 40) / wide)
    return tn_run_errorf(r, TN_RESOURCE_EXHAUSTED, "%lld examples of %d dimensions are too many", (long long)examples,
                         (int)wide);
  int64_t n = examples * wide;
  void *memory;
  size_t size = ((size_t)n + 1) * sizeof(entry);
  TN_TRY(tn_alloc_aligned(size, &memory));
  entry *all = memory;
  tn_error *error = list(r, all, examples, wide);
  if (!error) qsort(all, (size_t)n, sizeof *all, compare);
  if (!error) error = give(r, all, n, wide);
  tn_free_aligned(memory, size);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  static const int ranks[] = {1, 2, 2, 2, 1, 1};
  tn_shape seen[6];
  int64_t n;
  for (int i = 0; i < 6; i++) TN_TRY(tn_shape_with_rank(c, i, ranks[i], &seen[i]));
  TN_TRY(tn_dim_merge(c, seen[1].dims[0], seen[0].dims[0], &n));
  TN_TRY(tn_dim_merge(c, seen[2].dims[0], seen[0].dims[0], &n));
  TN_TRY(tn_dim_merge(c, seen[3].dims[0], seen[4].dims[0], &n));
  TN_TRY(tn_dim_merge(c, seen[5].dims[0], 2, &n));
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, 4});
  c->out[1] = tn_shape_of(1, (int64_t[]){-1});
  c->out[2] = tn_shape_of(1, (int64_t[]){4});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(BoostedTreesSparseAggregateStats,
      .inputs = "node_ids: int32, gradients: float, hessians: float, feature_indices: int32, feature_values: int32, "
                "feature_shape: int32",
      .outputs = "stats_summary_indices: int32, stats_summary_values: float, stats_summary_shape: int32",
      .attrs = "max_splits: int >= 1; num_buckets: int >= 1",
      .doc = "Sums of gradients and Hessians of a sparse feature, as a sparse tensor.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
