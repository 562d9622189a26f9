/* MatrixDiag in its versions: matrices made of diagonals. */
#include "ops/array/diagonals.h"

/* --- shapes --- */

static tn_error *v1_shape(tn_shape_ctx *c) {
  tn_shape in;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &in));
  if (in.rank < 0) return NULL;
  tn_shape last = tn_shape_part(&in, in.rank - 1, in.rank);
  return tn_shape_join(c, &in, &last, &c->out[0]);
}

/* Fills in the sizes that were left open (-1), and checks that the diagonals fit: one of the sizes must be just enough.
 */
static tn_error *complete(const tn_node *node, tn_diagonals *d) {
  int64_t rows = d->longest - (d->upper < 0 ? d->upper : 0), columns = d->longest + (d->lower > 0 ? d->lower : 0);
  int64_t square = rows > columns ? rows : columns;
  if (d->rows == -1 && d->columns == -1) {
    d->rows = d->columns = square;
    return NULL;
  }
  if (d->rows == -1) d->rows = rows;
  if (d->columns == -1) d->columns = columns;
  if (d->rows < rows || d->columns < columns)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "The number of rows %lld and columns %lld are too small, expected at least %lld and %lld",
                          (long long)d->rows, (long long)d->columns, (long long)rows, (long long)columns);
  if (d->rows != rows && d->columns != columns)
    return tn_node_errorf(
        node, TN_INVALID_ARGUMENT,
        "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal.");
  return NULL;
}

/* How many dimensions of the diagonals' shape are batch dimensions; checks the number of diagonals if that is known. */
static tn_error *batch_rank(const tn_node *node, const tn_diagonals *d, const tn_shape *diagonal, int *out) {
  bool several = d->lower != d->upper;
  if (diagonal->rank < 1 + several)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "diagonal must be at least %d-dim, received shape: %s",
                          1 + several, TN_SHAPE_STR(diagonal));
  int64_t count = several ? diagonal->dims[diagonal->rank - 2] : 1;
  if (count >= 0 && count != tn_diagonals_count(d))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "The number of diagonals provided in the input (%lld) does not match the range [%lld, %lld]",
                          (long long)count, (long long)d->lower, (long long)d->upper);
  *out = diagonal->rank - 1 - several;
  return NULL;
}

/* The value of a constant scalar input, -1 where it is not known. */
static tn_error *size_value(tn_shape_ctx *c, int input, bool *known, int64_t *out) {
  *out = -1;
  return tn_shape_scalar_value(c, input, known, out);
}

static tn_error *v2_shape(tn_shape_ctx *c) {
  tn_shape in;
  bool rows_known, columns_known;
  tn_diagonals d;
  int batch = 0;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &in));
  const tn_tensor *k = c->value(c, 1);
  if (!k || in.rank < 0) return NULL;
  TN_TRY(tn_diagonals_of(c->node, k, &d));
  TN_TRY(size_value(c, 2, &rows_known, &d.rows));
  TN_TRY(size_value(c, 3, &columns_known, &d.columns));
  TN_TRY(batch_rank(c->node, &d, &in, &batch));
  if (batch + 2 > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                          batch + 2, TN_MAX_RANK);
  d.longest = in.dims[in.rank - 1];
  if (rows_known && columns_known && d.longest >= 0)
    TN_TRY(complete(c->node, &d));
  else if (d.longest < 0 && d.rows >= 0 && d.columns >= 0)
    ; /* both were given: they are the answer */
  else {
    d.rows = rows_known ? d.rows : -1;
    d.columns = columns_known ? d.columns : -1;
  }
  c->out[0] = tn_shape_part(&in, 0, batch);
  c->out[0].dims[c->out[0].rank++] = d.rows;
  c->out[0].dims[c->out[0].rank++] = d.columns;
  return NULL;
}

/* --- kernels --- */

