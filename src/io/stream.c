/* Files as streams. */
#include "io/stream.h"

#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "io/fs.h"

enum { USUAL_BUFFER = 256 << 10, SMALLEST_BUFFER = 4 << 10 };

struct tn_stream {
  tn_file *file;
  uint64_t at; /* of the next byte to read from it */
  tn_compression compression;
  size_t chunk; /* bytes that are read at once */
  char *data;   /* [begin, end) of ROOM bytes are there */
  size_t begin, end, room;
  uint64_t offset;       /* of BEGIN */
  bool ended;            /* nothing follows END */
  unsigned char *packed; /* CHUNK bytes as they are in the file */
  z_stream z;
  bool inflating; /* Z is in use */
};

tn_error *tn_compression_named(const char *name, tn_compression *out) {
  static const char *const names[] = {"", "ZLIB", "GZIP"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    *out = (tn_compression)i;
    return NULL;
  }
  return tn_errorf(TN_INVALID_ARGUMENT, "there is no compression type '%.100s': it is '', 'ZLIB' or 'GZIP'", name);
}

/* --- opening --- */

static tn_error *start_inflating(tn_stream *s) {
  if (s->compression == TN_UNCOMPRESSED) return NULL;
  memset(&s->z, 0, sizeof s->z);
  if (inflateInit2(&s->z, s->compression == TN_GZIP ? 15 + 16 : 15) != Z_OK) return tn_out_of_memory();
  s->inflating = true;
  return NULL;
}

static tn_error *open_file(tn_stream *s, const char *path) {
  TN_TRY(tn_file_open(path, &s->file));
  return start_inflating(s);
}

void tn_stream_close(tn_stream *s) {
  if (!s) return;
  tn_file_close(s->file);
  if (s->inflating) inflateEnd(&s->z);
  tn_free(s->packed);
  tn_free(s->data);
  tn_free(s);
}

tn_error *tn_stream_open(const char *path, tn_compression compression, size_t buffer, tn_stream **out) {
  tn_stream *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  s->compression = compression;
  s->chunk = buffer ? buffer : USUAL_BUFFER;
  if (s->chunk < SMALLEST_BUFFER) s->chunk = SMALLEST_BUFFER;
  s->room = s->chunk;
  s->data = tn_malloc(s->room);
  if (compression != TN_UNCOMPRESSED) s->packed = tn_malloc(s->chunk);
  bool room = s->data && (s->packed || compression == TN_UNCOMPRESSED);
  tn_error *error = room ? open_file(s, path) : tn_out_of_memory();
  if (error) {
    tn_stream_close(s);
    return error;
  }
  *out = s;
  return NULL;
}

/* --- filling --- */

/* Up to SIZE bytes of the file. *GOT is 0 at its end. */
static tn_error *read_file(tn_stream *s, void *to, size_t size, size_t *got) {
  TN_TRY(tn_file_read_some(s->file, s->at, to, size, got));
  s->at += *got;
  return NULL;
}

static tn_error *damaged(const tn_stream *s) {
  return tn_errorf(TN_DATA_LOSS, "%s: the compressed data is damaged after %llu bytes%s%s", tn_stream_path(s),
                   (unsigned long long)(s->offset + (s->end - s->begin)), s->z.msg ? ": " : "",
                   s->z.msg ? s->z.msg : "");
}

/* One step of decompression into [END, ROOM). What follows a compressed whole is another one. */
static tn_error *inflate_some(tn_stream *s) {
  if (s->z.avail_in == 0) {
    size_t got = 0;
    TN_TRY(read_file(s, s->packed, s->chunk, &got));
    s->z.next_in = s->packed;
    s->z.avail_in = (uInt)got;
    if (got == 0) {
      s->ended = true;
      return s->z.total_in == 0 ? NULL : damaged(s);
    }
  }
  size_t room = s->room - s->end;
  s->z.next_out = (Bytef *)s->data + s->end;
  s->z.avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
  uInt before = s->z.avail_out;
  int state = inflate(&s->z, Z_NO_FLUSH);
  s->end += before - s->z.avail_out;
  if (state == Z_STREAM_END) {
    inflateReset(&s->z);
  } else if (state != Z_OK && state != Z_BUF_ERROR) {
    return damaged(s);
  }
  return NULL;
}

/* Makes room behind END, moving and growing what is there. */
static tn_error *make_room(tn_stream *s) {
  if (s->begin > 0) {
    memmove(s->data, s->data + s->begin, s->end - s->begin);
    s->end -= s->begin;
    s->begin = 0;
  }
  if (s->end < s->room) return NULL;
  if (s->room > SIZE_MAX / 2) return tn_out_of_memory();
  char *data = tn_realloc(s->data, 2 * s->room);
  if (!data) return tn_out_of_memory();
  s->data = data;
  s->room *= 2;
  return NULL;
}

static tn_error *fill(tn_stream *s) {
  if (s->end == s->room) TN_TRY(make_room(s));
  if (s->compression != TN_UNCOMPRESSED) return inflate_some(s);
  size_t got = 0;
  TN_TRY(read_file(s, s->data + s->end, s->room - s->end, &got));
  s->end += got;
  s->ended = got == 0;
  return NULL;
}

tn_error *tn_stream_peek(tn_stream *s, size_t size, const char **data, size_t *found) {
  while (s->end - s->begin < size && !s->ended) TN_TRY(fill(s));
  size_t there = s->end - s->begin;
  *data = s->data + s->begin;
  *found = there < size ? there : size;
  return NULL;
}

void tn_stream_skip(tn_stream *s, size_t size) {
  s->begin += size;
  s->offset += size;
  if (s->begin == s->end) s->begin = s->end = 0;
}

tn_error *tn_stream_line(tn_stream *s, const char **data, size_t *size, bool *any) {
  size_t seen = 0;
  for (;;) {
    size_t there = s->end - s->begin;
    const char *line = s->data + s->begin;
    const char *end = there > seen ? memchr(line + seen, '\n', there - seen) : NULL;
    if (end || s->ended) {
      size_t length = end ? (size_t)(end - line) : there;
      *any = end || there > 0;
      *data = line;
      *size = end && length > 0 && line[length - 1] == '\r' ? length - 1 : length;
      s->begin += length + (end ? 1 : 0);
      s->offset += length + (end ? 1 : 0);
      return NULL;
    }
    seen = there;
    TN_TRY(fill(s));
  }
}

uint64_t tn_stream_offset(const tn_stream *s) { return s->offset; }

const char *tn_stream_path(const tn_stream *s) { return s->file->path; }

static tn_error *rewind_stream(tn_stream *s) {
  s->at = 0;
  if (s->inflating) inflateEnd(&s->z);
  s->inflating = false;
  s->begin = s->end = 0;
  s->offset = 0;
  s->ended = false;
  return start_inflating(s);
}

tn_error *tn_stream_seek(tn_stream *s, uint64_t offset) {
  if (offset < s->offset) TN_TRY(rewind_stream(s));
  if (s->compression == TN_UNCOMPRESSED && offset - s->offset > s->end - s->begin) {
    s->at = offset;
    s->begin = s->end = 0;
    s->offset = offset;
    return NULL;
  }
  while (s->offset < offset) {
    const char *data;
    size_t found = 0, left = offset - s->offset < s->chunk ? (size_t)(offset - s->offset) : s->chunk;
    TN_TRY(tn_stream_peek(s, left, &data, &found));
    if (found == 0) return NULL;
    tn_stream_skip(s, found);
  }
  return NULL;
}
