/* BoostedTreesSparseCalculateBestFeatureSplit: the best split of each node, from sums of which most are absent. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "ops/string/string_array.h"
#include "ops/trees/split.h"

/* The sums of one bucket. */
typedef struct bucket {
  int32_t node, dimension, id;
  int64_t order; /* of its node in the input, and where it came first */
  float gradient, hessian;
} bucket;

typedef struct search {
  tn_split_solver solver;
  tn_splits splits;
  float complexity, least;
  int64_t n;
  bucket *buckets;
  int32_t missing; /* the bucket of missing values */
} search;

static int compare(const void *a, const void *b) {
  const bucket *x = a, *y = b;
  if (x->order != y->order) return x->order < y->order ? -1 : 1;
  if (x->dimension != y->dimension) return x->dimension < y->dimension ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

/* Adds the gradients and Hessians of N buckets to SUMS. */
static void sum(const bucket *b, int64_t n, float sums[2]) {
  for (int64_t i = 0; i < n; i++) {
    sums[0] += b[i].gradient;
    sums[1] += b[i].hessian;
  }
}

/* How many of the first of N buckets are of one node (and of one dimension). */
static int64_t span(const bucket *b, int64_t n, bool dimension) {
  int64_t i = 1;
  while (i < n && b[i].order == b[0].order && (!dimension || b[i].dimension == b[0].dimension)) i++;
  return i;
}

static void search_dimension(search *s, tn_split *best, const bucket *b, int64_t n, const float total[2]) {
  const bucket *last = &b[n - 1];
  float missing[2] = {0}, left[2] = {0};
  if (last->id == s->missing) sum(last, 1, missing);
  for (int64_t i = 0; i < n && b[i].id != s->missing; i++) {
    sum(&b[i], 1, left);
    tn_split_place place = {0, b[i].dimension, b[i].id, TN_SPLIT_DEFAULT_RIGHT};
    const float right[] = {total[0] - left[0], total[1] - left[1]};
    tn_split_consider(&s->solver, &s->splits, best, left, right, &place);
    place.type = TN_SPLIT_DEFAULT_LEFT;
    const float with[] = {left[0] + missing[0], left[1] + missing[1]};
    const float without[] = {total[0] - missing[0] - left[0], total[1] - missing[1] - left[1]};
    tn_split_consider(&s->solver, &s->splits, best, with, without, &place);
  }
}

static tn_error *search_node(search *s, const bucket *b, int64_t n) {
  float total[2] = {0}, unused;
  sum(b, span(b, n, true), total);
  if (total[1] < s->least) return NULL;
  tn_split *best;
  TN_TRY(tn_splits_begin(&s->splits, b->node, &best));
  float parent = tn_split_gain(&s->solver, &total[0], &total[1], &unused);
  for (int64_t i = 0, k; i < n; i += k) {
    k = span(b + i, n - i, true);
    search_dimension(s, best, b + i, k, total);
  }
  if (!best->type) {
    tn_splits_drop_last(&s->splits);
  } else {
    best->gain = best->gain - parent - s->complexity;
  }
  return NULL;
}

static tn_error *give(tn_run *r, const tn_splits *all) {
  tn_shape rows = tn_shape_of(1, &all->n), matrix = tn_shape_of(2, (int64_t[]){all->n, 1});
  for (int i = 0; i < r->n_outputs; i++) TN_TRY(tn_run_allocate(r, i, i == 4 || i == 5 ? &matrix : &rows));
  for (int64_t i = 0; i < all->n; i++) {
    const tn_split *split = &all->items[i];
    TN_DATA(int32_t, r->outputs[0])[i] = split->node;
    TN_DATA(float, r->outputs[1])[i] = split->gain;
    TN_DATA(int32_t, r->outputs[2])[i] = split->dimension;
    TN_DATA(int32_t, r->outputs[3])[i] = split->threshold;
    TN_DATA(float, r->outputs[4])[i] = split->left[0];
    TN_DATA(float, r->outputs[5])[i] = split->right[0];
    TN_TRY(tn_string_set(&tn_strings_of(r->outputs[6])[i], split->type, strlen(split->type)));
  }
  return NULL;
}

/* The buckets of the input, one for each of its (node, dimension, bucket), sorted; nodes stay in their order. */
static tn_error *gather(const tn_run *r, search *s) {
  const int32_t *at = TN_DATA(int32_t, r->inputs[1]);
  int32_t sums = TN_DATA(int32_t, r->inputs[3])[3];
  int64_t entries = r->inputs[1]->shape.dims[0], order = -1, n = 0;
  for (int64_t i = 0; i < entries; i++, at += 4) {
    if (at[3] < 0 || at[3] >= sums)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "stats_summary_indices[%lld, 3] is %d, which is not in [0, %d) of stats_summary_shape",
                           (long long)i, (int)at[3], (int)sums);
    if (i == 0 || at[0] != at[-4]) order = i;
    float value = TN_DATA(float, r->inputs[2])[i];
    s->buckets[n++] = (bucket){at[0], at[1], at[2], order, at[3] == 0 ? value : 0, at[3] == 1 ? value : 0};
  }
  qsort(s->buckets, (size_t)n, sizeof *s->buckets, compare);
  for (int64_t i = 0; i < n; i++) {
    if (s->n > 0 && compare(&s->buckets[s->n - 1], &s->buckets[i]) == 0) {
      s->buckets[s->n - 1].gradient += s->buckets[i].gradient;
      s->buckets[s->n - 1].hessian += s->buckets[i].hessian;
    } else {
      s->buckets[s->n++] = s->buckets[i];
    }
  }
  return NULL;
}

