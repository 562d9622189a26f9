/* Readers. */
#include "data/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/wire.h"
#include "io/file.h"
#include "kernel/handle.h"

struct tn_reader {
  tn_object object;
  char *name;
  tn_reader_spec spec;
  pthread_mutex_t mutex; /* guards BUSY; who has set it uses the rest */
  pthread_cond_t free;
  bool busy;
  int64_t started, finished, produced; /* files begun, files done, records */
  char *work;                          /* the file at hand, NULL before the first one */
  size_t work_size;
  tn_stream *stream;
  tn_record_reader *records;
  int64_t place; /* the number of the last line or record */
};

/* --- making --- */

static void end_file(tn_reader *reader) {
  tn_stream_close(reader->stream);
  tn_record_reader_close(reader->records);
  reader->stream = NULL;
  reader->records = NULL;
}

static void destroy(tn_object *object) {
  tn_reader *reader = (tn_reader *)object;
  end_file(reader);
  pthread_mutex_destroy(&reader->mutex);
  pthread_cond_destroy(&reader->free);
  tn_free(reader->work);
  tn_free(reader->name);
  tn_free(reader);
}

static tn_error *as_strings(tn_object *object, tn_tensor *out) {
  return tn_handle_strings("", ((const tn_reader *)object)->name, out);
}

tn_error *tn_reader_new(const char *name, const tn_reader_spec *spec, tn_reader **out) {
  tn_reader *reader = tn_calloc(1, sizeof *reader);
  if (!reader) return tn_out_of_memory();
  atomic_init(&reader->object.refs, 1);
  reader->object.type = TN_READER_TYPE;
  reader->object.destroy = destroy;
  reader->object.read = as_strings;
  reader->spec = *spec;
  pthread_mutex_init(&reader->mutex, NULL);
  pthread_cond_init(&reader->free, NULL);
  reader->name = tn_strdup(name);
  if (!reader->name) {
    tn_object_unref(&reader->object);
    return tn_out_of_memory();
  }
  *out = reader;
  return NULL;
}

tn_error *tn_reader_check(const tn_reader *reader, const tn_reader_spec *spec) {
  if (reader->spec.kind == spec->kind) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is a reader of another kind", reader->name);
}

tn_error *tn_reader_hold(tn_reader *reader, const tn_step *step) {
  tn_error *error = NULL;
  tn_lock(&reader->mutex);
  while (reader->busy && !error) error = tn_step_wait(step, &reader->free, &reader->mutex);
  if (!error) reader->busy = true;
  tn_unlock(&reader->mutex);
  return error;
}

void tn_reader_release(tn_reader *reader) {
  tn_lock(&reader->mutex);
  reader->busy = false;
  pthread_cond_signal(&reader->free);
  tn_unlock(&reader->mutex);
}

/* --- records that are handed out --- */

void tn_records_clear(tn_records *records) {
  for (int64_t i = 0; i < records->n; i++) {
    tn_free(records->keys[i].data);
    tn_free(records->values[i].data);
  }
  tn_free(records->keys);
  tn_free(records->values);
  *records = (tn_records){0};
}

static tn_error *make_room(tn_records *out) {
  if (out->n < out->room) return NULL;
  int64_t room = out->room ? 2 * out->room : 4;
  tn_string *keys = tn_realloc(out->keys, (size_t)room * sizeof *keys);
  if (!keys) return tn_out_of_memory();
  out->keys = keys;
  tn_string *values = tn_realloc(out->values, (size_t)room * sizeof *values);
  if (!values) return tn_out_of_memory();
  out->values = values;
  out->room = room;
  return NULL;
}

/* Adds a record of the file at hand: its key is "FILE:PLACE", or FILE where PLACE is negative. */
static tn_error *add(tn_records *out, const tn_reader *reader, int64_t place, const void *data, size_t size) {
  TN_TRY(make_room(out));
  tn_string key = {0}, value = {0};
  tn_str text = {0};
  tn_str_add_bytes(&text, reader->work, reader->work_size);
  if (place >= 0) tn_str_addf(&text, ":%lld", (long long)place);
  TN_TRY(tn_str_take(&text, &key.data, &key.size));
  tn_error *error = tn_string_set(&value, data, size);
  if (error) {
    tn_free(key.data);
    return error;
  }
  out->keys[out->n] = key;
  out->values[out->n++] = value;
  return NULL;
}

