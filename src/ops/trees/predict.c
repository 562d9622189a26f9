/* BoostedTreesPredict, BoostedTreesTrainingPredict, BoostedTreesExampleDebugOutputs: walks through all trees. */
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/wire.h"
#include "graph/shape.h"
#include "ops/string/string_array.h"
#include "ops/trees/ensemble.h"

/* What all examples are walked with. FEATURES: N of them, each a row of buckets an example. */
typedef struct walk {
  tn_run *r;
  const tn_forest *forest;
  const tn_tensor *const *features;
  int n_features, logits;
  int64_t examples;
} walk;

#define GRAIN 64

/* --- checks: after them no walk can fail --- */

static int64_t width(const tn_tensor *feature) { return feature->shape.rank == 1 ? 1 : feature->shape.dims[1]; }

static tn_error *check_features(walk *w) {
  for (int f = 0; f < w->n_features; f++) {
    const tn_shape *shape = &w->features[f]->shape;
    bool fits = shape->rank == 1 || shape->rank == 2;
    if (fits && f == 0) w->examples = shape->dims[0];
    if (!fits || shape->dims[0] != w->examples)
      return tn_run_errorf(
          w->r, TN_INVALID_ARGUMENT,
          "bucketized_features[%d] must be a vector or matrix with a row for each of %lld examples, but is %s", f,
          (long long)w->examples, TN_SHAPE_STR(shape));
  }
  return NULL;
}

static tn_error *check_tree(const walk *w, int32_t number) {
  const tn_tree *tree = &w->forest->trees[number];
  for (int32_t i = 0; i < tree->n; i++) {
    const tn_tree_node *node = &tree->nodes[i];
    int n;
    (void)tn_tree_value(node, &n);
    if (n != w->logits && n != 0)
      return tn_run_errorf(w->r, TN_INVALID_ARGUMENT, "node %d of tree %d has %d logits, not %d", (int)i, (int)number,
                           n, w->logits);
    if (node->kind == TN_TREE_LEAF && n == 0)
      return tn_run_errorf(w->r, TN_INVALID_ARGUMENT, "leaf %d of tree %d has no value", (int)i, (int)number);
    if (node->kind == TN_TREE_LEAF) continue;
    if (node->feature >= w->n_features || node->dimension >= width(w->features[node->feature]))
      return tn_run_errorf(
          w->r, TN_INVALID_ARGUMENT,
          "node %d of tree %d asks for dimension %d of feature %d, which the input (%d features) lacks", (int)i,
          (int)number, (int)node->dimension, (int)node->feature, w->n_features);
  }
  return NULL;
}

static tn_error *check(walk *w) {
  TN_TRY(check_features(w));
  for (int32_t t = 0; t < w->forest->n; t++) TN_TRY(check_tree(w, t));
  return NULL;
}

/* --- walking --- */

static int32_t next(const walk *w, const tn_tree_node *node, int64_t example) {
  const tn_tensor *feature = w->features[node->feature];
  int32_t bucket = TN_DATA(int32_t, feature)[example * width(feature) + node->dimension];
  bool left = node->kind == TN_TREE_BUCKETS ? bucket <= node->threshold : bucket == node->threshold;
  return left ? node->left : node->right;
}

/* From node AT of TREE down to a leaf. */
static int32_t down(const walk *w, const tn_tree *tree, int32_t at, int64_t example) {
  while (tree->nodes[at].kind != TN_TREE_LEAF) at = next(w, &tree->nodes[at], example);
  return at;
}

/* Makes W of R, whose features begin at input FIRST, with the ensemble locked. */
static tn_error *begin(tn_run *r, int first, walk *w, tn_ensemble **e) {
  *w = (walk){.r = r,
              .features = r->inputs + first,
              .n_features = (int)tn_node_get_int(r->node, "num_bucketized_features"),
              .logits = (int)tn_node_get_int(r->node, "logits_dimension")};
  if (w->logits < 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "logits_dimension is %d", w->logits);
  TN_TRY(tn_ensemble_lock(r, e));
  w->forest = &(*e)->forest;
  tn_error *error = check(w);
  if (error) tn_ensemble_unlock(*e);
  return error;
}

