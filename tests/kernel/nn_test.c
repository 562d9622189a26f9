/* The neural network loops against plain ones, for all channel counts around the vector width, in exact allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "kernel/nn.h"

enum { LARGEST = 40, SIDE = 5, ROWS = 6 };

static unsigned seed = 7;
static float *filled(int64_t n) {
  float *x = malloc((size_t)n * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)(seed >> 8) / (float)(1 << 22) - 2;
  }
  return x;
}

static void near(float got, double want) {
  if (fabs((double)got - want) > 1e-5 * (1 + fabs(want))) fail_msg("got %g, expected %g", (double)got, want);
}

static void free_all(int n, float *const *x) {
  for (int i = 0; i < n; i++) free(x[i]);
}

static void check_classes(int64_t n) {
  const tn_nn *t = tn_nn_active();
  float *x = filled(n), *labels = filled(n), *y = filled(n), *z = filled(n), *back = filled(n), *dense = filled(n);
  float loss, dense_loss;
  const int64_t label = n / 2;
  double max = -INFINITY, sum = 0, cross = 0;
  for (int64_t i = 0; i < n; i++) max = fmax(max, x[i]);
  for (int64_t i = 0; i < n; i++) sum += exp(x[i] - max);
  t->softmax(x, n, y);
  t->log_softmax(x, n, z);
  t->sparse_entropy(x, n, label, &loss, back);
  t->entropy(x, labels, n, &dense_loss, dense);
  for (int64_t i = 0; i < n; i++) {
    const double p = exp(x[i] - max) / sum;
    cross -= labels[i] * log(p);
    near(y[i], p);
    near(z[i], log(p));
    near(back[i], p - (i == label));
    near(dense[i], p - labels[i]);
  }
  near(loss, -log(exp(x[label] - max) / sum));
  near(dense_loss, cross);
  free_all(6, (float *const[]){x, labels, y, z, back, dense});
}

static void test_classes(void **state) {
  (void)state;
  for (int64_t n = 1; n <= 3 * LARGEST; n++) check_classes(n);
}

/* One window of a SIDE x SIDE image. */
static void check_pool(const tn_nn_window *w) {
  const tn_nn *t = tn_nn_active();
  const int64_t size = SIDE * SIDE * w->channels;
  float *image = filled(size), *max = filled(w->channels), *mean = filled(w->channels), *g = filled(w->channels);
  float *put = calloc((size_t)size, sizeof *put), *added = calloc((size_t)size, sizeof *added),
        *spread = calloc((size_t)size, sizeof *spread);
  t->max(w, image, max);
  t->average(w, image, mean);
  t->max_gradient(w, image, g, 0, put);
  t->max_gradient(w, image, g, 1, added);
  t->average_gradient(w, g, spread);
  assert_memory_equal(put, added, (size_t)size * sizeof *put);
  for (int64_t c = 0; c < w->channels; c++) {
    int64_t best = -1;
    double sum = 0, count = 0, flow = 0;
    for (int64_t r = w->r0; r < w->r1; r++)
      for (int64_t p = w->c0; p < w->c1; p++) {
        const int64_t at = (r * SIDE + p) * w->channels + c;
        if (best < 0 || image[at] > image[best]) best = at;
        sum += image[at];
        flow += spread[at];
        count++;
      }
    near(max[c], image[best]);
    near(mean[c], sum / count);
    near(put[best], g[c]);
    near((float)flow, g[c]);
  }
  free_all(7, (float *const[]){image, max, mean, g, put, added, spread});
}

static void test_pools(void **state) {
  (void)state;
  for (int64_t c = 1; c <= LARGEST; c++) {
    check_pool(&(tn_nn_window){0, 2, 0, 2, SIDE * c, c});
    check_pool(&(tn_nn_window){2, 5, 3, 5, SIDE * c, c});
    check_pool(&(tn_nn_window){4, 5, 4, 5, SIDE * c, c});
  }
}

static void check_channels(int64_t c) {
  const tn_nn *t = tn_nn_active();
  float *x = filled(ROWS * c), *g = filled(ROWS * c), *y = filled(ROWS * c), *a = filled(c), *b = filled(c),
        *d = filled(c);
  float *mean = filled(c), *squares = filled(c), *sum = filled(c), *dot = filled(c);
  t->moments(x, ROWS, c, mean, squares);
  t->norm_sums(g, x, a, ROWS, c, (float *const[]){sum, dot});
  for (int64_t i = 0; i < c; i++) {
    double m = 0, s = 0, gs = 0, gd = 0;
    for (int64_t r = 0; r < ROWS; r++) m += x[r * c + i] / (double)ROWS;
    for (int64_t r = 0; r < ROWS; r++) {
      s += (x[r * c + i] - m) * (x[r * c + i] - m);
      gs += g[r * c + i];
      gd += (double)g[r * c + i] * ((double)x[r * c + i] - a[i]);
    }
    near(mean[i], m);
    near(squares[i], s);
    near(sum[i], gs);
    near(dot[i], gd);
  }
  t->affine(x, a, b, ROWS, c, y);
  for (int64_t i = 0; i < ROWS * c; i++) near(y[i], (double)x[i] * a[i % c] + b[i % c]);
  t->norm_gradient(g, x, (const float *const[]){a, b, d}, ROWS, c, y);
  for (int64_t i = 0; i < ROWS * c; i++) near(y[i], (double)g[i] * a[i % c] + (double)x[i] * b[i % c] + d[i % c]);
  free_all(10, (float *const[]){x, g, y, a, b, d, mean, squares, sum, dot});
}

static void test_channels(void **state) {
  (void)state;
  for (int64_t c = 1; c <= LARGEST; c++) check_channels(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_pools),
                                     cmocka_unit_test(test_channels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
