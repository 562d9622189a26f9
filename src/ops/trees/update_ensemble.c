/* BoostedTreesUpdateEnsemble and ...V2: the last tree grows by the best of the splits that are offered. */
#include <string.h>

#include "graph/shape.h"
#include "ops/string/string_array.h"
#include "ops/trees/grow.h"
#include "ops/trees/split.h"

/* One group of candidates: where its inputs are, and what may be NULL. */
typedef struct group {
  const tn_tensor *features, *dimensions, *nodes, *gains, *thresholds, *left, *right, *types;
  int32_t feature; /* of all of it, where FEATURES is NULL */
} group;

static tn_error *check_group(const tn_run *r, const group *g, int logits, int index) {
  const struct {
    const tn_tensor *t;
    const char *name;
  } vectors[] = {{g->nodes, "node_ids"},           {g->gains, "gains"},
                 {g->thresholds, "thresholds"},    {g->features, "feature_ids"},
                 {g->dimensions, "dimension_ids"}, {g->types, "split_types"},
                 {g->left, "left_node_contribs"},  {g->right, "right_node_contribs"}};
  int64_t n = g->nodes->shape.rank == 1 ? g->nodes->shape.dims[0] : -1;
  for (int i = 0; i < 8; i++) {
    if (!vectors[i].t) continue;
    const tn_shape *shape = &vectors[i].t->shape;
    bool fits = shape->rank == (i < 6 ? 1 : 2) && shape->dims[0] == n && (i < 6 || shape->dims[1] >= logits);
    if (!fits)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "%s at index %d must be a %s for as many nodes as node_ids, received shape %s",
                           vectors[i].name, index, i < 6 ? "vector" : "matrix", TN_SHAPE_STR(shape));
  }
  return NULL;
}

/* "inequality_default_left", or as later versions of TensorFlow write it, in capitals. */
static bool is_type(tn_string s, const char *type) {
  if (s.size != strlen(type)) return false;
  for (size_t i = 0; i < s.size; i++) {
    char c = s.data[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (c != type[i]) return false;
  }
  return true;
}

static tn_error *read_type(const tn_run *r, tn_string s, tn_growth_candidate *c) {
  c->category = is_type(s, TN_SPLIT_EQUALITY);
  c->default_right = is_type(s, TN_SPLIT_DEFAULT_RIGHT);
  if (c->category || c->default_right || is_type(s, TN_SPLIT_DEFAULT_LEFT)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "split_types must be %s, %s or %s, but one is %.*s",
                       TN_SPLIT_DEFAULT_LEFT, TN_SPLIT_DEFAULT_RIGHT, TN_SPLIT_EQUALITY,
                       (int)(s.size < 64 ? s.size : 64), s.size ? s.data : "");
}

static tn_error *offer(const tn_run *r, tn_growth *growth, const group *g, int index) {
  TN_TRY(check_group(r, g, growth->logits, index));
  int64_t n = g->nodes->shape.dims[0];
  for (int64_t i = 0; i < n; i++) {
    tn_growth_candidate c = {.node = TN_DATA(int32_t, g->nodes)[i],
                             .feature = g->features ? TN_DATA(int32_t, g->features)[i] : g->feature,
                             .dimension = g->dimensions ? TN_DATA(int32_t, g->dimensions)[i] : 0,
                             .threshold = TN_DATA(int32_t, g->thresholds)[i],
                             .gain = TN_DATA(float, g->gains)[i],
                             .left = TN_DATA(float, g->left) + i * g->left->shape.dims[1],
                             .right = TN_DATA(float, g->right) + i * g->right->shape.dims[1]};
    if (g->types) TN_TRY(read_type(r, tn_strings_of(g->types)[i], &c));
    TN_TRY(tn_growth_offer(growth, &c));
  }
  return NULL;
}

static tn_error *grow(const tn_run *r, const tn_growth *growth) {
  tn_ensemble *e = NULL;
  TN_TRY(tn_ensemble_lock(r, &e));
  tn_error *error = tn_growth_apply(r, growth, e);
  tn_ensemble_unlock(e);
  return error;
}

/* --- one logit, a vector a feature --- */

static tn_error *offer_features(const tn_run *r, tn_growth *growth, int n) {
  const tn_tensor *ids = r->inputs[1];
  if (ids->shape.rank != 1 || ids->shape.dims[0] != n)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "feature_ids must be a vector of %d elements, received shape %s", n,
                         TN_SHAPE_STR(&ids->shape));
  for (int f = 0; f < n; f++) {
    const tn_tensor *const *in = r->inputs + 2 + f;
    group g = {.feature = TN_DATA(int32_t, ids)[f],
               .nodes = in[0],
               .gains = in[n],
               .thresholds = in[2 * n],
               .left = in[3 * n],
               .right = in[4 * n]};
    TN_TRY(offer(r, growth, &g, f));
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  int n = (int)tn_node_get_int(r->node, "num_features");
  tn_growth growth = {.logits = 1, .pruning = (tn_pruning)tn_node_get_int(r->node, "pruning_mode")};
  TN_TRY(tn_growth_int(r, 2 + 5 * n, "max_depth", &growth.max_depth));
  TN_TRY(tn_trees_scalar(r, 3 + 5 * n, "learning_rate", &growth.rate));
  tn_error *error = offer_features(r, &growth, n);
  if (!error) error = grow(r, &growth);
  tn_growth_clear(&growth);
  return error;
}

/* --- several logits, groups of features --- */

static tn_error *offer_groups(const tn_run *r, tn_growth *growth, int groups, int n) {
  for (int k = 0; k < groups; k++) {
    const tn_tensor *const *in = r->inputs + 1 + groups + k;
    group g = {.features = r->inputs[1 + k],
               .dimensions = in[0],
               .nodes = in[n],
               .gains = in[2 * n],
               .thresholds = in[3 * n],
               .left = in[4 * n],
               .right = in[5 * n],
               .types = in[6 * n]};
    TN_TRY(offer(r, growth, &g, k));
  }
  return NULL;
}

static tn_error *run_v2(tn_run *r) {
  int n = (int)tn_node_get_int(r->node, "num_features"), groups = (int)tn_node_get_int(r->node, "num_groups");
  int scalars = 1 + groups + 7 * n;
  tn_growth growth = {.logits = (int)tn_node_get_int(r->node, "logits_dimension")};
  int32_t pruning;
  if (growth.logits < 1 || groups > n)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "logits_dimension is %d, num_groups %d, num_features %d",
                         growth.logits, groups, n);
  TN_TRY(tn_growth_int(r, scalars, "max_depth", &growth.max_depth));
  TN_TRY(tn_trees_scalar(r, scalars + 1, "learning_rate", &growth.rate));
  TN_TRY(tn_growth_int(r, scalars + 2, "pruning_mode", &pruning));
  growth.pruning = (tn_pruning)pruning;
  tn_error *error = offer_groups(r, &growth, groups, n);
  if (!error) error = grow(r, &growth);
  tn_growth_clear(&growth);
  return error;
}

