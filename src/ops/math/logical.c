/* Truth values: LogicalNot, LogicalAnd, LogicalOr. */
#include "ops/math/loops.h"

EACH_BOOL(LOOP1, logical_not, !x)
static const tn_loop_row logical_not_rows[] = {EACH_BOOL(LOOP_ROW, logical_not){0}};
KERNELS_PLAIN(logical_not, 0)

EACH_BOOL(LOOP2, logical_and, x &&y)
static const tn_loop_row logical_and_rows[] = {EACH_BOOL(LOOP_ROW, logical_and){0}};
KERNELS_PLAIN(logical_and, 0)

EACH_BOOL(LOOP2, logical_or, x || y)
static const tn_loop_row logical_or_rows[] = {EACH_BOOL(LOOP_ROW, logical_or){0}};
KERNELS_PLAIN(logical_or, 0)

TN_OP(LogicalNot, .inputs = "x: bool", .outputs = "y: bool", .attrs = "", .doc = "Not x.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT, .micro = TN_MICRO_NOT, .shape = tn_shape_unchanged,
      .kernels = logical_not_kernels);
TN_OP(LogicalAnd, .inputs = "x: bool, y: bool", .outputs = "z: bool", .attrs = "", .doc = "x and y.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT, .micro = TN_MICRO_AND,
      .shape = tn_shape_broadcast_binary, .kernels = logical_and_kernels);
TN_OP(LogicalOr, .inputs = "x: bool, y: bool", .outputs = "z: bool", .attrs = "", .doc = "x or y.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT, .micro = TN_MICRO_OR,
      .shape = tn_shape_broadcast_binary, .kernels = logical_or_kernels);
