/* Other dtypes in and out of tapes, and reductions of blocks. */
#include "kernel/simd/micro.h"

static void load_float(float *z, const void *x, int64_t n) {
  if (n > 0) memcpy(z, x, (size_t)n * sizeof(float));
}
static void store_float(void *z, const float *x, int64_t n) {
  if (n > 0) memmove(z, x, (size_t)n * sizeof(float));
}
static void load_bool(float *z, const void *x, int64_t n) {
  const uint8_t *from = x;
  for (int64_t i = 0; i < n; i++) z[i] = (float)from[i];
}
static void store_bool(void *z, const float *x, int64_t n) {
  uint8_t *to = z;
  for (int64_t i = 0; i < n; i++) to[i] = x[i] != 0;
}
static void load_int32(float *z, const void *x, int64_t n) {
  const int32_t *from = x;
  for (int64_t i = 0; i < n; i++) z[i] = (float)from[i];
}
/* Out of range, and NaN: the smallest integer, as Cast has it. */
static void store_int32(void *z, const float *x, int64_t n) {
  int32_t *to = z;
  for (int64_t i = 0; i < n; i++) to[i] = x[i] >= -0x1p31f && x[i] < 0x1p31f ? (int32_t)x[i] : INT32_MIN;
}
static void load_bfloat16(float *z, const void *x, int64_t n) {
  const uint16_t *from = x;
  for (int64_t i = 0; i < n; i++) z[i] = tn_bfloat16_to_float(from[i]);
}
static void store_bfloat16(void *z, const float *x, int64_t n) {
  uint16_t *to = z;
  for (int64_t i = 0; i < n; i++) to[i] = tn_float_to_bfloat16(x[i]);
}
static void load_half(float *z, const void *x, int64_t n) {
  const uint16_t *from = x;
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(z + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
#endif
  for (; i < n; i++) z[i] = tn_half_to_float(from[i]);
}
static void store_half(void *z, const float *x, int64_t n) {
  uint16_t *to = z;
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; i++) to[i] = tn_float_to_half(x[i]);
}

#define REDUCE(NAME, ...)                                                                                              \
  static void NAME(float *lanes, const float *from, int64_t n) {                                                       \
    enum { VECTORS = TN_SIMD_LANES / LANES };                                                                          \
    vf total[VECTORS];                                                                                                 \
    for (int k = 0; k < VECTORS; k++) total[k] = v_load(lanes + k * LANES);                                            \
    for (int64_t i = 0; i < n; i += TN_SIMD_LANES)                                                                     \
      for (int k = 0; k < VECTORS; k++) {                                                                              \
        vf x = total[k], y = v_load(from + i + k * LANES);                                                             \
        total[k] = __VA_ARGS__;                                                                                        \
      }                                                                                                                \
    for (int k = 0; k < VECTORS; k++) v_store(lanes + k * LANES, total[k]);                                            \
  }
REDUCE(sum, x + y)
REDUCE(largest, v_max(x, y))
REDUCE(smallest, v_min(x, y))

void SIMD_NAME(tn_simd_fill_convert)(tn_simd *table) {
  table->load[TN_FLOAT] = load_float;
  table->load[TN_BOOL] = load_bool;
  table->load[TN_INT32] = load_int32;
  table->load[TN_HALF] = load_half;
  table->load[TN_BFLOAT16] = load_bfloat16;
  table->store[TN_FLOAT] = store_float;
  table->store[TN_BOOL] = store_bool;
  table->store[TN_INT32] = store_int32;
  table->store[TN_HALF] = store_half;
  table->store[TN_BFLOAT16] = store_bfloat16;
  table->reduce[0] = sum;
  table->reduce[1] = largest;
  table->reduce[2] = smallest;
}
