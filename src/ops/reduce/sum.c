/* Sum and Mean. Half and bfloat16 are summed in float32. */
#include "ops/reduce/reducers.h"

#define ADD(a, b) ((a) + (b))
TN_REDUCER(sum_float, float, float, 0, TN_AS_IS, ADD, TN_AS_IS);
TN_REDUCER(sum_double, double, double, 0, TN_AS_IS, ADD, TN_AS_IS);
TN_REDUCER(sum_half, uint16_t, float, 0, tn_half_to_float, ADD, tn_float_to_half);
TN_REDUCER(sum_bfloat16, uint16_t, float, 0, tn_bfloat16_to_float, ADD, tn_float_to_bfloat16);
TN_REDUCER(sum_8, uint8_t, uint8_t, 0, TN_AS_IS, (uint8_t)ADD, TN_AS_IS);
TN_REDUCER(sum_16, uint16_t, uint16_t, 0, TN_AS_IS, (uint16_t)ADD, TN_AS_IS);
TN_REDUCER(sum_32, uint32_t, uint32_t, 0, TN_AS_IS, ADD, TN_AS_IS);
TN_REDUCER(sum_64, uint64_t, uint64_t, 0, TN_AS_IS, ADD, TN_AS_IS);
TN_REDUCER(sum_complex64, tn_complex64, tn_complex64, 0, TN_AS_IS, ADD, TN_AS_IS);
TN_REDUCER(sum_complex128, tn_complex128, tn_complex128, 0, TN_AS_IS, ADD, TN_AS_IS);

/* Two's complement sums wrap around the same way for signed and unsigned integers. */
static tn_reducer_table sums = {[TN_FLOAT] = &sum_float,
                                [TN_DOUBLE] = &sum_double,
                                [TN_HALF] = &sum_half,
                                [TN_BFLOAT16] = &sum_bfloat16,
                                [TN_INT8] = &sum_8,
                                [TN_UINT8] = &sum_8,
                                [TN_INT16] = &sum_16,
                                [TN_UINT16] = &sum_16,
                                [TN_INT32] = &sum_32,
                                [TN_UINT32] = &sum_32,
                                [TN_INT64] = &sum_64,
                                [TN_UINT64] = &sum_64,
                                [TN_COMPLEX64] = &sum_complex64,
                                [TN_COMPLEX128] = &sum_complex128};

static tn_error *sum_prepare(tn_prepare *p) { return tn_reduce_prepare(p, sums); }

static tn_error *sum_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build_spread(c, tn_grad_dense(c, 0)));
  return NULL;
}

static const tn_kernel_def sum_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = sum_prepare, .run = tn_reduce_run}, {0}};

TN_OP(Sum, .inputs = "input: T, reduction_indices: Tidx", .outputs = "output: T",
      .attrs = "keep_dims: bool = false; T: numbertype; Tidx: indextype = DT_INT32",
      .doc = "The sum of the elements over the given axes.", .value_inputs = 1 << 1, .shape = tn_shape_reduction,
      .gradient = sum_gradient, .kernels = sum_kernels);

/* --- Mean: the sum divided by the count; integers divide as integers, as TensorFlow does --- */

#define STORE_MEAN(NAME, TYPE, ACC, SAVE)                                                                              \
  static void NAME##_store(void *out, const void *acc, int64_t n, int64_t count) {                                     \
    TYPE *y = out;                                                                                                     \
    const ACC *a = acc;                                                                                                \
    for (int64_t i = 0; i < n; i++) y[i] = (TYPE)SAVE;                                                                 \
  }
STORE_MEAN(mean_float, float, float, a[i] / (float)count)
STORE_MEAN(mean_double, double, double, a[i] / (double)count)
STORE_MEAN(mean_half, uint16_t, float, tn_float_to_half(a[i] / (float)count))
STORE_MEAN(mean_bfloat16, uint16_t, float, tn_float_to_bfloat16(a[i] / (float)count))
STORE_MEAN(mean_complex64, tn_complex64, tn_complex64, (a[i] / (float)count))
STORE_MEAN(mean_complex128, tn_complex128, tn_complex128, (a[i] / (double)count))
#define STORE_INTEGER(NAME, TYPE) STORE_MEAN(NAME, TYPE, TYPE, ((TYPE)count ? a[i] / (TYPE)count : 0))
STORE_INTEGER(mean_int8, int8_t)
STORE_INTEGER(mean_uint8, uint8_t)
STORE_INTEGER(mean_int16, int16_t)
STORE_INTEGER(mean_uint16, uint16_t)
STORE_INTEGER(mean_int32, int32_t)
STORE_INTEGER(mean_uint32, uint32_t)
STORE_INTEGER(mean_int64, int64_t)
STORE_INTEGER(mean_uint64, uint64_t)

