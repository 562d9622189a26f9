/* The wrapper around oneDNN: convolutions of all three kinds against plain loops, with groups, strides and dilations;
 * many threads in one primitive; what the library refuses is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "kernel/dnn.h"

static float *filled(int64_t n) {
  static unsigned seed = 11;
  void *memory = NULL;
  assert_null(tn_alloc_aligned((size_t)n * sizeof(float), &memory));
  float *x = memory;
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)(seed >> 8) / (float)(1 << 23) - 1;
  }
  return x;
}

/* One convolution: X, F and Y, one of which is made. */
typedef struct work {
  tn_dnn_conv c;
  tn_dnn *d;
  int64_t sizes[3];
  float *parts[3];
} work;

/* Calls SEE for every product x * f that goes into y. */
static void each(const tn_dnn_conv *c, void (*see)(void *argument, int64_t x, int64_t f, int64_t y), void *argument) {
  const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
  const int64_t places = c->images * c->out[0] * c->out[1], taps = c->kernel[0] * c->kernel[1];
  for (int64_t p = 0; p < places; p++)
    for (int64_t t = 0; t < taps; t++) {
      const int64_t n = p / c->out[1] / c->out[0];
      const int64_t row = p / c->out[1] % c->out[0] * c->stride[0] - c->before[0] + t / c->kernel[1] * c->dilation[0];
      const int64_t column = p % c->out[1] * c->stride[1] - c->before[1] + t % c->kernel[1] * c->dilation[1];
      if (row < 0 || row >= c->in[0] || column < 0 || column >= c->in[1]) continue;
      for (int64_t o = 0; o < c->out_channels; o++)
        for (int64_t i = 0; i < ins; i++)
          see(argument, ((n * c->in[0] + row) * c->in[1] + column) * c->in_channels + o / outs * ins + i,
              (t * ins + i) * c->out_channels + o, p * c->out_channels + o);
    }
}

typedef struct sums {
  const work *w;
  double *made;
} sums;

static void add(void *argument, int64_t x, int64_t f, int64_t y) {
  const sums *s = argument;
  float *const *p = s->w->parts;
  if (s->w->c.kind == TN_DNN_FORWARD)
    s->made[y] += (double)p[0][x] * (double)p[1][f];
  else if (s->w->c.kind == TN_DNN_BACK_INPUT)
    s->made[x] += (double)p[2][y] * (double)p[1][f];
  else
    s->made[f] += (double)p[0][x] * (double)p[2][y];
}

static void run(void *argument, int64_t i) {
  (void)i;
  const work *w = argument;
  void *packed = NULL, *scratch = NULL;
  const size_t bytes = tn_dnn_filter_bytes(w->d), room = tn_dnn_scratch(w->d) + tn_dnn_pack_scratch(w->d) + 64;
  assert_null(tn_alloc_aligned(bytes, &packed));
  assert_null(tn_alloc_aligned(room, &scratch));
  if (w->c.kind != TN_DNN_BACK_FILTER) assert_null(tn_dnn_pack(w->d, w->parts[1], packed, scratch));
  const uint64_t before = tn_counts.allocations;
  assert_null(tn_dnn_conv_run(w->d, w->parts[0], packed, w->parts[2], scratch));
  assert_int_equal(tn_counts.allocations, before);
  if (w->c.kind == TN_DNN_BACK_FILTER) assert_null(tn_dnn_unpack(w->d, packed, w->parts[1], scratch));
  tn_free_aligned(packed, bytes);
  tn_free_aligned(scratch, room);
}

