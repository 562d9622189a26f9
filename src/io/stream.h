/* Files read from the beginning to the end, decompressed on the way, through a buffer. */
#ifndef TN_IO_STREAM_H
#define TN_IO_STREAM_H

#include <stdbool.h>
#include <tenon/tfrecord.h>

typedef struct tn_stream tn_stream;

/* BUFFER: bytes read at once; 0 for the usual number. */
tn_error *tn_stream_open(const char *path, tn_compression compression, size_t buffer, tn_stream **out) TN_MUST_USE;
void tn_stream_close(tn_stream *stream);
/* The next SIZE bytes, borrowed until the next call; *FOUND is less only where the file ends before. The buffer grows
 * no further than twice what the file has: a SIZE that nobody vouches for does no harm. */
tn_error *tn_stream_peek(tn_stream *stream, size_t size, const char **data, size_t *found) TN_MUST_USE;
/* Passes over SIZE bytes that were peeked at. */
void tn_stream_skip(tn_stream *stream, size_t size);
/* The next line without its end ("\n" or "\r\n"), borrowed until the next call. *ANY: there is one. */
tn_error *tn_stream_line(tn_stream *stream, const char **data, size_t *size, bool *any) TN_MUST_USE;
/* How many bytes were passed over. */
uint64_t tn_stream_offset(const tn_stream *stream);
/* Goes on at OFFSET, or at the end if the file is shorter. */
tn_error *tn_stream_seek(tn_stream *stream, uint64_t offset) TN_MUST_USE;
const char *tn_stream_path(const tn_stream *stream);

#endif
