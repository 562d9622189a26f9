/* gRPC's words, and the pool of large blocks. */
#include "cluster/grpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cluster/pool.h"

static void test_timeouts(void **state) {
  (void)state;
  static const struct {
    int64_t ns;
    const char *text;
  } cases[] = {{0, "0n"},
               {-5, "0n"},
               {1, "1n"},
               {99999999, "99999999n"},
               {100000000, "100000u"},
               {100000001, "100001u"}, /* rounded up: a call may not end early */
               {3600000000000, "3600000m"},
               {INT64_MAX, "2562048H"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[16];
    int64_t back = -1;
    tn_grpc_put_timeout(cases[i].ns, text);
    assert_string_equal(text, cases[i].text);
    assert_true(tn_grpc_timeout(text, strlen(text), &back));
    assert_true(back >= cases[i].ns);
  }
  static const char *const bad[] = {"", "1", "n", "1x", "-1n", "123456789n", "1 n", "1.5S"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t ns = 7;
    assert_false(tn_grpc_timeout(bad[i], strlen(bad[i]), &ns));
    assert_int_equal(ns, 7);
  }
  int64_t ns;
  assert_true(tn_grpc_timeout("99999999H", 9, &ns));
  assert_true(ns == INT64_MAX);
}

static void test_messages(void **state) {
  (void)state;
  tn_str text = {0};
  tn_grpc_encode(&text, "50% of\n\xc3\xb6~");
  assert_string_equal(text.data, "50%25 of%0A%C3%B6~");
  tn_grpc_decode(text.data);
  assert_string_equal(text.data, "50% of\n\xc3\xb6~");
  tn_str_clear(&text);
  tn_grpc_encode(&text, "'\xff', \xe2\x82\xac");
  assert_string_equal(text.data, "'?', %E2%82%AC");
  tn_str_clear(&text);
  char odd[] = "%%41%4g%4";
  tn_grpc_decode(odd);
  assert_string_equal(odd, "%A%4g%4");
}

/* A block comes again for a message of nearly its size, and not for others; what is in use survives the pool. */
static void test_pool(void **state) {
  (void)state;
  tn_pool *pool;
  tn_buffer *a, *b, *c;
  size_t before = tn_memory_used();
  assert_null(tn_pool_new(&pool));
  assert_null(tn_pool_buffer(pool, 5000000, &a));
  void *data = a->data;
  tn_buffer_unref(a);
  assert_true(tn_memory_used() > before);
  assert_null(tn_pool_buffer(pool, 1100000, &b));
  assert_ptr_not_equal(b->data, data);
  assert_null(tn_pool_buffer(pool, 4900000, &a));
  assert_ptr_equal(a->data, data);
  assert_int_equal(a->size, 4900000);
  assert_null(tn_pool_buffer(pool, 4900000, &c));
  memset(a->data, 1, a->size);
  memset(c->data, 2, c->size);
  tn_buffer_unref(b);
  tn_buffer_unref(c);
  tn_pool_free(pool);
  assert_int_equal(((char *)a->data)[4899999], 1);
  tn_buffer_unref(a);
  assert_int_equal(tn_memory_used(), before);
}

/* Where memory is short, what waits in the pool is given up for a message that needs it. */
static void test_pool_limit(void **state) {
  (void)state;
  tn_pool *pool;
  tn_buffer *a, *b;
  size_t limit = tn_memory_limit();
  assert_null(tn_pool_new(&pool));
  tn_set_memory_limit(tn_memory_used() + ((size_t)64 << 20));
  assert_null(tn_pool_buffer(pool, 4 << 20, &a));
  tn_buffer_unref(a);
  assert_null(tn_pool_buffer(pool, 62 << 20, &b));
  tn_error *error = tn_pool_buffer(pool, 8 << 20, &a);
  assert_int_equal(tn_error_code(error), TN_RESOURCE_EXHAUSTED);
  tn_error_free(error);
  tn_buffer_unref(b);
  tn_pool_free(pool);
  tn_set_memory_limit(limit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_timeouts),
      cmocka_unit_test(test_messages),
      cmocka_unit_test(test_pool),
      cmocka_unit_test(test_pool_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
