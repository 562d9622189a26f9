/* ParseExample(V2) and ParseSingleExample: features of serialised tf.Examples as sparse, dense and ragged tensors. */
#include "ops/parsing/example.h"

static tn_parse_layout layout_of(const tn_node *node, bool batch) {
  const tn_attr *ragged = tn_node_attr(node, "ragged_value_types");
  tn_parse_layout l = {.n_sparse = (int)tn_node_attr(node, "sparse_types")->n,
                       .n_dense = (int)tn_node_attr(node, "Tdense")->n,
                       .n_ragged = ragged ? (int)ragged->n : 0,
                       .batch = batch};
  l.defaults = node->n_inputs - l.n_dense;
  return l;
}

/* --- what is asked for --- */

/* Spec I without its key. */
static tn_error *spec_of(const tn_node *node, const tn_parse_layout *l, int i, const tn_tensor *fallback,
                         tn_feature_spec *s) {
  int dense = i - l->n_sparse, ragged = dense - l->n_dense;
  *s = (tn_feature_spec){.key = s->key, .stride = 1};
  if (dense < 0) {
    s->dtype = tn_node_attr(node, "sparse_types")->types[i];
  } else if (ragged < 0) {
    s->kind = TN_FEATURE_DENSE;
    s->dtype = tn_node_attr(node, "Tdense")->types[dense];
    s->shape = &tn_node_attr(node, "dense_shapes")->shapes[dense];
    s->fallback = fallback;
    return tn_feature_spec_check(node, dense, s);
  } else {
    s->kind = TN_FEATURE_RAGGED;
    s->dtype = tn_node_attr(node, "ragged_value_types")->types[ragged];
  }
  return NULL;
}

/* The key of feature I: an attribute, an input of its own, or an element of a vector. */
static tn_string key_of(const tn_run *r, const tn_parse_layout *l, int i) {
  int dense = i - l->n_sparse, ragged = dense - l->n_dense;
  const tn_attr *sparse_keys = tn_node_attr(r->node, "sparse_keys");
  if (sparse_keys) return dense < 0 ? sparse_keys->strings[i] : tn_node_attr(r->node, "dense_keys")->strings[dense];
  if (!tn_node_attr(r->node, "ragged_value_types")) return *tn_strings_of(r->inputs[2 + i]);
  return dense < 0    ? tn_strings_of(r->inputs[2])[i]
         : ragged < 0 ? tn_strings_of(r->inputs[3])[dense]
                      : tn_strings_of(r->inputs[4])[ragged];
}

static tn_error *make_table(const tn_run *r, const tn_parse_layout *l, tn_feature_table *t) {
  TN_TRY(tn_feature_table_new(r->node, l->n_sparse + l->n_dense + l->n_ragged, t));
  for (int i = 0; i < t->n; i++) {
    int dense = i - l->n_sparse;
    const tn_tensor *fallback = dense >= 0 && dense < l->n_dense ? r->inputs[l->defaults + dense] : NULL;
    t->specs[i].key = key_of(r, l, i);
    TN_TRY(spec_of(r->node, l, i, fallback, &t->specs[i]));
  }
  return tn_feature_table_index(t);
}

static tn_error *run(tn_run *r) {
  tn_parse_layout l = *(const tn_parse_layout *)r->state;
  if (!tn_node_attr(r->node, "sparse_keys")) l.names = r->inputs[1];
  tn_feature_table table = {0};
  tn_error *error = make_table(r, &l, &table);
  if (!error) error = tn_parse_features(r, &l, &table);
  tn_feature_table_free(&table);
  return error;
}

/* --- set-up --- */

