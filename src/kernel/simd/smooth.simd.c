/* Micro-operations with polynomials of our own: exponentials, logarithms, sine and cosine, tanh, sigmoid, erf. */
#include "kernel/simd/micro.h"

MICRO1(exponential, v_exp(x))
MICRO1(exponential_minus_1, v_expm1(x))
MICRO1(logarithm, v_log(x))
MICRO1(logarithm_of_1_plus, v_log1p(x))
MICRO1(sine, v_sin(x))
MICRO1(cosine, v_cos(x))
MICRO1(hyperbolic_tangent, v_tanh(x))
MICRO1(sigmoid, v_sigmoid(x))
MICRO1(error_function, v_erf(x))
MICRO1(softplus, v_softplus(x))
MICRO2(softplus_grad, x / (v_exp(-y) + 1))
MICRO2(xlogy, v_blend(x == 0, v_set(0), x *v_log(y)))
MICRO2(xlog1py, v_blend(x == 0, v_set(0), x *v_log1p(y)))

void SIMD_NAME(tn_simd_fill_smooth)(tn_simd *table) {
  tn_micro_fn *m = table->micro;
  m[TN_MICRO_EXP] = exponential;
  m[TN_MICRO_EXPM1] = exponential_minus_1;
  m[TN_MICRO_LOG] = logarithm;
  m[TN_MICRO_LOG1P] = logarithm_of_1_plus;
  m[TN_MICRO_SIN] = sine;
  m[TN_MICRO_COS] = cosine;
  m[TN_MICRO_TANH] = hyperbolic_tangent;
  m[TN_MICRO_SIGMOID] = sigmoid;
  m[TN_MICRO_ERF] = error_function;
  m[TN_MICRO_SOFTPLUS] = softplus;
  m[TN_MICRO_SOFTPLUS_GRAD] = softplus_grad;
  m[TN_MICRO_XLOGY] = xlogy;
  m[TN_MICRO_XLOG1PY] = xlog1py;
}
