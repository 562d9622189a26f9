/* Rows of images: between two pixels, and between two rows. */
#include "kernel/simd/simd.h"
#include "kernel/simd/vec.h"

typedef float four __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(4)));

/* Pixels of three channels are read and written as if they had four. */
static inline four floats_at(const float *p) {
  four v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline four bytes_at(const uint8_t *p) {
  bytes v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, four);
}

#define BETWEEN(NAME, TYPE, LOAD)                                                                                      \
  static void NAME(float *z, const void *row, const int32_t *index, const float *weight, int64_t n) {                  \
    const TYPE *from = row;                                                                                            \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      const four left = LOAD(from + index[2 * i]), right = LOAD(from + index[2 * i + 1]);                              \
      const four between = left + (right - left) * weight[i];                                                          \
      memcpy(z + 3 * i, &between, sizeof between);                                                                     \
    }                                                                                                                  \
  }
BETWEEN(between_floats, float, floats_at)
BETWEEN(between_bytes, uint8_t, bytes_at)

static void between_rows(float *z, const float *a, const float *b, float weight, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    const vf x = v_load(a + i);
    v_store(z + i, x + (v_load(b + i) - x) * weight);
  }
  for (; i < n; i++) z[i] = a[i] + (b[i] - a[i]) * weight;
}

void SIMD_NAME(tn_simd_fill_image)(tn_simd *table) {
  table->between_floats = between_floats;
  table->between_bytes = between_bytes;
  table->between_rows = between_rows;
}
