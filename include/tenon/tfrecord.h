/* TFRecord files: records with checksums, behind each other, maybe compressed as a whole. */
#ifndef TENON_TFRECORD_H
#define TENON_TFRECORD_H

#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a file is compressed. */
typedef enum tn_compression { TN_UNCOMPRESSED = 0, TN_ZLIB = 1, TN_GZIP = 2 } tn_compression;

/* The compression that TensorFlow calls NAME: "", "ZLIB" or "GZIP". INVALID_ARGUMENT for others. */
TN_API tn_error *tn_compression_named(const char *name, tn_compression *out) TN_MUST_USE;

/* A file being read. One thread at a time may use it. */
typedef struct tn_record_reader tn_record_reader;

/* Opens PATH. BUFFER: bytes that are read at once; 0 for the usual 256 KiB. */
TN_API tn_error *tn_record_reader_open(const char *path, tn_compression compression, size_t buffer,
                                       tn_record_reader **out) TN_MUST_USE;
/* The next record, borrowed until the next call. OUT_OF_RANGE at the end of the file; DATA_LOSS, which names the file
 * and the offset, for a record that is cut off or whose checksum is wrong. */
TN_API tn_error *tn_record_reader_next(tn_record_reader *reader, const void **data, size_t *size) TN_MUST_USE;
/* Where the next record begins, in bytes of what is not compressed. */
TN_API uint64_t tn_record_reader_offset(const tn_record_reader *reader);
/* Goes on at OFFSET. A compressed file is read from its beginning where that lies behind. */
TN_API tn_error *tn_record_reader_seek(tn_record_reader *reader, uint64_t offset) TN_MUST_USE;
/* Closes and frees it; NULL is allowed. */
TN_API void tn_record_reader_close(tn_record_reader *reader);

/* A file being written. One thread at a time may use it. */
typedef struct tn_record_writer tn_record_writer;

/* Makes PATH, or empties it. LEVEL: zlib's compression level, 0 to 9; -1 for zlib's own choice. */
TN_API tn_error *tn_record_writer_open(const char *path, tn_compression compression, int level,
                                       tn_record_writer **out) TN_MUST_USE;
/* Writes a record of SIZE bytes. */
TN_API tn_error *tn_record_writer_write(tn_record_writer *writer, const void *data, size_t size) TN_MUST_USE;
/* Puts what was written so far where readers see it. */
TN_API tn_error *tn_record_writer_flush(tn_record_writer *writer) TN_MUST_USE;
/* Flushes, closes and frees it; NULL is allowed. */
TN_API tn_error *tn_record_writer_close(tn_record_writer *writer) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
