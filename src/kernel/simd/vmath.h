/* Exponentials, logarithms and their kin over vectors, within 2 to 3 units in the last place, right at NaN, infinity,
 * zero and denormals. The polynomials are minimax fits made for these intervals. */
#ifndef TN_KERNEL_SIMD_VMATH_H
#define TN_KERNEL_SIMD_VMATH_H

#include "kernel/simd/vec.h"

/* log(2) in two parts: products of the first with whole numbers up to 2**9 are exact. */
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW  1.42860682e-6f

/* x = n * log(2) + r with |r| <= log(2) / 2, n whole. */
static inline vf v_reduce_exp(vf x, vf *n) {
  vf shifted = x * 1.44269504f + 0x1.8p23f;
  *n = shifted - 0x1.8p23f;
  return v_fma(*n, v_set(-LN2_LOW), v_fma(*n, v_set(-LN2_HIGH), x));
}
/* (exp(r) - 1 - r) / r**2 */
static inline vf v_exp_tail(vf r) {
  vf p = v_fma(v_set(1.98458764e-4f), r, v_set(1.39406193e-3f));
  p = v_fma(p, r, v_set(8.33338935e-3f));
  p = v_fma(p, r, v_set(4.1666361e-2f));
  p = v_fma(p, r, v_set(1.66666664e-1f));
  return v_fma(p, r, v_set(0.5f));
}

static inline vf v_exp(vf x) {
  vf n, r = v_reduce_exp(v_at_most(v_at_least(x, -104), 89), &n);
  vf e = v_fma(r * r, v_exp_tail(r), r) + 1;
  /* In two steps, since the result may be denormal or infinite while e is neither. */
  vi whole = v_int(v_blend(x == x, n, v_set(0))), half = whole >> 1;
  return e * v_pow2(half) * v_pow2(whole - half);
}

static inline vf v_expm1(vf x) {
  vf n, r = v_reduce_exp(v_at_most(v_at_least(x, -18), 89), &n);
  vf p = v_fma(r * r, v_exp_tail(r), r);
  vf scale = v_pow2(v_int(v_blend(x == x, n, v_set(0))) - 1);
  vf y = (v_fma(scale, p, scale - 0.5f)) * 2;
  /* Below 2**-24 the result is x, also for -0. */
  return v_blend(v_abs(x) < 0x1p-24f, x, y);
}

