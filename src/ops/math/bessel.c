/* Bessel functions and their kin, of one argument. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"
#include "ops/math/special.h"

#define ONE(NAME, SET, MASK, FUNCTION)                                                                                 \
  EACH_##SET(LOOP1, NAME,                                                                                              \
             (T)FUNCTION((double)x)) static const tn_loop_row NAME##_rows[] = {EACH_##SET(LOOP_ROW, NAME){0}};         \
  KERNELS_PLAIN(NAME, MASK)
#define BESSEL(NAME, FUNCTION) ONE(NAME, F_NO_BF16, MASK_F_NO_BF16, FUNCTION)

/* libm says NaN below 0. */
static double y0_or_infinity(double x) { return x < 0 ? -INFINITY : y0(x); }
static double y1_or_infinity(double x) { return x < 0 ? -INFINITY : y1(x); }

BESSEL(i0, tn_bessel_i0)
BESSEL(i0e, tn_bessel_i0e)
BESSEL(i1, tn_bessel_i1)
BESSEL(i1e, tn_bessel_i1e)
BESSEL(k0, tn_bessel_k0)
BESSEL(k0e, tn_bessel_k0e)
BESSEL(k1, tn_bessel_k1)
BESSEL(k1e, tn_bessel_k1e)
BESSEL(j0, j0)
BESSEL(j1, j1)
BESSEL(y0, y0_or_infinity)
BESSEL(y1, y1_or_infinity)
ONE(dawsn, F32_F64, MASK_F32_F64, tn_dawson)
ONE(expint, F32_F64, MASK_F32_F64, tn_expint)
ONE(fresnel_cos, F32_F64, MASK_F32_F64, tn_fresnel_cos)
ONE(fresnel_sin, F32_F64, MASK_F32_F64, tn_fresnel_sin)
ONE(spence, F32_F64, MASK_F32_F64, tn_spence)

/* --- gradients --- */

typedef struct words {
  tn_scope *s;
  tn_output x, y;
} words;

static tn_output of(const words *w, const char *op) { return grad_op1(w->s, op, w->x); }
static tn_output minus(const words *w, tn_output a, tn_output b) { return grad_op2(w->s, "Sub", a, b); }
static tn_output over_x(const words *w, tn_output a) { return grad_op2(w->s, "RealDiv", a, w->x); }
/* A, but VALUE where x is AT. */
static tn_output where(const words *w, double at, double value, tn_output a) {
  tn_output there = grad_op2(w->s, "Equal", w->x, grad_const(w->s, w->x, at));
  tn_output like = grad_op2(w->s, "Add", grad_op1(w->s, "ZerosLike", w->x), grad_const(w->s, w->x, value));
  return tn_build(w->s, "Select", TN_IN(there, like, a), NULL);
}

static tn_output d_i0(const words *w) { return of(w, "BesselI1"); }
static tn_output d_i0e(const words *w) { return minus(w, of(w, "BesselI1e"), grad_mul(w->s, of(w, "Sign"), w->y)); }
static tn_output d_i1(const words *w) { return where(w, 0, 0.5, minus(w, of(w, "BesselI0"), over_x(w, w->y))); }
static tn_output d_i1e(const words *w) {
  tn_output more = grad_op2(w->s, "Add", of(w, "Sign"), of(w, "Reciprocal"));
  return where(w, 0, 0.5, minus(w, of(w, "BesselI0e"), grad_mul(w->s, w->y, more)));
}
static tn_output d_k0(const words *w) { return grad_neg(w->s, of(w, "BesselK1")); }
static tn_output d_k0e(const words *w) { return minus(w, w->y, of(w, "BesselK1e")); }
static tn_output d_k1(const words *w) { return minus(w, grad_neg(w->s, of(w, "BesselK0")), over_x(w, w->y)); }
static tn_output d_k1e(const words *w) {
  tn_output factor = minus(w, grad_const(w->s, w->x, 1), of(w, "Reciprocal"));
  return minus(w, grad_mul(w->s, w->y, factor), of(w, "BesselK0e"));
}
static tn_output d_j0(const words *w) { return grad_neg(w->s, of(w, "BesselJ1")); }
static tn_output d_j1(const words *w) { return where(w, 0, 0.5, minus(w, of(w, "BesselJ0"), over_x(w, w->y))); }
static tn_output d_y0(const words *w) { return grad_neg(w->s, of(w, "BesselY1")); }
static tn_output d_y1(const words *w) { return minus(w, of(w, "BesselY0"), over_x(w, w->y)); }
static tn_output d_dawsn(const words *w) {
  return minus(w, grad_const(w->s, w->x, 1), grad_scale(w->s, grad_mul(w->s, w->x, w->y), 2));
}
static tn_output d_expint(const words *w) { return over_x(w, of(w, "Exp")); }
static tn_output angle(const words *w) { return grad_scale(w->s, of(w, "Square"), 1.57079632679489661923); }
static tn_output d_fresnel_cos(const words *w) { return grad_op1(w->s, "Cos", angle(w)); }
static tn_output d_fresnel_sin(const words *w) { return grad_op1(w->s, "Sin", angle(w)); }
static tn_output d_spence(const words *w) {
  tn_output slope = grad_op2(w->s, "RealDiv", of(w, "Log"), minus(w, grad_const(w->s, w->x, 1), w->x));
  return where(w, 1, -1, slope);
}

