/* Micro-operations of two and three operands. */
#include "kernel/simd/micro.h"

static inline float floor_mod(float x, float y) {
  float rest = fmodf(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

MICRO2(add, x + y)
MICRO2(subtract, x - y)
MICRO2(multiply, x *y)
MICRO2(divide, x / y)
MICRO2(maximum, v_max(x, y))
MICRO2(minimum, v_min(x, y))
MICRO2(squared_difference, (x - y) * (x - y))
MICRO2(floor_div, v_floor(x / y))
MICRO2(truncate_div, v_trunc(x / y))
MICRO2(div_no_nan, v_blend(y == 0, v_set(0), x / y))
MICRO2(mul_no_nan, v_blend(y == 0, v_set(0), x *y))
MICRO2(xdivy, v_blend(x == 0, v_set(0), x / y))
MICRO2(equal, v_truth(x == y))
MICRO2(not_equal, v_truth(x != y))
MICRO2(less, v_truth(x < y))
MICRO2(less_equal, v_truth(x <= y))
MICRO2(greater, v_truth(x > y))
MICRO2(greater_equal, v_truth(x >= y))
MICRO2(approximate_equal, v_truth(v_abs(x - y) < imm))
MICRO2(both, v_truth((x != 0) & (y != 0)))
MICRO2(either, v_truth((x != 0) | (y != 0)))
MICRO_SCALAR2(power, powf(x, y))
MICRO_SCALAR2(arc_tangent_2, atan2f(x, y))
MICRO_SCALAR2(remainder_floor, floor_mod(x, y))
MICRO_SCALAR2(remainder_truncate, fmodf(x, y))
MICRO3(select_by, v_blend(x != 0, y, w))
MICRO3(clip, v_blend(v_blend(w < x, w, x) < y, y, v_blend(w < x, w, x)))

void SIMD_NAME(tn_simd_fill_binary)(tn_simd *table) {
  tn_micro_fn *m = table->micro;
  m[TN_MICRO_ADD] = add;
  m[TN_MICRO_SUB] = subtract;
  m[TN_MICRO_MUL] = multiply;
  m[TN_MICRO_DIV] = divide;
  m[TN_MICRO_MAXIMUM] = maximum;
  m[TN_MICRO_MINIMUM] = minimum;
  m[TN_MICRO_SQUARED_DIFFERENCE] = squared_difference;
  m[TN_MICRO_FLOOR_DIV] = floor_div;
  m[TN_MICRO_TRUNCATE_DIV] = truncate_div;
  m[TN_MICRO_DIV_NO_NAN] = div_no_nan;
  m[TN_MICRO_MUL_NO_NAN] = mul_no_nan;
  m[TN_MICRO_XDIVY] = xdivy;
  m[TN_MICRO_EQUAL] = equal;
  m[TN_MICRO_NOT_EQUAL] = not_equal;
  m[TN_MICRO_LESS] = less;
  m[TN_MICRO_LESS_EQUAL] = less_equal;
  m[TN_MICRO_GREATER] = greater;
  m[TN_MICRO_GREATER_EQUAL] = greater_equal;
  m[TN_MICRO_APPROXIMATE_EQUAL] = approximate_equal;
  m[TN_MICRO_AND] = both;
  m[TN_MICRO_OR] = either;
  m[TN_MICRO_POW] = power;
  m[TN_MICRO_ATAN2] = arc_tangent_2;
  m[TN_MICRO_FLOOR_MOD] = remainder_floor;
  m[TN_MICRO_TRUNCATE_MOD] = remainder_truncate;
  m[TN_MICRO_SELECT] = select_by;
  m[TN_MICRO_CLIP] = clip;
}
