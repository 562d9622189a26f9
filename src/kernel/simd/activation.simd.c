/* Micro-operations of neural networks: rectifiers, exponential units, and gradients from results. */
#include "kernel/simd/micro.h"

#define SCALE       1.05070099f
#define SCALE_ALPHA 1.75809934f

MICRO1(relu, v_blend(x <= 0, v_set(0), x))
MICRO1(relu6, v_at_most(v_blend(x <= 0, v_set(0), x), 6))
MICRO1(leaky_relu, v_blend(x > 0, x, x *imm))
MICRO1(elu, v_blend(x < 0, v_expm1(x), x))
MICRO1(selu, v_blend(x < 0, v_expm1(x) * SCALE_ALPHA, x *SCALE))
MICRO1(softsign, x / (v_abs(x) + 1))
/* Products, so that an infinite gradient of a dead unit is NaN as TensorFlow's is. */
MICRO2(relu_grad, x *v_truth(y > 0))
MICRO2(relu6_grad, x *v_truth((y > 0) & (y < 6)))
MICRO2(leaky_relu_grad, v_blend(y > 0, x, x *imm))
MICRO2(elu_grad, v_blend(y < 0, (y + 1) * x, x))
MICRO2(selu_grad, v_blend(y < 0, (y + SCALE_ALPHA) * x, x *SCALE))
MICRO2(softsign_grad, x / ((v_abs(y) + 1) * (v_abs(y) + 1)))
/* From here x is the result and y its gradient. */
MICRO2(sigmoid_grad, y *x *(1 - x))
MICRO2(tanh_grad, y *(1 - x * x))
MICRO2(sqrt_grad, v_blend(y == 0, v_set(0), y * 0.5f / x))
MICRO2(rsqrt_grad, v_blend(y == 0, v_set(0), -0.5f * (y * x) * (x * x)))
MICRO2(reciprocal_grad, v_blend(y == 0, v_set(0), -x *y *x))

void SIMD_NAME(tn_simd_fill_activation)(tn_simd *table) {
  tn_micro_fn *m = table->micro;
  m[TN_MICRO_RELU] = relu;
  m[TN_MICRO_RELU6] = relu6;
  m[TN_MICRO_LEAKY_RELU] = leaky_relu;
  m[TN_MICRO_ELU] = elu;
  m[TN_MICRO_SELU] = selu;
  m[TN_MICRO_SOFTSIGN] = softsign;
  m[TN_MICRO_RELU_GRAD] = relu_grad;
  m[TN_MICRO_RELU6_GRAD] = relu6_grad;
  m[TN_MICRO_LEAKY_RELU_GRAD] = leaky_relu_grad;
  m[TN_MICRO_ELU_GRAD] = elu_grad;
  m[TN_MICRO_SELU_GRAD] = selu_grad;
  m[TN_MICRO_SOFTSIGN_GRAD] = softsign_grad;
  m[TN_MICRO_SIGMOID_GRAD] = sigmoid_grad;
  m[TN_MICRO_TANH_GRAD] = tanh_grad;
  m[TN_MICRO_SQRT_GRAD] = sqrt_grad;
  m[TN_MICRO_RSQRT_GRAD] = rsqrt_grad;
  m[TN_MICRO_RECIPROCAL_GRAD] = reciprocal_grad;
}
