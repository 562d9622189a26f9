/* CSVDataset: the fields of CSV files, as RFC 4180 has them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "data/source.h"
#include "io/stream.h"

typedef struct csv {
  tn_source base;
  int64_t n_files;
  char **files;
  tn_compression compression;
  int64_t buffer;
  bool header, quotes;
  char delimiter;
  char *missing; /* what stands for no value, beside "" */
  int64_t n_columns;
  int64_t *columns; /* those that are given out, rising; none: all */
  tn_tensor *defaults;
} csv;

typedef struct reading {
  tn_cursor base;
  int64_t file;
  tn_stream *stream;
  tn_str field;
} reading;

/* --- making --- */

static tn_error *take_files(tn_run *r, csv *s) {
  const tn_tensor *names = tn_run_argument(r, 0);
  if (names->shape.rank > 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`filenames` must be a scalar or a vector.");
  int64_t n = tn_elements(names);
  s->files = tn_calloc((size_t)n + 1, sizeof(char *));
  if (!s->files) return tn_out_of_memory();
  for (; s->n_files < n; s->n_files++) {
    const tn_string *name = &TN_DATA(tn_string, names)[s->n_files];
    s->files[s->n_files] = tn_strndup(name->data, name->size);
    if (!s->files[s->n_files]) return tn_out_of_memory();
  }
  return NULL;
}

static tn_error *take_columns(tn_run *r, csv *s) {
  const tn_tensor *columns = tn_run_argument(r, 7);
  s->n_columns = tn_elements(columns);
  if (s->n_columns && s->n_columns != s->base.n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "select_cols should match output size");
  }
  s->columns = tn_calloc((size_t)s->n_columns + 1, sizeof *s->columns);
  if (!s->columns) return tn_out_of_memory();
  for (int64_t i = 0; i < s->n_columns; i++) {
    s->columns[i] = TN_DATA(int64_t, columns)[i];
    if (s->columns[i] < 0 || (i > 0 && s->columns[i] <= s->columns[i - 1])) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "select_cols should be strictly increasing indices, and none negative");
    }
  }
  return NULL;
}

static tn_error *take_defaults(tn_run *r, csv *s) {
  int first, n = tn_node_argument(r->node, 8, &first);
  if (n != s->base.n) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%d record_defaults for %d columns", n, s->base.n);
  TN_TRY(tn_element_new(n, &s->defaults));
  for (int i = 0; i < n; i++) {
    const tn_tensor *t = r->inputs[first + i];
    if (t->shape.rank > 1 || tn_elements(t) > 1) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Each record default should be at most rank 1 of one element");
    }
    tn_tensor_set(&s->defaults[i], t);
  }
  return NULL;
}

static tn_error *make(tn_run *r, tn_source *base) {
  csv *s = (csv *)base;
  tn_string text;
  TN_TRY(take_files(r, s));
  TN_TRY(tn_run_string(r, 1, &text));
  char *name = tn_strndup(text.data, text.size);
  if (!name) return tn_out_of_memory();
  tn_error *error = tn_compression_named(name, &s->compression);
  tn_free(name);
  if (error) return error;
  TN_TRY(tn_run_int(r, 2, &s->buffer));
  TN_TRY(tn_run_bool(r, 3, &s->header));
  TN_TRY(tn_run_string(r, 4, &text));
  if (text.size != 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "field_delim should be only 1 char");
  s->delimiter = text.data[0];
  TN_TRY(tn_run_bool(r, 5, &s->quotes));
  TN_TRY(tn_run_string(r, 6, &text));
  s->missing = tn_strndup(text.data, text.size);
  if (!s->missing) return tn_out_of_memory();
  if (s->buffer <= 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "buffer_size should be positive");
  TN_TRY(take_columns(r, s));
  return take_defaults(r, s);
}

static void drop(tn_source *base) {
  csv *s = (csv *)base;
  for (int64_t i = 0; i < s->n_files; i++) tn_free(s->files[i]);
  tn_free(s->files);
  tn_free(s->missing);
  tn_free(s->columns);
  tn_element_free(base->n, s->defaults);
}

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static void end_file(reading *k) {
  tn_stream_close(k->stream);
  k->stream = NULL;
}

