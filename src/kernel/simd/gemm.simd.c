/* The inner parts of the matrix product, compiled once per instruction set: tiles of C in registers, and transposes. */
#include "kernel/gemm.h"
#include "kernel/simd/vector.h"

/* Rows of a tile: with two vectors of C each, one row of B and one element of A they fill the registers. */
#if TN_LANES == 16
#define ROWS 14
#elif TN_LANES == 8
#define ROWS 6
#elif defined(__ARM_NEON)
#define ROWS 12
#else
#define ROWS 4
#endif
#define AHEAD 12 /* rows of B that are asked for early */

/* A tile of ROWS_ x VECTORS_ vectors, both constants. */
TN_INLINE void tile_of(int rows, int vectors, const tn_gemm_tile *t) {
  tn_vec c[ROWS][2];
  const float *a = t->a, *b = t->b;
  float *keep = t->keep;
  TN_UNROLL
  for (int i = 0; i < rows; i++) {
    c[i][0] = (tn_vec){0};
    c[i][1] = (tn_vec){0};
  }
  /* C comes from far: ask for it while the sums are made. */
  for (int i = 0; i < rows; i++) {
    __builtin_prefetch(t->c + i * t->c_step, 1);
    __builtin_prefetch(t->c + i * t->c_step + t->columns / 2, 1);
    __builtin_prefetch(t->c + i * t->c_step + t->columns - 1, 1);
  }
  for (int64_t k = 0; k < t->k; k++, a += t->a_step, b += t->b_step) {
    const tn_vec b0 = tn_vec_load(b), b1 = vectors > 1 ? tn_vec_load(b + TN_LANES) : (tn_vec){0};
    __builtin_prefetch(b + AHEAD * t->b_step);
    if (vectors > 1) __builtin_prefetch(b + AHEAD * t->b_step + TN_LANES);
    if (keep) {
      tn_vec_store(keep, b0);
      if (vectors > 1) tn_vec_store(keep + TN_LANES, b1);
      keep += 2 * TN_LANES;
    }
    TN_UNROLL
    for (int i = 0; i < rows; i++) {
      const tn_vec x = tn_vec_of(a[i]);
      c[i][0] = tn_vec_fma(x, b0, c[i][0]);
      if (vectors > 1) c[i][1] = tn_vec_fma(x, b1, c[i][1]);
    }
  }
  if (t->columns == vectors * TN_LANES) {
    TN_UNROLL
    for (int i = 0; i < rows; i++) {
      TN_UNROLL
      for (int j = 0; j < vectors; j++) {
        float *p = t->c + i * t->c_step + j * TN_LANES;
        tn_vec_store(p, t->add ? tn_vec_load(p) + c[i][j] : c[i][j]);
      }
    }
    return;
  }
  for (int i = 0; i < rows; i++) { /* part of a vector */
    float row[2 * TN_LANES];
    tn_vec_store(row, c[i][0]);
    tn_vec_store(row + TN_LANES, c[i][1]);
    for (int64_t j = 0; j < t->columns; j++)
      t->c[i * t->c_step + j] = t->add ? t->c[i * t->c_step + j] + row[j] : row[j];
  }
}

#define CASE(r)                                                                                                        \
  case r:                                                                                                              \
    if (t->columns > TN_LANES)                                                                                         \
      tile_of(r, 2, t);                                                                                                \
    else                                                                                                               \
      tile_of(r, 1, t);                                                                                                \
    return;

static void tile(const tn_gemm_tile *t) {
  switch (t->rows) {
    CASE(1)
    CASE(2)
    CASE(3)
    CASE(4)
#if ROWS > 4
    CASE(5)
    CASE(6)
#endif
#if ROWS > 6
    CASE(7)
    CASE(8)
    CASE(9)
    CASE(10)
    CASE(11)
    CASE(12)
#endif
#if ROWS > 12
    CASE(13)
    CASE(14)
#endif
  default: return;
  }
}

#if TN_LANES == 16
#define LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif TN_LANES == 8
#define LOW  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW  0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/* Transposes a square of LANES vectors: log2(LANES) rounds of interleaving row i with row i + LANES / 2. */
TN_INLINE void transpose_square(tn_vec v[TN_LANES]) {
  TN_UNROLL
  for (int round = 1; round < TN_LANES; round *= 2) {
    tn_vec next[TN_LANES];
    TN_UNROLL
    for (int i = 0; i < TN_LANES / 2; i++) {
      next[2 * i] = __builtin_shufflevector(v[i], v[i + TN_LANES / 2], LOW);
      next[2 * i + 1] = __builtin_shufflevector(v[i], v[i + TN_LANES / 2], HIGH);
    }
    TN_UNROLL
    for (int i = 0; i < TN_LANES; i++) v[i] = next[i];
  }
}

static void transpose(int64_t n, int64_t steps, const float *in, int64_t in_step, float *out, int64_t out_step) {
  for (int64_t i = 0; i < n; i += TN_LANES) {
    const int64_t rows = n - i < TN_LANES ? n - i : TN_LANES;
    int64_t k = 0;
    for (; k + TN_LANES <= steps; k += TN_LANES) {
      tn_vec v[TN_LANES];
      for (int r = 0; r < TN_LANES; r++) v[r] = r < rows ? tn_vec_load(in + (i + r) * in_step + k) : (tn_vec){0};
      transpose_square(v);
      for (int r = 0; r < TN_LANES; r++) tn_vec_store(out + (k + r) * out_step + i, v[r]);
    }
    for (; k < steps; k++)
      for (int r = 0; r < TN_LANES; r++) out[k * out_step + i + r] = r < rows ? in[(i + r) * in_step + k] : 0;
  }
}

/* Rows whose vectors reach past their end may read what follows, but for those at the end of the matrix. */
static void copy(int64_t n, int64_t steps, const float *in, int64_t in_step, float *out, int64_t out_step) {
  const int64_t vectors = (n + TN_LANES - 1) / TN_LANES, over = vectors * TN_LANES - n;
  int64_t safe = over == 0 ? steps : in_step > 0 ? steps - (over + in_step - 1) / in_step : 0;
  if (safe < 0) safe = 0;
  for (int64_t k = 0; k < safe; k++) {
    __builtin_prefetch(in + (k + AHEAD) * in_step);
    __builtin_prefetch(in + (k + AHEAD) * in_step + n - 1);
    for (int64_t v = 0; v < vectors; v++)
      tn_vec_store(out + k * out_step + v * TN_LANES, tn_vec_load(in + k * in_step + v * TN_LANES));
  }
  for (int64_t k = safe; k < steps; k++) {
    for (int64_t i = 0; i < n; i++) out[k * out_step + i] = in[k * in_step + i];
    for (int64_t i = n; i < vectors * TN_LANES; i++) out[k * out_step + i] = 0;
  }
}

#define JOIN(a, b) a##b
#define TABLE(isa) JOIN(tn_gemm_, isa)

const tn_gemm_table TABLE(TN_ISA) = {TN_LANES, ROWS, tile, transpose, copy};
