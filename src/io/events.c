/* Event files: TFRecords of tensorflow.Event, written field by field. */
#include <tenon/events.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/wire.h"
#include "io/file.h"

struct tn_event_writer {
  FILE *file;
  char *path;
};

/* The fields of Event and of Summary that are written here. */
enum { WALL_TIME = 1, STEP = 2, FILE_VERSION = 3, GRAPH_DEF = 4, SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2 };

static tn_error *failed(const tn_event_writer *writer, const char *what) {
  return tn_file_error(errno, what, writer->path);
}

tn_error *tn_event_writer_event(tn_event_writer *writer, const void *event, size_t size) {
  tn_str head = {0}, tail = {0};
  tn_put_u64(&head, size);
  if (!head.failed) tn_put_u32(&head, tn_crc32c_mask(tn_crc32c(0, head.data, head.size)));
  tn_put_u32(&tail, tn_crc32c_mask(tn_crc32c(0, event, size)));
  tn_error *error = NULL;
  if (head.failed || tail.failed) {
    error = tn_out_of_memory();
  } else if (fwrite(head.data, 1, head.size, writer->file) != head.size ||
             (size && fwrite(event, 1, size, writer->file) != size) ||
             fwrite(tail.data, 1, tail.size, writer->file) != tail.size) {
    error = failed(writer, "writing");
  }
  tn_str_clear(&head);
  tn_str_clear(&tail);
  return error;
}

/* Begins an event: the time, and the step if there is one. */
static void begin(tn_str *event, int64_t step) {
  double now = (double)tn_wall_ns() * 1e-9;
  uint64_t bits;
  memcpy(&bits, &now, sizeof bits);
  tn_wire_put_key(event, WALL_TIME, TN_WIRE_FIXED64);
  tn_put_u64(event, bits);
  if (step) tn_wire_put_int(event, STEP, step);
}

/* Writes EVENT, which is emptied. */
static tn_error *finish(tn_event_writer *writer, tn_str *event) {
  char *data;
  size_t size;
  TN_TRY(tn_str_take(event, &data, &size));
  tn_error *error = tn_event_writer_event(writer, data, size);
  tn_free(data);
  return error;
}

/* Opens the first of PATH, PATH.1, PATH.2 ... that is not there yet. */
static tn_error *open_new(tn_event_writer *writer, const char *path) {
  for (int i = 0; i < 1000; i++) {
    tn_str name = {0};
    tn_str_add(&name, path);
    if (i) tn_str_addf(&name, ".%d", i);
    tn_free(writer->path);
    writer->path = NULL;
    TN_TRY(tn_str_take(&name, &writer->path, NULL));
    int fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0) {
      writer->file = fdopen(fd, "ab");
      if (writer->file) return NULL;
      int number = errno;
      close(fd);
      return tn_file_error(number, "opening", writer->path);
    }
    if (errno != EEXIST) break;
  }
  return failed(writer, "opening");
}

tn_error *tn_event_writer_open(const char *folder, const char *suffix, tn_event_writer **out) {
  TN_TRY(tn_make_folders(folder));
  tn_event_writer *writer = tn_calloc(1, sizeof *writer);
  if (!writer) return tn_out_of_memory();
  char host[256] = "host";
  if (gethostname(host, sizeof host - 1)) strcpy(host, "host");
  tn_str path = {0}, event = {0};
  char *base = NULL;
  tn_str_addf(&path, "%s/events.out.tfevents.%010lld.%s%s", folder, (long long)(tn_wall_ns() / 1000000000), host,
              suffix);
  tn_error *error = tn_str_take(&path, &base, NULL);
  if (!error) error = open_new(writer, base);
  tn_free(base);
  if (!error) {
    begin(&event, 0);
    tn_wire_put_bytes(&event, FILE_VERSION, "brain.Event:2", strlen("brain.Event:2"));
    error = finish(writer, &event);
  }
  if (!error) error = tn_event_writer_flush(writer);
  if (error) {
    tn_error_free(tn_event_writer_close(writer));
    return error;
  }
  *out = writer;
  return NULL;
}

tn_error *tn_event_writer_close(tn_event_writer *writer) {
  if (!writer) return NULL;
  tn_error *error = NULL;
  if (writer->file && fclose(writer->file)) error = failed(writer, "closing");
  tn_free(writer->path);
  tn_free(writer);
  return error;
}

const char *tn_event_writer_path(const tn_event_writer *writer) { return writer->path; }

tn_error *tn_event_writer_flush(tn_event_writer *writer) {
  return fflush(writer->file) ? failed(writer, "writing") : NULL;
}

tn_error *tn_event_writer_scalar(tn_event_writer *writer, int64_t step, const char *tag, float value) {
  tn_str inner = {0}, summary = {0}, event = {0};
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  tn_wire_put_bytes(&inner, VALUE_TAG, tag, strlen(tag));
  tn_wire_put_fixed32(&inner, VALUE_SIMPLE, bits);
  tn_wire_put_bytes(&summary, SUMMARY_VALUE, inner.data, inner.size);
  begin(&event, step);
  tn_wire_put_bytes(&event, SUMMARY, summary.data, summary.size);
  event.failed |= inner.failed | summary.failed;
  tn_str_clear(&inner);
  tn_str_clear(&summary);
  return finish(writer, &event);
}

tn_error *tn_event_writer_summary(tn_event_writer *writer, int64_t step, const void *summary, size_t size) {
  tn_str event = {0};
  begin(&event, step);
  tn_wire_put_bytes(&event, SUMMARY, summary, size);
  return finish(writer, &event);
}

tn_error *tn_event_writer_graph(tn_event_writer *writer, const void *graph, size_t size) {
  tn_str event = {0};
  begin(&event, 0);
  tn_wire_put_bytes(&event, GRAPH_DEF, graph, size);
  return finish(writer, &event);
}
