/* Hyperbolic functions: Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, and TanhGrad. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

UNARY_KERNELS(sinh, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, sinh(x))
UNARY_KERNELS(cosh, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, cosh(x))
UNARY_KERNELS(tanh, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, tanh(x))
UNARY_KERNELS(asinh, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, asinh(x))
UNARY_KERNELS(acosh, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, acosh(x))
UNARY_KERNELS(atanh, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, atanh(x))

EACH_FLOATS_COMPLEXES(LOOP2, tanh_grad, y *((T)1 - x * x))
static const tn_loop_row tanh_grad_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, tanh_grad){0}};
KERNELS_SAME(tanh_grad, TN_FLOATS | TN_COMPLEXES)

static tn_error *sinh_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Cosh", grad_conj(s, tn_grad_x(c, 0)));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *cosh_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Sinh", grad_conj(s, tn_grad_x(c, 0)));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *tanh_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_op2(s, "TanhGrad", grad_conj(s, tn_grad_y(c, 0)), tn_grad_dense(c, 0)));
  return s->error;
}

static tn_error *asinh_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Cosh", grad_conj(s, tn_grad_y(c, 0)));
  tn_grad_set(c, 0, grad_op2(s, "RealDiv", tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *acosh_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Sinh", grad_conj(s, tn_grad_y(c, 0)));
  tn_grad_set(c, 0, grad_op2(s, "RealDiv", tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *atanh_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output square = grad_op1(s, "Square", grad_conj(s, tn_grad_x(c, 0)));
  tn_output slope = grad_op1(s, "Reciprocal", grad_op2(s, "Sub", grad_const(s, square, 1), square));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *tanh_grad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), a = grad_conj(s, tn_grad_x(c, 0)), b = grad_conj(s, tn_grad_x(c, 1));
  tn_grad_set(c, 0, grad_mul(s, grad_mul(s, grad_scale(s, grad, -2), b), a));
  tn_grad_set(c, 1, grad_op2(s, "TanhGrad", a, grad));
  return s->error;
}

TN_OP(Sinh, ELEMENTWISE_UNARY(SINH), .attrs = FLOATS_AND_COMPLEX, .doc = "The hyperbolic sine of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = sinh_gradient, .kernels = sinh_kernels);
TN_OP(Cosh, ELEMENTWISE_UNARY(COSH), .attrs = FLOATS_AND_COMPLEX, .doc = "The hyperbolic cosine of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = cosh_gradient, .kernels = cosh_kernels);
TN_OP(Tanh, ELEMENTWISE_UNARY(TANH), .attrs = FLOATS_AND_COMPLEX, .doc = "The hyperbolic tangent of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = tanh_gradient, .kernels = tanh_kernels);
TN_OP(Asinh, ELEMENTWISE_UNARY(ASINH), .attrs = FLOATS_AND_COMPLEX, .doc = "The inverse hyperbolic sine of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = asinh_gradient, .kernels = asinh_kernels);
TN_OP(Acosh, ELEMENTWISE_UNARY(ACOSH), .attrs = FLOATS_AND_COMPLEX, .doc = "The inverse hyperbolic cosine of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = acosh_gradient, .kernels = acosh_kernels);
TN_OP(Atanh, ELEMENTWISE_UNARY(ATANH), .attrs = FLOATS_AND_COMPLEX, .doc = "The inverse hyperbolic tangent of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = atanh_gradient, .kernels = atanh_kernels);
TN_OP(TanhGrad, ELEMENTWISE_GRAD(TANH_GRAD), .attrs = FLOATS_AND_COMPLEX, .doc = "dy * (1 - y * y), where y = tanh(x).",
      .flags = TN_OP_ELEMENTWISE, .gradient = tanh_grad_gradient, .kernels = tanh_grad_kernels);
