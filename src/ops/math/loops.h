/* Macros that write the plain loops of an elementwise op for each dtype, and its kernel list. An expression uses x (and
 * y, w), `parameter`, and the types T (what it is computed in), U (T with wrap-around arithmetic for integers) and S (T
 * as it is stored). <tgmath.h> makes exp(x) mean expf, exp or cexp. 16-bit floats are computed in float and rounded
 * once. */
#ifndef TN_OPS_MATH_LOOPS_H
#define TN_OPS_MATH_LOOPS_H

#include <tgmath.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/elementwise.h"
#include "kernel/tape.h"

/* Per tag: dtype, stored type, computed type, wrapping type, load, store. */
#define DT_f32     TN_FLOAT
#define DT_f64     TN_DOUBLE
#define DT_f16     TN_HALF
#define DT_bf16    TN_BFLOAT16
#define DT_i8      TN_INT8
#define DT_i16     TN_INT16
#define DT_i32     TN_INT32
#define DT_i64     TN_INT64
#define DT_u8      TN_UINT8
#define DT_u16     TN_UINT16
#define DT_u32     TN_UINT32
#define DT_u64     TN_UINT64
#define DT_c64     TN_COMPLEX64
#define DT_c128    TN_COMPLEX128
#define DT_b8      TN_BOOL
#define ST_f32     float
#define ST_f64     double
#define ST_f16     uint16_t
#define ST_bf16    uint16_t
#define ST_i8      int8_t
#define ST_i16     int16_t
#define ST_i32     int32_t
#define ST_i64     int64_t
#define ST_u8      uint8_t
#define ST_u16     uint16_t
#define ST_u32     uint32_t
#define ST_u64     uint64_t
#define ST_c64     float complex
#define ST_c128    double complex
#define ST_b8      bool
#define CT_f32     float
#define CT_f64     double
#define CT_f16     float
#define CT_bf16    float
#define CT_i8      int8_t
#define CT_i16     int16_t
#define CT_i32     int32_t
#define CT_i64     int64_t
#define CT_u8      uint8_t
#define CT_u16     uint16_t
#define CT_u32     uint32_t
#define CT_u64     uint64_t
#define CT_c64     float complex
#define CT_c128    double complex
#define CT_b8      bool
#define UT_f32     float
#define UT_f64     double
#define UT_f16     float
#define UT_bf16    float
#define UT_i8      uint32_t
#define UT_i16     uint32_t
#define UT_i32     uint32_t
#define UT_i64     uint64_t
#define UT_u8      uint32_t
#define UT_u16     uint32_t
#define UT_u32     uint32_t
#define UT_u64     uint64_t
#define UT_c64     float complex
#define UT_c128    double complex
#define UT_b8      bool
#define LD_f32(v)  (v)
#define LD_f64(v)  (v)
#define LD_f16(v)  tn_half_to_float(v)
#define LD_bf16(v) tn_bfloat16_to_float(v)
#define LD_i8(v)   (v)
#define LD_i16(v)  (v)
#define LD_i32(v)  (v)
#define LD_i64(v)  (v)
#define LD_u8(v)   (v)
#define LD_u16(v)  (v)
#define LD_u32(v)  (v)
#define LD_u64(v)  (v)
#define LD_c64(v)  (v)
#define LD_c128(v) (v)
#define LD_b8(v)   (v)
#define SV_f32(v)  ((float)(v))
#define SV_f64(v)  (v)
#define SV_f16(v)  tn_float_to_half((float)(v))
#define SV_bf16(v) tn_float_to_bfloat16((float)(v))
#define SV_i8(v)   ((int8_t)(v))
#define SV_i16(v)  ((int16_t)(v))
#define SV_i32(v)  ((int32_t)(v))
#define SV_i64(v)  ((int64_t)(v))
#define SV_u8(v)   ((uint8_t)(v))
#define SV_u16(v)  ((uint16_t)(v))
#define SV_u32(v)  ((uint32_t)(v))
#define SV_u64(v)  ((uint64_t)(v))
#define SV_c64(v)  ((float complex)(v))
#define SV_c128(v) (v)
#define SV_b8(v)   ((bool)(v))

