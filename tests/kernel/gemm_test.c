/* Our matrix product against the plainest loops: odd sizes, both transposes, exact allocations (so that the address
 * sanitizer sees a read too far), and the same bits with 1, 2 and 3 threads. */
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
#include "kernel/gemm.h"

static float *filled(int64_t n, unsigned seed) {
  float *x = malloc((size_t)n * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)(seed >> 8) / (float)(1 << 23) - 1;
  }
  return x;
}

/* The product with as many threads as given. */
static float *product(const tn_gemm *g, const float *a, const float *b, const tn_gemm_end *end, int threads) {
  void *scratch = NULL;
  float *c = filled(g->m * g->n, 3);
  const int before = tn_parallel_set_threads(threads);
  assert_null(tn_alloc_aligned(tn_gemm_scratch(g), &scratch));
  tn_gemm_run(g, a, b, c, end, scratch);
  tn_free_aligned(scratch, tn_gemm_scratch(g));
  tn_parallel_set_threads(before);
  return c;
}

static void check(int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  tn_gemm g = {
      .m = m, .n = n, .k = k, .a_row = ta ? 1 : k, .a_col = ta ? m : 1, .b_row = tb ? 1 : n, .b_col = tb ? k : 1};
  tn_gemm_plan(&g);
  float *a = filled(m * k, 1), *b = filled(k * n, 2), *c = product(&g, a, b, NULL, 1);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0, size = 0;
      for (int64_t p = 0; p < k; p++) {
        const double term = (double)a[i * g.a_row + p * g.a_col] * (double)b[p * g.b_row + j * g.b_col];
        sum += term;
        size += fabs(term);
      }
      assert_true(fabs((double)c[i * n + j] - sum) <= 1e-6 * (size + 1));
    }
  for (int threads = 2; threads <= 3; threads++) {
    float *same = product(&g, a, b, NULL, threads);
    assert_memory_equal(same, c, (size_t)(m * n) * sizeof *c);
    free(same);
  }
  free(a);
  free(b);
  free(c);
}

static void check_all(int64_t m, int64_t n, int64_t k) {
  for (int turns = 0; turns < 4; turns++) check(m, n, k, turns & 1, turns >> 1);
}

static void test_small(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 3, 7, 15, 16, 17, 31, 33};
  enum { N = sizeof sizes / sizeof *sizes };
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) check_all(sizes[i], sizes[j], sizes[(i + 2 * j) % N]);
}

/* Every number of rows that a tile can have, and columns around the width of one and two vectors. */
static void test_tiles(void **state) {
  (void)state;
  for (int64_t m = 1; m <= 30; m++) check_all(m, 29 + m % 9, 20);
}

/* Several blocks of k, tasks by rows and by columns, packed and direct operands, a stride that is a power of two. */
static void test_large(void **state) {
  (void)state;
  check_all(100, 500, 784);
  check_all(300, 20, 1100);
  check_all(20, 900, 1030);
  check_all(64, 512, 1024);
  check_all(1024, 16, 520);
  check_all(230, 40, 1100);
  check_all(60, 40, 2100);
}

/* What becomes of the sums: a bias and a rectifier, or an update, with the arithmetic of the ops that they stand for.
 */
static void check_end(int64_t m, int64_t n, int64_t k) {
  tn_gemm g = {.m = m, .n = n, .k = k, .a_row = k, .a_col = 1, .b_row = n, .b_col = 1};
  tn_gemm_plan(&g);
  const float rate = 0.3f;
  float *a = filled(m * k, 1), *b = filled(k * n, 2), *bias = filled(n, 4), *start = filled(m * n, 3);
  a[0] = NAN;
  float *plain = product(&g, a, b, NULL, 2);
  float *relu = product(&g, a, b, &(tn_gemm_end){.bias = bias, .relu = true}, 2);
  float *gated = product(&g, a, b, &(tn_gemm_end){.gate = start}, 2);
  float *biased = product(&g, a, b, &(tn_gemm_end){.bias = bias}, 2);
  for (int64_t i = 0; i < m * n; i++) {
    const float sum = plain[i] + bias[i % n], positive = sum <= 0 ? 0 : sum;
    const float open = plain[i] * (float)(start[i] > 0);
    assert_memory_equal(&gated[i], &open, sizeof open);
    assert_memory_equal(&biased[i], &sum, sizeof sum);
    assert_memory_equal(&relu[i], &positive, sizeof sum);
  }
  if (k <= TN_GEMM_BLOCK) {
    float *updated = product(&g, a, b, &(tn_gemm_end){.rate = &rate}, 3);
    for (int64_t i = 0; i < m * n; i++) {
      const float step = plain[i] * rate, left = start[i] - step;
      assert_memory_equal(&updated[i], &left, sizeof left);
    }
    free(updated);
  }
  free(a);
  free(b);
  free(bias);
  free(plain);
  free(start);
  free(relu);
  free(gated);
  free(biased);
}

static void test_ends(void **state) {
  (void)state;
  check_end(1, 1, 1);
  check_end(5, 16, 3);
  check_end(14, 32, 9);
  check_end(33, 75, 40);
  check_end(30, 100, 1500);
  for (int64_t m = 1; m <= 14; m++) check_end(m, 32 + m, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_tiles),
                                     cmocka_unit_test(test_large), cmocka_unit_test(test_ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
