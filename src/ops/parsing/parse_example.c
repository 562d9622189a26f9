/* ParseExample(V2) and ParseSingleExample: features of serialised tf.Examples as sparse, dense and ragged tensors. */
#include <string.h>

#include "base/parallel.h"
#include "ops/parsing/example.h"

/* Where an op of the family has its arguments. */
typedef struct layout {
  int n_sparse, n_dense, n_ragged; /* features */
  int defaults;                    /* the first default, as a flattened input */
  bool batch;                      /* the outputs have a first dimension for the examples */
} layout;

static layout layout_of(const tn_node *node, bool batch) {
  const tn_attr *ragged = tn_node_attr(node, "ragged_value_types");
  layout l = {.n_sparse = (int)tn_node_attr(node, "sparse_types")->n,
              .n_dense = (int)tn_node_attr(node, "Tdense")->n,
              .n_ragged = ragged ? (int)ragged->n : 0,
              .batch = batch};
  l.defaults = node->n_inputs - l.n_dense;
  return l;
}

/* --- what is asked for --- */

/* Spec I without its key. */
static tn_error *spec_of(const tn_node *node, const layout *l, int i, const tn_tensor *fallback, tn_feature_spec *s) {
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
static tn_string key_of(const tn_run *r, const layout *l, int i) {
  int dense = i - l->n_sparse, ragged = dense - l->n_dense;
  const tn_attr *sparse_keys = tn_node_attr(r->node, "sparse_keys");
  if (sparse_keys) return dense < 0 ? sparse_keys->strings[i] : tn_node_attr(r->node, "dense_keys")->strings[dense];
  if (!tn_node_attr(r->node, "ragged_value_types")) return *tn_strings_of(r->inputs[2 + i]);
  return dense < 0    ? tn_strings_of(r->inputs[2])[i]
         : ragged < 0 ? tn_strings_of(r->inputs[3])[dense]
                      : tn_strings_of(r->inputs[4])[ragged];
}

static tn_error *make_table(const tn_run *r, const layout *l, tn_feature_table *t) {
  TN_TRY(tn_feature_table_new(r->node, l->n_sparse + l->n_dense + l->n_ragged, t));
  for (int i = 0; i < t->n; i++) {
    int dense = i - l->n_sparse;
    const tn_tensor *fallback = dense >= 0 && dense < l->n_dense ? r->inputs[l->defaults + dense] : NULL;
    t->specs[i].key = key_of(r, l, i);
    TN_TRY(spec_of(r->node, l, i, fallback, &t->specs[i]));
  }
  return tn_feature_table_index(t);
}

/* --- the work --- */

typedef struct parse {
  tn_run *r;
  layout l;
  tn_feature_table table;
  int64_t n, chunks;
  tn_feature *features; /* [n, features] */
  int64_t *widest;      /* per feature: most values in an example */
  tn_error **errors;    /* per chunk */
} parse;

static tn_string name_of(const parse *p, int64_t i) {
  const tn_tensor *names = p->r->n_inputs > 1 && !tn_node_attr(p->r->node, "sparse_keys") ? p->r->inputs[1] : NULL;
  return names && tn_elements(names) > i ? tn_strings_of(names)[i] : (tn_string){(char *)"<unknown>", 9};
}

#define TEXT(s) (int)(s).size, (s).data

/* Checks feature F of example I, which was opened, against its spec. */
static tn_error *check(const parse *p, int64_t i, const tn_feature_spec *s, const tn_feature *f) {
  tn_string name = name_of(p, i);
  if (f->dtype == TN_INVALID) {
    if (s->kind != TN_FEATURE_DENSE || s->variable || tn_elements(s->fallback) > 0 || s->stride == 0) return NULL;
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                         "Name: %.*s, Feature: %.*s (data type: %s) is required but could not be found.", TEXT(name),
                         TEXT(s->key), tn_dtype_name(s->dtype));
  }
  if (f->dtype != s->dtype)
    return tn_run_errorf(
        p->r, TN_INVALID_ARGUMENT,
        "Name: %.*s, Key: %.*s, Index: %lld.  Data types don't match. Data type: %s but expected type: %s", TEXT(name),
        TEXT(s->key), (long long)i, tn_dtype_name(f->dtype), tn_dtype_name(s->dtype));
  if (s->kind != TN_FEATURE_DENSE) return NULL;
  if (s->variable ? s->stride > 0 && f->count % s->stride != 0 : f->count != s->stride)
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                         "Name: %.*s, Key: %.*s, Index: %lld.  Number of %s values != expected.  Values size: %lld but "
                         "output shape: %s",
                         TEXT(name), TEXT(s->key), (long long)i, tn_feature_list_name(s->dtype), (long long)f->count,
                         TN_SHAPE_STR(s->shape));
  return NULL;
}

