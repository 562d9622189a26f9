/* Blocks of the spatial dimensions moved to the batch, and back: for the ND ops and their older forms. */
#ifndef TN_OPS_ARRAY_SPACE_TO_BATCH_H
#define TN_OPS_ARRAY_SPACE_TO_BATCH_H

#include "ops/array/array.h"

/* SPACE is [batch, spatial..., rest], padded (or cropped) by PADS; BATCHES is [blocks * batch, spatial / block...,
 * rest]. */
typedef struct tn_space_blocks {
  int n; /* spatial dimensions */
  int64_t block[TN_MAX_RANK], before[TN_MAX_RANK], after[TN_MAX_RANK];
  tn_shape space, batches;
} tn_space_blocks;

/* Checks N blocks and pads (PADS: a tensor of [n, 2] numbers) against the input's shape, which may be partly unknown,
 * and makes the other shape. */
tn_error *tn_space_to_batch_shape(const tn_node *node, const tn_shape *space, const tn_tensor *pads,
                                  tn_space_blocks *b) TN_MUST_USE;
tn_error *tn_batch_to_space_shape(const tn_node *node, const tn_shape *batches, const tn_tensor *crops,
                                  tn_space_blocks *b) TN_MUST_USE;
/* The copies: zeros where the padding is. */
tn_error *tn_space_to_batch_copy(const tn_space_blocks *b, const tn_tensor *space, tn_tensor *batches) TN_MUST_USE;
tn_error *tn_batch_to_space_copy(const tn_space_blocks *b, const tn_tensor *batches, tn_tensor *space) TN_MUST_USE;
/* RUN of prepared nodes whose state is a tn_space_blocks. */
tn_error *tn_space_to_batch_run(tn_run *r) TN_MUST_USE;
tn_error *tn_batch_to_space_run(tn_run *r) TN_MUST_USE;

#endif
