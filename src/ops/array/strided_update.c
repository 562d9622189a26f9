/* TensorStridedSliceUpdate: a tensor with a strided slice replaced. */
#include "ops/array/strided.h"

static tn_error *update_shape(tn_shape_ctx *c) {
  tn_shape vector;
  for (int i = 1; i < 4; i++) TN_TRY(tn_shape_with_rank(c, i, 1, &vector));
  c->out[0] = c->in[0];
  return NULL;
}

typedef struct update_state {
  tn_copy copy;
  int64_t offset;
} update_state;

/* The strides of VALUE under the slice's shape: 0 where it is repeated. False if it does not fit. */
static bool broadcast_strides(const tn_shape *value, const tn_shape *slice, int64_t strides[TN_MAX_RANK]) {
  int64_t dense[TN_MAX_RANK];
  int extra = slice->rank - value->rank;
  if (extra < 0) return false;
  tn_copy_strides(value->rank, value->dims, dense);
  for (int i = 0; i < slice->rank; i++) {
    int64_t size = i < extra ? 1 : value->dims[i - extra];
    if (size != 1 && size != slice->dims[i]) return false;
    strides[i] = size == 1 ? 0 : dense[i - extra];
  }
  return true;
}

/* The places of the slice's dimensions in the tensor: those of new axes do not matter, single indices are gone. */
static void place_strides(const tn_strided *s, const tn_shape *in, const int64_t *kept, int64_t strides[TN_MAX_RANK]) {
  int64_t dense[TN_MAX_RANK];
  tn_copy_strides(s->rank, in->dims, dense);
  for (int i = 0; i < s->out.rank; i++) strides[i] = kept[i] >= 0 ? s->stride[kept[i]] * dense[kept[i]] : 0;
}

static tn_error *update_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape, *value = &p->inputs[4].shape;
  tn_strided s;
  tn_strided_values v = {&p->inputs[1], &p->inputs[2], &p->inputs[3]};
  TN_TRY(tn_strided_resolve(p->node, in, &v, &s));
  int64_t from[TN_MAX_RANK], to[TN_MAX_RANK], dense[TN_MAX_RANK];
  if (!broadcast_strides(value, &s.out, from))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "value of shape %s can't be spread over the slice of shape %s",
                             TN_SHAPE_STR(value), TN_SHAPE_STR(&s.out));
  update_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  place_strides(&s, in, s.source, to);
  tn_copy_strides(in->rank, in->dims, dense);
  for (int i = 0; i < in->rank; i++) state->offset += s.begin[i] * dense[i];
  tn_copy_init(&state->copy, p->inputs[0].dtype, s.out.rank, s.out.dims, to, from);
  tn_prepare_in_place(p, 0, 0);
  return tn_prepare_output(p, 0, in);
}

static tn_error *update_run(tn_run *r) {
  const update_state *s = r->state;
  tn_tensor *out = r->outputs[0];
  if (out->data != r->inputs[0]->data)
    TN_TRY(tn_copy_dense(out->dtype, out->data, r->inputs[0]->data, tn_elements(out)));
  return s->copy.total == 0 ? NULL : tn_copy_run(&s->copy, tn_at(out, s->offset), r->inputs[4]->data);
}

/* The value gets what is in the slice, the tensor the rest. */
static tn_error *update_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_named_attr *masks =
      TN_ATTRS(TN_A_SAME(c->node, "begin_mask"), TN_A_SAME(c->node, "end_mask"), TN_A_SAME(c->node, "ellipsis_mask"),
               TN_A_SAME(c->node, "new_axis_mask"), TN_A_SAME(c->node, "shrink_axis_mask"));
  tn_output dy = tn_grad_dense(c, 0), begin = tn_grad_x(c, 1), end = tn_grad_x(c, 2), strides = tn_grad_x(c, 3);
  tn_output slice = tn_build(s, "StridedSlice", TN_IN(dy, begin, end, strides), masks);
  tn_output zeros = tn_build1(s, "ZerosLike", slice);
  tn_grad_set(c, 0, tn_build(s, "TensorStridedSliceUpdate", TN_IN(dy, begin, end, strides, zeros), masks));
  tn_grad_set(c, 4, tn_build_unbroadcast(s, slice, tn_grad_x(c, 4), slice));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED3 | TN_OBJECTS,
                                         .type_attr = "T",
                                         .prepare = update_prepare,
                                         .run = update_run},
                                        {0}};

TN_OP(TensorStridedSliceUpdate, .inputs = "input: T, begin: Index, end: Index, strides: Index, value: T",
      .outputs = "output: T",
      .attrs = "T: type; Index: indextype; begin_mask: int = 0; end_mask: int = 0; ellipsis_mask: int = 0; "
               "new_axis_mask: int = 0; shrink_axis_mask: int = 0",
      .doc = "The input with the elements that input[begin:end:strides, ...] names replaced by VALUE.",
      .value_inputs = 1 << 1 | 1 << 2 | 1 << 3, .shape = update_shape, .gradient = update_gradient, .kernels = kernels);
