/* Abs, Neg, Sign. Integers wrap around: the absolute value of the smallest one is itself. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

#define EACH_ABS(X, ...)  EACH_FLOATS(X, __VA_ARGS__) EACH_SIGNED(X, __VA_ARGS__)
#define EACH_SIGN(X, ...) EACH_ABS(X, __VA_ARGS__) EACH_COMPLEXES(X, __VA_ARGS__)

EACH_FLOATS(LOOP1, abs, fabs(x))
EACH_SIGNED(LOOP1, abs, x < 0 ? 0 - (U)x : (U)x)
static const tn_loop_row abs_rows[] = {EACH_ABS(LOOP_ROW, abs){0}};
KERNELS(abs, TN_FLOATS | TN_SIGNED)

EACH_FLOATS_COMPLEXES(LOOP1, neg, -x)
EACH_SIGNED(LOOP1, neg, 0 - (U)x)
static const tn_loop_row neg_rows[] = {EACH_SIGN(LOOP_ROW, neg){0}};
KERNELS(neg, TN_FLOATS | TN_SIGNED | TN_COMPLEXES)

EACH_FLOATS(LOOP1, sign, x > 0 ? (T)1 : x < 0 ? (T)-1 : x == 0 ? (T)0 : x)
EACH_SIGNED(LOOP1, sign, (x > 0) - (x < 0))
EACH_COMPLEXES(LOOP1, sign, x == 0 ? (T)0 : x / cabs(x))
static const tn_loop_row sign_rows[] = {EACH_SIGN(LOOP_ROW, sign){0}};
KERNELS(sign, TN_FLOATS | TN_SIGNED | TN_COMPLEXES)

static tn_error *abs_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), grad_op1(s, "Sign", tn_grad_x(c, 0))));
  return s->error;
}

static tn_error *neg_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_neg(c->scope, tn_grad_dense(c, 0)));
  return c->scope->error;
}

static tn_error *sign_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op1(c->scope, "ZerosLike", tn_grad_x(c, 0)));
  return c->scope->error;
}

TN_OP(Abs, ELEMENTWISE_UNARY(ABS), .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64}",
      .doc = "The absolute value of x.", .flags = TN_OP_ELEMENTWISE, .gradient = abs_gradient, .kernels = abs_kernels);
TN_OP(Neg, ELEMENTWISE_UNARY(NEG),
      .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}", .doc = "-x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = neg_gradient, .kernels = neg_kernels);
TN_OP(Sign, ELEMENTWISE_UNARY(SIGN),
      .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}",
      .doc = "-1, 0 or 1 as x is negative, zero or positive; x / |x| for complex numbers.", .flags = TN_OP_ELEMENTWISE,
      .gradient = sign_gradient, .kernels = sign_kernels);
