/* ParseSingleSequenceExample, ParseSequenceExample and ParseSequenceExampleV2: contexts and feature lists. */
#include <string.h>

#include "ops/parsing/example.h"

/* The arguments of one half of a SequenceExample, by the names of its attributes and inputs. */
typedef struct half {
  const char *sparse_types, *dense_types, *dense_shapes, *ragged_types; /* attributes */
  const char *sparse_keys, *dense_keys, *ragged_keys;                   /* attributes or inputs */
} half;

static const half context_half = {"context_sparse_types",       "Tcontext_dense",      "context_dense_shapes",
                                  "context_ragged_value_types", "context_sparse_keys", "context_dense_keys",
                                  "context_ragged_keys"};
static const half list_half = {"feature_list_sparse_types", "feature_list_dense_types",
                               "feature_list_dense_shapes", "feature_list_ragged_value_types",
                               "feature_list_sparse_keys",  "feature_list_dense_keys",
                               "feature_list_ragged_keys"};

/* The flattened place of the input called NAME; -1 if there is none. */
static int input_of(const tn_node *node, const char *name, int *count) {
  for (int i = 0; i < node->schema->n_inputs; i++) {
    if (strcmp(node->schema->inputs[i].name, name) != 0) continue;
    int first;
    *count = tn_node_argument(node, i, &first);
    return first;
  }
  return -1;
}

static size_t length(const tn_node *node, const char *attr) {
  const tn_attr *a = tn_node_attr(node, attr);
  return a ? a->n : 0;
}

static tn_parse_layout layout_of(const tn_node *node, const half *h, bool batch) {
  int count;
  tn_parse_layout l = {.n_sparse = (int)length(node, h->sparse_types),
                       .n_dense = (int)length(node, h->dense_types),
                       .n_ragged = (int)length(node, h->ragged_types),
                       .batch = batch,
                       .all_dynamic = true};
  l.defaults = input_of(node, "context_dense_defaults", &count);
  return l;
}

/* Key I of those called NAME: an attribute, scalars or a vector. */
static tn_error *key_of(const tn_run *r, const char *name, int i, tn_string *out) {
  const tn_attr *attr = tn_node_attr(r->node, name);
  int count = 0, first = attr ? 0 : input_of(r->node, name, &count);
  if (attr && attr->is_list) {
    if ((size_t)i < attr->n) {
      *out = attr->strings[i];
      return NULL;
    }
  } else if (count > 1 || (count == 1 && r->inputs[first]->shape.rank == 0)) {
    if (i < count && tn_elements(r->inputs[first + i]) == 1) {
      *out = *tn_strings_of(r->inputs[first + i]);
      return NULL;
    }
  } else if (count == 1 && tn_elements(r->inputs[first]) > i) {
    *out = tn_strings_of(r->inputs[first])[i];
    return NULL;
  }
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must name as many features as there are types", name);
}

static tn_error *fill_spec(const tn_run *r, const half *h, const tn_parse_layout *l, int i, tn_feature_spec *s) {
  int k = i - l->n_sparse, ragged = k - l->n_dense;
  s->stride = 1;
  if (k < 0) {
    s->dtype = tn_node_attr(r->node, h->sparse_types)->types[i];
    return key_of(r, h->sparse_keys, i, &s->key);
  }
  if (ragged >= 0) {
    s->kind = TN_FEATURE_RAGGED;
    s->dtype = tn_node_attr(r->node, h->ragged_types)->types[ragged];
    return key_of(r, h->ragged_keys, ragged, &s->key);
  }
  s->kind = TN_FEATURE_DENSE;
  s->dtype = tn_node_attr(r->node, h->dense_types)->types[k];
  if (length(r->node, h->dense_shapes) != (size_t)l->n_dense)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "there must be one of %s for each dense feature", h->dense_shapes);
  s->shape = &tn_node_attr(r->node, h->dense_shapes)->shapes[k];
  if (h == &context_half) s->fallback = r->inputs[l->defaults + k];
  TN_TRY(key_of(r, h->dense_keys, k, &s->key));
  TN_TRY(tn_feature_spec_check(r->node, k, s));
  if (h == &list_half && (s->variable || s->shape->rank > TN_MAX_RANK - 2))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "feature_list_dense_shapes[%d] must be fully defined: %s", k,
                         TN_SHAPE_STR(s->shape));
  return NULL;
}

