/* Rounding: Floor, Ceil, Round, Rint. Round and Rint both take halves to even. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

#define EACH_ROUND(X, ...) EACH_FLOATS(X, __VA_ARGS__) EACH_I32_I64(X, __VA_ARGS__)

UNARY_KERNELS(floor, FLOATS, TN_FLOATS, floor(x))
UNARY_KERNELS(ceil, FLOATS, TN_FLOATS, ceil(x))
UNARY_KERNELS(rint, F32_F64, MASK_F32_F64, rint(x))

EACH_FLOATS(LOOP1, round, rint(x))
EACH_I32_I64(LOOP1, round, x)
static const tn_loop_row round_rows[] = {EACH_ROUND(LOOP_ROW, round){0}};
KERNELS(round, TN_FLOATS | TN_BIT(TN_INT32) | TN_BIT(TN_INT64))

/* Steps are flat: nothing flows back. */
static tn_error *flat_gradient(tn_gradient_ctx *c) { return c->scope->error; }

TN_OP(Floor, ELEMENTWISE_UNARY(FLOOR), .attrs = "T: floattype", .doc = "The largest integer not above x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = flat_gradient, .kernels = floor_kernels);
TN_OP(Ceil, ELEMENTWISE_UNARY(CEIL), .attrs = "T: floattype", .doc = "The smallest integer not below x.",
      .flags = TN_OP_ELEMENTWISE, .gradient = flat_gradient, .kernels = ceil_kernels);
TN_OP(Round, ELEMENTWISE_UNARY(ROUND),
      .attrs = "T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}",
      .doc = "The integer nearest to x, halves to even.", .flags = TN_OP_ELEMENTWISE, .gradient = flat_gradient,
      .kernels = round_kernels);
TN_OP(Rint, ELEMENTWISE_UNARY(ROUND), .attrs = "T: floattype", .doc = "The integer nearest to x, halves to even.",
      .flags = TN_OP_ELEMENTWISE, .gradient = flat_gradient, .kernels = rint_kernels);
