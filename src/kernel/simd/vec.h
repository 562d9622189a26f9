/* Vectors of floats for the instruction set that the file is compiled for: GCC's vector extensions, and the few
 * instructions that they lack. */
#ifndef TN_KERNEL_SIMD_VEC_H
#define TN_KERNEL_SIMD_VEC_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define VEC_BYTES 64
#elif defined(__AVX2__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16
#endif
enum { LANES = VEC_BYTES / 4 };

typedef float vf __attribute__((vector_size(VEC_BYTES)));
typedef int32_t vi __attribute__((vector_size(VEC_BYTES)));
typedef uint32_t vu __attribute__((vector_size(VEC_BYTES)));

/* The function NAME of this instruction set. */
#define SIMD_JOIN_(NAME, ISA) NAME##_##ISA
#define SIMD_JOIN(NAME, ISA)  SIMD_JOIN_(NAME, ISA)
#define SIMD_NAME(NAME)       SIMD_JOIN(NAME, TN_ISA)

static inline vf v_load(const float *p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void v_store(float *p, vf v) { memcpy(p, &v, sizeof v); }
/* The first N < LANES elements; the rest are 1, which no function minds. */
static inline vf v_load_part(const float *p, int64_t n) {
  vf v = {0};
  v += 1;
#if defined(__AVX512F__)
  return (vf)_mm512_mask_loadu_ps((__m512)v, (__mmask16)((1u << n) - 1), p);
#else
  memcpy(&v, p, (size_t)n * sizeof(float));
  return v;
#endif
}
static inline void v_store_part(float *p, vf v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  memcpy(p, &v, (size_t)n * sizeof(float));
#endif
}
/* Subtracting +0 keeps -0. */
static inline vf v_set(float x) { return x - (vf){0}; }
static inline vi v_seti(int32_t x) { return x - (vi){0}; }

/* MASK's lanes are all ones or zero. */
static inline vf v_blend(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }
static inline vi v_blendi(vi mask, vi yes, vi no) { return (mask & yes) | (~mask & no); }
/* 1 where the mask is set, else 0. */
static inline vf v_truth(vi mask) { return (vf)(mask & (vi)v_set(1)); }
static inline bool v_any(vi mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) != 0;
#else
  int32_t any = 0;
  for (int i = 0; i < LANES; i++) any |= mask[i];
  return any != 0;
#endif
}

static inline vf v_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }
static inline vf v_sign_of(vf size, vf sign) { return (vf)((vi)size | ((vi)sign & (int32_t)0x80000000)); }
static inline vf v_float(vi x) { return __builtin_convertvector(x, vf); }
static inline vi v_int(vf x) { return __builtin_convertvector(x, vi); }
/* A * B + C: in one rounding where the instruction exists. */
static inline vf v_fma(vf a, vf b, vf c) {
#if defined(__AVX512F__)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}
static inline vf v_sqrt(vf x) {
#if defined(__AVX512F__)
  return (vf)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (vf)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (vf)_mm_sqrt_ps((__m128)x);
#elif defined(__aarch64__)
  return (vf)vsqrtq_f32((float32x4_t)x);
#else
  for (int i = 0; i < LANES; i++) x[i] = sqrtf(x[i]);
  return x;
#endif
}
/* Halves to even; the sign of zero is kept. */
static inline vf v_rint(vf x) {
  vf size = v_abs(x), rounded = (size + 0x1p23f) - 0x1p23f;
  return v_blend(size < 0x1p23f, v_sign_of(rounded, x), x);
}
static inline vf v_floor(vf x) {
  vf r = v_rint(x);
  return v_blend(r > x, r - 1, r);
}
static inline vf v_ceil(vf x) {
  vf r = v_rint(x), up = r + 1;
  /* -0.5 gives -0. */
  return v_blend(r < x, v_sign_of(up, x), r);
}
static inline vf v_trunc(vf x) { return v_sign_of(v_floor(v_abs(x)), x); }
/* NaN in either wins. */
static inline vf v_max(vf a, vf b) { return v_blend((a > b) | (a != a), a, b); }
static inline vf v_min(vf a, vf b) { return v_blend((a < b) | (a != a), a, b); }
/* NaN in A comes through, whatever the bound. */
static inline vf v_at_least(vf a, float bound) { return v_blend(a < bound, v_set(bound), a); }
static inline vf v_at_most(vf a, float bound) { return v_blend(a > bound, v_set(bound), a); }
/* 2**n for -126 <= n <= 127. */
static inline vf v_pow2(vi n) { return (vf)((vu)(n + 127) << 23); }

#endif
