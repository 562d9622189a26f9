/* What kind of number: IsNan, IsInf, IsFinite. */
#include "ops/math/loops.h"

EACH_FLOATS(LOOP1_BOOL, is_nan, isnan(x))
static const tn_loop_row is_nan_rows[] = {EACH_FLOATS(LOOP_ROW, is_nan){0}};
KERNELS(is_nan, TN_FLOATS)

EACH_FLOATS(LOOP1_BOOL, is_inf, isinf(x))
static const tn_loop_row is_inf_rows[] = {EACH_FLOATS(LOOP_ROW, is_inf){0}};
KERNELS(is_inf, TN_FLOATS)

EACH_FLOATS(LOOP1_BOOL, is_finite, isfinite(x))
static const tn_loop_row is_finite_rows[] = {EACH_FLOATS(LOOP_ROW, is_finite){0}};
KERNELS(is_finite, TN_FLOATS)

TN_OP(IsNan, .inputs = "x: T", .outputs = "y: bool", .attrs = "T: floattype", .doc = "Whether x is not a number.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED, .micro = TN_MICRO_IS_NAN, .shape = tn_shape_unchanged,
      .kernels = is_nan_kernels);
TN_OP(IsInf, .inputs = "x: T", .outputs = "y: bool", .attrs = "T: floattype", .doc = "Whether x is infinite.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED, .micro = TN_MICRO_IS_INF, .shape = tn_shape_unchanged,
      .kernels = is_inf_kernels);
TN_OP(IsFinite, .inputs = "x: T", .outputs = "y: bool", .attrs = "T: floattype",
      .doc = "Whether x is neither infinite nor NaN.", .flags = TN_OP_ELEMENTWISE | TN_OP_GRADIENT_UNREGISTERED,
      .micro = TN_MICRO_IS_FINITE, .shape = tn_shape_unchanged, .kernels = is_finite_kernels);
