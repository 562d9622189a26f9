/* Datasets of what is in files: TextLineDataset, TFRecordDataset, FixedLengthRecordDataset. */
#include <string.h>

#include "base/alloc.h"
#include "data/source.h"
#include "io/file.h"
#include "io/stream.h"

typedef struct files {
  tn_source base;
  int64_t n;
  char **names;
  tn_compression compression;
  int64_t buffer;
  int64_t *offsets;               /* per file, where to begin; NULL: at its beginning */
  int64_t header, record, footer; /* of records of one length */
} files;

typedef struct reading {
  tn_cursor base;
  int64_t file; /* the next one */
  tn_stream *stream;
  tn_record_reader *records;
  uint64_t left; /* records of one length: bytes before the footer */
} reading;

static tn_error *take_compression(const tn_run *r, int argument, files *f) {
  tn_string s;
  TN_TRY(tn_run_string(r, argument, &s));
  char *text = tn_strndup(s.data, s.size);
  if (!text) return tn_out_of_memory();
  tn_error *error = tn_compression_named(text, &f->compression);
  tn_free(text);
  return error;
}

static tn_error *take_names(tn_run *r, files *f) {
  const tn_tensor *names = tn_run_argument(r, 0);
  if (names->shape.rank > 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`filenames` must be a scalar or a vector.");
  int64_t n = tn_elements(names);
  f->names = tn_calloc((size_t)n + 1, sizeof(char *));
  if (!f->names) return tn_out_of_memory();
  for (; f->n < n; f->n++) {
    const tn_string *name = &TN_DATA(tn_string, names)[f->n];
    f->names[f->n] = tn_strndup(name->data, name->size);
    if (!f->names[f->n]) return tn_out_of_memory();
  }
  return NULL;
}

static tn_error *check_buffer(tn_run *r, const files *f) {
  if (f->buffer >= -1) return NULL; /* -1: as it fits */
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`buffer_size` must be >= 0 (0 == default)");
}

static tn_error *take_offsets(tn_run *r, files *f) {
  const tn_tensor *offsets = tn_run_argument(r, 3);
  if (offsets->shape.rank > 1 || tn_elements(offsets) != f->n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`byte_offsets` must be of same size as `filenames`");
  }
  f->offsets = tn_calloc((size_t)f->n + 1, sizeof *f->offsets);
  if (!f->offsets) return tn_out_of_memory();
  for (int64_t i = 0; i < f->n; i++) {
    f->offsets[i] = TN_DATA(int64_t, offsets)[i];
    if (f->offsets[i] < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`byte_offsets` must not be negative");
  }
  return NULL;
}

static tn_error *make(tn_run *r, tn_source *s) {
  files *f = (files *)s;
  TN_TRY(take_names(r, f));
  TN_TRY(take_compression(r, 1, f));
  TN_TRY(tn_run_int(r, 2, &f->buffer));
  s->shapes[0] = tn_shape_scalar();
  TN_TRY(check_buffer(r, f));
  return r->node->schema->n_inputs > 3 ? take_offsets(r, f) : NULL;
}

static void drop(tn_source *s) {
  files *f = (files *)s;
  tn_free(f->offsets);
  for (int64_t i = 0; i < f->n; i++) tn_free(f->names[i]);
  tn_free(f->names);
}

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static void end_file(reading *k) {
  tn_stream_close(k->stream);
  tn_record_reader_close(k->records);
  k->stream = NULL;
  k->records = NULL;
}

static void close(tn_cursor *c) { end_file((reading *)c); }

/* Opens the next file; *END where there is none. A file that can't be opened is passed over by the next call. */
static tn_error *open_next(tn_cursor *c, bool records, bool *end) {
  const files *f = (const files *)c->source;
  reading *k = (reading *)c;
  *end = k->file >= f->n;
  if (*end) return NULL;
  const char *name = f->names[k->file++];
  size_t buffer = f->buffer > 0 ? (size_t)f->buffer : 0;
  if (records) {
    TN_TRY(tn_record_reader_open(name, f->compression, buffer, &k->records));
    return f->offsets ? tn_record_reader_seek(k->records, (uint64_t)f->offsets[k->file - 1]) : NULL;
  }
  return tn_stream_open(name, f->compression, buffer, &k->stream);
}

static tn_error *give(const void *data, size_t size, tn_tensor *out) {
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_tensor_init(out, TN_STRING, &scalar));
  return tn_string_set(TN_DATA(tn_string, out), data, size);
}

/* --- lines --- */

static tn_error *next_line(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  reading *k = (reading *)c;
  for (;;) {
    if (!k->stream) TN_TRY(open_next(c, false, end));
    if (*end) return NULL;
    const char *text;
    size_t size;
    bool more;
    tn_error *error = tn_stream_line(k->stream, &text, &size, &more);
    if (!error && more) return give(text, size, out);
    end_file(k);
    if (error) return error;
  }
}

/* --- TFRecord --- */

static tn_error *next_record(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  reading *k = (reading *)c;
  for (;;) {
    if (!k->records) TN_TRY(open_next(c, true, end));
    if (*end) return NULL;
    const void *data;
    size_t size;
    tn_error *error = tn_record_reader_next(k->records, &data, &size);
    if (!error) return give(data, size, out);
    end_file(k); /* after an error the next file follows */
    if (tn_error_code(error) != TN_OUT_OF_RANGE) return error;
    tn_error_free(error);
  }
}

/* --- records of one length --- */

static tn_error *make_fixed(tn_run *r, tn_source *s) {
  files *f = (files *)s;
  TN_TRY(take_names(r, f));
  TN_TRY(tn_run_int(r, 1, &f->header));
  TN_TRY(tn_run_int(r, 2, &f->record));
  TN_TRY(tn_run_int(r, 3, &f->footer));
  TN_TRY(tn_run_int(r, 4, &f->buffer));
  if (r->node->schema->n_inputs > 5) TN_TRY(take_compression(r, 5, f));
  s->shapes[0] = tn_shape_scalar();
  if (f->header < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`header_bytes` must be >= 0");
  if (f->record <= 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`record_bytes` must be > 0");
  if (f->footer < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`footer_bytes` must be >= 0");
  return check_buffer(r, f);
}

/* The bytes of the whole file, decompressed. */
static tn_error *measure(const files *f, tn_stream *stream, uint64_t *out) {
  if (f->compression != TN_UNCOMPRESSED) {
    TN_TRY(tn_stream_seek(stream, INT64_MAX));
    *out = tn_stream_offset(stream);
    return NULL;
  }
  tn_file *file = NULL;
  TN_TRY(tn_file_open(tn_stream_path(stream), &file));
  *out = tn_file_size(file);
  tn_file_close(file);
  return NULL;
}

static tn_error *begin_fixed(tn_cursor *c, bool *end) {
  const files *f = (const files *)c->source;
  reading *k = (reading *)c;
  TN_TRY(open_next(c, false, end));
  if (*end) return NULL;
  uint64_t around = (uint64_t)f->header + (uint64_t)f->footer;
  uint64_t size = 0;
  TN_TRY(measure(f, k->stream, &size));
  if (size < around || (size - around) % (uint64_t)f->record != 0) {
    return tn_errorf(
        TN_INVALID_ARGUMENT,
        "Excluding the header (%lld bytes) and footer (%lld bytes), input file \"%s\" has body length %lld "
        "bytes, which is not an exact multiple of the record length (%lld bytes).",
        (long long)f->header, (long long)f->footer, tn_stream_path(k->stream), (long long)(size - around),
        (long long)f->record);
  }
  k->left = size - around;
  return tn_stream_seek(k->stream, (uint64_t)f->header);
}

static tn_error *next_fixed(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  const files *f = (const files *)c->source;
  reading *k = (reading *)c;
  while (!k->stream || k->left == 0) {
    end_file(k);
    tn_error *error = begin_fixed(c, end);
    if (error) {
      end_file(k);
      k->left = 0;
      return error;
    }
    if (*end) return NULL;
  }
  const char *record;
  size_t got = 0;
  tn_error *error = tn_stream_peek(k->stream, (size_t)f->record, &record, &got);
  if (!error && got < (size_t)f->record)
    error = tn_errorf(TN_DATA_LOSS, "%s became shorter", tn_stream_path(k->stream));
  if (!error) error = give(record, got, out);
  if (!error) tn_stream_skip(k->stream, got);
  k->left -= (uint64_t)f->record;
  return error;
}

#define KIND(NAME, MAKE, NEXT)                                                                                         \
  { NAME, sizeof(files), sizeof(reading), 0, MAKE, drop, unknown, NULL, NEXT, close }
static const tn_source_kind line_kind = KIND("TextLineDataset", make, next_line);
static const tn_source_kind record_kind = KIND("TFRecordDataset", make, next_record);
static const tn_source_kind fixed_kind = KIND("FixedLengthRecordDataset", make_fixed, next_fixed);

TN_SOURCE_KERNELS(line, line_kind);
TN_SOURCE_KERNELS(record, record_kind);
TN_SOURCE_KERNELS(fixed, fixed_kind);

#define RESULT                                                                                                         \
  .outputs = "handle: variant", .attrs = "metadata: string = ''",                                                      \
  .flags = TN_OP_FILES | TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out
#define FILES "filenames: string, compression_type: string, buffer_size: int64"
#define FIXED "filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64, buffer_size: int64"

TN_OP(TextLineDataset, .inputs = FILES, .doc = "The lines of text files.", RESULT, .kernels = line_kernels);

TN_OP(TFRecordDataset, .inputs = FILES, .doc = "The records of TFRecord files.", RESULT, .kernels = record_kernels);

TN_OP(TFRecordDatasetV2, .inputs = FILES ", byte_offsets: int64", .doc = "The records of TFRecord files.", RESULT,
      .kernels = record_kernels);

TN_OP(FixedLengthRecordDataset, .inputs = FIXED, .doc = "Records of one length from binary files.", RESULT,
      .kernels = fixed_kernels);

TN_OP(FixedLengthRecordDatasetV2, .inputs = FIXED ", compression_type: string",
      .doc = "Records of one length from binary files.", RESULT, .kernels = fixed_kernels);