static tn_error *finish(tn_prepare *p, const tn_diagonals *d, int batch) {
  const tn_shape *in = &p->inputs[0].shape;
  if (batch + 2 > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                             batch + 2, TN_MAX_RANK);
  tn_diagonals *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  *state = *d;
  state->batch = tn_span(in, 0, batch);
  tn_shape out = tn_shape_part(in, 0, batch);
  out.dims[out.rank++] = d->rows;
  out.dims[out.rank++] = d->columns;
  return tn_prepare_output(p, 0, &out);
}

static tn_error *v1_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  if (in->rank < 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be at least 1-dim, received shape: %s",
                             TN_SHAPE_STR(in));
  int64_t n = in->dims[in->rank - 1];
  tn_diagonals d = {.rows = n, .columns = n, .longest = n};
  return finish(p, &d, in->rank - 1);
}

static tn_error *v2_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  tn_diagonals d;
  int batch = 0;
  TN_TRY(tn_diagonals_of(p->node, &p->inputs[1], &d));
  for (int i = 2; i < 5; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d must be a scalar, received shape: %s", i,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  TN_TRY(tn_array_scalar(p, 2, &d.rows));
  TN_TRY(tn_array_scalar(p, 3, &d.columns));
  TN_TRY(batch_rank(p->node, &d, in, &batch));
  d.longest = in->dims[in->rank - 1];
  TN_TRY(complete(p->node, &d));
  return finish(p, &d, batch);
}

static tn_error *diag_run(tn_run *r) {
  tn_tensor *out = r->outputs[0];
  if (r->n_inputs > 1)
    TN_TRY(tn_copy_fill(out->dtype, out->data, r->inputs[4]->data, tn_elements(out)));
  else
    TN_TRY(tn_copy_zero(out->dtype, out->data, tn_elements(out)));
  return tn_diagonals_copy(r->state, out, r->inputs[0], true);
}

/* --- gradients --- */

static tn_error *v1_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build1(c->scope, "MatrixDiagPart", tn_grad_dense(c, 0)));
  return NULL;
}

static tn_output zero_of(tn_gradient_ctx *c, tn_output x) {
  return c->scope->error ? TN_NONE : tn_build_scalar(c->scope, tn_output_dtype(x), 0);
}

static tn_error *v2_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build(c->scope, "MatrixDiagPartV2", TN_IN(dy, tn_grad_x(c, 1), zero_of(c, dy)), NULL));
  return NULL;
}

static tn_error *v3_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0,
              tn_build(c->scope, "MatrixDiagPartV3", TN_IN(dy, tn_grad_x(c, 1), zero_of(c, dy)),
                       TN_ATTRS(TN_A_SAME(c->node, "align"))));
  return NULL;
}

static const tn_kernel_def v1_kernels[] = {
    {.name = "reference", .types = TN_BASIC, .prepare = v1_prepare, .run = diag_run}, {0}};
static const tn_kernel_def v2_kernels[] = {
    {.name = "reference", .types = TN_BASIC, .prepare = v2_prepare, .run = diag_run}, {0}};

TN_OP(MatrixDiag, .inputs = "diagonal: T", .outputs = "output: T", .attrs = "T: type",
      .doc = "Matrices with the input on their diagonals.", .shape = v1_shape, .gradient = v1_gradient,
      .kernels = v1_kernels);

TN_OP(MatrixDiagV2, .inputs = "diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T",
      .outputs = "output: T", .attrs = "T: type",
      .doc = "Matrices with the input on diagonals K[0] to K[1] and PADDING_VALUE elsewhere.",
      .value_inputs = 1 << 1 | 1 << 2 | 1 << 3, .shape = v2_shape, .gradient = v2_gradient, .kernels = v2_kernels);

TN_OP(MatrixDiagV3, .inputs = "diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T",
      .outputs = "output: T",
      .attrs = "T: type; align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'",
      .doc = "Matrices with the input on diagonals K[0] to K[1], shorter ones aligned by ALIGN, and PADDING_VALUE "
             "elsewhere.",
      .value_inputs = 1 << 1 | 1 << 2 | 1 << 3, .shape = v2_shape, .gradient = v3_gradient, .kernels = v2_kernels);
