/* The logistic function and its gradient: Sigmoid, SigmoidGrad. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

/* Written so that nothing overflows and the far left tail keeps its precision. */
EACH_FLOATS(LOOP1, sigmoid, x >= 0 ? (T)1 / ((T)1 + exp(-x)) : exp(x) / ((T)1 + exp(x)))
EACH_COMPLEXES(LOOP1, sigmoid, (T)1 / ((T)1 + exp(-x)))
static const tn_loop_row sigmoid_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, sigmoid){0}};
KERNELS(sigmoid, TN_FLOATS | TN_COMPLEXES)

EACH_FLOATS_COMPLEXES(LOOP2, sigmoid_grad, y *x *((T)1 - x))
static const tn_loop_row sigmoid_grad_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, sigmoid_grad){0}};
KERNELS_SAME(sigmoid_grad, TN_FLOATS | TN_COMPLEXES)

static tn_error *sigmoid_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_op2(s, "SigmoidGrad", grad_conj(s, tn_grad_y(c, 0)), tn_grad_dense(c, 0)));
  return s->error;
}

static tn_error *sigmoid_grad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), a = grad_conj(s, tn_grad_x(c, 0)), b = grad_conj(s, tn_grad_x(c, 1));
  tn_output gb = grad_mul(s, grad, b);
  tn_grad_set(c, 0, grad_op2(s, "Sub", gb, grad_mul(s, grad_scale(s, gb, 2), a)));
  tn_grad_set(c, 1, grad_op2(s, "SigmoidGrad", a, grad));
  return s->error;
}

TN_OP(Sigmoid, ELEMENTWISE_UNARY(SIGMOID), .attrs = FLOATS_AND_COMPLEX, .doc = "1 / (1 + exp(-x)).",
      .flags = TN_OP_ELEMENTWISE, .gradient = sigmoid_gradient, .kernels = sigmoid_kernels);
TN_OP(SigmoidGrad, ELEMENTWISE_GRAD(SIGMOID_GRAD), .attrs = FLOATS_AND_COMPLEX,
      .doc = "dy * y * (1 - y), where y = sigmoid(x).", .flags = TN_OP_ELEMENTWISE, .gradient = sigmoid_grad_gradient,
      .kernels = sigmoid_grad_kernels);
