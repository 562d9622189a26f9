/* SpaceToBatchND and BatchToSpaceND: blocks of any spatial dimensions moved to the batch, and back. */
#include "ops/array/space_to_batch.h"

/* --- shapes --- */

/* The number of blocked dimensions, which the vector of blocks and the matrix of pads agree on; -1: not known. */
static tn_error *block_dims(tn_shape_ctx *c, int *out) {
  tn_shape block, pads;
  int64_t n, two;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &block));
  TN_TRY(tn_shape_with_rank(c, 2, 2, &pads));
  TN_TRY(tn_dim_merge(c, block.rank == 1 ? block.dims[0] : -1, pads.rank == 2 ? pads.dims[0] : -1, &n));
  TN_TRY(tn_dim_merge(c, pads.rank == 2 ? pads.dims[1] : -1, 2, &two));
  if (n >= TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%lld block dimensions, fewer than %d are supported",
                          (long long)n, TN_MAX_RANK);
  *out = (int)n;
  return NULL;
}

typedef tn_error *(*other_shape_fn)(const tn_node *node, const tn_shape *in, const tn_tensor *pads, tn_space_blocks *b);

static tn_error *nd_shape(tn_shape_ctx *c, other_shape_fn other, bool to_batch) {
  int n = -1;
  tn_shape in;
  TN_TRY(block_dims(c, &n));
  TN_TRY(tn_shape_at_least_rank(c, 0, n >= 0 ? n + 1 : 1, &in));
  const tn_tensor *block = c->value(c, 1);
  if (in.rank < 0) return NULL;
  if (n < 0 || !block) { /* the batch and the blocked dimensions are open */
    c->out[0] = n < 0 ? tn_shape_unknown_of_rank(in.rank) : in;
    for (int i = 0; i <= n; i++) c->out[0].dims[i] = -1;
    return NULL;
  }
  tn_space_blocks b = {.n = n};
  for (int i = 0; i < n; i++) b.block[i] = tn_int_at(block, i);
  TN_TRY(other(c->node, &in, c->value(c, 2), &b));
  c->out[0] = to_batch ? b.batches : b.space;
  return NULL;
}

static tn_error *to_batch_shape(tn_shape_ctx *c) { return nd_shape(c, tn_space_to_batch_shape, true); }
static tn_error *to_space_shape(tn_shape_ctx *c) { return nd_shape(c, tn_batch_to_space_shape, false); }

/* --- kernels --- */

static tn_error *prepare(tn_prepare *p, other_shape_fn other, bool to_batch) {
  const tn_shape *in = &p->inputs[0].shape, *block = &p->inputs[1].shape, *pads = &p->inputs[2].shape;
  if (block->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "block_shape must be one-dimensional instead of %s",
                             TN_SHAPE_STR(block));
  if (pads->rank != 2 || pads->dims[0] != block->dims[0] || pads->dims[1] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "paddings should have shape [%lld, 2] instead of %s",
                             (long long)block->dims[0], TN_SHAPE_STR(pads));
  if (in->rank < 1 + block->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input rank should be >= %lld instead of %d",
                             (long long)block->dims[0] + 1, in->rank);
  tn_space_blocks *b;
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &b->n, b->block));
  TN_TRY(other(p->node, in, &p->inputs[2], b));
  return tn_prepare_output(p, 0, to_batch ? &b->batches : &b->space);
}

static tn_error *to_batch_prepare(tn_prepare *p) { return prepare(p, tn_space_to_batch_shape, true); }
static tn_error *to_space_prepare(tn_prepare *p) { return prepare(p, tn_batch_to_space_shape, false); }

static tn_error *turn_back(tn_gradient_ctx *c, const char *op) {
  tn_grad_set(c, 0, tn_build(c->scope, op, TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2)), NULL));
  return NULL;
}
static tn_error *to_batch_gradient(tn_gradient_ctx *c) { return turn_back(c, "BatchToSpaceND"); }
static tn_error *to_space_gradient(tn_gradient_ctx *c) { return turn_back(c, "SpaceToBatchND"); }

static const tn_kernel_def to_batch_kernels[] = {{.name = "reference",
                                                  .types = TN_REALS,
                                                  .type_attr = "T",
                                                  .prepare = to_batch_prepare,
                                                  .run = tn_space_to_batch_run},
                                                 {0}};
static const tn_kernel_def to_space_kernels[] = {{.name = "reference",
                                                  .types = TN_REALS,
                                                  .type_attr = "T",
                                                  .prepare = to_space_prepare,
                                                  .run = tn_batch_to_space_run},
                                                 {0}};

TN_OP(SpaceToBatchND, .inputs = "input: T, block_shape: Tblock_shape, paddings: Tpaddings", .outputs = "output: T",
      .attrs = "T: type; Tblock_shape: indextype = DT_INT32; Tpaddings: indextype = DT_INT32",
      .doc = "The padded input with the places inside each block of BLOCK_SHAPE moved to the batch dimension.",
      .value_inputs = 1 << 1 | 1 << 2, .shape = to_batch_shape, .gradient = to_batch_gradient,
      .kernels = to_batch_kernels);

TN_OP(BatchToSpaceND, .inputs = "input: T, block_shape: Tblock_shape, crops: Tcrops", .outputs = "output: T",
      .attrs = "T: type; Tblock_shape: indextype = DT_INT32; Tcrops: indextype = DT_INT32",
      .doc = "The inverse of SpaceToBatchND, cropped by CROPS.", .value_inputs = 1 << 1 | 1 << 2,
      .shape = to_space_shape, .gradient = to_space_gradient, .kernels = to_space_kernels);