/* --- one file --- */

static tn_error *skip_lines(tn_reader *reader) {
  bool any = true;
  const char *line;
  size_t size;
  for (; any && reader->place < reader->spec.skip_lines; reader->place++) {
    TN_TRY(tn_stream_line(reader->stream, &line, &size, &any));
  }
  return NULL;
}

static tn_error *begin_file(tn_reader *reader) {
  const tn_reader_spec *spec = &reader->spec;
  reader->place = 0;
  switch (spec->kind) {
  case TN_READER_LINES:
    TN_TRY(tn_stream_open(reader->work, spec->compression, 0, &reader->stream));
    return skip_lines(reader);
  case TN_READER_FIXED:
    TN_TRY(tn_stream_open(reader->work, spec->compression, 0, &reader->stream));
    return tn_stream_seek(reader->stream, (uint64_t)spec->header);
  case TN_READER_RECORDS: return tn_record_reader_open(reader->work, spec->compression, 0, &reader->records);
  default: return NULL;
  }
}

static tn_error *read_line(tn_reader *reader, tn_records *out, bool *end) {
  const char *line;
  size_t size;
  bool any;
  TN_TRY(tn_stream_line(reader->stream, &line, &size, &any));
  *end = !any;
  return any ? add(out, reader, ++reader->place, line, size) : NULL;
}

/* The file ends where the rest is no whole record before the footer. */
static tn_error *read_fixed(tn_reader *reader, tn_records *out, bool *end) {
  const tn_reader_spec *spec = &reader->spec;
  const char *data;
  size_t whole = (size_t)spec->record + (size_t)spec->footer, found = 0;
  TN_TRY(tn_stream_peek(reader->stream, whole, &data, &found));
  *end = found < whole;
  if (*end) return NULL;
  TN_TRY(add(out, reader, reader->place++, data, (size_t)spec->record));
  uint64_t next = tn_stream_offset(reader->stream) + (uint64_t)(spec->hop ? spec->hop : spec->record);
  return tn_stream_seek(reader->stream, next);
}

static tn_error *read_record(tn_reader *reader, tn_records *out, bool *end) {
  uint64_t offset = tn_record_reader_offset(reader->records);
  const void *data;
  size_t size;
  tn_error *error = tn_record_reader_next(reader->records, &data, &size);
  *end = tn_error_code(error) == TN_OUT_OF_RANGE;
  if (*end) {
    tn_error_free(error);
    return NULL;
  }
  return error ? error : add(out, reader, (int64_t)offset, data, size);
}

static tn_error *read_whole(tn_reader *reader, tn_records *out, bool *end) {
  *end = true;
  if (reader->spec.kind == TN_READER_IDENTITY) return add(out, reader, -1, reader->work, reader->work_size);
  char *data;
  size_t size;
  TN_TRY(tn_file_read(reader->work, &data, &size));
  tn_error *error = add(out, reader, -1, data, size);
  tn_free(data);
  return error;
}

/* Adds the next record of the file at hand. *END: there is none. */
static tn_error *read_one(tn_reader *reader, tn_records *out, bool *end) {
  switch (reader->spec.kind) {
  case TN_READER_LINES: return read_line(reader, out, end);
  case TN_READER_FIXED: return read_fixed(reader, out, end);
  case TN_READER_RECORDS: return read_record(reader, out, end);
  default: return read_whole(reader, out, end);
  }
}

/* --- reading --- */