static tn_error *prepare_outputs(tn_prepare *p, const tn_parse_layout *l) {
  const tn_attr *shapes = tn_node_attr(p->node, "dense_shapes");
  if (shapes->n != (size_t)l->n_dense)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "len(dense_keys) != len(dense_shapes)");
  for (int i = 0; i < p->n_outputs; i++) {
    int dense = i - 3 * l->n_sparse;
    tn_prepare_dynamic(p, i);
    if (dense < 0 || dense >= l->n_dense) continue;
    tn_feature_spec s = {0};
    TN_TRY(spec_of(p->node, l, l->n_sparse + dense, &p->inputs[l->defaults + dense], &s));
    if (s.variable) continue;
    tn_shape out = *s.shape;
    if (l->batch) {
      if (out.rank == TN_MAX_RANK) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "too many dimensions");
      for (int d = out.rank++; d > 0; d--) out.dims[d] = out.dims[d - 1];
      out.dims[0] = tn_elements(&p->inputs[0]);
    }
    if (i < TN_KERNEL_MAX_OUTPUTS) p->dynamic_output[i] = false;
    TN_TRY(tn_prepare_output(p, i, &out));
  }
  return NULL;
}

static tn_error *prepare(tn_prepare *p, int min_rank, int max_rank) {
  int rank = p->inputs[0].shape.rank;
  if (rank < min_rank || rank > max_rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected serialized to be a %s, got shape: %s",
                             max_rank == 0 ? "scalar" : "vector", TN_SHAPE_STR(&p->inputs[0].shape));
  tn_parse_layout *l;
  TN_TRY(tn_prepare_state(p, sizeof *l, &l));
  *l = layout_of(p->node, rank == 1);
  return prepare_outputs(p, l);
}

/* Names are given for all examples or for none. */
static tn_error *check_names(const tn_prepare *p) {
  const tn_tensor *names = &p->inputs[1];
  if (tn_elements(names) == 0 || tn_shape_equal(&names->shape, &p->inputs[0].shape)) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected len(names) == len(serialized), but got: %s vs. %s",
                           TN_SHAPE_STR(&names->shape), TN_SHAPE_STR(&p->inputs[0].shape));
}

static tn_error *batch_prepare(tn_prepare *p) {
  TN_TRY(check_names(p));
  for (int i = 2; i < p->n_inputs - (int)tn_node_attr(p->node, "Tdense")->n; i++)
    if (tn_elements(&p->inputs[i]) != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected keys to be scalars, got shape: %s",
                               TN_SHAPE_STR(&p->inputs[i].shape));
  return prepare(p, 1, 1);
}

static tn_error *v2_prepare(tn_prepare *p) {
  TN_TRY(check_names(p));
  static const char *const lists[] = {"sparse_types", "Tdense", "ragged_value_types"};
  for (int i = 0; i < 3; i++) {
    int64_t want = (int64_t)tn_node_attr(p->node, lists[i])->n, got = tn_elements(&p->inputs[2 + i]);
    if (p->inputs[2 + i].shape.rank != 1 || want != got)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected %lld keys for %s, got shape %s", (long long)want,
                               lists[i], TN_SHAPE_STR(&p->inputs[2 + i].shape));
  }
  return prepare(p, 0, 1);
}

static tn_error *single_prepare(tn_prepare *p) {
  if (tn_node_attr(p->node, "sparse_keys")->n != tn_node_attr(p->node, "sparse_types")->n ||
      tn_node_attr(p->node, "dense_keys")->n != tn_node_attr(p->node, "Tdense")->n)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "keys and types must be equally many");
  return prepare(p, 0, 0);
}

/* --- shapes --- */

static tn_error *shapes(tn_shape_ctx *c, int rank) {
  tn_parse_layout l = layout_of(c->node, rank == 1);
  const tn_attr *dense_shapes = tn_node_attr(c->node, "dense_shapes");
  int64_t n = rank == 1 && c->in[0].rank == 1 ? c->in[0].dims[0] : -1;
  if (dense_shapes->n != (size_t)l.n_dense)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "len(dense_keys) != len(dense_shapes)");
  for (int i = 0; i < l.n_sparse; i++) {
    c->out[i] = tn_shape_of(2, (int64_t[]){-1, rank < 0 ? -1 : rank + 1});
    c->out[l.n_sparse + i] = tn_shape_unknown_of_rank(1);
    c->out[2 * l.n_sparse + i] = tn_shape_of(1, (int64_t[]){rank < 0 ? -1 : rank + 1});
  }
  for (int i = 0; i < l.n_dense; i++) {
    tn_feature_spec s = {.shape = &dense_shapes->shapes[i]};
    TN_TRY(tn_feature_spec_check(c->node, i, &s));
    tn_shape out = *s.shape;
    if (rank == 1 && out.rank < TN_MAX_RANK) {
      for (int d = out.rank++; d > 0; d--) out.dims[d] = out.dims[d - 1];
      out.dims[0] = n;
    }
    c->out[3 * l.n_sparse + i] = rank < 0 ? tn_shape_unknown() : out;
  }
  for (int i = 0; i < l.n_ragged; i++) {
    int values = 3 * l.n_sparse + l.n_dense + i;
    c->out[values] = tn_shape_unknown_of_rank(1);
    c->out[values + l.n_ragged] = tn_shape_of(1, (int64_t[]){n < 0 ? -1 : n + 1});
  }
  return NULL;
}

