/* Reverse and ReverseV2: dimensions read backwards. */
#include "ops/array/array.h"

typedef struct reverse_state {
  tn_copy copy;
  int64_t offset;
} reverse_state;

/* Output 0 is the input with the dimensions of MASK reversed. */
static tn_error *prepare_mask(tn_prepare *p, uint32_t mask) {
  const tn_shape *in = &p->inputs[0].shape;
  int64_t to[TN_MAX_RANK], from[TN_MAX_RANK];
  if (mask == 0) return tn_prepare_alias(p, 0, 0, in);
  reverse_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  tn_copy_strides(in->rank, in->dims, to);
  for (int i = 0; i < in->rank; i++) {
    bool back = mask >> i & 1;
    from[i] = back ? -to[i] : to[i];
    if (back) s->offset += (in->dims[i] - 1) * to[i];
  }
  tn_copy_init(&s->copy, p->inputs[0].dtype, in->rank, in->dims, to, from);
  return tn_prepare_output(p, 0, in);
}

static tn_error *reverse_run(tn_run *r) {
  const reverse_state *s = r->state;
  if (!s || s->copy.total == 0) return NULL; /* nothing is turned round */
  return tn_copy_run(&s->copy, r->outputs[0]->data, tn_at(r->inputs[0], s->offset));
}

static tn_error *reverse_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build2(c->scope, c->node->op->name, tn_grad_dense(c, 0), tn_grad_x(c, 1)));
  return NULL;
}

/* --- Reverse: a flag for each dimension --- */

static tn_error *flags_shape(tn_shape_ctx *c) {
  tn_shape input = c->in[0], dims;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &dims));
  if (dims.rank == 1 && dims.dims[0] > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "reverse is not implemented for %lld dimensions",
                          (long long)dims.dims[0]);
  if (dims.rank == 1 && dims.dims[0] >= 0) TN_TRY(tn_shape_with_rank(c, 0, (int)dims.dims[0], &input));
  c->out[0] = input;
  return NULL;
}

static tn_error *flags_prepare(tn_prepare *p) {
  const tn_tensor *dims = &p->inputs[1];
  int rank = p->inputs[0].shape.rank;
  uint32_t mask = 0;
  if (dims->shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "'dims' must be 1-dimension, not %d", dims->shape.rank);
  if (dims->shape.dims[0] != rank)
    return tn_prepare_errorf(
        p, TN_INVALID_ARGUMENT,
        "'dims' must have the same number of values as 'input' has dimensions. 'input' has %d, 'dims' has %lld values",
        rank, (long long)dims->shape.dims[0]);
  for (int i = 0; i < rank; i++)
    if (TN_DATA(bool, dims)[i]) mask |= 1u << i;
  return prepare_mask(p, mask);
}

static const tn_kernel_def flags_kernels[] = {
    {.name = "reference", .types = TN_BASIC_STRING, .type_attr = "T", .prepare = flags_prepare, .run = reverse_run},
    {0}};

TN_OP(Reverse, .inputs = "tensor: T, dims: bool", .outputs = "output: T",
      .attrs = "T: {uint8, int8, uint16, int16, uint32, int32, uint64, int64, bool, bfloat16, half, float, double, "
               "complex64, complex128, string}",
      .doc = "The input, read backwards along the dimensions whose flag in DIMS is set.", .value_inputs = 1 << 1,
      .shape = flags_shape, .gradient = reverse_gradient, .kernels = flags_kernels);

/* --- ReverseV2: a list of dimensions --- */

/* The axes in T as bits; a repeated one is an error. */
static tn_error *axes_mask(const tn_node *node, const tn_tensor *t, int rank, uint32_t *out) {
  uint32_t mask = 0;
  for (int64_t i = 0; i < tn_elements(t); i++) {
    int axis = 0;
    TN_TRY(tn_array_axis(node, "axis", tn_int_at(t, i), rank, &axis));
    if (mask >> axis & 1) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "axis %d was repeated", axis);
    mask |= 1u << axis;
  }
  *out = mask;
  return NULL;
}

static tn_error *axes_shape(tn_shape_ctx *c) {
  tn_shape axes;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &axes));
  if (axes.rank == 1 && axes.dims[0] > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "reverse does not work on %lld axes", (long long)axes.dims[0]);
  const tn_tensor *t = c->value(c, 1);
  uint32_t mask;
  if (t && c->in[0].rank >= 0) TN_TRY(axes_mask(c->node, t, c->in[0].rank, &mask));
  c->out[0] = c->in[0];
  return NULL;
}

static tn_error *axes_prepare(tn_prepare *p) {
  uint32_t mask = 0;
  TN_TRY(axes_mask(p->node, &p->inputs[1], p->inputs[0].shape.rank, &mask));
  return prepare_mask(p, mask);
}

static const tn_kernel_def axes_kernels[] = {
    {.name = "reference", .types = TN_BASIC_STRING, .type_attr = "T", .prepare = axes_prepare, .run = reverse_run},
    {0}};

TN_OP(ReverseV2, .inputs = "tensor: T, axis: Tidx", .outputs = "output: T",
      .attrs = "Tidx: indextype = DT_INT32; T: {uint8, int8, uint16, int16, int32, uint32, int64, uint64, bool, "
               "bfloat16, half, float, double, complex64, complex128, string}",
      .doc = "The input, read backwards along the dimensions in AXIS.", .value_inputs = 1 << 1, .shape = axes_shape,
      .gradient = reverse_gradient, .kernels = axes_kernels);
