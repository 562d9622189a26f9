/* SparseCross and SparseCrossV2: each combination of the features of a row becomes a feature. */
#include "ops/sparse/sparse.h"
#include "ops/string/string_array.h"

typedef struct cross {
  tn_run *r;
  int n, n_columns;      /* sparse ones, all */
  int64_t rows, *starts; /* per sparse column: where each row begins, rows + 1 each */
  tn_string separator;
  bool hashed;
  uint64_t buckets, key;
} cross;

static const tn_tensor *values_of(const cross *c, int column) {
  return column < c->n ? c->r->inputs[c->n + column] : c->r->inputs[3 * c->n + column - c->n];
}

static int64_t count_of(const cross *c, int64_t row, int column) {
  if (column >= c->n) return values_of(c, column)->shape.dims[1];
  const int64_t *s = c->starts + column * (c->rows + 1) + row;
  return s[1] - s[0];
}

static int64_t element_of(const cross *c, int64_t row, int column, int64_t i) {
  if (column >= c->n) return row * values_of(c, column)->shape.dims[1] + i;
  return c->starts[column * (c->rows + 1) + row] + i;
}

static uint64_t hash_row(const cross *c, int64_t row, const int64_t *choice) {
  uint64_t h = c->key;
  for (int k = 0; k < c->n_columns; k++) {
    h = tn_feature_hash(h, values_of(c, k), element_of(c, row, k, choice[k]));
  }
  return c->buckets ? h % c->buckets : h % INT64_MAX;
}

static tn_error *text_row(const cross *c, int64_t row, const int64_t *choice, tn_string *out) {
  tn_str text = {0};
  for (int k = 0; k < c->n_columns; k++) {
    if (k) tn_str_add_bytes(&text, c->separator.data, c->separator.size);
    tn_feature_text(&text, values_of(c, k), element_of(c, row, k, choice[k]));
  }
  tn_error *error = tn_string_take(out, &text);
  tn_str_clear(&text);
  return error;
}

static tn_error *find_rows(cross *c) {
  for (int k = 0; k < c->n; k++) {
    const tn_tensor *indices = c->r->inputs[k];
    int64_t *starts = c->starts + k * (c->rows + 1), i = 0, n = indices->shape.dims[0];
    for (int64_t row = 0; row < c->rows; row++) {
      starts[row] = i;
      while (i < n && TN_DATA(int64_t, indices)[2 * i] == row) i++;
    }
    starts[c->rows] = i;
    if (i < n)
      return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "the rows of feature %d are out of order or out of range at %lld",
                           k, (long long)i);
  }
  return NULL;
}

static int64_t combinations(const cross *c, int64_t row) {
  int64_t n = 1;
  for (int k = 0; k < c->n_columns; k++)
    if (__builtin_mul_overflow(n, count_of(c, row, k), &n)) return INT64_MAX;
  return n;
}

static tn_error *fill(const cross *c, int64_t *choice) {
  int64_t at = 0, *indices = TN_DATA(int64_t, c->r->outputs[0]);
  for (int64_t row = 0; row < c->rows; row++) {
    memset(choice, 0, (size_t)c->n_columns * sizeof *choice);
    for (int64_t i = 0, n = combinations(c, row); i < n; i++, at++) {
      indices[2 * at] = row;
      indices[2 * at + 1] = i;
      if (c->hashed)
        TN_DATA(int64_t, c->r->outputs[1])[at] = (int64_t)hash_row(c, row, choice);
      else
        TN_TRY(text_row(c, row, choice, &tn_strings_of(c->r->outputs[1])[at]));
      for (int k = c->n_columns - 1; k >= 0 && ++choice[k] == count_of(c, row, k); k--) choice[k] = 0;
    }
  }
  return NULL;
}

static tn_error *allocate(const cross *c) {
  int64_t total = 0, widest = 0;
  for (int64_t row = 0; row < c->rows; row++) {
    int64_t n = combinations(c, row);
    if (__builtin_add_overflow(total, n, &total))
      return tn_run_errorf(c->r, TN_RESOURCE_EXHAUSTED, "there are too many combinations in row %lld", (long long)row);
    widest = n > widest ? n : widest;
  }
  TN_TRY(tn_sparse_matrix(c->r, 0, total, 2));
  TN_TRY(tn_sparse_vector(c->r, 1, total));
  TN_TRY(tn_sparse_vector(c->r, 2, 2));
  TN_DATA(int64_t, c->r->outputs[2])[0] = c->rows;
  TN_DATA(int64_t, c->r->outputs[2])[1] = widest;
  return NULL;
}

