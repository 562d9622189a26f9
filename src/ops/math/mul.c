/* Products: Mul, MulNoNan, SquaredDifference. Integers wrap around. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

#define EACH_SQUARED_DIFFERENCE(X, ...) EACH_FLOATS_COMPLEXES(X, __VA_ARGS__) EACH_I32_I64(X, __VA_ARGS__)

BINARY_KERNELS(mul, NUMBERS, TN_NUMBERS, (U)x *(U)y)
BINARY_KERNELS(mul_no_nan, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, y == 0 ? (T)0 : x * y)

EACH_FLOATS(LOOP2, squared_difference, (x - y) * (x - y))
EACH_I32_I64(LOOP2, squared_difference, ((U)x - (U)y) * ((U)x - (U)y))
EACH_COMPLEXES(LOOP2, squared_difference, (x - y) * conj(x - y))
static const tn_loop_row squared_difference_rows[] = {EACH_SQUARED_DIFFERENCE(LOOP_ROW, squared_difference){0}};
KERNELS(squared_difference, TN_FLOATS | TN_COMPLEXES | TN_BIT(TN_INT32) | TN_BIT(TN_INT64))

static tn_error *mul_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  grad_set_both(c, grad_mul(s, grad, grad_conj(s, y)), grad_mul(s, grad_conj(s, x), grad));
  return s->error;
}

static tn_error *mul_no_nan_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  grad_set_both(c, grad_op2(s, "MulNoNan", grad, y), grad_op2(s, "MulNoNan", x, grad));
  return s->error;
}

static tn_error *squared_difference_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output difference = grad_op2(s, "Sub", tn_grad_x(c, 0), tn_grad_x(c, 1));
  tn_output gx = grad_mul(s, grad_scale(s, tn_grad_dense(c, 0), 2), difference);
  grad_set_both(c, gx, grad_neg(s, gx));
  return s->error;
}

TN_OP(
    Mul, ELEMENTWISE_BINARY(MUL),
    .attrs = "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, complex64, "
             "complex128}",
    .doc = "x * y.", .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE, .gradient = mul_gradient, .kernels = mul_kernels);
TN_OP(MulNoNan, ELEMENTWISE_BINARY(MUL_NO_NAN), .attrs = FLOATS_AND_COMPLEX,
      .doc = "x * y, and 0 where y is 0 even if x is infinite or NaN.", .flags = TN_OP_ELEMENTWISE,
      .gradient = mul_no_nan_gradient, .kernels = mul_no_nan_kernels);
TN_OP(SquaredDifference, ELEMENTWISE_BINARY(SQUARED_DIFFERENCE),
      .attrs = "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}",
      .doc = "The square of x - y (its product with its conjugate).", .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE,
      .gradient = squared_difference_gradient, .kernels = squared_difference_kernels);
