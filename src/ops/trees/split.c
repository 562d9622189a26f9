/* Gains of splits, and the search for the best one. */
#include "ops/trees/split.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"

tn_error *tn_trees_scalar(const tn_run *r, int i, const char *name, float *out) {
  if (r->inputs[i]->shape.rank != 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must be a scalar, got a tensor of shape %s", name,
                         TN_SHAPE_STR(&r->inputs[i]->shape));
  *out = *TN_DATA(float, r->inputs[i]);
  return NULL;
}

tn_error *tn_trees_range(const tn_run *r, int64_t limit, int32_t range[2]) {
  const tn_tensor *t = r->inputs[0];
  if (t->shape.rank != 1 || t->shape.dims[0] != 2)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "node_id_range must be a rank 1 tensor with shape=[2], but is %s",
                         TN_SHAPE_STR(&t->shape));
  memcpy(range, t->data, 2 * sizeof *range);
  if (range[0] < range[1] && (range[0] < 0 || range[1] > limit))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "node_id_range [%d, %d) is not in [0, %lld)", (int)range[0],
                         (int)range[1], (long long)limit);
  return NULL;
}

/* --- what a leaf is worth --- */

tn_error *tn_split_solver_init(const tn_run *r, tn_split_solver *s, int64_t logits, int64_t hessians) {
  if (hessians <= 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "hessian dim should be > 0, got %lld", (long long)hessians);
  if (logits > 4096 || hessians > logits * logits)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "hessian dim should be <= %lld but got: %lld",
                         (long long)(logits * logits), (long long)hessians);
  if (hessians != logits && hessians != logits * logits)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "hessian dim should be %lld or %lld but got: %lld", (long long)logits,
                         (long long)(logits * logits), (long long)hessians);
  size_t n = (size_t)logits;
  s->logits = (int)logits;
  s->hessians = (int)hessians;
  s->matrix = tn_calloc(n * n, sizeof(float));
  s->norms = tn_calloc(n, sizeof(float));
  s->vector = tn_calloc(2 * n, sizeof(float));
  s->order = tn_calloc(n, sizeof(int));
  if (s->matrix && s->norms && s->vector && s->order) return NULL;
  tn_split_solver_clear(s);
  return tn_out_of_memory();
}

void tn_split_solver_clear(tn_split_solver *s) {
  tn_free(s->matrix);
  tn_free(s->norms);
  tn_free(s->vector);
  tn_free(s->order);
  *s = (tn_split_solver){0};
}

static float gain_of_one(const tn_split_solver *s, float g, float h, float *weight) {
  *weight = 0;
  if (s->l1 > 0) {
    if (g > s->l1) {
      g -= s->l1;
    } else if (g < -s->l1) {
      g += s->l1;
    } else {
      return 0;
    }
  }
  if (h + s->l2 <= 1e-15F) return 0;
  *weight = -g / (h + s->l2);
  return -g * *weight;
}

/* Column J of the matrix from row K on, squared. */
static float column_norm(const float *a, int n, int k, int j) {
  float sum = 0;
  for (int i = k; i < n; i++) sum += a[i * n + j] * a[i * n + j];
  return sum;
}

static void swap_columns(tn_split_solver *s, int a, int b) {
  int n = s->logits, place = s->order[a];
  s->order[a] = s->order[b];
  s->order[b] = place;
  for (int i = 0; i < n; i++) {
    float value = s->matrix[i * n + a];
    s->matrix[i * n + a] = s->matrix[i * n + b];
    s->matrix[i * n + b] = value;
  }
}

/* One Householder reflection: column K below the diagonal becomes zero, in the other columns and in B too. */
static void reflect(tn_split_solver *s, int k, float *b) {
  int n = s->logits;
  float *a = s->matrix, norm = sqrtf(column_norm(a, n, k, k));
  if (norm == 0) return;
  float head = a[k * n + k], beta = head >= 0 ? -norm : norm, *v = s->norms;
  for (int i = k; i < n; i++) v[i] = i == k ? head - beta : a[i * n + k];
  float length = 0;
  for (int i = k; i < n; i++) length += v[i] * v[i];
  for (int j = k; j <= n && length > 0; j++) {
    float dot = 0;
    for (int i = k; i < n; i++) dot += v[i] * (j < n ? a[i * n + j] : b[i]);
    dot *= 2 / length;
    for (int i = k; i < n; i++) *(j < n ? &a[i * n + j] : &b[i]) -= dot * v[i];
  }
}

/* Solves the matrix times X = B by QR with column pivots, as good as can be where it has no inverse; B is used up. */
static void solve(tn_split_solver *s, float *b, float *x) {
  int n = s->logits, rank = n;
  float largest = 0;
  for (int j = 0; j < n; j++) {
    s->order[j] = j;
    float norm = column_norm(s->matrix, n, 0, j);
    if (norm > largest) largest = norm;
  }
  float least = sqrtf(largest) * FLT_EPSILON / (float)n;
  for (int k = 0; k < n; k++) {
    int best = k;
    float norm = -1;
    for (int j = k; j < n; j++) {
      float own = column_norm(s->matrix, n, k, j);
      if (own > norm) {
        norm = own;
        best = j;
      }
    }
    if (rank == n && norm < least * least * (float)(n - k)) rank = k;
    if (best != k) swap_columns(s, k, best);
    reflect(s, k, b);
  }
  for (int i = rank - 1; i >= 0; i--) {
    for (int j = i + 1; j < rank; j++) b[i] -= s->matrix[i * n + j] * b[j];
    b[i] /= s->matrix[i * n + i];
  }
  for (int i = 0; i < n; i++) x[s->order[i]] = i < rank ? b[i] : 0;
}

