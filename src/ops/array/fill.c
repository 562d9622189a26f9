/* Fill: one value everywhere. */
#include "ops/array/array.h"

static tn_error *fill_shape(tn_shape_ctx *c) {
  tn_shape dims, scalar;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  TN_TRY(tn_shape_with_rank(c, 0, 1, &dims));
  return tn_shape_from_value(c, 0, &c->out[0]);
}

static tn_error *fill_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dims must be a vector, got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  if (p->inputs[1].shape.rank != 0 && tn_elements(&p->inputs[1]) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "value must be a scalar, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_shape shape;
  TN_TRY(tn_prepare_shape(p, 0, &shape));
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *fill_run(tn_run *r) {
  return tn_copy_fill(r->outputs[0]->dtype, r->outputs[0]->data, r->inputs[1]->data, tn_elements(r->outputs[0]));
}

static tn_error *fill_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  if (c->scope->error) return NULL;
  tn_shape shape = tn_output_shape(dy);
  tn_output axes;
  if (shape.rank >= 0) {
    int64_t all[TN_MAX_RANK];
    for (int i = 0; i < shape.rank; i++) all[i] = i;
    axes = tn_build_ints(c->scope, TN_INT32, shape.rank, all);
  } else {
    axes = tn_build(c->scope, "Range",
                    TN_IN(tn_build_scalar(c->scope, TN_INT32, 0), tn_build1(c->scope, "Rank", dy),
                          tn_build_scalar(c->scope, TN_INT32, 1)),
                    NULL);
  }
  tn_grad_set(c, 1, tn_build_sum(c->scope, dy, axes, false));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference",
     .types = TN_BASIC_STRING | TN_QUANTIZED5 | TN_OBJECTS | TN_BIT(TN_INT4) | TN_BIT(TN_UINT4),
     .prepare = fill_prepare,
     .run = fill_run},
    {0}};

TN_OP(Fill, .inputs = "dims: index_type, value: T", .outputs = "output: T",
      .attrs = "T: type; index_type: indextype = DT_INT32",
      .doc = "A tensor of shape DIMS that holds VALUE everywhere.", .value_inputs = 1 << 0, .shape = fill_shape,
      .gradient = fill_gradient, .kernels = kernels);
