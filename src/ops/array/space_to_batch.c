/* SpaceToBatch and BatchToSpace: the older forms, for square blocks of pictures. */
#include "ops/array/space_to_batch.h"

typedef tn_error *(*other_shape_fn)(const tn_node *node, const tn_shape *in, const tn_tensor *pads, tn_space_blocks *b);

static tn_space_blocks square(const tn_node *node) {
  int64_t size = tn_node_get_int(node, "block_size");
  return (tn_space_blocks){.n = 2, .block = {size, size}};
}

static tn_error *shape_of(tn_shape_ctx *c, other_shape_fn other, bool to_batch) {
  tn_shape in, pads;
  int64_t two;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &in));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &pads));
  for (int i = 0; i < 2; i++) TN_TRY(tn_dim_merge(c, pads.rank == 2 ? pads.dims[i] : -1, 2, &two));
  if (in.rank < 0) in = tn_shape_unknown_of_rank(4);
  tn_space_blocks b = square(c->node);
  TN_TRY(other(c->node, &in, c->value(c, 1), &b));
  c->out[0] = to_batch ? b.batches : b.space;
  return NULL;
}

static tn_error *to_batch_shape(tn_shape_ctx *c) { return shape_of(c, tn_space_to_batch_shape, true); }
static tn_error *to_space_shape(tn_shape_ctx *c) { return shape_of(c, tn_batch_to_space_shape, false); }

static tn_error *prepare(tn_prepare *p, other_shape_fn other, bool to_batch) {
  const tn_shape *in = &p->inputs[0].shape, *pads = &p->inputs[1].shape;
  if (in->rank != 4) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input rank should be 4 instead of %d", in->rank);
  if (pads->rank != 2 || pads->dims[0] != 2 || pads->dims[1] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "paddings and crops must have shape [2, 2], not %s",
                             TN_SHAPE_STR(pads));
  tn_space_blocks *b;
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  *b = square(p->node);
  TN_TRY(other(p->node, in, &p->inputs[1], b));
  return tn_prepare_output(p, 0, to_batch ? &b->batches : &b->space);
}

static tn_error *to_batch_prepare(tn_prepare *p) { return prepare(p, tn_space_to_batch_shape, true); }
static tn_error *to_space_prepare(tn_prepare *p) { return prepare(p, tn_batch_to_space_shape, false); }

static tn_error *turn_back(tn_gradient_ctx *c, const char *op) {
  tn_grad_set(
      c, 0,
      tn_build(c->scope, op, TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1)), TN_ATTRS(TN_A_SAME(c->node, "block_size"))));
  return NULL;
}
static tn_error *to_batch_gradient(tn_gradient_ctx *c) { return turn_back(c, "BatchToSpace"); }
static tn_error *to_space_gradient(tn_gradient_ctx *c) { return turn_back(c, "SpaceToBatch"); }

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

TN_OP(SpaceToBatch, .inputs = "input: T, paddings: Tpaddings", .outputs = "output: T",
      .attrs = "T: type; Tpaddings: indextype = DT_INT32; block_size: int >= 2",
      .doc = "SpaceToBatchND for pictures and square blocks.", .value_inputs = 1 << 1, .shape = to_batch_shape,
      .gradient = to_batch_gradient, .kernels = to_batch_kernels);

TN_OP(BatchToSpace, .inputs = "input: T, crops: Tidx", .outputs = "output: T",
      .attrs = "T: type; block_size: int >= 2; Tidx: indextype = DT_INT32",
      .doc = "BatchToSpaceND for pictures and square blocks.", .value_inputs = 1 << 1, .shape = to_space_shape,
      .gradient = to_space_gradient, .kernels = to_space_kernels);