/* The next file's name comes from the queue. */
static tn_error *next_work(tn_reader *reader, tn_queue *queue, const tn_step *step) {
  if (queue->spec.n != 1 || queue->spec.types[0] != TN_STRING) {
    return tn_errorf(TN_INVALID_ARGUMENT, "Expected a queue of one string, but '%s' holds something else", queue->name);
  }
  tn_tensor name = {0};
  int64_t taken = 0;
  TN_TRY(tn_queue_take(queue, step, 1, false, &taken, &name));
  if (tn_elements(&name) != 1) {
    tn_error *error =
        tn_errorf(TN_INVALID_ARGUMENT, "Expected to dequeue a one-element string tensor, but its shape is %s",
                  TN_SHAPE_STR(&name.shape));
    tn_tensor_clear(&name);
    return error;
  }
  const tn_string *text = TN_DATA(const tn_string, &name);
  char *work = tn_strndup(text->size ? text->data : "", text->size);
  size_t size = text->size;
  tn_tensor_clear(&name);
  if (!work) return tn_out_of_memory();
  tn_free(reader->work);
  reader->work = work;
  reader->work_size = size;
  return NULL;
}

tn_error *tn_reader_read(tn_reader *reader, tn_queue *queue, const tn_step *step, int64_t count, tn_records *out) {
  while (out->n < count) {
    if (reader->started == reader->finished) {
      TN_TRY(next_work(reader, queue, step));
      end_file(reader);
      TN_TRY(begin_file(reader));
      reader->started++;
    }
    bool end = false;
    int64_t before = out->n;
    TN_TRY(read_one(reader, out, &end));
    reader->produced += out->n - before;
    if (!end) continue;
    reader->finished = reader->started;
    end_file(reader);
    if (out->n > 0) break;
    TN_TRY(step ? tn_step_check(step) : NULL);
  }
  return NULL;
}

int64_t tn_reader_produced(const tn_reader *reader) { return reader->produced; }
int64_t tn_reader_finished(const tn_reader *reader) { return reader->finished; }

void tn_reader_reset(tn_reader *reader) {
  end_file(reader);
  tn_free(reader->work);
  reader->work = NULL;
  reader->work_size = 0;
  reader->started = reader->finished = reader->produced = reader->place = 0;
}

/* --- states --- */

enum { STARTED = 1, FINISHED = 2, PRODUCED = 3, WORK = 4 };

static tn_error *check_saved(const tn_reader *reader) {
  if (reader->spec.kind == TN_READER_IDENTITY || reader->spec.kind == TN_READER_WHOLE_FILE) return NULL;
  return tn_errorf(TN_UNIMPLEMENTED, "the state of a reader in the midst of a file can't be saved or restored");
}

tn_error *tn_reader_save(const tn_reader *reader, tn_str *out) {
  TN_TRY(check_saved(reader));
  if (reader->started) tn_wire_put_int(out, STARTED, reader->started);
  if (reader->finished) tn_wire_put_int(out, FINISHED, reader->finished);
  if (reader->produced) tn_wire_put_int(out, PRODUCED, reader->produced);
  if (reader->work_size) tn_wire_put_bytes(out, WORK, reader->work, reader->work_size);
  return out->failed ? tn_out_of_memory() : NULL;
}

tn_error *tn_reader_restore(tn_reader *reader, const char *state, size_t size) {
  TN_TRY(check_saved(reader));
  tn_wire_in in = tn_wire_bytes(state, size);
  tn_wire_field field;
  int64_t numbers[4] = {0};
  tn_wire_field work = {0};
  for (bool more = true;;) {
    tn_error *error = tn_wire_next(&in, &field, &more);
    if (error) {
      tn_error_free(error);
      return tn_errorf(TN_INVALID_ARGUMENT, "Could not parse state for %s", reader->name);
    }
    if (!more) break;
    if (field.number < WORK && field.type == TN_WIRE_VARINT) numbers[field.number] = (int64_t)field.value;
    if (field.number == WORK && field.type == TN_WIRE_BYTES) work = field;
  }
  bool good = numbers[FINISHED] >= 0 && numbers[PRODUCED] >= 0 && numbers[STARTED] >= numbers[FINISHED] &&
              numbers[STARTED] - numbers[FINISHED] <= 1;
  if (!good) return tn_errorf(TN_INVALID_ARGUMENT, "Unexpected numbers in the state of %s", reader->name);
  char *name = tn_strndup(work.size ? work.data : "", work.size);
  if (!name) return tn_out_of_memory();
  tn_reader_reset(reader);
  reader->work = name;
  reader->work_size = work.size;
  reader->started = numbers[STARTED];
  reader->finished = numbers[FINISHED];
  reader->produced = numbers[PRODUCED];
  return NULL;
}
