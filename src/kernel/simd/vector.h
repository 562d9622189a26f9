/* Vectors of floats as wide as the instruction set that a file is compiled for, in vector extensions of C. */
#ifndef TN_KERNEL_SIMD_VECTOR_H
#define TN_KERNEL_SIMD_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define TN_LANES 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define TN_LANES 8
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#define TN_LANES 4
#else
#define TN_LANES 4
#endif

#define TN_INLINE static inline __attribute__((always_inline, unused))
/* Unrolls the loop that follows, whose bounds are constants after inlining. */
#ifdef __clang__
#define TN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TN_UNROLL _Pragma("GCC unroll 32")
#endif

typedef float tn_vec __attribute__((vector_size(TN_LANES * 4)));
typedef int32_t tn_ivec __attribute__((vector_size(TN_LANES * 4)));

TN_INLINE tn_vec tn_vec_load(const float *p) {
  tn_vec v;
  memcpy(&v, p, sizeof v);
  return v;
}
TN_INLINE void tn_vec_store(float *p, tn_vec v) { memcpy(p, &v, sizeof v); }
TN_INLINE tn_vec tn_vec_of(float x) { return x - (tn_vec){0}; }

/* a * b + c, rounded once where the instruction set has that. */
TN_INLINE tn_vec tn_vec_fma(tn_vec a, tn_vec b, tn_vec c) {
#if defined(__AVX512F__)
  return (tn_vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (tn_vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
  return (tn_vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

#endif
