/* What a split of a node is worth: the second-order gain of gradient boosting (Chen and Guestrin 2016, equations 5 and
 * 7), for one logit and for several. */
#ifndef TN_OPS_TREES_SPLIT_H
#define TN_OPS_TREES_SPLIT_H

#include "kernel/kernel.h"

/* How gains are computed, with room for it. */
typedef struct tn_split_solver {
  int logits;   /* numbers a gradient */
  int hessians; /* numbers a Hessian: LOGITS (its diagonal) or LOGITS * LOGITS */
  float l1, l2;
  float *matrix, *norms, *vector; /* LOGITS * LOGITS, LOGITS and 2 * LOGITS numbers */
  int *order;                     /* LOGITS */
} tn_split_solver;

/* INVALID_ARGUMENT, through R, unless a Hessian of so many numbers fits. */
tn_error *tn_split_solver_init(const tn_run *r, tn_split_solver *s, int64_t logits, int64_t hessians) TN_MUST_USE;
void tn_split_solver_clear(tn_split_solver *s);
/* The value WEIGHT (LOGITS numbers) of a leaf with the sums GRADIENT and HESSIAN that is best, and what it gains. */
float tn_split_gain(tn_split_solver *s, const float *gradient, const float *hessian, float *weight);

/* Gains that differ by less than this are equal. */
#define TN_GAIN_TOLERANCE 1e-15F
static inline bool tn_gain_is_larger(float a, float b) { return a - b >= TN_GAIN_TOLERANCE; }
static inline bool tn_gains_are_equal(float a, float b) {
  float d = a - b;
  return (d < 0 ? -d : d) < TN_GAIN_TOLERANCE;
}

/* How TensorFlow names where a missing value goes. */
#define TN_SPLIT_DEFAULT_LEFT  "inequality_default_left"
#define TN_SPLIT_DEFAULT_RIGHT "inequality_default_right"
#define TN_SPLIT_EQUALITY      "equality_default_right"

/* The scalar float of input I. INVALID_ARGUMENT, with NAME in it, if it is no scalar. */
tn_error *tn_trees_scalar(const tn_run *r, int i, const char *name, float *out) TN_MUST_USE;
/* The two numbers of node_id_range, input 0; INVALID_ARGUMENT unless both are in [0, LIMIT] and in order. */
tn_error *tn_trees_range(const tn_run *r, int64_t limit, int32_t range[2]) TN_MUST_USE;

/* The best split of a node so far. LEFT and RIGHT are the values of its children. */
typedef struct tn_split {
  int32_t node, feature, dimension, threshold;
  float gain;
  const char *type; /* NULL: there is none yet */
  float *left, *right;
} tn_split;

/* A growing list of splits, one a node. */
typedef struct tn_splits {
  int64_t n, capacity;
  int logits;
  tn_split *items;
  float *weights, *pair; /* what a candidate's children say: 2 * LOGITS; weights of ITEMS belong to each */
} tn_splits;
tn_error *tn_splits_init(tn_splits *s, int logits) TN_MUST_USE;
/* A new split of NODE without a type, whose gain is the least there is. */
tn_error *tn_splits_begin(tn_splits *s, int32_t node, tn_split **out) TN_MUST_USE;
void tn_splits_drop_last(tn_splits *s);
void tn_splits_clear(tn_splits *s);

/* Where a candidate lies. */
typedef struct tn_split_place {
  int32_t feature, dimension, threshold;
  const char *type;
} tn_split_place;
/* Whether the children with these sums (gradients, then Hessians) gain more than BEST does: then they are it. */
void tn_split_consider(tn_split_solver *solver, tn_splits *s, tn_split *best, const float *left, const float *right,
                       const tn_split_place *place);
/* The inequality splits of one feature, or its equality splits: STATS has DIMENSIONS times BUCKETS (and one for
 * missing values) times the sums of a bucket. TOTAL are the node's, for equality. SCRATCH: 5 sums. */
typedef struct tn_split_feature {
  const float *stats;
  int64_t dimensions, buckets;
  int32_t feature;
  const float *total;
  float *scratch;
} tn_split_feature;
void tn_split_inequality(tn_split_solver *solver, tn_splits *s, tn_split *best, const tn_split_feature *f);
void tn_split_equality(tn_split_solver *solver, tn_splits *s, tn_split *best, const tn_split_feature *f);

#endif
