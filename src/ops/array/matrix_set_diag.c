/* MatrixSetDiag in its versions: matrices with some diagonals replaced. */
#include "ops/array/diagonals.h"

/* --- shapes --- */

/* The input, its batch dimensions joined with those of the diagonals. */
static tn_error *set_shape(tn_shape_ctx *c) {
  tn_shape in, diagonal;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &in));
  TN_TRY(tn_shape_at_least_rank(c, 1, 1, &diagonal));
  const tn_tensor *k = c->n_inputs > 2 ? c->value(c, 2) : NULL;
  bool known = c->n_inputs == 2 || k;
  tn_diagonals d = {0};
  if (known) TN_TRY(tn_diagonals_of(c->node, k, &d));
  if (in.rank >= 0 && known) {
    d.rows = in.dims[in.rank - 2];
    d.columns = in.dims[in.rank - 1];
    if (d.rows >= 0 && d.columns >= 0)
      TN_TRY(tn_diagonals_measure(c->node, &d));
    else
      d.longest = -1;
    tn_shape batch = tn_shape_part(&in, 0, in.rank - 2), want = tn_diagonals_shape(&d, &batch);
    TN_TRY(tn_shape_merge(c, &want, &diagonal, &want));
    for (int i = 0; i < in.rank - 2; i++) in.dims[i] = want.dims[i];
  } else if (in.rank < 0 && known && diagonal.rank >= 0) {
    int batch = diagonal.rank - 1 - (d.lower != d.upper);
    if (batch < 0 || batch + 2 > TN_MAX_RANK)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "diagonal has the wrong rank: %s", TN_SHAPE_STR(&diagonal));
    in = tn_shape_part(&diagonal, 0, batch);
    in.dims[in.rank++] = -1;
    in.dims[in.rank++] = -1;
  }
  c->out[0] = in;
  return NULL;
}

/* --- kernels --- */

static tn_error *set_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  tn_diagonals *d;
  if (in->rank < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be at least 2-dim, received shape: %s",
                             TN_SHAPE_STR(in));
  TN_TRY(tn_prepare_state(p, sizeof *d, &d));
  TN_TRY(tn_diagonals_of(p->node, p->n_inputs > 2 ? &p->inputs[2] : NULL, d));
  d->rows = in->dims[in->rank - 2];
  d->columns = in->dims[in->rank - 1];
  TN_TRY(tn_diagonals_measure(p->node, d));
  tn_shape batch = tn_shape_part(in, 0, in->rank - 2), want = tn_diagonals_shape(d, &batch);
  if (!tn_shape_equal(&want, &p->inputs[1].shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected diagonal shape %s, got %s", TN_SHAPE_STR(&want),
                             TN_SHAPE_STR(&p->inputs[1].shape));
  d->batch = tn_shape_elements(&batch);
  tn_prepare_in_place(p, 0, 0);
  return tn_prepare_output(p, 0, in);
}

static tn_error *set_run(tn_run *r) {
  tn_tensor *out = r->outputs[0];
  if (out->data != r->inputs[0]->data)
    TN_TRY(tn_copy_dense(out->dtype, out->data, r->inputs[0]->data, tn_elements(out)));
  return tn_diagonals_copy(r->state, out, r->inputs[1], true);
}

/* --- gradients: the diagonals get theirs, the input gets what is not on them --- */

static tn_output zero_diagonal(tn_gradient_ctx *c) { return tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 1)); }

static tn_error *v1_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build2(c->scope, "MatrixSetDiag", dy, zero_diagonal(c)));
  tn_grad_set(c, 1, tn_build1(c->scope, "MatrixDiagPart", dy));
  return NULL;
}

static tn_output zero_of(tn_gradient_ctx *c, tn_output x) {
  return c->scope->error ? TN_NONE : tn_build_scalar(c->scope, tn_output_dtype(x), 0);
}

static tn_error *v2_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), k = tn_grad_x(c, 2);
  tn_grad_set(c, 0, tn_build(c->scope, "MatrixSetDiagV2", TN_IN(dy, zero_diagonal(c), k), NULL));
  tn_grad_set(c, 1, tn_build(c->scope, "MatrixDiagPartV2", TN_IN(dy, k, zero_of(c, dy)), NULL));
  return NULL;
}

static tn_error *v3_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), k = tn_grad_x(c, 2);
  const tn_named_attr *align = TN_ATTRS(TN_A_SAME(c->node, "align"));
  tn_grad_set(c, 0, tn_build(c->scope, "MatrixSetDiagV3", TN_IN(dy, zero_diagonal(c), k), align));
  tn_grad_set(c, 1, tn_build(c->scope, "MatrixDiagPartV3", TN_IN(dy, k, zero_of(c, dy)), align));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC, .prepare = set_prepare, .run = set_run}, {0}};

TN_OP(MatrixSetDiag, .inputs = "input: T, diagonal: T", .outputs = "output: T", .attrs = "T: type",
      .doc = "Matrices with their diagonals replaced.", .shape = set_shape, .gradient = v1_gradient,
      .kernels = kernels);

TN_OP(MatrixSetDiagV2, .inputs = "input: T, diagonal: T, k: int32", .outputs = "output: T", .attrs = "T: type",
      .doc = "Matrices with diagonals K[0] to K[1] replaced.", .value_inputs = 1 << 2, .shape = set_shape,
      .gradient = v2_gradient, .kernels = kernels);

TN_OP(MatrixSetDiagV3, .inputs = "input: T, diagonal: T, k: int32", .outputs = "output: T",
      .attrs = "T: type; align: {'LEFT_RIGHT', 'RIGHT_LEFT', 'LEFT_LEFT', 'RIGHT_RIGHT'} = 'RIGHT_LEFT'",
      .doc = "Matrices with diagonals K[0] to K[1], aligned by ALIGN, replaced.", .value_inputs = 1 << 2,
      .shape = set_shape, .gradient = v3_gradient, .kernels = kernels);