static void close(tn_cursor *c) {
  end_file((reading *)c);
  tn_str_clear(&((reading *)c)->field);
}

/* --- records --- */

/* The length of the record at DATA without its end, and *END the bytes of that; -1 if it does not end in SIZE bytes. */
static int64_t record_length(const csv *s, const char *data, size_t size, bool last, size_t *end) {
  bool quoted = false;
  for (size_t i = 0; i < size; i++) {
    if (s->quotes && data[i] == '"') quoted = !quoted;
    if (quoted || (data[i] != '\n' && data[i] != '\r')) continue;
    if (data[i] == '\r' && i + 1 == size && !last) return -1;
    *end = data[i] == '\r' && i + 1 < size && data[i + 1] == '\n' ? 2 : 1;
    return (int64_t)i;
  }
  *end = 0;
  return last ? (int64_t)size : -1;
}

/* The next record, borrowed until the stream is passed on by *SIZE + *END bytes. *MORE false at the file's end. */
static tn_error *peek_record(const csv *s, reading *k, const char **data, size_t *size, size_t *end, bool *more) {
  for (size_t ask = 4096;; ask *= 4) {
    size_t found;
    TN_TRY(tn_stream_peek(k->stream, ask, data, &found));
    *more = found > 0;
    if (!*more) return NULL;
    int64_t length = record_length(s, *data, found, found < ask, end);
    if (length < 0) continue;
    *size = (size_t)length;
    return NULL;
  }
}

/* Field text from *AT on into K->field; *AT stops at its delimiter, or at END. */
static tn_error *take_field(const tn_cursor *c, reading *k, const char **at, const char *end) {
  const csv *s = (const csv *)c->source;
  const char *p = *at;
  k->field.size = 0;
  tn_str_add_bytes(&k->field, "", 0);
  if (s->quotes && p < end && *p == '"') {
    for (p++;; p++) {
      const char *quote = memchr(p, '"', (size_t)(end - p));
      if (!quote)
        return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Reached end of file without closing quoted field in record");
      tn_str_add_bytes(&k->field, p, (size_t)(quote - p));
      p = quote + 1;
      if (p == end || *p != '"') break;
      tn_str_add_bytes(&k->field, "\"", 1);
    }
    if (p < end && *p != s->delimiter) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Quote inside a string has to be escaped by another quote");
    }
  } else {
    const char *stop = memchr(p, s->delimiter, (size_t)(end - p));
    stop = stop ? stop : end;
    if (s->quotes && memchr(p, '"', (size_t)(stop - p))) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Unquoted fields cannot have quotes inside");
    }
    tn_str_add_bytes(&k->field, p, (size_t)(stop - p));
    p = stop;
  }
  *at = p;
  return k->field.failed ? tn_out_of_memory() : NULL;
}

/* TEXT as a number at OUT; false if it is none. */
static bool parse(tn_dtype dtype, const char *text, void *out) {
  char *end;
  errno = 0;
  while (*text == ' ') text++;
  if (!*text) return false;
  if (dtype == TN_INT32 || dtype == TN_INT64) {
    long long value = strtoll(text, &end, 10);
    if (errno || (dtype == TN_INT32 && (value < INT32_MIN || value > INT32_MAX))) return false;
    if (dtype == TN_INT32) *(int32_t *)out = (int32_t)value;
    if (dtype == TN_INT64) *(int64_t *)out = value;
  } else if (dtype == TN_FLOAT) {
    *(float *)out = strtof(text, &end);
  } else {
    *(double *)out = strtod(text, &end);
  }
  while (*end == ' ') end++;
  return !*end;
}

