/* Smooth activations and their gradients: Softplus, Softsign. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

/* log(1 + exp(x)) without overflow: x + log1p(exp(-x)) on the right. */
UNARY_KERNELS(softplus, FLOATS, TN_FLOATS, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
UNARY_KERNELS(softsign, FLOATS, TN_FLOATS, x / (fabs(x) + 1))
GRAD_KERNELS(softplus_grad, FLOATS, TN_FLOATS, x / (exp(-y) + 1))
GRAD_KERNELS(softsign_grad, FLOATS, TN_FLOATS, x / ((fabs(y) + 1) * (fabs(y) + 1)))

static tn_error *softplus_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), grad_op1(s, "Sigmoid", tn_grad_x(c, 0))));
  return s->error;
}

static tn_error *softplus_grad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), dy = tn_grad_x(c, 0), x = tn_grad_x(c, 1);
  tn_output left = grad_op1(s, "Exp", grad_neg(s, x)), right = grad_op1(s, "Exp", x);
  tn_output sum = grad_op2(s, "AddV2", grad_op2(s, "AddV2", left, grad_const(s, x, 2)), right);
  tn_grad_set(c, 0, grad_op2(s, "SoftplusGrad", grad, x));
  tn_grad_set(c, 1, grad_op2(s, "RealDiv", grad_mul(s, grad, dy), sum));
  return s->error;
}

static tn_error *softsign_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "SoftsignGrad", tn_grad_dense(c, 0), tn_grad_x(c, 0)));
  return c->scope->error;
}

TN_OP(Softplus, ACTIVATION(SOFTPLUS), .attrs = "T: floattype", .doc = "log(1 + exp(x)).", .flags = TN_OP_ELEMENTWISE,
      .gradient = softplus_gradient, .kernels = softplus_kernels);
TN_OP(Softsign, ACTIVATION(SOFTSIGN), .attrs = "T: floattype", .doc = "x / (1 + |x|).", .flags = TN_OP_ELEMENTWISE,
      .gradient = softsign_gradient, .kernels = softsign_kernels);
TN_OP(SoftplusGrad, ACTIVATION_GRAD(SOFTPLUS_GRAD, "features"), .attrs = "T: floattype",
      .doc = "gradients / (1 + exp(-features)).", .flags = TN_OP_ELEMENTWISE, .gradient = softplus_grad_gradient,
      .kernels = softplus_grad_kernels);
TN_OP(SoftsignGrad, ACTIVATION_GRAD(SOFTSIGN_GRAD, "features"), .attrs = "T: floattype",
      .doc = "gradients / (1 + |features|)**2.", .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED,
      .kernels = softsign_grad_kernels);
