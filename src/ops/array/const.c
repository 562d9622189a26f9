/* Const: a tensor that is part of the graph. */
#include "ops/array/array.h"

static tn_error *const_shape(tn_shape_ctx *c) {
  c->out[0] = tn_node_get_tensor(c->node, "value")->shape;
  return NULL;
}

static tn_error *const_prepare(tn_prepare *p) {
  return tn_prepare_output(p, 0, &tn_node_get_tensor(p->node, "value")->shape);
}

static tn_error *const_run(tn_run *r) {
  const tn_tensor *value = tn_node_get_tensor(r->node, "value");
  return tn_copy_dense(value->dtype, r->outputs[0]->data, value->data, tn_elements(value));
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = const_prepare, .run = const_run}, {0}};

TN_OP(Const, .inputs = "", .outputs = "output: dtype", .attrs = "value: tensor; dtype: type",
      .doc = "The tensor of its attribute VALUE.", .flags = TN_OP_NO_GRADIENT, .shape = const_shape,
      .kernels = kernels);
