/* Files read from the beginning to the end, decompressed on the way. */
#ifndef TN_DATA_STREAM_H
#define TN_DATA_STREAM_H

#include <stdbool.h>

#include "tensor/tensor.h"

typedef struct tn_stream tn_stream;

/* COMPRESSION: "", "GZIP" or "ZLIB", else INVALID_ARGUMENT. BUFFER: bytes read at a time; 0: a default. */
tn_error *tn_stream_open(const char *path, const char *compression, int64_t buffer, tn_stream **out) TN_MUST_USE;
void tn_stream_close(tn_stream *s);
const char *tn_stream_path(const tn_stream *s);
/* Bytes given so far. */
uint64_t tn_stream_at(const tn_stream *s);
/* Up to SIZE bytes, *GOT of them; fewer only at the end. */
tn_error *tn_stream_read(tn_stream *s, void *data, size_t size, size_t *got) TN_MUST_USE;
/* Passes over up to SIZE bytes. */
tn_error *tn_stream_skip(tn_stream *s, uint64_t size, uint64_t *passed) TN_MUST_USE;
/* The next byte in *OUT, -1 at the end. */
tn_error *tn_stream_byte(tn_stream *s, int *out) TN_MUST_USE;
/* The next line without its end ("\n" or "\r\n"); *MORE false at the end. The text belongs to the stream and lasts
 * until the next call. */
tn_error *tn_stream_line(tn_stream *s, const char **text, size_t *size, bool *more) TN_MUST_USE;

#endif
