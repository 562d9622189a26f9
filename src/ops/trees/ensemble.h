/* Ensembles of decision trees, as the BoostedTrees ops grow them: a resource of the session, and the message
 * tensorflow.boosted_trees.TreeEnsemble that checkpoints hold. */
#ifndef TN_OPS_TREES_ENSEMBLE_H
#define TN_OPS_TREES_ENSEMBLE_H

#include <pthread.h>

#include "base/str.h"
#include "kernel/kernel.h"

/* What a leaf says: VALUES where it has a vector, else SCALAR. */
typedef struct tn_tree_leaf {
  bool vector;
  float scalar;
  int n;
  float *values;
} tn_tree_leaf;

typedef enum tn_tree_kind {
  TN_TREE_LEAF,
  TN_TREE_BUCKETS, /* left where the bucket is at most THRESHOLD */
  TN_TREE_CATEGORY /* left where the bucket is THRESHOLD */
} tn_tree_kind;

typedef struct tn_tree_node {
  tn_tree_kind kind;
  tn_tree_leaf leaf; /* of leaves */
  int32_t feature, dimension, threshold, left, right;
  bool default_right; /* where a value is missing */
  bool has_metadata, has_original;
  float gain;
  tn_tree_leaf original; /* what the node said before it was split */
} tn_tree_node;

/* Where a node went when its tree was pruned, and what has to be added to what it said. */
typedef struct tn_tree_move {
  int32_t node;
  int n;
  float *change;
} tn_tree_move;

typedef struct tn_tree {
  int32_t n, capacity;
  tn_tree_node *nodes; /* children come after their parents */
  float weight;
  int32_t layers;
  bool finalized;
  int32_t n_moves;
  tn_tree_move *moves;
} tn_tree;

/* What the message TreeEnsemble says. */
typedef struct tn_forest {
  int32_t n, capacity;
  tn_tree *trees;
  bool has_growing;
  int64_t trees_attempted, layers_attempted;
  int32_t layer_begin, layer_end; /* the nodes of the latest layer of the latest tree */
} tn_forest;

#define TN_ENSEMBLE_TYPE "BoostedTreesEnsemble"
typedef struct tn_ensemble {
  tn_object object;
  pthread_mutex_t lock; /* of what follows */
  bool made;            /* BoostedTreesCreateEnsemble ran */
  int64_t stamp;
  tn_forest forest;
} tn_ensemble;

/* The locked ensemble behind input 0. NOT_FOUND, and nothing is locked, unless it was made. */
tn_error *tn_ensemble_lock(const tn_run *r, tn_ensemble **out) TN_MUST_USE;
void tn_ensemble_unlock(tn_ensemble *e);

/* INVALID_ARGUMENT for bytes that are no ensemble, or one that can't be walked; OUT is a new forest. */
tn_error *tn_forest_read(const char *data, size_t size, tn_forest *out) TN_MUST_USE;
/* The bytes that protobuf would write. A failed allocation sticks in OUT. */
void tn_forest_write(const tn_forest *forest, tn_str *out);
void tn_forest_clear(tn_forest *forest);
void tn_tree_clear(tn_tree *tree);
void tn_tree_node_clear(tn_tree_node *node);
void tn_tree_leaf_clear(tn_tree_leaf *leaf);

/* A tree with one leaf that says VALUES, N of them. */
tn_error *tn_forest_add(tn_forest *forest, int n, const float *values) TN_MUST_USE;
/* N new leaves at the end of a tree. */
tn_error *tn_tree_grow(tn_tree *tree, int32_t n) TN_MUST_USE;
/* N numbers, as a scalar if there is one. */
tn_error *tn_tree_leaf_set(tn_tree_leaf *leaf, int n, const float *values) TN_MUST_USE;
/* What a node says, split or not: *N numbers, none where nothing is known. */
const float *tn_tree_value(const tn_tree_node *node, int *n);
/* Takes back the splits whose gain is negative, from the bottom up, and notes where the nodes went. LOGITS numbers a
 * leaf. */
tn_error *tn_tree_prune(tn_tree *tree, int logits) TN_MUST_USE;

#endif
