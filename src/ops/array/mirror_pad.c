/* MirrorPad and MirrorPadGrad: a border that mirrors the tensor, and the sum that folds it back. */
#include "kernel/combine.h"
#include "ops/array/pad.h"

typedef struct mirror_state {
  tn_shape small, large;        /* without and with the paddings */
  int64_t strides[TN_MAX_RANK]; /* of the small one */
  tn_paddings paddings;
  int64_t skip; /* 1 where the edge itself is not repeated (REFLECT) */
  tn_combine_fn add;
} mirror_state;

/* Where index I of the large dimension D comes from in the small one. */
static int64_t source_of(const mirror_state *s, int d, int64_t i) {
  int64_t n = s->small.dims[d];
  i -= s->paddings.before[d];
  if (i < 0) return -i - 1 + s->skip;
  return i < n ? i : 2 * n - 1 - s->skip - i;
}

/* The first element of the small row that row ROW of the large tensor mirrors. */
static int64_t row_source(const mirror_state *s, int64_t row) {
  int64_t offset = 0;
  for (int d = s->large.rank - 2; d >= 0; d--) {
    offset += source_of(s, d, row % s->large.dims[d]) * s->strides[d];
    row /= s->large.dims[d];
  }
  return offset;
}

static tn_error *mirror_prepare(tn_prepare *p, int sign) {
  tn_paddings paddings;
  tn_shape out;
  TN_TRY(tn_pad_read(p, sign, &paddings, &out));
  mirror_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->paddings = paddings;
  s->small = sign > 0 ? p->inputs[0].shape : out;
  s->large = sign > 0 ? out : p->inputs[0].shape;
  s->skip = tn_node_string_is(p->node, "mode", "REFLECT") ? 1 : 0;
  tn_copy_strides(s->small.rank, s->small.dims, s->strides);
  for (int i = 0; i < s->small.rank; i++) {
    int64_t most = s->small.dims[i] - s->skip;
    if (paddings.before[i] > most || paddings.after[i] > most)
      return tn_prepare_errorf(
          p, TN_INVALID_ARGUMENT, "paddings must be no greater than the dimension size%s: %lld, %lld greater than %lld",
          s->skip ? " less one" : "", (long long)paddings.before[i], (long long)paddings.after[i], (long long)most);
  }
  if (sign < 0) s->add = tn_combine_of(TN_COMBINE_ADD, p->inputs[0].dtype);
  return tn_prepare_output(p, 0, &out);
}

/* --- MirrorPad --- */

static tn_error *pad_shape(tn_shape_ctx *c) { return tn_pad_shape(c, 1); }
static tn_error *pad_prepare(tn_prepare *p) { return mirror_prepare(p, 1); }

static tn_error *pad_run(tn_run *r) {
  const mirror_state *s = r->state;
  const tn_tensor *in = r->inputs[0];
  tn_tensor *out = r->outputs[0];
  if (tn_elements(out) == 0) return NULL;
  int last = s->large.rank - 1;
  int64_t width = last >= 0 ? s->large.dims[last] : 1, rows = tn_elements(out) / width;
  int64_t before = last >= 0 ? s->paddings.before[last] : 0, inside = last >= 0 ? s->small.dims[last] : 1;
  for (int64_t row = 0; row < rows; row++) {
    int64_t from = row_source(s, row), to = row * width;
    for (int64_t i = 0; i < before; i++)
      TN_TRY(tn_copy_elements(in->dtype, tn_at(out, to + i), tn_at(in, from + source_of(s, last, i)), 1));
    TN_TRY(tn_copy_elements(in->dtype, tn_at(out, to + before), tn_at(in, from), inside));
    for (int64_t i = before + inside; i < width; i++)
      TN_TRY(tn_copy_elements(in->dtype, tn_at(out, to + i), tn_at(in, from + source_of(s, last, i)), 1));
  }
  return NULL;
}

static tn_error *pad_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0,
              tn_build(c->scope, "MirrorPadGrad", TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1)),
                       TN_ATTRS(TN_A_SAME(c->node, "mode"))));
  return NULL;
}

static const tn_kernel_def pad_kernels[] = {{.name = "reference",
                                             .types = TN_BASIC_STRING | TN_QUANTIZED3,
                                             .type_attr = "T",
                                             .prepare = pad_prepare,
                                             .run = pad_run},
                                            {0}};

TN_OP(MirrorPad, .inputs = "input: T, paddings: Tpaddings", .outputs = "output: T",
      .attrs = "T: type; Tpaddings: indextype = DT_INT32; mode: {'REFLECT', 'SYMMETRIC'}",
      .doc = "The input with a border of PADDINGS that mirrors it.", .value_inputs = 1 << 1, .shape = pad_shape,
      .gradient = pad_gradient, .kernels = pad_kernels);

/* --- MirrorPadGrad --- */

static tn_error *grad_shape(tn_shape_ctx *c) { return tn_pad_shape(c, -1); }
static tn_error *grad_prepare(tn_prepare *p) { return mirror_prepare(p, -1); }

static tn_error *grad_run(tn_run *r) {
  const mirror_state *s = r->state;
  const tn_tensor *in = r->inputs[0];
  tn_tensor *out = r->outputs[0];
  TN_TRY(tn_copy_zero(out->dtype, out->data, tn_elements(out)));
  if (tn_elements(in) == 0) return NULL;
  int last = s->large.rank - 1;
  int64_t width = last >= 0 ? s->large.dims[last] : 1, rows = tn_elements(in) / width;
  int64_t before = last >= 0 ? s->paddings.before[last] : 0, inside = last >= 0 ? s->small.dims[last] : 1;
  for (int64_t row = 0; row < rows; row++) {
    int64_t to = row_source(s, row), from = row * width;
    for (int64_t i = 0; i < before; i++) s->add(tn_at(out, to + source_of(s, last, i)), tn_at(in, from + i), 1);
    s->add(tn_at(out, to), tn_at(in, from + before), inside);
    for (int64_t i = before + inside; i < width; i++)
      s->add(tn_at(out, to + source_of(s, last, i)), tn_at(in, from + i), 1);
  }
  return NULL;
}

static tn_error *grad_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0,
              tn_build(c->scope, "MirrorPad", TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1)),
                       TN_ATTRS(TN_A_SAME(c->node, "mode"))));
  return NULL;
}

static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .type_attr = "T", .prepare = grad_prepare, .run = grad_run}, {0}};

TN_OP(MirrorPadGrad, .inputs = "input: T, paddings: Tpaddings", .outputs = "output: T",
      .attrs = "T: type; Tpaddings: indextype = DT_INT32; mode: {'REFLECT', 'SYMMETRIC'}",
      .doc = "The sum of each element and its mirror images: the gradient of MirrorPad.", .value_inputs = 1 << 1,
      .shape = grad_shape, .gradient = grad_gradient, .kernels = grad_kernels);
