/* Pad and PadV2: a border of one value. */
#include "ops/array/pad.h"

/* --- paddings --- */

static tn_error *padded(const tn_node *node, const tn_shape *in, const tn_tensor *t, int sign, tn_shape *out) {
  tn_shape shape = *in;
  for (int i = 0; i < in->rank; i++) {
    int64_t before = tn_int_at(t, 2 * i), after = tn_int_at(t, 2 * i + 1), sum;
    if (before < 0 || after < 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Paddings must be non-negative: %lld %lld in dimension %d",
                            (long long)before, (long long)after, i);
    if (in->dims[i] < 0) continue;
    if (__builtin_add_overflow(before, after, &sum) ||
        __builtin_add_overflow(in->dims[i], sign * sum, &shape.dims[i]) || shape.dims[i] < 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "paddings %lld and %lld do not fit dimension %d of %s",
                            (long long)before, (long long)after, i, TN_SHAPE_STR(in));
  }
  *out = shape;
  return NULL;
}

tn_error *tn_pad_shape(tn_shape_ctx *c, int sign) {
  tn_shape paddings, input;
  TN_TRY(tn_shape_with_rank(c, 1, 2, &paddings));
  int64_t two;
  TN_TRY(tn_dim_merge(c, paddings.rank == 2 ? paddings.dims[1] : -1, 2, &two));
  int64_t rank = paddings.rank == 2 ? paddings.dims[0] : -1;
  const tn_tensor *t = c->value(c, 1);
  if (t) rank = t->shape.dims[0];
  if (rank < 0) {
    if (c->in[0].rank >= 0) c->out[0] = tn_shape_unknown_of_rank(c->in[0].rank);
    return NULL;
  }
  if (rank > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "paddings for rank %lld, at most %d is supported",
                          (long long)rank, TN_MAX_RANK);
  TN_TRY(tn_shape_with_rank(c, 0, (int)rank, &input));
  c->out[0] = tn_shape_unknown_of_rank((int)rank);
  return t ? padded(c->node, &input, t, sign, &c->out[0]) : NULL;
}

tn_error *tn_pad_read(tn_prepare *p, int sign, tn_paddings *out, tn_shape *shape) {
  const tn_tensor *t = &p->inputs[1];
  const tn_shape *in = &p->inputs[0].shape;
  if (t->shape.rank != 2 || t->shape.dims[1] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "paddings must be a matrix with 2 columns: %s",
                             TN_SHAPE_STR(&t->shape));
  if (t->shape.dims[0] != in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "The first dimension of paddings must be the rank of inputs: %s %s",
                             TN_SHAPE_STR(&t->shape), TN_SHAPE_STR(in));
  TN_TRY(padded(p->node, in, t, sign, shape));
  for (int i = 0; i < in->rank; i++) {
    out->before[i] = tn_int_at(t, 2 * i);
    out->after[i] = tn_int_at(t, 2 * i + 1);
  }
  return NULL;
}

/* --- the ops --- */

typedef struct pad_state {
  tn_paddings paddings;
  tn_shape in;
} pad_state;

static tn_error *pad_shape(tn_shape_ctx *c) { return tn_pad_shape(c, 1); }

static tn_error *pad_v2_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 2, 0, &scalar));
  return tn_pad_shape(c, 1);
}

