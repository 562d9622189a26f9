/* Square roots, squares and reciprocals: Sqrt, Rsqrt, Square, Reciprocal, Inv. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

UNARY_KERNELS(sqrt, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, sqrt(x))
UNARY_KERNELS(rsqrt, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, (T)1 / sqrt(x))
UNARY_KERNELS(square, NUMBERS, TN_NUMBERS, (U)x *(U)x)
UNARY_KERNELS(reciprocal, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, (T)1 / x)

static tn_error *sqrt_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "SqrtGrad", tn_grad_y(c, 0), tn_grad_dense(c, 0)));
  return c->scope->error;
}

static tn_error *rsqrt_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "RsqrtGrad", tn_grad_y(c, 0), tn_grad_dense(c, 0)));
  return c->scope->error;
}

static tn_error *square_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), grad_scale(s, grad_conj(s, tn_grad_x(c, 0)), 2)));
  return s->error;
}

static tn_error *reciprocal_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "ReciprocalGrad", tn_grad_y(c, 0), tn_grad_dense(c, 0)));
  return c->scope->error;
}

TN_OP(Sqrt, ELEMENTWISE_UNARY(SQRT), .attrs = FLOATS_AND_COMPLEX, .doc = "The square root of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = sqrt_gradient, .kernels = sqrt_kernels);
TN_OP(Rsqrt, ELEMENTWISE_UNARY(RSQRT), .attrs = FLOATS_AND_COMPLEX, .doc = "1 / sqrt(x).", .flags = TN_OP_ELEMENTWISE,
      .gradient = rsqrt_gradient, .kernels = rsqrt_kernels);
TN_OP(Square, ELEMENTWISE_UNARY(SQUARE),
      .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64, "
               "complex64, complex128}",
      .doc = "x * x.", .flags = TN_OP_ELEMENTWISE, .gradient = square_gradient, .kernels = square_kernels);
TN_OP(Reciprocal, ELEMENTWISE_UNARY(RECIPROCAL),
      .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}", .doc = "1 / x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = reciprocal_gradient, .kernels = reciprocal_kernels);
TN_OP(Inv, ELEMENTWISE_UNARY(RECIPROCAL),
      .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}",
      .doc = "1 / x; the old name of Reciprocal.", .flags = TN_OP_ELEMENTWISE, .gradient = reciprocal_gradient,
      .kernels = reciprocal_kernels);
