/* Growing the last tree of an ensemble by a layer of splits. */
#ifndef TN_OPS_TREES_GROW_H
#define TN_OPS_TREES_GROW_H

#include "ops/trees/ensemble.h"

typedef enum tn_pruning { TN_PRUNING_NONE, TN_PRUNING_BEFORE, TN_PRUNING_AFTER } tn_pruning;

/* A split that a node may get. LEFT and RIGHT: what its children say more than it, the learning rate in it; borrowed
 * and scaled by RATE when the node is split. */
typedef struct tn_growth_candidate {
  int32_t node, feature, dimension, threshold;
  float gain;
  bool category, default_right;
  const float *left, *right;
} tn_growth_candidate;

/* The best candidates so far, one a node, by node. */
typedef struct tn_growth {
  int logits;
  float rate;
  int32_t max_depth;
  tn_pruning pruning;
  int64_t n, capacity;
  tn_growth_candidate *best;
} tn_growth;

/* Keeps C if its node has none yet, or a worse one (as good: the smaller feature stays). */
tn_error *tn_growth_offer(tn_growth *g, const tn_growth_candidate *c) TN_MUST_USE;
/* Splits the nodes, and begins a new tree where this one is done. Counts the attempt. INVALID_ARGUMENT, and nothing is
 * split, where a candidate's node is no leaf of the last tree. */
tn_error *tn_growth_apply(const tn_run *r, const tn_growth *g, tn_ensemble *e) TN_MUST_USE;
void tn_growth_clear(tn_growth *g);

/* The scalar integer of input I; INVALID_ARGUMENT, with NAME in it, if it is no scalar. */
tn_error *tn_growth_int(const tn_run *r, int i, const char *name, int32_t *out) TN_MUST_USE;

#endif
