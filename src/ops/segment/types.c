/* Joining rows: one set of loops per dtype. */
#include <math.h>

#include "ops/segment/segment.h"

#define FILL(NAME, TYPE, VALUE)                                                                                        \
  static void NAME(void *row, int64_t n) {                                                                             \
    for (int64_t i = 0; i < n; i++) ((TYPE *)row)[i] = (VALUE);                                                        \
  }
#define STEP(NAME, TYPE, LOAD, SAVE, EXPRESSION)                                                                       \
  static void NAME(void *row, const void *in, int64_t n) {                                                             \
    TYPE *y = row;                                                                                                     \
    const TYPE *x = in;                                                                                                \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      __typeof__(LOAD(y[i])) a = LOAD(y[i]), b = LOAD(x[i]);                                                           \
      y[i] = (TYPE)SAVE(EXPRESSION);                                                                                   \
    }                                                                                                                  \
  }
#define SCALE(NAME, TYPE, LOAD, SAVE, DIVISOR)                                                                         \
  static void NAME(void *row, int64_t n, double divisor) {                                                             \
    TYPE *y = row;                                                                                                     \
    for (int64_t i = 0; i < n; i++) y[i] = (TYPE)SAVE(LOAD(y[i]) / (DIVISOR)divisor);                                  \
  }
#define PLAIN(v) (v)

#define ORDERED(NAME, TYPE, LOAD, SAVE, LOW, HIGH)                                                                     \
  FILL(low_##NAME, TYPE, LOW)                                                                                          \
  FILL(high_##NAME, TYPE, HIGH)                                                                                        \
  STEP(max_##NAME, TYPE, LOAD, SAVE, (a > b || a != a ? a : b))                                                        \
  STEP(min_##NAME, TYPE, LOAD, SAVE, (a < b || a != a ? a : b))
#define ARITHMETIC(NAME, TYPE, LOAD, SAVE, ONE, DIVISOR)                                                               \
  FILL(zero_##NAME, TYPE, 0)                                                                                           \
  FILL(one_##NAME, TYPE, ONE)                                                                                          \
  STEP(sum_##NAME, TYPE, LOAD, SAVE, (a + b))                                                                          \
  STEP(prod_##NAME, TYPE, LOAD, SAVE, (a * b))                                                                         \
  SCALE(scale_##NAME, TYPE, LOAD, SAVE, DIVISOR)
#define REAL(NAME, TYPE, LOAD, SAVE, ONE, LOW, HIGH, DIVISOR)                                                          \
  ARITHMETIC(NAME, TYPE, LOAD, SAVE, ONE, DIVISOR)                                                                     \
  ORDERED(NAME, TYPE, LOAD, SAVE, LOW, HIGH)                                                                           \
  static const tn_segment_type type_##NAME = {{zero_##NAME, one_##NAME, low_##NAME, high_##NAME},                      \
                                              {sum_##NAME, prod_##NAME, max_##NAME, min_##NAME},                       \
                                              zero_##NAME,                                                             \
                                              one_##NAME,                                                              \
                                              scale_##NAME};

REAL(float, float, PLAIN, PLAIN, 1, -__FLT_MAX__, __FLT_MAX__, float)
REAL(double, double, PLAIN, PLAIN, 1, -__DBL_MAX__, __DBL_MAX__, double)
REAL(half, uint16_t, tn_half_to_float, tn_float_to_half, 0x3c00, 0xfbff, 0x7bff, float)
REAL(bfloat16, uint16_t, tn_bfloat16_to_float, tn_float_to_bfloat16, 0x3f80, 0xff7f, 0x7f7f, float)
REAL(int8, int8_t, PLAIN, PLAIN, 1, INT8_MIN, INT8_MAX, int8_t)
REAL(uint8, uint8_t, PLAIN, PLAIN, 1, 0, UINT8_MAX, uint8_t)
REAL(int16, int16_t, PLAIN, PLAIN, 1, INT16_MIN, INT16_MAX, int16_t)
REAL(uint16, uint16_t, (unsigned), PLAIN, 1, 0, UINT16_MAX, unsigned)
REAL(int32, int32_t, (int64_t), PLAIN, 1, INT32_MIN, INT32_MAX, int64_t)
REAL(uint32, uint32_t, PLAIN, PLAIN, 1, 0, UINT32_MAX, uint32_t)
REAL(uint64, uint64_t, PLAIN, PLAIN, 1, 0, UINT64_MAX, uint64_t)

/* int64 wraps around in unsigned arithmetic, and compares signed. */
ORDERED(int64, int64_t, PLAIN, PLAIN, INT64_MIN, INT64_MAX)
SCALE(scale_int64, int64_t, PLAIN, PLAIN, int64_t)
static const tn_segment_type type_int64 = {{zero_uint64, one_uint64, low_int64, high_int64},
                                           {sum_uint64, prod_uint64, max_int64, min_int64},
                                           zero_uint64,
                                           one_uint64,
                                           scale_int64};

typedef float _Complex complex64;
typedef double _Complex complex128;
ARITHMETIC(complex64, complex64, PLAIN, PLAIN, 1, float)
ARITHMETIC(complex128, complex128, PLAIN, PLAIN, 1, double)
static const tn_segment_type type_complex64 = {{zero_complex64, one_complex64, NULL, NULL},
                                               {sum_complex64, prod_complex64, NULL, NULL},
                                               zero_complex64,
                                               one_complex64,
                                               scale_complex64};
static const tn_segment_type type_complex128 = {{zero_complex128, one_complex128, NULL, NULL},
                                                {sum_complex128, prod_complex128, NULL, NULL},
                                                zero_complex128,
                                                one_complex128,
                                                scale_complex128};

const tn_segment_type *tn_segment_type_of(tn_dtype dtype) {
  static const tn_segment_type *const types[TN_N_DTYPES] = {
      [TN_FLOAT] = &type_float,         [TN_DOUBLE] = &type_double,
      [TN_HALF] = &type_half,           [TN_BFLOAT16] = &type_bfloat16,
      [TN_INT8] = &type_int8,           [TN_UINT8] = &type_uint8,
      [TN_INT16] = &type_int16,         [TN_UINT16] = &type_uint16,
      [TN_INT32] = &type_int32,         [TN_UINT32] = &type_uint32,
      [TN_INT64] = &type_int64,         [TN_UINT64] = &type_uint64,
      [TN_COMPLEX64] = &type_complex64, [TN_COMPLEX128] = &type_complex128};
  return types[dtype];
}
