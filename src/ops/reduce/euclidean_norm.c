/* EuclideanNorm. */
#include <complex.h>
#include <math.h>

#include "ops/reduce/reducers.h"

/* Elements are squared as they are loaded; accumulators are merged without squaring again. */
#define ADD(a, b)          ((a) + (b))
#define SQUARE(v)          ((v) * (v))
#define SQUARE_HALF(v)     SQUARE(tn_half_to_float(v))
#define SQUARE_BFLOAT16(v) SQUARE(tn_bfloat16_to_float(v))
#define NORM64(v)          (crealf(v) * crealf(v) + cimagf(v) * cimagf(v))
#define NORM128(v)         (creal(v) * creal(v) + cimag(v) * cimag(v))
#define ROOT_HALF(v)       tn_float_to_half(sqrtf(v))
#define ROOT_BFLOAT16(v)   tn_float_to_bfloat16(sqrtf(v))
TN_REDUCER(norm_float, float, float, 0, SQUARE, ADD, sqrtf);
TN_REDUCER(norm_double, double, double, 0, SQUARE, ADD, sqrt);
TN_REDUCER(norm_half, uint16_t, float, 0, SQUARE_HALF, ADD, ROOT_HALF);
TN_REDUCER(norm_bfloat16, uint16_t, float, 0, SQUARE_BFLOAT16, ADD, ROOT_BFLOAT16);
TN_REDUCER(norm_complex64, tn_complex64, float, 0, NORM64, ADD, sqrtf);
TN_REDUCER(norm_complex128, tn_complex128, double, 0, NORM128, ADD, sqrt);

/* Integers are summed as they are (wrapping), then rounded down, as TensorFlow's kernels do. */
#define INTEGER(NAME, TYPE)                                                                                            \
  static TYPE root_##NAME(TYPE v) { return (TYPE)sqrt((double)v); }                                                    \
  static TYPE square_##NAME(TYPE v) { return (TYPE)((uint64_t)v * (uint64_t)v); }                                      \
  static TYPE add_##NAME(TYPE a, TYPE b) { return (TYPE)((uint64_t)a + (uint64_t)b); }                                 \
  TN_REDUCER(norm_##NAME, TYPE, TYPE, 0, square_##NAME, add_##NAME, root_##NAME)
INTEGER(int8, int8_t);
INTEGER(uint8, uint8_t);
INTEGER(int16, int16_t);
INTEGER(uint16, uint16_t);
INTEGER(int32, int32_t);
INTEGER(uint32, uint32_t);
INTEGER(int64, int64_t);
INTEGER(uint64, uint64_t);

static tn_reducer_table norms = {[TN_FLOAT] = &norm_float,         [TN_DOUBLE] = &norm_double,
                                 [TN_HALF] = &norm_half,           [TN_BFLOAT16] = &norm_bfloat16,
                                 [TN_INT8] = &norm_int8,           [TN_UINT8] = &norm_uint8,
                                 [TN_INT16] = &norm_int16,         [TN_UINT16] = &norm_uint16,
                                 [TN_INT32] = &norm_int32,         [TN_UINT32] = &norm_uint32,
                                 [TN_INT64] = &norm_int64,         [TN_UINT64] = &norm_uint64,
                                 [TN_COMPLEX64] = &norm_complex64, [TN_COMPLEX128] = &norm_complex128};

static tn_error *prepare(tn_prepare *p) { return tn_reduce_prepare(p, norms); }

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output y = tn_build_kept(c, tn_grad_y(c, 0)), incoming = tn_build_kept(c, tn_grad_dense(c, 0));
  tn_grad_set(c, 0, tn_build2(s, "RealDiv", tn_grad_x(c, 0), tn_build2(s, "RealDiv", y, incoming)));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = prepare, .run = tn_reduce_run}, {0}};

TN_OP(EuclideanNorm, .inputs = "input: T, reduction_indices: Tidx", .outputs = "output: T",
      .attrs = "keep_dims: bool = false; T: numbertype; Tidx: indextype = DT_INT32",
      .doc = "The square root of the sum of the squared absolute values over the given axes.", .value_inputs = 1 << 1,
      .shape = tn_shape_reduction, .gradient = gradient, .kernels = kernels);
