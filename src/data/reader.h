/* Readers: they take names of files out of a queue and give what is in these, record by record. */
#ifndef TN_DATA_READER_H
#define TN_DATA_READER_H

#include "base/str.h"
#include "data/queue.h"
#include "io/stream.h"

#define TN_READER_TYPE "Reader"

typedef enum tn_reader_kind {
  TN_READER_WHOLE_FILE,
  TN_READER_LINES,
  TN_READER_FIXED,
  TN_READER_RECORDS,
  TN_READER_IDENTITY
} tn_reader_kind;

typedef struct tn_reader_spec {
  tn_reader_kind kind;
  tn_compression compression;
  int64_t skip_lines;                  /* of TN_READER_LINES */
  int64_t header, record, footer, hop; /* of TN_READER_FIXED: bytes */
} tn_reader_spec;

typedef struct tn_reader tn_reader;

tn_error *tn_reader_new(const char *name, const tn_reader_spec *spec, tn_reader **out) TN_MUST_USE;
/* INVALID_ARGUMENT if READER is of another kind. */
tn_error *tn_reader_check(const tn_reader *reader, const tn_reader_spec *spec) TN_MUST_USE;

/* Keys and values, one behind the other. */
typedef struct tn_records {
  int64_t n, room;
  tn_string *keys, *values;
} tn_records;
void tn_records_clear(tn_records *records);

/* Between tn_reader_hold and tn_reader_release nobody else uses it. */
tn_error *tn_reader_hold(tn_reader *reader, const tn_step *step) TN_MUST_USE;
void tn_reader_release(tn_reader *reader);
/* Adds up to COUNT records, at least one. The first of the next file is waited for only if there is none yet.
 * OUT_OF_RANGE if the queue is closed and empty. */
tn_error *tn_reader_read(tn_reader *reader, tn_queue *queue, const tn_step *step, int64_t count,
                         tn_records *out) TN_MUST_USE;
int64_t tn_reader_produced(const tn_reader *reader);
int64_t tn_reader_finished(const tn_reader *reader);
/* As it was made. */
void tn_reader_reset(tn_reader *reader);
/* TensorFlow's ReaderBaseState. UNIMPLEMENTED for readers that are in the midst of a file. */
tn_error *tn_reader_save(const tn_reader *reader, tn_str *out) TN_MUST_USE;
tn_error *tn_reader_restore(tn_reader *reader, const char *state, size_t size) TN_MUST_USE;

#endif
