/* The gradient of Concat and ConcatV2: every value gets its slice of what comes back. */
#include "ops/array/concat.h"

/* The axis as a dimension if it is constant, else -1. */
static int static_axis(tn_gradient_ctx *c, tn_concat_inputs where) {
  const tn_tensor *axis = tn_static_value(tn_grad_x(c, where.axis));
  if (!axis || tn_elements(axis) != 1) return -1;
  int64_t value = tn_int_at(axis, 0);
  for (int i = where.first; value < 0 && i < where.first + where.n; i++) {
    int rank = tn_output_shape(tn_grad_x(c, i)).rank;
    if (rank > 0) value += rank;
  }
  return value >= 0 && value < TN_MAX_RANK ? (int)value : -1;
}

/* True if every value's size along AXIS is known. */
static bool sizes_known(tn_gradient_ctx *c, tn_concat_inputs where, int axis) {
  for (int i = where.first; i < where.first + where.n; i++) {
    tn_shape shape = tn_output_shape(tn_grad_x(c, i));
    if (shape.rank <= axis || shape.dims[axis] < 0) return false;
  }
  return true;
}

/* Slices at places that are known now: a size of -1 takes the whole of the other dimensions. */
static tn_error *static_slices(tn_gradient_ctx *c, tn_concat_inputs where, int axis, tn_output dy) {
  int64_t offset = 0;
  for (int i = where.first; i < where.first + where.n; i++) {
    tn_shape shape = tn_output_shape(tn_grad_x(c, i));
    int64_t begin[TN_MAX_RANK] = {0};
    begin[axis] = offset;
    offset += shape.dims[axis];
    tn_output begins = tn_build_ints(c->scope, TN_INT32, shape.rank, begin);
    tn_output sizes = tn_build_ints(c->scope, TN_INT32, shape.rank, shape.dims);
    tn_grad_set(c, i, tn_build(c->scope, "Slice", TN_IN(dy, begins, sizes), NULL));
  }
  return NULL;
}

/* FN(values) over the list of values: a node whose inputs are HEAD and then LIST. */
static tn_output build_list(tn_gradient_ctx *c, const char *op, const tn_output *head, const tn_output *list, int n) {
  tn_output *inputs = tn_malloc(((size_t)n + 2) * sizeof *inputs);
  if (!inputs) {
    if (!c->scope->error) c->scope->error = tn_out_of_memory();
    return TN_NONE;
  }
  int count = 0;
  if (head) inputs[count++] = *head;
  for (int i = 0; i < n; i++) inputs[count++] = list[i];
  inputs[count] = TN_END;
  tn_output out = tn_build(c->scope, op, inputs, NULL);
  tn_free(inputs);
  return out;
}

/* Slices at places that only the step knows. */
static tn_error *dynamic_slices(tn_gradient_ctx *c, tn_concat_inputs where, tn_output dy) {
  tn_output axis = tn_build_cast(c->scope, tn_grad_x(c, where.axis), TN_INT32);
  axis = tn_build2(c->scope, "FloorMod", axis, tn_build1(c->scope, "Rank", tn_grad_x(c, where.first)));
  tn_output shapes = build_list(c, "ShapeN", NULL, c->node->inputs + where.first, where.n);
  if (c->scope->error) return NULL;
  tn_output *all = tn_malloc((size_t)where.n * sizeof *all);
  if (!all) return tn_out_of_memory();
  for (int i = 0; i < where.n; i++) all[i] = tn_nth(shapes, i);
  tn_output offsets = build_list(c, "ConcatOffset", &axis, all, where.n);
  for (int i = 0; i < where.n && !c->scope->error; i++)
    tn_grad_set(c, where.first + i, tn_build(c->scope, "Slice", TN_IN(dy, tn_nth(offsets, i), all[i]), NULL));
  tn_free(all);
  return NULL;
}

/* The rows of a sparse gradient that fall into [START, START + size) of dimension 0. */
static tn_gradient_value rows_of(tn_gradient_ctx *c, const tn_gradient_value *g, int64_t start, tn_output x) {
  tn_scope *s = c->scope;
  tn_dtype dtype = tn_output_dtype(g->indices);
  tn_output from = tn_build_scalar(s, dtype, (double)start);
  tn_output to = tn_build_scalar(s, dtype, (double)(start + tn_output_shape(x).dims[0]));
  tn_output inside =
      tn_build2(s, "LogicalAnd", tn_build2(s, "GreaterEqual", g->indices, from), tn_build2(s, "Less", g->indices, to));
  tn_output places =
      tn_build(s, "Reshape", TN_IN(tn_build1(s, "Where", inside), tn_build_ints(s, TN_INT32, 1, &(int64_t){-1})), NULL);
  tn_output zero = tn_build_scalar(s, TN_INT32, 0);
  tn_gradient_value out = {.dense_shape = tn_grad_shape(c, x, TN_INT32)};
  out.indices = tn_build2(s, "Sub", tn_build(s, "GatherV2", TN_IN(g->indices, places, zero), NULL), from);
  out.values = tn_build(s, "GatherV2", TN_IN(g->values, places, zero), NULL);
  return out;
}

/* Sparse gradients stay sparse: along dimension 0 rows are chosen, along others columns of the values. */
static tn_error *sparse_slices(tn_gradient_ctx *c, tn_concat_inputs where, int axis, const tn_gradient_value *g) {
  int64_t offset = 0;
  for (int i = where.first; i < where.first + where.n && !c->scope->error; i++) {
    tn_output x = tn_grad_x(c, i);
    tn_shape shape = tn_output_shape(x);
    if (axis == 0) {
      c->grad_in[i] = rows_of(c, g, offset, x);
    } else {
      int64_t begin[TN_MAX_RANK] = {0};
      begin[axis] = offset;
      tn_shape size = shape;
      size.dims[0] = -1;
      tn_output begins = tn_build_ints(c->scope, TN_INT32, shape.rank, begin);
      tn_output sizes = tn_build_ints(c->scope, TN_INT32, shape.rank, size.dims);
      c->grad_in[i] = (tn_gradient_value){.values = tn_build(c->scope, "Slice", TN_IN(g->values, begins, sizes), NULL),
                                          .indices = g->indices,
                                          .dense_shape = tn_grad_shape(c, x, TN_INT32)};
    }
    offset += shape.dims[axis];
  }
  return NULL;
}

tn_error *tn_concat_gradient(tn_gradient_ctx *c, tn_concat_inputs where) {
  int axis = static_axis(c, where);
  bool known = axis >= 0 && sizes_known(c, where, axis);
  if (known && c->grad_out[0].indices.node) return sparse_slices(c, where, axis, &c->grad_out[0]);
  tn_output dy = tn_grad_dense(c, 0);
  if (c->scope->error) return NULL;
  return known ? static_slices(c, where, axis, dy) : dynamic_slices(c, where, dy);
}
