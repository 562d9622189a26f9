/* Max and Min. A NaN among the elements is the result, as in TensorFlow. */
#include <math.h>

#include "ops/reduce/reducers.h"

#define MAX_FLOAT(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define MIN_FLOAT(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define MAX_INT(a, b)   ((a) > (b) ? (a) : (b))
#define MIN_INT(a, b)   ((a) < (b) ? (a) : (b))

#define BOTH_FLOAT(NAME, TYPE, ACC, LOAD, SAVE)                                                                        \
  TN_REDUCER(max_##NAME, TYPE, ACC, -(ACC)INFINITY, LOAD, MAX_FLOAT, SAVE);                                            \
  TN_REDUCER(min_##NAME, TYPE, ACC, (ACC)INFINITY, LOAD, MIN_FLOAT, SAVE)
#define BOTH_INT(NAME, TYPE, LOW, HIGH)                                                                                \
  TN_REDUCER(max_##NAME, TYPE, TYPE, LOW, TN_AS_IS, MAX_INT, TN_AS_IS);                                                \
  TN_REDUCER(min_##NAME, TYPE, TYPE, HIGH, TN_AS_IS, MIN_INT, TN_AS_IS)

BOTH_FLOAT(float, float, float, TN_AS_IS, TN_AS_IS);
BOTH_FLOAT(double, double, double, TN_AS_IS, TN_AS_IS);
BOTH_FLOAT(half, uint16_t, float, tn_half_to_float, tn_float_to_half);
BOTH_FLOAT(bfloat16, uint16_t, float, tn_bfloat16_to_float, tn_float_to_bfloat16);
BOTH_INT(int8, int8_t, INT8_MIN, INT8_MAX);
BOTH_INT(uint8, uint8_t, 0, UINT8_MAX);
BOTH_INT(int16, int16_t, INT16_MIN, INT16_MAX);
BOTH_INT(uint16, uint16_t, 0, UINT16_MAX);
BOTH_INT(int32, int32_t, INT32_MIN, INT32_MAX);
BOTH_INT(uint32, uint32_t, 0, UINT32_MAX);
BOTH_INT(int64, int64_t, INT64_MIN, INT64_MAX);
BOTH_INT(uint64, uint64_t, 0, UINT64_MAX);

#define TABLE(WHAT)                                                                                                    \
  {                                                                                                                    \
    [TN_FLOAT] = &WHAT##_float, [TN_DOUBLE] = &WHAT##_double, [TN_HALF] = &WHAT##_half,                                \
    [TN_BFLOAT16] = &WHAT##_bfloat16, [TN_INT8] = &WHAT##_int8, [TN_UINT8] = &WHAT##_uint8,                            \
    [TN_INT16] = &WHAT##_int16, [TN_UINT16] = &WHAT##_uint16, [TN_INT32] = &WHAT##_int32,                              \
    [TN_UINT32] = &WHAT##_uint32, [TN_INT64] = &WHAT##_int64, [TN_UINT64] = &WHAT##_uint64                             \
  }
static tn_reducer_table maxima = TABLE(max), minima = TABLE(min);

static tn_error *max_prepare(tn_prepare *p) { return tn_reduce_prepare(p, maxima); }
static tn_error *min_prepare(tn_prepare *p) { return tn_reduce_prepare(p, minima); }

/* The gradient goes in equal parts to the elements that equal the extremum. */
static tn_error *extremum_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output kept = tn_build_kept_shape(c), x = tn_grad_x(c, 0);
  tn_output y = tn_build2(s, "Reshape", tn_grad_y(c, 0), kept);
  tn_output gradient = tn_build2(s, "Reshape", tn_grad_dense(c, 0), kept);
  tn_output hits = tn_build_cast(s, tn_build2(s, "Equal", y, x), tn_output_dtype(gradient));
  tn_output n = tn_build2(s, "Reshape", tn_build_sum(s, hits, tn_grad_x(c, 1), false), kept);
  tn_grad_set(c, 0, tn_build2(s, "Mul", tn_build2(s, "RealDiv", hits, n), gradient));
  return NULL;
}

static const tn_kernel_def max_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = max_prepare, .run = tn_reduce_run}, {0}};
static const tn_kernel_def min_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = min_prepare, .run = tn_reduce_run}, {0}};

#define TYPES                                                                                                          \
  "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8, quint8, qint32, "  \
  "qint16, quint16}"

TN_OP(Max, .inputs = "input: T, reduction_indices: Tidx", .outputs = "output: T",
      .attrs = "keep_dims: bool = false; T: " TYPES "; Tidx: indextype = DT_INT32",
      .doc = "The largest of the elements over the given axes.", .value_inputs = 1 << 1, .shape = tn_shape_reduction,
      .gradient = extremum_gradient, .kernels = max_kernels);

TN_OP(Min, .inputs = "input: T, reduction_indices: Tidx", .outputs = "output: T",
      .attrs = "keep_dims: bool = false; T: " TYPES "; Tidx: indextype = DT_INT32",
      .doc = "The smallest of the elements over the given axes.", .value_inputs = 1 << 1, .shape = tn_shape_reduction,
      .gradient = extremum_gradient, .kernels = min_kernels);
