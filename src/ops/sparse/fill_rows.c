/* SparseFillEmptyRows and its gradient: rows without elements get one. */
#include "ops/sparse/sparse.h"

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  if (p->inputs[3].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "default_value must be a scalar, saw: %s",
                             TN_SHAPE_STR(&p->inputs[3].shape));
  if (p->inputs[2].shape.dims[0] == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Dense shape cannot be empty");
  tn_sparse_all_dynamic(p);
  return NULL;
}

/* Counts the elements of the rows; NEXT[i] becomes where row I begins, empty rows with room for one. */
static tn_error *count(tn_run *r, const tn_coo *x, int64_t *next, int64_t *total) {
  int64_t rows = x->dims[0];
  for (int64_t i = 0; i < x->n; i++) {
    int64_t row = tn_coo_row(x, i)[0];
    if (row < 0 || row >= rows)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices(%lld, 0) is invalid: %lld >= %lld", (long long)i,
                           (long long)row, (long long)rows);
    next[row]++;
  }
  *total = 0;
  for (int64_t row = 0; row < rows; row++) {
    TN_DATA(bool, r->outputs[2])[row] = next[row] == 0;
    int64_t width = next[row] ? next[row] : 1;
    next[row] = *total;
    *total += width;
  }
  return NULL;
}

static tn_error *fill(tn_run *r, const tn_coo *x, int64_t *next) {
  int64_t rows = x->dims[0], total;
  TN_TRY(count(r, x, next, &total));
  TN_TRY(tn_sparse_matrix(r, 0, total, x->rank));
  TN_TRY(tn_sparse_vector(r, 1, total));
  int64_t *out = TN_DATA(int64_t, r->outputs[0]), *back = TN_DATA(int64_t, r->outputs[3]);
  for (int64_t row = 0; row < rows; row++) {
    if (!TN_DATA(bool, r->outputs[2])[row]) continue;
    memset(out + next[row] * x->rank, 0, (size_t)x->rank * sizeof *out);
    out[next[row] * x->rank] = row;
    TN_TRY(tn_sparse_copy(r->outputs[1], next[row], r->inputs[3], 0));
  }
  for (int64_t i = 0; i < x->n; i++) {
    back[i] = next[tn_coo_row(x, i)[0]]++;
    memcpy(out + back[i] * x->rank, tn_coo_row(x, i), (size_t)x->rank * sizeof *out);
    TN_TRY(tn_sparse_copy(r->outputs[1], back[i], x->values, i));
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_coo x = tn_coo_of(r, 0);
  if (x.dims[0] < 0 || (x.dims[0] == 0 && x.n))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Received SparseTensor with dense_shape[0] = %lld but indices.shape[0] = %lld",
                         (long long)x.dims[0], (long long)x.n);
  TN_TRY(tn_sparse_vector(r, 2, x.dims[0]));
  TN_TRY(tn_sparse_vector(r, 3, x.n));
  int64_t *next = tn_calloc((size_t)x.dims[0] + 1, sizeof *next);
  if (!next) return tn_out_of_memory();
  tn_error *error = fill(r, &x, next);
  tn_free(next);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape indices, values, dense, scalar, full;
  int64_t n, rank;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &indices));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &values));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &dense));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &scalar));
  TN_TRY(tn_dim_merge(c, indices.dims[0], values.dims[0], &n));
  TN_TRY(tn_dim_merge(c, indices.dims[1], dense.dims[0], &rank));
  TN_TRY(tn_shape_from_value(c, 2, &full));
  if (dense.dims[0] == 0) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "dense_shape must not be empty");
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, rank});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = tn_shape_of(1, (int64_t[]){full.rank > 0 ? full.dims[0] : -1});
  c->out[3] = tn_shape_of(1, &n);
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_output g = tn_build2(c->scope, "SparseFillEmptyRowsGrad", tn_grad_y(c, 3), tn_grad_dense(c, 1));
  tn_grad_set(c, 1, g);
  tn_grad_set(c, 3, tn_nth(g, 1));
  return NULL;
}

/* --- the gradient: what came from values go back to them, the rest is the default's --- */

static tn_error *grad_prepare(tn_prepare *p) {
  for (int i = 0; i < 2; i++)
    if (p->inputs[i].shape.rank != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a vector, saw: %s",
                               i ? "grad_values" : "reverse_index_map", TN_SHAPE_STR(&p->inputs[i].shape));
  p->scratch = (size_t)p->inputs[1].shape.dims[0] + 1;
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[0].shape));
  return tn_prepare_output(p, 1, &scalar);
}

static tn_error *grad_run(tn_run *r) {
  int64_t n = tn_elements(r->inputs[0]), full = tn_elements(r->inputs[1]);
  tn_tensor *rest = r->outputs[1];
  char *seen = r->scratch;
  _Alignas(16) char wide[16] = {0}, part[16];
  memset(seen, 0, (size_t)full);
  for (int64_t i = 0; i < n; i++) {
    int64_t from = TN_DATA(int64_t, r->inputs[0])[i];
    if (from < 0 || from >= full)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Elements in reverse index must be in [0, %lld) but got %lld",
                           (long long)full, (long long)from);
    TN_TRY(tn_sparse_copy(r->outputs[0], i, r->inputs[1], from));
    seen[from] = 1;
  }
  tn_wide kind = tn_wide_of(rest->dtype);
  for (int64_t i = 0; i < full; i++) {
    if (seen[i]) continue;
    tn_widen(rest->dtype, tn_at(r->inputs[1], i), 1, part);
    if (kind == TN_WIDE_INT) {
      *(int64_t *)(void *)wide += *(int64_t *)(void *)part;
    } else {
      for (int k = 0; k < (kind == TN_WIDE_COMPLEX ? 2 : 1); k++)
        ((double *)(void *)wide)[k] += ((double *)(void *)part)[k];
    }
  }
  tn_narrow(rest->dtype, wide, 1, rest->data);
  return NULL;
}

static tn_error *grad_shape(tn_shape_ctx *c) {
  tn_shape values;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &c->out[0]));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &values));
  c->out[1] = tn_shape_scalar();
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = grad_prepare, .run = grad_run}, {0}};

TN_OP(
    SparseFillEmptyRows, .inputs = "indices: int64, values: T, dense_shape: int64, default_value: T",
    .outputs = "output_indices: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64",
    .attrs = "T: type",
    .doc =
        "A matrix whose empty rows have the default in their first column; which were empty, and where elements went.",
    .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(SparseFillEmptyRowsGrad, .inputs = "reverse_index_map: int64, grad_values: T",
      .outputs = "d_values: T, d_default_value: T", .attrs = "T: type",
      .doc = "The gradients of SparseFillEmptyRows's values and default.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = grad_shape, .kernels = grad_kernels);