static void for_all(walk *w, void (*fn)(void *walk, int64_t chunk)) {
  tn_parallel(tn_chunks(w->examples, GRAIN), fn, w);
}

/* --- the whole ensemble --- */

static void predict_chunk(void *argument, int64_t chunk) {
  const walk *w = argument;
  int64_t from, to;
  tn_chunk(w->examples, tn_chunks(w->examples, GRAIN), chunk, 1, &from, &to);
  for (int64_t i = from; i < to; i++) {
    float *out = TN_DATA(float, w->r->outputs[0]) + i * w->logits;
    for (int j = 0; j < w->logits; j++) out[j] = 0;
    for (int32_t t = 0; t < w->forest->n; t++) {
      const tn_tree *tree = &w->forest->trees[t];
      int n;
      const float *value = tn_tree_value(&tree->nodes[down(w, tree, 0, i)], &n);
      for (int j = 0; j < n; j++) out[j] += tree->weight * value[j];
    }
  }
}

static tn_error *run_predict(tn_run *r) {
  walk w;
  tn_ensemble *e = NULL;
  TN_TRY(begin(r, 1, &w, &e));
  tn_shape out = tn_shape_of(2, (int64_t[]){w.examples, w.logits});
  tn_error *error = tn_run_allocate(r, 0, &out);
  if (!error) for_all(&w, predict_chunk);
  tn_ensemble_unlock(e);
  return error;
}

/* --- what was added since an example was seen last --- */

/* Takes back what node *AT of TREE said; it moves where pruning put the node. */
static void take_back(const tn_tree *tree, int32_t *at, int logits, float *rest) {
  if (tree->finalized && tree->n_moves > 0) {
    const tn_tree_move *move = &tree->moves[*at];
    for (int j = 0; j < logits && j < move->n; j++) rest[j] = move->change[j];
    *at = move->node;
  }
  int n;
  const float *value = tn_tree_value(&tree->nodes[*at], &n);
  for (int j = 0; j < n; j++) rest[j] -= value[j];
}

/* OUT are the example's logits; REST is room for as many numbers. */
static void catch_up(const walk *w, int64_t i, float *out, float *rest) {
  int32_t tree_id = TN_DATA(int32_t, w->r->inputs[1])[i], at = TN_DATA(int32_t, w->r->inputs[2])[i];
  for (int j = 0; j < w->logits; j++) out[j] = rest[j] = 0;
  if (at >= 0) {
    take_back(&w->forest->trees[tree_id], &at, w->logits, rest);
  } else {
    at = 0;
  }
  for (int32_t t = tree_id; t < w->forest->n; t++) {
    const tn_tree *tree = &w->forest->trees[t];
    int n;
    at = down(w, tree, t == tree_id ? at : 0, i);
    const float *value = tn_tree_value(&tree->nodes[at], &n);
    for (int j = 0; j < n; j++) {
      out[j] += tree->weight * (rest[j] + value[j]);
      rest[j] = 0;
    }
  }
  TN_DATA(int32_t, w->r->outputs[1])[i] = w->forest->n - 1;
  TN_DATA(int32_t, w->r->outputs[2])[i] = at;
}

static void catch_up_chunk(void *argument, int64_t chunk) {
  const walk *w = argument;
  int64_t from, to;
  tn_chunk(w->examples, tn_chunks(w->examples, GRAIN), chunk, 1, &from, &to);
  float *rest = (float *)w->r->scratch + chunk * w->logits;
  for (int64_t i = from; i < to; i++) catch_up(w, i, TN_DATA(float, w->r->outputs[0]) + i * w->logits, rest);
}

