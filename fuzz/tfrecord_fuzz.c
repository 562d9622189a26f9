/* Fuzzes the reader of TFRecord files, plain and compressed, and lines of them; and writes the input as a record, which
 * must be read again as it was.
 * Covers: src/io/tfrecord.c src/io/stream.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/stream.h"
#include "io/tfrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/tenon-fuzz-XXXXXX", written[sizeof path + 2];

static void remove_file(void) {
  unlink(path);
  unlink(written);
}

static void rewrite(const uint8_t *data, size_t size) {
  static FILE *file;
  if (!file) {
    int fd = mkstemp(path);
    if (fd < 0 || !(file = fdopen(fd, "wb"))) abort();
    atexit(remove_file);
    snprintf(written, sizeof written, "%s.w", path);
    tn_set_memory_limit(64 << 20);
  }
  if (fseek(file, 0, SEEK_SET) || ftruncate(fileno(file), 0) || fwrite(data, 1, size, file) != size || fflush(file))
    abort();
}

static void records(tn_compression compression) {
  tn_record_reader *reader;
  tn_error *error = tn_record_reader_open(path, compression, 1, &reader);
  if (error) abort();
  const void *record;
  size_t length;
  uint64_t last = 0;
  for (int i = 0; i < 1000 && !error; i++) {
    last = tn_record_reader_offset(reader);
    error = tn_record_reader_next(reader, &record, &length);
  }
  tn_error_free(error);
  error = tn_record_reader_seek(reader, last / 2);
  if (!error) error = tn_record_reader_next(reader, &record, &length);
  tn_error_free(error);
  tn_record_reader_close(reader);
}

/* Levels from -1 to 9 are good; 10 is refused. */
static void round_trip(const uint8_t *data, size_t size, tn_compression compression) {
  int level = size ? data[0] % 12 - 1 : -1;
  tn_record_writer *writer = NULL;
  tn_error *error = tn_record_writer_open(written, compression, level, &writer);
  if (!error != (level <= 9)) abort();
  tn_error_free(error);
  if (level > 9) return;
  error = tn_record_writer_write(writer, data, size);
  if (!error) error = tn_record_writer_flush(writer);
  if (!error) error = tn_record_writer_write(writer, data, size / 2);
  tn_error *closed = tn_record_writer_close(writer);
  tn_record_reader *reader = NULL;
  if (error || closed || tn_record_reader_open(written, compression, 0, &reader)) abort();
  for (int i = 0; i < 2; i++) {
    const void *record = NULL;
    size_t length = 0, wanted = i ? size / 2 : size;
    if (tn_record_reader_next(reader, &record, &length) || length != wanted) abort();
    if (length && memcmp(record, data, length) != 0) abort();
  }
  tn_record_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rewrite(data, size);
  for (int i = 0; i < 3; i++) {
    records((tn_compression)i);
    round_trip(data, size, (tn_compression)i);
  }
  tn_stream *stream;
  if (tn_stream_open(path, TN_UNCOMPRESSED, 0, &stream)) abort();
  bool any = true;
  while (any) {
    const char *line;
    size_t length;
    if (tn_stream_line(stream, &line, &length, &any)) abort();
  }
  tn_stream_close(stream);
  return 0;
}
