/* YAML into JSON values; keys in a queue; times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/queue.h"
#include "kube/yaml.h"

/* TEXT reads as the JSON of EXPECTED, an array of documents. */
static void reads(const char *text, const char *expected) {
  json_t *got = NULL, *want = json_loads(expected, 0, NULL);
  tn_error *error = tn_yaml_parse("test", text, strlen(text), &got);
  assert_null(error);
  assert_non_null(want);
  if (!json_equal(got, want)) fail_msg("%s reads as %s", text, json_dumps(got, 0));
  json_decref(got);
  json_decref(want);
}

static void refuses(const char *text, const char *word) {
  json_t *got = NULL;
  tn_error *error = tn_yaml_parse("test", text, strlen(text), &got);
  assert_int_equal(tn_error_code(error), TN_INVALID_ARGUMENT);
  if (!strstr(tn_error_message(error), word)) fail_msg("%s: %s", text, tn_error_message(error));
  tn_error_free(error);
}

static void test_scalars(void **state) {
  (void)state;
  reads("[1, -2, 0x1F, 017, 0o17, 1.5, -.5, 1e3, .inf]", "[[1, -2, 31, 15, 15, 1.5, -0.5, 1000.0, \".inf\"]]");
  reads("[true, Yes, off, null, ~, '', \"1\", 'true', 1.2.3, 10Gi, 2026-01-01]",
        "[[true, true, false, null, null, \"\", \"1\", \"true\", \"1.2.3\", \"10Gi\", \"2026-01-01\"]]");
  reads("a: |\n  x\n  y\nb: >\n  x\n  y\n", "[{\"a\": \"x\\ny\\n\", \"b\": \"x y\\n\"}]");
  reads("[99999999999999999999, \"\\u00e9\"]", "[[1e20, \"\\u00e9\"]]");
}

static void test_blocks(void **state) {
  (void)state;
  reads("a: {b: [1, {c: d}]}\n---\n---\n- x\n", "[{\"a\": {\"b\": [1, {\"c\": \"d\"}]}}, [\"x\"]]");
  reads("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\nc: *x\nd: {k: 4, <<: [*x, {m: 5}]}\n",
        "[{\"a\": {\"k\": 1, \"l\": 2}, \"b\": {\"k\": 1, \"l\": 3}, \"c\": {\"k\": 1, \"l\": 2},"
        " \"d\": {\"k\": 4, \"l\": 2, \"m\": 5}}]");
  reads("", "[]");
  reads("# nothing\n", "[]");
}

static void test_refused(void **state) {
  (void)state;
  refuses("a: b: c", "line 1");
  refuses("a: 1\na: 2", "before");
  refuses("? [1]\n: 2", "key that is no text");
  refuses("a: *b", "alias of nothing");
  refuses("a: &a [*a]", "alias of nothing");
  refuses("{<<: 3}", "takes a mapping");
  refuses("a: [1", "expected");
  /* A billion laughs: each line names the one before it nine times. */
  refuses("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
          "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
          "more values");
  char deep[401];
  memset(deep, '[', 400);
  deep[400] = 0;
  refuses(deep, "100 levels");
}

static void test_queue(void **state) {
  (void)state;
  tn_work_queue *queue;
  char key[512];
  assert_null(tn_work_queue_new(&queue));
  assert_null(tn_work_queue_add(queue, "b", 20));
  assert_null(tn_work_queue_add(queue, "a", 30));
  assert_null(tn_work_queue_add(queue, "a", 10));
  assert_null(tn_work_queue_add(queue, "b", 40)); /* later than it is in there: nothing changes */
  assert_int_equal(tn_work_queue_size(queue), 2);
  assert_int_equal(tn_work_queue_next(queue), 10);
  assert_false(tn_work_queue_take(queue, 9, key));
  assert_true(tn_work_queue_take(queue, 25, key));
  assert_string_equal(key, "a");
  assert_true(tn_work_queue_take(queue, 25, key));
  assert_string_equal(key, "b");
  assert_int_equal(tn_work_queue_next(queue), INT64_MAX);
  unsigned random = 7;
  for (int i = 0; i < 500; i++) {
    char name[16];
    random = random * 1103515245u + 12345u;
    snprintf(name, sizeof name, "%d", i);
    assert_null(tn_work_queue_add(queue, name, random >> 8));
  }
  for (int64_t last = 0; tn_work_queue_size(queue);) {
    int64_t due = tn_work_queue_next(queue);
    assert_true(due >= last);
    last = due;
    assert_true(tn_work_queue_take(queue, INT64_MAX, key));
  }
  tn_work_queue_free(queue);
  assert_int_equal(tn_backoff_ns(1), 100000000);
  assert_int_equal(tn_backoff_ns(3), 400000000);
  assert_int_equal(tn_backoff_ns(99), 60000000000);
}

static void test_times(void **state) {
  (void)state;
  char text[32];
  assert_int_equal(tn_time_parse("2026-11-30T12:00:00Z"), 1796040000);
  assert_string_equal(tn_time_text(1796040000, text), "2026-11-30T12:00:00Z");
  assert_int_equal(tn_time_parse("2026-11-30T12:00:00.123456Z"), 1796040000);
  assert_int_equal(tn_time_parse("yesterday"), 0);
  assert_int_equal(tn_time_parse(NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scalars), cmocka_unit_test(test_blocks), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_queue),   cmocka_unit_test(test_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
