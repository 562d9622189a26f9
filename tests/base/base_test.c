/* Errors, maps, strings, memory, CRC, parallel loops. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "base/parallel.h"
#include "base/str.h"

static tn_error *fails(void) { return tn_errorf(TN_NOT_FOUND, "no %s, 100%% sure", "x"); }
static tn_error *passes_on(void) {
  TN_TRY(fails());
  return NULL;
}

static void test_error(void **state) {
  (void)state;
  tn_error *error = tn_error_context(passes_on(), "reading '%s'", "%d%n");
  assert_int_equal(tn_error_code(error), TN_NOT_FOUND);
  assert_string_equal(tn_error_message(error), "reading '%d%n': no x, 100% sure");
  assert_non_null(strstr(tn_error_trace(error), "base_test.c:"));
  tn_error *copy = tn_error_copy(error);
  tn_error_free(error);
  assert_string_equal(tn_error_message(copy), "reading '%d%n': no x, 100% sure");
  tn_error_free(copy);
  assert_int_equal(tn_error_code(NULL), TN_OK);
  assert_string_equal(tn_error_message(NULL), "");
  assert_string_equal(tn_code_name(TN_RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED");
  assert_string_equal(tn_code_name((tn_code)99), "UNKNOWN");
}

/* The map against a plain array, with removals that must move entries back over the hole. */
static void test_map(void **state) {
  (void)state;
  enum { KEYS = 500, STEPS = 20000 };
  static char present[KEYS];
  tn_map *map;
  assert_null(tn_map_new(&map));
  size_t count = 0;
  unsigned random = 1;
  for (int step = 0; step < STEPS; step++) {
    random = random * 1103515245u + 12345u;
    unsigned key = random >> 8 & 0x1ff;
    if (key >= KEYS) continue;
    char name[16];
    snprintf(name, sizeof name, "k%u", key);
    assert_int_equal(tn_map_find(map, name) != NULL, present[key]);
    if (random & 1 << 20) {
      assert_null(tn_map_put(map, name, &present[key]));
      count += !present[key];
      present[key] = 1;
    } else {
      assert_ptr_equal(tn_map_remove(map, name, strlen(name)), present[key] ? &present[key] : NULL);
      count -= (size_t)present[key];
      present[key] = 0;
    }
    assert_int_equal(tn_map_size(map), count);
  }
  size_t cursor = 0, seen = 0;
  void *value;
  while (tn_map_next(map, &cursor, NULL, NULL, &value)) seen += *(char *)value == 1;
  assert_int_equal(seen, count);
  tn_map_free(map);
}

static void test_str(void **state) {
  (void)state;
  tn_str s = {0};
  for (int i = 0; i < 1000; i++) tn_str_addf(&s, "%d,", i);
  char *text;
  size_t size;
  assert_null(tn_str_take(&s, &text, &size));
  assert_int_equal(size, 3890);
  assert_int_equal(strlen(text), size);
  tn_free(text);
  assert_null(tn_str_take(&s, &text, &size));
  assert_string_equal(text, "");
  tn_free(text);
}

