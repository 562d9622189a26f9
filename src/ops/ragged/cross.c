/* RaggedCross: each combination of the features of a row, of ragged, sparse and dense ones, becomes a feature. */
#include "ops/ragged/ragged.h"
#include "ops/sparse/sparse.h"
#include "ops/string/string_array.h"

/* A column: row R holds elements [START(R), START(R + 1)) of VALUES. */
typedef struct column {
  const tn_tensor *values, *splits; /* splits: of ragged ones */
  const int64_t *starts;            /* of sparse ones */
  int64_t width;                    /* of dense ones */
} column;

typedef struct cross {
  tn_run *r;
  int n_ragged, n_sparse, n_dense, n; /* n: all */
  int64_t rows;
  column *columns;
  int64_t *starts, *choice;
} cross;

static int64_t start_of(const column *c, int64_t row) {
  return c->splits ? tn_index_at(c->splits, row) : c->starts ? c->starts[row] : row * c->width;
}

static int64_t count_of(const column *c, int64_t row) { return start_of(c, row + 1) - start_of(c, row); }

/* --- checks --- */

/* Where the inputs of each kind begin. */
static int splits_at(const cross *c) { return c->n_ragged; }
static int sparse_at(const cross *c) { return 2 * c->n_ragged; }
static int dense_at(const cross *c) { return sparse_at(c) + 3 * c->n_sparse; }

static tn_error *same_rows(cross *c, int64_t rows) {
  if (c->rows >= 0 && rows != c->rows)
    return tn_run_errorf(c->r, TN_INVALID_ARGUMENT,
                         "inputs must all have the same batch dimension size, got %lld and %lld", (long long)c->rows,
                         (long long)rows);
  c->rows = rows;
  return NULL;
}

static tn_error *check_ragged(cross *c, int i) {
  const tn_tensor *values = c->r->inputs[i], *splits = c->r->inputs[splits_at(c) + i];
  if (values->shape.rank != 1 || splits->shape.rank != 1)
    return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "tf.ragged.cross only supports inputs with rank=2.");
  TN_TRY(tn_splits_check(c->r, splits_at(c) + i, 1, tn_elements(values)));
  return same_rows(c, tn_splits_rows(splits));
}

static tn_error *check_sparse(cross *c, int i) {
  const tn_tensor *const *in = c->r->inputs + sparse_at(c) + i;
  const tn_tensor *indices = in[0], *values = in[c->n_sparse], *shape = in[2 * c->n_sparse];
  if (indices->shape.rank != 2 || values->shape.rank != 1 || shape->shape.rank != 1 ||
      indices->shape.dims[0] != values->shape.dims[0])
    return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "Invalid SparseTensor %d", i);
  if (shape->shape.dims[0] != 2 || indices->shape.dims[1] != 2)
    return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "tf.ragged.cross only supports inputs with rank=2.");
  const int64_t rows = TN_DATA(int64_t, shape)[0];
  if (rows < 0 || rows >= INT32_MAX)
    return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "sparse input %d has %lld rows", i, (long long)rows);
  return same_rows(c, rows);
}

static tn_error *check(cross *c) {
  c->rows = -1;
  for (int i = 0; i < c->n_ragged; i++) TN_TRY(check_ragged(c, i));
  for (int i = 0; i < c->n_sparse; i++) TN_TRY(check_sparse(c, i));
  for (int i = 0; i < c->n_dense; i++) {
    const tn_shape *s = &c->r->inputs[dense_at(c) + i]->shape;
    if (s->rank != 2)
      return tn_run_errorf(c->r, TN_INVALID_ARGUMENT, "tf.ragged.cross only supports inputs with rank=2.");
    TN_TRY(same_rows(c, s->dims[0]));
  }
  if (c->rows < 0) c->rows = 0;
  return NULL;
}

/* --- columns, in the order that the attribute gives --- */

