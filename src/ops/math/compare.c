/* Order: Less, LessEqual, Greater, GreaterEqual, and ApproximateEqual. */
#include "ops/math/loops.h"

#define ORDER_KERNELS(NAME, OPERATOR)                                                                                  \
  EACH_REALS(LOOP2_BOOL, NAME, x OPERATOR y)                                                                           \
  static const tn_loop_row NAME##_rows[] = {EACH_REALS(LOOP_ROW, NAME){0}};                                            \
  KERNELS(NAME, TN_REALS)

ORDER_KERNELS(less, <)
ORDER_KERNELS(less_equal, <=)
ORDER_KERNELS(greater, >)
ORDER_KERNELS(greater_equal, >=)

EACH_F32_F64(LOOP2_BOOL, approximate_equal, fabs(x - y) < (T)parameter)
static const tn_loop_row approximate_equal_rows[] = {EACH_F32_F64(LOOP_ROW, approximate_equal){0}};
KERNELS_SAME_SHAPE(approximate_equal, MASK_F32_F64, tn_node_get_float(p->node, "tolerance"))

#define COMPARISON .inputs = "x: T, y: T", .outputs = "z: bool"
#define ORDER      COMPARISON, .attrs = "T: realnumbertype", .shape = tn_shape_broadcast_binary
TN_OP(Less, ORDER, .doc = "Whether x < y.", .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT, .micro = TN_MICRO_LESS,
      .kernels = less_kernels);
TN_OP(LessEqual, ORDER, .doc = "Whether x <= y.", .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT,
      .micro = TN_MICRO_LESS_EQUAL, .kernels = less_equal_kernels);
TN_OP(Greater, ORDER, .doc = "Whether x > y.", .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT,
      .micro = TN_MICRO_GREATER, .kernels = greater_kernels);
TN_OP(GreaterEqual, ORDER, .doc = "Whether x >= y.", .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT,
      .micro = TN_MICRO_GREATER_EQUAL, .kernels = greater_equal_kernels);
TN_OP(ApproximateEqual, COMPARISON, .attrs = "T: numbertype; tolerance: float = 9.99999975e-06",
      .doc = "Whether |x - y| < tolerance.", .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT,
      .micro = TN_MICRO_APPROXIMATE_EQUAL, .shape = tn_shape_merge_all, .kernels = approximate_equal_kernels);
