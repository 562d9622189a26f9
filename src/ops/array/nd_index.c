/* Index tuples: set-up, look-up with bounds checks, and the shapes that go with them. */
#include "ops/array/nd_index.h"

#include <inttypes.h>
#include <stdio.h>

tn_error *tn_nd_index_init(const tn_node *node, const tn_shape *indices, const tn_shape *shape, tn_nd_index *n) {
  if (indices->rank < 1) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "indices must be at least a vector");
  int64_t depth = indices->dims[indices->rank - 1];
  if (depth > shape->rank)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "the last dimension of indices (%lld) must be at most the rank of %s", (long long)depth,
                          TN_SHAPE_STR(shape));
  n->shape = *shape;
  n->depth = (int)depth;
  n->count = tn_span(indices, 0, indices->rank - 1);
  n->size = tn_span(shape, n->depth, shape->rank);
  tn_copy_strides(n->depth, shape->dims, n->strides);
  n->skip = tn_node_string_is(node, "bad_indices_policy", "IGNORE");
  return NULL;
}

tn_error *tn_nd_index_at(const tn_run *r, const tn_nd_index *n, const tn_tensor *indices, int64_t i, int64_t *out) {
  int64_t slice = 0;
  bool good = true;
  for (int d = 0; d < n->depth; d++) {
    int64_t index = tn_int_at(indices, i * n->depth + d);
    good = good && index >= 0 && index < n->shape.dims[d];
    slice += good ? index * n->strides[d] : 0;
  }
  *out = good ? slice : -1;
  if (good || n->skip) return NULL;
  char tuple[TN_PLACE_TEXT] = "";
  size_t at = 0;
  for (int d = 0; d < n->depth && at < sizeof tuple; d++)
    at += (size_t)snprintf(tuple + at, sizeof tuple - at, "%s%" PRId64, d ? ", " : "",
                           tn_int_at(indices, i * n->depth + d));
  tn_shape places = tn_shape_part(&indices->shape, 0, indices->shape.rank - 1);
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices%s = [%s] does not index into shape %s",
                       TN_PLACE_STR(&places, i), tuple, TN_SHAPE_STR(&n->shape));
}

tn_error *tn_nd_check_updates(tn_shape_ctx *c, const tn_shape *shape, const tn_shape *indices,
                              const tn_shape *updates) {
  if (indices->rank < 1 || updates->rank < 0) return NULL;
  int outer = indices->rank - 1;
  int64_t depth = indices->dims[outer];
  if (depth < 0) return NULL;
  if (updates->rank < outer)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "updates %s must begin with the dimensions of indices %s but its last", TN_SHAPE_STR(updates),
                          TN_SHAPE_STR(indices));
  tn_shape a = tn_shape_part(indices, 0, outer), b = tn_shape_part(updates, 0, outer);
  TN_TRY(tn_shape_merge(c, &a, &b, &a));
  if (shape->rank < 0) return NULL;
  if (depth > shape->rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "the last dimension of indices (%lld) must be at most the rank of %s", (long long)depth,
                          TN_SHAPE_STR(shape));
  a = tn_shape_part(shape, (int)depth, shape->rank);
  b = tn_shape_part(updates, outer, updates->rank);
  return tn_shape_merge(c, &a, &b, &a);
}

tn_error *tn_nd_check_shapes(const tn_node *node, const tn_nd_index *n, const tn_shape *indices,
                             const tn_shape *updates) {
  tn_shape want = tn_shape_part(indices, 0, indices->rank - 1);
  bool fits = want.rank + n->shape.rank - n->depth <= TN_MAX_RANK;
  for (int i = n->depth; fits && i < n->shape.rank; i++) want.dims[want.rank++] = n->shape.dims[i];
  if (fits && tn_shape_equal(&want, updates)) return NULL;
  return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                        "updates must have the shape indices[:-1] + shape[%d:]: indices is %s, shape %s, updates %s",
                        n->depth, TN_SHAPE_STR(indices), TN_SHAPE_STR(&n->shape), TN_SHAPE_STR(updates));
}
