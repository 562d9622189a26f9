/* Ensembles of trees: nodes, leaves, pruning. */
#include "ops/trees/ensemble.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

/* --- memory --- */

void tn_tree_leaf_clear(tn_tree_leaf *leaf) {
  tn_free(leaf->values);
  *leaf = (tn_tree_leaf){0};
}

void tn_tree_node_clear(tn_tree_node *node) {
  tn_tree_leaf_clear(&node->leaf);
  tn_tree_leaf_clear(&node->original);
}

void tn_tree_clear(tn_tree *tree) {
  for (int32_t i = 0; i < tree->n; i++) tn_tree_node_clear(&tree->nodes[i]);
  for (int32_t i = 0; i < tree->n_moves; i++) tn_free(tree->moves[i].change);
  tn_free(tree->nodes);
  tn_free(tree->moves);
  *tree = (tn_tree){0};
}

void tn_forest_clear(tn_forest *forest) {
  for (int32_t i = 0; i < forest->n; i++) tn_tree_clear(&forest->trees[i]);
  tn_free(forest->trees);
  *forest = (tn_forest){0};
}

tn_error *tn_tree_leaf_set(tn_tree_leaf *leaf, int n, const float *values) {
  float *copy = NULL;
  if (n != 1) {
    copy = tn_calloc((size_t)(n ? n : 1), sizeof *copy);
    if (!copy) return tn_out_of_memory();
    if (n) memcpy(copy, values, (size_t)n * sizeof *copy);
  }
  tn_tree_leaf_clear(leaf);
  *leaf = (tn_tree_leaf){.vector = n != 1, .scalar = n == 1 ? values[0] : 0, .n = n == 1 ? 0 : n, .values = copy};
  return NULL;
}

/* Room for one more element of SIZE bytes in ARRAY, which has N of CAPACITY. */
static tn_error *reserve(void *array, int32_t n, int32_t more, int32_t *capacity, size_t size) {
  if (more <= *capacity - n) return NULL;
  if (n > INT32_MAX / 2 - more) return tn_errorf(TN_RESOURCE_EXHAUSTED, "the ensemble has too many nodes");
  int32_t wanted = n + more > 2 * n ? n + more : 2 * n;
  void *old;
  memcpy(&old, array, sizeof old);
  char *grown = tn_realloc(old, (size_t)wanted * size);
  if (!grown) return tn_out_of_memory();
  memset(grown + (size_t)n * size, 0, (size_t)(wanted - n) * size);
  memcpy(array, &grown, sizeof grown);
  *capacity = wanted;
  return NULL;
}

tn_error *tn_tree_grow(tn_tree *tree, int32_t n) {
  TN_TRY(reserve(&tree->nodes, tree->n, n, &tree->capacity, sizeof *tree->nodes));
  memset(tree->nodes + tree->n, 0, (size_t)n * sizeof *tree->nodes);
  tree->n += n;
  return NULL;
}

tn_error *tn_forest_add(tn_forest *forest, int n, const float *values) {
  TN_TRY(reserve(&forest->trees, forest->n, 1, &forest->capacity, sizeof *forest->trees));
  tn_tree tree = {.weight = 1};
  tn_error *error = tn_tree_grow(&tree, 1);
  if (!error) error = tn_tree_leaf_set(&tree.nodes[0].leaf, n, values);
  if (error) {
    tn_tree_clear(&tree);
    return error;
  }
  forest->trees[forest->n++] = tree;
  return NULL;
}

/* --- the resource --- */

tn_error *tn_ensemble_lock(const tn_run *r, tn_ensemble **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_ENSEMBLE_TYPE, &object));
  tn_ensemble *e = (tn_ensemble *)object;
  tn_lock(&e->lock);
  if (e->made) {
    *out = e;
    return NULL;
  }
  tn_unlock(&e->lock);
  return tn_run_errorf(r, TN_NOT_FOUND, "Resource %s does not exist: no BoostedTreesCreateEnsemble ran",
                       TN_ENSEMBLE_TYPE);
}

void tn_ensemble_unlock(tn_ensemble *e) { tn_unlock(&e->lock); }

/* --- values --- */

static const float *leaf_value(const tn_tree_leaf *leaf, int *n) {
  *n = leaf->vector ? leaf->n : 1;
  return leaf->vector ? leaf->values : &leaf->scalar;
}

const float *tn_tree_value(const tn_tree_node *node, int *n) {
  if (node->kind == TN_TREE_LEAF) return leaf_value(&node->leaf, n);
  if (node->has_metadata && node->has_original) return leaf_value(&node->original, n);
  *n = 0;
  return NULL;
}

