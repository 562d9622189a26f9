/* QuantizedInstanceNorm and QuantizedBatchNormWithGlobalNormalization: images of 8-bit numbers, channels last. */
#include <math.h>

#include "ops/quantize/quantized.h"

/* --- each channel of each image on its own --- */

static tn_error *instance_prepare(tn_prepare *p) {
  const tn_shape *x = &p->inputs[0].shape;
  const double low = (double)tn_node_get_float(p->node, "given_y_min"),
               high = (double)tn_node_get_float(p->node, "given_y_max");
  if (p->inputs[0].dtype != TN_QUINT8)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for quint8");
  if (x->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "images expected, got a tensor of shape %s", TN_SHAPE_STR(x));
  if (tn_node_get_bool(p->node, "output_range_given") && !(low < high))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "given_y_min must be less than given_y_max : %g >= %g", low, high);
  for (int i = 1; i < 3; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "`%s` must be rank 0 but is rank %d", i == 1 ? "x_min" : "x_max",
                               p->inputs[i].shape.rank);
  TN_TRY(tn_quantized_ranges(p, 1));
  p->scratch = (size_t)tn_elements(&p->inputs[0]) * sizeof(float);
  return tn_prepare_output(p, 0, x);
}

/* N pixels, STEP apart, with mean 0 and variance 1. */
static void normalize(const uint8_t *x, int64_t n, int64_t step, const float scale_epsilon[2], float *y) {
  int64_t sum = 0;
  double squares = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i * step];
  const float mean = (float)((double)sum / (double)n), scale = scale_epsilon[0];
  for (int64_t i = 0; i < n; i++) {
    const float off = scale * ((float)x[i * step] - mean);
    squares += (double)(off * off);
  }
  const float by = 1 / sqrtf((float)(squares / (double)n) + scale_epsilon[1]);
  for (int64_t i = 0; i < n; i++) y[i * step] = scale * ((float)x[i * step] - mean) * by;
}

static tn_error *instance_run(tn_run *r) {
  const float low = tn_scalar_at(r, 1), high = tn_scalar_at(r, 2);
  if (!(low < high))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "input_min must be less than input_max : %g >= %g", (double)low,
                         (double)high);
  const tn_shape *s = &r->inputs[0]->shape;
  const int64_t pixels = s->dims[1] * s->dims[2], channels = s->dims[3], all = tn_elements(r->inputs[0]);
  const float steps[] = {(high - low) / 255.0f, tn_node_get_float(r->node, "variance_epsilon")};
  float *y = r->scratch, range[2] = {INFINITY, -INFINITY};
  for (int64_t i = 0; i < s->dims[0] && all > 0; i++)
    for (int64_t c = 0; c < channels; c++) {
      const int64_t at = i * pixels * channels + c;
      normalize(TN_DATA(uint8_t, r->inputs[0]) + at, pixels, channels, steps, y + at);
    }
  for (int64_t i = 0; i < all; i++) {
    range[0] = fminf(range[0], y[i]);
    range[1] = fmaxf(range[1], y[i]);
  }
  if (tn_node_get_bool(r->node, "output_range_given")) {
    range[0] = tn_node_get_float(r->node, "given_y_min");
    range[1] = tn_node_get_float(r->node, "given_y_max");
  }
  const float separation = tn_node_get_float(r->node, "min_separation");
  if (range[1] - range[0] < separation) range[1] = range[0] + separation;
  const tn_levels l = tn_levels_of(TN_QUINT8);
  const tn_from_float to = tn_from_float_of(&l, range[0], range[1]);
  for (int64_t i = 0; i < all; i++) TN_DATA(uint8_t, r->outputs[0])[i] = (uint8_t)tn_from_float_at(to, y[i]);
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[1 + i])[0] = range[i];
  return NULL;
}

static tn_error *instance_shape(tn_shape_ctx *c) {
  tn_shape x;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &x));
  TN_TRY(tn_quantized_ranges_shape(c, 1, 3));
  c->out[0] = c->in[0];
  return NULL;
}

/* --- with given moments; inputs: numbers, mean, variance, beta, gamma, each with its range --- */

enum { MOMENTS = 5 };

static tn_error *batch_prepare(tn_prepare *p) {
  const tn_shape *x = &p->inputs[0].shape;
  if (p->inputs[0].dtype != TN_QUINT8 || p->outputs[0].dtype != TN_QINT32)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for quint8 to qint32");
  if (x->rank != 4) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be 4-dimensional%s", TN_SHAPE_STR(x));
  for (int i = 0; i < MOMENTS; i++) {
    const tn_shape *s = &p->inputs[3 * i].shape;
    if (i > 0 && (s->rank != 1 || s->dims[0] != x->dims[3]))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "input %d must be a vector of as many as there are channels, %s "
                               "in %s",
                               3 * i, TN_SHAPE_STR(s), TN_SHAPE_STR(x));
    TN_TRY(tn_quantized_scalars(p, 3 * i + 1, 3 * i + 3));
  }
  TN_TRY(tn_quantized_ranges(p, 1));
  p->scratch = (size_t)(2 * x->dims[3]) * sizeof(int32_t);
  return tn_prepare_output(p, 0, x);
}

