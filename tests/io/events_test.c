/* Event files: what is written reads back record by record, names do not clash, errors name the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <tenon/events.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/wire.h"
#include "io/file.h"

static char folder[] = "/tmp/tenon-events-XXXXXX";

static void succeed(tn_error *error) {
  if (error) fail_msg("%s", tn_error_message(error));
}

/* The record at *AT of DATA, whose checksums must hold; false at the end. */
static bool next_record(const char *data, size_t size, size_t *at, tn_wire_in *out) {
  if (*at == size) return false;
  assert_true(size - *at >= 16);
  uint64_t length = (uint64_t)tn_get_u32(data + *at) | (uint64_t)tn_get_u32(data + *at + 4) << 32;
  assert_int_equal(tn_get_u32(data + *at + 8), tn_crc32c_mask(tn_crc32c(0, data + *at, 8)));
  assert_true(size - *at - 16 >= length);
  const char *body = data + *at + 12;
  assert_int_equal(tn_get_u32(body + length), tn_crc32c_mask(tn_crc32c(0, body, length)));
  *out = tn_wire_bytes(body, length);
  *at += 16 + length;
  return true;
}

static void test_records(void **state) {
  (void)state;
  tn_event_writer *writer, *other;
  succeed(tn_event_writer_open(folder, ".x", &writer));
  succeed(tn_event_writer_open(folder, ".x", &other));
  assert_string_not_equal(tn_event_writer_path(writer), tn_event_writer_path(other));
  succeed(tn_event_writer_scalar(writer, 7, "loss", 0.5f));
  succeed(tn_event_writer_summary(writer, -1, "", 0));
  succeed(tn_event_writer_graph(writer, "g", 1));
  succeed(tn_event_writer_event(writer, "", 0));
  succeed(tn_event_writer_flush(writer));
  char *data;
  size_t size, at = 0;
  succeed(tn_file_read(tn_event_writer_path(writer), &data, &size));
  static const uint32_t fields[] = {3, 5, 5, 4};
  tn_wire_in in;
  for (int i = 0; i < 4; i++) {
    assert_true(next_record(data, size, &at, &in));
    tn_wire_field field;
    bool more;
    succeed(tn_wire_next(&in, &field, &more));
    assert_int_equal(field.number, 1);
    succeed(tn_wire_next(&in, &field, &more));
    if (field.number == 2) {
      assert_int_equal((int64_t)field.value, i == 1 ? 7 : -1);
      succeed(tn_wire_next(&in, &field, &more));
    }
    assert_int_equal(field.number, fields[i]);
    if (i == 0) assert_memory_equal(field.data, "brain.Event:2", 13);
    if (i == 1) assert_memory_equal(field.data, "\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f", 13);
  }
  assert_true(next_record(data, size, &at, &in));
  assert_false(next_record(data, size, &at, &in));
  tn_free(data);
  unlink(tn_event_writer_path(writer));
  unlink(tn_event_writer_path(other));
  succeed(tn_event_writer_close(writer));
  succeed(tn_event_writer_close(other));
  succeed(tn_event_writer_close(NULL));
}

static void test_errors(void **state) {
  (void)state;
  tn_event_writer *writer = NULL;
  tn_error *error = tn_event_writer_open("/dev/null/x", "", &writer);
  assert_non_null(error);
  assert_non_null(strstr(tn_error_message(error), "/dev/null"));
  assert_null(writer);
  tn_error_free(error);
  error = tn_event_writer_open(folder, "/no/such", &writer);
  assert_int_equal(tn_error_code(error), TN_NOT_FOUND);
  tn_error_free(error);
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_records), cmocka_unit_test(test_errors)};
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(folder);
  return failures;
}