/* Every example was seen at a node that there is, or was. */
static tn_error *check_cache(const walk *w) {
  for (int i = 1; i < 3; i++) {
    const tn_shape *shape = &w->r->inputs[i]->shape;
    if (shape->rank != 1 || shape->dims[0] != w->examples)
      return tn_run_errorf(w->r, TN_INVALID_ARGUMENT, "%s must be a vector of %lld elements, but is %s",
                           i == 1 ? "cached_tree_ids" : "cached_node_ids", (long long)w->examples, TN_SHAPE_STR(shape));
  }
  for (int64_t i = 0; i < w->examples && w->forest->n > 0; i++) {
    int32_t t = TN_DATA(int32_t, w->r->inputs[1])[i], at = TN_DATA(int32_t, w->r->inputs[2])[i];
    const tn_tree *tree = t >= 0 && t < w->forest->n ? &w->forest->trees[t] : NULL;
    int32_t n = !tree ? 0 : tree->finalized && tree->n_moves > 0 ? tree->n_moves : tree->n;
    if (!tree || at >= n)
      return tn_run_errorf(w->r, TN_INVALID_ARGUMENT, "example %lld was seen at node %d of tree %d, which there is not",
                           (long long)i, (int)at, (int)t);
  }
  return NULL;
}

static tn_error *prepare_training(tn_prepare *p) {
  int64_t logits = tn_node_get_int(p->node, "logits_dimension");
  p->scratch = (logits > 0 ? (size_t)logits : 1) * 64 * sizeof(float); /* tn_chunks gives 64 at most */
  return tn_prepare_all_dynamic(p);
}

static tn_error *train(walk *w) {
  tn_run *r = w->r;
  tn_shape matrix = tn_shape_of(2, (int64_t[]){w->examples, w->logits}), rows = tn_shape_of(1, &w->examples);
  TN_TRY(check_cache(w));
  for (int i = 0; i < 3; i++) TN_TRY(tn_run_allocate(r, i, i == 0 ? &matrix : &rows));
  if (w->forest->n > 0) {
    for_all(w, catch_up_chunk);
    return NULL;
  }
  for (int64_t i = 0; i < w->examples; i++) {
    for (int j = 0; j < w->logits; j++) TN_DATA(float, r->outputs[0])[i * w->logits + j] = 0;
    TN_DATA(int32_t, r->outputs[1])[i] = TN_DATA(int32_t, r->inputs[1])[i];
    TN_DATA(int32_t, r->outputs[2])[i] = 0;
  }
  return NULL;
}

static tn_error *run_training(tn_run *r) {
  walk w;
  tn_ensemble *e = NULL;
  TN_TRY(begin(r, 3, &w, &e));
  tn_error *error = train(&w);
  tn_ensemble_unlock(e);
  return error;
}

/* --- which features made how much of it --- */

static float logit(const tn_tree *tree, int32_t at) {
  int n;
  const float *value = tn_tree_value(&tree->nodes[at], &n);
  return n ? tree->weight * value[0] : 0;
}

static void put_float(tn_str *out, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  tn_put_u32(out, bits);
}

/* The message DebugOutput of example I: the features on the way through all trees, and the logit before and after
 * each. */
static tn_error *explain(const walk *w, int64_t i, tn_string *out) {
  tn_str features = {0}, logits = {0}, message = {0};
  float past = 0, own = logit(&w->forest->trees[0], 0);
  put_float(&logits, own);
  for (int32_t t = 0; t < w->forest->n; t++) {
    const tn_tree *tree = &w->forest->trees[t];
    int32_t at = 0;
    while (tree->nodes[at].kind != TN_TREE_LEAF) {
      tn_wire_put_varint(&features, (uint64_t)tree->nodes[at].feature);
      at = next(w, &tree->nodes[at], i);
      own = logit(tree, at);
      put_float(&logits, past + own);
    }
    if (t == 0 || at > 0) past += own;
  }
  if (features.size) tn_wire_put_bytes(&message, 1, features.data, features.size);
  message.failed |= features.failed | logits.failed;
  tn_wire_put_bytes(&message, 2, logits.size ? logits.data : "", logits.size);
  tn_error *error = tn_string_take(out, &message);
  tn_str_clear(&features);
  tn_str_clear(&logits);
  tn_str_clear(&message);
  return error;
}

