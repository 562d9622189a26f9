/* Empty: a tensor of some shape. Its elements are always zero here: what was in memory before is nobody's business. */
#include "ops/array/array.h"

static tn_error *empty_shape(tn_shape_ctx *c) { return tn_shape_from_value(c, 0, &c->out[0]); }

static tn_error *empty_prepare(tn_prepare *p) {
  tn_shape shape;
  if (p->inputs[0].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "shape must be a vector of int32, got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  TN_TRY(tn_prepare_shape(p, 0, &shape));
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *empty_run(tn_run *r) {
  return tn_copy_zero(r->outputs[0]->dtype, r->outputs[0]->data, tn_elements(r->outputs[0]));
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC_STRING, .prepare = empty_prepare, .run = empty_run}, {0}};

TN_OP(Empty, .inputs = "shape: int32", .outputs = "output: dtype", .attrs = "dtype: type; init: bool = false",
      .doc = "A tensor of shape SHAPE, zeros.", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1 << 0, .shape = empty_shape, .kernels = kernels);