/* The parts of a logarithm: x = 2**k * (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2). */
static inline vf v_reduce_log(vf x, vf *k) {
  vi bits = (vi)((vu)x - 0x3f3504f3u);
  *k = v_float(bits >> 23);
  return (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1;
}
/* log(1 + f) + k * log(2) + low */
static inline vf v_join_log(vf f, vf k, vf low) {
  vf s = f / (f + 2), z = s * s;
  vf p = v_fma(v_set(0.235851744f), z, v_set(0.285371587f));
  p = v_fma(p, z, v_set(0.400003374f));
  p = v_fma(p, z, v_set(0.666666656f)) * z;
  vf half = f * f * 0.5f;
  vf rest = v_fma(s, half + p, v_fma(k, v_set(LN2_LOW), low));
  return v_fma(k, v_set(LN2_HIGH), f - (half - rest));
}
/* Puts in what logarithms are at 0, below 0, at infinity and NaN, of X. */
static inline vf v_close_log(vf y, vf x) {
  y = v_blend(x == 0, v_set(-INFINITY), y);
  y = v_blend(x < 0, v_set(NAN), y);
  return v_blend((x != x) | (x == INFINITY), x, y);
}

static inline vf v_log(vf x) {
  vi tiny = x < 0x1p-126f;
  vf k, f = v_reduce_log(v_blend(tiny, x * 0x1p23f, x), &k);
  k = k - (vf)(tiny & (vi)v_set(23));
  return v_close_log(v_join_log(f, k, v_set(0)), x);
}

static inline vf v_log1p(vf x) {
  vf u = x + 1, k, f = v_reduce_log(u, &k);
  /* What the sum lost, relative to it; with k = 0 nothing is lost if f is x itself. */
  vf lost = v_blend(k > 0, 1 - (u - x), x - (u - 1)) / u;
  vi small = k == 0;
  vf y = v_join_log(v_blend(small, x, f), k, v_blend(small, v_set(0), lost));
  y = v_blend(v_abs(x) < 0x1p-24f, x, y);
  return v_blend(x == INFINITY, x, v_close_log(y, u));
}

static inline vf v_tanh(vf x) {
  vf size = v_at_most(v_abs(x), 10), z = size * size;
  vf p = v_fma(v_set(2.14753686e-3f), z, v_set(-8.18267385e-3f));
  p = v_fma(p, z, v_set(2.17029671e-2f));
  p = v_fma(p, z, v_set(-5.39472043e-2f));
  p = v_fma(p, z, v_set(0.133332098f));
  p = v_fma(p, z, v_set(-0.333333309f));
  vf near = v_fma(size * z, p, size);
  vf far = 1 - 2 / (v_exp(size + size) + 1);
  return v_sign_of(v_blend(size < 0.625f, near, far), x);
}

static inline vf v_sigmoid(vf x) {
  vf e = v_exp(v_sign_of(v_abs(x), v_set(-1)));
  return v_blend(x < 0, e, v_set(1)) / (e + 1);
}

/* log(1 + exp(x)). With e = exp(-|x|) <= 1 the halved sum is exact, so nothing is lost. */
static inline vf v_softplus(vf x) {
  vf e = v_exp(v_sign_of(v_abs(x), v_set(-1)));
  vi small = e < 0.414213562f;
  vf y = v_join_log(v_blend(small, e, (e - 1) * 0.5f), v_blend(small, v_set(0), v_set(1)), v_set(0));
  return v_blend(x > 0, x + y, y);
}

static inline vf v_erf(vf x) {
  vf size = v_at_most(v_abs(x), 4), z = size * size;
  vf p = v_fma(v_set(8.5131023e-5f), z, v_set(-8.17563886e-4f));
  p = v_fma(p, z, v_set(5.20385912e-3f));
  p = v_fma(p, z, v_set(-2.68605084e-2f));
  p = v_fma(p, z, v_set(0.11283715f));
  p = v_fma(p, z, v_set(-0.37612635f));
  vf near = v_fma(size, v_fma(p, z, v_set(0.128379167f)), size);
  /* erfc(x) = exp(-q(x)) */
  vf q = v_fma(v_set(2.09095558e-5f), size, v_set(-4.32303007e-4f));
  q = v_fma(q, size, v_set(4.160527e-3f));
  q = v_fma(q, size, v_set(-2.50914968e-2f));
  q = v_fma(q, size, v_set(0.108236619f));
  q = v_fma(q, size, v_set(0.633386647f));
  q = v_fma(q, size, v_set(1.12949516f));
  q = v_fma(q, size, v_set(-1.70552034e-4f));
  vf far = 1 - v_exp(-q);
  return v_sign_of(v_blend(size < 0.9f, near, far), x);
}

/* sin(x + shift * pi / 2) for |x| < 8192. */
static inline vf v_sine(vf x, int32_t shift) {
  vf n = v_rint(x * 0.636619772f);
  vf r = v_fma(n, v_set(-0x1.92p0f), x);
  r = v_fma(n, v_set(-0x1.fb4p-12f), r);
  r = v_fma(n, v_set(-0x1.444p-24f), r);
  r = v_fma(n, v_set(-2.56334415e-12f), r);
  vi quarter = v_int(n) + shift;
  vf z = r * r;
  vf s = v_fma(v_set(2.71830255e-6f), z, v_set(-1.98393339e-4f));
  s = v_fma(s, z, v_set(8.33332938e-3f));
  s = v_fma(s, z, v_set(-0.166666666f));
  s = v_fma(s, z * r, r);
  vf c = v_fma(v_set(2.44383622e-5f), z, v_set(-1.38873668e-3f));
  c = v_fma(c, z, v_set(4.16666469e-2f));
  c = v_fma(c, z * z, v_fma(z, v_set(-0.5f), v_set(1)));
  vf y = v_blend((quarter & 1) == 0, s, c);
  return (vf)((vu)y ^ ((vu)(quarter & 2) << 30));
}
/* Large lanes one by one: reducing them takes more digits than a float has. */
#define V_LARGE_ANGLES(X, Y, FUNCTION)                                                                                 \
  do {                                                                                                                 \
    vi small_ = v_abs(X) < 8192;                                                                                       \
    if (v_any(~small_))                                                                                                \
      for (int i = 0; i < LANES; i++)                                                                                  \
        if (!small_[i]) (Y)[i] = FUNCTION((X)[i]);                                                                     \
  } while (0)
static inline vf v_sin(vf x) {
  vf y = v_sine(v_blend(v_abs(x) < 8192, x, v_set(0)), 0);
  V_LARGE_ANGLES(x, y, sinf);
  return y;
}
static inline vf v_cos(vf x) {
  vf y = v_sine(v_blend(v_abs(x) < 8192, x, v_set(0)), 1);
  V_LARGE_ANGLES(x, y, cosf);
  return y;
}

#endif