static void check(tn_dnn_conv c) {
  static const int made_of[] = {2, 0, 1};
  for (int kind = 0; kind < 3; kind++) {
    c.kind = (tn_dnn_kind)kind;
    work w = {.c = c};
    w.sizes[0] = c.images * c.in[0] * c.in[1] * c.in_channels;
    w.sizes[1] = c.kernel[0] * c.kernel[1] * (c.in_channels / c.groups) * c.out_channels;
    w.sizes[2] = c.images * c.out[0] * c.out[1] * c.out_channels;
    tn_error *error = tn_dnn_conv_new(&c, &w.d);
    if (error) { /* no fast implementation here */
      assert_int_equal(tn_error_code(error), TN_UNIMPLEMENTED);
      tn_error_free(error);
      continue;
    }
    for (int i = 0; i < 3; i++) w.parts[i] = filled(w.sizes[i]);
    const int made = made_of[kind];
    double *want = calloc((size_t)w.sizes[made], sizeof *want);
    each(&c, add, &(sums){&w, want});
    run(&w, 0);
    for (int64_t i = 0; i < w.sizes[made]; i++)
      if (fabs((double)w.parts[made][i] - want[i]) > 1e-3)
        fail_msg("%g, expected %g", (double)w.parts[made][i], want[i]);
    free(want);
    for (int i = 0; i < 3; i++) tn_free_aligned(w.parts[i], (size_t)w.sizes[i] * sizeof(float));
    tn_dnn_free(w.d);
  }
}

static void test_kinds(void **state) {
  (void)state;
  tn_dnn_conv c = {.images = 2,
                   .groups = 1,
                   .in_channels = 16,
                   .out_channels = 32,
                   .spatial = 2,
                   .in = {9, 8},
                   .out = {9, 8},
                   .kernel = {3, 3},
                   .stride = {1, 1},
                   .dilation = {1, 1},
                   .before = {1, 1},
                   .after = {1, 1}};
  check(c);
  c.in_channels = 3;
  c.out_channels = 17;
  check(c);
  c = (tn_dnn_conv){.images = 3,
                    .groups = 1,
                    .in_channels = 8,
                    .out_channels = 16,
                    .spatial = 2,
                    .in = {9, 9},
                    .out = {4, 4},
                    .kernel = {3, 3},
                    .stride = {2, 2},
                    .dilation = {1, 1},
                    .before = {0, 0},
                    .after = {0, 0}};
  check(c);
  c = (tn_dnn_conv){.images = 1,
                    .groups = 1,
                    .in_channels = 16,
                    .out_channels = 16,
                    .spatial = 2,
                    .in = {8, 8},
                    .out = {4, 4},
                    .kernel = {3, 3},
                    .stride = {1, 1},
                    .dilation = {2, 2},
                    .before = {0, 0},
                    .after = {0, 0}};
  check(c);
}

static void test_groups(void **state) {
  (void)state;
  tn_dnn_conv c = {.images = 2,
                   .groups = 2,
                   .in_channels = 32,
                   .out_channels = 32,
                   .spatial = 2,
                   .in = {6, 6},
                   .out = {6, 6},
                   .kernel = {3, 3},
                   .stride = {1, 1},
                   .dilation = {1, 1},
                   .before = {1, 1},
                   .after = {1, 1}};
  check(c);
  c.groups = 32; /* depthwise */
  check(c);
}

/* The same with a result of its own. */
static void run_apart(void *argument, int64_t i) {
  work own = *(const work *)argument;
  void *result = NULL;
  assert_null(tn_alloc_aligned((size_t)own.sizes[2] * sizeof(float), &result));
  own.parts[2] = result;
  run(&own, i);
  tn_free_aligned(result, (size_t)own.sizes[2] * sizeof(float));
}

/* Three runs at a time find their arguments ready, whichever thread comes first. */
static void test_threads(void **state) {
  (void)state;
  work w = {.c = {.images = 2,
                  .groups = 1,
                  .in_channels = 16,
                  .out_channels = 16,
                  .spatial = 2,
                  .in = {8, 8},
                  .out = {8, 8},
                  .kernel = {3, 3},
                  .stride = {1, 1},
                  .dilation = {1, 1},
                  .before = {1, 1},
                  .after = {1, 1},
                  .runs = 3}};
  const int before = tn_parallel_set_threads(3);
  assert_null(tn_dnn_conv_new(&w.c, &w.d));
  w.sizes[0] = w.sizes[2] = 2 * 8 * 8 * 16;
  w.sizes[1] = 9 * 16 * 16;
  for (int i = 0; i < 3; i++) w.parts[i] = filled(w.sizes[i]);
  tn_parallel(40, run_apart, &w);
  tn_parallel_set_threads(before);
  for (int i = 0; i < 3; i++) tn_free_aligned(w.parts[i], (size_t)w.sizes[i] * sizeof(float));
  tn_dnn_free(w.d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_groups),
                                     cmocka_unit_test(test_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