/* Which dense lists may be absent: flags, or a list of keys. */
static tn_error *mark_optional(const tn_run *r, const tn_parse_layout *l, tn_feature_table *t) {
  static const char name[] = "feature_list_dense_missing_assumed_empty";
  const tn_attr *attr = tn_node_attr(r->node, name);
  int count = 0, input = attr ? -1 : input_of(r->node, name, &count);
  if (input >= 0 && r->inputs[input]->dtype == TN_BOOL) {
    const tn_tensor *flags = r->inputs[input];
    if (tn_elements(flags) != l->n_dense)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must have one element for each dense list", name);
    for (int i = 0; i < l->n_dense; i++) t->specs[l->n_sparse + i].missing_is_empty = TN_DATA(bool, flags)[i];
    return NULL;
  }
  const tn_string *keys = attr ? attr->strings : tn_strings_of(r->inputs[input]);
  int64_t n = attr ? (int64_t)attr->n : tn_elements(r->inputs[input]);
  for (int64_t i = 0; i < n; i++) {
    tn_feature_spec *s = tn_map_get(t->map, keys[i].data, keys[i].size);
    if (s) s->missing_is_empty = true;
  }
  return NULL;
}

static tn_error *make_table(const tn_run *r, const half *h, const tn_parse_layout *l, tn_feature_table *t) {
  TN_TRY(tn_feature_table_new(r->node, l->n_sparse + l->n_dense + l->n_ragged, t));
  for (int i = 0; i < t->n; i++) TN_TRY(fill_spec(r, h, l, i, &t->specs[i]));
  TN_TRY(tn_feature_table_index(t));
  return h == &list_half ? mark_optional(r, l, t) : NULL;
}

static tn_error *parse_half(tn_run *r, const half *h, bool batch) {
  tn_parse_layout l = layout_of(r->node, h, batch), context = layout_of(r->node, &context_half, batch);
  int count, names = input_of(r->node, "debug_name", &count);
  l.names = r->inputs[names];
  tn_feature_table table = {0};
  tn_error *error = make_table(r, h, &l, &table);
  int first = 3 * context.n_sparse + context.n_dense + 2 * context.n_ragged;
  if (!error)
    error = h == &context_half ? tn_parse_features(r, &l, &table) : tn_parse_feature_lists(r, &l, &table, first);
  tn_feature_table_free(&table);
  return error;
}

static tn_error *run_single(tn_run *r) {
  TN_TRY(parse_half(r, &context_half, false));
  return parse_half(r, &list_half, false);
}

static tn_error *run_batch(tn_run *r) {
  bool batch = r->inputs[0]->shape.rank == 1;
  TN_TRY(parse_half(r, &context_half, batch));
  return parse_half(r, &list_half, batch);
}

static tn_error *prepare(tn_prepare *p, int min_rank, int max_rank) {
  int rank = p->inputs[0].shape.rank;
  if (rank < min_rank || rank > max_rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected serialized to be a %s, got shape: %s",
                             max_rank ? "vector" : "scalar", TN_SHAPE_STR(&p->inputs[0].shape));
  return tn_prepare_all_dynamic(p);
}

static tn_error *single_prepare(tn_prepare *p) { return prepare(p, 0, 0); }
static tn_error *batch_prepare(tn_prepare *p) { return prepare(p, 1, 1); }

/* --- shapes --- */

static void sparse_shapes(tn_shape_ctx *c, int *at, int n, int rank) {
  for (int i = 0; i < n; i++) {
    c->out[*at + i] = tn_shape_of(2, (int64_t[]){-1, rank < 1 ? -1 : rank});
    c->out[*at + n + i] = tn_shape_unknown_of_rank(1);
    c->out[*at + 2 * n + i] = tn_shape_of(1, (int64_t[]){rank < 1 ? -1 : rank});
  }
  *at += 3 * n;
}

