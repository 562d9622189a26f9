/* Gradients of gathers: rows stay sparse along dimension 0; along others segments are summed. */
#include "ops/array/gather.h"

/* Constants and slices of shape vectors, int32. */
static tn_output vec1(tn_gradient_ctx *c, int64_t v) { return tn_build_ints(c->scope, TN_INT32, 1, &v); }
static tn_output scalar(tn_gradient_ctx *c, int64_t v) { return tn_build_scalar(c->scope, TN_INT32, (double)v); }
static tn_output part(tn_gradient_ctx *c, tn_output x, tn_output begin, tn_output size) {
  return tn_build(c->scope, "Slice", TN_IN(x, begin, size), NULL);
}
static tn_output join(tn_gradient_ctx *c, tn_output a, tn_output b, tn_output d) {
  tn_output axis = scalar(c, 0);
  return tn_build(c->scope, "ConcatV2", d.node ? TN_IN(a, b, d, axis) : TN_IN(a, b, axis, TN_END), NULL);
}
static tn_output range(tn_gradient_ctx *c, tn_output from, tn_output to) {
  return tn_build(c->scope, "Range", TN_IN(from, to, scalar(c, 1)), NULL);
}
/* The number of elements of X as a vector of one. */
static tn_output count_of(tn_gradient_ctx *c, tn_output x) {
  return tn_build2(c->scope, "Reshape", tn_build1(c->scope, "Size", x), vec1(c, 1));
}

/* IndexedSlices: dy's rows at the indices. */
static tn_error *sparse_rows(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), shape = tn_grad_shape(c, tn_grad_x(c, 0), TN_INT32), indices = tn_grad_x(c, 1);
  tn_output count = count_of(c, indices);
  tn_output values_shape = join(c, count, part(c, shape, vec1(c, 1), vec1(c, -1)), TN_NONE);
  tn_gradient_value g = {.values = tn_build2(c->scope, "Reshape", dy, values_shape),
                         .indices = tn_build2(c->scope, "Reshape", indices, count),
                         .dense_shape = shape};
  c->grad_in[0] = g;
  return NULL;
}

tn_error *tn_gather_gradient(tn_gradient_ctx *c) { return sparse_rows(c); }

/* Indices into the flattened batches: each batch's are moved past the rows of the batches before it. SHAPE is that of
 * params with the gathered axis right after the batches. */
static tn_output flat_indices(tn_gradient_ctx *c, tn_output shape, int batch) {
  tn_scope *s = c->scope;
  tn_output indices = tn_grad_x(c, 1);
  tn_dtype dtype = s->error ? TN_INT32 : tn_output_dtype(indices);
  tn_output rank = tn_build1(s, "Rank", indices), rows = tn_build_cast(s, vec1(c, 1), dtype);
  for (int dim = batch; dim > 0; dim--) {
    tn_output size = part(c, shape, vec1(c, dim - 1), vec1(c, 1));
    rows = tn_build2(s, "Mul", rows, tn_build_cast(s, part(c, shape, vec1(c, dim), vec1(c, 1)), dtype));
    tn_output places = range(c, scalar(c, 0), tn_build2(s, "Reshape", size, tn_build_ints(s, TN_INT32, 0, NULL)));
    tn_output offsets = tn_build2(s, "Mul", tn_build_cast(s, places, dtype), rows);
    tn_output after = tn_build2(s, "Sub", rank, scalar(c, dim));
    tn_output ones = tn_build2(s, "Fill", tn_build2(s, "Reshape", after, vec1(c, 1)), scalar(c, 1));
    tn_output before = tn_build2(s, "Fill", vec1(c, dim - 1), scalar(c, 1));
    indices = tn_build2(s, "AddV2", indices, tn_build2(s, "Reshape", offsets, join(c, before, size, ones)));
  }
  return indices;
}

/* The gradient for params whose gathered axis comes right after BATCH batch dimensions. SHAPE is their shape. */
static tn_output batch_gradient(tn_gradient_ctx *c, tn_output shape, tn_output values, int batch) {
  tn_scope *s = c->scope;
  tn_output indices = batch > 0 ? flat_indices(c, shape, batch) : tn_grad_x(c, 1);
  tn_output rows = tn_build(s, "Prod", TN_IN(part(c, shape, vec1(c, 0), vec1(c, batch + 1)), vec1(c, 0)), NULL);
  tn_output inner = part(c, shape, vec1(c, batch + 1), vec1(c, -1));
  tn_output count = count_of(c, indices);
  values = tn_build2(s, "Reshape", values, join(c, count, inner, TN_NONE));
  tn_output sums =
      tn_build(s, "UnsortedSegmentSum", TN_IN(values, tn_build2(s, "Reshape", indices, count), rows), NULL);
  return tn_build2(s, "Reshape", sums, shape);
}

/* The gathered axis is moved up to the batch dimensions, summed there, and moved back. */
static tn_error *along_axis(tn_gradient_ctx *c, int batch) {
  tn_scope *s = c->scope;
  tn_output shape = tn_grad_shape(c, tn_grad_x(c, 0), TN_INT32), dy = tn_grad_dense(c, 0);
  tn_output axis = tn_build_cast(s, tn_grad_x(c, 2), TN_INT32), rank = tn_build1(s, "Rank", tn_grad_x(c, 0));
  axis = tn_build2(s, "FloorMod", axis, rank);
  tn_output axis1 = tn_build2(s, "Reshape", axis, vec1(c, 1)), next1 = tn_build2(s, "AddV2", axis1, vec1(c, 1));
  tn_output outer = part(c, shape, vec1(c, 0), axis1), inner = part(c, shape, next1, vec1(c, -1));
  /* -1 for what was gathered would be ambiguous where another size is 0, so it is computed. */
  tn_output gathered = tn_build(
      s, "Prod", TN_IN(part(c, tn_build1(s, "Shape", tn_grad_x(c, 1)), vec1(c, batch), vec1(c, -1)), vec1(c, 0)),
      TN_ATTRS(TN_A_BOOL("keep_dims", true)));
  tn_output values = tn_build2(s, "Reshape", dy, join(c, outer, gathered, inner));
  tn_output batches = range(c, scalar(c, 0), scalar(c, batch)), between = range(c, scalar(c, batch), axis);
  tn_output rest = range(c, tn_build2(s, "AddV2", axis, scalar(c, 1)), rank), zero = scalar(c, 0);
  tn_output up = tn_build(s, "ConcatV2", TN_IN(batches, axis1, between, rest, zero), NULL);
  tn_output moved = tn_build(s, "GatherV2", TN_IN(shape, up, zero), NULL);
  tn_output sums = batch_gradient(c, moved, tn_build2(s, "Transpose", values, up), batch);
  tn_output down = tn_build1(s, "InvertPermutation", up);
  tn_grad_set(c, 0, tn_grad_reshape_to(c, tn_build2(s, "Transpose", sums, down), tn_grad_x(c, 0)));
  return NULL;
}

tn_error *tn_gather_v2_gradient(tn_gradient_ctx *c) {
  int64_t batch = tn_node_get_int(c->node, "batch_dims");
  int rank = tn_output_shape(tn_grad_x(c, 1)).rank;
  if (batch < 0 && rank < 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the gradient for batch_dims %lld needs the rank of indices",
                          (long long)batch);
  if (batch < 0) batch += rank;
  const tn_tensor *axis = tn_static_value(tn_grad_x(c, 2));
  if (axis && tn_elements(axis) == 1 && tn_int_at(axis, 0) == 0 && batch == 0) return sparse_rows(c);
  return along_axis(c, (int)batch);
}
