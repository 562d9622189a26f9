/* SpaceToDepth and DepthToSpace: blocks of pixels become channels, and back. */
#include "ops/array/array.h"

/* A picture and its form with blocks as channels: the same elements, [n, h, i, w, j, c] against [n, h, w, i, j, c]
 * (NHWC) or [n, c, h, i, w, j] against [n, i, j, c, h, w] (NCHW). */
typedef struct blocks {
  int64_t block;
  bool channels_first;
} blocks;

static tn_error *blocks_of(const tn_node *node, blocks *b) {
  b->block = tn_node_get_int(node, "block_size");
  b->channels_first = !tn_node_string_is(node, "data_format", "NHWC");
  if (b->block < 2)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Block size should be > 1, but was: %lld", (long long)b->block);
  return NULL;
}

/* The shape after SpaceToDepth (TO_DEPTH) or DepthToSpace; unknown dimensions stay so. */
static tn_error *reshaped(const tn_node *node, const blocks *b, const tn_shape *in, bool to_depth, tn_shape *out) {
  int height = b->channels_first ? 2 : 1, depth = b->channels_first ? 1 : 3;
  int64_t square;
  if (__builtin_mul_overflow(b->block, b->block, &square))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the block size %lld is too large", (long long)b->block);
  *out = *in;
  for (int i = 1; i < 4; i++) {
    bool divides = to_depth == (i == height || i == height + 1);
    int64_t by = i == depth ? square : b->block;
    if (in->dims[i] < 0) continue;
    if (divides && in->dims[i] % by != 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "dimension %d of %s should be divisible by %lld", i,
                            TN_SHAPE_STR(in), (long long)by);
    if (divides)
      out->dims[i] = in->dims[i] / by;
    else if (__builtin_mul_overflow(in->dims[i], by, &out->dims[i]))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "dimension %d of %s is too large", i, TN_SHAPE_STR(in));
  }
  return NULL;
}

static tn_error *shape_of(tn_shape_ctx *c, bool to_depth) {
  blocks b;
  tn_shape in;
  TN_TRY(blocks_of(c->node, &b));
  if (tn_node_string_is(c->node, "data_format", "NCHW_VECT_C")) {
    TN_TRY(tn_shape_with_rank(c, 0, 5, &in));
    c->out[0] = tn_shape_unknown_of_rank(5);
    return NULL;
  }
  TN_TRY(tn_shape_with_rank(c, 0, 4, &in));
  if (in.rank < 0) in = tn_shape_unknown_of_rank(4);
  return reshaped(c->node, &b, &in, to_depth, &c->out[0]);
}

/* Dimensions in the order of the form with blocks as channels, with their strides in both forms. DEPTH has that form.
 */
static void describe(const blocks *b, const tn_shape *depth, int64_t dims[6], int64_t packed[6], int64_t spread[6]) {
  int64_t k = b->block;
  if (b->channels_first) {
    int64_t c = depth->dims[1] / (k * k), h = depth->dims[2], w = depth->dims[3];
    const int64_t sizes[6] = {depth->dims[0], k, k, c, h, w};
    const int64_t strides[6] = {c * h * k * w * k, w * k, 1, h * k * w * k, k * w * k, k};
    for (int i = 0; i < 6; i++) dims[i] = sizes[i], spread[i] = strides[i];
  } else {
    int64_t c = depth->dims[3] / (k * k), h = depth->dims[1], w = depth->dims[2];
    const int64_t sizes[6] = {depth->dims[0], h, w, k, k, c};
    const int64_t strides[6] = {h * k * w * k * c, k * w * k * c, k * c, w * k * c, c, 1};
    for (int i = 0; i < 6; i++) dims[i] = sizes[i], spread[i] = strides[i];
  }
  tn_copy_strides(6, dims, packed);
}

static tn_error *prepare(tn_prepare *p, bool to_depth) {
  const tn_shape *in = &p->inputs[0].shape;
  blocks b;
  tn_shape out;
  TN_TRY(blocks_of(p->node, &b));
  if (tn_node_string_is(p->node, "data_format", "NCHW_VECT_C"))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Only NHWC and NCHW data formats are supported");
  if (in->rank != 4) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input rank should be 4 instead of %d", in->rank);
  TN_TRY(reshaped(p->node, &b, in, to_depth, &out));
  TN_TRY(tn_prepare_output(p, 0, &out));
  tn_copy *copy;
  TN_TRY(tn_prepare_state(p, sizeof *copy, &copy));
  int64_t dims[6], packed[6], spread[6];
  describe(&b, to_depth ? &out : in, dims, packed, spread);
  tn_copy_init(copy, p->inputs[0].dtype, 6, dims, to_depth ? packed : spread, to_depth ? spread : packed);
  return NULL;
}

static tn_error *copy_run(tn_run *r) { return tn_copy_run(r->state, r->outputs[0]->data, r->inputs[0]->data); }

static tn_error *turn_back(tn_gradient_ctx *c, const char *op) {
  tn_grad_set(c, 0,
              tn_build(c->scope, op, TN_IN(tn_grad_dense(c, 0)),
                       TN_ATTRS(TN_A_SAME(c->node, "block_size"), TN_A_SAME(c->node, "data_format"))));
  return NULL;
}

static tn_error *to_depth_shape(tn_shape_ctx *c) { return shape_of(c, true); }
static tn_error *to_depth_prepare(tn_prepare *p) { return prepare(p, true); }
static tn_error *to_depth_gradient(tn_gradient_ctx *c) { return turn_back(c, "DepthToSpace"); }
static tn_error *to_space_shape(tn_shape_ctx *c) { return shape_of(c, false); }
static tn_error *to_space_prepare(tn_prepare *p) { return prepare(p, false); }
static tn_error *to_space_gradient(tn_gradient_ctx *c) { return turn_back(c, "SpaceToDepth"); }

#define TYPES (TN_BASIC_STRING | TN_OBJECTS)

static const tn_kernel_def to_depth_kernels[] = {
    {.name = "reference", .types = TYPES | TN_BIT(TN_QINT8), .prepare = to_depth_prepare, .run = copy_run}, {0}};
static const tn_kernel_def to_space_kernels[] = {
    {.name = "reference", .types = TYPES, .prepare = to_space_prepare, .run = copy_run}, {0}};

TN_OP(SpaceToDepth, .inputs = "input: T", .outputs = "output: T",
      .attrs = "T: type; block_size: int >= 2; data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
      .doc = "Each block of BLOCK_SIZE x BLOCK_SIZE pixels as the channels of one.", .shape = to_depth_shape,
      .gradient = to_depth_gradient, .kernels = to_depth_kernels);

TN_OP(DepthToSpace, .inputs = "input: T", .outputs = "output: T",
      .attrs = "T: type; block_size: int >= 2; data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
      .doc = "The channels of each pixel as a block of BLOCK_SIZE x BLOCK_SIZE of them.", .shape = to_space_shape,
      .gradient = to_space_gradient, .kernels = to_space_kernels);
