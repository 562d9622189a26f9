/* Quantized numbers: what their ops share. */
#include "ops/quantize/quantized.h"

#include <math.h>

tn_levels tn_levels_of(tn_dtype dtype) {
  const int bits = (int)tn_dtype_size(dtype) * 8;
  const int64_t steps = INT64_C(1) << bits;
  const bool is_signed = dtype != TN_QUINT8 && dtype != TN_QUINT16;
  const int64_t lowest = is_signed ? -(steps / 2) : 0;
  return (tn_levels){lowest, lowest + steps - 1, (double)steps};
}

int64_t tn_quantized_get(const tn_tensor *t, int64_t i) {
  switch ((int)t->dtype) {
  case TN_QINT8: return TN_DATA(int8_t, t)[i];
  case TN_QUINT8: return TN_DATA(uint8_t, t)[i];
  case TN_QINT16: return TN_DATA(int16_t, t)[i];
  case TN_QUINT16: return TN_DATA(uint16_t, t)[i];
  default: return TN_DATA(int32_t, t)[i];
  }
}

void tn_quantized_put(tn_tensor *t, int64_t i, int64_t value) {
  switch ((int)t->dtype) {
  case TN_QINT8: TN_DATA(int8_t, t)[i] = (int8_t)value; break;
  case TN_QUINT8: TN_DATA(uint8_t, t)[i] = (uint8_t)value; break;
  case TN_QINT16: TN_DATA(int16_t, t)[i] = (int16_t)value; break;
  case TN_QUINT16: TN_DATA(uint16_t, t)[i] = (uint16_t)value; break;
  default: TN_DATA(int32_t, t)[i] = (int32_t)value; break;
  }
}

/* A double as an integer, kept within what one can hold. */
static int64_t whole(double x) {
  return !(x > -0x1p62) ? -(INT64_C(1) << 62) : x > 0x1p62 ? INT64_C(1) << 62 : (int64_t)x;
}

/* The distance of HIGH from LOW, a little larger so that the last level is HIGH. */
static double width(const tn_levels *l, float low, float high) {
  return (double)(high - low) * (l->steps / (l->steps - 1));
}

int64_t tn_quantize_offset(const tn_levels *l, float x, float low, float high) {
  if (low == high) return l->lowest;
  const double scale = l->steps / width(l, low, high);
  return whole(round((double)x * scale) - round((double)low * scale)) + l->lowest;
}

int64_t tn_quantize_one(const tn_levels *l, float x, float low, float high) {
  const int64_t q = tn_quantize_offset(l, x, low, high);
  return q < l->lowest ? l->lowest : q > l->highest ? l->highest : q;
}

float tn_dequantize_one(const tn_levels *l, int64_t q, float low, float high) {
  if (low == high) return low;
  const double scale = width(l, low, high) / l->steps;
  const float rounded = (float)scale;
  const double least = (double)(roundf(low / rounded) * rounded);
  return (float)(least + (double)(q - l->lowest) * scale);
}

void tn_quantized_product_range(tn_dtype dtypes[3], const float a[2], const float b[2], float out[2]) {
  float level[2];
  const float *const ranges[] = {a, b};
  for (int i = 0; i < 2; i++) {
    const tn_levels l = tn_levels_of(dtypes[i]);
    level[i] = (ranges[i][1] - ranges[i][0]) / (float)(l.highest - l.lowest);
  }
  const tn_levels l = tn_levels_of(dtypes[2]);
  out[0] = level[0] * level[1] * (float)l.lowest;
  out[1] = level[0] * level[1] * (float)l.highest;
}

tn_to_float tn_to_float_of(const tn_levels *l, float low, float high) {
  const float scale = (float)((double)(high - low) / (l->steps - 1));
  const float least = low == high ? low : roundf(low / scale) * scale;
  return (tn_to_float){least - (float)l->lowest * scale, scale};
}

tn_from_float tn_from_float_of(const tn_levels *l, float low, float high) {
  const float scale = low == high ? 0 : (float)((l->steps - 1) / (double)(high - low));
  /* The largest float that a 32-bit integer can hold. */
  const float most = 0x1.fffffep30f, highest = (float)l->highest;
  return (tn_from_float){scale, roundf(low * scale) - (float)l->lowest, (float)l->lowest,
                         highest < most ? highest : most};
}

int64_t tn_from_float_at(tn_from_float f, float x) {
  return tn_level(roundf(x * f.scale) - f.shift, f.lowest, f.highest);
}

tn_error *tn_quantized_scalars(const tn_prepare *p, int first, int last) {
  for (int i = first; i < last; i++)
    if (tn_elements(&p->inputs[i]) != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d, a bound, must be a scalar, but has shape %s", i,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  return NULL;
}

tn_error *tn_quantized_ranges(tn_prepare *p, int first) {
  const tn_shape scalar = tn_shape_scalar();
  for (int i = first; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &scalar));
  return NULL;
}

tn_error *tn_quantized_ranges_shape(tn_shape_ctx *c, int first, int last) {
  tn_shape scalar;
  for (int i = first; i < last; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  for (int i = 1; i < c->n_outputs; i++) c->out[i] = tn_shape_scalar();
  return NULL;
}
