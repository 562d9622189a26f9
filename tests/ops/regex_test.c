/* Regular expressions at their limits: what is too large or too deep is an error, in little time and stack. What they
 * match is compared with TensorFlow's in the oracle's cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ops/string/regex.h"

static bool matches(const char *pattern, const char *text, size_t size) {
  tn_regex *regex = NULL;
  assert_null(tn_regex_new(pattern, strlen(pattern), &regex));
  void *scratch = tn_malloc(tn_regex_scratch(regex));
  bool result = tn_regex_full_match(regex, text, size, scratch);
  tn_free(scratch);
  tn_regex_free(regex);
  return result;
}

static void fails(const char *pattern, size_t size) {
  tn_regex *regex = NULL;
  tn_error *error = tn_regex_new(pattern, size, &regex);
  assert_int_equal(tn_error_code(error), TN_INVALID_ARGUMENT);
  assert_null(regex);
  tn_error_free(error);
}

static void too_large(void **state) {
  (void)state;
  static const char *const patterns[] = {"((a{1000}){1000}){1000}", "(((){1000}){1000}){1000}",
                                         "((((a{0,9}){0,999}){0,999}){0,999}){0,999}"};
  for (int i = 0; i < 3; i++) fails(patterns[i], strlen(patterns[i]));
  enum { SIZE = 200000 };
  char *deep = tn_malloc(SIZE);
  memset(deep, '(', SIZE);
  fails(deep, SIZE);
  memset(deep, '[', SIZE);
  fails(deep, SIZE);
  memset(deep, 'a', SIZE);
  fails(deep, SIZE);
  memset(deep, '\\', SIZE);
  fails(deep, SIZE - 1);
  tn_free(deep);
}

/* Ways that multiply in a matcher that tries them one after the other. */
static void linear_time(void **state) {
  (void)state;
  enum { SIZE = 2000 };
  char text[SIZE + 1];
  memset(text, 'a', SIZE);
  text[SIZE] = 'b';
  assert_true(matches("(a*)*(a|aa)*b", text, SIZE + 1));
  assert_false(matches("(a|aa)+", text, SIZE + 1));
  assert_false(matches("(a?){100}a{100}c", text, SIZE + 1));
  assert_true(matches("(a*)*", "", 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(too_large), cmocka_unit_test(linear_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
