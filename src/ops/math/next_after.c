/* The next number that can be represented: NextAfter. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

EACH_F32_F64(LOOP2, next_after, nextafter(x, y))
static const tn_loop_row next_after_rows[] = {EACH_F32_F64(LOOP_ROW, next_after){0}};
KERNELS_PLAIN(next_after, MASK_F32_F64)

static tn_error *next_after_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build_unbroadcast(s, grad, tn_grad_x(c, 0), tn_grad_x(c, 1)));
  tn_grad_set(c, 1, grad_op1(s, "ZerosLike", tn_grad_x(c, 1)));
  return s->error;
}

TN_OP(NextAfter, .inputs = "x1: T, x2: T", .outputs = "output: T", .attrs = "T: {double, float} = DT_FLOAT",
      .doc = "The number after x1 in the direction of x2.", .flags = TN_OP_ELEMENTWISE,
      .shape = tn_shape_broadcast_binary, .gradient = next_after_gradient, .kernels = next_after_kernels);