static tn_error *work(cross *c) {
  TN_TRY(find_rows(c));
  TN_TRY(allocate(c));
  int64_t *choice = tn_calloc((size_t)c->n_columns + 1, sizeof *choice);
  if (!choice) return tn_out_of_memory();
  tn_error *error = fill(c, choice);
  tn_free(choice);
  return error;
}

/* The number of rows, which all columns share. */
static tn_error *count_rows(cross *c) {
  for (int k = 0; k < c->n_columns; k++) {
    int64_t rows = k < c->n ? TN_DATA(int64_t, c->r->inputs[2 * c->n + k])[0] : values_of(c, k)->shape.dims[0];
    if (k && rows != c->rows)
      return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "Expected batch size %lld, got %lld for feature %d",
                           (long long)c->rows, (long long)rows, k);
    c->rows = rows;
  }
  if (c->n_columns == 0 || c->rows < 0)
    return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "there must be features to cross");
  return NULL;
}

static tn_error *run(cross *c) {
  const tn_attr *dense = tn_node_attr(c->r->node, "dense_types");
  c->n = (int)tn_node_get_int(c->r->node, "N");
  c->n_columns = c->n + (int)dense->n;
  TN_TRY(count_rows(c));
  c->starts = tn_malloc(((size_t)c->n * ((size_t)c->rows + 1) + 1) * sizeof *c->starts);
  if (!c->starts) return tn_out_of_memory();
  tn_error *error = work(c);
  tn_free(c->starts);
  return error;
}

static tn_error *v1_run(tn_run *r) {
  cross c = {.r = r,
             .separator = {(char *)"_X_", 3},
             .hashed = tn_node_get_bool(r->node, "hashed_output"),
             .buckets = (uint64_t)tn_node_get_int(r->node, "num_buckets"),
             .key = (uint64_t)tn_node_get_int(r->node, "hash_key")};
  return run(&c);
}

static tn_error *v2_run(tn_run *r) {
  cross c = {.r = r, .separator = *tn_strings_of(r->inputs[r->n_inputs - 1])};
  return run(&c);
}

static tn_error *prepare(tn_prepare *p) {
  int n = (int)tn_node_get_int(p->node, "N"), dense = (int)tn_node_attr(p->node, "dense_types")->n;
  const tn_attr *hashed = tn_node_attr(p->node, "hashed_output");
  if (hashed && (hashed->b ? TN_INT64 : TN_STRING) != p->outputs[1].dtype)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "out_type must be int64 for hashes and string for names");
  for (int k = 0; k < n; k++) {
    const tn_shape *indices = &p->inputs[k].shape, *values = &p->inputs[n + k].shape,
                   *shape = &p->inputs[2 * n + k].shape;
    if (indices->rank != 2 || indices->dims[1] != 2 || values->rank != 1 || values->dims[0] != indices->dims[0] ||
        shape->rank != 1 || shape->dims[0] != 2)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "feature %d is no sparse matrix: %s, %s, %s", k,
                               TN_SHAPE_STR(indices), TN_SHAPE_STR(values), TN_SHAPE_STR(shape));
  }
  for (int k = 3 * n; k < 3 * n + dense; k++)
    if (p->inputs[k].shape.rank != 2)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Dense inputs should be a matrix but received shape %s",
                               TN_SHAPE_STR(&p->inputs[k].shape));
  tn_sparse_all_dynamic(p);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, 2});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

static const tn_kernel_def v1_kernels[] = {
    {.name = "reference", .type_attr = "out_type", .prepare = prepare, .run = v1_run}, {0}};
static const tn_kernel_def v2_kernels[] = {{.name = "reference", .prepare = prepare, .run = v2_run}, {0}};

TN_OP(SparseCross, .inputs = "indices: N * int64, values: sparse_types, shapes: N * int64, dense_inputs: dense_types",
      .outputs = "output_indices: int64, output_values: out_type, output_shape: int64",
      .attrs =
          "N: int >= 0; hashed_output: bool; num_buckets: int >= 0; hash_key: int; sparse_types: list({int64, string}) "
          ">= 0; dense_types: list({int64, string}) >= 0; out_type: {int64, string}; internal_type: {int64, string}",
      .doc = "Crosses of features: every combination of a row's values, joined or hashed.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = v1_kernels);

TN_OP(SparseCrossV2,
      .inputs = "indices: N * int64, values: sparse_types, shapes: N * int64, dense_inputs: dense_types, sep: string",
      .outputs = "output_indices: int64, output_values: string, output_shape: int64",
      .attrs = "N: int >= 0; sparse_types: list({int64, string}) >= 0; dense_types: list({int64, string}) >= 0",
      .doc = "Crosses of features: every combination of a row's values, joined by SEP.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = v2_kernels);
