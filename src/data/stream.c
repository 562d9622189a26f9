/* Files read from the beginning to the end. */
#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"

#define DEFAULT_BUFFER (256 << 10)

struct tn_stream {
  char *path;
  int fd;
  bool zipped, ended; /* of the file */
  bool inside;        /* a compressed member has begun */
  z_stream zip;
  size_t capacity;
  char *raw;  /* compressed bytes */
  char *data; /* what was read and is not taken yet: [at, end) */
  size_t at, end;
  uint64_t passed; /* bytes before DATA */
  tn_str line;
};

static tn_error *find_window(const char *compression, int *bits) {
  if (!compression[0]) {
    *bits = 0;
  } else if (strcmp(compression, "GZIP") == 0) {
    *bits = MAX_WBITS + 16;
  } else if (strcmp(compression, "ZLIB") == 0) {
    *bits = MAX_WBITS;
  } else {
    return tn_errorf(TN_INVALID_ARGUMENT, "Unsupported compression_type: %.100s", compression);
  }
  return NULL;
}

static tn_error *furnish(tn_stream *s, const char *path, int bits, int64_t buffer) {
  s->capacity = buffer > 0 && buffer < (int64_t)1 << 30 ? (size_t)buffer : DEFAULT_BUFFER;
  s->path = tn_strdup(path);
  s->data = tn_malloc(s->capacity);
  s->raw = bits ? tn_malloc(s->capacity) : NULL;
  if (!s->path || !s->data || (bits && !s->raw)) return tn_out_of_memory();
  s->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (s->fd < 0) return tn_file_error(errno, "open", path);
  if (bits && inflateInit2(&s->zip, bits) != Z_OK) return tn_out_of_memory();
  s->zipped = bits != 0;
  return NULL;
}

tn_error *tn_stream_open(const char *path, const char *compression, int64_t buffer, tn_stream **out) {
  int bits;
  TN_TRY(find_window(compression, &bits));
  tn_stream *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  s->fd = -1;
  tn_error *error = furnish(s, path, bits, buffer);
  if (error) {
    tn_stream_close(s);
    return error;
  }
  *out = s;
  return NULL;
}

void tn_stream_close(tn_stream *s) {
  if (!s) return;
  if (s->fd >= 0) close(s->fd);
  if (s->zipped) inflateEnd(&s->zip);
  tn_free(s->path);
  tn_free(s->raw);
  tn_free(s->data);
  tn_str_clear(&s->line);
  tn_free(s);
}

const char *tn_stream_path(const tn_stream *s) { return s->path; }
uint64_t tn_stream_at(const tn_stream *s) { return s->passed + s->at; }

static tn_error *read_file(tn_stream *s, char *to, size_t *got) {
  ssize_t n;
  do {
    n = read(s->fd, to, s->capacity);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return tn_file_error(errno, "read", s->path);
  *got = (size_t)n;
  return NULL;
}

/* Inflates what it can; END stays 0 only at the end of the file. */
static tn_error *inflate_some(tn_stream *s) {
  while (s->end == 0 && !s->ended) {
    if (s->zip.avail_in == 0) {
      size_t got;
      TN_TRY(read_file(s, s->raw, &got));
      if (got == 0) {
        s->ended = true;
        if (!s->inside) return NULL;
        return tn_errorf(TN_DATA_LOSS, "%s: the compressed data end too early", s->path);
      }
      s->zip.next_in = (Bytef *)s->raw;
      s->zip.avail_in = (uInt)got;
    }
    s->zip.next_out = (Bytef *)s->data;
    s->zip.avail_out = (uInt)s->capacity;
    int code = inflate(&s->zip, Z_NO_FLUSH);
    s->inside = code != Z_STREAM_END;
    if (code == Z_STREAM_END) {
      inflateReset(&s->zip); /* another member may follow */
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return tn_errorf(TN_DATA_LOSS, "%s: the compressed data are broken: %s", s->path, s->zip.msg ? s->zip.msg : "?");
    }
    s->end = s->capacity - s->zip.avail_out;
  }
  return NULL;
}

/* Reads more once all is taken. */
static tn_error *fill(tn_stream *s) {
  if (s->at < s->end || s->ended) return NULL;
  s->passed += s->at;
  s->at = s->end = 0;
  if (s->zipped) return inflate_some(s);
  TN_TRY(read_file(s, s->data, &s->end));
  s->ended = s->end == 0;
  return NULL;
}

tn_error *tn_stream_read(tn_stream *s, void *data, size_t size, size_t *got) {
  size_t n = 0;
  while (n < size) {
    TN_TRY(fill(s));
    size_t some = s->end - s->at < size - n ? s->end - s->at : size - n;
    if (some == 0) break;
    if (data) memcpy((char *)data + n, s->data + s->at, some);
    s->at += some;
    n += some;
  }
  *got = n;
  return NULL;
}

tn_error *tn_stream_skip(tn_stream *s, uint64_t size, uint64_t *passed) {
  size_t n = 0;
  TN_TRY(tn_stream_read(s, NULL, (size_t)size, &n));
  *passed = n;
  return NULL;
}

tn_error *tn_stream_byte(tn_stream *s, int *out) {
  TN_TRY(fill(s));
  *out = s->at < s->end ? (unsigned char)s->data[s->at++] : -1;
  return NULL;
}

tn_error *tn_stream_line(tn_stream *s, const char **text, size_t *size, bool *more) {
  s->line.size = 0;
  *more = false;
  for (;;) {
    TN_TRY(fill(s));
    if (s->at == s->end) break;
    *more = true;
    const char *from = s->data + s->at, *end = memchr(from, '\n', s->end - s->at);
    size_t n = end ? (size_t)(end - from) : s->end - s->at;
    tn_str_add_bytes(&s->line, from, n);
    if (s->line.failed) return tn_out_of_memory();
    s->at += n + (end != NULL);
    if (end) break;
  }
  /* As TensorFlow: only one carriage return goes. */
  if (s->line.size > 0 && s->line.data[s->line.size - 1] == '\r') s->line.size--;
  *text = s->line.data;
  *size = s->line.size;
  return NULL;
}
