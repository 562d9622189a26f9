/* Quantized numbers: integers that stand for the levels between two floats. TensorFlow's arithmetic, step by step, so
 * that the same integers come out: where it rounds to float, so does this. */
#ifndef TN_OPS_QUANTIZE_QUANTIZED_H
#define TN_OPS_QUANTIZE_QUANTIZED_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

#define TN_QUANTIZED_ATTR "{qint8, quint8, qint32, qint16, quint16}"

/* The integers of a quantized dtype. */
typedef struct tn_levels {
  int64_t lowest, highest;
  double steps; /* how many there are */
} tn_levels;
tn_levels tn_levels_of(tn_dtype dtype);

/* Element I of a quantized tensor; and VALUE, which fits, put there. */
int64_t tn_quantized_get(const tn_tensor *t, int64_t i);
void tn_quantized_put(tn_tensor *t, int64_t i, int64_t value);

/* --- one number at a time, in double --- */
/* The integer for X between LOW and HIGH, unbounded: an offset; and kept to the dtype's integers. */
int64_t tn_quantize_offset(const tn_levels *l, float x, float low, float high);
int64_t tn_quantize_one(const tn_levels *l, float x, float low, float high);
float tn_dequantize_one(const tn_levels *l, int64_t q, float low, float high);
/* The range of the products of numbers of A and B: integers of OUT. */
void tn_quantized_product_range(tn_dtype dtypes[3], const float a[2], const float b[2], float out[2]);

/* --- whole tensors, in float --- */
typedef struct tn_to_float {
  float offset, scale; /* a number is offset + integer * scale */
} tn_to_float;
tn_to_float tn_to_float_of(const tn_levels *l, float low, float high);
typedef struct tn_from_float {
  float scale, shift, lowest, highest; /* an integer is round(number * scale) - shift */
} tn_from_float;
tn_from_float tn_from_float_of(const tn_levels *l, float low, float high);
static inline float tn_to_float_at(tn_to_float f, int64_t q) { return f.offset + (float)q * f.scale; }
/* X cut to [LOWEST, HIGHEST], as an integer; not a number counts as LOWEST. */
static inline int64_t tn_level(float x, float lowest, float highest) {
  return (int64_t)(x > lowest ? x < highest ? x : highest : lowest);
}
int64_t tn_from_float_at(tn_from_float f, float x);

/* --- kernels and shapes --- */
/* INVALID_ARGUMENT unless inputs [FIRST, LAST) hold one element each. */
tn_error *tn_quantized_scalars(const tn_prepare *p, int first, int last) TN_MUST_USE;
/* Outputs [FIRST, n) are scalars. */
tn_error *tn_quantized_ranges(tn_prepare *p, int first) TN_MUST_USE;
static inline float tn_scalar_at(const tn_run *r, int i) { return TN_DATA(float, r->inputs[i])[0]; }
/* The same for a shape function: inputs FIRST to LAST, the outputs but the first. */
tn_error *tn_quantized_ranges_shape(tn_shape_ctx *c, int first, int last) TN_MUST_USE;

#endif
