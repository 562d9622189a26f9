/* Growing ensembles: which splits are taken, and what becomes of the tree. */
#include "ops/trees/grow.h"

#include <string.h>

#include "base/alloc.h"
#include "ops/trees/split.h"

tn_error *tn_growth_int(const tn_run *r, int i, const char *name, int32_t *out) {
  if (r->inputs[i]->shape.rank != 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must be a scalar, got a tensor of shape %s", name,
                         TN_SHAPE_STR(&r->inputs[i]->shape));
  *out = *TN_DATA(int32_t, r->inputs[i]);
  return NULL;
}

/* --- choosing --- */

/* The first candidate whose node is not below NODE. */
static int64_t place_of(const tn_growth *g, int32_t node) {
  int64_t low = 0, count = g->n;
  while (count > 0) {
    int64_t half = count / 2;
    if (g->best[low + half].node < node) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

static tn_error *insert(tn_growth *g, int64_t at, const tn_growth_candidate *c) {
  if (g->n == g->capacity) {
    int64_t wanted = 2 * g->capacity + 16;
    tn_growth_candidate *grown = tn_realloc(g->best, (size_t)wanted * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    g->best = grown;
    g->capacity = wanted;
  }
  memmove(g->best + at + 1, g->best + at, (size_t)(g->n - at) * sizeof *g->best);
  g->best[at] = *c;
  g->n++;
  return NULL;
}

tn_error *tn_growth_offer(tn_growth *g, const tn_growth_candidate *c) {
  int64_t at = place_of(g, c->node);
  tn_growth_candidate *best = &g->best[at];
  if (at == g->n || best->node != c->node) return insert(g, at, c);
  bool better =
      tn_gains_are_equal(c->gain, best->gain) ? c->feature < best->feature : tn_gain_is_larger(c->gain, best->gain);
  if (better) *best = *c;
  return NULL;
}

void tn_growth_clear(tn_growth *g) {
  tn_free(g->best);
  g->best = NULL;
  g->n = g->capacity = 0;
}

/* --- splitting --- */

static tn_error *child_leaf(const tn_growth *g, const tn_tree_leaf *before, bool has_before, const float *more,
                            tn_tree_leaf *leaf) {
  float *values = tn_calloc((size_t)g->logits, sizeof *values);
  if (!values) return tn_out_of_memory();
  for (int j = 0; j < g->logits; j++) {
    float own = !has_before ? 0 : g->logits == 1 ? before->scalar : j < before->n ? before->values[j] : 0;
    values[j] = own + g->rate * more[j];
  }
  tn_error *error = tn_tree_leaf_set(leaf, g->logits, values);
  tn_free(values);
  return error;
}

/* The leaf that C is for becomes a split with two new leaves. What a first leaf without a value said is not kept. */
static tn_error *split(const tn_growth *g, tn_tree *tree, const tn_growth_candidate *c) {
  int32_t left = tree->n;
  TN_TRY(tn_tree_grow(tree, 2));
  tn_tree_node *node = &tree->nodes[c->node];
  bool has_value = node->leaf.vector || (g->logits == 1 && node->leaf.scalar != 0);
  bool keep = c->node != 0 || has_value;
  tn_error *error = child_leaf(g, &node->leaf, keep, c->left, &tree->nodes[left].leaf);
  if (!error) error = child_leaf(g, &node->leaf, keep, c->right, &tree->nodes[left + 1].leaf);
  if (error) {
    while (tree->n > left) tn_tree_node_clear(&tree->nodes[--tree->n]);
    return error;
  }
  if (keep) {
    node->original = node->leaf;
    node->leaf = (tn_tree_leaf){0};
    node->has_original = true;
  } else {
    tn_tree_leaf_clear(&node->leaf);
  }
  node->has_metadata = true;
  node->gain = c->gain;
  node->kind = c->category ? TN_TREE_CATEGORY : TN_TREE_BUCKETS;
  node->feature = c->feature;
  node->dimension = c->dimension;
  node->threshold = c->threshold;
  node->left = left;
  node->right = left + 1;
  node->default_right = c->default_right;
  return NULL;
}

/* Another attempt to grow a layer, and a tree if that is its first one. */
static void count_attempt(tn_forest *f) {
  f->has_growing = true;
  f->layers_attempted++;
  bool first = f->n == 0 || ((f->n == 1 || f->trees[f->n - 2].finalized) && f->trees[f->n - 1].n == 1);
  if (first) f->trees_attempted++;
}

static tn_error *add_tree(const tn_growth *g, tn_forest *f) {
  float *zeros = tn_calloc((size_t)g->logits, sizeof *zeros);
  if (!zeros) return tn_out_of_memory();
  tn_error *error = tn_forest_add(f, g->logits, zeros);
  tn_free(zeros);
  return error;
}

static tn_error *check(const tn_run *r, const tn_growth *g, const tn_forest *f) {
  const tn_tree *tree = f->n > 0 ? &f->trees[f->n - 1] : NULL;
  int32_t n = tree ? tree->n : 1;
  for (int64_t i = 0; i < g->n; i++) {
    const tn_growth_candidate *c = &g->best[i];
    bool leaf = c->node >= 0 && c->node < n && (!tree || tree->nodes[c->node].kind == TN_TREE_LEAF);
    if (!leaf)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "node %d can't be split: it is no leaf of the last tree, which has %d nodes", (int)c->node,
                           (int)n);
    if (c->feature < 0 || c->dimension < 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "node %d can't be split by feature %d, dimension %d", (int)c->node,
                           (int)c->feature, (int)c->dimension);
    if (tree && g->logits > 1 && tree->nodes[c->node].leaf.vector && tree->nodes[c->node].leaf.n != g->logits)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "node %d has %d logits, not %d", (int)c->node,
                           tree->nodes[c->node].leaf.n, g->logits);
  }
  return NULL;
}

/* The last tree got a layer: it may be done. */
static tn_error *end_layer(const tn_growth *g, tn_forest *f, int32_t begin) {
  tn_tree *tree = &f->trees[f->n - 1];
  int32_t end = tree->n;
  tree->layers++;
  if (tree->layers >= g->max_depth) {
    begin = 0;
    end = 1;
    tree->finalized = true;
    if (g->pruning == TN_PRUNING_AFTER) TN_TRY(tn_tree_prune(tree, g->logits));
    TN_TRY(add_tree(g, f));
  }
  f->layer_begin = begin;
  f->layer_end = end;
  return NULL;
}

tn_error *tn_growth_apply(const tn_run *r, const tn_growth *g, tn_ensemble *e) {
  tn_forest *f = &e->forest;
  TN_TRY(check(r, g, f));
  e->stamp++;
  count_attempt(f);
  if (f->n == 0) TN_TRY(add_tree(g, f));
  tn_tree *tree = &f->trees[f->n - 1];
  int32_t begin = tree->n;
  for (int64_t i = 0; i < g->n; i++) {
    if (g->pruning == TN_PRUNING_BEFORE && g->best[i].gain < 0) continue;
    TN_TRY(split(g, tree, &g->best[i]));
  }
  return tree->n > begin ? end_layer(g, f, begin) : NULL;
}
