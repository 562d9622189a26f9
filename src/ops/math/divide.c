/* Quotients: Div, RealDiv, DivNoNan. */
#include "ops/math/grad.h"
#include "ops/math/integer_check.h"
#include "ops/math/loops.h"

#define EACH_DIV(X, ...) EACH_FLOATS_COMPLEXES(X, __VA_ARGS__) EACH_INTS(X, __VA_ARGS__)

EACH_FLOATS_COMPLEXES(LOOP2, div, x / y)
/* The smallest integer by -1 wraps around instead of trapping. */
EACH_SIGNED(LOOP2, div, y == -1 ? 0 - (U)x : (U)(x / y))
EACH_UNSIGNED(LOOP2, div, x / y)
static const tn_loop_row div_rows[] = {EACH_DIV(LOOP_ROW, div){0}};
KERNELS_WITH(div, TN_NUMBERS, tn_elementwise_prepare(p, div_rows, 0, tn_check_divisor), tn_tape_kernel_prepare)

static tn_error *real_div_prepare(tn_prepare *p) { return tn_elementwise_prepare(p, div_rows, 0, NULL); }
static const tn_kernel_def real_div_kernels[] = {
    {.name = "vector", .types = TN_TAPE_TYPES, .prepare = tn_tape_kernel_prepare, .run = tn_tape_kernel_run},
    {.name = "reference", .types = TN_FLOATS | TN_COMPLEXES, .prepare = real_div_prepare, .run = tn_elementwise_run},
    {0}};

BINARY_KERNELS(div_no_nan, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, y == 0 ? (T)0 : x / y)

/* With OP as the quotient: grad / y and grad * (-x / y) / y. */
static tn_error *quotient_gradient(tn_gradient_ctx *c, const char *op) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = grad_conj(s, tn_grad_x(c, 0)), y = grad_conj(s, tn_grad_x(c, 1));
  tn_output slope = grad_op2(s, op, grad_op2(s, op, grad_neg(s, x), y), y);
  grad_set_both(c, grad_op2(s, op, grad, y), grad_mul(s, grad, slope));
  return s->error;
}

static tn_error *div_gradient(tn_gradient_ctx *c) { return quotient_gradient(c, "RealDiv"); }
static tn_error *div_no_nan_gradient(tn_gradient_ctx *c) { return quotient_gradient(c, "DivNoNan"); }

#define DIV_TYPES                                                                                                      \
  "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, complex64, "           \
  "complex128}"
TN_OP(Div, ELEMENTWISE_BINARY(DIV), .attrs = DIV_TYPES, .doc = "x / y; integers towards zero.",
      .flags = TN_OP_ELEMENTWISE, .gradient = div_gradient, .kernels = div_kernels);
TN_OP(RealDiv, ELEMENTWISE_BINARY(DIV), .attrs = DIV_TYPES, .doc = "x / y of real or complex numbers.",
      .flags = TN_OP_ELEMENTWISE, .gradient = div_gradient, .kernels = real_div_kernels);
TN_OP(DivNoNan, ELEMENTWISE_BINARY(DIV_NO_NAN), .attrs = "T: {half, float, bfloat16, double, complex64, complex128}",
      .doc = "x / y, and 0 where y is 0.", .flags = TN_OP_ELEMENTWISE, .gradient = div_no_nan_gradient,
      .kernels = div_no_nan_kernels);
