/* Macros that turn an expression over vectors into a micro-operation. */
#ifndef TN_KERNEL_SIMD_MICRO_H
#define TN_KERNEL_SIMD_MICRO_H

#include "kernel/simd/simd.h"
#include "kernel/simd/vmath.h"

#define MICRO_ARGS   float *z, const float *a, const float *b, const float *c, int64_t n, float imm
#define MICRO_UNUSED (void)a, (void)b, (void)c, (void)imm

/* The expression uses x, y, w (the operands) and imm. The tail goes through the same instructions. */
#define MICRO1(NAME, ...)                                                                                              \
  static void NAME(MICRO_ARGS) {                                                                                       \
    MICRO_UNUSED;                                                                                                      \
    int64_t i = 0;                                                                                                     \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      vf x = v_load(a + i);                                                                                            \
      v_store(z + i, __VA_ARGS__);                                                                                     \
    }                                                                                                                  \
    if (i < n) {                                                                                                       \
      vf x = v_load_part(a + i, n - i);                                                                                \
      v_store_part(z + i, __VA_ARGS__, n - i);                                                                         \
    }                                                                                                                  \
  }
#define MICRO2(NAME, ...)                                                                                              \
  static void NAME(MICRO_ARGS) {                                                                                       \
    MICRO_UNUSED;                                                                                                      \
    int64_t i = 0;                                                                                                     \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      vf x = v_load(a + i), y = v_load(b + i);                                                                         \
      v_store(z + i, __VA_ARGS__);                                                                                     \
    }                                                                                                                  \
    if (i < n) {                                                                                                       \
      vf x = v_load_part(a + i, n - i), y = v_load_part(b + i, n - i);                                                 \
      v_store_part(z + i, __VA_ARGS__, n - i);                                                                         \
    }                                                                                                                  \
  }
#define MICRO3(NAME, ...)                                                                                              \
  static void NAME(MICRO_ARGS) {                                                                                       \
    MICRO_UNUSED;                                                                                                      \
    int64_t i = 0;                                                                                                     \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      vf x = v_load(a + i), y = v_load(b + i), w = v_load(c + i);                                                      \
      v_store(z + i, __VA_ARGS__);                                                                                     \
    }                                                                                                                  \
    if (i < n) {                                                                                                       \
      vf x = v_load_part(a + i, n - i), y = v_load_part(b + i, n - i), w = v_load_part(c + i, n - i);                  \
      v_store_part(z + i, __VA_ARGS__, n - i);                                                                         \
    }                                                                                                                  \
  }
/* One element after the other, with libm; the expression uses floats. */
#define MICRO_SCALAR1(NAME, ...)                                                                                       \
  static void NAME(MICRO_ARGS) {                                                                                       \
    MICRO_UNUSED;                                                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = a[i];                                                                                                  \
      z[i] = __VA_ARGS__;                                                                                              \
    }                                                                                                                  \
  }
#define MICRO_SCALAR2(NAME, ...)                                                                                       \
  static void NAME(MICRO_ARGS) {                                                                                       \
    MICRO_UNUSED;                                                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = a[i], y = b[i];                                                                                        \
      z[i] = __VA_ARGS__;                                                                                              \
    }                                                                                                                  \
  }

#endif