static tn_error *find(tn_run *r, search *s) {
  TN_TRY(gather(r, s));
  TN_TRY(tn_split_solver_init(r, &s->solver, 1, 1));
  TN_TRY(tn_splits_init(&s->splits, 1));
  for (int64_t i = 0, n; i < s->n; i += n) {
    n = span(s->buckets + i, s->n - i, false);
    TN_TRY(search_node(s, s->buckets + i, n));
  }
  return give(r, &s->splits);
}

static tn_error *check(const tn_run *r) {
  int32_t range[2];
  const tn_shape *at = &r->inputs[1]->shape, *values = &r->inputs[2]->shape, *shape = &r->inputs[3]->shape;
  TN_TRY(tn_trees_range(r, INT32_MAX, range));
  if (at->rank != 2 || at->dims[1] != 4)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "stats_summary_indices must be a matrix [?, 4], but is %s",
                         TN_SHAPE_STR(at));
  if (values->rank != 1 || values->dims[0] != at->dims[0])
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "stats_summary_values must be a vector of %lld elements, but is %s",
                         (long long)at->dims[0], TN_SHAPE_STR(values));
  if (shape->rank != 1 || shape->dims[0] != 4)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "stats_summary_shape must be a vector of 4 elements, but is %s",
                         TN_SHAPE_STR(shape));
  return NULL;
}

static tn_error *run(tn_run *r) {
  search s = {0};
  float *const numbers[] = {&s.solver.l1, &s.solver.l2, &s.complexity, &s.least};
  const char *const names[] = {"l1", "l2", "tree_complexity", "min_node_weight"};
  TN_TRY(check(r));
  for (int i = 0; i < 4; i++) TN_TRY(tn_trees_scalar(r, 4 + i, names[i], numbers[i]));
  s.missing = TN_DATA(int32_t, r->inputs[3])[2] - 1;
  s.buckets = tn_calloc((size_t)r->inputs[1]->shape.dims[0] + 1, sizeof *s.buckets);
  tn_error *error = s.buckets ? find(r, &s) : tn_out_of_memory();
  tn_free(s.buckets);
  tn_splits_clear(&s.splits);
  tn_split_solver_clear(&s.solver);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  static const int ranks[] = {1, 2, 1, 1, 0, 0, 0, 0};
  tn_shape two = tn_shape_of(1, (int64_t[]){2}), four = tn_shape_of(1, (int64_t[]){4}), seen;
  for (int i = 0; i < 8; i++) {
    TN_TRY(tn_shape_with_rank(c, i, ranks[i], &seen));
    if (i == 0) TN_TRY(tn_shape_merge(c, &seen, &two, &seen));
    if (i == 3) TN_TRY(tn_shape_merge(c, &seen, &four, &seen));
  }
  tn_shape matrix = tn_shape_of(2, (int64_t[]){-1, tn_node_get_int(c->node, "logits_dimension")});
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = i == 4 || i == 5 ? matrix : tn_shape_of(1, (int64_t[]){-1});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run}, {0}};

TN_OP(BoostedTreesSparseCalculateBestFeatureSplit,
      .inputs = "node_id_range: int32, stats_summary_indices: int32, stats_summary_values: float, "
                "stats_summary_shape: int32, l1: float, l2: float, tree_complexity: float, min_node_weight: float",
      .outputs = "node_ids: int32, gains: float, feature_dimensions: int32, thresholds: int32, "
                 "left_node_contribs: float, right_node_contribs: float, split_with_default_directions: string",
      .attrs = "logits_dimension: int >= 1; split_type: {'inequality'} = 'inequality'",
      .doc = "The split of each node that gains most, from sums that are a sparse tensor.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
