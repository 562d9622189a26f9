/* Squeeze and ExpandDims: dimensions of size one go and come. */
#include "ops/array/array.h"

static tn_error *nothing_to_run(tn_run *r) {
  (void)r;
  return NULL;
}

static tn_error *reshape_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_grad_reshape_to(c, tn_grad_dense(c, 0), tn_grad_x(c, 0)));
  return NULL;
}

/* The dimensions that attribute squeeze_dims names, as bits. */
static tn_error *squeeze_mask(const tn_node *node, int rank, uint32_t *out) {
  const int64_t *dims;
  size_t n = tn_node_get_ints(node, "squeeze_dims", &dims);
  uint32_t mask = 0;
  for (size_t i = 0; i < n; i++) {
    int axis;
    TN_TRY(tn_array_axis(node, "squeeze_dims", dims[i], rank, &axis));
    mask |= 1u << axis;
  }
  *out = mask;
  return NULL;
}

static tn_error *squeeze(const tn_node *node, const tn_shape *in, tn_shape *out) {
  uint32_t mask = 0;
  TN_TRY(squeeze_mask(node, in->rank, &mask));
  tn_shape shape = tn_shape_scalar();
  for (int i = 0; i < in->rank; i++) {
    bool asked = mask >> i & 1;
    if (asked && in->dims[i] > 1)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Can not squeeze dim[%d], expected a dimension of 1, got %lld",
                            i, (long long)in->dims[i]);
    if (asked && in->dims[i] == 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Can not squeeze dim[%d], expected a dimension of 1, got 0", i);
    if (!asked && (mask || in->dims[i] != 1)) shape.dims[shape.rank++] = in->dims[i];
  }
  *out = shape;
  return NULL;
}

static tn_error *squeeze_shape(tn_shape_ctx *c) {
  const int64_t *dims;
  size_t n = tn_node_get_ints(c->node, "squeeze_dims", &dims);
  if (c->in[0].rank < 0) return NULL;
  for (int i = 0; n == 0 && i < c->in[0].rank; i++)
    if (c->in[0].dims[i] < 0) return NULL; /* it may be one: then it goes */
  return squeeze(c->node, &c->in[0], &c->out[0]);
}

static tn_error *squeeze_prepare(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(squeeze(p->node, &p->inputs[0].shape, &shape));
  return tn_prepare_alias(p, 0, 0, &shape);
}

static const tn_kernel_def squeeze_kernels[] = {
    {.name = "reference", .prepare = squeeze_prepare, .run = nothing_to_run}, {0}};

TN_OP(Squeeze, .inputs = "input: T", .outputs = "output: T", .attrs = "T: type; squeeze_dims: list(int) >= 0 = []",
      .doc = "The input without its dimensions of size one (all of them, or those that SQUEEZE_DIMS names).",
      .shape = squeeze_shape, .gradient = reshape_gradient, .kernels = squeeze_kernels);

static tn_error *expand(const tn_node *node, const tn_shape *in, int64_t dim, tn_shape *out) {
  int axis;
  TN_TRY(tn_array_axis(node, "dim", dim, in->rank + 1, &axis));
  tn_shape before = tn_shape_part(in, 0, axis);
  if (in->rank + 1 > TN_MAX_RANK)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                          in->rank + 1, TN_MAX_RANK);
  before.dims[before.rank++] = 1;
  for (int i = axis; i < in->rank; i++) before.dims[before.rank++] = in->dims[i];
  *out = before;
  return NULL;
}

static tn_error *expand_dims_shape(tn_shape_ctx *c) {
  const tn_tensor *dim = c->value(c, 1);
  if (c->in[1].rank > 1 || (dim && tn_elements(dim) != 1))
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "dim must be a tensor with a single value, its shape is %s",
                          TN_SHAPE_STR(&c->in[1]));
  return c->in[0].rank < 0 || !dim ? NULL : expand(c->node, &c->in[0], tn_int_at(dim, 0), &c->out[0]);
}

static tn_error *expand_dims_prepare(tn_prepare *p) {
  int64_t dim;
  tn_shape shape;
  TN_TRY(tn_array_scalar(p, 1, &dim));
  TN_TRY(expand(p->node, &p->inputs[0].shape, dim, &shape));
  return tn_prepare_alias(p, 0, 0, &shape);
}

static const tn_kernel_def expand_dims_kernels[] = {
    {.name = "reference", .prepare = expand_dims_prepare, .run = nothing_to_run}, {0}};

TN_OP(ExpandDims, .inputs = "input: T, dim: Tdim", .outputs = "output: T",
      .attrs = "T: type; Tdim: indextype = DT_INT32", .doc = "The input with a dimension of size one put in at DIM.",
      .value_inputs = 1 << 1, .shape = expand_dims_shape, .gradient = reshape_gradient, .kernels = expand_dims_kernels);
