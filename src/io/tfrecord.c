/* TFRecord files: each record is its length (8 bytes), a masked CRC-32C of that, the bytes, and their checksum. */
#include "io/tfrecord.h"

#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/wire.h"
#include "io/fs.h"
#include "io/stream.h"

enum { HEAD = 12, TAIL = 4, PACKED = 64 << 10 };

/* --- reading --- */

struct tn_record_reader {
  tn_stream *stream;
  size_t passed; /* of the record that was handed out: skipped by the next call */
};

tn_error *tn_record_reader_open(const char *path, tn_compression compression, size_t buffer, tn_record_reader **out) {
  tn_record_reader *reader = tn_calloc(1, sizeof *reader);
  if (!reader) return tn_out_of_memory();
  tn_error *error = tn_stream_open(path, compression, buffer, &reader->stream);
  if (error) {
    tn_free(reader);
    return error;
  }
  *out = reader;
  return NULL;
}

void tn_record_reader_close(tn_record_reader *reader) {
  if (!reader) return;
  tn_stream_close(reader->stream);
  tn_free(reader);
}

static tn_error *lost(const tn_record_reader *reader, const char *what) {
  return tn_errorf(TN_DATA_LOSS, "%s: %s record at %llu", tn_stream_path(reader->stream), what,
                   (unsigned long long)tn_stream_offset(reader->stream));
}

static bool sums_up(const char *data, size_t size, uint32_t stored) {
  return tn_crc32c_matches(tn_crc32c_unmask(stored), tn_crc32c(0, data, size));
}

tn_error *tn_record_reader_next(tn_record_reader *reader, const void **data, size_t *size) {
  tn_stream_skip(reader->stream, reader->passed);
  reader->passed = 0;
  const char *head;
  size_t found;
  TN_TRY(tn_stream_peek(reader->stream, HEAD, &head, &found));
  if (found == 0) return tn_errorf(TN_OUT_OF_RANGE, "%s: end of file", tn_stream_path(reader->stream));
  if (found < HEAD) return lost(reader, "truncated");
  if (!sums_up(head, 8, tn_get_u32(head + 8))) return lost(reader, "corrupted");
  uint64_t length = tn_get_u64(head);
  if (length > SIZE_MAX - HEAD - TAIL) return lost(reader, "truncated");
  size_t whole = HEAD + (size_t)length + TAIL;
  TN_TRY(tn_stream_peek(reader->stream, whole, &head, &found));
  if (found < whole) return lost(reader, "truncated");
  if (!sums_up(head + HEAD, (size_t)length, tn_get_u32(head + HEAD + length))) return lost(reader, "corrupted");
  reader->passed = whole;
  *data = head + HEAD;
  *size = (size_t)length;
  return NULL;
}

uint64_t tn_record_reader_offset(const tn_record_reader *reader) {
  return tn_stream_offset(reader->stream) + reader->passed;
}

tn_error *tn_record_reader_seek(tn_record_reader *reader, uint64_t offset) {
  reader->passed = 0;
  return tn_stream_seek(reader->stream, offset);
}

/* --- writing --- */

struct tn_record_writer {
  tn_file_writer *file;
  z_stream z;
  bool deflating;
  unsigned char *packed;
};

static void free_writer(tn_record_writer *writer) {
  if (writer->deflating) deflateEnd(&writer->z);
  tn_free(writer->packed);
  tn_free(writer);
}

static tn_error *start(tn_record_writer *writer, tn_compression compression, int level) {
  if (compression != TN_UNCOMPRESSED) {
    int bits = compression == TN_GZIP ? 15 + 16 : 15;
    writer->packed = tn_malloc(PACKED);
    if (!writer->packed) return tn_out_of_memory();
    if (deflateInit2(&writer->z, level, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY) != Z_OK) return tn_out_of_memory();
    writer->deflating = true;
  }
  return NULL;
}

tn_error *tn_record_writer_open(const char *path, tn_compression compression, int level, tn_record_writer **out) {
  if (level < -1 || level > 9) return tn_errorf(TN_INVALID_ARGUMENT, "compression level %d is not in [-1, 9]", level);
  tn_record_writer *writer = tn_calloc(1, sizeof *writer);
  if (!writer) return tn_out_of_memory();
  tn_error *error = start(writer, compression, level);
  if (!error) error = tn_file_begin(path, TN_WRITE_OVER, &writer->file);
  if (error) {
    free_writer(writer);
    return error;
  }
  *out = writer;
  return NULL;
}

tn_error *tn_record_writer_on(tn_file_writer *file, tn_record_writer **out) {
  tn_record_writer *writer = tn_calloc(1, sizeof *writer);
  if (!writer) {
    tn_file_abandon(file);
    return tn_out_of_memory();
  }
  writer->file = file;
  *out = writer;
  return NULL;
}

const char *tn_record_writer_path(const tn_record_writer *writer) { return writer->file->path; }

/* Compresses what waits; FLUSH is zlib's. */
static tn_error *deflate_all(tn_record_writer *writer, int flush) {
  int state;
  do {
    writer->z.next_out = writer->packed;
    writer->z.avail_out = PACKED;
    state = deflate(&writer->z, flush);
    size_t size = PACKED - writer->z.avail_out;
    if (size > 0) TN_TRY(tn_file_write(writer->file, writer->packed, size));
  } while (writer->z.avail_out == 0 || (flush == Z_FINISH && state == Z_OK));
  return NULL;
}

static tn_error *put(tn_record_writer *writer, const void *data, size_t size) {
  if (size == 0) return NULL;
  if (!writer->deflating) return tn_file_write(writer->file, data, size);
  const unsigned char *from = data;
  while (size > 0) {
    uInt piece = size < 1 << 30 ? (uInt)size : 1 << 30;
    writer->z.next_in = (Bytef *)from;
    writer->z.avail_in = piece;
    TN_TRY(deflate_all(writer, Z_NO_FLUSH));
    from += piece;
    size -= piece;
  }
  return NULL;
}

static void set_u32(unsigned char *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (8 * i));
}

tn_error *tn_record_writer_write(tn_record_writer *writer, const void *data, size_t size) {
  unsigned char head[HEAD], tail[TAIL];
  set_u32(head, (uint32_t)size);
  set_u32(head + 4, (uint32_t)((uint64_t)size >> 32));
  set_u32(head + 8, tn_crc32c_mask(tn_crc32c(0, head, 8)));
  set_u32(tail, tn_crc32c_mask(tn_crc32c(0, data, size)));
  TN_TRY(put(writer, head, HEAD));
  TN_TRY(put(writer, data, size));
  return put(writer, tail, TAIL);
}

tn_error *tn_record_writer_flush(tn_record_writer *writer) {
  if (writer->deflating) TN_TRY(deflate_all(writer, Z_SYNC_FLUSH));
  return tn_file_flush(writer->file);
}

tn_error *tn_record_writer_close(tn_record_writer *writer) {
  if (!writer) return NULL;
  tn_error *error = writer->deflating ? deflate_all(writer, Z_FINISH) : NULL;
  tn_error *late = tn_file_commit(writer->file);
  if (error)
    tn_error_free(late);
  else
    error = late;
  free_writer(writer);
  return error;
}