static void place_sparse(const cross *c, int i, column *to) {
  const tn_tensor *const *in = c->r->inputs + sparse_at(c) + i;
  int64_t *starts = c->starts + i * (c->rows + 1), at = 0;
  for (int64_t row = 0; row < c->rows; row++) {
    starts[row] = at;
    while (at < in[0]->shape.dims[0] && TN_DATA(int64_t, in[0])[2 * at] <= row) at++;
  }
  starts[c->rows] = at;
  *to = (column){.values = in[c->n_sparse], .starts = starts};
}

static tn_error *place(cross *c) {
  const tn_string order = tn_node_get_string(c->r->node, "input_order");
  int ragged = 0, sparse = 0, dense = 0;
  for (int k = 0; k < c->n; k++) {
    if (order.data[k] == 'R' && ragged < c->n_ragged) {
      c->columns[k] = (column){.values = c->r->inputs[ragged], .splits = c->r->inputs[splits_at(c) + ragged]};
      ragged++;
    } else if (order.data[k] == 'S' && sparse < c->n_sparse) {
      place_sparse(c, sparse++, &c->columns[k]);
    } else if (order.data[k] == 'D' && dense < c->n_dense) {
      const tn_tensor *values = c->r->inputs[dense_at(c) + dense++];
      c->columns[k] = (column){.values = values, .width = values->shape.dims[1]};
    } else {
      return tn_run_errorf(c->r, TN_INVALID_ARGUMENT,
                           "input_order must name R, S and D as often as there are such inputs; character %d does not",
                           k);
    }
  }
  return NULL;
}

/* --- combinations --- */

static int64_t combinations(const cross *c, int64_t row) {
  int64_t n = 1;
  for (int k = 0; k < c->n && n > 0; k++)
    if (__builtin_mul_overflow(n, count_of(&c->columns[k], row), &n)) return INT64_MAX;
  return n;
}

static tn_error *allocate(const cross *c) {
  const bool narrow = c->r->outputs[1]->dtype == TN_INT32;
  int64_t total = 0;
  TN_TRY(tn_sparse_vector(c->r, 1, c->rows + 1));
  const tn_tensor *splits = c->r->outputs[1];
  for (int64_t row = 0; row <= c->rows; row++) {
    if (narrow)
      TN_DATA(int32_t, splits)[row] = (int32_t)total;
    else
      TN_DATA(int64_t, splits)[row] = total;
    if (row < c->rows && __builtin_add_overflow(total, combinations(c, row), &total))
      return tn_run_errorf(c->r, TN_RESOURCE_EXHAUSTED, "there are too many combinations in row %lld", (long long)row);
  }
  if (narrow && total > INT32_MAX)
    return tn_run_errorf(c->r, TN_RESOURCE_EXHAUSTED, "%lld combinations don't fit in splits of 32 bits",
                         (long long)total);
  return tn_sparse_vector(c->r, 0, total);
}

static int64_t hash(const cross *c, int64_t row) {
  const uint64_t buckets = (uint64_t)tn_node_get_int(c->r->node, "num_buckets");
  uint64_t h = (uint64_t)tn_node_get_int(c->r->node, "hash_key");
  for (int k = 0; k < c->n; k++) {
    h = tn_feature_hash(h, c->columns[k].values, start_of(&c->columns[k], row) + c->choice[k]);
  }
  return (int64_t)(h % (buckets ? buckets : INT64_MAX));
}

static tn_error *join(const cross *c, int64_t row, tn_string *out) {
  tn_str text = {0};
  for (int k = 0; k < c->n; k++) {
    if (k) tn_str_add_bytes(&text, "_X_", 3);
    tn_feature_text(&text, c->columns[k].values, start_of(&c->columns[k], row) + c->choice[k]);
  }
  tn_error *error = tn_string_take(out, &text);
  tn_str_clear(&text);
  return error;
}

static tn_error *fill(const cross *c) {
  const tn_tensor *out = c->r->outputs[0];
  int64_t at = 0;
  for (int64_t row = 0; row < c->rows; row++) {
    memset(c->choice, 0, (size_t)c->n * sizeof *c->choice);
    for (int64_t i = 0, n = combinations(c, row); i < n; i++, at++) {
      if (out->dtype == TN_STRING)
        TN_TRY(join(c, row, &tn_strings_of(out)[at]));
      else
        TN_DATA(int64_t, out)[at] = hash(c, row);
      for (int k = c->n - 1; k >= 0 && ++c->choice[k] == count_of(&c->columns[k], row); k--) c->choice[k] = 0;
    }
  }
  return NULL;
}

