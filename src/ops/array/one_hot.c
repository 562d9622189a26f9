/* OneHot: indices as rows with one element set. */
#include "ops/array/array.h"

/* Where the new dimension goes: attribute axis in [-1, RANK]. */
static tn_error *one_hot_axis(const tn_node *node, int rank, int *out) {
  int64_t axis = tn_node_get_int(node, "axis");
  if (axis < -1 || axis > rank)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Expected axis to be -1 or between [0, %d]. But received: %lld",
                          rank, (long long)axis);
  if (rank + 1 > TN_MAX_RANK)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported", rank + 1,
                          TN_MAX_RANK);
  *out = (int)(axis < 0 ? rank : axis);
  return NULL;
}

static tn_shape put_in(const tn_shape *shape, int axis, int64_t size) {
  tn_shape out = tn_shape_part(shape, 0, axis);
  out.dims[out.rank++] = size;
  for (int i = axis; i < shape->rank; i++) out.dims[out.rank++] = shape->dims[i];
  return out;
}

static tn_error *one_hot_shape(tn_shape_ctx *c) {
  bool known = false;
  int64_t depth = -1;
  tn_shape scalar;
  for (int i = 1; i < 4; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  if (tn_node_get_int(c->node, "axis") < -1) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "axis must be >= -1");
  TN_TRY(tn_shape_scalar_value(c, 1, &known, &depth));
  if (known && depth < 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "depth must be non-negative, got: %lld", (long long)depth);
  if (c->in[0].rank < 0) return NULL;
  int axis = 0;
  TN_TRY(one_hot_axis(c->node, c->in[0].rank, &axis));
  c->out[0] = put_in(&c->in[0], axis, known ? depth : -1);
  return NULL;
}

typedef struct one_hot_state {
  int64_t prefix, depth, suffix;
} one_hot_state;

static tn_error *one_hot_prepare(tn_prepare *p) {
  static const char *const names[4] = {"indices", "depth", "on_value", "off_value"};
  const tn_shape *indices = &p->inputs[0].shape;
  int axis = 0;
  int64_t depth;
  TN_TRY(one_hot_axis(p->node, indices->rank, &axis));
  for (int i = 1; i < 4; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar, but got: %s", names[i],
                               TN_SHAPE_STR(&p->inputs[i].shape));
  TN_TRY(tn_array_scalar(p, 1, &depth));
  if (depth < 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "depth must be non-negative, got: %lld", (long long)depth);
  one_hot_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->prefix = tn_span(indices, 0, axis);
  s->suffix = tn_span(indices, axis, indices->rank);
  s->depth = depth;
  tn_shape out = put_in(indices, axis, depth);
  return tn_prepare_output(p, 0, &out);
}

/* Indices outside [0, depth) leave their row without the value. */
static tn_error *one_hot_run(tn_run *r) {
  const one_hot_state *s = r->state;
  tn_tensor *out = r->outputs[0];
  TN_TRY(tn_copy_fill(out->dtype, out->data, r->inputs[3]->data, tn_elements(out)));
  for (int64_t i = 0; i < s->prefix * s->suffix; i++) {
    int64_t index = tn_int_at(r->inputs[0], i);
    if (index < 0 || index >= s->depth) continue;
    int64_t place = (i / s->suffix * s->depth + index) * s->suffix + i % s->suffix;
    TN_TRY(tn_copy_elements(out->dtype, tn_at(out, place), r->inputs[2]->data, 1));
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_OBJECTS,
                                         .type_attr = "T",
                                         .prepare = one_hot_prepare,
                                         .run = one_hot_run},
                                        {0}};

TN_OP(OneHot, .inputs = "indices: TI, depth: int32, on_value: T, off_value: T", .outputs = "output: T",
      .attrs = "axis: int = -1; T: type; TI: {uint8, int8, int32, int64} = DT_INT64",
      .doc = "For each index a row of DEPTH elements: ON_VALUE at the index, OFF_VALUE elsewhere.",
      .flags = TN_OP_NO_GRADIENT, .value_inputs = 1 << 1, .shape = one_hot_shape, .kernels = kernels);
