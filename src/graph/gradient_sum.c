/* Adding up gradients: dense ones, sparse ones, and the zeros of outputs that nothing flows into. */
#include "graph/gradients.h"

#include <string.h>

tn_output tn_grad_densify(tn_scope *s, const tn_gradient_value *value) {
  if (!value->indices.node || s->error) return value->values;
  if (!value->dense_shape.node) {
    s->error = tn_errorf(TN_INVALID_ARGUMENT, "the sparse gradient '%s' has no dense shape, so it can't be made dense",
                         value->values.node->name);
    return TN_NONE;
  }
  static const int64_t bounds[] = {0, 1};
  tn_dtype index = tn_dtype_base(tn_output_dtype(value->dense_shape));
  /* The number of rows: the first element of the shape. */
  tn_output zero = tn_build_ints(s, TN_INT32, 1, &bounds[0]), one = tn_build_ints(s, TN_INT32, 1, &bounds[1]);
  tn_output rows = tn_build(s, "StridedSlice", TN_IN(value->dense_shape, zero, one, one),
                            TN_ATTRS(TN_A_TYPE("T", index), TN_A_INT("shrink_axis_mask", 1)));
  return tn_build(s, "UnsortedSegmentSum", TN_IN(value->values, value->indices, rows), NULL);
}

tn_output tn_build_filled(tn_scope *s, tn_dtype dtype, const tn_shape *shape, double value) {
  if (shape->rank == 0) return tn_build_scalar(s, dtype, value);
  tn_output dims = tn_build_ints(s, TN_INT32, shape->rank, shape->dims);
  return tn_build2(s, "Fill", dims, tn_build_scalar(s, dtype, value));
}

/* Zeros of a shape that only running tells. In a backward loop the forward loop remembers the shape, not the value. */
static tn_output zeros_like(tn_gradients *g, tn_scope *s, tn_output output) {
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(output));
  tn_frame *frame = g && g->loops ? tn_frame_of(g, output.node) : NULL;
  bool remembered = frame && g->current && g->current != frame;
  if (dtype != TN_RESOURCE && !remembered) return tn_build1(s, "ZerosLike", output);
  const char *op = "Shape";
  if (dtype == TN_RESOURCE) {
    op = "VariableShape";
    dtype = output.node->handles[output.index].dtype;
    if (dtype == TN_INVALID) return TN_NONE;
  }
  tn_output shape = remembered ? tn_loop_raw(g, frame, op, TN_IN(output), NULL, NULL) : tn_build1(s, op, output);
  return tn_build2(s, "Fill", shape, tn_build_scalar(s, dtype, 0));
}

tn_output tn_grad_zeros(tn_gradients *g, tn_scope *s, tn_output output) {
  if (s->error) return TN_NONE;
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(output));
  tn_shape shape = tn_output_shape(output);
  if (dtype == TN_RESOURCE && output.node->handles) shape = output.node->handles[output.index].shape;
  if (dtype == TN_RESOURCE && output.node->handles) dtype = output.node->handles[output.index].dtype;
  bool fill = tn_shape_known(&shape) && dtype != TN_INVALID && dtype != TN_RESOURCE && dtype != TN_VARIANT;
  for (int i = 0; i < shape.rank; i++) fill = fill && shape.dims[i] <= INT32_MAX;
  if (!fill) return zeros_like(g, s, output);
  tn_output zeros = tn_build_filled(s, dtype, &shape, 0);
  if (!tn_is_switch(output.node)) return zeros;
  /* The branch that was not taken gives no gradient, so its zeros must be dead as well where it was taken. */
  return tn_nth(tn_build2(s, "Switch", zeros, output.node->inputs[1]), output.index);
}

tn_output tn_grad_dense(tn_gradient_ctx *c, int i) {
  if (tn_grad_has(c, i)) return tn_grad_densify(c->scope, &c->grad_out[i]);
  return tn_grad_zeros(c->driver, c->scope, tn_grad_y(c, i));
}

static bool all_sparse(const tn_grad_list *list) {
  for (int i = 0; i < list->n; i++) {
    if (!list->values[i].indices.node) return false;
  }
  return true;
}

/* Builds OP over N inputs and, for ConcatV2, the axis 0. */
static tn_output build_list(tn_gradients *g, const char *op, int n, const tn_output *values, bool axis) {
  tn_scope *s = &g->scope;
  tn_output *inputs = tn_arena_alloc(g->arena, ((size_t)n + 2) * sizeof *inputs);
  if (!inputs) {
    if (!s->error) s->error = tn_out_of_memory();
    return TN_NONE;
  }
  memcpy(inputs, values, (size_t)n * sizeof *inputs);
  if (axis) inputs[n++] = tn_build_scalar(s, TN_INT32, 0);
  inputs[n] = TN_END;
  return tn_build(s, op, inputs, NULL);
}

/* Sparse gradients are added by putting their rows one after the other. */
static tn_gradient_value sum_sparse(tn_gradients *g, const tn_grad_list *list, tn_output *parts) {
  bool same = true;
  tn_dtype first = tn_dtype_base(tn_output_dtype(list->values[0].indices));
  for (int i = 1; i < list->n; i++) same = same && tn_dtype_base(tn_output_dtype(list->values[i].indices)) == first;
  tn_gradient_value sum = list->values[0];
  for (int i = 0; i < list->n; i++) parts[i] = list->values[i].values;
  sum.values = build_list(g, "ConcatV2", list->n, parts, true);
  for (int i = 0; i < list->n; i++) {
    parts[i] = same ? list->values[i].indices : tn_build_cast(&g->scope, list->values[i].indices, TN_INT64);
  }
  sum.indices = build_list(g, "ConcatV2", list->n, parts, true);
  return sum;
}

tn_error *tn_grads_sum(tn_gradients *g, tn_output output, tn_gradient_value *out) {
  *out = (tn_gradient_value){0};
  tn_grad_list *lists = g->grads[output.node->id];
  tn_grad_list *list = lists ? &lists[output.index] : NULL;
  if (!list || list->n == 0) return NULL;
  if (list->n > 1) {
    tn_output *parts = tn_arena_alloc(g->arena, (size_t)list->n * sizeof *parts);
    if (!parts) return tn_out_of_memory();
    tn_gradient_value sum = {0};
    if (all_sparse(list)) {
      sum = sum_sparse(g, list, parts);
    } else {
      for (int i = 0; i < list->n; i++) parts[i] = tn_grad_densify(&g->scope, &list->values[i]);
      sum.values = build_list(g, "AddN", list->n, parts, false);
    }
    if (g->scope.error) return tn_error_copy(g->scope.error);
    list->values[0] = sum;
    list->n = 1;
  }
  *out = list->values[0];
  return NULL;
}
