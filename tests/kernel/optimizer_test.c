/* The optimizers' loops: vectors against plain loops in double, and the same bits however the work is split. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/parallel.h"
#include "kernel/optimizer.h"

enum { MOST = 50000 };

/* Scalars that fit every optimizer: rates and decays; Ftrl's power comes last. */
static const double scalars[TN_OPTIMIZER_SCALARS] = {0.5, 0.9, 0.1, 0.3, 0.2, 0.01, 0, 0};

typedef struct data {
  float slots[TN_OPTIMIZER_SLOTS][MOST], gradient[MOST], h[TN_OPTIMIZER_SCALARS];
  double wide[TN_OPTIMIZER_SLOTS][MOST], wide_gradient[MOST], wide_h[TN_OPTIMIZER_SCALARS];
} data;

static double number(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return (double)(*seed >> 8) / (1 << 24);
}

/* Slot 0 has both signs; the others are positive, the last but one large, as variances need. */
static void fill(data *d, tn_optimizer_kind kind) {
  uint32_t seed = 7;
  for (int i = 0; i < MOST; i++) {
    for (int s = 0; s < TN_OPTIMIZER_SLOTS; s++) {
      d->slots[s][i] = (float)(number(&seed) - (s ? 0 : 0.5) + (s == 2 ? 2 : s ? 0.1 : 0));
      d->wide[s][i] = (double)d->slots[s][i];
    }
    d->gradient[i] = (float)(number(&seed) - 0.5);
    d->wide_gradient[i] = (double)d->gradient[i];
  }
  for (int i = 0; i < TN_OPTIMIZER_SCALARS; i++) {
    double x = scalars[i];
    if ((kind == TN_FTRL && i == 3) || (kind == TN_FTRL_V2 && i == 4)) x = -0.5;
    d->h[i] = (float)x;
    d->wide_h[i] = (double)d->h[i];
  }
}

static tn_sweep narrow_sweep(data *d, int64_t n, bool flag) {
  tn_sweep s = {.n = n, .gradient = d->gradient, .flag = flag};
  for (int i = 0; i < TN_OPTIMIZER_SLOTS; i++) s.slots[i] = d->slots[i];
  for (int i = 0; i < TN_OPTIMIZER_SCALARS; i++) s.h[i] = &d->h[i];
  return s;
}

static tn_sweep wide_sweep(data *d, int64_t n, bool flag) {
  tn_sweep s = {.n = n, .gradient = d->wide_gradient, .flag = flag};
  for (int i = 0; i < TN_OPTIMIZER_SLOTS; i++) s.slots[i] = d->wide[i];
  for (int i = 0; i < TN_OPTIMIZER_SCALARS; i++) s.h[i] = &d->wide_h[i];
  return s;
}

static void test_against_double(void **state) {
  (void)state;
  data *d = malloc(sizeof *d);
  assert_non_null(d);
  for (int kind = 0; kind < TN_N_OPTIMIZERS; kind++) {
    for (int round = 0; round < 4; round++) {
      bool flag = round & 1, vector = round & 2;
      tn_sweep_fn fn = (vector ? tn_optimizer_vector : tn_optimizer_plain)((tn_optimizer_kind)kind, TN_FLOAT);
      int64_t n = 67;
      fill(d, (tn_optimizer_kind)kind);
      tn_sweep narrow = narrow_sweep(d, n, flag), wide = wide_sweep(d, n, flag);
      fn(&narrow);
      tn_optimizer_plain((tn_optimizer_kind)kind, TN_DOUBLE)(&wide);
      for (int s = 0; s < TN_OPTIMIZER_SLOTS; s++) {
        for (int i = 0; i < n; i++) {
          double want = d->wide[s][i], got = (double)d->slots[s][i];
          if (!(fabs(got - want) <= 2e-5 * (1 + fabs(want))))
            fail_msg("kind %d slot %d: %g, not %g", kind, s, got, want);
        }
      }
    }
  }
  free(d);
}

/* Whole, in odd pieces, and by several threads. */
static void test_splits(void **state) {
  (void)state;
  data *whole = malloc(sizeof *whole), *parts = malloc(sizeof *parts), *threads = malloc(sizeof *threads);
  assert_true(whole && parts && threads);
  int old = tn_parallel_set_threads(3);
  for (int kind = 0; kind < TN_N_OPTIMIZERS; kind++) {
    tn_sweep_fn fn = tn_optimizer_vector((tn_optimizer_kind)kind, TN_FLOAT);
    fill(whole, (tn_optimizer_kind)kind);
    fill(parts, (tn_optimizer_kind)kind);
    fill(threads, (tn_optimizer_kind)kind);
    tn_sweep a = narrow_sweep(whole, MOST, true), b = narrow_sweep(parts, MOST, true);
    tn_sweep c = narrow_sweep(threads, MOST, true);
    fn(&a);
    for (int64_t at = 0, step = 1; at < MOST; at += step, step = step * 3 % 1009) {
      tn_sweep_range(&b, fn, sizeof(float), at, at + step < MOST ? at + step : MOST);
    }
    tn_sweep_parallel(&c, fn, sizeof(float));
    assert_memory_equal(whole->slots, parts->slots, sizeof whole->slots);
    assert_memory_equal(whole->slots, threads->slots, sizeof whole->slots);
  }
  tn_parallel_set_threads(old);
  free(whole);
  free(parts);
  free(threads);
}

static void test_dtypes(void **state) {
  (void)state;
  for (int kind = 0; kind < TN_N_OPTIMIZERS; kind++) {
    static const tn_dtype dtypes[] = {TN_FLOAT, TN_DOUBLE, TN_HALF, TN_BFLOAT16};
    for (size_t i = 0; i < 4; i++) assert_non_null(tn_optimizer_plain((tn_optimizer_kind)kind, dtypes[i]));
    assert_non_null(tn_optimizer_vector((tn_optimizer_kind)kind, TN_FLOAT));
    assert_null(tn_optimizer_vector((tn_optimizer_kind)kind, TN_DOUBLE));
    assert_null(tn_optimizer_plain((tn_optimizer_kind)kind, TN_INT32));
  }
  assert_non_null(tn_optimizer_plain(TN_ADAM, TN_COMPLEX64));
  assert_null(tn_optimizer_plain(TN_FTRL, TN_COMPLEX64)); /* complex numbers have no order */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double), cmocka_unit_test(test_splits),
                                     cmocka_unit_test(test_dtypes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
