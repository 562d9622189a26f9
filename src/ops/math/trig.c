/* Trigonometric functions: Sin, Cos, Tan, Asin, Acos, Atan, Atan2. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

UNARY_KERNELS(sin, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, sin(x))
UNARY_KERNELS(cos, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, cos(x))
UNARY_KERNELS(tan, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, tan(x))
UNARY_KERNELS(asin, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, asin(x))
UNARY_KERNELS(acos, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, acos(x))
UNARY_KERNELS(atan, FLOATS_COMPLEXES, TN_FLOATS | TN_COMPLEXES, atan(x))
BINARY_KERNELS(atan2, FLOATS, TN_FLOATS, atan2(x, y))

static tn_error *sin_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output slope = grad_op1(s, "Cos", grad_conj(s, tn_grad_x(c, 0)));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *cos_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output sine = grad_op1(s, "Sin", grad_conj(s, tn_grad_x(c, 0)));
  tn_grad_set(c, 0, grad_mul(s, grad_neg(s, tn_grad_dense(c, 0)), sine));
  return s->error;
}

static tn_error *tan_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output secant = grad_op1(s, "Reciprocal", grad_op1(s, "Cos", grad_conj(s, tn_grad_x(c, 0))));
  tn_grad_set(c, 0, grad_mul(s, grad_op1(s, "Square", secant), tn_grad_dense(c, 0)));
  return s->error;
}

/* 1 / sqrt(1 - x*x) */
static tn_output arc_slope(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output square = grad_op1(s, "Square", grad_conj(s, tn_grad_x(c, 0)));
  tn_output rest = grad_op2(s, "Sub", grad_const(s, square, 1), square);
  return grad_op1(s, "Reciprocal", grad_op1(s, "Sqrt", rest));
}

static tn_error *asin_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_mul(c->scope, tn_grad_dense(c, 0), arc_slope(c)));
  return c->scope->error;
}

static tn_error *acos_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_mul(c->scope, grad_neg(c->scope, tn_grad_dense(c, 0)), arc_slope(c)));
  return c->scope->error;
}

static tn_error *atan_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output square = grad_op1(s, "Square", grad_conj(s, tn_grad_x(c, 0)));
  tn_output slope = grad_op1(s, "Reciprocal", grad_op2(s, "AddV2", grad_const(s, square, 1), square));
  tn_grad_set(c, 0, grad_mul(s, tn_grad_dense(c, 0), slope));
  return s->error;
}

static tn_error *atan2_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output y = tn_grad_x(c, 0), x = tn_grad_x(c, 1);
  tn_output norm = grad_op2(s, "AddV2", grad_op1(s, "Square", y), grad_op1(s, "Square", x));
  tn_output share = grad_op2(s, "RealDiv", tn_grad_dense(c, 0), norm);
  grad_set_both(c, grad_mul(s, x, share), grad_mul(s, grad_neg(s, y), share));
  return s->error;
}

TN_OP(Sin, ELEMENTWISE_UNARY(SIN), .attrs = FLOATS_AND_COMPLEX, .doc = "The sine of x.", .flags = TN_OP_ELEMENTWISE,
      .gradient = sin_gradient, .kernels = sin_kernels);
TN_OP(Cos, ELEMENTWISE_UNARY(COS), .attrs = FLOATS_AND_COMPLEX, .doc = "The cosine of x.", .flags = TN_OP_ELEMENTWISE,
      .gradient = cos_gradient, .kernels = cos_kernels);
TN_OP(Tan, ELEMENTWISE_UNARY(TAN), .attrs = FLOATS_AND_COMPLEX, .doc = "The tangent of x.", .flags = TN_OP_ELEMENTWISE,
      .gradient = tan_gradient, .kernels = tan_kernels);
TN_OP(Asin, ELEMENTWISE_UNARY(ASIN), .attrs = FLOATS_AND_COMPLEX, .doc = "The inverse sine of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = asin_gradient, .kernels = asin_kernels);
TN_OP(Acos, ELEMENTWISE_UNARY(ACOS), .attrs = FLOATS_AND_COMPLEX, .doc = "The inverse cosine of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = acos_gradient, .kernels = acos_kernels);
TN_OP(Atan, ELEMENTWISE_UNARY(ATAN), .attrs = FLOATS_AND_COMPLEX, .doc = "The inverse tangent of x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = atan_gradient, .kernels = atan_kernels);
TN_OP(Atan2, .inputs = "y: T, x: T", .outputs = "z: T", .attrs = "T: floattype",
      .doc = "The angle of the point (x, y).", .flags = TN_OP_ELEMENTWISE, .micro = TN_MICRO_ATAN2,
      .shape = tn_shape_broadcast_binary, .gradient = atan2_gradient, .kernels = atan2_kernels);