/* MORE dimensions, the first of size N, before each dense shape. */
static tn_error *dense_shapes(tn_shape_ctx *c, int *at, const char *attr, int n_dense, int64_t n, int more) {
  const tn_attr *shapes = tn_node_attr(c->node, attr);
  if (shapes->n != (size_t)n_dense)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "there must be one of %s for each dense feature", attr);
  for (int i = 0; i < n_dense; i++) {
    tn_shape in = shapes->shapes[i], *out = &c->out[*at + i];
    if (more < 0 || in.rank < 0 || in.rank + more > TN_MAX_RANK) continue;
    *out = tn_shape_unknown_of_rank(in.rank + more);
    for (int d = 0; d < in.rank; d++) out->dims[d + more] = in.dims[d];
    if (more) out->dims[0] = n;
  }
  *at += n_dense;
  return NULL;
}

static void vectors(tn_shape_ctx *c, int *at, int count, int64_t n) {
  for (int i = 0; i < count; i++) c->out[*at + i] = tn_shape_of(1, &n);
  *at += count;
}

/* RANK of the input; -1: not known. */
static tn_error *shapes(tn_shape_ctx *c, int rank) {
  tn_parse_layout context = layout_of(c->node, &context_half, rank), lists = layout_of(c->node, &list_half, rank);
  tn_shape x = c->in[0];
  if (rank >= 0) TN_TRY(tn_shape_with_rank(c, 0, rank, &x));
  int64_t n = rank == 1 && x.rank == 1 ? x.dims[0] : -1;
  int at = 0;
  sparse_shapes(c, &at, context.n_sparse, rank < 0 ? -1 : rank + 1);
  TN_TRY(dense_shapes(c, &at, "context_dense_shapes", context.n_dense, n, rank));
  vectors(c, &at, context.n_ragged, -1);
  vectors(c, &at, context.n_ragged, n < 0 ? -1 : n + 1);
  sparse_shapes(c, &at, lists.n_sparse, rank < 0 ? -1 : rank + 2);
  TN_TRY(dense_shapes(c, &at, "feature_list_dense_shapes", lists.n_dense, n, rank < 0 ? -1 : rank + 1));
  if (rank == 1) vectors(c, &at, lists.n_dense, n);
  if (rank < 0) at += lists.n_dense;
  vectors(c, &at, lists.n_ragged, -1);
  vectors(c, &at, lists.n_ragged, n < 0 ? -1 : n + 1);
  vectors(c, &at, lists.n_ragged, -1);
  return NULL;
}

static tn_error *single_shape(tn_shape_ctx *c) { return shapes(c, 0); }
static tn_error *batch_shape(tn_shape_ctx *c) { return shapes(c, 1); }
static tn_error *v2_shape(tn_shape_ctx *c) { return shapes(c, c->in[0].rank < 0 ? -1 : 1); }

static const tn_kernel_def single_kernels[] = {{.name = "reference", .prepare = single_prepare, .run = run_single},
                                               {0}};
static const tn_kernel_def batch_kernels[] = {{.name = "reference", .prepare = batch_prepare, .run = run_batch}, {0}};

