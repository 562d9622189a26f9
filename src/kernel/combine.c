/* Element updates by kind and dtype, from one macro. Integers wrap. */
#include "kernel/combine.h"

#include <string.h>

#define LOOP(NAME, TYPE, EXPRESSION)                                                                                   \
  static void NAME(void *target, const void *source, int64_t n) {                                                      \
    TYPE *a = target;                                                                                                  \
    const TYPE *b = source;                                                                                            \
    for (int64_t i = 0; i < n; i++) a[i] = (TYPE)(EXPRESSION);                                                         \
  }

/* Sums in UNSIGNED, so that integers wrap; the order in TYPE. */
#define NUMBER(NAME, TYPE, UNSIGNED)                                                                                   \
  LOOP(add_##NAME, UNSIGNED, a[i] + b[i])                                                                              \
  LOOP(sub_##NAME, UNSIGNED, a[i] - b[i])                                                                              \
  LOOP(min_##NAME, TYPE, b[i] < a[i] ? b[i] : a[i])                                                                    \
  LOOP(max_##NAME, TYPE, a[i] < b[i] ? b[i] : a[i])                                                                    \
  static const tn_combine_fn NAME##_fns[TN_COMBINE_KINDS] = {NULL, add_##NAME, sub_##NAME, min_##NAME, max_##NAME};

NUMBER(float, float, float)
NUMBER(double, double, double)
NUMBER(int8, int8_t, uint8_t)
NUMBER(int16, int16_t, uint16_t)
NUMBER(int32, int32_t, uint32_t)
NUMBER(int64, int64_t, uint64_t)
NUMBER(uint8, uint8_t, uint8_t)
NUMBER(uint16, uint16_t, uint16_t)
NUMBER(uint32, uint32_t, uint32_t)
NUMBER(uint64, uint64_t, uint64_t)

#define NUMBER16(NAME, TO_FLOAT, FROM_FLOAT)                                                                           \
  LOOP(add_##NAME, uint16_t, FROM_FLOAT(TO_FLOAT(a[i]) + TO_FLOAT(b[i])))                                              \
  LOOP(sub_##NAME, uint16_t, FROM_FLOAT(TO_FLOAT(a[i]) - TO_FLOAT(b[i])))                                              \
  LOOP(min_##NAME, uint16_t, TO_FLOAT(b[i]) < TO_FLOAT(a[i]) ? b[i] : a[i])                                            \
  LOOP(max_##NAME, uint16_t, TO_FLOAT(a[i]) < TO_FLOAT(b[i]) ? b[i] : a[i])                                            \
  static const tn_combine_fn NAME##_fns[TN_COMBINE_KINDS] = {NULL, add_##NAME, sub_##NAME, min_##NAME, max_##NAME};

NUMBER16(half, tn_half_to_float, tn_float_to_half)
NUMBER16(bfloat16, tn_bfloat16_to_float, tn_float_to_bfloat16)

LOOP(or_bool, bool, a[i] || b[i])

/* Complex numbers are pairs: adding them is adding twice as many numbers. */
#define COMPLEX(NAME, PART)                                                                                            \
  static void add_##NAME(void *target, const void *source, int64_t n) { add_##PART(target, source, 2 * n); }           \
  static void sub_##NAME(void *target, const void *source, int64_t n) { sub_##PART(target, source, 2 * n); }           \
  static const tn_combine_fn NAME##_fns[TN_COMBINE_KINDS] = {NULL, add_##NAME, sub_##NAME, NULL, NULL};

COMPLEX(complex64, float)
COMPLEX(complex128, double)

#define SET(SIZE)                                                                                                      \
  static void set_##SIZE(void *target, const void *source, int64_t n) { memcpy(target, source, SIZE *(size_t)n); }
SET(1)
SET(2)
SET(4)
SET(8)
SET(16)

static tn_combine_fn set_of(size_t size) {
  switch (size) {
  case 1: return set_1;
  case 2: return set_2;
  case 4: return set_4;
  case 8: return set_8;
  case 16: return set_16;
  default: return NULL;
  }
}

tn_combine_fn tn_combine_of(tn_combine kind, tn_dtype dtype) {
  static const tn_combine_fn bool_fns[TN_COMBINE_KINDS] = {NULL, or_bool, NULL, NULL, NULL};
  if (kind == TN_COMBINE_SET) return tn_dtype_is_plain(dtype) ? set_of(tn_dtype_size(dtype)) : NULL;
  switch (dtype) {
  case TN_FLOAT: return float_fns[kind];
  case TN_DOUBLE: return double_fns[kind];
  case TN_HALF: return half_fns[kind];
  case TN_BFLOAT16: return bfloat16_fns[kind];
  case TN_INT8: return int8_fns[kind];
  case TN_INT16: return int16_fns[kind];
  case TN_INT32: return int32_fns[kind];
  case TN_INT64: return int64_fns[kind];
  case TN_UINT8: return uint8_fns[kind];
  case TN_UINT16: return uint16_fns[kind];
  case TN_UINT32: return uint32_fns[kind];
  case TN_UINT64: return uint64_fns[kind];
  case TN_COMPLEX64: return complex64_fns[kind];
  case TN_COMPLEX128: return complex128_fns[kind];
  case TN_BOOL: return bool_fns[kind];
  default: return NULL;
  }
}