/* Sets of dtypes: EACH_set(X, ...) writes X(tag, ...) for each. */
#define EACH_FLOATS(X, ...)           X(f32, __VA_ARGS__) X(f64, __VA_ARGS__) X(f16, __VA_ARGS__) X(bf16, __VA_ARGS__)
#define EACH_F32_F64(X, ...)          X(f32, __VA_ARGS__) X(f64, __VA_ARGS__)
#define EACH_F_NO_BF16(X, ...)        X(f32, __VA_ARGS__) X(f64, __VA_ARGS__) X(f16, __VA_ARGS__)
#define EACH_SIGNED(X, ...)           X(i8, __VA_ARGS__) X(i16, __VA_ARGS__) X(i32, __VA_ARGS__) X(i64, __VA_ARGS__)
#define EACH_UNSIGNED(X, ...)         X(u8, __VA_ARGS__) X(u16, __VA_ARGS__) X(u32, __VA_ARGS__) X(u64, __VA_ARGS__)
#define EACH_INTS(X, ...)             EACH_SIGNED(X, __VA_ARGS__) EACH_UNSIGNED(X, __VA_ARGS__)
#define EACH_I32_I64(X, ...)          X(i32, __VA_ARGS__) X(i64, __VA_ARGS__)
#define EACH_COMPLEXES(X, ...)        X(c64, __VA_ARGS__) X(c128, __VA_ARGS__)
#define EACH_FLOATS_COMPLEXES(X, ...) EACH_FLOATS(X, __VA_ARGS__) EACH_COMPLEXES(X, __VA_ARGS__)
#define EACH_BOOL(X, ...)             X(b8, __VA_ARGS__)
#define EACH_REALS(X, ...)            EACH_FLOATS(X, __VA_ARGS__) EACH_INTS(X, __VA_ARGS__)
#define EACH_NUMBERS(X, ...)          EACH_REALS(X, __VA_ARGS__) EACH_COMPLEXES(X, __VA_ARGS__)

/* One loop: TAG of the inputs, OTAG of the output, NAME of the function up to the tag. */
#define LOOP1_TO(TAG, OTAG, NAME, ...)                                                                                 \
  static void NAME##_##TAG(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {       \
    typedef CT_##TAG T __attribute__((unused));                                                                        \
    typedef UT_##TAG U __attribute__((unused));                                                                        \
    const ST_##TAG *a = in[0];                                                                                         \
    ST_##OTAG *z = out;                                                                                                \
    (void)parameter;                                                                                                   \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      T x = LD_##TAG(a[i * step[0]]);                                                                                  \
      z[i] = SV_##OTAG(__VA_ARGS__);                                                                                   \
    }                                                                                                                  \
  }
#define LOOP2_TO(TAG, OTAG, NAME, ...)                                                                                 \
  static void NAME##_##TAG(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {       \
    typedef CT_##TAG T __attribute__((unused));                                                                        \
    typedef UT_##TAG U __attribute__((unused));                                                                        \
    const ST_##TAG *a = in[0], *b = in[1];                                                                             \
    ST_##OTAG *z = out;                                                                                                \
    (void)parameter;                                                                                                   \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      T x = LD_##TAG(a[i * step[0]]), y = LD_##TAG(b[i * step[1]]);                                                    \
      z[i] = SV_##OTAG(__VA_ARGS__);                                                                                   \
    }                                                                                                                  \
  }
#define LOOP3(TAG, NAME, ...)                                                                                          \
  static void NAME##_##TAG(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {       \
    typedef CT_##TAG T __attribute__((unused));                                                                        \
    const ST_##TAG *a = in[0], *b = in[1], *c = in[2];                                                                 \
    ST_##TAG *z = out;                                                                                                 \
    (void)parameter;                                                                                                   \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      T x = LD_##TAG(a[i * step[0]]), y = LD_##TAG(b[i * step[1]]), w = LD_##TAG(c[i * step[2]]);                      \
      z[i] = SV_##TAG(__VA_ARGS__);                                                                                    \
    }                                                                                                                  \
  }
#define LOOP1(TAG, NAME, ...)       LOOP1_TO(TAG, TAG, NAME, __VA_ARGS__)
#define LOOP2(TAG, NAME, ...)       LOOP2_TO(TAG, TAG, NAME, __VA_ARGS__)
#define LOOP1_BOOL(TAG, NAME, ...)  LOOP1_TO(TAG, b8, NAME, __VA_ARGS__)
#define LOOP2_BOOL(TAG, NAME, ...)  LOOP2_TO(TAG, b8, NAME, __VA_ARGS__)
#define LOOP1_TO_U8(TAG, NAME, ...) LOOP1_TO(TAG, u8, NAME, __VA_ARGS__)
#define LOOP_ROW(TAG, NAME)         {DT_##TAG, NAME##_##TAG},

