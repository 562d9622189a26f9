/* Parts of complex numbers: Complex, Real, Imag, Conj, ComplexAbs, Angle. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

#define EACH_PART(X, ...)                                                                                              \
  X(c64, f32, __VA_ARGS__)                                                                                             \
  X(c128, f64, __VA_ARGS__)
#define PART_KERNELS(NAME, ...)                                                                                        \
  EACH_PART(LOOP1_TO, NAME, __VA_ARGS__) static const tn_loop_row NAME##_rows[] = {EACH_COMPLEXES(LOOP_ROW, NAME){0}}; \
  KERNELS_PLAIN(NAME, TN_COMPLEXES)

PART_KERNELS(real, creal(x))
PART_KERNELS(imag, cimag(x))
PART_KERNELS(complex_abs, cabs(x))
PART_KERNELS(angle, carg(x))

EACH_COMPLEXES(LOOP1, conj, conj(x))
static const tn_loop_row conj_rows[] = {EACH_COMPLEXES(LOOP_ROW, conj){0}};
KERNELS_PLAIN(conj, TN_COMPLEXES)

LOOP2_TO(f32, c64, make_complex, __builtin_complex(x, y))
LOOP2_TO(f64, c128, make_complex, __builtin_complex(x, y))
static const tn_loop_row make_complex_rows[] = {EACH_F32_F64(LOOP_ROW, make_complex){0}};
KERNELS_PLAIN(make_complex, MASK_F32_F64)

/* Complex(re, im) of the wider type that belongs to their dtype. */
static tn_output join(tn_scope *s, tn_output re, tn_output im) {
  if (s->error) return TN_NONE;
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(re)) == TN_DOUBLE ? TN_COMPLEX128 : TN_COMPLEX64;
  return tn_build(s, "Complex", TN_IN(re, im), TN_ATTRS(TN_A_TYPE("Tout", dtype)));
}

static tn_output part(tn_scope *s, const char *op, tn_output x) {
  if (s->error) return TN_NONE;
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(x)) == TN_COMPLEX128 ? TN_DOUBLE : TN_FLOAT;
  return tn_build(s, op, TN_IN(x), TN_ATTRS(TN_A_TYPE("Tout", dtype)));
}

static tn_error *complex_gradient(tn_gradient_ctx *c) {
  tn_output grad = tn_grad_dense(c, 0);
  grad_set_both(c, part(c->scope, "Real", grad), part(c->scope, "Imag", grad));
  return c->scope->error;
}

static tn_error *real_gradient(tn_gradient_ctx *c) {
  tn_output grad = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, join(c->scope, grad, grad_const(c->scope, grad, 0)));
  return c->scope->error;
}

static tn_error *imag_gradient(tn_gradient_ctx *c) {
  tn_output grad = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, join(c->scope, grad_const(c->scope, grad, 0), grad));
  return c->scope->error;
}

static tn_error *conj_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op1(c->scope, "Conj", tn_grad_dense(c, 0)));
  return c->scope->error;
}

static tn_error *complex_abs_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), y = tn_grad_y(c, 0);
  tn_output top = grad_mul(s, join(s, grad, grad_op1(s, "ZerosLike", grad)), tn_grad_x(c, 0));
  tn_grad_set(c, 0, grad_op2(s, "DivNoNan", top, join(s, y, grad_op1(s, "ZerosLike", y))));
  return s->error;
}

static tn_error *angle_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), x = tn_grad_x(c, 0);
  tn_output slope = grad_op1(s, "Reciprocal", join(s, part(s, "Imag", x), part(s, "Real", x)));
  tn_grad_set(c, 0, grad_mul(s, grad_neg(s, join(s, grad, grad_const(s, grad, 0))), slope));
  return s->error;
}

TN_OP(Complex, .inputs = "real: T, imag: T", .outputs = "out: Tout",
      .attrs = "T: {float, double} = DT_FLOAT; Tout: {complex64, complex128} = DT_COMPLEX64",
      .doc = "The complex number with the given parts.", .flags = TN_OP_ELEMENTWISE, .shape = tn_shape_broadcast_binary,
      .gradient = complex_gradient, .kernels = make_complex_kernels);
#define PART                                                                                                           \
  .inputs = "input: T", .outputs = "output: Tout",                                                                     \
  .attrs = "T: {complex64, complex128} = DT_COMPLEX64; Tout: {float, double} = DT_FLOAT", .flags = TN_OP_ELEMENTWISE,  \
  .shape = tn_shape_unchanged
TN_OP(Real, PART, .doc = "The real part.", .gradient = real_gradient, .kernels = real_kernels);
TN_OP(Imag, PART, .doc = "The imaginary part.", .gradient = imag_gradient, .kernels = imag_kernels);
TN_OP(Angle, PART, .doc = "The argument of a complex number.", .gradient = angle_gradient, .kernels = angle_kernels);
TN_OP(ComplexAbs, .inputs = "x: T", .outputs = "y: Tout",
      .attrs = "T: {complex64, complex128} = DT_COMPLEX64; Tout: {float, double} = DT_FLOAT",
      .doc = "The absolute value of a complex number.", .flags = TN_OP_ELEMENTWISE, .shape = tn_shape_unchanged,
      .gradient = complex_abs_gradient, .kernels = complex_abs_kernels);
TN_OP(Conj, .inputs = "input: T", .outputs = "output: T", .attrs = "T: {complex64, complex128, variant} = DT_COMPLEX64",
      .doc = "The complex conjugate.", .flags = TN_OP_ELEMENTWISE, .shape = tn_shape_unchanged,
      .gradient = conj_gradient, .kernels = conj_kernels);
