/* RequantizationRangePerChannel and RequantizePerChannel: sums of 32 bits whose channels, the last dimension, have
 * ranges of their own, to 8 bits in one range. All ranges are symmetric, or begin at 0. */
#include <math.h>

#include "ops/quantize/quantized.h"

static tn_error *check(const tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  if (p->inputs[0].dtype != TN_QINT32)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for qint32");
  if (in->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Current RequantizePerChannel operator supports 4 dimensions only, "
                             "got %s",
                             TN_SHAPE_STR(in));
  for (int i = 1; i < 3; i++) {
    const tn_shape *s = &p->inputs[i].shape;
    if (tn_elements(&p->inputs[i]) != in->dims[3])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s has incorrect size, expected %lld was %s",
                               i == 1 ? "input_min" : "input_max", (long long)in->dims[3], TN_SHAPE_STR(s));
  }
  return NULL;
}

/* The largest number that the range of CHANNEL holds. */
static float most_of(const tn_run *r, int64_t channel) {
  return fmaxf(fabsf(TN_DATA(float, r->inputs[1])[channel]), fabsf(TN_DATA(float, r->inputs[2])[channel]));
}

static tn_error *range_prepare(tn_prepare *p) {
  TN_TRY(check(p));
  return tn_quantized_ranges(p, 0);
}

static tn_error *range_run(tn_run *r) {
  const int64_t channels = r->inputs[0]->shape.dims[3], n = tn_elements(r->inputs[0]);
  float most = 0;
  bool negative = false;
  for (int64_t c = 0; c < channels; c++) {
    int64_t largest = 0;
    for (int64_t i = c; i < n; i += channels) {
      const int64_t q = TN_DATA(int32_t, r->inputs[0])[i];
      negative = negative || q < 0;
      largest = q > largest ? q : -q > largest ? -q : largest;
    }
    most = fmaxf(most, most_of(r, c) * (float)largest / 2147483648.0f);
  }
  most = fminf(most, tn_node_get_float(r->node, "clip_value_max"));
  TN_DATA(float, r->outputs[0])[0] = negative ? -most : 0;
  TN_DATA(float, r->outputs[1])[0] = most;
  return NULL;
}

static tn_error *requantize_prepare(tn_prepare *p) {
  TN_TRY(check(p));
  if (p->outputs[0].dtype != TN_QUINT8 && p->outputs[0].dtype != TN_QINT8)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but to qint8 and quint8");
  TN_TRY(tn_quantized_scalars(p, 3, 5));
  TN_TRY(tn_quantized_ranges(p, 1));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *requantize_run(tn_run *r) {
  const int64_t channels = r->inputs[0]->shape.dims[3], n = tn_elements(r->inputs[0]);
  const tn_levels l = tn_levels_of(r->outputs[0]->dtype);
  const float to = fmaxf(fabsf(tn_scalar_at(r, 3)), fabsf(tn_scalar_at(r, 4)));
  for (int64_t c = 0; c < channels; c++) {
    const float scale = (float)l.highest * (most_of(r, c) / to / 2147483648.0f);
    for (int64_t i = c; i < n; i += channels) {
      const float level = nearbyintf((float)TN_DATA(int32_t, r->inputs[0])[i] * scale);
      tn_quantized_put(r->outputs[0], i, tn_level(level, (float)l.lowest, (float)l.highest));
    }
  }
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[1 + i])[0] = tn_scalar_at(r, 3 + i);
  return NULL;
}

/* Inputs 1 and 2 are vectors; the ranges are scalars. */
static tn_error *shape(tn_shape_ctx *c) {
  tn_shape in;
  for (int i = 1; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i, 1, &in));
  c->out[0] = c->n_outputs == 3 ? c->in[0] : tn_shape_scalar();
  return tn_quantized_ranges_shape(c, 3, c->n_inputs);
}

static const tn_kernel_def range_kernels[] = {{.name = "reference", .prepare = range_prepare, .run = range_run}, {0}};
static const tn_kernel_def requantize_kernels[] = {
    {.name = "reference", .prepare = requantize_prepare, .run = requantize_run}, {0}};

#define INPUTS "input: T, input_min: float, input_max: float"

TN_OP(RequantizationRangePerChannel, .inputs = INPUTS, .outputs = "output_min: float, output_max: float",
      .attrs = "T: " TN_QUANTIZED_ATTR " = DT_QINT32; clip_value_max: float",
      .doc = "The range that holds the numbers of all channels.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = range_kernels);

TN_OP(RequantizePerChannel, .inputs = INPUTS ", requested_output_min: float, requested_output_max: float",
      .outputs = "output: out_type, output_min: float, output_max: float",
      .attrs = "T: " TN_QUANTIZED_ATTR " = DT_QINT32; out_type: " TN_QUANTIZED_ATTR " = DT_QUINT8",
      .doc = "Numbers whose channels have ranges of their own, in one range.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = requantize_kernels);
