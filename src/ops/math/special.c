/* Special functions of one argument: Erf, Erfc, Erfinv, Ndtri, Lgamma, Digamma. */
#include "ops/math/special.h"

#include "ops/math/grad.h"
#include "ops/math/loops.h"

#define PI 3.14159265358979323846

/* lgamma itself writes a global sign. */
static inline float lgamma_float(float x) {
  int sign;
  return lgammaf_r(x, &sign);
}
static inline double lgamma_double(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

UNARY_KERNELS(erf, FLOATS, TN_FLOATS, erf(x))
UNARY_KERNELS(erfc, FLOATS, TN_FLOATS, erfc(x))

#define DOUBLE_KERNELS(NAME, SET, MASK, FUNCTION)                                                                      \
  EACH_##SET(LOOP1, NAME,                                                                                              \
             (T)FUNCTION((double)x)) static const tn_loop_row NAME##_rows[] = {EACH_##SET(LOOP_ROW, NAME){0}};         \
  KERNELS_PLAIN(NAME, MASK)
DOUBLE_KERNELS(erfinv, F32_F64, MASK_F32_F64, tn_erfinv)
DOUBLE_KERNELS(ndtri, F32_F64, MASK_F32_F64, tn_ndtri)
DOUBLE_KERNELS(digamma, F_NO_BF16, MASK_F_NO_BF16, tn_digamma)

LOOP1(f32, lgamma, lgamma_float(x))
LOOP1(f16, lgamma, lgamma_float(x))
LOOP1(f64, lgamma, lgamma_double(x))
static const tn_loop_row lgamma_rows[] = {EACH_F_NO_BF16(LOOP_ROW, lgamma){0}};
KERNELS_PLAIN(lgamma, MASK_F_NO_BF16)

/* grad * FACTOR * exp(SCALE * x * x) */
static tn_error *bell_gradient(tn_gradient_ctx *c, tn_output x, double factor, double scale) {
  tn_scope *s = c->scope;
  tn_output square = grad_op1(s, "Square", x);
  tn_output power = scale == -1 ? grad_neg(s, square) : scale == 1 ? square : grad_scale(s, square, scale);
  tn_grad_set(c, 0, grad_mul(s, grad_scale(s, tn_grad_dense(c, 0), factor), grad_op1(s, "Exp", power)));
  return s->error;
}

static tn_error *erf_gradient(tn_gradient_ctx *c) { return bell_gradient(c, tn_grad_x(c, 0), 2 / sqrt(PI), -1); }
static tn_error *erfc_gradient(tn_gradient_ctx *c) { return bell_gradient(c, tn_grad_x(c, 0), -2 / sqrt(PI), -1); }
static tn_error *erfinv_gradient(tn_gradient_ctx *c) { return bell_gradient(c, tn_grad_y(c, 0), sqrt(PI) / 2, 1); }
static tn_error *ndtri_gradient(tn_gradient_ctx *c) { return bell_gradient(c, tn_grad_y(c, 0), sqrt(2 * PI), 0.5); }

static tn_error *lgamma_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), grad_op1(s, "Digamma", tn_grad_x(c, 0))));
  return s->error;
}

static tn_error *digamma_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0);
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), grad_op2(s, "Polygamma", grad_const(s, x, 1), x)));
  return s->error;
}

TN_OP(Erf, ELEMENTWISE_UNARY(ERF), .attrs = "T: floattype", .doc = "The Gauss error function of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = erf_gradient, .kernels = erf_kernels);
TN_OP(Erfc, ELEMENTWISE_UNARY(ERFC), .attrs = "T: floattype", .doc = "1 - erf(x).", .flags = TN_OP_ELEMENTWISE,
      .gradient = erfc_gradient, .kernels = erfc_kernels);
#define UNARY_PLAIN .inputs = "x: T", .outputs = "y: T", .attrs = "T: floattype", .shape = tn_shape_unchanged
TN_OP(Erfinv, UNARY_PLAIN, .doc = "The inverse of erf.", .flags = TN_OP_ELEMENTWISE, .gradient = erfinv_gradient,
      .kernels = erfinv_kernels);
TN_OP(Ndtri, UNARY_PLAIN, .doc = "The quantile function of the normal distribution.", .flags = TN_OP_ELEMENTWISE,
      .gradient = ndtri_gradient, .kernels = ndtri_kernels);
TN_OP(Lgamma, UNARY_PLAIN, .doc = "The logarithm of the absolute value of the gamma function.",
      .flags = TN_OP_ELEMENTWISE, .gradient = lgamma_gradient, .kernels = lgamma_kernels);
TN_OP(Digamma, UNARY_PLAIN, .doc = "The derivative of lgamma.", .flags = TN_OP_ELEMENTWISE,
      .gradient = digamma_gradient, .kernels = digamma_kernels);