static tn_error *batch_shape(tn_shape_ctx *c) {
  tn_shape x;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &x));
  return shapes(c, 1);
}
static tn_error *single_shape(tn_shape_ctx *c) {
  tn_shape x;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &x));
  return shapes(c, 0);
}
static tn_error *v2_shape(tn_shape_ctx *c) {
  int rank = c->in[0].rank;
  if (rank > 1) {
    tn_shape x;
    return tn_shape_with_rank(c, 0, 1, &x);
  }
  for (int i = 2; i < 5; i++) {
    tn_shape keys;
    TN_TRY(tn_shape_with_rank(c, i, 1, &keys));
  }
  return shapes(c, rank);
}

static const tn_kernel_def batch_kernels[] = {{.name = "reference", .prepare = batch_prepare, .run = run}, {0}};
static const tn_kernel_def v2_kernels[] = {{.name = "reference", .prepare = v2_prepare, .run = run}, {0}};
static const tn_kernel_def single_kernels[] = {{.name = "reference", .prepare = single_prepare, .run = run}, {0}};

TN_OP(ParseExample,
      .inputs = "serialized: string, names: string, sparse_keys: Nsparse * string, dense_keys: Ndense * string, "
                "dense_defaults: Tdense",
      .outputs = "sparse_indices: Nsparse * int64, sparse_values: sparse_types, sparse_shapes: Nsparse * int64, "
                 "dense_values: Tdense",
      .attrs = "Nsparse: int >= 0; Ndense: int >= 0; sparse_types: list({float, int64, string}) >= 0; Tdense: "
               "list({float, int64, string}) >= 0; dense_shapes: list(shape) >= 0",
      .doc = "Features of serialised tf.Examples as sparse and dense tensors.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = batch_shape, .kernels = batch_kernels);

TN_OP(ParseExampleV2,
      .inputs = "serialized: string, names: string, sparse_keys: string, dense_keys: string, ragged_keys: string, "
                "dense_defaults: Tdense",
      .outputs = "sparse_indices: num_sparse * int64, sparse_values: sparse_types, sparse_shapes: num_sparse * int64, "
                 "dense_values: Tdense, ragged_values: ragged_value_types, ragged_row_splits: ragged_split_types",
      .attrs = "Tdense: list({float, int64, string}) >= 0; num_sparse: int >= 0; sparse_types: list({float, int64, "
               "string}) >= 0; ragged_value_types: list({float, int64, string}) >= 0; ragged_split_types: "
               "list(indextype) >= 0; dense_shapes: list(shape) >= 0",
      .doc = "Features of one or several serialised tf.Examples as sparse, dense and ragged tensors.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = v2_shape, .kernels = v2_kernels);

TN_OP(
    ParseSingleExample, .inputs = "serialized: string, dense_defaults: Tdense",
    .outputs = "sparse_indices: num_sparse * int64, sparse_values: sparse_types, sparse_shapes: num_sparse * int64, "
               "dense_values: Tdense",
    .attrs =
        "num_sparse: int >= 0; sparse_keys: list(string) >= 0; dense_keys: list(string) >= 0; sparse_types: "
        "list({float, int64, string}) >= 0; Tdense: list({float, int64, string}) >= 0; dense_shapes: list(shape) >= 0",
    .doc = "Features of one serialised tf.Example as sparse and dense tensors.",
    .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = single_shape, .kernels = single_kernels);
