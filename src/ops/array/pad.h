/* Paddings: what the ops that pad share. */
#ifndef TN_OPS_ARRAY_PAD_H
#define TN_OPS_ARRAY_PAD_H

#include "ops/array/array.h"

typedef struct tn_paddings {
  int64_t before[TN_MAX_RANK], after[TN_MAX_RANK];
} tn_paddings;

/* The shape of the input padded by the value of input 1; SIGN -1 takes the paddings off again. */
tn_error *tn_pad_shape(tn_shape_ctx *c, int sign) TN_MUST_USE;
/* Reads input 1 of a prepared node, a [rank, 2] matrix of non-negative numbers, and makes the output's shape. */
tn_error *tn_pad_read(tn_prepare *p, int sign, tn_paddings *out, tn_shape *shape) TN_MUST_USE;

#endif
