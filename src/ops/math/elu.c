/* Exponential linear units and their gradients: Elu, Selu. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

/* The constants of self-normalising networks: scale, and scale times alpha. */
#define SCALE       1.0507009873554804934193349852946
#define SCALE_ALPHA 1.7580993408473768599402175208123

UNARY_KERNELS(elu, FLOATS, TN_FLOATS, x < 0 ? expm1(x) : x)
UNARY_KERNELS(selu, FLOATS, TN_FLOATS, x < 0 ? (T)SCALE_ALPHA * expm1(x) : (T)SCALE * x)
GRAD_KERNELS(elu_grad, FLOATS, TN_FLOATS, y < 0 ? (y + 1) * x : x)
GRAD_KERNELS(selu_grad, FLOATS, TN_FLOATS, y < 0 ? (y + (T)SCALE_ALPHA) * x : x * (T)SCALE)

static tn_error *elu_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "EluGrad", tn_grad_dense(c, 0), tn_grad_y(c, 0)));
  return c->scope->error;
}

static tn_error *selu_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "SeluGrad", tn_grad_dense(c, 0), tn_grad_y(c, 0)));
  return c->scope->error;
}

static tn_error *second_gradient(tn_gradient_ctx *c, const char *op) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), y = tn_grad_x(c, 1);
  tn_output mask = grad_op2(s, "Less", y, grad_const(s, y, 0));
  tn_output curved = grad_mul(s, grad, tn_grad_x(c, 0));
  tn_grad_set(c, 0, grad_op2(s, op, grad, y));
  tn_grad_set(c, 1, tn_build(s, "Select", TN_IN(mask, curved, grad_op1(s, "ZerosLike", y)), NULL));
  return s->error;
}

static tn_error *elu_grad_gradient(tn_gradient_ctx *c) { return second_gradient(c, "EluGrad"); }
static tn_error *selu_grad_gradient(tn_gradient_ctx *c) { return second_gradient(c, "SeluGrad"); }

TN_OP(Elu, ACTIVATION(ELU), .attrs = "T: floattype", .doc = "x where not negative, else exp(x) - 1.",
      .flags = TN_OP_ELEMENTWISE, .gradient = elu_gradient, .kernels = elu_kernels);
TN_OP(Selu, ACTIVATION(SELU), .attrs = "T: floattype",
      .doc = "The scaled exponential linear unit of self-normalising networks.", .flags = TN_OP_ELEMENTWISE,
      .gradient = selu_gradient, .kernels = selu_kernels);
TN_OP(EluGrad, ACTIVATION_GRAD(ELU_GRAD, "outputs"), .attrs = "T: floattype",
      .doc = "The gradient of Elu from its outputs.", .flags = TN_OP_ELEMENTWISE, .gradient = elu_grad_gradient,
      .kernels = elu_grad_kernels);
TN_OP(SeluGrad, ACTIVATION_GRAD(SELU_GRAD, "outputs"), .attrs = "T: floattype",
      .doc = "The gradient of Selu from its outputs.", .flags = TN_OP_ELEMENTWISE, .gradient = selu_grad_gradient,
      .kernels = selu_grad_kernels);
