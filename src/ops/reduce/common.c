/* What the reduction ops share: preparing, running, and the shapes of their gradients. */
#include <string.h>

#include "ops/reduce/reducers.h"

tn_error *tn_reduce_prepare(tn_prepare *p, tn_reducer_table table) {
  const tn_tensor *x = &p->inputs[0];
  const tn_reducer *reducer = table[x->dtype];
  if (!reducer)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "there is no kernel for the dtype %s", tn_dtype_name(x->dtype));
  uint32_t axes;
  TN_TRY(tn_prepare_axes(p, 1, x->shape.rank, &axes));
  tn_shape shape = tn_reduced_shape(&x->shape, axes, tn_node_get_bool(p->node, "keep_dims"));
  TN_TRY(tn_prepare_output(p, 0, &shape));
  tn_reduction *reduction;
  TN_TRY(tn_prepare_state(p, sizeof *reduction, &reduction));
  tn_reduction_init(reduction, &x->shape, axes, reducer);
  reduction->element = reduction->out_element = tn_dtype_size(x->dtype);
  p->scratch = tn_reduction_scratch(reduction);
  return NULL;
}

tn_error *tn_reduce_run(tn_run *r) {
  tn_reduction_run(r->state, r->inputs[0]->data, r->outputs[0]->data, r->scratch);
  return NULL;
}

/* --- gradients --- */

/* The axes of the forward node where they and the input's shape are static. */
static bool static_axes(tn_gradient_ctx *c, uint32_t *axes) {
  tn_shape shape = tn_output_shape(tn_grad_x(c, 0));
  const tn_node *node = tn_grad_x(c, 1).node;
  if (!tn_shape_known(&shape) || strcmp(node->op->name, "Const")) return false;
  const tn_tensor *value = tn_node_get_tensor(node, "value");
  *axes = 0;
  for (int64_t i = 0; i < tn_elements(value); i++) {
    int64_t axis = value->dtype == TN_INT32 ? TN_DATA(int32_t, value)[i] : TN_DATA(int64_t, value)[i];
    *axes |= 1u << (axis < 0 ? axis + shape.rank : axis);
  }
  return true;
}

tn_output tn_build_kept_shape(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), axes = tn_grad_x(c, 1);
  uint32_t mask;
  if (static_axes(c, &mask)) {
    tn_shape shape = tn_output_shape(x);
    tn_shape kept = tn_reduced_shape(&shape, mask, true);
    return tn_build_ints(s, TN_INT32, kept.rank, kept.dims);
  }
  tn_output shape = tn_build_shape_of(s, x), rank = tn_build1(s, "Size", shape);
  tn_output zero = tn_build_scalar(s, TN_INT32, 0), one = tn_build_scalar(s, TN_INT32, 1);
  axes = tn_build2(s, "Reshape", tn_build_cast(s, axes, TN_INT32), tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1}));
  axes = tn_build2(s, "FloorMod", tn_build2(s, "AddV2", axes, rank), rank);
  tn_output all = tn_build(s, "Range", TN_IN(zero, rank, one), NULL);
  tn_output ones = tn_build2(s, "Fill", tn_build_shape_of(s, axes), one);
  return tn_build(s, "DynamicStitch", TN_IN(all, axes, shape, ones), NULL);
}

tn_output tn_build_kept(tn_gradient_ctx *c, tn_output x) {
  if (tn_node_get_bool(c->node, "keep_dims")) return x;
  return tn_build2(c->scope, "Reshape", x, tn_build_kept_shape(c));
}

tn_output tn_build_spread(tn_gradient_ctx *c, tn_output gradient) {
  return tn_build2(c->scope, "BroadcastTo", tn_build_kept(c, gradient), tn_build_shape_of(c->scope, tn_grad_x(c, 0)));
}