/* What is no character (alone, too long, a surrogate, past the last one, cut off) is made one, byte by byte. */
static void test_utf8(void **state) {
  (void)state;
  static const struct {
    const char *text, *clean;
  } cases[] = {{"", ""},
               {"plain \n\x7f", "plain \n\x7f"},
               {"\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80"},
               {"a\xff\x80"
                "b",
                "a??b"},
               {"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "?????????"},
               {"\xed\xa0\x80\xf4\x90\x80\x80\xf5\x80\x80\x80", "???????????"},
               {"\xe2\x82", "??"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[32];
    snprintf(text, sizeof text, "%s", cases[i].text);
    tn_utf8_clean(text);
    assert_string_equal(text, cases[i].clean);
  }
}

static void test_crc32c(void **state) {
  (void)state;
  /* The check value of the CRC catalogue, and the vectors of RFC 3720, B.4. */
  assert_int_equal(tn_crc32c(0, "123456789", 9), 0xe3069283u);
  unsigned char bytes[32] = {0};
  assert_int_equal(tn_crc32c(0, bytes, 32), 0x8a9136aau);
  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(tn_crc32c(0, bytes, 32), 0x46dd794eu);
  assert_int_equal(tn_crc32c(tn_crc32c(0, bytes, 13), bytes + 13, 19), 0x46dd794eu);
  assert_int_equal(tn_crc32c_unmask(tn_crc32c_mask(0x46dd794eu)), 0x46dd794eu);
}

static void test_memory_limit(void **state) {
  (void)state;
  size_t old = tn_memory_limit(), before = tn_memory_used();
  void *memory;
  assert_null(tn_alloc_aligned(1 << 20, &memory));
  assert_int_equal((uintptr_t)memory % 64, 0);
  assert_int_equal(tn_memory_used(), before + (1 << 20));
  tn_set_memory_limit(before + (1 << 20) + 10);
  void *more;
  tn_error *error = tn_alloc_aligned(11, &more);
  assert_int_equal(tn_error_code(error), TN_RESOURCE_EXHAUSTED);
  tn_error_free(error);
  error = tn_alloc_aligned(SIZE_MAX - 3, &more);
  assert_int_equal(tn_error_code(error), TN_RESOURCE_EXHAUSTED);
  tn_error_free(error);
  tn_set_memory_limit(old);
  tn_free_aligned(memory, 1 << 20);
  assert_int_equal(tn_memory_used(), before);
}

static void count_chunk(void *argument, int64_t i) { ((int *)argument)[i]++; }

static void test_parallel(void **state) {
  (void)state;
  int hits[1000] = {0};
  for (int threads = 1; threads <= 4; threads++) {
    tn_parallel_set_threads(threads);
    tn_parallel(1000, count_chunk, hits);
    for (int i = 0; i < 1000; i++) assert_int_equal(hits[i], threads);
  }
#ifndef TN_TSAN /* the thread sanitizer lets no child of a threaded process start threads */
  pid_t child = fork();
  if (!child) {
    int once[100] = {0}, good = 1;
    tn_parallel(100, count_chunk, once);
    for (int i = 0; i < 100; i++) good &= once[i] == 1;
    _exit(good ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
  tn_parallel_set_threads(1);
}

static void *many_loops(void *argument) {
  int *hits = argument;
  tn_parallel_set_threads(3);
  for (int round = 0; round < 2000; round++) tn_parallel(7, count_chunk, hits);
  return NULL;
}

/* Several threads run loops at once: one has the workers, the others do their chunks alone. */
static void test_parallel_callers(void **state) {
  (void)state;
  pthread_t threads[3];
  int hits[3][7] = {{0}};
  for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, many_loops, hits[i]), 0);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 7; k++) assert_int_equal(hits[i][k], 2000);
}

static void test_chunks(void **state) {
  (void)state;
  static const int64_t sizes[] = {0, 1, 15, 16, 17, 1000, 4099};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int64_t chunks = 1; chunks < 9; chunks++) {
      int64_t next = 0;
      for (int64_t i = 0; i < chunks; i++) {
        int64_t begin, end;
        tn_chunk(sizes[s], chunks, i, 16, &begin, &end);
        assert_int_equal(begin, next);
        assert_true(end >= begin && (begin % 16 == 0 || begin == sizes[s]));
        next = end;
      }
      assert_int_equal(next, sizes[s]);
    }
  assert_int_equal(tn_chunks(0, 10), 1);
  assert_int_equal(tn_chunks(1 << 30, 10), 64);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_error),    cmocka_unit_test(test_map),
                                     cmocka_unit_test(test_str),      cmocka_unit_test(test_utf8),
                                     cmocka_unit_test(test_crc32c),   cmocka_unit_test(test_memory_limit),
                                     cmocka_unit_test(test_parallel), cmocka_unit_test(test_parallel_callers),
                                     cmocka_unit_test(test_chunks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
