/* Micro-operations of one operand that are a few instructions, or that libm computes. */
#include "kernel/simd/micro.h"

static void constant(MICRO_ARGS) {
  MICRO_UNUSED;
  for (int64_t i = 0; i < n; i++) z[i] = imm;
}
static void copy(MICRO_ARGS) {
  MICRO_UNUSED;
  if (z != a && n > 0) memmove(z, a, (size_t)n * sizeof(float));
}

MICRO1(neg, (vf)((vi)x ^ (int32_t)0x80000000))
MICRO1(absolute, v_abs(x))
MICRO1(root, v_sqrt(x))
MICRO1(inverse_root, 1 / v_sqrt(x))
MICRO1(square, x *x)
MICRO1(reciprocal, 1 / x)
MICRO1(sign, v_blend(x == x, v_truth(x > 0) - v_truth(x < 0), x))
MICRO1(round_down, v_floor(x))
MICRO1(round_up, v_ceil(x))
MICRO1(round_even, v_rint(x))
MICRO1(round_to_zero, v_trunc(x))
MICRO1(is_nan, v_truth(x != x))
MICRO1(is_inf, v_truth(v_abs(x) == INFINITY))
MICRO1(is_finite, v_truth(v_abs(x) < INFINITY))
MICRO1(negate, v_truth(x == 0))
MICRO1(to_bool, v_truth(x != 0))
MICRO_SCALAR1(tangent, tanf(x))
MICRO_SCALAR1(arc_sine, asinf(x))
MICRO_SCALAR1(arc_cosine, acosf(x))
MICRO_SCALAR1(arc_tangent, atanf(x))
MICRO_SCALAR1(hyperbolic_sine, sinhf(x))
MICRO_SCALAR1(hyperbolic_cosine, coshf(x))
MICRO_SCALAR1(area_sine, asinhf(x))
MICRO_SCALAR1(area_cosine, acoshf(x))
MICRO_SCALAR1(area_tangent, atanhf(x))
MICRO_SCALAR1(erf_complement, erfcf(x))

void SIMD_NAME(tn_simd_fill_unary)(tn_simd *table) {
  tn_micro_fn *m = table->micro;
  m[TN_MICRO_CONST] = constant;
  m[TN_MICRO_COPY] = copy;
  m[TN_MICRO_NEG] = neg;
  m[TN_MICRO_ABS] = absolute;
  m[TN_MICRO_SQRT] = root;
  m[TN_MICRO_RSQRT] = inverse_root;
  m[TN_MICRO_SQUARE] = square;
  m[TN_MICRO_RECIPROCAL] = reciprocal;
  m[TN_MICRO_SIGN] = sign;
  m[TN_MICRO_FLOOR] = round_down;
  m[TN_MICRO_CEIL] = round_up;
  m[TN_MICRO_ROUND] = round_even;
  m[TN_MICRO_TRUNC] = round_to_zero;
  m[TN_MICRO_IS_NAN] = is_nan;
  m[TN_MICRO_IS_INF] = is_inf;
  m[TN_MICRO_IS_FINITE] = is_finite;
  m[TN_MICRO_NOT] = negate;
  m[TN_MICRO_TO_BOOL] = to_bool;
  m[TN_MICRO_TAN] = tangent;
  m[TN_MICRO_ASIN] = arc_sine;
  m[TN_MICRO_ACOS] = arc_cosine;
  m[TN_MICRO_ATAN] = arc_tangent;
  m[TN_MICRO_SINH] = hyperbolic_sine;
  m[TN_MICRO_COSH] = hyperbolic_cosine;
  m[TN_MICRO_ASINH] = area_sine;
  m[TN_MICRO_ACOSH] = area_cosine;
  m[TN_MICRO_ATANH] = area_tangent;
  m[TN_MICRO_ERFC] = erf_complement;
}
