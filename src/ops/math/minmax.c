/* Maximum and Minimum. NaN wins over every number. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

/* x != x only for NaN; integers never are. */
BINARY_KERNELS(maximum, REALS, TN_REALS, x > y || x != x ? x : y)
BINARY_KERNELS(minimum, REALS, TN_REALS, x < y || x != x ? x : y)

/* The gradient goes to x where COMPARE(x, y), else to y. */
static tn_error *choose_gradient(tn_gradient_ctx *c, const char *compare) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), zeros = grad_op1(s, "ZerosLike", grad);
  tn_output mask = grad_op2(s, compare, tn_grad_x(c, 0), tn_grad_x(c, 1));
  grad_set_both(c, tn_build(s, "SelectV2", TN_IN(mask, grad, zeros), NULL),
                tn_build(s, "SelectV2", TN_IN(mask, zeros, grad), NULL));
  return s->error;
}

static tn_error *maximum_gradient(tn_gradient_ctx *c) { return choose_gradient(c, "GreaterEqual"); }
static tn_error *minimum_gradient(tn_gradient_ctx *c) { return choose_gradient(c, "LessEqual"); }

TN_OP(Maximum, ELEMENTWISE_BINARY(MAXIMUM), .attrs = "T: realnumbertype", .doc = "The larger of x and y.",
      .flags = TN_OP_ELEMENTWISE, .gradient = maximum_gradient, .kernels = maximum_kernels);
TN_OP(Minimum, ELEMENTWISE_BINARY(MINIMUM), .attrs = "T: realnumbertype", .doc = "The smaller of x and y.",
      .flags = TN_OP_ELEMENTWISE, .gradient = minimum_gradient, .kernels = minimum_kernels);