TN_OP(ParseSingleSequenceExample,
      .inputs = "serialized: string, feature_list_dense_missing_assumed_empty: string, context_sparse_keys: "
                "Ncontext_sparse * string, context_dense_keys: Ncontext_dense * string, feature_list_sparse_keys: "
                "Nfeature_list_sparse * string, feature_list_dense_keys: Nfeature_list_dense * string, "
                "context_dense_defaults: Tcontext_dense, debug_name: string",
      .outputs = "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: context_sparse_types, "
                 "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: Tcontext_dense, "
                 "feature_list_sparse_indices: Nfeature_list_sparse * int64, feature_list_sparse_values: "
                 "feature_list_sparse_types, feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
                 "feature_list_dense_values: feature_list_dense_types",
      .attrs = "Ncontext_sparse: int >= 0 = 0; Ncontext_dense: int >= 0 = 0; Nfeature_list_sparse: int >= 0 = 0; "
               "Nfeature_list_dense: int >= 0 = 0; context_sparse_types: list({float, int64, string}) >= 0 = []; "
               "Tcontext_dense: list({float, int64, string}) >= 0 = []; feature_list_dense_types: list({float, int64, "
               "string}) >= 0 = []; context_dense_shapes: list(shape) >= 0 = []; feature_list_sparse_types: "
               "list({float, int64, string}) >= 0 = []; feature_list_dense_shapes: list(shape) >= 0 = []",
      .doc = "Context features and feature lists of one serialised SequenceExample.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = single_shape, .kernels = single_kernels);

TN_OP(
    ParseSequenceExample, .inputs = "serialized: string, debug_name: string, context_dense_defaults: Tcontext_dense",
    .outputs =
        "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: context_sparse_types, "
        "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: Tcontext_dense, "
        "feature_list_sparse_indices: Nfeature_list_sparse * int64, feature_list_sparse_values: "
        "feature_list_sparse_types, feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
        "feature_list_dense_values: feature_list_dense_types, feature_list_dense_lengths: Nfeature_list_dense * int64",
    .attrs =
        "feature_list_dense_missing_assumed_empty: list(string) >= 0; context_sparse_keys: list(string) >= 0; "
        "context_dense_keys: list(string) >= 0; feature_list_sparse_keys: list(string) >= 0; feature_list_dense_keys: "
        "list(string) >= 0; Ncontext_sparse: int >= 0 = 0; Ncontext_dense: int >= 0 = 0; Nfeature_list_sparse: int >= "
        "0 = 0; Nfeature_list_dense: int >= 0 = 0; context_sparse_types: list({float, int64, string}) >= 0 = []; "
        "Tcontext_dense: list({float, int64, string}) >= 0 = []; feature_list_dense_types: list({float, int64, "
        "string}) >= 0 = []; context_dense_shapes: list(shape) >= 0 = []; feature_list_sparse_types: list({float, "
        "int64, string}) >= 0 = []; feature_list_dense_shapes: list(shape) >= 0 = []",
    .doc = "Context features and feature lists of serialised SequenceExamples.",
    .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = batch_shape, .kernels = batch_kernels);

TN_OP(
    ParseSequenceExampleV2,
    .inputs = "serialized: string, debug_name: string, context_sparse_keys: string, context_dense_keys: string, "
              "context_ragged_keys: string, feature_list_sparse_keys: string, feature_list_dense_keys: string, "
              "feature_list_ragged_keys: string, feature_list_dense_missing_assumed_empty: bool, "
              "context_dense_defaults: Tcontext_dense",
    .outputs =
        "context_sparse_indices: Ncontext_sparse * int64, context_sparse_values: context_sparse_types, "
        "context_sparse_shapes: Ncontext_sparse * int64, context_dense_values: Tcontext_dense, context_ragged_values: "
        "context_ragged_value_types, context_ragged_row_splits: context_ragged_split_types, "
        "feature_list_sparse_indices: Nfeature_list_sparse * int64, feature_list_sparse_values: "
        "feature_list_sparse_types, feature_list_sparse_shapes: Nfeature_list_sparse * int64, "
        "feature_list_dense_values: feature_list_dense_types, feature_list_dense_lengths: Nfeature_list_dense * int64, "
        "feature_list_ragged_values: feature_list_ragged_value_types, feature_list_ragged_outer_splits: "
        "feature_list_ragged_split_types, feature_list_ragged_inner_splits: feature_list_ragged_split_types",
    .attrs =
        "Ncontext_sparse: int >= 0 = 0; Tcontext_dense: list({float, int64, string}) >= 0 = []; context_sparse_types: "
        "list({float, int64, string}) >= 0 = []; context_ragged_value_types: list({float, int64, string}) >= 0 = []; "
        "context_ragged_split_types: list(indextype) >= 0 = []; context_dense_shapes: list(shape) >= 0 = []; "
        "Nfeature_list_sparse: int >= 0 = 0; Nfeature_list_dense: int >= 0 = 0; feature_list_dense_types: list({float, "
        "int64, string}) >= 0 = []; feature_list_sparse_types: list({float, int64, string}) >= 0 = []; "
        "feature_list_ragged_value_types: list({float, int64, string}) >= 0 = []; feature_list_ragged_split_types: "
        "list(indextype) >= 0 = []; feature_list_dense_shapes: list(shape) >= 0 = []",
    .doc = "Context features and feature lists of serialised SequenceExamples, also as ragged tensors.",
    .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = v2_shape, .kernels = batch_kernels);
