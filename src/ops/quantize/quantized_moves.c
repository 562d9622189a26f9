/* QuantizedMaxPool, QuantizedAvgPool and QuantizedConcat. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/array/concat.h"
#include "ops/nn/pool.h"
#include "ops/quantize/quantized.h"

/* --- pools --- */

static tn_error *pool_prepare(tn_prepare *p, tn_pool_kind kind) {
  if (p->inputs[0].dtype != TN_QUINT8)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for quint8");
  TN_TRY(tn_quantized_scalars(p, 1, 3));
  TN_TRY(tn_quantized_ranges(p, 1));
  return tn_pool_reference_prepare(p, kind, 2);
}
static tn_error *max_prepare(tn_prepare *p) { return pool_prepare(p, TN_POOL_MAX); }
static tn_error *average_prepare(tn_prepare *p) { return pool_prepare(p, TN_POOL_AVG); }

/* The range is the input's. */
static void same_range(const tn_run *r) {
  for (int i = 1; i < 3; i++) TN_DATA(float, r->outputs[i])[0] = tn_scalar_at(r, i);
}

static tn_error *max_run(tn_run *r) {
  same_range(r);
  return tn_pool_reference(r, TN_POOL_MAX);
}

/* The mean of channel C in the window of output row I and column J of IMAGE, rounded down. */
static int64_t mean(const tn_window *w, const uint8_t *image, int64_t i, int64_t j, int64_t c) {
  enum { HIGH = TN_WINDOW_DIMS - 2, WIDE };
  int64_t sum = 0, count = 0;
  for (int64_t tap = 0; tap < w->kernel[HIGH] * w->kernel[WIDE]; tap++) {
    const int64_t row = i * w->stride[HIGH] - w->before[HIGH] + tap / w->kernel[WIDE];
    const int64_t column = j * w->stride[WIDE] - w->before[WIDE] + tap % w->kernel[WIDE];
    if (row < 0 || row >= w->in[HIGH] || column < 0 || column >= w->in[WIDE]) continue;
    sum += image[(row * w->in[WIDE] + column) * w->in_channels + c];
    count++;
  }
  return count ? sum / count : 0;
}

static tn_error *average_run(tn_run *r) {
  const tn_window *w = &((const tn_pool *)r->state)->window;
  enum { HIGH = TN_WINDOW_DIMS - 2, WIDE };
  uint8_t *out = r->outputs[0]->data;
  same_range(r);
  for (int64_t n = 0; n < w->batch; n++) {
    const uint8_t *image = TN_DATA(const uint8_t, r->inputs[0]) + n * w->in[HIGH] * w->in[WIDE] * w->in_channels;
    for (int64_t at = 0; at < w->out[HIGH] * w->out[WIDE]; at++)
      for (int64_t c = 0; c < w->in_channels; c++)
        *out++ = (uint8_t)mean(w, image, at / w->out[WIDE], at % w->out[WIDE], c);
  }
  return NULL;
}

static tn_error *max_shape(tn_shape_ctx *c) {
  TN_TRY(tn_pool_shape(c, 2, false, false));
  return tn_quantized_ranges_shape(c, 1, 3);
}
static tn_error *average_shape(tn_shape_ctx *c) {
  TN_TRY(tn_pool_shape(c, 2, true, false));
  return tn_quantized_ranges_shape(c, 1, 3);
}

/* --- concat: the axis, N values, N minima, N maxima --- */

static tn_concat_inputs values_of(const tn_node *node) { return (tn_concat_inputs){1, (node->n_inputs - 1) / 3, 0}; }

static tn_error *concat_shape(tn_shape_ctx *c) {
  const tn_concat_inputs where = values_of(c->node);
  TN_TRY(tn_concat_shape(c, where));
  return tn_quantized_ranges_shape(c, 1 + where.n, c->n_inputs);
}

static tn_error *concat_prepare(tn_prepare *p) {
  const tn_concat_inputs where = values_of(p->node);
  if (p->outputs[0].dtype != TN_QUINT8 && p->outputs[0].dtype != TN_QINT32)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for quint8 and qint32");
  TN_TRY(tn_quantized_scalars(p, 1 + where.n, p->n_inputs));
  TN_TRY(tn_quantized_ranges(p, 1));
  return tn_concat_prepare(p, where);
}

/* The range that holds all; of signed numbers symmetric. */
static void range_of_all(const tn_run *r, int n, float out[2]) {
  out[0] = FLT_MAX;
  out[1] = -FLT_MAX;
  for (int i = 0; i < n; i++) {
    out[0] = fminf(out[0], tn_scalar_at(r, 1 + n + i));
    out[1] = fmaxf(out[1], tn_scalar_at(r, 1 + 2 * n + i));
  }
  if (r->outputs[0]->dtype != TN_QINT32) return;
  out[1] = fmaxf(fabsf(out[0]), fabsf(out[1]));
  out[0] = -out[1];
}

static tn_error *concat_run(tn_run *r) {
  const tn_concat *s = r->state;
  const int n = s->where.n;
  const tn_levels l = tn_levels_of(r->outputs[0]->dtype);
  float range[2];
  range_of_all(r, n, range);
  const tn_from_float to = tn_from_float_of(&l, range[0], range[1]);
  int64_t offset = 0;
  for (int v = 0; v < n; v++) {
    const float low = tn_scalar_at(r, 1 + n + v), high = tn_scalar_at(r, 1 + 2 * n + v);
    const bool same = low == range[0] && high == range[1];
    const tn_to_float from = tn_to_float_of(&l, low, high);
    for (int64_t i = 0; i < s->outer * s->sizes[v]; i++) {
      const int64_t q = tn_quantized_get(r->inputs[1 + v], i);
      const int64_t at = i / s->sizes[v] * s->inner + offset + i % s->sizes[v];
      tn_quantized_put(r->outputs[0], at, same ? q : tn_from_float_at(to, tn_to_float_at(from, q)));
    }
    offset += s->sizes[v];
  }
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[1 + i])[0] = range[i];
  return NULL;
}

static const tn_kernel_def max_kernels[] = {{.name = "reference", .prepare = max_prepare, .run = max_run}, {0}};
static const tn_kernel_def average_kernels[] = {{.name = "reference", .prepare = average_prepare, .run = average_run},
                                                {0}};
static const tn_kernel_def concat_kernels[] = {{.name = "reference", .prepare = concat_prepare, .run = concat_run},
                                               {0}};

#define POOL_INPUTS  "input: T, min_input: float, max_input: float"
#define POOL_OUTPUTS "output: T, min_output: float, max_output: float"
#define POOL_ATTRS   "T: " TN_QUANTIZED_ATTR "; ksize: list(int); strides: list(int); padding: {'SAME', 'VALID'}"

TN_OP(QuantizedMaxPool, .inputs = POOL_INPUTS, .outputs = POOL_OUTPUTS, .attrs = POOL_ATTRS,
      .doc = "The maximum of each window of images of quantized numbers.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = max_shape, .kernels = max_kernels);

TN_OP(QuantizedAvgPool, .inputs = POOL_INPUTS, .outputs = POOL_OUTPUTS, .attrs = POOL_ATTRS,
      .doc = "The mean of each window of images of quantized numbers.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = average_shape, .kernels = average_kernels);

TN_OP(QuantizedConcat, .inputs = "concat_dim: int32, values: N * T, input_mins: N * float, input_maxes: N * float",
      .outputs = "output: T, output_min: float, output_max: float", .attrs = "N: int >= 2; T: type",
      .doc = "Quantized numbers joined along a dimension, in a range that holds all.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 0, .shape = concat_shape, .kernels = concat_kernels);
