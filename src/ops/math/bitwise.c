/* Bits of integers: Invert, BitwiseAnd, BitwiseOr, BitwiseXor, LeftShift, RightShift, PopulationCount. */
#include "ops/math/loops.h"

#define INTEGERS "T: {int8, int16, int32, int64, uint8, uint16, uint32, uint64}"
/* Shifts by less than 0 or more than the width - 1 are clamped, as TensorFlow does. */
#define SHIFT() ((int)(y < 0 ? 0 : y > (T)(sizeof(T) * 8 - 1) ? (T)(sizeof(T) * 8 - 1) : y))
#define BITWISE(NAME, ...)                                                                                             \
  EACH_INTS(LOOP2, NAME, __VA_ARGS__) static const tn_loop_row NAME##_rows[] = {EACH_INTS(LOOP_ROW, NAME){0}};         \
  KERNELS_PLAIN(NAME, TN_SIGNED | TN_UNSIGNED)

EACH_INTS(LOOP1, invert, ~x)
static const tn_loop_row invert_rows[] = {EACH_INTS(LOOP_ROW, invert){0}};
KERNELS_PLAIN(invert, TN_SIGNED | TN_UNSIGNED)

EACH_SIGNED(LOOP1_TO_U8, population_count, __builtin_popcountll((uint64_t)x &(~(uint64_t)0 >> (64 - 8 * sizeof(T)))))
EACH_UNSIGNED(LOOP1_TO_U8, population_count, __builtin_popcountll(x))
static const tn_loop_row population_count_rows[] = {EACH_INTS(LOOP_ROW, population_count){0}};
KERNELS_PLAIN(population_count, TN_SIGNED | TN_UNSIGNED)

BITWISE(bitwise_and, x &y)
BITWISE(bitwise_or, x | y)
BITWISE(bitwise_xor, x ^ y)

EACH_SIGNED(LOOP2, left_shift, (U)x << SHIFT())
EACH_UNSIGNED(LOOP2, left_shift, (U)x << (y > sizeof(T) * 8 - 1 ? sizeof(T) * 8 - 1 : y))
static const tn_loop_row left_shift_rows[] = {EACH_INTS(LOOP_ROW, left_shift){0}};
KERNELS_PLAIN(left_shift, TN_SIGNED | TN_UNSIGNED)

EACH_SIGNED(LOOP2, right_shift, x >> SHIFT())
EACH_UNSIGNED(LOOP2, right_shift, x >> (y > sizeof(T) * 8 - 1 ? sizeof(T) * 8 - 1 : y))
static const tn_loop_row right_shift_rows[] = {EACH_INTS(LOOP_ROW, right_shift){0}};
KERNELS_PLAIN(right_shift, TN_SIGNED | TN_UNSIGNED)

TN_OP(Invert, .inputs = "x: T", .outputs = "y: T", .attrs = INTEGERS, .doc = "Every bit of x flipped.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged, .kernels = invert_kernels);
TN_OP(PopulationCount, .inputs = "x: T", .outputs = "y: uint8", .attrs = INTEGERS,
      .doc = "The number of bits set in x.", .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT,
      .shape = tn_shape_unchanged, .kernels = population_count_kernels);
TN_OP(BitwiseAnd, .inputs = "x: T, y: T", .outputs = "z: T", .attrs = INTEGERS, .doc = "The bits set in x and in y.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT, .shape = tn_shape_broadcast_binary,
      .kernels = bitwise_and_kernels);
TN_OP(BitwiseOr, .inputs = "x: T, y: T", .outputs = "z: T", .attrs = INTEGERS, .doc = "The bits set in x or in y.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT, .shape = tn_shape_broadcast_binary,
      .kernels = bitwise_or_kernels);
TN_OP(BitwiseXor, .inputs = "x: T, y: T", .outputs = "z: T", .attrs = INTEGERS,
      .doc = "The bits that differ in x and y.", .flags = TN_OP_ELEMENTWISE | TN_OP_COMMUTATIVE | TN_OP_NO_GRADIENT,
      .shape = tn_shape_broadcast_binary, .kernels = bitwise_xor_kernels);
TN_OP(LeftShift, .inputs = "x: T, y: T", .outputs = "z: T", .attrs = INTEGERS, .doc = "x shifted left by y bits.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT, .shape = tn_shape_broadcast_binary,
      .kernels = left_shift_kernels);
TN_OP(RightShift, .inputs = "x: T, y: T", .outputs = "z: T", .attrs = INTEGERS, .doc = "x shifted right by y bits.",
      .flags = TN_OP_ELEMENTWISE | TN_OP_NO_GRADIENT, .shape = tn_shape_broadcast_binary,
      .kernels = right_shift_kernels);