static tn_error *explain_all(walk *w) {
  tn_shape rows = tn_shape_of(1, &w->examples);
  if (w->logits != 1)
    return tn_run_errorf(w->r, TN_INVALID_ARGUMENT, "Currently only one dimensional outputs are supported.");
  if (w->forest->n == 0) return tn_run_errorf(w->r, TN_INVALID_ARGUMENT, "the ensemble has no trees to explain by");
  TN_TRY(tn_run_allocate(w->r, 0, &rows));
  for (int64_t i = 0; i < w->examples; i++) TN_TRY(explain(w, i, &tn_strings_of(w->r->outputs[0])[i]));
  return NULL;
}

static tn_error *run_explain(tn_run *r) {
  walk w;
  tn_ensemble *e = NULL;
  TN_TRY(begin(r, 1, &w, &e));
  tn_error *error = explain_all(&w);
  tn_ensemble_unlock(e);
  return error;
}

/* --- the ops --- */

/* The features of a batch begin at input FIRST; *N examples, as the last one says. */
static tn_error *batch(tn_shape_ctx *c, int first, int64_t *n) {
  int features = (int)tn_node_get_int(c->node, "num_bucketized_features");
  *n = -1;
  for (int f = 0; f < features; f++) {
    const tn_shape *shape = &c->in[first + f];
    if (shape->rank > 2)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Shape must be at most rank 2 but is rank %d", shape->rank);
    int64_t rows = shape->rank > 0 ? shape->dims[0] : -1, same;
    int64_t of_first = c->in[first].rank > 0 ? c->in[first].dims[0] : -1;
    TN_TRY(tn_dim_merge(c, of_first, rows, &same));
    *n = rows;
  }
  return NULL;
}

static tn_error *shape_predict(tn_shape_ctx *c) {
  int64_t n;
  TN_TRY(batch(c, 1, &n));
  c->out[0] = tn_shape_of(2, (int64_t[]){n, tn_node_get_int(c->node, "logits_dimension")});
  return NULL;
}

static tn_error *shape_explain(tn_shape_ctx *c) {
  int64_t n;
  TN_TRY(batch(c, 1, &n));
  c->out[0] = tn_shape_of(1, &n);
  return NULL;
}

static tn_error *shape_training(tn_shape_ctx *c) {
  tn_shape trees, nodes;
  int64_t n, same;
  TN_TRY(batch(c, 3, &n));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &trees));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &nodes));
  TN_TRY(tn_dim_merge(c, trees.dims[0], nodes.dims[0], &same));
  c->out[0] = tn_shape_of(2, (int64_t[]){n, tn_node_get_int(c->node, "logits_dimension")});
  c->out[1] = c->out[2] = tn_shape_of(1, &n);
  return NULL;
}

static const tn_kernel_def predicts[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_predict},
                                         {0}};
static const tn_kernel_def trains[] = {{.name = "reference", .prepare = prepare_training, .run = run_training}, {0}};
static const tn_kernel_def explains[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_explain},
                                         {0}};

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED | TN_OP_READ_ONLY

TN_OP(BoostedTreesPredict,
      .inputs = "tree_ensemble_handle: resource, bucketized_features: num_bucketized_features * int32",
      .outputs = "logits: float", .attrs = "num_bucketized_features: int >= 1; logits_dimension: int",
      .doc = "What an ensemble says of examples.", .flags = FLAGS, .shape = shape_predict, .kernels = predicts);
TN_OP(BoostedTreesTrainingPredict,
      .inputs = "tree_ensemble_handle: resource, cached_tree_ids: int32, cached_node_ids: int32, "
                "bucketized_features: num_bucketized_features * int32",
      .outputs = "partial_logits: float, tree_ids: int32, node_ids: int32",
      .attrs = "num_bucketized_features: int >= 1; logits_dimension: int",
      .doc =
          "How much what an ensemble says has changed since examples were seen at given nodes, and where they are now.",
      .flags = FLAGS, .shape = shape_training, .kernels = trains);
TN_OP(BoostedTreesExampleDebugOutputs,
      .inputs = "tree_ensemble_handle: resource, bucketized_features: num_bucketized_features * int32",
      .outputs = "examples_debug_outputs_serialized: string",
      .attrs = "num_bucketized_features: int >= 1; logits_dimension: int",
      .doc = "The features and logits on each example's way through an ensemble, as messages.", .flags = FLAGS,
      .shape = shape_explain, .kernels = explains);
