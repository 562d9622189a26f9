/* Strided slices, x[a:b:c, ..., None, 3]: the masks, begins, ends and strides resolved against a shape. */
#ifndef TN_OPS_ARRAY_STRIDED_H
#define TN_OPS_ARRAY_STRIDED_H

#include "ops/array/array.h"

typedef struct tn_strided {
  int rank;                   /* of what is sliced */
  int64_t begin[TN_MAX_RANK]; /* per dimension of it; meaningless where SIZE is -1 */
  int64_t stride[TN_MAX_RANK];
  int64_t size[TN_MAX_RANK];   /* elements taken; -1: not known */
  int64_t source[TN_MAX_RANK]; /* per dimension of OUT: the dimension that it comes from; -1: a new axis */
  tn_shape out;                /* after new axes came and single indices went */
} tn_strided;

/* The values that say what to slice: BEGIN and END may be NULL (not known). */
typedef struct tn_strided_values {
  const tn_tensor *begin, *end, *strides;
} tn_strided_values;

/* Resolves the slice that NODE's masks and V describe against IN, whose dimensions may be unknown. INVALID_ARGUMENT:
 * indices out of range, zero strides, more indices than dimensions, two ellipses. */
tn_error *tn_strided_resolve(const tn_node *node, const tn_shape *in, const tn_strided_values *v,
                             tn_strided *out) TN_MUST_USE;
/* The copy between the sliced elements inside a dense tensor of shape WHOLE and a dense tensor of the slice's shape.
 * INWARD: from the slice into the whole. *OFFSET is where the slice begins in the whole, in elements. */
void tn_strided_copy(const tn_strided *s, tn_dtype dtype, const tn_shape *whole, bool inward, tn_copy *copy,
                     int64_t *offset);

#endif
