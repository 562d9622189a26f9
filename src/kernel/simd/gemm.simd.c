/* The inner parts of the matrix product, compiled once per instruction set: tiles of C in registers, and transposes. */
#include "kernel/gemm.h"
#include "kernel/simd/vec.h"

#define INLINE static inline __attribute__((always_inline))
/* Unrolls the loop that follows, whose bounds are constants after inlining. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Rows of a tile: with two vectors of C each, one row of B and one element of A they fill the registers. */
#if VEC_BYTES == 64
#define ROWS 14
#elif VEC_BYTES == 32
#define ROWS 6
#elif defined(__ARM_NEON)
#define ROWS 12
#else
#define ROWS 4
#endif
#define AHEAD 12 /* rows of B that are asked for early */

/* One vector of C, N of its columns: SUM is what the loop over k found. */
INLINE void finish(const tn_gemm_tile *t, vf sum, float *c, int64_t column, int64_t n) {
  const tn_gemm_end *end = t->end;
  const bool whole = n >= LANES, rates = end && end->rate;
  if (t->add || rates) {
    const vf old = whole ? v_load(c) : v_load_part(c, n);
    sum = rates ? old - sum * v_set(*end->rate) : old + sum;
  }
  if (end && end->bias) sum += whole ? v_load(end->bias + column) : v_load_part(end->bias + column, n);
  if (end && end->relu) sum = v_blend(sum <= 0, v_set(0), sum);
  if (end && end->gate) {
    const float *gate = t->gate + (c - t->c);
    sum *= v_truth((whole ? v_load(gate) : v_load_part(gate, n)) > 0);
  }
  if (whole)
    v_store(c, sum);
  else
    v_store_part(c, sum, n);
}

/* What is not a plain store of whole vectors, nor an update of such. */
static __attribute__((noinline)) void finish_all(const tn_gemm_tile *t, const float sums[][2 * LANES]) {
  for (int64_t i = 0; i < t->rows; i++)
    for (int64_t j = 0; j < t->columns; j += LANES)
      finish(t, v_load(sums[i] + j), t->c + i * t->c_step + j, t->column + j, t->columns - j);
}

/* Hands over the sums of such a tile. */
INLINE void store_of(int rows, int vectors, const tn_gemm_tile *t, vf c[ROWS][2]) {
  float *out = t->c;
  const bool whole = t->columns == vectors * LANES && !t->add;
  if (whole && !t->end) {
    UNROLL
    for (int i = 0; i < rows; i++, out += t->c_step) {
      v_store(out, c[i][0]);
      if (vectors > 1) v_store(out + LANES, c[i][1]);
    }
  } else if (vectors > 1 && whole && t->end->rate) {
    const vf rate = v_set(*t->end->rate);
    UNROLL
    for (int i = 0; i < rows; i++, out += t->c_step) {
      v_store(out, v_load(out) - c[i][0] * rate);
      v_store(out + LANES, v_load(out + LANES) - c[i][1] * rate);
    }
  } else if (vectors > 1 && whole && t->end->bias) {
    const vf b0 = v_load(t->end->bias + t->column), b1 = v_load(t->end->bias + t->column + LANES);
    const vi keeps = v_seti(t->end->relu ? 0 : -1);
    UNROLL
    for (int i = 0; i < rows; i++, out += t->c_step) {
      const vf x = c[i][0] + b0, y = c[i][1] + b1;
      v_store(out, v_blend(~keeps & (x <= 0), v_set(0), x));
      v_store(out + LANES, v_blend(~keeps & (y <= 0), v_set(0), y));
    }
  } else if (vectors > 1 && whole && t->end->gate) {
    const float *gate = t->gate;
    UNROLL
    for (int i = 0; i < rows; i++, out += t->c_step, gate += t->c_step) {
      v_store(out, c[i][0] * v_truth(v_load(gate) > 0));
      v_store(out + LANES, c[i][1] * v_truth(v_load(gate + LANES) > 0));
    }
  } else {
    float sums[ROWS][2 * LANES] __attribute__((aligned(VEC_BYTES)));
    UNROLL
    for (int i = 0; i < rows; i++) {
      v_store(sums[i], c[i][0]);
      if (vectors > 1) v_store(sums[i] + LANES, c[i][1]);
    }
    finish_all(t, (const float(*)[2 * LANES]) sums);
  }
}

