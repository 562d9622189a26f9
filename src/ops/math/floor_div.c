/* Quotients and remainders that are whole: FloorDiv, TruncateDiv, FloorMod, TruncateMod, Mod. */
#include "ops/math/grad.h"
#include "ops/math/integer_check.h"
#include "ops/math/loops.h"

/* Integers by -1 are apart because the smallest one by -1 would trap. */
EACH_FLOATS(LOOP2, floor_div, floor(x / y))
EACH_SIGNED(LOOP2, floor_div, y == -1 ? 0 - (U)x : (U)(x / y - (x % y != 0 && (x < 0) != (y < 0))))
EACH_UNSIGNED(LOOP2, floor_div, x / y)
static const tn_loop_row floor_div_rows[] = {EACH_REALS(LOOP_ROW, floor_div){0}};
KERNELS_WITH(floor_div, TN_REALS, tn_elementwise_prepare(p, floor_div_rows, 0, tn_check_divisor),
             tn_tape_kernel_prepare)

EACH_FLOATS(LOOP2, truncate_div, trunc(x / y))
EACH_SIGNED(LOOP2, truncate_div, y == -1 ? 0 - (U)x : (U)(x / y))
EACH_UNSIGNED(LOOP2, truncate_div, x / y)
static const tn_loop_row truncate_div_rows[] = {EACH_REALS(LOOP_ROW, truncate_div){0}};
KERNELS_WITH(truncate_div, TN_REALS, tn_elementwise_prepare(p, truncate_div_rows, 0, tn_check_divisor_internal),
             tn_tape_kernel_prepare)

static inline float floor_mod_float(float x, float y) {
  float rest = fmodf(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
static inline double floor_mod_double(double x, double y) {
  double rest = fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
LOOP2(f32, floor_mod, floor_mod_float(x, y))
LOOP2(f16, floor_mod, floor_mod_float(x, y))
LOOP2(bf16, floor_mod, floor_mod_float(x, y))
LOOP2(f64, floor_mod, floor_mod_double(x, y))
EACH_SIGNED(LOOP2, floor_mod, y == -1 ? 0 : x % y + (x % y != 0 && (x < 0) != (y < 0) ? y : 0))
EACH_UNSIGNED(LOOP2, floor_mod, x % y)
static const tn_loop_row floor_mod_rows[] = {EACH_REALS(LOOP_ROW, floor_mod){0}};
KERNELS_WITH(floor_mod, TN_REALS, tn_elementwise_prepare(p, floor_mod_rows, 0, tn_check_divisor),
             tn_tape_kernel_prepare)

#define EACH_MOD(X, ...) EACH_F32_F64(X, __VA_ARGS__) EACH_I32_I64(X, __VA_ARGS__)
EACH_F32_F64(LOOP2, truncate_mod, fmod(x, y))
EACH_I32_I64(LOOP2, truncate_mod, y == -1 ? 0 : x % y)
static const tn_loop_row truncate_mod_rows[] = {EACH_MOD(LOOP_ROW, truncate_mod){0}};
KERNELS_WITH(truncate_mod, MASK_F32_F64 | TN_BIT(TN_INT32) | TN_BIT(TN_INT64),
             tn_elementwise_prepare(p, truncate_mod_rows, 0, tn_check_divisor_internal), tn_tape_kernel_prepare)
KERNELS_WITH(mod, MASK_F32_F64 | TN_BIT(TN_INT32) | TN_BIT(TN_INT64),
             tn_elementwise_prepare(p, truncate_mod_rows, 0, tn_check_divisor), tn_tape_kernel_prepare)

/* Steps are flat: nothing flows back. */
static tn_error *flat_gradient(tn_gradient_ctx *c) { return c->scope->error; }

static tn_error *floor_mod_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0);
  tn_output quotient = grad_op2(s, "FloorDiv", tn_grad_x(c, 0), tn_grad_x(c, 1));
  grad_set_both(c, grad, grad_mul(s, grad, grad_neg(s, quotient)));
  return s->error;
}

#define DIV_TYPES                                                                                                      \
  "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, complex64, "           \
  "complex128}"
TN_OP(FloorDiv, ELEMENTWISE_BINARY(FLOOR_DIV), .attrs = DIV_TYPES, .doc = "The largest integer not above x / y.",
      .flags = TN_OP_ELEMENTWISE, .gradient = flat_gradient, .kernels = floor_div_kernels);
TN_OP(TruncateDiv, ELEMENTWISE_BINARY(TRUNCATE_DIV), .attrs = DIV_TYPES, .doc = "x / y without its fraction.",
      .flags = TN_OP_ELEMENTWISE, .gradient = flat_gradient, .kernels = truncate_div_kernels);
TN_OP(FloorMod, ELEMENTWISE_BINARY(FLOOR_MOD), .attrs = "T: realnumbertype",
      .doc = "The rest of x / y with the sign of y.", .flags = TN_OP_ELEMENTWISE, .gradient = floor_mod_gradient,
      .kernels = floor_mod_kernels);
TN_OP(TruncateMod, ELEMENTWISE_BINARY(TRUNCATE_MOD), .attrs = "T: {int32, int64, bfloat16, half, float, double}",
      .doc = "The rest of x / y with the sign of x.", .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED,
      .kernels = truncate_mod_kernels);
TN_OP(Mod, ELEMENTWISE_BINARY(TRUNCATE_MOD), .attrs = "T: {int32, int64, half, half, bfloat16, float, double}",
      .doc = "The rest of x / y with the sign of x; the old name of TruncateMod.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED, .kernels = mod_kernels);
