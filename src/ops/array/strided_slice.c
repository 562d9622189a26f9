/* StridedSlice and its gradient op. */
#include "ops/array/strided.h"

#define SLICE_TYPES (TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED3 | TN_OBJECTS)

/* --- StridedSlice --- */

static tn_error *slice_shape(tn_shape_ctx *c) {
  tn_shape entries = tn_shape_unknown();
  for (int i = 1; i < 4; i++) {
    tn_shape vector;
    TN_TRY(tn_shape_with_rank(c, i, 1, &vector));
    TN_TRY(tn_shape_merge(c, &entries, &vector, &entries));
  }
  tn_strided_values v = {c->value(c, 1), c->value(c, 2), c->value(c, 3)};
  if (c->in[0].rank < 0 || !v.strides) return NULL;
  tn_strided s;
  TN_TRY(tn_strided_resolve(c->node, &c->in[0], &v, &s));
  c->out[0] = s.out;
  return NULL;
}

typedef struct slice_state {
  tn_copy copy;
  int64_t offset;
} slice_state;

/* True if the slice is all of IN, in order. */
static bool is_whole(const tn_strided *s, const tn_shape *in) {
  for (int i = 0; i < s->rank; i++)
    if (s->size[i] != in->dims[i] || (s->stride[i] != 1 && s->size[i] > 1)) return false;
  return true;
}

static tn_error *slice_prepare(tn_prepare *p) {
  tn_strided s;
  tn_strided_values v = {&p->inputs[1], &p->inputs[2], &p->inputs[3]};
  TN_TRY(tn_strided_resolve(p->node, &p->inputs[0].shape, &v, &s));
  if (is_whole(&s, &p->inputs[0].shape)) return tn_prepare_alias(p, 0, 0, &s.out);
  slice_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  tn_strided_copy(&s, p->inputs[0].dtype, &p->inputs[0].shape, false, &state->copy, &state->offset);
  return tn_prepare_output(p, 0, &s.out);
}

static tn_error *slice_run(tn_run *r) {
  const slice_state *s = r->state;
  if (!s || s->copy.total == 0) return NULL; /* all of the input, or nothing */
  return tn_copy_run(&s->copy, r->outputs[0]->data, tn_at(r->inputs[0], s->offset));
}

#define MASKS(NODE)                                                                                                    \
  TN_ATTRS(TN_A_SAME(NODE, "begin_mask"), TN_A_SAME(NODE, "end_mask"), TN_A_SAME(NODE, "ellipsis_mask"),               \
           TN_A_SAME(NODE, "new_axis_mask"), TN_A_SAME(NODE, "shrink_axis_mask"))

/* StridedSliceGrad takes no int16 indices, so those are widened. */
static tn_error *slice_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), index[3];
  if (c->scope->error) return NULL;
  tn_dtype dtype = tn_output_dtype(tn_grad_x(c, 1)) == TN_INT64 ? TN_INT64 : TN_INT32;
  for (int i = 0; i < 3; i++) index[i] = tn_build_cast(c->scope, tn_grad_x(c, i + 1), dtype);
  tn_output shape = tn_grad_shape(c, tn_grad_x(c, 0), dtype);
  tn_grad_set(c, 0,
              tn_build(c->scope, "StridedSliceGrad", TN_IN(shape, index[0], index[1], index[2], dy), MASKS(c->node)));
  return NULL;
}

static const tn_kernel_def slice_kernels[] = {
    {.name = "reference", .types = SLICE_TYPES, .type_attr = "T", .prepare = slice_prepare, .run = slice_run}, {0}};

TN_OP(StridedSlice, .inputs = "input: T, begin: Index, end: Index, strides: Index", .outputs = "output: T",
      .attrs = "T: type; Index: {int16, int32, int64}; begin_mask: int = 0; end_mask: int = 0; ellipsis_mask: int = 0; "
               "new_axis_mask: int = 0; shrink_axis_mask: int = 0",
      .doc = "The elements that Python's input[begin:end:strides, ...] names.",
      .value_inputs = 1 << 1 | 1 << 2 | 1 << 3, .shape = slice_shape, .gradient = slice_gradient,
      .kernels = slice_kernels);

/* --- StridedSliceGrad --- */

static tn_error *grad_shape(tn_shape_ctx *c) { return tn_shape_from_value(c, 0, &c->out[0]); }

static tn_error *grad_prepare(tn_prepare *p) {
  tn_shape whole;
  TN_TRY(tn_prepare_shape(p, 0, &whole));
  tn_strided s;
  tn_strided_values v = {&p->inputs[1], &p->inputs[2], &p->inputs[3]};
  TN_TRY(tn_strided_resolve(p->node, &whole, &v, &s));
  if (!tn_shape_equal(&s.out, &p->inputs[4].shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "shape of dy was %s instead of %s",
                             TN_SHAPE_STR(&p->inputs[4].shape), TN_SHAPE_STR(&s.out));
  if (is_whole(&s, &whole)) return tn_prepare_alias(p, 0, 4, &whole);
  slice_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  tn_strided_copy(&s, p->inputs[4].dtype, &whole, true, &state->copy, &state->offset);
  return tn_prepare_output(p, 0, &whole);
}

static tn_error *grad_run(tn_run *r) {
  const slice_state *s = r->state;
  tn_tensor *out = r->outputs[0];
  if (!s) return NULL; /* the output is dy's bytes */
  TN_TRY(tn_copy_zero(out->dtype, out->data, tn_elements(out)));
  return s->copy.total == 0 ? NULL : tn_copy_run(&s->copy, tn_at(out, s->offset), r->inputs[4]->data);
}

static tn_error *grad_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(
      c, 4,
      tn_build(c->scope, "StridedSlice", TN_IN(dy, tn_grad_x(c, 1), tn_grad_x(c, 2), tn_grad_x(c, 3)), MASKS(c->node)));
  return NULL;
}

static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = SLICE_TYPES, .type_attr = "T", .prepare = grad_prepare, .run = grad_run}, {0}};

TN_OP(StridedSliceGrad, .inputs = "shape: Index, begin: Index, end: Index, strides: Index, dy: T",
      .outputs = "output: T",
      .attrs = "T: type; Index: indextype; begin_mask: int = 0; end_mask: int = 0; ellipsis_mask: int = 0; "
               "new_axis_mask: int = 0; shrink_axis_mask: int = 0",
      .doc = "Zeros of shape SHAPE with DY where StridedSlice would have taken elements.", .value_inputs = 0xf,
      .shape = grad_shape, .gradient = grad_gradient, .kernels = grad_kernels);
