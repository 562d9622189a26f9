/* What remote files are read with: MD5, and the walks through JSON and XML. Servers are in tests/storage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/md5.h"
#include "base/str.h"
#include "io/remote/document.h"

/* RFC 1321's own examples, in one piece and byte by byte. */
static void md5(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t step = 1; step < 100; step += 98) {
      const char *text = cases[i][0];
      size_t size = strlen(text);
      unsigned char sum[16];
      char digits[33];
      tn_md5 m;
      tn_md5_begin(&m);
      for (size_t at = 0; at < size; at += step) tn_md5_add(&m, text + at, size - at < step ? size - at : step);
      tn_md5_end(&m, sum);
      tn_md5_text(sum, digits);
      assert_string_equal(digits, cases[i][1]);
    }
  }
}

static tn_error *note(void *argument, const char *path, const char *text) {
  tn_str_addf(argument, "%s=%s;", path, text ? text : "{}");
  return NULL;
}

typedef tn_error *walk(const char *text, size_t size, tn_document_visit *visit, void *argument);

/* TEXT's values in order, or the message of its error. */
static void expect(walk *walk, const char *text, const char *wanted) {
  tn_str found = {0};
  tn_error *error = walk(text, strlen(text), note, &found);
  const char *got = error ? tn_error_message(error) : found.data ? found.data : "";
  if (error)
    assert_non_null(strstr(got, wanted));
  else
    assert_string_equal(got, wanted);
  tn_error_free(error);
  tn_str_clear(&found);
}

static void json(void **state) {
  (void)state;
  expect(tn_json_walk, "{\"a\": {\"b\": [1, -2.5e3, true, null]}, \"c\": \"x\"}",
         "a/b=1;a/b=-2.5e3;a/b=true;a={};c=x;={};");
  expect(tn_json_walk, "\"\\u00e4\\ud83d\\ude00\\n\\/\"", "=\xc3\xa4\xf0\x9f\x98\x80\n/;");
  expect(tn_json_walk, " [] ", "");
  expect(tn_json_walk, "{\"a\":1,}", "expected a name at byte 7");
  expect(tn_json_walk, "{\"a\" 1}", "expected ':'");
  expect(tn_json_walk, "[1 2]", "expected ','");
  expect(tn_json_walk, "\"\\ud800\"", "no character");
  expect(tn_json_walk, "\"\\u0000\"", "no character");
  expect(tn_json_walk, "\"a", "does not end");
  expect(tn_json_walk, "nope", "expected a value");
  expect(tn_json_walk, "1 1", "something behind the end");
  expect(tn_json_walk, "", "expected a value");
  char deep[100];
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = 0;
  expect(tn_json_walk, deep, "too many levels");
}

static void xml(void **state) {
  (void)state;
  expect(tn_xml_walk, "<?xml version='1.0'?><!-- <no> --><r x=\">\"><k>a&amp;b&#x41;&lt;</k><e/><p><q>1</q></p></r>\n",
         "r/k=a&bA<;r/e=;r/p/q=1;r/p=;r=;");
  expect(tn_xml_walk, "<a><b></a>", "the end of another element");
  expect(tn_xml_walk, "<a>", "does not end");
  expect(tn_xml_walk, "</a>", "an end without a beginning");
  expect(tn_xml_walk, "<a>&no;</a>", "an unknown entity");
  expect(tn_xml_walk, "<a>&#xd800;</a>", "no character");
  expect(tn_xml_walk, "<a b", "a tag that does not end");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(md5), cmocka_unit_test(json), cmocka_unit_test(xml)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
