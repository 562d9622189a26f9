/* QuantizeAndDequantizeV4Grad: gradients pass where numbers lie within the bounds. */
#include <string.h>

#include "graph/shape.h"
#include "kernel/kernel.h"

typedef struct grid {
  int64_t channels, inner; /* bounds, and elements that follow each other with the same one */
} grid;

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[1].shape;
  const int64_t axis = tn_node_get_int(p->node, "axis");
  if (!tn_shape_equal(&p->inputs[0].shape, in))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "gradient and input must be the same size: %s and %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(in));
  if (axis < -1 || axis >= in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Axis should be -1 or 0 or a positive value less than %d, but given axis value was %lld",
                             in->rank, (long long)axis);
  grid *g;
  TN_TRY(tn_prepare_state(p, sizeof *g, &g));
  *g = (grid){axis < 0 ? 1 : in->dims[axis], 1};
  for (int i = (int)axis + 1; i < in->rank; i++) g->inner *= in->dims[i];
  for (int i = 2; i < 4; i++) {
    const tn_shape *s = &p->inputs[i].shape;
    if (axis < 0 ? s->rank != 0 : s->rank != 1 || s->dims[0] != g->channels)
      return tn_prepare_errorf(
          p, TN_INVALID_ARGUMENT, "%s must be %s, but its shape is %s", i == 2 ? "input_min" : "input_max",
          axis < 0 ? "a scalar if axis is unspecified" : "a vector as long as the axis", TN_SHAPE_STR(s));
    TN_TRY(tn_prepare_output(p, i - 1, s));
  }
  return tn_prepare_output(p, 0, in);
}

#define RUN(TYPE)                                                                                                      \
  static tn_error *run_##TYPE(tn_run *r) {                                                                             \
    const grid *g = r->state;                                                                                          \
    const TYPE *gradient = r->inputs[0]->data, *x = r->inputs[1]->data;                                                \
    for (int64_t i = 0; i < tn_elements(r->inputs[1]); i++) {                                                          \
      const int64_t c = i / g->inner % g->channels;                                                                    \
      const bool within = x[i] >= TN_DATA(TYPE, r->inputs[2])[c] && x[i] <= TN_DATA(TYPE, r->inputs[3])[c];            \
      TN_DATA(TYPE, r->outputs[0])[i] = within ? gradient[i] : 0;                                                      \
    }                                                                                                                  \
    for (int i = 1; i < 3; i++) memset(r->outputs[i]->data, 0, (size_t)tn_elements(r->outputs[i]) * sizeof(TYPE));     \
    return NULL;                                                                                                       \
  }
RUN(float)
RUN(double)

static tn_error *shape(tn_shape_ctx *c) {
  const int64_t axis = tn_node_get_int(c->node, "axis");
  for (int i = 1; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i + 1, axis < 0 ? 0 : 1, &c->out[i]));
  TN_TRY(tn_shape_merge(c, &c->in[0], &c->in[1], &c->out[0]));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "float", .types = TN_BIT(TN_FLOAT), .prepare = prepare, .run = run_float},
    {.name = "reference", .types = TN_BIT(TN_DOUBLE), .prepare = prepare, .run = run_double},
    {0}};

TN_OP(QuantizeAndDequantizeV4Grad, .inputs = "gradients: T, input: T, input_min: T, input_max: T",
      .outputs = "input_backprop: T, input_min_backprop: T, input_max_backprop: T",
      .attrs = "T: floattype; axis: int = -1", .doc = "The gradient of QuantizeAndDequantizeV4.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