/* --- pruning --- */

/* While a tree is pruned. */
typedef struct pruning {
  tn_tree *tree;
  int logits;
  int32_t *parent; /* per node: itself, or the one that took its place */
  float *change;   /* per node: LOGITS numbers, its parent's value less its own */
  int32_t *place;  /* per node: where it is afterwards */
  bool *gone;
} pruning;

static bool is_leaf(const tn_tree *tree, int32_t i) { return tree->nodes[i].kind == TN_TREE_LEAF; }

/* Makes node I, whose children are leaves, a leaf. */
static void collapse(pruning *p, int32_t i) {
  tn_tree_node *node = &p->tree->nodes[i];
  const int32_t children[] = {node->left, node->right};
  node->kind = TN_TREE_LEAF;
  tn_tree_leaf_clear(&node->leaf);
  if (node->has_original) node->leaf = node->original;
  int n_parent = 0;
  const float *parent = node->has_original ? tn_tree_value(node, &n_parent) : NULL;
  for (int k = 0; k < 2; k++) {
    int32_t child = children[k];
    int n;
    const float *value = tn_tree_value(&p->tree->nodes[child], &n);
    p->gone[child] = true;
    p->parent[child] = i;
    for (int j = 0; j < n && j < p->logits; j++) {
      p->change[(int64_t)child * p->logits + j] = (j < n_parent ? parent[j] : 0) - value[j];
    }
  }
  node->original = (tn_tree_leaf){0};
  node->has_original = node->has_metadata = false;
  node->gain = 0;
}

/* Node I's place and change, as the nodes say it that stay. */
static tn_error *note(pruning *p, int32_t i, tn_tree_move *move) {
  move->n = p->logits;
  move->change = tn_calloc((size_t)p->logits, sizeof *move->change);
  if (!move->change) return tn_out_of_memory();
  int32_t at = i;
  for (; p->parent[at] != at; at = p->parent[at]) {
    for (int j = 0; j < p->logits; j++) move->change[j] += p->change[(int64_t)at * p->logits + j];
  }
  move->node = p->place[at];
  return NULL;
}

/* Takes the nodes that are gone out of the tree. */
static void compact(pruning *p) {
  tn_tree *tree = p->tree;
  int32_t n = 0;
  for (int32_t i = 0; i < tree->n; i++) {
    tn_tree_node node = tree->nodes[i];
    if (p->gone[i]) {
      tn_tree_node_clear(&node);
      continue;
    }
    if (node.kind != TN_TREE_LEAF) {
      node.left = p->place[node.left];
      node.right = p->place[node.right];
    }
    tree->nodes[n++] = node;
  }
  tree->n = n;
}

static tn_error *prune(pruning *p) {
  tn_tree *tree = p->tree;
  bool any = false;
  for (int32_t i = 0; i < tree->n; i++) p->parent[i] = i;
  /* Children come after their parents: from the end on, both children of a node are done before it. */
  for (int32_t i = tree->n - 1; i >= 0; i--) {
    const tn_tree_node *node = &tree->nodes[i];
    if (node->kind == TN_TREE_LEAF || !(node->has_metadata && node->gain < 0)) continue;
    if (!is_leaf(tree, node->left) || !is_leaf(tree, node->right)) continue;
    collapse(p, i);
    any = true;
  }
  if (!any) return NULL;
  int32_t n = 0;
  for (int32_t i = 0; i < tree->n; i++) p->place[i] = p->gone[i] ? -1 : n++;
  tn_tree_move *moves = tn_calloc((size_t)tree->n, sizeof *moves);
  if (!moves) return tn_out_of_memory();
  tree->moves = moves;
  tree->n_moves = tree->n;
  for (int32_t i = 0; i < tree->n; i++) TN_TRY(note(p, i, &moves[i]));
  compact(p);
  return NULL;
}

tn_error *tn_tree_prune(tn_tree *tree, int logits) {
  size_t n = (size_t)tree->n;
  if (n == 0 || tree->moves) return NULL;
  pruning p = {tree,
               logits,
               tn_calloc(n, sizeof(int32_t)),
               tn_calloc(n * (size_t)logits, sizeof(float)),
               tn_calloc(n, sizeof(int32_t)),
               tn_calloc(n, sizeof(bool))};
  tn_error *error = p.parent && p.change && p.place && p.gone ? prune(&p) : tn_out_of_memory();
  tn_free(p.parent);
  tn_free(p.change);
  tn_free(p.place);
  tn_free(p.gone);
  return error;
}