/* The kernels of an op: "vector" for float32 through its micro-operation, and "reference" for MASK. They are called
 * NAME_kernels; the loops are in NAME_rows. KERNELS_PLAIN leaves "vector" out, KERNELS_SAME does not broadcast. */
#define KERNELS_WITH(NAME, MASK, PREPARE, VECTOR)                                                                      \
  static tn_error *NAME##_prepare(tn_prepare *p) { return PREPARE; }                                                   \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "vector", .types = TN_TAPE_TYPES, .prepare = VECTOR, .run = tn_tape_kernel_run},                        \
      {.name = "reference", .types = (MASK), .prepare = NAME##_prepare, .run = tn_elementwise_run},                    \
      {0}};
#define KERNELS_PLAIN_WITH(NAME, MASK, PREPARE)                                                                        \
  static tn_error *NAME##_prepare(tn_prepare *p) { return PREPARE; }                                                   \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "reference", .types = (MASK), .prepare = NAME##_prepare, .run = tn_elementwise_run}, {0}};
#define KERNELS(NAME, MASK)                                                                                            \
  KERNELS_WITH(NAME, MASK, tn_elementwise_prepare(p, NAME##_rows, 0, NULL), tn_tape_kernel_prepare)
#define KERNELS_SAME(NAME, MASK)                                                                                       \
  KERNELS_WITH(NAME, MASK, tn_elementwise_prepare_same(p, NAME##_rows, 0, false), tn_tape_kernel_prepare_same_size)
#define KERNELS_SAME_SHAPE(NAME, MASK, PARAMETER)                                                                      \
  KERNELS_WITH(NAME, MASK, tn_elementwise_prepare_same(p, NAME##_rows, PARAMETER, true), tn_tape_kernel_prepare_same)
#define GRAD_KERNELS(NAME, SET, MASK, ...)                                                                             \
  EACH_##SET(LOOP2, NAME, __VA_ARGS__) static const tn_loop_row NAME##_rows[] = {EACH_##SET(LOOP_ROW, NAME){0}};       \
  KERNELS_SAME_SHAPE(NAME, MASK, 0)
#define KERNELS_PLAIN(NAME, MASK) KERNELS_PLAIN_WITH(NAME, MASK, tn_elementwise_prepare(p, NAME##_rows, 0, NULL))
#define MASK_F32_F64              (TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE))
#define MASK_F_NO_BF16            (MASK_F32_F64 | TN_BIT(TN_HALF))

/* The commonest case: loops for SET (FLOATS ...) with one expression, and nothing else. */
#define UNARY_KERNELS(NAME, SET, MASK, ...)                                                                            \
  EACH_##SET(LOOP1, NAME, __VA_ARGS__) static const tn_loop_row NAME##_rows[] = {EACH_##SET(LOOP_ROW, NAME){0}};       \
  KERNELS(NAME, MASK)
#define BINARY_KERNELS(NAME, SET, MASK, ...)                                                                           \
  EACH_##SET(LOOP2, NAME, __VA_ARGS__) static const tn_loop_row NAME##_rows[] = {EACH_##SET(LOOP_ROW, NAME){0}};       \
  KERNELS(NAME, MASK)

/* The usual parts of a record. */
#define ELEMENTWISE_UNARY(MICRO)                                                                                       \
  .inputs = "x: T", .outputs = "y: T", .micro = TN_MICRO_##MICRO, .shape = tn_shape_unchanged
#define ELEMENTWISE_BINARY(MICRO)                                                                                      \
  .inputs = "x: T, y: T", .outputs = "z: T", .micro = TN_MICRO_##MICRO, .shape = tn_shape_broadcast_binary
#define ELEMENTWISE_GRAD(MICRO)                                                                                        \
  .inputs = "y: T, dy: T", .outputs = "z: T", .micro = TN_MICRO_##MICRO, .shape = tn_shape_unchanged
#define ACTIVATION(MICRO)                                                                                              \
  .inputs = "features: T", .outputs = "activations: T", .micro = TN_MICRO_##MICRO, .shape = tn_shape_unchanged
#define ACTIVATION_GRAD(MICRO, OF)                                                                                     \
  .inputs = "gradients: T, " OF ": T", .outputs = "backprops: T", .micro = TN_MICRO_##MICRO, .shape = tn_shape_merge_all
#define FLOATS_AND_COMPLEX "T: {bfloat16, half, float, double, complex64, complex128}"

#endif
