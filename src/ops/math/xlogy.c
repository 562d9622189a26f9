/* Products and quotients that are 0 where x is 0, whatever y is: Xdivy, Xlogy, Xlog1py. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

BINARY_KERNELS(xdivy, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, x == 0 ? (T)0 : x / y)
BINARY_KERNELS(xlogy, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, x == 0 ? (T)0 : x * log(y))

EACH_FLOATS(LOOP2, xlog1py, x == 0 ? (T)0 : x * log1p(y))
EACH_COMPLEXES(LOOP2, xlog1py, x == 0 ? (T)0 : x * log(y + 1))
static const tn_loop_row xlog1py_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, xlog1py){0}};
KERNELS(xlog1py, TN_FLOATS | TN_COMPLEXES)

/* 1 where x is not 0. */
static tn_output not_zero(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0);
  if (s->error) return TN_NONE;
  return tn_build_cast(s, grad_op2(s, "NotEqual", x, grad_const(s, x, 0)), tn_dtype_base(tn_output_dtype(x)));
}

static tn_error *xdivy_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  tn_output slope_x = grad_op2(s, "Xdivy", not_zero(c), y);
  tn_output slope_y = grad_op2(s, "Xdivy", grad_neg(s, x), grad_op1(s, "Square", y));
  grad_set_both(c, grad_mul(s, slope_x, grad), grad_mul(s, slope_y, grad));
  return s->error;
}

static tn_error *xlogy_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  tn_output slope_x = grad_op2(s, "Xlogy", not_zero(c), y);
  grad_set_both(c, grad_mul(s, slope_x, grad), grad_mul(s, grad_op2(s, "Xdivy", x, y), grad));
  return s->error;
}

static tn_error *xlog1py_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  tn_output slope_x = grad_op2(s, "Xlog1py", not_zero(c), y);
  tn_output slope_y = grad_op2(s, "Xdivy", x, grad_op2(s, "AddV2", y, grad_const(s, y, 1)));
  grad_set_both(c, grad_mul(s, slope_x, grad), grad_mul(s, slope_y, grad));
  return s->error;
}

#define XLOGY_TYPES "T: {half, bfloat16, float, double, complex64, complex128}"
TN_OP(Xdivy, ELEMENTWISE_BINARY(XDIVY), .attrs = XLOGY_TYPES, .doc = "x / y, and 0 where x is 0.",
      .flags = TN_OP_ELEMENTWISE, .gradient = xdivy_gradient, .kernels = xdivy_kernels);
TN_OP(Xlogy, ELEMENTWISE_BINARY(XLOGY), .attrs = XLOGY_TYPES, .doc = "x * log(y), and 0 where x is 0.",
      .flags = TN_OP_ELEMENTWISE, .gradient = xlogy_gradient, .kernels = xlogy_kernels);
TN_OP(Xlog1py, ELEMENTWISE_BINARY(XLOG1PY), .attrs = XLOGY_TYPES, .doc = "x * log(1 + y), and 0 where x is 0.",
      .flags = TN_OP_ELEMENTWISE, .gradient = xlog1py_gradient, .kernels = xlog1py_kernels);
