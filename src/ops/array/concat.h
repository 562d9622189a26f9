/* Joining tensors along a dimension: shared by Concat, ConcatV2 and QuantizedConcat. */
#ifndef TN_OPS_ARRAY_CONCAT_H
#define TN_OPS_ARRAY_CONCAT_H

#include "ops/array/array.h"

/* Where the values and the axis are among the inputs. */
typedef struct tn_concat_inputs {
  int first, n, axis;
} tn_concat_inputs;

tn_concat_inputs tn_concat_v1(const tn_node *node);
tn_concat_inputs tn_concat_v2(const tn_node *node);
tn_error *tn_concat_gradient(tn_gradient_ctx *c, tn_concat_inputs where) TN_MUST_USE;

tn_error *tn_concat_shape(tn_shape_ctx *c, tn_concat_inputs where) TN_MUST_USE;

/* The state that tn_concat_prepare leaves. */
typedef struct tn_concat {
  tn_concat_inputs where;
  int64_t outer, inner; /* the product of the dimensions before the axis, and of the axis and those after it */
  int64_t sizes[];      /* of each value: the product of its axis and the dimensions after it */
} tn_concat;
/* Checks the values and sets the shape of output 0. */
tn_error *tn_concat_prepare(tn_prepare *p, tn_concat_inputs where) TN_MUST_USE;

#endif
