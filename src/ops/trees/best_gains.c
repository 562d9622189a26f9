/* BoostedTreesCalculateBestGainsPerFeature: the best split of each node, feature by feature. */
#include <float.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "ops/trees/split.h"

/* What all nodes of all features are looked at with. */
typedef struct search {
  tn_split_solver solver;
  tn_splits splits;
  int32_t range[2];
  float complexity, least;
} search;

/* The best split of NODE by STATS, its N buckets' gradients and Hessians; none where it weighs too little. */
static tn_error *search_node(search *s, int32_t node, const float *stats, int64_t n) {
  float gradient = 0, hessian = 0, of_left = 0, of_right = 0, unused;
  for (int64_t b = 0; b < n; b++) {
    gradient += stats[2 * b];
    hessian += stats[2 * b + 1];
  }
  if (hessian < s->least) return NULL;
  tn_split *best;
  TN_TRY(tn_splits_begin(&s->splits, node, &best));
  float parent = tn_split_gain(&s->solver, &gradient, &hessian, &unused);
  for (int64_t b = 0; b < n; b++) {
    of_left += stats[2 * b];
    of_right += stats[2 * b + 1];
    const float left[] = {of_left, of_right}, right[] = {gradient - of_left, hessian - of_right};
    tn_split_consider(&s->solver, &s->splits, best, left, right,
                      &(tn_split_place){0, 0, (int32_t)b, TN_SPLIT_DEFAULT_LEFT});
  }
  best->gain = best->gain - parent - s->complexity;
  return NULL;
}

static tn_error *give(tn_run *r, const tn_splits *s, int feature, int features) {
  tn_shape rows = tn_shape_of(1, &s->n), matrix = tn_shape_of(2, (int64_t[]){s->n, 1});
  for (int k = 0; k < 5; k++) TN_TRY(tn_run_allocate(r, k * features + feature, k < 3 ? &rows : &matrix));
  for (int64_t i = 0; i < s->n; i++) {
    const tn_split *split = &s->items[i];
    TN_DATA(int32_t, r->outputs[feature])[i] = split->node;
    TN_DATA(float, r->outputs[features + feature])[i] = split->gain;
    TN_DATA(int32_t, r->outputs[2 * features + feature])[i] = split->threshold;
    TN_DATA(float, r->outputs[3 * features + feature])[i] = split->left[0];
    TN_DATA(float, r->outputs[4 * features + feature])[i] = split->right[0];
  }
  return NULL;
}

static tn_error *search_feature(tn_run *r, search *s, int feature, int features) {
  const tn_tensor *stats = r->inputs[1 + feature];
  const int64_t *dims = stats->shape.dims;
  if (stats->shape.rank != 3 || dims[2] != 2 || dims[1] != r->inputs[1]->shape.dims[1])
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "stats_summary_list[%d] must be [max_splits, num_buckets, 2], but is %s", feature,
                         TN_SHAPE_STR(&stats->shape));
  TN_TRY(tn_trees_range(r, dims[0], s->range));
  while (s->splits.n > 0) tn_splits_drop_last(&s->splits);
  for (int32_t node = s->range[0]; node < s->range[1]; node++)
    TN_TRY(search_node(s, node, TN_DATA(float, stats) + node * dims[1] * 2, dims[1]));
  return give(r, &s->splits, feature, features);
}

static tn_error *run(tn_run *r) {
  search s = {0};
  int features = (int)tn_node_get_int(r->node, "num_features");
  float *const numbers[] = {&s.solver.l1, &s.solver.l2, &s.complexity, &s.least};
  const char *const names[] = {"l1", "l2", "tree_complexity", "min_node_weight"};
  for (int i = 0; i < 4; i++) TN_TRY(tn_trees_scalar(r, 1 + features + i, names[i], numbers[i]));
  TN_TRY(tn_split_solver_init(r, &s.solver, 1, 1));
  tn_error *error = tn_splits_init(&s.splits, 1);
  for (int f = 0; f < features && !error; f++) error = search_feature(r, &s, f, features);
  tn_splits_clear(&s.splits);
  tn_split_solver_clear(&s.solver);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  int features = (int)tn_node_get_int(c->node, "num_features");
  tn_shape two = tn_shape_of(1, (int64_t[]){2}), first, other, merged;
  tn_shape stats = tn_shape_of(3, (int64_t[]){tn_node_get_int(c->node, "max_splits"), -1, 2});
  TN_TRY(tn_shape_with_rank(c, 0, 1, &other));
  TN_TRY(tn_shape_merge(c, &other, &two, &merged));
  TN_TRY(tn_shape_with_rank(c, 1, 3, &first));
  TN_TRY(tn_shape_merge(c, &first, &stats, &merged));
  for (int i = 1; i < features; i++) {
    TN_TRY(tn_shape_with_rank(c, 1 + i, 3, &other));
    TN_TRY(tn_shape_merge(c, &first, &other, &merged));
  }
  for (int i = 1; i <= 3; i++) TN_TRY(tn_shape_with_rank(c, features + i, 0, &other));
  for (int i = 0; i < c->n_outputs; i++)
    c->out[i] = i < 3 * features ? tn_shape_of(1, (int64_t[]){-1}) : tn_shape_of(2, (int64_t[]){-1, 1});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run}, {0}};

TN_OP(BoostedTreesCalculateBestGainsPerFeature,
      .inputs = "node_id_range: int32, stats_summary_list: num_features * float, l1: float, l2: float, "
                "tree_complexity: float, min_node_weight: float",
      .outputs = "node_ids_list: num_features * int32, gains_list: num_features * float, "
                 "thresholds_list: num_features * int32, left_node_contribs_list: num_features * float, "
                 "right_node_contribs_list: num_features * float",
      .attrs = "max_splits: int >= 1; num_features: int >= 1",
      .doc = "The split of each node that gains most, for each feature.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
