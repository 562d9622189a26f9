/* Exponentials and logarithms: Exp, Expm1, Log, Log1p. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

UNARY_KERNELS(exp, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, exp(x))
UNARY_KERNELS(log, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, log(x))

/* C has no complex expm1 and log1p. */
EACH_FLOATS(LOOP1, expm1, expm1(x))
EACH_COMPLEXES(LOOP1, expm1, exp(x) - 1)
static const tn_loop_row expm1_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, expm1){0}};
KERNELS(expm1, TN_FLOATS | TN_COMPLEXES)

EACH_FLOATS(LOOP1, log1p, log1p(x))
EACH_COMPLEXES(LOOP1, log1p, log(x + 1))
static const tn_loop_row log1p_rows[] = {EACH_FLOATS_COMPLEXES(LOOP_ROW, log1p){0}};
KERNELS(log1p, TN_FLOATS | TN_COMPLEXES)

static tn_error *exp_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), grad_conj(s, tn_grad_y(c, 0))));
  return s->error;
}

static tn_error *expm1_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Exp", grad_conj(s, tn_grad_x(c, 0)));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *log_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Reciprocal", grad_conj(s, tn_grad_x(c, 0)));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *log1p_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = grad_conj(s, tn_grad_x(c, 0));
  tn_output slope = grad_op1(s, "Reciprocal", grad_op2(s, "AddV2", grad_const(s, x, 1), x));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

TN_OP(Exp, ELEMENTWISE_UNARY(EXP), .attrs = FLOATS_AND_COMPLEX, .doc = "e to the power x.", .flags = TN_OP_ELEMENTWISE,
      .gradient = exp_gradient, .kernels = exp_kernels);
TN_OP(Expm1, ELEMENTWISE_UNARY(EXPM1), .attrs = FLOATS_AND_COMPLEX, .doc = "exp(x) - 1, exact for small x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = expm1_gradient, .kernels = expm1_kernels);
TN_OP(Log, ELEMENTWISE_UNARY(LOG), .attrs = FLOATS_AND_COMPLEX, .doc = "The natural logarithm of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = log_gradient, .kernels = log_kernels);
TN_OP(Log1p, ELEMENTWISE_UNARY(LOG1P), .attrs = FLOATS_AND_COMPLEX, .doc = "log(1 + x), exact for small x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = log1p_gradient, .kernels = log1p_kernels);
