/* Gathering rows: shared by Gather and GatherV2. */
#ifndef TN_OPS_ARRAY_GATHER_H
#define TN_OPS_ARRAY_GATHER_H

#include "ops/array/array.h"

/* params seen as [batch, outer, size, inner], indices as [batch, count], the output as [batch, outer, count, inner]. */
typedef struct tn_gather_state {
  int64_t batch, outer, size, inner, count;
} tn_gather_state;

tn_error *tn_gather_run(tn_run *r);
tn_error *tn_gather_gradient(tn_gradient_ctx *c);    /* Gather */
tn_error *tn_gather_v2_gradient(tn_gradient_ctx *c); /* GatherV2 */

#endif
