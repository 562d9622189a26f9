/* Gradients of roots and reciprocals, from the result y: SqrtGrad, RsqrtGrad, ReciprocalGrad, InvGrad. Where dy is 0
 * they are 0, whatever y is. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

/* In the loops x is y and y is dy. */
EACH_FLOATS(LOOP2, sqrt_grad, y == 0 ? (T)0 : (T)0.5 * y / x)
EACH_COMPLEXES(LOOP2, sqrt_grad, y == 0 ? (T)0 : (T)0.5 * y / conj(x))
static const tn_loop_row sqrt_grad_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, sqrt_grad){0}};
KERNELS_SAME(sqrt_grad, TN_FLOATS | TN_COMPLEXES)

EACH_FLOATS(LOOP2, rsqrt_grad, y == 0 ? (T)0 : (T)-0.5 * (y * x) * (x * x))
EACH_COMPLEXES(LOOP2, rsqrt_grad, y == 0 ? (T)0 : (T)-0.5 * (y * conj(x)) * (conj(x) * conj(x)))
static const tn_loop_row rsqrt_grad_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, rsqrt_grad){0}};
KERNELS_SAME(rsqrt_grad, TN_FLOATS | TN_COMPLEXES)

EACH_FLOATS(LOOP2, reciprocal_grad, y == 0 ? (T)0 : -x * y * x)
EACH_COMPLEXES(LOOP2, reciprocal_grad, y == 0 ? (T)0 : -conj(x) * y * conj(x))
static const tn_loop_row reciprocal_grad_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, reciprocal_grad){0}};
KERNELS_SAME(reciprocal_grad, TN_FLOATS | TN_COMPLEXES)

static tn_error *sqrt_grad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output ga = grad_op2(s, "RealDiv", tn_grad_dense(c, 0), tn_grad_x(c, 0));
  tn_grad_set(c, 0, grad_mul(s, grad_neg(s, grad_conj(s, ga)), tn_grad_y(c, 0)));
  tn_grad_set(c, 1, grad_scale(s, ga, 0.5));
  return s->error;
}

static tn_error *rsqrt_grad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), a = grad_conj(s, tn_grad_x(c, 0));
  tn_output cg = grad_scale(s, grad_conj(s, grad), -1.5);
  tn_grad_set(c, 0, grad_mul(s, grad_mul(s, cg, tn_grad_x(c, 1)), grad_op1(s, "Square", a)));
  tn_grad_set(c, 1, grad_op2(s, "RsqrtGrad", a, grad));
  return s->error;
}

static tn_error *reciprocal_grad_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), a = grad_conj(s, tn_grad_x(c, 0));
  tn_output cg = grad_scale(s, grad_conj(s, grad), -2);
  tn_grad_set(c, 0, grad_mul(s, grad_mul(s, cg, tn_grad_x(c, 1)), a));
  tn_grad_set(c, 1, grad_op2(s, "ReciprocalGrad", a, grad));
  return s->error;
}

TN_OP(SqrtGrad, ELEMENTWISE_GRAD(SQRT_GRAD), .attrs = FLOATS_AND_COMPLEX, .doc = "dy / (2 y), where y = sqrt(x).",
      .flags = TN_OP_ELEMENTWISE, .gradient = sqrt_grad_gradient, .kernels = sqrt_grad_kernels);
TN_OP(RsqrtGrad, ELEMENTWISE_GRAD(RSQRT_GRAD), .attrs = FLOATS_AND_COMPLEX,
      .doc = "-dy * y**3 / 2, where y = rsqrt(x).", .flags = TN_OP_ELEMENTWISE, .gradient = rsqrt_grad_gradient,
      .kernels = rsqrt_grad_kernels);
TN_OP(ReciprocalGrad, ELEMENTWISE_GRAD(RECIPROCAL_GRAD), .attrs = FLOATS_AND_COMPLEX,
      .doc = "-dy * y * y, where y = 1 / x.", .flags = TN_OP_ELEMENTWISE, .gradient = reciprocal_grad_gradient,
      .kernels = reciprocal_grad_kernels);
TN_OP(InvGrad, ELEMENTWISE_GRAD(RECIPROCAL_GRAD), .attrs = FLOATS_AND_COMPLEX,
      .doc = "-dy * y * y, where y = 1 / x; the old name of ReciprocalGrad.", .flags = TN_OP_ELEMENTWISE,
      .gradient = reciprocal_grad_gradient, .kernels = reciprocal_grad_kernels);