/* A tile of ROWS_ x VECTORS_ vectors, both constants. */
INLINE void tile_of(int rows, int vectors, const tn_gemm_tile *t) {
  vf c[ROWS][2];
  const int64_t a_row = t->a_row, a_col = t->a_col;
  int64_t b_step = t->b_step, tail = t->tail;
  const float *a[(ROWS + 2) / 3], *b = t->b;
  float *keep = t->keep;
  UNROLL
  for (int i = 0; i < rows; i += 3) a[i / 3] = t->a + i * a_row;
  UNROLL
  for (int i = 0; i < rows; i++) {
    c[i][0] = (vf){0};
    c[i][1] = (vf){0};
  }
  /* C comes from far: ask for it while the sums are made. */
  const float *far = t->c;
  UNROLL
  for (int i = 0; i < rows; i++, far += t->c_step) {
    __builtin_prefetch(far, 1);
    if (vectors > 1) __builtin_prefetch(far + LANES, 1);
    __builtin_prefetch(far + t->columns - 1, 1);
  }
  for (int64_t left = t->k;; left = tail, tail = 0, b = t->tail_b, b_step = 2 * LANES) {
    for (int64_t k = left; k > 0; k--, b += b_step) {
      const vf b0 = v_load(b), b1 = vectors > 1 ? v_load(b + LANES) : (vf){0};
      __builtin_prefetch(b + AHEAD * b_step);
      if (vectors > 1) __builtin_prefetch(b + AHEAD * b_step + LANES);
      if (vectors > 1 && keep) {
        v_store(keep, b0);
        v_store(keep + LANES, b1);
        keep += 2 * LANES;
      }
      UNROLL
      for (int i = 0; i < rows; i++) {
        const vf x = v_set(a[i / 3][i % 3 * a_row]);
        c[i][0] = v_fma(x, b0, c[i][0]);
        if (vectors > 1) c[i][1] = v_fma(x, b1, c[i][1]);
      }
      UNROLL
      for (int i = 0; i < rows; i += 3) a[i / 3] += a_col;
    }
    if (!tail) break;
  }
  store_of(rows, vectors, t, c);
}

#define CASE(r)                                                                                                        \
  case r:                                                                                                              \
    if (t->columns > LANES)                                                                                            \
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

#if VEC_BYTES == 64
#define LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VEC_BYTES == 32
#define LOW  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW  0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/* Transposes a square of LANES vectors: log2(LANES) rounds of interleaving row i with row i + LANES / 2. */
INLINE void transpose_square(vf v[LANES]) {
  UNROLL
  for (int round = 1; round < LANES; round *= 2) {
    vf next[LANES];
    UNROLL
    for (int i = 0; i < LANES / 2; i++) {
      next[2 * i] = __builtin_shufflevector(v[i], v[i + LANES / 2], LOW);
      next[2 * i + 1] = __builtin_shufflevector(v[i], v[i + LANES / 2], HIGH);
    }
    UNROLL
    for (int i = 0; i < LANES; i++) v[i] = next[i];
  }
}

static void transpose(int64_t n, int64_t steps, const float *in, int64_t in_step, float *out, int64_t out_step) {
  for (int64_t i = 0; i < n; i += LANES) {
    const int64_t rows = n - i < LANES ? n - i : LANES;
    int64_t k = 0;
    for (; k + LANES <= steps; k += LANES) {
      vf v[LANES];
      for (int r = 0; r < LANES; r++) v[r] = r < rows ? v_load(in + (i + r) * in_step + k) : (vf){0};
      transpose_square(v);
      for (int r = 0; r < LANES; r++) v_store(out + (k + r) * out_step + i, v[r]);
    }
    for (; k < steps; k++)
      for (int r = 0; r < LANES; r++) out[k * out_step + i + r] = r < rows ? in[(i + r) * in_step + k] : 0;
  }
}

/* Rows whose vectors reach past their end may read what follows, but for those at the end of the matrix. */
static void copy(int64_t n, int64_t steps, const float *in, int64_t in_step, float *out, int64_t out_step) {
  const int64_t vectors = (n + LANES - 1) / LANES, over = vectors * LANES - n;
  int64_t safe = over == 0 ? steps : in_step > 0 ? steps - (over + in_step - 1) / in_step : 0;
  if (safe < 0) safe = 0;
  for (int64_t k = 0; k < safe; k++) {
    __builtin_prefetch(in + (k + AHEAD) * in_step);
    __builtin_prefetch(in + (k + AHEAD) * in_step + n - 1);
    for (int64_t v = 0; v < vectors; v++) v_store(out + k * out_step + v * LANES, v_load(in + k * in_step + v * LANES));
  }
  for (int64_t k = safe; k < steps; k++) {
    for (int64_t i = 0; i < n; i++) out[k * out_step + i] = in[k * in_step + i];
    for (int64_t i = n; i < vectors * LANES; i++) out[k * out_step + i] = 0;
  }
}

const tn_gemm_table SIMD_NAME(tn_gemm) = {LANES, ROWS, tile, transpose, copy};