static tn_error *find_one(const parse *p, int64_t i) {
  tn_feature *found = p->features + i * p->table.n;
  tn_string message = tn_strings_of(p->r->inputs[0])[i], name = name_of(p, i);
  if (!tn_features_find(&p->table, 1, message, found))
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT, "Could not parse example input %lld, name: %.*s", (long long)i,
                         TEXT(name));
  for (int k = 0; k < p->table.n; k++) {
    if (found[k].data && !tn_feature_open(&found[k]))
      return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                           "Name: %.*s, Key: %.*s, Index: %lld.  Can't parse serialized Example.", TEXT(name),
                           TEXT(p->table.specs[k].key), (long long)i);
    TN_TRY(check(p, i, &p->table.specs[k], &found[k]));
  }
  return NULL;
}

static void find_chunk(void *argument, int64_t chunk) {
  const parse *p = argument;
  int64_t begin, end;
  tn_chunk(p->n, p->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end && !p->errors[chunk]; i++) p->errors[chunk] = find_one(p, i);
}

/* The outputs of feature K. */
typedef struct places {
  tn_tensor *indices, *values, *shape, *splits;
} places;

static int values_output(const layout *l, int k) {
  int dense = k - l->n_sparse;
  return dense < 0 ? l->n_sparse + k : 3 * l->n_sparse + dense;
}

static places places_of(const parse *p, int k) {
  tn_tensor *const *out = p->r->outputs;
  places at = {.values = out[values_output(&p->l, k)]};
  if (k < p->l.n_sparse) {
    at.indices = out[k];
    at.shape = out[2 * p->l.n_sparse + k];
  }
  if (k >= p->l.n_sparse + p->l.n_dense) at.splits = out[values_output(&p->l, k) + p->l.n_ragged];
  return at;
}

static tn_error *copy_rest(const tn_feature_spec *s, char *to, int64_t from, int64_t upto) {
  size_t size = tn_dtype_size(s->dtype);
  for (int64_t i = from; i < upto; i++) TN_TRY(tn_copy_elements(s->dtype, to + (size_t)i * size, s->fallback->data, 1));
  return NULL;
}

static tn_error *decode_one(const parse *p, int64_t i, int k) {
  const tn_feature_spec *s = &p->table.specs[k];
  const tn_feature *f = &p->features[i * p->table.n + k];
  places at = places_of(p, k);
  char *to = (char *)at.values->data + (size_t)f->at * tn_dtype_size(s->dtype);
  if (f->count > 0) TN_TRY(tn_feature_decode(f, to));
  for (int64_t j = 0; at.indices && j < f->count; j++) {
    int64_t *row = TN_DATA(int64_t, at.indices) + (f->at + j) * (p->l.batch ? 2 : 1);
    if (p->l.batch) *row++ = i;
    *row = j;
  }
  if (s->kind != TN_FEATURE_DENSE) return NULL;
  if (s->variable) return copy_rest(s, to, f->count, p->widest[k]);
  if (f->dtype == TN_INVALID && s->stride > 0) return tn_copy_elements(s->dtype, to, s->fallback->data, s->stride);
  return NULL;
}

