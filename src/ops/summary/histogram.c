/* HistogramSummary: values counted in buckets that grow by a tenth each, as TensorBoard's. */
#include <float.h>
#include <math.h>
#include <pthread.h>

#include "ops/summary/summary.h"

/* 1e-12 to 1e20 in steps of a tenth, their negatives, zero and the ends. */
enum { SIDE = 775, BUCKETS = 2 * SIDE + 1 };

static double limits[BUCKETS];
static pthread_once_t limits_once = PTHREAD_ONCE_INIT;

static void make_limits(void) {
  int n = 0;
  for (double v = 1.0e-12; v < 1.0e20 && n < SIDE - 1; v *= 1.1, n++) {
    limits[SIDE + 1 + n] = v;
    limits[SIDE - 1 - n] = -v;
  }
  limits[0] = -DBL_MAX;
  limits[BUCKETS - 1] = DBL_MAX;
}

/* The first bucket whose limit is above X. */
static int bucket_of(double x) {
  int low = 0, count = BUCKETS;
  while (count > 0) {
    int half = count / 2;
    if (x < limits[low + half]) {
      count = half;
    } else {
      low += half + 1;
      count -= half + 1;
    }
  }
  return low < BUCKETS ? low : BUCKETS - 1;
}

static void put_packed(tn_str *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  tn_put_u64(out, bits);
}

/* Runs of empty buckets become one. Which of limits and counts is written is told by COUNTS. */
static void put_buckets(tn_str *out, const double *buckets, bool counts) {
  size_t mark = tn_proto_begin(out, counts ? 7 : 6);
  for (int i = 0; i < BUCKETS;) {
    int last = i++;
    if (buckets[last] <= 0)
      while (i < BUCKETS && buckets[i] <= 0) last = i++;
    put_packed(out, counts ? buckets[last] : limits[last]);
  }
  tn_proto_end(out, mark);
}

static tn_error *prepare(tn_prepare *p) {
  pthread_once(&limits_once, make_limits);
  p->scratch = BUCKETS * sizeof(double);
  if (p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "tag must be scalar, got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  return tn_summary_prepare(p, 0);
}

static tn_error *run(tn_run *r) {
  double *buckets = r->scratch, least = DBL_MAX, most = -DBL_MAX, sum = 0, squares = 0;
  int64_t n = tn_elements(r->inputs[1]);
  memset(buckets, 0, BUCKETS * sizeof *buckets);
  for (int64_t i = 0; i < n; i++) {
    double x = tn_real_at(r->inputs[1], i);
    if (!isfinite(x))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s in summary histogram for: %s", isnan(x) ? "Nan" : "Infinity",
                           r->node->name);
    buckets[bucket_of(x)] += 1;
    least = x < least ? x : least;
    most = x > most ? x : most;
    sum += x;
    squares += x * x;
  }
  tn_str out = {0};
  size_t value = tn_summary_begin(&out, *tn_strings_of(r->inputs[0])), histogram = tn_proto_begin(&out, 5);
  const double fields[] = {least, most, (double)n, sum, squares};
  for (uint32_t i = 0; i < 5; i++) tn_summary_put_double(&out, i + 1, fields[i]);
  put_buckets(&out, buckets, false);
  put_buckets(&out, buckets, true);
  tn_proto_end(&out, histogram);
  tn_proto_end(&out, value);
  return tn_summary_finish(r, &out, NULL);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(HistogramSummary, .inputs = "tag: string, values: T", .outputs = "summary: string",
      .attrs = "T: realnumbertype = DT_FLOAT", .doc = "A serialised Summary with a histogram of the values.",
      .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out, .kernels = kernels);
