/* Igamma, Igammac, IgammaGradA and Betainc. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"
#include "ops/math/special.h"

#define TWO(NAME, FUNCTION)                                                                                            \
  EACH_F32_F64(LOOP2, NAME, (T)FUNCTION((double)x, (double)y))                                                         \
  static const tn_loop_row NAME##_rows[] = {EACH_F32_F64(LOOP_ROW, NAME){0}};                                          \
  KERNELS_PLAIN(NAME, MASK_F32_F64)
TWO(igamma, tn_igamma)
TWO(igammac, tn_igammac)
TWO(igamma_grad_a, tn_igamma_grad_a)

EACH_F32_F64(LOOP3, betainc, (T)tn_betainc((double)x, (double)y, (double)w))
static const tn_loop_row betainc_rows[] = {EACH_F32_F64(LOOP_ROW, betainc){0}};

/* What is no scalar has one shape. */
static tn_error *betainc_prepare(tn_prepare *p) {
  const tn_shape *shape = NULL;
  for (int i = 0; i < 3; i++) {
    const tn_shape *s = &p->inputs[i].shape;
    if (s->rank == 0) continue;
    if (shape && !tn_shape_equal(shape, s)) {
      return tn_prepare_errorf(
          p, TN_INVALID_ARGUMENT, "a, b and x must have one shape or be scalars; they are %s, %s, %s",
          TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(&p->inputs[1].shape), TN_SHAPE_STR(&p->inputs[2].shape));
    }
    shape = s;
  }
  return tn_elementwise_prepare(p, betainc_rows, 0, NULL);
}

static const tn_kernel_def betainc_kernels[] = {
    {.name = "reference", .types = MASK_F32_F64, .prepare = betainc_prepare, .run = tn_elementwise_run}, {0}};

static tn_error *betainc_shape(tn_shape_ctx *c) {
  tn_shape shape = tn_shape_scalar();
  bool unknown = false;
  for (int i = 0; i < 3; i++) {
    if (c->in[i].rank < 0) unknown = true;
    if (c->in[i].rank <= 0) continue;
    if (shape.rank == 0) {
      shape = c->in[i];
    } else {
      TN_TRY(tn_shape_merge(c, &shape, &c->in[i], &shape));
    }
  }
  c->out[0] = shape.rank == 0 && unknown ? tn_shape_unknown() : shape;
  return NULL;
}

/* The derivative of P by x: exp(-x + (a - 1) log x - lgamma(a)). */
static tn_output by_x(tn_scope *s, tn_output a, tn_output x) {
  tn_output power = grad_mul(s, grad_op2(s, "Sub", a, grad_const(s, a, 1)), grad_op1(s, "Log", x));
  tn_output sum = grad_op2(s, "AddV2", grad_neg(s, x), power);
  return grad_op1(s, "Exp", grad_op2(s, "Sub", sum, grad_op1(s, "Lgamma", a)));
}

static tn_error *gamma_gradient(tn_gradient_ctx *c, bool upper) {
  tn_scope *s = c->scope;
  tn_output a = tn_grad_x(c, 0), x = tn_grad_x(c, 1), g = tn_grad_dense(c, 0);
  if (upper) g = grad_neg(s, g);
  grad_set_both(c, grad_mul(s, grad_op2(s, "IgammaGradA", a, x), g), grad_mul(s, by_x(s, a, x), g));
  return s->error;
}

static tn_error *igamma_gradient(tn_gradient_ctx *c) { return gamma_gradient(c, false); }
static tn_error *igammac_gradient(tn_gradient_ctx *c) { return gamma_gradient(c, true); }

/* Only x has a gradient, as in TensorFlow. */
static tn_error *betainc_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output a = tn_grad_x(c, 0), b = tn_grad_x(c, 1), x = tn_grad_x(c, 2);
  tn_output one = grad_const(s, x, 1);
  tn_output beta = grad_op2(s, "Sub", grad_op2(s, "AddV2", grad_op1(s, "Lgamma", a), grad_op1(s, "Lgamma", b)),
                            grad_op1(s, "Lgamma", grad_op2(s, "AddV2", a, b)));
  tn_output left = grad_mul(s, grad_op2(s, "Sub", b, one), grad_op1(s, "Log", grad_op2(s, "Sub", one, x)));
  tn_output right = grad_mul(s, grad_op2(s, "Sub", a, one), grad_op1(s, "Log", x));
  tn_output slope = grad_op1(s, "Exp", grad_op2(s, "Sub", grad_op2(s, "AddV2", left, right), beta));
  tn_output g = grad_mul(s, slope, tn_grad_dense(c, 0));
  tn_grad_set(c, 2, tn_build_unbroadcast(s, g, x, tn_grad_y(c, 0)));
  return s->error;
}

TN_OP(Igamma, .inputs = "a: T, x: T", .outputs = "z: T", .attrs = "T: floattype",
      .doc = "The lower regularised incomplete gamma function P(a, x).", .flags = TN_OP_ELEMENTWISE,
      .shape = tn_shape_broadcast_binary, .gradient = igamma_gradient, .kernels = igamma_kernels);
TN_OP(Igammac, .inputs = "a: T, x: T", .outputs = "z: T", .attrs = "T: floattype",
      .doc = "The upper regularised incomplete gamma function 1 - P(a, x).", .flags = TN_OP_ELEMENTWISE,
      .shape = tn_shape_broadcast_binary, .gradient = igammac_gradient, .kernels = igammac_kernels);
TN_OP(IgammaGradA, .inputs = "a: T, x: T", .outputs = "z: T", .attrs = "T: {float, double}",
      .doc = "The derivative of Igamma by a.", .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_broadcast_binary, .kernels = igamma_grad_a_kernels);
TN_OP(Betainc, .inputs = "a: T, b: T, x: T", .outputs = "z: T", .attrs = "T: {float, double}",
      .doc = "The regularised incomplete beta function.", .flags = TN_OP_ELEMENTWISE, .shape = betainc_shape,
      .gradient = betainc_gradient, .kernels = betainc_kernels);
