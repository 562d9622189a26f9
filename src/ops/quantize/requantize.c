/* Requantize, RequantizationRange and QuantizeDownAndShrinkRange: sums of 32 bits to 8, in a range that they use. */
#include <math.h>

#include "ops/quantize/quantized.h"

/* In fixed point, with 16 bits behind the point, as TensorFlow does it for every shape. */
static void requantize(const tn_tensor *in, tn_tensor *out, const float from[2], const float to[2]) {
  enum { SHIFT = 16 };
  const float width = from[1] - from[0], out_width = to[1] - to[0];
  const float inverse = out_width == 0 ? 0 : (float)(255.0 / (double)out_width);
  const float middle = (float)((double)(from[0] + from[1]) / 2);
  const double one = 1 << SHIFT;
  const int64_t scale = out_width == 0 ? 0 : (int64_t)(255.0 * one * (double)width / (double)out_width);
  const int64_t in_offset = (int64_t)(middle * inverse * (float)one);
  const int64_t out_offset = out_width == 0 ? 0 : lround(one * ((double)to[0] * 255.0) / (double)out_width);
  for (int64_t i = 0; i < tn_elements(in); i++) {
    const int64_t product = (int64_t)((uint64_t)(int64_t)TN_DATA(int32_t, in)[i] * (uint64_t)scale);
    const int64_t level = ((product >> 32) + in_offset - out_offset + (1 << (SHIFT - 1))) >> SHIFT;
    TN_DATA(uint8_t, out)[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
  }
}

/* The floats between which all elements lie; the lower one is not above 0. */
static void used_range(const tn_tensor *in, const float range[2], float out[2]) {
  const tn_levels l = tn_levels_of(in->dtype);
  int64_t least = l.highest, most = l.lowest;
  for (int64_t i = 0; i < tn_elements(in); i++) {
    const int64_t q = tn_quantized_get(in, i);
    least = q < least ? q : least;
    most = q > most ? q : most;
  }
  out[0] = fminf(0, tn_dequantize_one(&l, least, range[0], range[1]));
  out[1] = tn_dequantize_one(&l, most, range[0], range[1]);
}

static void set_range(const tn_run *r, int first, const float range[2]) {
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[first + i])[0] = range[i];
}

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].dtype != TN_QINT32 || (p->n_outputs == 3 && p->outputs[0].dtype != TN_QUINT8))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for qint32 to quint8");
  TN_TRY(tn_quantized_scalars(p, 1, p->n_inputs));
  TN_TRY(tn_quantized_ranges(p, p->n_outputs - 2));
  return p->n_outputs == 3 ? tn_prepare_output(p, 0, &p->inputs[0].shape) : NULL;
}

static tn_error *requantize_run(tn_run *r) {
  const float from[] = {tn_scalar_at(r, 1), tn_scalar_at(r, 2)}, to[] = {tn_scalar_at(r, 3), tn_scalar_at(r, 4)};
  if (to[0] > 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "requested_output_min must be <= 0, but got %g", (double)to[0]);
  if (!(to[1] >= to[0]))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "requested_output_max must be >= requested_output_min, but got %g and %g", (double)to[1],
                         (double)to[0]);
  requantize(r->inputs[0], r->outputs[0], from, to);
  set_range(r, 1, to);
  return NULL;
}

static tn_error *range_run(tn_run *r) {
  const float range[] = {tn_scalar_at(r, 1), tn_scalar_at(r, 2)};
  float used[2];
  used_range(r->inputs[0], range, used);
  set_range(r, 0, used);
  return NULL;
}

static tn_error *shrink_run(tn_run *r) {
  const float range[] = {tn_scalar_at(r, 1), tn_scalar_at(r, 2)};
  float used[2];
  used_range(r->inputs[0], range, used);
  requantize(r->inputs[0], r->outputs[0], range, used);
  set_range(r, 1, used);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  c->out[0] = c->n_outputs == 3 ? c->in[0] : tn_shape_scalar();
  return tn_quantized_ranges_shape(c, 1, c->n_inputs);
}

static const tn_kernel_def requantize_kernels[] = {{.name = "reference", .prepare = prepare, .run = requantize_run},
                                                   {0}};
static const tn_kernel_def range_kernels[] = {{.name = "reference", .prepare = prepare, .run = range_run}, {0}};
static const tn_kernel_def shrink_kernels[] = {{.name = "reference", .prepare = prepare, .run = shrink_run}, {0}};

#define RANGE "input: Tinput, input_min: float, input_max: float"
#define OUT   "output: out_type, output_min: float, output_max: float"
#define TYPES "Tinput: " TN_QUANTIZED_ATTR

TN_OP(Requantize, .inputs = RANGE ", requested_output_min: float, requested_output_max: float", .outputs = OUT,
      .attrs = TYPES "; out_type: " TN_QUANTIZED_ATTR, .doc = "The same numbers as levels of another range.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = requantize_kernels);

TN_OP(RequantizationRange, .inputs = RANGE, .outputs = "output_min: float, output_max: float", .attrs = TYPES,
      .doc = "The range that the numbers use.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = range_kernels);

TN_OP(QuantizeDownAndShrinkRange, .inputs = RANGE, .outputs = OUT, .attrs = TYPES "; out_type: " TN_QUANTIZED_ATTR,
      .doc = "The same numbers as levels of the range that they use.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = shrink_kernels);