static float moment(const tn_run *r, int i, int64_t channel) {
  const tn_levels l = tn_levels_of(TN_QUINT8);
  const int at = 3 * i;
  return tn_dequantize_one(&l, TN_DATA(uint8_t, r->inputs[at])[channel], tn_scalar_at(r, at + 1),
                           tn_scalar_at(r, at + 2));
}

static tn_error *batch_run(tn_run *r) {
  /* A range in which usual numbers fit, with ten bits behind the point. */
  const float high = 1 << 20, low = -high;
  const tn_levels in = tn_levels_of(TN_QUINT8), out = tn_levels_of(TN_QINT32);
  const int64_t channels = r->inputs[0]->shape.dims[3];
  int32_t *scale = r->scratch, *offset = scale + channels;
  for (int64_t c = 0; c < channels; c++) {
    float by = 1 / sqrtf(moment(r, 2, c) + tn_node_get_float(r->node, "variance_epsilon"));
    if (tn_node_get_bool(r->node, "scale_after_normalization")) by *= moment(r, 4, c);
    scale[c] = (int32_t)tn_quantize_one(&out, by, low, high);
    offset[c] = (int32_t)tn_quantize_one(&out, moment(r, 3, c) - moment(r, 1, c) * by, low, high);
  }
  int32_t level[256];
  for (int q = 0; q < 256; q++) {
    const float x = tn_dequantize_one(&in, q, tn_scalar_at(r, 1), tn_scalar_at(r, 2));
    level[q] = (int32_t)tn_quantize_one(&out, x, low, high);
  }
  const int32_t one = (int32_t)tn_quantize_one(&out, 1, low, high);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    const uint32_t product = (uint32_t)level[TN_DATA(uint8_t, r->inputs[0])[i]] * (uint32_t)scale[i % channels];
    TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)((uint32_t)((int32_t)product / one) + (uint32_t)offset[i % channels]);
  }
  TN_DATA(float, r->outputs[1])[0] = low;
  TN_DATA(float, r->outputs[2])[0] = high;
  return NULL;
}

static tn_error *batch_shape(tn_shape_ctx *c) {
  tn_shape x, v;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &x));
  int64_t channels = x.dims[3];
  for (int i = 1; i < MOMENTS; i++) {
    TN_TRY(tn_shape_with_rank(c, 3 * i, 1, &v));
    TN_TRY(tn_dim_merge(c, channels, v.dims[0], &channels));
  }
  x.dims[3] = channels;
  for (int i = 0; i < MOMENTS; i++) TN_TRY(tn_quantized_ranges_shape(c, 3 * i + 1, 3 * i + 3));
  c->out[0] = x;
  return NULL;
}

static const tn_kernel_def instance_kernels[] = {
    {.name = "reference", .prepare = instance_prepare, .run = instance_run}, {0}};
static const tn_kernel_def batch_kernels[] = {{.name = "reference", .prepare = batch_prepare, .run = batch_run}, {0}};

TN_OP(QuantizedInstanceNorm, .inputs = "x: T, x_min: float, x_max: float",
      .outputs = "y: T, y_min: float, y_max: float",
      .attrs = "T: " TN_QUANTIZED_ATTR "; output_range_given: bool = false; given_y_min: float = 0; given_y_max: float "
               "= 0; variance_epsilon: float = 1e-05; min_separation: float = 0.001",
      .doc = "Each channel of each image with mean 0 and variance 1.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = instance_shape, .kernels = instance_kernels);

TN_OP(QuantizedBatchNormWithGlobalNormalization,
      .inputs = "t: Tinput, t_min: float, t_max: float, m: Tinput, m_min: float, m_max: float, v: Tinput, "
                "v_min: float, v_max: float, beta: Tinput, beta_min: float, beta_max: float, gamma: Tinput, "
                "gamma_min: float, gamma_max: float",
      .outputs = "result: out_type, result_min: float, result_max: float",
      .attrs = "Tinput: " TN_QUANTIZED_ATTR "; out_type: " TN_QUANTIZED_ATTR
               "; variance_epsilon: float; scale_after_normalization: bool",
      .doc = "Batch normalization of quantized numbers with moments that are given.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = batch_shape, .kernels = batch_kernels);
