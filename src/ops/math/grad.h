/* Short words for the gradients of elementwise ops. S is the scope; constants take the dtype of the other operand. */
#ifndef TN_OPS_MATH_GRAD_H
#define TN_OPS_MATH_GRAD_H

#include "graph/build.h"

static inline tn_output grad_op1(tn_scope *s, const char *op, tn_output x) { return tn_build1(s, op, x); }
static inline tn_output grad_op2(tn_scope *s, const char *op, tn_output x, tn_output y) {
  return tn_build2(s, op, x, y);
}
static inline tn_output grad_mul(tn_scope *s, tn_output x, tn_output y) { return tn_build2(s, "Mul", x, y); }
static inline tn_output grad_neg(tn_scope *s, tn_output x) { return tn_build1(s, "Neg", x); }
static inline tn_output grad_const(tn_scope *s, tn_output like, double value) {
  if (s->error) return TN_NONE;
  return tn_build_scalar(s, tn_dtype_base(tn_output_dtype(like)), value);
}
/* X times VALUE. */
static inline tn_output grad_scale(tn_scope *s, tn_output x, double value) {
  return grad_mul(s, x, grad_const(s, x, value));
}
/* The complex conjugate; X itself where it is real. */
static inline tn_output grad_conj(tn_scope *s, tn_output x) {
  if (s->error || !tn_dtype_is_complex(tn_dtype_base(tn_output_dtype(x)))) return x;
  return tn_build1(s, "Conj", x);
}
/* Sets the gradients of the two inputs of a broadcasting op, summed back to their shapes. */
static inline void grad_set_both(tn_gradient_ctx *c, tn_output gx, tn_output gy) {
  tn_output x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  tn_grad_set(c, 0, tn_build_unbroadcast(c->scope, gx, x, y));
  tn_grad_set(c, 1, tn_build_unbroadcast(c->scope, gy, y, x));
}

#endif
