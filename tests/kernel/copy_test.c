/* Strided copies against the plainest loop: random boxes with repeated, reversed and permuted dimensions, all element
 * sizes, odd addresses, any number of threads; strings. */
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
#include "kernel/copy.h"

enum { RANK = 5 };

static uint32_t random_state = 12345;
static int random_below(int n) {
  random_state = random_state * 1664525u + 1013904223u;
  return (int)(random_state >> 8) % n;
}

typedef struct box {
  int rank;
  int64_t dims[RANK], to[RANK], from[RANK];
  int64_t offset, source, total; /* where the source begins, its elements, the target's */
} box;

/* A dense target; a source of permuted, reversed, repeated or skipped dimensions. */
static box random_box(int largest) {
  box b = {.rank = 1 + random_below(RANK), .source = 1, .total = 1};
  int order[RANK];
  for (int i = 0; i < b.rank; i++) {
    b.dims[i] = random_below(8) == 0 ? 1 : 1 + random_below(largest);
    b.total *= b.dims[i];
    order[i] = i;
  }
  for (int i = b.rank - 1; i > 0; i--) {
    int k = random_below(i + 1), swap = order[i];
    order[i] = order[k];
    order[k] = swap;
  }
  for (int i = b.rank - 1; i >= 0; i--) {
    int d = order[i], kind = random_below(5);
    int64_t step = kind == 4 ? 2 : 1;
    b.from[d] = kind == 0 ? 0 : b.source * step;
    if (kind == 1) {
      b.offset += (b.dims[d] - 1) * b.from[d];
      b.from[d] = -b.from[d];
    }
    if (kind != 0) b.source *= b.dims[d] * step;
  }
  tn_copy_strides(b.rank, b.dims, b.to);
  return b;
}

/* The place in the source of element I of the target. */
static int64_t place(const box *b, int64_t i) {
  int64_t at = b->offset;
  for (int d = b->rank - 1; d >= 0; d--) {
    at += i % b->dims[d] * b->from[d];
    i /= b->dims[d];
  }
  return at;
}

static void check(const box *b, tn_dtype dtype, int shift) {
  int64_t size = (int64_t)tn_dtype_size(dtype);
  unsigned char *from = tn_malloc((size_t)(b->source * size + shift)),
                *to = tn_malloc((size_t)(b->total * size + shift));
  for (int64_t i = 0; i < b->source * size; i++) from[shift + i] = (unsigned char)(i * 131 + (i >> 7));
  tn_copy copy;
  tn_copy_init(&copy, dtype, b->rank, b->dims, b->to, b->from);
  assert_null(tn_copy_run(&copy, to + shift, from + shift + b->offset * size));
  for (int64_t i = 0; i < b->total; i++)
    assert_memory_equal(to + shift + i * size, from + shift + place(b, i) * size, (size_t)size);
  tn_free(from);
  tn_free(to);
}

static const tn_dtype dtypes[] = {TN_UINT8, TN_INT16, TN_FLOAT, TN_DOUBLE, TN_COMPLEX128};

static void small_boxes(void **state) {
  (void)state;
  for (int i = 0; i < 3000; i++) {
    box b = random_box(9);
    check(&b, dtypes[i % 5], i % 7 == 0);
  }
}

static void large_boxes(void **state) {
  (void)state;
  for (int threads = 1; threads <= 3; threads++) {
    tn_parallel_set_threads(threads);
    for (int i = 0; i < 12; i++) {
      box b = random_box(70);
      if (b.total < 4000000 && b.source < 4000000) check(&b, dtypes[i % 5], 0);
    }
  }
}

static void transposes(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 3, 4, 15, 16, 17, 31, 64, 67, 301};
  for (int i = 0; i < 100; i++) {
    int64_t rows = sizes[i / 10], columns = sizes[i % 10];
    box b = {.rank = 2,
             .dims = {rows, columns},
             .to = {columns, 1},
             .from = {1, rows},
             .source = rows * columns,
             .total = rows * columns};
    for (int k = 0; k < 5; k++) check(&b, dtypes[k], 0);
  }
}

static void strings(void **state) {
  (void)state;
  tn_string from[6] = {{0}}, to[6] = {{0}};
  const char *words[6] = {"a", "bc", "", "def", "g", "hi"};
  for (int i = 0; i < 6; i++) assert_null(tn_string_set(&from[i], words[i], strlen(words[i])));
  assert_null(tn_string_set(&to[0], "old", 3));
  tn_copy copy;
  tn_copy_init(&copy, TN_STRING, 2, (int64_t[]){3, 2}, (int64_t[]){2, 1}, (int64_t[]){1, 3});
  assert_null(tn_copy_run(&copy, to, from));
  for (int i = 0; i < 6; i++) {
    const char *want = words[i / 2 + i % 2 * 3];
    assert_int_equal(to[i].size, strlen(want));
    if (to[i].size) assert_memory_equal(to[i].data, want, to[i].size);
  }
  assert_null(tn_copy_zero(TN_STRING, to, 6));
  for (int i = 0; i < 6; i++) {
    assert_int_equal(to[i].size, 0);
    tn_free(to[i].data);
    tn_free(from[i].data);
  }
}

static void fills(void **state) {
  (void)state;
  float *to = tn_malloc(200001 * sizeof *to), value = 2.5f;
  assert_null(tn_copy_fill(TN_FLOAT, to, &value, 200001));
  for (int i = 0; i < 200001; i++) assert_true(to[i] == value);
  assert_null(tn_copy_zero(TN_FLOAT, to, 200001));
  assert_true(to[200000] == 0);
  assert_null(tn_copy_fill(TN_FLOAT, to, &value, 0));
  tn_free(to);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_boxes), cmocka_unit_test(large_boxes), cmocka_unit_test(transposes),
      cmocka_unit_test(strings),     cmocka_unit_test(fills),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