static float gain_by_solving(tn_split_solver *s, const float *g, const float *h, float *weight) {
  int n = s->logits;
  bool full = s->hessians == n * n;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      s->matrix[i * n + j] = (full ? h[j * n + i] : i == j ? h[i] : 0) + (i == j ? s->l2 : 0);
    }
  }
  memcpy(s->vector, g, (size_t)n * sizeof *g);
  solve(s, s->vector, weight);
  float gain = 0;
  for (int i = 0; i < n; i++) {
    weight[i] = -weight[i];
    gain -= g[i] * weight[i];
  }
  return gain;
}

float tn_split_gain(tn_split_solver *s, const float *gradient, const float *hessian, float *weight) {
  int n = s->logits;
  if (n == 1) return gain_of_one(s, gradient[0], hessian[0], weight);
  bool diagonal = s->hessians == n;
  for (int i = 0; i < n && diagonal; i++) diagonal = hessian[i] + s->l2 != 0;
  if (!diagonal) return gain_by_solving(s, gradient, hessian, weight);
  float gain = 0;
  for (int i = 0; i < n; i++) {
    weight[i] = -(1 / (hessian[i] + s->l2)) * gradient[i];
    gain -= gradient[i] * weight[i];
  }
  return gain;
}

/* --- lists of splits --- */

tn_error *tn_splits_init(tn_splits *s, int logits) {
  *s = (tn_splits){.logits = logits, .pair = tn_calloc(2 * (size_t)logits, sizeof(float))};
  return s->pair ? NULL : tn_out_of_memory();
}

tn_error *tn_splits_begin(tn_splits *s, int32_t node, tn_split **out) {
  if (s->n == s->capacity) {
    int64_t wanted = 2 * s->capacity + 8;
    tn_split *grown = tn_realloc(s->items, (size_t)wanted * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    s->items = grown;
    s->capacity = wanted;
  }
  float *values = tn_calloc(2 * (size_t)s->logits, sizeof *values);
  if (!values) return tn_out_of_memory();
  tn_split *split = &s->items[s->n++];
  *split = (tn_split){.node = node, .gain = -FLT_MAX, .left = values, .right = values + s->logits};
  *out = split;
  return NULL;
}

void tn_splits_drop_last(tn_splits *s) { tn_free(s->items[--s->n].left); }

void tn_splits_clear(tn_splits *s) {
  while (s->n > 0) tn_splits_drop_last(s);
  tn_free(s->items);
  tn_free(s->pair);
  *s = (tn_splits){0};
}

/* --- the search --- */

void tn_split_consider(tn_split_solver *solver, tn_splits *s, tn_split *best, const float *left, const float *right,
                       const tn_split_place *place) {
  int n = solver->logits;
  float *pair = s->pair;
  float of_left = tn_split_gain(solver, left, left + n, pair);
  float of_right = tn_split_gain(solver, right, right + n, pair + n);
  float gain = of_left + of_right;
  if (!tn_gain_is_larger(gain, best->gain)) return;
  best->gain = gain;
  best->feature = place->feature;
  best->dimension = place->dimension;
  best->threshold = place->threshold;
  best->type = place->type;
  memcpy(best->left, pair, (size_t)n * sizeof *pair);
  memcpy(best->right, pair + n, (size_t)n * sizeof *pair);
}

static void add(float *sum, const float *a, const float *b, int n) {
  for (int i = 0; i < n; i++) sum[i] = a[i] + b[i];
}

static void subtract(float *difference, const float *a, const float *b, int n) {
  for (int i = 0; i < n; i++) difference[i] = a[i] - b[i];
}

void tn_split_inequality(tn_split_solver *solver, tn_splits *s, tn_split *best, const tn_split_feature *f) {
  int n = solver->logits + solver->hessians;
  float *total = f->scratch, *sum = total + n, *left = sum + n, *right = left + n;
  for (int64_t d = 0; d < f->dimensions; d++) {
    const float *stats = f->stats + d * (f->buckets + 1) * n, *missing = stats + f->buckets * n;
    memset(total, 0, (size_t)n * sizeof *total);
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t b = 0; b <= f->buckets; b++) add(total, total, stats + b * n, n);
    for (int64_t b = 0; b < f->buckets; b++) {
      add(sum, sum, stats + b * n, n);
      add(left, sum, missing, n);
      subtract(right, total, left, n);
      tn_split_consider(solver, s, best, left, right,
                        &(tn_split_place){f->feature, (int32_t)d, (int32_t)b, TN_SPLIT_DEFAULT_LEFT});
      subtract(right, total, sum, n);
      tn_split_consider(solver, s, best, sum, right,
                        &(tn_split_place){f->feature, (int32_t)d, (int32_t)b, TN_SPLIT_DEFAULT_RIGHT});
    }
  }
}

void tn_split_equality(tn_split_solver *solver, tn_splits *s, tn_split *best, const tn_split_feature *f) {
  int n = solver->logits + solver->hessians;
  for (int64_t d = 0; d < f->dimensions; d++) {
    for (int64_t b = 0; b < f->buckets; b++) {
      const float *stats = f->stats + (d * (f->buckets + 1) + b) * n;
      subtract(f->scratch, f->total, stats, n);
      tn_split_consider(solver, s, best, stats, f->scratch,
                        &(tn_split_place){f->feature, (int32_t)d, (int32_t)b, TN_SPLIT_EQUALITY});
    }
  }
}
