/* TensorFlow's conversions of random bits to each dtype and distribution. */
#include <math.h>

#include "ops/random/random.h"

#define CONVERT(NAME) static void NAME(const tn_random_job *job, const uint32_t *bits, void *out, int64_t n)

CONVERT(uniform_float) {
  (void)job;
  float *y = out;
  for (int64_t i = 0; i < 4 * n; i++) y[i] = tn_bits_to_float(bits[i]);
}

CONVERT(uniform_double) {
  (void)job;
  double *y = out;
  for (int64_t i = 0; i < 2 * n; i++) y[i] = tn_bits_to_double(bits[2 * i], bits[2 * i + 1]);
}

CONVERT(uniform_half) {
  (void)job;
  uint16_t *y = out;
  for (int64_t i = 0; i < 4 * n; i++) {
    uint16_t in_1_2 = (uint16_t)(15u << 10 | (bits[i] & 0x3ffu));
    y[i] = tn_float_to_half(tn_half_to_float(in_1_2) - 1.0f);
  }
}

CONVERT(uniform_bfloat16) {
  (void)job;
  uint16_t *y = out;
  for (int64_t i = 0; i < 4 * n; i++) {
    uint16_t in_1_2 = (uint16_t)(127u << 7 | (bits[i] & 0x7fu));
    y[i] = tn_float_to_bfloat16(tn_bfloat16_to_float(in_1_2) - 1.0f);
  }
}

/* Integers of 32 bits: one per word. Signed sums wrap to the right value. */
CONVERT(integer_32) {
  uint32_t *y = out;
  uint32_t low = (uint32_t)job->low, range = (uint32_t)job->range;
  for (int64_t i = 0; i < 4 * n; i++) y[i] = range ? low + bits[i] % range : bits[i];
}

CONVERT(integer_64) {
  uint64_t *y = out;
  for (int64_t i = 0; i < 2 * n; i++) {
    uint64_t x = tn_bits_to_u64(bits[2 * i], bits[2 * i + 1]);
    y[i] = job->range ? (uint64_t)job->low + x % job->range : x;
  }
}

CONVERT(normal_float) {
  (void)job;
  float *y = out;
  for (int64_t i = 0; i < 4 * n; i += 2) tn_box_muller_float(bits[i], bits[i + 1], y + i);
}

CONVERT(normal_double) {
  (void)job;
  double *y = out;
  for (int64_t i = 0; i < n; i++) tn_box_muller_double(bits + 4 * i, y + 2 * i);
}

CONVERT(normal_half) {
  (void)job;
  uint16_t *y = out;
  for (int64_t i = 0; i < 4 * n; i += 2) {
    float f[2];
    tn_box_muller_float(bits[i], bits[i + 1], f);
    y[i] = tn_float_to_half(f[0]);
    y[i + 1] = tn_float_to_half(f[1]);
  }
}

CONVERT(normal_bfloat16) {
  (void)job;
  uint16_t *y = out;
  for (int64_t i = 0; i < 4 * n; i += 2) {
    float f[2];
    tn_box_muller_float(bits[i], bits[i + 1], f);
    y[i] = tn_float_to_bfloat16(f[0]);
    y[i + 1] = tn_float_to_bfloat16(f[1]);
  }
}

/* Each output has 256 words to itself, whatever it draws: group I begins there. */
static tn_philox_stream group_stream(const tn_random_job *job, int64_t i) {
  tn_philox g = job->generator;
  tn_philox_skip(&g, (uint64_t)i * (uint64_t)(job->group * 256 / 4));
  return tn_philox_stream_of(&g);
}

/* Normal numbers that lie within two standard deviations, four of them. */
static void truncated_four(const tn_random_job *job, int64_t i, float y[4]) {
  tn_philox_stream s = group_stream(job, i);
  for (int have = 0; have < 4;) {
    float f[2];
    uint32_t x0 = tn_philox_one(&s), x1 = tn_philox_one(&s);
    tn_box_muller_float(x0, x1, f);
    for (int j = 0; j < 2 && have < 4; j++) {
      if (fabsf(f[j]) < 2.0f) y[have++] = f[j];
    }
  }
}

static void truncated_float(const tn_random_job *job, int64_t i, void *out) { truncated_four(job, i, out); }

static void truncated_half(const tn_random_job *job, int64_t i, void *out) {
  float f[4];
  truncated_four(job, i, f);
  for (int j = 0; j < 4; j++) ((uint16_t *)out)[j] = tn_float_to_half(f[j]);
}

static void truncated_bfloat16(const tn_random_job *job, int64_t i, void *out) {
  float f[4];
  truncated_four(job, i, f);
  for (int j = 0; j < 4; j++) ((uint16_t *)out)[j] = tn_float_to_bfloat16(f[j]);
}

static void truncated_double(const tn_random_job *job, int64_t i, void *out) {
  tn_philox_stream s = group_stream(job, i);
  double *y = out;
  for (int have = 0; have < 2;) {
    uint32_t x[4];
    double f[2];
    for (int j = 0; j < 4; j++) x[j] = tn_philox_one(&s);
    tn_box_muller_double(x, f);
    for (int j = 0; j < 2 && have < 2; j++) {
      if (fabs(f[j]) < 2.0) y[have++] = f[j];
    }
  }
}

typedef struct row {
  tn_dtype dtype;
  int group;
  void (*convert)(const tn_random_job *job, const uint32_t *bits, void *out, int64_t n);
  void (*draw)(const tn_random_job *job, int64_t i, void *out);
} row;

static const row rows[4][4] = {
    [TN_RANDOM_UNIFORM] = {{TN_FLOAT, 4, uniform_float, NULL},
                           {TN_DOUBLE, 2, uniform_double, NULL},
                           {TN_HALF, 4, uniform_half, NULL},
                           {TN_BFLOAT16, 4, uniform_bfloat16, NULL}},
    [TN_RANDOM_NORMAL] = {{TN_FLOAT, 4, normal_float, NULL},
                          {TN_DOUBLE, 2, normal_double, NULL},
                          {TN_HALF, 4, normal_half, NULL},
                          {TN_BFLOAT16, 4, normal_bfloat16, NULL}},
    [TN_RANDOM_TRUNCATED] = {{TN_FLOAT, 4, NULL, truncated_float},
                             {TN_DOUBLE, 2, NULL, truncated_double},
                             {TN_HALF, 4, NULL, truncated_half},
                             {TN_BFLOAT16, 4, NULL, truncated_bfloat16}},
    [TN_RANDOM_INT] = {{TN_INT32, 4, integer_32, NULL},
                       {TN_INT64, 2, integer_64, NULL},
                       {TN_UINT32, 4, integer_32, NULL},
                       {TN_UINT64, 2, integer_64, NULL}},
};

tn_error *tn_random_job_of(tn_random_job *job, tn_random_kind kind, tn_dtype dtype) {
  for (int i = 0; i < 4; i++) {
    const row *found = &rows[kind][i];
    if (found->dtype != dtype) continue;
    *job = (tn_random_job){
        .group = found->group, .element = tn_dtype_size(dtype), .convert = found->convert, .draw = found->draw};
    return NULL;
  }
  return tn_errorf(TN_UNIMPLEMENTED, "no random numbers of dtype %s", tn_dtype_name(dtype));
}