static void decode_chunk(void *argument, int64_t chunk) {
  const parse *p = argument;
  int64_t begin, end;
  tn_chunk(p->n, p->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    for (int k = 0; k < p->table.n && !p->errors[chunk]; k++) p->errors[chunk] = decode_one(p, i, k);
}

static void put_split(tn_tensor *t, int64_t i, int64_t value) {
  if (t->dtype == TN_INT64)
    TN_DATA(int64_t, t)[i] = value;
  else
    TN_DATA(int32_t, t)[i] = (int32_t)value;
}

/* Sparse and ragged features follow one another; dense ones lie where their example does. */
static int64_t lay_out(parse *p, int k) {
  const tn_feature_spec *s = &p->table.specs[k];
  int64_t total = 0, widest = 0;
  for (int64_t i = 0; i < p->n; i++) {
    tn_feature *f = &p->features[i * p->table.n + k];
    f->at = total;
    total += f->count;
    if (f->count > widest) widest = f->count;
  }
  p->widest[k] = widest;
  if (s->kind == TN_FEATURE_DENSE)
    for (int64_t i = 0; i < p->n; i++) p->features[i * p->table.n + k].at = i * (s->variable ? widest : s->stride);
  return total;
}

static tn_error *allocate_sparse(parse *p, int k, int64_t total) {
  tn_shape indices = tn_shape_of(2, (int64_t[]){total, p->l.batch ? 2 : 1}), values = tn_shape_of(1, &total),
           two = tn_shape_of(1, (int64_t[]){p->l.batch ? 2 : 1});
  TN_TRY(tn_run_allocate(p->r, k, &indices));
  TN_TRY(tn_run_allocate(p->r, p->l.n_sparse + k, &values));
  TN_TRY(tn_run_allocate(p->r, 2 * p->l.n_sparse + k, &two));
  int64_t *shape = TN_DATA(int64_t, p->r->outputs[2 * p->l.n_sparse + k]);
  if (p->l.batch) *shape++ = p->n;
  *shape = p->widest[k];
  return NULL;
}

static tn_error *allocate_ragged(parse *p, int k, int64_t total) {
  int values_at = values_output(&p->l, k), splits_at = values_at + p->l.n_ragged;
  tn_shape values = tn_shape_of(1, &total), splits = tn_shape_of(1, (int64_t[]){p->l.batch ? p->n + 1 : 0});
  TN_TRY(tn_run_allocate(p->r, values_at, &values));
  TN_TRY(tn_run_allocate(p->r, splits_at, &splits));
  for (int64_t i = 0; p->l.batch && i <= p->n; i++)
    put_split(p->r->outputs[splits_at], i, i < p->n ? p->features[i * p->table.n + k].at : total);
  return NULL;
}

static tn_error *allocate(parse *p, int k) {
  const tn_feature_spec *s = &p->table.specs[k];
  int64_t total = lay_out(p, k);
  if (s->kind == TN_FEATURE_SPARSE) return allocate_sparse(p, k, total);
  if (s->kind == TN_FEATURE_RAGGED) return allocate_ragged(p, k, total);
  if (!s->variable) return NULL;
  tn_shape out = *s->shape;
  out.dims[0] = s->stride > 0 ? p->widest[k] / s->stride : 0;
  if (p->l.batch) {
    for (int d = out.rank++; d > 0; d--) out.dims[d] = out.dims[d - 1];
    out.dims[0] = p->n;
  }
  return tn_run_allocate(p->r, values_output(&p->l, k), &out);
}

/* The first error of the chunks; the others are freed. */
static tn_error *first_error(parse *p) {
  tn_error *first = NULL;
  for (int64_t i = 0; i < p->chunks; i++) {
    if (first)
      tn_error_free(p->errors[i]);
    else
      first = p->errors[i];
    p->errors[i] = NULL;
  }
  return first;
}

static tn_error *work(parse *p) {
  TN_TRY(make_table(p->r, &p->l, &p->table));
  p->features = tn_malloc(((size_t)p->n * (size_t)p->table.n + 1) * sizeof *p->features);
  p->widest = tn_calloc((size_t)p->table.n + 1, sizeof *p->widest);
  p->errors = tn_calloc((size_t)p->chunks + 1, sizeof *p->errors);
  if (!p->features || !p->widest || !p->errors) return tn_out_of_memory();
  tn_parallel(p->chunks, find_chunk, p);
  TN_TRY(first_error(p));
  for (int k = 0; k < p->table.n; k++) TN_TRY(allocate(p, k));
  tn_parallel(p->chunks, decode_chunk, p);
  return first_error(p);
}

static tn_error *run(tn_run *r) {
  const layout *l = r->state;
  parse p = {.r = r, .l = *l, .n = tn_elements(r->inputs[0])};
  p.chunks = tn_chunks(p.n, 16);
  tn_error *error = work(&p);
  tn_feature_table_free(&p.table);
  tn_free(p.features);
  tn_free(p.widest);
  tn_free(p.errors);
  return error;
}

/* --- set-up --- */

static tn_error *prepare_outputs(tn_prepare *p, const layout *l) {
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
  layout *l;
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
  layout l = layout_of(c->node, rank == 1);
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