static tn_error *work(cross *c) {
  TN_TRY(place(c));
  TN_TRY(allocate(c));
  return fill(c);
}

static tn_error *run(tn_run *r) {
  cross c = {.r = r,
             .n_ragged = (int)tn_node_attr(r->node, "ragged_values_types")->n,
             .n_sparse = (int)tn_node_get_int(r->node, "Nsparse"),
             .n_dense = (int)tn_node_attr(r->node, "dense_types")->n};
  c.n = c.n_ragged + c.n_sparse + c.n_dense;
  TN_TRY(check(&c));
  c.columns = tn_calloc((size_t)c.n + 1, sizeof *c.columns);
  c.choice = tn_calloc((size_t)c.n + 1, sizeof *c.choice);
  c.starts = tn_calloc((size_t)c.n_sparse * ((size_t)c.rows + 1) + 1, sizeof *c.starts);
  tn_error *error = c.columns && c.choice && c.starts ? work(&c) : tn_out_of_memory();
  tn_free(c.columns);
  tn_free(c.choice);
  tn_free(c.starts);
  return error;
}

static tn_error *prepare(tn_prepare *p) {
  const int ragged = (int)tn_node_attr(p->node, "ragged_values_types")->n,
            dense = (int)tn_node_attr(p->node, "dense_types")->n;
  const int sparse = (int)tn_node_attr(p->node, "sparse_values_types")->n;
  if ((int)tn_node_attr(p->node, "ragged_splits_types")->n != ragged)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "ragged values and splits must have the same length");
  if (tn_node_get_int(p->node, "Nsparse") != sparse)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sparse indices and values must have the same length");
  if (tn_node_get_string(p->node, "input_order").size != (size_t)(ragged + sparse + dense))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Invalid length for input_order");
  return tn_prepare_all_dynamic(p);
}

static tn_error *shape(tn_shape_ctx *c) {
  const int ragged = (int)tn_node_attr(c->node, "ragged_values_types")->n;
  const int dense = c->n_inputs - (int)tn_node_attr(c->node, "dense_types")->n;
  tn_shape splits = tn_shape_unknown_of_rank(1), one;
  for (int i = ragged; i < 2 * ragged; i++) {
    TN_TRY(tn_shape_with_rank(c, i, 1, &one));
    TN_TRY(tn_shape_merge(c, &splits, &one, &splits));
  }
  for (int i = dense; i < c->n_inputs; i++) {
    TN_TRY(tn_shape_with_rank(c, i, 2, &one));
    if (one.dims[0] >= 0) TN_TRY(tn_dim_merge(c, splits.dims[0], one.dims[0] + 1, &splits.dims[0]));
  }
  c->out[0] = tn_shape_unknown_of_rank(1);
  c->out[1] = splits;
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .type_attr = "out_values_type", .prepare = prepare, .run = run}, {0}};

#define KINDS  "list({int64, string}) >= 0"
#define SPLITS "list({int32, int64}) >= 0"

TN_OP(RaggedCross,
      .inputs = "ragged_values: ragged_values_types, ragged_row_splits: ragged_splits_types, sparse_indices: Nsparse * "
                "int64, sparse_values: sparse_values_types, sparse_shape: Nsparse * int64, dense_inputs: dense_types",
      .outputs = "output_values: out_values_type, output_row_splits: out_row_splits_type",
      .attrs = "Nsparse: int >= 0; input_order: string; hashed_output: bool; num_buckets: int >= 0; hash_key: int; "
               "ragged_values_types: " KINDS "; ragged_splits_types: " SPLITS "; sparse_values_types: " KINDS
               "; dense_types: " KINDS "; out_values_type: {int64, string}; out_row_splits_type: {int32, int64}",
      .doc = "Crosses of features of ragged, sparse and dense tensors, joined or hashed.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
