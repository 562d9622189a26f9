/* Joining tensors along a dimension: shared by Concat and ConcatV2. */
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

#endif