#define MEAN(NAME, SUM)                                                                                                \
  static const tn_reducer mean_##NAME = {.acc_size = sizeof(SUM##_acc),                                                \
                                         .init = SUM##_init,                                                           \
                                         .row = SUM##_row,                                                             \
                                         .column = SUM##_column,                                                       \
                                         .merge = SUM##_merge,                                                         \
                                         .store = mean_##NAME##_store}
typedef float sum_float_acc, sum_half_acc, sum_bfloat16_acc;
typedef double sum_double_acc;
typedef uint8_t sum_8_acc;
typedef uint16_t sum_16_acc;
typedef uint32_t sum_32_acc;
typedef uint64_t sum_64_acc;
typedef tn_complex64 sum_complex64_acc;
typedef tn_complex128 sum_complex128_acc;
MEAN(float, sum_float);
MEAN(double, sum_double);
MEAN(half, sum_half);
MEAN(bfloat16, sum_bfloat16);
MEAN(int8, sum_8);
MEAN(uint8, sum_8);
MEAN(int16, sum_16);
MEAN(uint16, sum_16);
MEAN(int32, sum_32);
MEAN(uint32, sum_32);
MEAN(int64, sum_64);
MEAN(uint64, sum_64);
MEAN(complex64, sum_complex64);
MEAN(complex128, sum_complex128);

static tn_reducer_table means = {[TN_FLOAT] = &mean_float,         [TN_DOUBLE] = &mean_double,
                                 [TN_HALF] = &mean_half,           [TN_BFLOAT16] = &mean_bfloat16,
                                 [TN_INT8] = &mean_int8,           [TN_UINT8] = &mean_uint8,
                                 [TN_INT16] = &mean_int16,         [TN_UINT16] = &mean_uint16,
                                 [TN_INT32] = &mean_int32,         [TN_UINT32] = &mean_uint32,
                                 [TN_INT64] = &mean_int64,         [TN_UINT64] = &mean_uint64,
                                 [TN_COMPLEX64] = &mean_complex64, [TN_COMPLEX128] = &mean_complex128};

static tn_error *mean_prepare(tn_prepare *p) { return tn_reduce_prepare(p, means); }

static tn_error *mean_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output spread = tn_build_spread(c, tn_grad_dense(c, 0)), x = tn_grad_x(c, 0);
  tn_shape in = tn_output_shape(x), out = tn_output_shape(tn_grad_y(c, 0));
  tn_dtype dtype = tn_output_dtype(spread);
  tn_output factor;
  if (tn_shape_known(&in) && tn_shape_known(&out)) {
    int64_t n = tn_shape_elements(&out);
    factor = tn_build_scalar(s, dtype, (double)(tn_shape_elements(&in) / (n > 1 ? n : 1)));
  } else {
    tn_output axis = tn_build_ints(s, TN_INT32, 1, (int64_t[]){0}), one = tn_build_scalar(s, TN_INT32, 1);
    tn_output n_in = tn_build2(s, "Prod", tn_build_shape_of(s, x), axis);
    tn_output n_out = tn_build2(s, "Prod", tn_build_shape_of(s, tn_grad_y(c, 0)), axis);
    factor = tn_build_cast(s, tn_build2(s, "FloorDiv", n_in, tn_build2(s, "Maximum", n_out, one)), dtype);
  }
  tn_grad_set(c, 0, tn_build2(s, "RealDiv", spread, factor));
  return NULL;
}

static const tn_kernel_def mean_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = mean_prepare, .run = tn_reduce_run}, {0}};

TN_OP(Mean, .inputs = "input: T, reduction_indices: Tidx", .outputs = "output: T",
      .attrs = "keep_dims: bool = false; T: numbertype; Tidx: indextype = DT_INT32",
      .doc = "The mean of the elements over the given axes.", .value_inputs = 1 << 1, .shape = tn_shape_reduction,
      .gradient = mean_gradient, .kernels = mean_kernels);
