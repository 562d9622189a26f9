/* Tapes: every micro-operation on every instruction set of this machine against libm, broadcasting, reductions, text.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "kernel/simd/simd.h"

/* A reference in double, and how many units in the last place of a float the result may be off. */
typedef struct reference {
  tn_micro micro;
  double (*f1)(double);
  double (*f2)(double, double);
  double ulps;
  float low, high;
} reference;

static double square(double x) { return x * x; }
static double rsqrt_d(double x) { return 1 / sqrt(x); }
static double inverse(double x) { return 1 / x; }
static double sigmoid_d(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus_d(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double softsign_d(double x) { return x / (1 + fabs(x)); }
static double relu_d(double x) { return x <= 0 ? 0 : x; }
static double relu6_d(double x) { return x <= 0 ? 0 : x > 6 ? 6 : x; }
static double elu_d(double x) { return x < 0 ? expm1(x) : x; }
static double selu_d(double x) { return x < 0 ? (double)1.75809934f * expm1(x) : (double)1.05070099f * x; }
static double sign_d(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double neg_d(double x) { return -x; }
static double is_nan_d(double x) { return isnan(x); }
static double is_inf_d(double x) { return isinf(x) != 0; }
static double is_finite_d(double x) { return isfinite(x) != 0; }
static double not_d(double x) { return x == 0; }
static double to_bool_d(double x) { return x != 0; }
static double add_d(double x, double y) { return x + y; }
static double sub_d(double x, double y) { return x - y; }
static double mul_d(double x, double y) { return x * y; }
static double div_d(double x, double y) { return x / y; }
static double max_d(double x, double y) { return x > y || isnan(x) ? x : y; }
static double min_d(double x, double y) { return x < y || isnan(x) ? x : y; }
static double less_d(double x, double y) { return x < y; }
static double equal_d(double x, double y) { return x == y; }
static double div_no_nan_d(double x, double y) { return y == 0 ? 0 : x / y; }
static double xlogy_d(double x, double y) { return x == 0 ? 0 : x * log(y); }
static double xlog1py_d(double x, double y) { return x == 0 ? 0 : x * log1p(y); }

static const reference references[] = {
    {TN_MICRO_NEG, neg_d, NULL, 0, -9, 9},
    {TN_MICRO_ABS, fabs, NULL, 0, -9, 9},
    {TN_MICRO_EXP, exp, NULL, 1.5, -105, 90},
    {TN_MICRO_EXP, exp, NULL, 1.5, -1, 1},
    {TN_MICRO_EXPM1, expm1, NULL, 2, -20, 90},
    {TN_MICRO_EXPM1, expm1, NULL, 2, -1, 1},
    {TN_MICRO_LOG, log, NULL, 1.5, 0, 1e4f},
    {TN_MICRO_LOG, log, NULL, 1.5, 0.5f, 2},
    {TN_MICRO_LOG, log, NULL, 1.5, 0, 3e38f},
    {TN_MICRO_LOG, log, NULL, 1.5, 0, 1e-38f},
    {TN_MICRO_LOG1P, log1p, NULL, 2, -1, 1},
    {TN_MICRO_LOG1P, log1p, NULL, 2, -0.01f, 0.01f},
    {TN_MICRO_LOG1P, log1p, NULL, 2, 0, 1e5f},
    {TN_MICRO_SQRT, sqrt, NULL, 0.5, 0, 1e6f},
    {TN_MICRO_RSQRT, rsqrt_d, NULL, 1.5, 0, 1e6f},
    {TN_MICRO_SQUARE, square, NULL, 0.5, -100, 100},
    {TN_MICRO_RECIPROCAL, inverse, NULL, 0.5, -100, 100},
    {TN_MICRO_SIN, sin, NULL, 2, -10, 10},
    {TN_MICRO_SIN, sin, NULL, 2.5, -9000, 9000},
    {TN_MICRO_COS, cos, NULL, 2, -10, 10},
    {TN_MICRO_COS, cos, NULL, 2.5, -9000, 9000},
    {TN_MICRO_TAN, tan, NULL, 2, -10, 10},
    {TN_MICRO_ATAN, atan, NULL, 2, -10, 10},
    {TN_MICRO_TANH, tanh, NULL, 2, -12, 12},
    {TN_MICRO_TANH, tanh, NULL, 2, -1, 1},
    {TN_MICRO_SIGMOID, sigmoid_d, NULL, 2.5, -104, 30},
    {TN_MICRO_SIGMOID, sigmoid_d, NULL, 2.5, -3, 3},
    {TN_MICRO_ERF, erf, NULL, 2, -5, 5},
    {TN_MICRO_ERF, erf, NULL, 2, -1, 1},
    {TN_MICRO_ERFC, erfc, NULL, 4, -5, 5},
    {TN_MICRO_SIGN, sign_d, NULL, 0, -2, 2},
    {TN_MICRO_FLOOR, floor, NULL, 0, -1e5f, 1e5f},
    {TN_MICRO_FLOOR, floor, NULL, 0, -3, 3},
    {TN_MICRO_CEIL, ceil, NULL, 0, -3, 3},
    {TN_MICRO_ROUND, rint, NULL, 0, -3, 3},
    {TN_MICRO_ROUND, rint, NULL, 0, -2e7f, 2e7f},
    {TN_MICRO_TRUNC, trunc, NULL, 0, -3, 3},
    {TN_MICRO_IS_NAN, is_nan_d, NULL, 0, -3, 3},
    {TN_MICRO_IS_INF, is_inf_d, NULL, 0, -3, 3},
    {TN_MICRO_IS_FINITE, is_finite_d, NULL, 0, -3, 3},
    {TN_MICRO_NOT, not_d, NULL, 0, -3, 3},
    {TN_MICRO_TO_BOOL, to_bool_d, NULL, 0, -3, 3},
    {TN_MICRO_RELU, relu_d, NULL, 0, -9, 9},
    {TN_MICRO_RELU6, relu6_d, NULL, 0, -9, 9},
    {TN_MICRO_ELU, elu_d, NULL, 2, -20, 9},
    {TN_MICRO_SELU, selu_d, NULL, 3, -20, 9},
    {TN_MICRO_SOFTPLUS, softplus_d, NULL, 2.5, -104, 100},
    {TN_MICRO_SOFTPLUS, softplus_d, NULL, 2.5, -4, 4},
    {TN_MICRO_SOFTSIGN, softsign_d, NULL, 1.5, -9, 9},
    {TN_MICRO_ADD, NULL, add_d, 0.5, -9, 9},
    {TN_MICRO_SUB, NULL, sub_d, 0.5, -9, 9},
    {TN_MICRO_MUL, NULL, mul_d, 0.5, -9, 9},
    {TN_MICRO_DIV, NULL, div_d, 0.5, -9, 9},
    {TN_MICRO_MAXIMUM, NULL, max_d, 0, -9, 9},
    {TN_MICRO_MINIMUM, NULL, min_d, 0, -9, 9},
    {TN_MICRO_POW, NULL, pow, 2, 0, 9},
    {TN_MICRO_ATAN2, NULL, atan2, 2, -9, 9},
    {TN_MICRO_LESS, NULL, less_d, 0, -9, 9},
    {TN_MICRO_EQUAL, NULL, equal_d, 0, -9, 9},
    {TN_MICRO_DIV_NO_NAN, NULL, div_no_nan_d, 0.5, -9, 9},
    {TN_MICRO_XLOGY, NULL, xlogy_d, 2, 0.01f, 9},
    {TN_MICRO_XLOG1PY, NULL, xlog1py_d, 2.5, 0.01f, 9},
};

static const float special[] = {0,        -0.f, 1,     -1,   INFINITY, -INFINITY, NAN,    1e-40f,  -1e-40f, 3.4e38f,
                                -3.4e38f, 0.5f, -0.5f, 1.5f, 88.8f,    -103.9f,   1e-10f, -1e-10f, 8192,    1e10f};
enum { N_SPECIAL = sizeof special / sizeof *special, N = 20011 };

static uint32_t seed = 12345;
static float uniform(float low, float high) {
  seed = seed * 1664525u + 1013904223u;
  return low + (high - low) * ((float)(seed >> 8) / 16777216.0f);
}

/* How far Y is from EXACT, in units of the last place of EXACT as a float. */
static double ulps_off(float y, double exact) {
  float rounded = (float)exact;
  if (isnan(rounded) || isnan(y)) return isnan(rounded) && isnan(y) ? 0 : INFINITY;
  if (isinf(rounded) || isinf(y)) {
    /* One unit around the largest number is no error. */
    if (rounded == y) return 0;
    return fabs(exact) > 3.4028e38 && (fabsf(y) > 3.4028e38f) && (y > 0) == (exact > 0) ? 1 : INFINITY;
  }
  double unit = fmax((double)(nextafterf(fabsf(rounded), INFINITY) - fabsf(rounded)), 0x1p-149);
  return fabs((double)y - exact) / unit;
}

static void check_reference(const tn_simd *simd, tn_isa isa, const reference *r, float *x, float *y, float *z) {
  for (int i = 0; i < N; i++) {
    x[i] = i < N_SPECIAL * N_SPECIAL ? special[i % N_SPECIAL] : uniform(r->low, r->high);
    y[i] = i < N_SPECIAL * N_SPECIAL ? special[i / N_SPECIAL] : uniform(r->low, r->high);
  }
  simd->micro[r->micro](z, x, y, NULL, N, 0);
  double worst = 0;
  for (int i = 0; i < N; i++) {
    double exact = r->f1 ? r->f1((double)x[i]) : r->f2((double)x[i], (double)y[i]);
    double off = ulps_off(z[i], exact);
    if (off > worst) worst = off;
    if (off > fmax(r->ulps, 0.5) + 1e-6)
      fail_msg("%s on %s: f(%a, %a) is %a, not %a: %g units off", tn_micro_name(r->micro), tn_isa_name(isa),
               (double)x[i], (double)y[i], (double)z[i], exact, off);
  }
  if (getenv("TN_TEST_VERBOSE"))
    printf("# %s %s [%g, %g]: %.2f\n", tn_isa_name(isa), tn_micro_name(r->micro), (double)r->low, (double)r->high,
           worst);
}

static void test_accuracy(void **state) {
  (void)state;
  float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), *z = malloc(N * sizeof *z);
  for (tn_isa isa = TN_ISA_GENERIC; isa <= TN_ISA_AVX512; isa++) {
    const tn_simd *simd = tn_simd_for(isa);
    for (size_t i = 0; simd && i < sizeof references / sizeof *references; i++)
      check_reference(simd, isa, &references[i], x, y, z);
  }
  free(x);
  free(y);
  free(z);
}

/* A value does not depend on where in a block it is, and nothing past the end is written. */
static void test_positions(void **state) {
  (void)state;
  float a[80], b[80], c[80], whole[80], part[80];
  for (int i = 0; i < 80; i++) a[i] = uniform(-2, 2), b[i] = uniform(-2, 2), c[i] = uniform(-2, 2);
  for (tn_isa isa = TN_ISA_GENERIC; isa <= TN_ISA_AVX512; isa++) {
    const tn_simd *simd = tn_simd_for(isa);
    for (int m = 1; simd && m < TN_N_MICROS; m++) {
      assert_non_null(simd->micro[m]);
      simd->micro[m](whole, a, b, c, 80, 0.3f);
      for (int from = 0; from < 5; from++) {
        for (int n = 0; n < 40; n++) {
          memset(part, 0x5a, sizeof part);
          simd->micro[m](part + from, a + from, b + from, c + from, n, 0.3f);
          if (memcmp(part + from, whole + from, (size_t)n * sizeof(float)))
            fail_msg("%s on %s, %d from %d", tn_micro_name((tn_micro)m), tn_isa_name(isa), n, from);
          for (int i = from + n; i < 80; i++) assert_memory_equal(&part[i], "\x5a\x5a\x5a\x5a", 4);
        }
      }
    }
  }
}

static tn_tensor tensor_of(tn_dtype dtype, int rank, const int64_t *dims, void *data) {
  return (tn_tensor){.dtype = dtype, .shape = tn_shape_of(rank, dims), .data = data};
}

/* The element of T at the multi-index of flat position I of FULL. */
static float element(const tn_tensor *t, const tn_shape *full, int64_t i) {
  int64_t offset = 0, stride = 1;
  for (int d = full->rank - 1, k = t->shape.rank - 1; d >= 0; d--, k--) {
    int64_t index = i % full->dims[d];
    i /= full->dims[d];
    if (k < 0) continue;
    if (t->shape.dims[k] != 1) offset += index * stride;
    stride *= t->shape.dims[k];
  }
  return t->dtype == TN_BOOL ? (float)TN_DATA(bool, t)[offset] : TN_DATA(float, t)[offset];
}

/* z = select(c, a + b, a * 2) + b, with C, A and B broadcasting to FULL. */
static void check_broadcast(const tn_simd *simd, const tn_tensor *in, const tn_shape *full) {
  tn_tape tape = {.n_inputs = 3, .n_ops = 5, .n_outputs = 2, .input_types = {TN_BOOL, TN_FLOAT, TN_FLOAT}};
  tape.ops[0] = (tn_tape_op){TN_MICRO_ADD, {1, 2}, 0};
  tape.ops[1] = (tn_tape_op){TN_MICRO_CONST, {0}, 2};
  tape.ops[2] = (tn_tape_op){TN_MICRO_MUL, {1, 4}, 0};
  tape.ops[3] = (tn_tape_op){TN_MICRO_SELECT, {0, 3, 5}, 0};
  tape.ops[4] = (tn_tape_op){TN_MICRO_ADD, {6, 2}, 0};
  tape.outputs[0] = (tn_tape_output){7, TN_FLOAT, TN_TAPE_NO_REDUCE};
  tape.outputs[1] = (tn_tape_output){6, TN_INT32, TN_TAPE_NO_REDUCE};
  int64_t n = tn_shape_elements(full);
  float *z = malloc((size_t)(n + 1) * sizeof *z);
  int32_t *whole = malloc((size_t)(n + 1) * sizeof *whole);
  tn_tape_plan *plan = NULL;
  assert_null(tn_tape_check(&tape));
  assert_null(tn_tape_plan_new(&tape, in, full, 0, simd, &plan));
  tn_tape_run(plan, (const void *[]){in[0].data, in[1].data, in[2].data}, (void *[]){z, whole}, NULL);
  for (int64_t i = 0; i < n; i++) {
    float c = element(&in[0], full, i), a = element(&in[1], full, i), b = element(&in[2], full, i);
    float chosen = c != 0 ? a + b : a * 2;
    if (z[i] != chosen + b || whole[i] != (int32_t)chosen) fail_msg("element %d", (int)i);
  }
  tn_free(plan);
  free(z);
  free(whole);
}

static void test_broadcast(void **state) {
  (void)state;
  static const int64_t fulls[][4] = {{2, 3, 5, 7},    {1, 1, 1, 1},     {3, 1, 40, 33}, {2, 2, 3, 1500},
                                     {1, 1, 7, 1024}, {1, 1, 5000, 10}, {4, 5, 16, 64}, {1, 1, 0, 5}};
  bool c[70000];
  float *a = malloc(70000 * sizeof *a), *b = malloc(70000 * sizeof *b);
  for (int i = 0; i < 70000; i++) {
    c[i] = uniform(0, 1) > 0.5f;
    a[i] = uniform(-9, 9);
    b[i] = uniform(-9, 9);
  }
  for (tn_isa isa = TN_ISA_GENERIC; isa <= TN_ISA_AVX512; isa++) {
    const tn_simd *simd = tn_simd_for(isa);
    for (size_t f = 0; simd && f < sizeof fulls / sizeof *fulls; f++) {
      tn_shape full = tn_shape_of(4, fulls[f]);
      /* Every subset of dimensions kept, for each of the inputs against a full and a partial one. */
      for (int mask = 0; mask < 16; mask++) {
        int64_t dims[4], others[4];
        for (int d = 0; d < 4; d++) {
          dims[d] = mask >> d & 1 ? fulls[f][d] : 1;
          others[d] = (mask * 7 + 5) >> d & 1 ? fulls[f][d] : 1;
        }
        tn_tensor in[] = {tensor_of(TN_BOOL, 4, dims, c), tensor_of(TN_FLOAT, 4, fulls[f], a),
                          tensor_of(TN_FLOAT, 4, others, b)};
        check_broadcast(simd, in, &full);
        tn_tensor turned[] = {tensor_of(TN_BOOL, 4, others, c), tensor_of(TN_FLOAT, 4, dims, a),
                              tensor_of(TN_FLOAT, mask & 1 ? 4 : 0, fulls[f], b)};
        check_broadcast(simd, turned, &full);
      }
    }
  }
  free(a);
  free(b);
}

/* An output may lie over any dense input, whatever is read later. */
static void test_in_place(void **state) {
  (void)state;
  enum { SIZE = 3001 };
  static float a[SIZE], b[SIZE], a2[SIZE], b2[SIZE];
  tn_tape tape = {.n_inputs = 2, .n_ops = 2, .n_outputs = 2, .input_types = {TN_FLOAT, TN_FLOAT}};
  tape.ops[0] = (tn_tape_op){TN_MICRO_ADD, {0, 1}, 0};
  tape.ops[1] = (tn_tape_op){TN_MICRO_MUL, {2, 0}, 0};
  tape.outputs[0] = (tn_tape_output){3, TN_FLOAT, TN_TAPE_NO_REDUCE};
  tape.outputs[1] = (tn_tape_output){0, TN_FLOAT, TN_TAPE_NO_REDUCE};
  for (int i = 0; i < SIZE; i++) a2[i] = a[i] = uniform(-9, 9), b2[i] = b[i] = uniform(-9, 9);
  tn_shape full = tn_shape_of(1, (int64_t[]){SIZE});
  tn_tensor in[] = {{.dtype = TN_FLOAT, .shape = full, .data = a}, {.dtype = TN_FLOAT, .shape = full, .data = b}};
  tn_tape_plan *plan = NULL;
  assert_null(tn_tape_plan_new(&tape, in, &full, 0, NULL, &plan));
  tn_tape_run(plan, (const void *[]){a, b}, (void *[]){a, b}, NULL);
  for (int i = 0; i < SIZE; i++) {
    assert_true(a[i] == (a2[i] + b2[i]) * a2[i]);
    assert_true(b[i] == a2[i]);
  }
  tn_free(plan);
}

static void check_reduce(const tn_simd *simd, int64_t rows, int64_t row, tn_tape_reduce reduce) {
  tn_tape tape = {.n_inputs = 2, .n_ops = 1, .n_outputs = 2, .input_types = {TN_FLOAT, TN_FLOAT}};
  tape.ops[0] = (tn_tape_op){TN_MICRO_MUL, {0, 1}, 0};
  tape.outputs[0] = (tn_tape_output){2, TN_FLOAT, (uint8_t)reduce};
  tape.outputs[1] = (tn_tape_output){2, TN_FLOAT, TN_TAPE_NO_REDUCE};
  int64_t n = rows * row;
  float *x = malloc((size_t)(n + 1) * sizeof *x), *z = malloc((size_t)(n + 1) * sizeof *z);
  float *w = malloc((size_t)(row + 1) * sizeof *w), *y[2];
  for (int64_t i = 0; i < n; i++) x[i] = uniform(-1, 3);
  for (int64_t i = 0; i < row; i++) w[i] = uniform(-1, 3);
  tn_shape full = tn_shape_of(2, (int64_t[]){rows, row}), line = tn_shape_of(1, (int64_t[]){row});
  tn_tensor in[] = {{.dtype = TN_FLOAT, .shape = full, .data = x}, {.dtype = TN_FLOAT, .shape = line, .data = w}};
  tn_tape_plan *plan = NULL;
  assert_null(tn_tape_plan_new(&tape, in, &full, 1, simd, &plan));
  for (int threads = 1; threads <= 2; threads++) {
    int old = tn_parallel_set_threads(threads == 1 ? 1 : 3);
    y[threads - 1] = malloc((size_t)(rows + 1) * sizeof(float));
    tn_tape_run(plan, (const void *[]){x, w}, (void *[]){y[threads - 1], z}, NULL);
    tn_parallel_set_threads(old);
  }
  assert_memory_equal(y[0], y[1], (size_t)rows * sizeof(float));
  for (int64_t r = 0; r < rows; r++) {
    double exact = reduce == TN_TAPE_MAX ? -INFINITY : reduce == TN_TAPE_MIN ? INFINITY : 0;
    for (int64_t i = 0; i < row; i++) {
      double value = (double)(x[r * row + i] * w[i]);
      assert_true(z[r * row + i] == (float)value);
      exact = reduce == TN_TAPE_MAX ? fmax(exact, value) : reduce == TN_TAPE_MIN ? fmin(exact, value) : exact + value;
    }
    if (reduce == TN_TAPE_MEAN) exact /= (double)row;
    if (isnan(exact)) {
      assert_true(isnan(y[0][r]));
    } else if (fabs((double)y[0][r] - exact) > 1e-5 * fmax(fabs(exact), 1) && (double)y[0][r] != exact) {
      fail_msg("%dx%d: %g, not %g", (int)rows, (int)row, (double)y[0][r], exact);
    }
  }
  tn_free(plan);
  free(x);
  free(z);
  free(w);
  free(y[0]);
  free(y[1]);
}

static void test_reduce(void **state) {
  (void)state;
  static const int64_t sizes[][2] = {{1, 1},    {7, 1},      {5, 3},     {3, 17},    {100, 10}, {4, 1024},
                                     {3, 5000}, {1, 100003}, {2000, 33}, {2, 40000}, {3, 0},    {0, 3}};
  for (tn_isa isa = TN_ISA_GENERIC; isa <= TN_ISA_AVX512; isa++) {
    const tn_simd *simd = tn_simd_for(isa);
    for (size_t i = 0; simd && i < sizeof sizes / sizeof *sizes; i++)
      for (int reduce = TN_TAPE_SUM; reduce <= TN_TAPE_MEAN; reduce++)
        check_reduce(simd, sizes[i][0], sizes[i][1], (tn_tape_reduce)reduce);
  }
}

static void test_dtypes(void **state) {
  (void)state;
  float x[37], y[37], z[37];
  uint16_t bits[37];
  for (int i = 0; i < 37; i++) x[i] = i < N_SPECIAL ? special[i] : uniform(-9, 9);
  for (tn_isa isa = TN_ISA_GENERIC; isa <= TN_ISA_AVX512; isa++) {
    const tn_simd *simd = tn_simd_for(isa);
    if (!simd) continue;
    simd->store[TN_HALF](bits, x, 37);
    for (int i = 0; i < 37; i++) y[i] = tn_half_to_float(tn_float_to_half(x[i]));
    simd->load[TN_HALF](z, bits, 37);
    for (int i = 0; i < 37; i++) assert_true(z[i] == y[i] || (isnan(z[i]) && isnan(y[i])));
    simd->store[TN_BFLOAT16](bits, x, 37);
    for (int i = 0; i < 37; i++) assert_int_equal(bits[i], tn_float_to_bfloat16(x[i]));
  }
}

static void test_text(void **state) {
  (void)state;
  static const char text[] = "in float32\nin bool\nCONST =0x1.8p+1\nLEAKY_RELU 0 =0x1.99999ap-3\nSELECT 1 3 2\n"
                             "out 4 float32 sum\nout 3 bool\n";
  tn_tape tape;
  assert_null(tn_tape_from_text(text, strlen(text), &tape));
  char *again = NULL;
  assert_null(tn_tape_to_text(&tape, &again));
  assert_string_equal(again, text);
  tn_free(again);
  static const char *const bad[] = {"",
                                    "in string\nout 0 float32\n",
                                    "ADD 0 1\nout 0 float32\n",
                                    "in float32\n",
                                    "in float32\nout 1 float32\n",
                                    "in float32\nADD 0\nout 1 float32\n",
                                    "in float32\nout 0 bool sum\n",
                                    "in float32\nFLY 0\nout 0 float32\n",
                                    "in float32\nNEG 1\nout 1 float32\n",
                                    "in float32\nNEG -1\nout 0 float32\n",
                                    "in float32\nNEG 0 =x\nout 0 float32\n",
                                    "in float32\nout 0 float32 what\n",
                                    "in float32\nout 0 float32 sum\nout 0 float32 columns\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    tn_error *error = tn_tape_from_text(bad[i], strlen(bad[i]), &tape);
    assert_int_equal(tn_error_code(error), TN_INVALID_ARGUMENT);
    tn_error_free(error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accuracy), cmocka_unit_test(test_positions), cmocka_unit_test(test_broadcast),
      cmocka_unit_test(test_in_place), cmocka_unit_test(test_reduce),    cmocka_unit_test(test_dtypes),
      cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
