/* TFRecord files: written and read again, plain and compressed; what is damaged is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/file.h"
#include "io/stream.h"

static char folder[] = "/tmp/tenon-records-XXXXXX";

static void ok(tn_error *error) {
  if (error) fail_msg("%s", tn_error_message(error));
}

static void fails(tn_error *error, tn_code code, const char *words) {
  assert_int_equal(tn_error_code(error), code);
  assert_non_null(strstr(tn_error_message(error), words));
  tn_error_free(error);
}

enum { RECORDS = 500 };

static char big[4 * RECORDS];

/* Record I is the first I * 4 bytes of BIG. */
static void write_all(const char *path, tn_compression compression) {
  tn_record_writer *writer;
  ok(tn_record_writer_open(path, compression, -1, &writer));
  for (int i = 0; i < RECORDS; i++) ok(tn_record_writer_write(writer, big, (size_t)(4 * i)));
  ok(tn_record_writer_close(writer));
}

static void there_and_back(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s/all", folder);
  for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7 + i / 251);
  for (int c = 0; c < 3; c++) {
    write_all(path, (tn_compression)c);
    tn_record_reader *reader;
    ok(tn_record_reader_open(path, (tn_compression)c, 1, &reader));
    uint64_t middle = 0;
    const void *data;
    size_t size;
    for (int i = 0; i < RECORDS; i++) {
      if (i == RECORDS / 2) middle = tn_record_reader_offset(reader);
      ok(tn_record_reader_next(reader, &data, &size));
      assert_int_equal(size, 4 * i);
      assert_true(!size || memcmp(data, big, size) == 0);
    }
    fails(tn_record_reader_next(reader, &data, &size), TN_OUT_OF_RANGE, path);
    ok(tn_record_reader_seek(reader, middle));
    ok(tn_record_reader_next(reader, &data, &size));
    assert_int_equal(size, 4 * (RECORDS / 2));
    ok(tn_record_reader_seek(reader, 0));
    ok(tn_record_reader_next(reader, &data, &size));
    assert_int_equal(size, 0);
    tn_record_reader_close(reader);
  }
}

/* The error of reading two records of BYTES. */
static tn_error *second(const char *bytes, size_t n) {
  char path[128];
  snprintf(path, sizeof path, "%s/damaged", folder);
  ok(tn_file_replace(path, bytes, n));
  tn_record_reader *reader;
  ok(tn_record_reader_open(path, TN_UNCOMPRESSED, 0, &reader));
  const void *data;
  size_t size;
  tn_error *error = tn_record_reader_next(reader, &data, &size);
  if (!error) error = tn_record_reader_next(reader, &data, &size);
  tn_record_reader_close(reader);
  return error;
}

static void damage(void **state) {
  (void)state;
  char path[128], *data;
  size_t size;
  snprintf(path, sizeof path, "%s/two", folder);
  tn_record_writer *writer;
  ok(tn_record_writer_open(path, TN_UNCOMPRESSED, -1, &writer));
  ok(tn_record_writer_write(writer, "one", 3));
  ok(tn_record_writer_write(writer, "second", 6));
  ok(tn_record_writer_close(writer));
  ok(tn_file_read(path, &data, &size));
  assert_int_equal(size, 19 + 22);
  ok(second(data, size));
  for (size_t n = 20; n < size; n++) fails(second(data, n), TN_DATA_LOSS, "damaged: truncated record at 19");
  for (size_t i = 19; i < size; i++) {
    data[i] ^= 1;
    fails(second(data, size), TN_DATA_LOSS, "damaged: corrupted record at 19");
    data[i] ^= 1;
  }
  free(data);
  tn_record_reader *reader;
  fails(tn_record_reader_open("/no/such/file", TN_GZIP, 0, &reader), TN_NOT_FOUND, "/no/such/file");
  fails(tn_record_reader_open(folder, TN_UNCOMPRESSED, 0, &reader), TN_FAILED_PRECONDITION, "Is a directory");
  fails(tn_record_writer_open("/no/such/file", TN_GZIP, 0, &writer), TN_NOT_FOUND, "/no/such/file");
  fails(tn_record_writer_open(path, TN_GZIP, 12, &writer), TN_INVALID_ARGUMENT, "12");
  tn_compression compression;
  fails(tn_compression_named("LZ4", &compression), TN_INVALID_ARGUMENT, "LZ4");
  ok(tn_compression_named("GZIP", &compression));
  assert_int_equal(compression, TN_GZIP);
}

static void lines(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s/lines", folder);
  static const char text[] = "one\r\n\ntwo\nlast";
  ok(tn_file_replace(path, text, sizeof text - 1));
  tn_stream *stream;
  ok(tn_stream_open(path, TN_UNCOMPRESSED, 0, &stream));
  static const char *const wanted[] = {"one", "", "two", "last"};
  const char *line;
  size_t size;
  bool any;
  for (int i = 0; i < 4; i++) {
    ok(tn_stream_line(stream, &line, &size, &any));
    assert_true(any && size == strlen(wanted[i]) && memcmp(line, wanted[i], size) == 0);
  }
  ok(tn_stream_line(stream, &line, &size, &any));
  assert_false(any);
  assert_int_equal(tn_stream_offset(stream), sizeof text - 1);
  tn_stream_close(stream);
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(damage),
                                     cmocka_unit_test(lines)};
  int failed = cmocka_run_group_tests_name("records", tests, NULL, NULL);
  char command[128];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command) ? 1 : failed;
}