static tn_error *pad_prepare(tn_prepare *p) {
  tn_paddings paddings;
  tn_shape out;
  if (p->n_inputs == 3 && p->inputs[2].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "constant_values must be a scalar: %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  TN_TRY(tn_pad_read(p, 1, &paddings, &out));
  if (tn_shape_equal(&p->inputs[0].shape, &out)) return tn_prepare_alias(p, 0, 0, &out);
  pad_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->paddings = paddings;
  s->in = p->inputs[0].shape;
  return tn_prepare_output(p, 0, &out);
}

/* Fills the part of the border that dimension D adds: the dimensions before it are inside, those after it whole. */
static tn_error *fill_border(tn_run *r, const pad_state *s, int d, const void *value) {
  static const int64_t repeat[TN_MAX_RANK] = {0};
  tn_tensor *out = r->outputs[0];
  int64_t strides[TN_MAX_RANK], dims[TN_MAX_RANK], offset = 0;
  tn_copy_strides(out->shape.rank, out->shape.dims, strides);
  for (int i = 0; i < out->shape.rank; i++) {
    dims[i] = i < d ? s->in.dims[i] : out->shape.dims[i];
    if (i < d) offset += s->paddings.before[i] * strides[i];
  }
  for (int side = 0; side < 2; side++) {
    tn_copy copy;
    dims[d] = side == 0 ? s->paddings.before[d] : s->paddings.after[d];
    tn_copy_init(&copy, out->dtype, out->shape.rank, dims, strides, repeat);
    TN_TRY(tn_copy_run(&copy, tn_at(out, offset), value));
    offset += (s->paddings.before[d] + s->in.dims[d]) * strides[d];
  }
  return NULL;
}

static tn_error *pad_run(tn_run *r) {
  static const char zero[16] = {0};
  const pad_state *s = r->state;
  tn_tensor *out = r->outputs[0];
  if (!s || tn_elements(out) == 0) return NULL; /* no padding, or nothing at all */
  const void *value = r->n_inputs == 3 ? r->inputs[2]->data : zero;
  int64_t to[TN_MAX_RANK], from[TN_MAX_RANK], offset = 0;
  tn_copy_strides(s->in.rank, out->shape.dims, to);
  tn_copy_strides(s->in.rank, s->in.dims, from);
  for (int i = 0; i < s->in.rank; i++) {
    TN_TRY(fill_border(r, s, i, value));
    offset += s->paddings.before[i] * to[i];
  }
  if (tn_shape_elements(&s->in) == 0) return NULL;
  tn_copy copy;
  tn_copy_init(&copy, out->dtype, s->in.rank, s->in.dims, to, from);
  return tn_copy_run(&copy, tn_at(out, offset), r->inputs[0]->data);
}

/* The middle of dy: from the paddings before, of the input's size. */
static tn_error *pad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output dy = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), paddings = tn_grad_x(c, 1);
  if (s->error) return NULL;
  tn_output zeros = tn_build_ints(s, TN_INT32, 2, (int64_t[2]){0, 0});
  tn_output column = tn_build_ints(s, TN_INT32, 2, (int64_t[2]){-1, 1});
  tn_output before = tn_build(s, "Slice", TN_IN(paddings, zeros, column), NULL);
  tn_output begin = tn_build2(s, "Reshape", before, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
  tn_output size = tn_grad_shape(c, x, tn_output_dtype(paddings));
  tn_grad_set(c, 0, tn_build(s, "Slice", TN_IN(dy, begin, size), NULL));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_QUANTIZED3,
                                         .type_attr = "T",
                                         .prepare = pad_prepare,
                                         .run = pad_run},
                                        {0}};

TN_OP(Pad, .inputs = "input: T, paddings: Tpaddings", .outputs = "output: T",
      .attrs = "T: type; Tpaddings: indextype = DT_INT32",
      .doc = "The input with PADDINGS[i] zeros before and after it along dimension i.", .value_inputs = 1 << 1,
      .shape = pad_shape, .gradient = pad_gradient, .kernels = kernels);

TN_OP(PadV2, .inputs = "input: T, paddings: Tpaddings, constant_values: T", .outputs = "output: T",
      .attrs = "T: type; Tpaddings: indextype = DT_INT32",
      .doc = "The input with PADDINGS[i] times CONSTANT_VALUES before and after it along dimension i.",
      .value_inputs = 1 << 1, .shape = pad_v2_shape, .gradient = pad_gradient, .kernels = kernels);
