/* Event files: TFRecords of tensorflow.Event, written field by field. */
#include <tenon/events.h>

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/wire.h"
#include "io/file.h"
#include "io/tfrecord.h"

struct tn_event_writer {
  tn_record_writer *records;
};

/* The fields of Event and of Summary that are written here. */
enum { WALL_TIME = 1, STEP = 2, FILE_VERSION = 3, GRAPH_DEF = 4, SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2 };

tn_error *tn_event_writer_event(tn_event_writer *writer, const void *event, size_t size) {
  return tn_record_writer_write(writer->records, event, size);
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

/* Writes records to a file NAME that is not there yet; *OUT stays NULL if it is. */
static tn_error *make_file(const char *name, tn_record_writer **out) {
  tn_file_writer *file;
  tn_error *error = tn_file_begin(name, TN_WRITE_NEW, &file);
  if (tn_error_code(error) == TN_ALREADY_EXISTS) {
    tn_error_free(error);
    return NULL;
  }
  if (!error) error = tn_record_writer_on(file, out);
  return error;
}

/* Opens the first of PATH, PATH.1, PATH.2 ... that is not there yet. */
static tn_error *open_new(tn_event_writer *writer, const char *path) {
  for (int i = 0; i < 1000 && !writer->records; i++) {
    tn_str name = {0};
    char *chosen;
    tn_str_add(&name, path);
    if (i) tn_str_addf(&name, ".%d", i);
    TN_TRY(tn_str_take(&name, &chosen, NULL));
    tn_error *error = make_file(chosen, &writer->records);
    tn_free(chosen);
    if (error) return error;
  }
  return writer->records ? NULL
                         : tn_errorf(TN_ALREADY_EXISTS, "opening '%s': a thousand files of that name are there", path);
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
  tn_error *error = tn_record_writer_close(writer->records);
  tn_free(writer);
  return error;
}

const char *tn_event_writer_path(const tn_event_writer *writer) { return tn_record_writer_path(writer->records); }

tn_error *tn_event_writer_flush(tn_event_writer *writer) { return tn_record_writer_flush(writer->records); }

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