/* The derivative DERIVE times what came. */
static tn_error *chain(tn_gradient_ctx *c, tn_output (*derive)(const words *w)) {
  words w = {c->scope, tn_grad_x(c, 0), tn_grad_y(c, 0)};
  tn_grad_set(c, 0, grad_mul(c->scope, tn_grad_dense(c, 0), derive(&w)));
  return c->scope->error;
}

#define CHAIN(NAME)                                                                                                    \
  static tn_error *NAME##_gradient(tn_gradient_ctx *c) { return chain(c, d_##NAME); }
CHAIN(i0)
CHAIN(i0e)
CHAIN(i1)
CHAIN(i1e)
CHAIN(k0)
CHAIN(k0e)
CHAIN(k1)
CHAIN(k1e)
CHAIN(j0)
CHAIN(j1)
CHAIN(y0)
CHAIN(y1)
CHAIN(dawsn)
CHAIN(expint)
CHAIN(fresnel_cos)
CHAIN(fresnel_sin)
CHAIN(spence)

#define RECORD(NAME, TEXT)                                                                                             \
  .inputs = "x: T", .outputs = "y: T", .attrs = "T: floattype", .doc = TEXT, .flags = TN_OP_ELEMENTWISE,               \
  .shape = tn_shape_unchanged, .gradient = NAME##_gradient, .kernels = NAME##_kernels

TN_OP(BesselI0, RECORD(i0, "The modified Bessel function of the first kind, of order 0."));
TN_OP(BesselI0e, RECORD(i0e, "BesselI0 times exp(-|x|)."));
TN_OP(BesselI1, RECORD(i1, "The modified Bessel function of the first kind, of order 1."));
TN_OP(BesselI1e, RECORD(i1e, "BesselI1 times exp(-|x|)."));
TN_OP(BesselK0, RECORD(k0, "The modified Bessel function of the second kind, of order 0."));
TN_OP(BesselK0e, RECORD(k0e, "BesselK0 times exp(x)."));
TN_OP(BesselK1, RECORD(k1, "The modified Bessel function of the second kind, of order 1."));
TN_OP(BesselK1e, RECORD(k1e, "BesselK1 times exp(x)."));
TN_OP(BesselJ0, RECORD(j0, "The Bessel function of the first kind, of order 0."));
TN_OP(BesselJ1, RECORD(j1, "The Bessel function of the first kind, of order 1."));
TN_OP(BesselY0, RECORD(y0, "The Bessel function of the second kind, of order 0."));
TN_OP(BesselY1, RECORD(y1, "The Bessel function of the second kind, of order 1."));
TN_OP(Dawsn, RECORD(dawsn, "Dawson's integral: exp(-x^2) times the integral of exp(t^2) from 0 to x."));
TN_OP(Expint, RECORD(expint, "The exponential integral: the integral of exp(t) / t up to x."));
TN_OP(FresnelCos, RECORD(fresnel_cos, "The integral of cos(pi t^2 / 2) from 0 to x."));
TN_OP(FresnelSin, RECORD(fresnel_sin, "The integral of sin(pi t^2 / 2) from 0 to x."));
TN_OP(Spence, RECORD(spence, "Spence's integral: that of log(t) / (1 - t) from 1 to x."));
