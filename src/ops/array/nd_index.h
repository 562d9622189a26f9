/* Index tuples: what GatherNd, ScatterNd and the TensorScatter ops share. */
#ifndef TN_OPS_ARRAY_ND_INDEX_H
#define TN_OPS_ARRAY_ND_INDEX_H

#include "ops/array/array.h"

/* Indices seen as [count, depth]: each row names a slice of SIZE elements of a tensor of SHAPE. */
typedef struct tn_nd_index {
  tn_shape shape;
  int depth;
  int64_t count, size;
  int64_t strides[TN_MAX_RANK]; /* in slices */
  bool skip;                    /* indices outside are passed over (bad_indices_policy IGNORE), else an error */
} tn_nd_index;

/* Sets up N for INDICES into a tensor of SHAPE. INVALID_ARGUMENT: scalar indices, more numbers than dimensions. */
tn_error *tn_nd_index_init(const tn_node *node, const tn_shape *indices, const tn_shape *shape,
                           tn_nd_index *n) TN_MUST_USE;
/* The slice that row I names; -1 to skip it; INVALID_ARGUMENT naming the row if it lies outside. */
tn_error *tn_nd_index_at(const tn_run *r, const tn_nd_index *n, const tn_tensor *indices, int64_t i,
                         int64_t *out) TN_MUST_USE;
/* Checks, as far as shapes are known, that UPDATES has shape indices[:-1] + shape[depth:]. */
tn_error *tn_nd_check_updates(tn_shape_ctx *c, const tn_shape *shape, const tn_shape *indices,
                              const tn_shape *updates) TN_MUST_USE;
/* The same for known shapes. */
tn_error *tn_nd_check_shapes(const tn_node *node, const tn_nd_index *n, const tn_shape *indices,
                             const tn_shape *updates) TN_MUST_USE;

#endif
