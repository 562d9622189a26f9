/* Special functions of two arguments: Zeta, Polygamma. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"
#include "ops/math/special.h"

EACH_F32_F64(LOOP2, zeta, (T)tn_zeta(x, y))
static const tn_loop_row zeta_rows[] = {EACH_F32_F64(LOOP_ROW, zeta){0}};
KERNELS_PLAIN(zeta, MASK_F32_F64)

EACH_F32_F64(LOOP2, polygamma, (T)tn_polygamma(x, y))
static const tn_loop_row polygamma_rows[] = {EACH_F32_F64(LOOP_ROW, polygamma){0}};
KERNELS_PLAIN(polygamma, MASK_F32_F64)

/* Only the second argument has a gradient, as in TensorFlow. */
static tn_error *zeta_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), q = tn_grad_x(c, 1);
  tn_output next = grad_op2(s, "Zeta", grad_op2(s, "AddV2", x, grad_const(s, x, 1)), q);
  tn_output gq = grad_mul(s, grad_mul(s, grad_neg(s, x), next), tn_grad_dense(c, 0));
  tn_grad_set(c, 1, tn_build_unbroadcast(s, gq, q, x));
  return s->error;
}

static tn_error *polygamma_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output n = tn_grad_x(c, 0), x = tn_grad_x(c, 1);
  tn_output next = grad_op2(s, "Polygamma", grad_op2(s, "AddV2", n, grad_const(s, n, 1)), x);
  tn_grad_set(c, 1, tn_build_unbroadcast(s, grad_mul(s, next, tn_grad_dense(c, 0)), x, n));
  return s->error;
}

TN_OP(Zeta, .inputs = "x: T, q: T", .outputs = "z: T", .attrs = "T: {float, double}",
      .doc = "Hurwitz's zeta function: the sum of (k + q)**-x over k >= 0.", .flags = TN_OP_ELEMENTWISE,
      .shape = tn_shape_broadcast_binary, .gradient = zeta_gradient, .kernels = zeta_kernels);
TN_OP(Polygamma, .inputs = "a: T, x: T", .outputs = "z: T", .attrs = "T: {float, double}",
      .doc = "The derivative of order a of digamma at x.", .flags = TN_OP_ELEMENTWISE,
      .shape = tn_shape_broadcast_binary, .gradient = polygamma_gradient, .kernels = polygamma_kernels);
