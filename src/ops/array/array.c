/* Helpers of the array ops: axes, values, static shapes and the commonest pieces of gradients. */
#include "ops/array/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

tn_error *tn_array_axis(const tn_node *node, const char *what, int64_t axis, int rank, int *out) {
  if (axis < -rank || axis >= rank)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s is %" PRId64 ", expected it in [%d, %d)", what, axis, -rank,
                          rank);
  *out = (int)(axis < 0 ? axis + rank : axis);
  return NULL;
}

tn_error *tn_array_scalar(const tn_prepare *p, int input, int64_t *out) {
  const tn_tensor *t = &p->inputs[input];
  if (tn_elements(t) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d must hold a single number, its shape is %s", input,
                             TN_SHAPE_STR(&t->shape));
  if (!t->data) return tn_prepare_errorf(p, TN_INTERNAL, "the value of input %d is not known", input);
  *out = tn_int_at(t, 0);
  return NULL;
}

const char *tn_place_text(const tn_shape *shape, int64_t i, char text[TN_PLACE_TEXT]) {
  int64_t index[TN_MAX_RANK] = {0};
  for (int d = shape->rank - 1; d >= 0; d--) {
    index[d] = shape->dims[d] > 0 ? i % shape->dims[d] : 0;
    i = shape->dims[d] > 0 ? i / shape->dims[d] : 0;
  }
  size_t at = 0;
  for (int d = 0; d < shape->rank && at < TN_PLACE_TEXT; d++)
    at += (size_t)snprintf(text + at, TN_PLACE_TEXT - at, "%s%" PRId64, d ? "," : "[", index[d]);
  if (at < TN_PLACE_TEXT) snprintf(text + at, TN_PLACE_TEXT - at, shape->rank ? "]" : "");
  return text;
}

tn_shape tn_shape_part(const tn_shape *shape, int begin, int end) {
  tn_shape part = tn_shape_scalar();
  for (int i = begin; i < end; i++) part.dims[part.rank++] = shape->dims[i];
  return part;
}

tn_error *tn_shape_join(tn_shape_ctx *c, const tn_shape *a, const tn_shape *b, tn_shape *out) {
  if (a->rank < 0 || b->rank < 0) {
    *out = tn_shape_unknown();
    return NULL;
  }
  if (a->rank + b->rank > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                          a->rank + b->rank, TN_MAX_RANK);
  tn_shape joined = *a;
  for (int i = 0; i < b->rank; i++) joined.dims[joined.rank++] = b->dims[i];
  *out = joined;
  return NULL;
}

tn_error *tn_shape_same_as_input(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs && i < c->n_inputs; i++) {
    c->out[i] = c->in[i];
    if (c->out_handles && c->in_handles) c->out_handles[i] = c->in_handles[i];
  }
  return NULL;
}

const tn_tensor *tn_static_value(tn_output x) {
  while (x.node && strcmp(x.node->op->name, "Identity") == 0) x = x.node->inputs[0];
  return x.node && strcmp(x.node->op->name, "Const") == 0 ? tn_node_get_tensor(x.node, "value") : NULL;
}

tn_output tn_grad_shape(tn_gradient_ctx *c, tn_output x, tn_dtype dtype) {
  tn_shape shape = tn_output_shape(x);
  if (c->scope->error) return TN_NONE;
  if (tn_shape_known(&shape)) return tn_build_ints(c->scope, dtype, shape.rank, shape.dims);
  return tn_build(c->scope, "Shape", TN_IN(x), TN_ATTRS(TN_A_TYPE("out_type", dtype)));
}

tn_output tn_grad_reshape_to(tn_gradient_ctx *c, tn_output value, tn_output x) {
  return tn_build2(c->scope, "Reshape", value, tn_grad_shape(c, x, TN_INT32));
}

tn_error *tn_grad_pass(tn_gradient_ctx *c) {
  for (int i = 0; i < c->node->n_inputs && i < c->node->n_outputs; i++) c->grad_in[i] = c->grad_out[i];
  return NULL;
}
