/* Values forced into a range: ClipByValue. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

#define EACH_CLIP(X, ...) EACH_FLOATS(X, __VA_ARGS__) EACH_SIGNED(X, __VA_ARGS__) X(u8, __VA_ARGS__) X(u16, __VA_ARGS__)
#define CLIP_TYPES        (TN_FLOATS | TN_SIGNED | TN_BIT(TN_UINT8) | TN_BIT(TN_UINT16))

/* The upper bound first; a bound that is NaN does nothing. */
EACH_CLIP(LOOP3, clip, (w < x ? w : x) < y ? y : (w < x ? w : x))
static const tn_loop_row clip_rows[] = {EACH_CLIP(LOOP_ROW, clip){0}};

static tn_error *check_bounds(const tn_prepare *p) {
  const tn_shape *t = &p->inputs[0].shape;
  for (int k = 1; k < 3; k++) {
    const tn_shape *bound = &p->inputs[k].shape;
    if (bound->rank == 0 || tn_shape_equal(bound, t)) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar or have the shape of t, %s, but it has %s",
                             k == 1 ? "clip_value_min" : "clip_value_max", TN_SHAPE_STR(t), TN_SHAPE_STR(bound));
  }
  return NULL;
}

static tn_error *clip_prepare(tn_prepare *p) {
  TN_TRY(check_bounds(p));
  return tn_elementwise_prepare(p, clip_rows, 0, NULL);
}

static tn_error *clip_vector_prepare(tn_prepare *p) {
  TN_TRY(check_bounds(p));
  return tn_tape_kernel_prepare(p);
}

static const tn_kernel_def clip_kernels[] = {
    {.name = "vector", .types = TN_TAPE_TYPES, .prepare = clip_vector_prepare, .run = tn_tape_kernel_run},
    {.name = "reference", .types = CLIP_TYPES, .prepare = clip_prepare, .run = tn_elementwise_run},
    {0}};

static tn_error *clip_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), zeros = grad_op1(s, "ZerosLike", grad);
  tn_output x = tn_grad_x(c, 0), low = tn_grad_x(c, 1), high = tn_grad_x(c, 2);
  tn_output below = grad_op2(s, "Less", x, low), above = grad_op2(s, "Greater", x, high);
  tn_output out = grad_op2(s, "LogicalOr", below, above);
  tn_grad_set(c, 0, tn_build(s, "Select", TN_IN(out, zeros, grad), NULL));
  tn_output to_low = tn_build(s, "Select", TN_IN(below, grad, zeros), NULL);
  tn_output to_high = tn_build(s, "Select", TN_IN(above, grad, zeros), NULL);
  tn_grad_set(c, 1, tn_build_unbroadcast(s, to_low, low, x));
  tn_grad_set(c, 2, tn_build_unbroadcast(s, to_high, high, x));
  return s->error;
}

TN_OP(ClipByValue, .inputs = "t: T, clip_value_min: T, clip_value_max: T", .outputs = "output: T",
      .attrs = "T: numbertype", .doc = "t, but not below clip_value_min and not above clip_value_max.",
      .flags = TN_OP_ELEMENTWISE, .micro = TN_MICRO_CLIP, .shape = tn_shape_unchanged, .gradient = clip_gradient,
      .kernels = clip_kernels);