static tn_error *convert(const tn_cursor *c, const reading *k, int i, tn_tensor *out) {
  const csv *s = (const csv *)c->source;
  const char *text = k->field.data ? k->field.data : "";
  size_t size = k->field.size;
  tn_dtype dtype = c->source->types[i];
  tn_shape scalar = tn_shape_scalar();
  bool absent = size == 0 || (size == strlen(s->missing) && memcmp(text, s->missing, size) == 0);
  if (absent && tn_elements(&s->defaults[i]) == 0) {
    return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Field %d is required but missing in record!", i);
  }
  TN_TRY(tn_tensor_init(out, dtype, &scalar));
  if (absent) return tn_copy_elements(dtype, out->data, s->defaults[i].data, 1);
  if (dtype == TN_STRING) return tn_string_set(TN_DATA(tn_string, out), text, size);
  if (!memchr(text, 0, size) && parse(dtype, text, out->data)) return NULL;
  return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Field %d in record is not a valid %s: %.*s", i, tn_dtype_name(dtype),
                          size < 100 ? (int)size : 100, text);
}

/* Puts the fields of the record at DATA to their places. */
static tn_error *take_fields(const tn_cursor *c, reading *k, const char *data, size_t size, tn_tensor *out) {
  const csv *s = (const csv *)c->source;
  const char *at = data, *end = data + size;
  int taken = 0, n = c->source->n;
  for (int64_t column = 0;; column++) {
    TN_TRY(take_field(c, k, &at, end));
    bool wanted = s->n_columns ? taken < n && s->columns[taken] == column : true;
    if (wanted && taken == n) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Expect %d fields but have more in record", n);
    }
    if (wanted) {
      TN_TRY(convert(c, k, taken, &out[taken]));
      taken++;
    }
    if (at == end || (s->n_columns && taken == n)) break;
    at++;
  }
  if (taken == n) return NULL;
  return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Expect %d fields but have %d in record", n, taken);
}

static tn_error *begin_file(tn_cursor *c, bool *end) {
  const csv *s = (const csv *)c->source;
  reading *k = (reading *)c;
  *end = k->file >= s->n_files;
  if (*end) return NULL;
  TN_TRY(tn_stream_open(s->files[k->file++], s->compression, (size_t)s->buffer, &k->stream));
  if (!s->header) return NULL;
  const char *data;
  size_t size, tail;
  bool more;
  TN_TRY(peek_record(s, k, &data, &size, &tail, &more));
  if (!more) return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Can't read header of file");
  tn_stream_skip(k->stream, size + tail);
  return NULL;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  const csv *s = (const csv *)c->source;
  reading *k = (reading *)c;
  for (;;) {
    tn_error *error = k->stream ? NULL : begin_file(c, end);
    const char *data = NULL;
    size_t size = 0, tail = 0;
    bool more = false;
    if (!error && *end) return NULL;
    if (!error) error = peek_record(s, k, &data, &size, &tail, &more);
    if (error || !more) {
      end_file(k);
      if (error) return error;
      continue;
    }
    error = take_fields(c, k, data, size, out);
    tn_stream_skip(k->stream, size + tail);
    return error;
  }
}

static const tn_source_kind kind = {"CSVDataset", sizeof(csv), sizeof(reading), 0, make, drop, unknown, NULL,
                                    next,         close};

TN_SOURCE_KERNELS(csv, kind);

#define INPUTS                                                                                                         \
  "filenames: string, compression_type: string, buffer_size: int64, header: bool, field_delim: string, "               \
  "use_quote_delim: bool, na_value: string, select_cols: int64, record_defaults: output_types"
#define RESULT                                                                                                         \
  .outputs = "handle: variant",                                                                                        \
  .attrs = "output_types: list({float, double, int32, int64, string}) >= 1; output_shapes: list(shape) >= 1",          \
  .doc = "The fields of the records of CSV files.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS,                         \
  .shape = tn_shape_scalar_out, .kernels = csv_kernels

TN_OP(CSVDataset, .inputs = INPUTS, RESULT);
TN_OP(ExperimentalCSVDataset, .inputs = INPUTS, RESULT);
TN_OP(CSVDatasetV2, .inputs = INPUTS ", exclude_cols: int64", RESULT);
