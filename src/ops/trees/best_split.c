/* BoostedTreesCalculateBestFeatureSplit and ...V2: the best split of each node over the dimensions of one feature, or
 * over several features. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "ops/string/string_array.h"
#include "ops/trees/split.h"

/* What all nodes are looked at with. */
typedef struct search {
  tn_split_solver solver;
  tn_splits splits;
  int32_t range[2];
  float complexity, least;
  int features, sums;                 /* SUMS numbers a bucket */
  const tn_tensor *const *stats;      /* per feature: [splits, dimensions, buckets and one, sums] */
  const tn_tensor *split_types, *ids; /* per feature; NULL: there is one feature, and it has the attribute's type */
  float *scratch;                     /* 5 sums, and the node's */
} search;

static bool is_inequality(const tn_run *r, const search *s, int feature) {
  if (!s->split_types) return tn_node_string_is(r->node, "split_type", "inequality");
  tn_string type = tn_strings_of(s->split_types)[feature];
  return type.size == 10;
}

static float norm(const float *x, int n) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * x[i];
  return sqrtf(sum);
}

static void sum_buckets(const search *s, const float *stats, int64_t buckets, float *total) {
  for (int i = 0; i < s->sums; i++) total[i] = 0;
  for (int64_t b = 0; b < buckets; b++)
    for (int i = 0; i < s->sums; i++) total[i] += stats[b * s->sums + i];
}

/* The best split of NODE by feature F, which is FOUND's where it is better than that. */
static tn_error *search_feature(const tn_run *r, search *s, int f, tn_split **found) {
  const int64_t *dims = s->stats[f]->shape.dims;
  int32_t node = (*found)->node;
  tn_split_feature feature = {.stats = TN_DATA(float, s->stats[f]) + node * dims[1] * dims[2] * dims[3],
                              .dimensions = dims[1],
                              .buckets = dims[2] - 1,
                              .feature = s->ids ? TN_DATA(int32_t, s->ids)[f] : 0,
                              .total = s->scratch + 5 * (int64_t)s->sums,
                              .scratch = s->scratch};
  tn_split *best = *found;
  if (s->features > 1) TN_TRY(tn_splits_begin(&s->splits, node, &best));
  if (is_inequality(r, s, f)) {
    tn_split_inequality(&s->solver, &s->splits, best, &feature);
  } else {
    tn_split_equality(&s->solver, &s->splits, best, &feature);
  }
  if (s->features == 1) return NULL;
  tn_split *before = best - 1, better = *best;
  if (best->type && best->gain > before->gain) {
    *best = *before;
    *before = better;
  }
  tn_splits_drop_last(&s->splits);
  *found = before;
  return NULL;
}

static tn_error *search_node(const tn_run *r, search *s, int32_t node) {
  const int64_t *dims = s->stats[0]->shape.dims;
  float *total = s->scratch + 5 * (int64_t)s->sums;
  sum_buckets(s, TN_DATA(float, s->stats[0]) + node * dims[1] * dims[2] * dims[3], dims[1] > 0 ? dims[2] : 0, total);
  if (norm(total + s->solver.logits, s->solver.hessians) < s->least) return NULL;
  tn_split *best;
  TN_TRY(tn_splits_begin(&s->splits, node, &best));
  float parent = tn_split_gain(&s->solver, total, total + s->solver.logits, s->splits.pair);
  for (int f = 0; f < s->features; f++) TN_TRY(search_feature(r, s, f, &best));
  if (!best->type) {
    tn_splits_drop_last(&s->splits);
  } else {
    best->gain = best->gain - parent - s->complexity;
  }
  return NULL;
}

static tn_error *give(tn_run *r, const search *s) {
  const tn_splits *all = &s->splits;
  int64_t n = all->n, logits = s->solver.logits;
  int ids = s->ids ? 1 : 0;
  tn_shape rows = tn_shape_of(1, &n), matrix = tn_shape_of(2, (int64_t[]){n, logits});
  for (int i = 0; i < r->n_outputs; i++) TN_TRY(tn_run_allocate(r, i, i == 4 + ids || i == 5 + ids ? &matrix : &rows));
  for (int64_t i = 0; i < n; i++) {
    const tn_split *split = &all->items[i];
    TN_DATA(int32_t, r->outputs[0])[i] = split->node;
    TN_DATA(float, r->outputs[1])[i] = split->gain;
    if (ids) TN_DATA(int32_t, r->outputs[2])[i] = split->feature;
    TN_DATA(int32_t, r->outputs[2 + ids])[i] = split->dimension;
    TN_DATA(int32_t, r->outputs[3 + ids])[i] = split->threshold;
    for (int64_t j = 0; j < logits; j++) {
      TN_DATA(float, r->outputs[4 + ids])[i * logits + j] = split->left[j];
      TN_DATA(float, r->outputs[5 + ids])[i * logits + j] = split->right[j];
    }
    TN_TRY(tn_string_set(&tn_strings_of(r->outputs[6 + ids])[i], split->type, strlen(split->type)));
  }
  return NULL;
}

/* All features have statistics of one shape but for their number of dimensions and buckets. */
static tn_error *check_stats(const tn_run *r, const search *s) {
  const tn_shape *first = &s->stats[0]->shape;
  for (int f = 0; f < s->features; f++) {
    const tn_shape *shape = &s->stats[f]->shape;
    if (shape->rank != 4 || shape->dims[2] < 1)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "stats_summary argument must have rank 4 and a bucket, but is %s",
                           TN_SHAPE_STR(shape));
    if (shape->dims[0] != first->dims[0] || shape->dims[3] != first->dims[3])
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "stats_summaries_list[%d] is %s where the first one is %s", f,
                           TN_SHAPE_STR(shape), TN_SHAPE_STR(first));
  }
  return NULL;
}

