/* Conversion between the elements of tensors and the wide ones that reference kernels compute in. */
#include "kernel/wide.h"

tn_wide tn_wide_of(tn_dtype dtype) {
  if (tn_dtype_is_complex(dtype)) return TN_WIDE_COMPLEX;
  return tn_dtype_is_floating(dtype) ? TN_WIDE_REAL : TN_WIDE_INT;
}

size_t tn_wide_size(tn_wide wide) { return wide == TN_WIDE_COMPLEX ? 2 * sizeof(double) : sizeof(double); }

static bool is_wide(tn_dtype dtype) {
  return dtype == TN_DOUBLE || dtype == TN_COMPLEX128 || dtype == TN_INT64 || dtype == TN_UINT64;
}

size_t tn_wide_scratch(tn_dtype dtype, int64_t n) {
  return is_wide(dtype) ? 0 : ((size_t)n * tn_wide_size(tn_wide_of(dtype)) + 63) / 64 * 64;
}

/* The loops over one element type each; CONVERT is an expression of x. */
#define WIDEN(SOURCE, TARGET, CONVERT)                                                                                 \
  do {                                                                                                                 \
    const SOURCE *from = source;                                                                                       \
    TARGET *to = target;                                                                                               \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      const SOURCE x = from[i];                                                                                        \
      to[i] = (CONVERT);                                                                                               \
    }                                                                                                                  \
    return;                                                                                                            \
  } while (0)

void tn_widen(tn_dtype dtype, const void *source, int64_t n, void *target) {
  switch ((int)dtype) {
  case TN_HALF: WIDEN(uint16_t, double, (double)tn_half_to_float(x));
  case TN_BFLOAT16: WIDEN(uint16_t, double, (double)tn_bfloat16_to_float(x));
  case TN_FLOAT: WIDEN(float, double, (double)x);
  case TN_DOUBLE: WIDEN(double, double, x);
  case TN_INT8:
  case TN_QINT8: WIDEN(int8_t, int64_t, x);
  case TN_INT16:
  case TN_QINT16: WIDEN(int16_t, int64_t, x);
  case TN_INT32:
  case TN_QINT32: WIDEN(int32_t, int64_t, x);
  case TN_INT64: WIDEN(int64_t, int64_t, x);
  case TN_BOOL:
  case TN_UINT8:
  case TN_QUINT8: WIDEN(uint8_t, int64_t, x);
  case TN_UINT16:
  case TN_QUINT16: WIDEN(uint16_t, int64_t, x);
  case TN_UINT32: WIDEN(uint32_t, int64_t, x);
  case TN_UINT64: WIDEN(uint64_t, int64_t, (int64_t)x);
  case TN_COMPLEX64: WIDEN(float complex, double complex, (double complex)x);
  case TN_COMPLEX128: WIDEN(double complex, double complex, x);
  default: return;
  }
}

void tn_narrow(tn_dtype dtype, const void *source, int64_t n, void *target) {
  switch ((int)dtype) {
  case TN_HALF: WIDEN(double, uint16_t, tn_float_to_half((float)x));
  case TN_BFLOAT16: WIDEN(double, uint16_t, tn_float_to_bfloat16((float)x));
  case TN_FLOAT: WIDEN(double, float, (float)x);
  case TN_DOUBLE: WIDEN(double, double, x);
  case TN_INT8:
  case TN_QINT8: WIDEN(int64_t, int8_t, (int8_t)x);
  case TN_INT16:
  case TN_QINT16: WIDEN(int64_t, int16_t, (int16_t)x);
  case TN_INT32:
  case TN_QINT32: WIDEN(int64_t, int32_t, (int32_t)x);
  case TN_INT64: WIDEN(int64_t, int64_t, x);
  case TN_BOOL:
  case TN_UINT8:
  case TN_QUINT8: WIDEN(int64_t, uint8_t, (uint8_t)x);
  case TN_UINT16:
  case TN_QUINT16: WIDEN(int64_t, uint16_t, (uint16_t)x);
  case TN_UINT32: WIDEN(int64_t, uint32_t, (uint32_t)x);
  case TN_UINT64: WIDEN(int64_t, uint64_t, (uint64_t)x);
  case TN_COMPLEX64: WIDEN(double complex, float complex, (float complex)x);
  case TN_COMPLEX128: WIDEN(double complex, double complex, x);
  default: return;
  }
}

const void *tn_wide_in(const tn_tensor *t, char **scratch) {
  if (is_wide(t->dtype)) return t->data;
  const int64_t n = tn_shape_elements(&t->shape);
  void *wide = *scratch;
  *scratch += tn_wide_scratch(t->dtype, n);
  tn_widen(t->dtype, t->data, n, wide);
  return wide;
}

void *tn_wide_out(const tn_tensor *t, char **scratch) {
  if (is_wide(t->dtype)) return t->data;
  void *wide = *scratch;
  *scratch += tn_wide_scratch(t->dtype, tn_shape_elements(&t->shape));
  return wide;
}

void tn_wide_finish(tn_tensor *t, const void *wide) {
  if (!is_wide(t->dtype)) tn_narrow(t->dtype, wide, tn_shape_elements(&t->shape), t->data);
}

size_t tn_float_scratch(const tn_tensor *t) {
  return t->dtype == TN_FLOAT ? 0 : ((size_t)tn_shape_elements(&t->shape) * sizeof(float) + 63) / 64 * 64;
}

float *tn_float_out(const tn_tensor *t, char **scratch) {
  if (t->dtype == TN_FLOAT) return t->data;
  float *out = (float *)*scratch;
  *scratch += tn_float_scratch(t);
  return out;
}

float *tn_float_in(const tn_tensor *t, char **scratch) {
  float *out = tn_float_out(t, scratch);
  const uint16_t *bits = t->data;
  const int64_t n = t->dtype == TN_FLOAT ? 0 : tn_shape_elements(&t->shape);
  if (t->dtype == TN_HALF)
    for (int64_t i = 0; i < n; i++) out[i] = tn_half_to_float(bits[i]);
  else
    for (int64_t i = 0; i < n; i++) out[i] = tn_bfloat16_to_float(bits[i]);
  return out;
}

void tn_float_finish(tn_tensor *t, const float *values) {
  uint16_t *bits = t->data;
  const int64_t n = t->dtype == TN_FLOAT ? 0 : tn_shape_elements(&t->shape);
  if (t->dtype == TN_HALF)
    for (int64_t i = 0; i < n; i++) bits[i] = tn_float_to_half(values[i]);
  else
    for (int64_t i = 0; i < n; i++) bits[i] = tn_float_to_bfloat16(values[i]);
}
