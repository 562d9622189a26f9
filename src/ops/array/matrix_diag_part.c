/* MatrixDiagPart in its versions: diagonals taken out of matrices. */
#include "ops/array/diagonals.h"

/* --- shapes --- */

static tn_error *part_shape(tn_shape_ctx *c) {
  tn_shape in;
  tn_diagonals d;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &in));
  const tn_tensor *k = c->n_inputs > 1 ? c->value(c, 1) : NULL;
  if (in.rank < 0 || (c->n_inputs > 1 && !k)) return NULL;
  TN_TRY(tn_diagonals_of(c->node, k, &d));
  d.rows = in.dims[in.rank - 2];
  d.columns = in.dims[in.rank - 1];
  if (d.rows >= 0 && d.columns >= 0)
    TN_TRY(tn_diagonals_measure(c->node, &d));
  else
    d.longest = d.rows == 0 || d.columns == 0 ? 0 : -1;
  tn_shape batch = tn_shape_part(&in, 0, in.rank - 2);
  c->out[0] = tn_diagonals_shape(&d, &batch);
  return NULL;
}

/* --- kernels --- */

static tn_error *part_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  tn_diagonals *d;
  if (in->rank < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be at least 2-dim, received shape: %s",
                             TN_SHAPE_STR(in));
  if (p->n_inputs > 2 && p->inputs[2].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "padding_value must be a scalar, received shape: %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  TN_TRY(tn_prepare_state(p, sizeof *d, &d));
  TN_TRY(tn_diagonals_of(p->node, p->n_inputs > 1 ? &p->inputs[1] : NULL, d));
  d->rows = in->dims[in->rank - 2];
  d->columns = in->dims[in->rank - 1];
  TN_TRY(tn_diagonals_measure(p->node, d));
  tn_shape batch = tn_shape_part(in, 0, in->rank - 2), out = tn_diagonals_shape(d, &batch);
  d->batch = tn_shape_elements(&batch);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *part_run(tn_run *r) {
  const tn_diagonals *d = r->state;
  tn_tensor *out = r->outputs[0];
  if (d->lower != d->upper) TN_TRY(tn_copy_fill(out->dtype, out->data, r->inputs[2]->data, tn_elements(out)));
  return tn_diagonals_copy(d, r->inputs[0], out, false);
}

/* --- gradients --- */

static tn_output zeros_like_input(tn_gradient_ctx *c) { return tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 0)); }

static tn_error *v1_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_shape in = tn_output_shape(tn_grad_x(c, 0));
  bool square = in.rank >= 2 && in.dims[in.rank - 1] >= 0 && in.dims[in.rank - 1] == in.dims[in.rank - 2];
  tn_grad_set(c, 0,
              square ? tn_build1(c->scope, "MatrixDiag", dy)
                     : tn_build2(c->scope, "MatrixSetDiag", zeros_like_input(c), dy));
  return NULL;
}

static tn_error *v2_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build(c->scope, "MatrixSetDiagV2", TN_IN(zeros_like_input(c), dy, tn_grad_x(c, 1)), NULL));
  return NULL;
}

static tn_error *v3_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0,
              tn_build(c->scope, "MatrixSetDiagV3", TN_IN(zeros_like_input(c), dy, tn_grad_x(c, 1)),
                       TN_ATTRS(TN_A_SAME(c->node, "align"))));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC, .prepare = part_prepare, .run = part_run}, {0}};

TN_OP(MatrixDiagPart, .inputs = "input: T", .outputs = "diagonal: T", .attrs = "T: type",
      .doc = "The diagonals of matrices.", .shape = part_shape, .gradient = v1_gradient, .kernels = kernels);

TN_OP(MatrixDiagPartV2, .inputs = "input: T, k: int32, padding_value: T", .outputs = "diagonal: T", .attrs = "T: type",
      .doc = "Diagonals K[0] to K[1] of matrices, shorter ones padded with PADDING_VALUE.", .value_inputs = 1 << 1,
      .shape = part_shape, .gradient = v2_gradient, .kernels = kernels);

TN_OP(MatrixDiagPartV3, .inputs = "input: T, k: int32, padding_value: T", .outputs = "diagonal: T",
      .attrs = "T: type; align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'",
      .doc = "Diagonals K[0] to K[1] of matrices, shorter ones aligned by ALIGN and padded with PADDING_VALUE.",
      .value_inputs = 1 << 1, .shape = part_shape, .gradient = v3_gradient, .kernels = kernels);