static tn_error *find(tn_run *r, search *s) {
  TN_TRY(check_stats(r, s));
  const int64_t *dims = s->stats[0]->shape.dims;
  int64_t logits = tn_node_get_int(r->node, "logits_dimension");
  TN_TRY(tn_trees_range(r, dims[0], s->range));
  s->sums = (int)dims[3];
  TN_TRY(tn_split_solver_init(r, &s->solver, logits, dims[3] - logits));
  TN_TRY(tn_splits_init(&s->splits, (int)logits));
  s->scratch = tn_calloc(6 * (size_t)s->sums, sizeof *s->scratch);
  if (!s->scratch) return tn_out_of_memory();
  for (int32_t node = s->range[0]; node < s->range[1]; node++) TN_TRY(search_node(r, s, node));
  return give(r, s);
}

static tn_error *search_all(tn_run *r, search *s, int scalars) {
  float *const numbers[] = {&s->solver.l1, &s->solver.l2, &s->complexity, &s->least};
  const char *const names[] = {"l1", "l2", "tree_complexity", "min_node_weight"};
  for (int i = 0; i < 4; i++) TN_TRY(tn_trees_scalar(r, scalars + i, names[i], numbers[i]));
  tn_error *error = find(r, s);
  tn_free(s->scratch);
  tn_splits_clear(&s->splits);
  tn_split_solver_clear(&s->solver);
  return error;
}

static tn_error *run(tn_run *r) {
  search s = {.features = 1, .stats = &r->inputs[1]};
  return search_all(r, &s, 2);
}

static tn_error *run_v2(tn_run *r) {
  int n = (int)tn_node_get_int(r->node, "num_features");
  search s = {.features = n, .stats = &r->inputs[1], .split_types = r->inputs[1 + n], .ids = r->inputs[2 + n]};
  const char *const names[] = {"split_types", "candidate_feature_ids"};
  for (int i = 0; i < 2; i++) {
    const tn_shape *shape = &r->inputs[1 + n + i]->shape;
    if (shape->rank != 1 || shape->dims[0] != n)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must be a vector of %d elements, received shape %s", names[i], n,
                           TN_SHAPE_STR(shape));
  }
  for (int f = 0; f < n; f++) {
    tn_string type = tn_strings_of(s.split_types)[f];
    bool known = (type.size == 10 && memcmp(type.data, "inequality", 10) == 0) ||
                 (type.size == 8 && memcmp(type.data, "equality", 8) == 0);
    if (!known) return tn_run_errorf(r, TN_ABORTED, "Operation received an exception: Incorrect split type");
  }
  return search_all(r, &s, 3 + n);
}

/* --- the ops --- */

static tn_error *shape_of(tn_shape_ctx *c, int stats, int scalars) {
  tn_shape two = tn_shape_of(1, (int64_t[]){2}), seen;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &seen));
  TN_TRY(tn_shape_merge(c, &seen, &two, &seen));
  for (int i = 1; i <= stats; i++) TN_TRY(tn_shape_with_rank(c, i, 4, &seen));
  for (int i = 0; i < 4; i++) TN_TRY(tn_shape_with_rank(c, scalars + i, 0, &seen));
  int first = c->n_outputs - 3; /* of the two outputs with what the children say */
  tn_shape matrix = tn_shape_of(2, (int64_t[]){-1, tn_node_get_int(c->node, "logits_dimension")});
  for (int i = 0; i < c->n_outputs; i++)
    c->out[i] = i == first || i == first + 1 ? matrix : tn_shape_of(1, (int64_t[]){-1});
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) { return shape_of(c, 1, 2); }

static tn_error *shape_v2(tn_shape_ctx *c) {
  int n = (int)tn_node_get_int(c->node, "num_features");
  tn_shape each = tn_shape_of(1, (int64_t[]){n}), seen;
  TN_TRY(shape_of(c, n, 3 + n));
  for (int i = 0; i < 2; i++) {
    TN_TRY(tn_shape_with_rank(c, 1 + n + i, 1, &seen));
    TN_TRY(tn_shape_merge(c, &seen, &each, &seen));
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run}, {0}};
static const tn_kernel_def kernels_v2[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_v2},
                                           {0}};

TN_OP(BoostedTreesCalculateBestFeatureSplit,
      .inputs = "node_id_range: int32, stats_summary: float, l1: float, l2: float, tree_complexity: float, "
                "min_node_weight: float",
      .outputs = "node_ids: int32, gains: float, feature_dimensions: int32, thresholds: int32, "
                 "left_node_contribs: float, right_node_contribs: float, split_with_default_directions: string",
      .attrs = "logits_dimension: int >= 1; split_type: {'inequality', 'equality'} = 'inequality'",
      .doc = "The split of each node that gains most over the dimensions of a feature.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
TN_OP(BoostedTreesCalculateBestFeatureSplitV2,
      .inputs = "node_id_range: int32, stats_summaries_list: num_features * float, split_types: string, "
                "candidate_feature_ids: int32, l1: float, l2: float, tree_complexity: float, min_node_weight: float",
      .outputs = "node_ids: int32, gains: float, feature_ids: int32, feature_dimensions: int32, thresholds: int32, "
                 "left_node_contribs: float, right_node_contribs: float, split_with_default_directions: string",
      .attrs = "num_features: int >= 1; logits_dimension: int >= 1",
      .doc = "The split of each node that gains most over several features.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape_v2, .kernels = kernels_v2);
