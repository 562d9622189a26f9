/* The arena's layout: what is in use at once never overlaps, and memory is used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compile/plan.h"

static uint32_t seed = 1;
static uint32_t draw(uint32_t n) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % n;
}

static size_t end_of(const tn_interval *piece) { return piece->offset + piece->bytes; }

/* The most bytes that are in use at one time: no layout can do with less. */
static size_t peak(const tn_interval *pieces, int n, int steps) {
  size_t most = 0;
  for (int t = 0; t < steps; t++) {
    size_t now = 0;
    for (int i = 0; i < n; i++) {
      if (pieces[i].from <= t && t <= pieces[i].to) now += (pieces[i].bytes + 63) & ~(size_t)63;
    }
    if (now > most) most = now;
  }
  return most;
}

static void nothing_overlaps(void **state) {
  (void)state;
  enum { N = 120, STEPS = 60 };
  tn_interval pieces[N];
  for (int round = 0; round < 200; round++) {
    int n = 1 + (int)draw(N);
    for (int i = 0; i < n; i++) {
      int from = (int)draw(STEPS);
      int to = draw(10) ? from + (int)draw(8) : INT32_MAX;
      pieces[i] = (tn_interval){from, to, draw(5) ? draw(3000) : 0, 0};
    }
    size_t total = 0;
    assert_null(tn_plan_memory(pieces, n, true, &total));
    for (int i = 0; i < n; i++) {
      assert_int_equal(pieces[i].offset % 64, 0);
      assert_true(end_of(&pieces[i]) <= total);
      for (int k = 0; k < i; k++) {
        bool together = pieces[i].from <= pieces[k].to && pieces[k].from <= pieces[i].to;
        if (!together || !pieces[i].bytes || !pieces[k].bytes) continue;
        assert_true(pieces[i].offset >= end_of(&pieces[k]) || pieces[k].offset >= end_of(&pieces[i]));
      }
    }
    size_t least = peak(pieces, n, STEPS + 8);
    assert_true(total <= least + least / 2 + 64 * 64);
  }
}

static void a_chain_takes_two(void **state) {
  (void)state;
  tn_interval pieces[50];
  for (int i = 0; i < 50; i++) pieces[i] = (tn_interval){i, i + 1, 1000, 0};
  size_t total = 0;
  assert_null(tn_plan_memory(pieces, 50, true, &total));
  assert_int_equal(total, 2 * 1024);
  assert_null(tn_plan_memory(pieces, 50, false, &total));
  assert_int_equal(total, 50 * 1024);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_overlaps), cmocka_unit_test(a_chain_takes_two)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
