/* Powers: Pow. Integers take only exponents >= 0 and wrap around. */
#include "ops/math/grad.h"
#include "ops/math/integer_check.h"
#include "ops/math/loops.h"

static inline uint64_t power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

#define EACH_POW(X, ...) EACH_FLOATS_COMPLEXES(X, __VA_ARGS__) EACH_SIGNED(X, __VA_ARGS__)
EACH_FLOATS_COMPLEXES(LOOP2, pow, pow(x, y))
EACH_SIGNED(LOOP2, pow, power((uint64_t)x, (uint64_t)y))
static const tn_loop_row pow_rows[] = {EACH_POW(LOOP_ROW, pow){0}};
KERNELS_WITH(pow, TN_FLOATS | TN_COMPLEXES | TN_SIGNED, tn_elementwise_prepare(p, pow_rows, 0, tn_check_exponent),
             tn_tape_kernel_prepare)

static tn_error *pow_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0);
  tn_output cx = grad_conj(s, x), cy = grad_conj(s, tn_grad_x(c, 1));
  tn_output lower = grad_op2(s, "Sub", cy, grad_const(s, cy, 1));
  tn_output gx = grad_mul(s, grad_mul(s, grad, cy), grad_op2(s, "Pow", cx, lower));
  /* log(x) where that makes sense, else 0; x is replaced first so that no NaN gets into second gradients. */
  bool is_complex = !s->error && tn_dtype_is_complex(tn_dtype_base(tn_output_dtype(x)));
  tn_output mask = grad_op2(s, is_complex ? "NotEqual" : "Greater", cx, grad_const(s, cx, 0));
  tn_output safe = tn_build(s, "Select", TN_IN(mask, cx, grad_op1(s, "OnesLike", x)), NULL);
  tn_output logarithm = tn_build(s, "Select", TN_IN(mask, grad_op1(s, "Log", safe), grad_op1(s, "ZerosLike", x)), NULL);
  tn_output gy = grad_mul(s, grad_mul(s, grad, grad_conj(s, tn_grad_y(c, 0))), logarithm);
  grad_set_both(c, gx, gy);
  return s->error;
}

TN_OP(Pow, ELEMENTWISE_BINARY(POW),
      .attrs = "T: {bfloat16, float, half, double, int8, int16, int32, int64, complex64, complex128}",
      .doc = "x to the power y.", .flags = TN_OP_ELEMENTWISE, .gradient = pow_gradient, .kernels = pow_kernels);