/* --- the ops --- */

static tn_error *prepare(tn_prepare *p) {
  (void)p;
  return NULL;
}

/* Inputs FIRST, FIRST + STEP, ...: COUNT of them have as many rows as ROWS says; the last two of LOGITS columns. */
static tn_error *shape(tn_shape_ctx *c) {
  int n = (int)tn_node_get_int(c->node, "num_features");
  tn_shape seen, each = tn_shape_of(1, (int64_t[]){n}), rows, matrix;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &seen));
  TN_TRY(tn_shape_merge(c, &seen, &each, &seen));
  for (int i = 0; i < n; i++) {
    TN_TRY(tn_shape_with_rank(c, 2 + i, 1, &rows));
    matrix = tn_shape_of(2, (int64_t[]){rows.dims[0], 1});
    for (int k = 1; k < 5; k++) {
      TN_TRY(tn_shape_with_rank(c, 2 + k * n + i, k < 3 ? 1 : 2, &seen));
      TN_TRY(tn_shape_merge(c, &seen, k < 3 ? &rows : &matrix, &seen));
    }
  }
  return NULL;
}

static tn_error *shape_v2(tn_shape_ctx *c) {
  int n = (int)tn_node_get_int(c->node, "num_features"), groups = (int)tn_node_get_int(c->node, "num_groups");
  int64_t logits = tn_node_get_int(c->node, "logits_dimension");
  tn_shape seen, rows, matrix;
  for (int k = 0; k < groups; k++) TN_TRY(tn_shape_with_rank(c, 1 + k, 1, &seen));
  for (int i = 0; i < n; i++) {
    int first = 1 + groups + i;
    TN_TRY(tn_shape_with_rank(c, first, 1, &seen));
    TN_TRY(tn_shape_with_rank(c, first + n, 1, &rows));
    matrix = tn_shape_of(2, (int64_t[]){rows.dims[0], logits});
    for (int k = 2; k < 7; k++) {
      bool vector = k < 4 || k == 6;
      TN_TRY(tn_shape_with_rank(c, first + k * n, vector ? 1 : 2, &seen));
      TN_TRY(tn_shape_merge(c, &seen, vector ? &rows : &matrix, &seen));
    }
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def kernels_v2[] = {{.name = "reference", .prepare = prepare, .run = run_v2}, {0}};

TN_OP(BoostedTreesUpdateEnsemble,
      .inputs = "tree_ensemble_handle: resource, feature_ids: int32, node_ids: num_features * int32, "
                "gains: num_features * float, thresholds: num_features * int32, "
                "left_node_contribs: num_features * float, right_node_contribs: num_features * float, "
                "max_depth: int32, learning_rate: float",
      .outputs = "", .attrs = "pruning_mode: int >= 0; num_features: int >= 0",
      .doc = "Splits the nodes of the last tree by the best splits of all features.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
TN_OP(BoostedTreesUpdateEnsembleV2,
      .inputs = "tree_ensemble_handle: resource, feature_ids: num_groups * int32, "
                "dimension_ids: num_features * int32, node_ids: num_features * int32, gains: num_features * float, "
                "thresholds: num_features * int32, left_node_contribs: num_features * float, "
                "right_node_contribs: num_features * float, split_types: num_features * string, max_depth: int32, "
                "learning_rate: float, pruning_mode: int32",
      .outputs = "", .attrs = "num_features: int >= 0; logits_dimension: int = 1; num_groups: int >= 1 = 1",
      .doc = "Splits the nodes of the last tree by the best splits of all features, also by category.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_v2, .kernels = kernels_v2);
