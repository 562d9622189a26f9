/* EnsureShape: the input, checked to have a shape. */
#include "ops/array/array.h"

static tn_error *ensure_shape(tn_shape_ctx *c) {
  return tn_shape_merge(c, &c->in[0], tn_node_get_shape(c->node, "shape"), &c->out[0]);
}

static tn_error *ensure_prepare(tn_prepare *p) {
  const tn_shape *want = tn_node_get_shape(p->node, "shape"), *have = &p->inputs[0].shape;
  bool fits = want->rank < 0 || want->rank == have->rank;
  for (int i = 0; fits && i < want->rank; i++) fits = want->dims[i] < 0 || want->dims[i] == have->dims[i];
  if (!fits)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Shape of the input %s is not compatible with expected shape %s.",
                             TN_SHAPE_STR(have), TN_SHAPE_STR(want));
  return tn_prepare_alias(p, 0, 0, have);
}

static tn_error *ensure_run(tn_run *r) {
  (void)r;
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = ensure_prepare, .run = ensure_run}, {0}};

TN_OP(EnsureShape, .inputs = "input: T", .outputs = "output: T", .attrs = "shape: shape; T: type",
      .doc = "The input; an error if its shape is not SHAPE.", .shape = ensure_shape, .gradient = tn_grad_pass,
      .kernels = kernels);
