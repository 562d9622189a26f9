/* Files of hdfs:// being written.
 *
 * A whole file is made of parts, each a file of its own that is created in one request: a part whose data node dies is
 * simply made again, elsewhere, and no lease of a writer that is gone has to be waited for. The parts become one file
 * by CONCAT, and that gets its name by RENAME: both are one step of the name node. A file that is seen while it grows
 * is appended to. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/md5.h"
#include "base/thread.h"
#include "io/remote/document.h"
#include "io/remote/hdfs.h"

typedef struct hdfs_writer {
  tn_file_writer base;
  bool grows;      /* what is flushed is seen */
  char *target;    /* whose parts, or which file */
  tn_str waiting;  /* bytes that no server has yet */
  size_t part;     /* how many make a part */
  int parts;       /* those that are there */
  uint64_t stored; /* bytes of the file, or of the parts */
} hdfs_writer;

/* --- checksums --- */

typedef struct checksum {
  char algorithm[64], bytes[160];
} checksum;

static tn_error *read_checksum(void *argument, const char *path, const char *text) {
  checksum *sum = argument;
  if (!text) return NULL;
  if (!strcmp(path, "FileChecksum/algorithm")) snprintf(sum->algorithm, sizeof sum->algorithm, "%s", text);
  if (!strcmp(path, "FileChecksum/bytes")) snprintf(sum->bytes, sizeof sum->bytes, "%s", text);
  return NULL;
}

/* HDFS's checksum of DATA: the MD5 of the MD5s of each block's checksums. LAYOUT: how many of these a block has (0: it
 * is one block), and for how many bytes each stands. Hadoop sums up all of the buffer that it collects them in, which
 * has 32 bytes or twice as many as often as it takes; the rest of it is zeros. */
static void sum_up(const char *data, size_t size, const unsigned long layout[2], bool castagnoli, char out[33]) {
  size_t each = layout[1], block = layout[0] ? layout[0] * each : size;
  unsigned char sum[16];
  tn_md5 whole, inner;
  tn_md5_begin(&whole);
  for (size_t at = 0; at < size; at += block) {
    size_t end = size - at < block ? size : at + block;
    tn_md5_begin(&inner);
    for (size_t i = at; i < end; i += each) {
      size_t n = end - i < each ? end - i : each;
      uint32_t crc = castagnoli ? tn_crc32c(0, data + i, n) : (uint32_t)crc32(0, (const Bytef *)data + i, (uInt)n);
      unsigned char big[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8),
                              (unsigned char)crc};
      tn_md5_add(&inner, big, 4);
    }
    tn_md5_end(&inner, sum);
    tn_md5_add(&whole, sum, 16);
  }
  size_t room = 32;
  while (room < whole.size) room *= 2;
  static const unsigned char zeros[16];
  while (whole.size < room) tn_md5_add(&whole, zeros, 16);
  tn_md5_end(&whole, sum);
  tn_md5_text(sum, out);
}

/* Whether HDFS holds what was sent; TENON_HDFS_CHECKSUM=0 spares the request. What it sums up in another way than by
 * default is not compared. */
static tn_error *verify(const char *url, const char *data, size_t size) {
  if (!size || !tn_setting("TENON_HDFS_CHECKSUM", 0, 1, 1)) return NULL;
  tn_http_reply reply;
  checksum sum = {0};
  TN_TRY(tn_hdfs_ask(&(tn_hdfs_call){.url = url, .method = "GET", .op = "GETFILECHECKSUM"}, &reply));
  tn_error *error = tn_json_walk(reply.text.data ? reply.text.data : "", reply.text.size, read_checksum, &sum);
  tn_http_clear(&reply);
  if (error) return tn_error_context(error, "%s: GETFILECHECKSUM: the answer", url);
  unsigned long layout[2];
  char own[33];
  int end = 0;
  if (sscanf(sum.algorithm, "MD5-of-%luMD5-of-%luCRC32%n", &layout[0], &layout[1], &end) != 2 || !end) return NULL;
  /* The bytes: what one checksum stands for (4), checksums in a block (8), the MD5. */
  if (!layout[1] || layout[0] > SIZE_MAX / layout[1] || strlen(sum.bytes) < 56) return NULL;
  sum_up(data, size, layout, sum.algorithm[end] == 'C', own);
  if (!strncmp(sum.bytes + 24, own, 32)) return NULL;
  return tn_errorf(TN_UNAVAILABLE, "%s: the checksum of %zu bytes is %s and should be %s", url, size, sum.bytes + 24,
                   own);
}

/* --- parts --- */

static tn_error *part_name(const hdfs_writer *w, int number, char **out) {
  tn_str name = {0};
  tn_str_addf(&name, "%s.%d", w->target, number);
  return tn_str_take(&name, out, NULL);
}

/* Makes a file of SIZE bytes, in place of one that is there. */
static tn_error *create_file(const char *url, const char *data, size_t size) {
  tn_hdfs_call call = {.url = url,
                       .method = "PUT",
                       .op = "CREATE",
                       .parameters = "&overwrite=true",
                       .sends = true,
                       .body = data,
                       .size = size};
  tn_retry retry = {0};
  tn_avoid avoid = {0};
  tn_error *error;
  do {
    tn_http_reply reply;
    error = tn_hdfs_try(&call, &avoid, &reply);
    tn_http_clear(&reply);
    if (!error) error = verify(url, data, size);
  } while (error && tn_retry_after(&retry, &error));
  return error;
}

static tn_error *put_part(hdfs_writer *w) {
  char *name;
  TN_TRY(part_name(w, w->parts, &name));
  tn_error *error = create_file(name, w->waiting.data, w->waiting.size);
  tn_free(name);
  if (error) return error;
  w->parts++;
  w->stored += w->waiting.size;
  w->waiting.size = 0;
  return NULL;
}

/* Adds all parts but the first to that one. */
static tn_error *concatenate(const hdfs_writer *w, const char *first) {
  tn_str parameters = {0};
  tn_str_add(&parameters, "&sources=");
  for (int i = 1; i < w->parts; i++) {
    tn_http_escape(&parameters, tn_hdfs_path(w->target), "/");
    tn_str_addf(&parameters, ".%d%s", i, i + 1 < w->parts ? "," : "");
  }
  if (parameters.failed) return tn_out_of_memory();
  tn_hdfs_call call = {.url = first, .method = "POST", .op = "CONCAT", .parameters = parameters.data, .once = true};
  tn_retry retry = {0};
  tn_error *error;
  do {
    tn_http_reply reply;
    error = tn_hdfs_try(&call, NULL, &reply);
    tn_http_clear(&reply);
    tn_file_info info;
    tn_error *unknown = error ? tn_hdfs_stat(first, &info) : NULL;
    if (error && !unknown && info.size == w->stored) { /* it was done, and the answer was lost */
      tn_error_free(error);
      error = NULL;
    }
    tn_error_free(unknown);
  } while (error && tn_retry_after(&retry, &error));
  tn_str_clear(&parameters);
  return error;
}

static tn_error *publish(hdfs_writer *w) {
  char *first;
  if (w->waiting.size || !w->parts) TN_TRY(put_part(w));
  TN_TRY(part_name(w, 0, &first));
  tn_error *error = w->parts > 1 ? concatenate(w, first) : NULL;
  if (!error) error = tn_hdfs_rename(first, w->base.path);
  tn_free(first);
  return error;
}

/* --- appending --- */

/* Where the end of TARGET is for sure: adding nothing makes us its writer, and the one that failed is waited for. */
static tn_error *find_end(hdfs_writer *w, uint64_t *out) {
  tn_hdfs_call call = {.url = w->target, .method = "POST", .op = "APPEND", .sends = true};
  tn_file_info info;
  TN_TRY(tn_hdfs_ask(&call, NULL));
  TN_TRY(tn_hdfs_stat(w->target, &info));
  *out = info.size;
  return NULL;
}

static tn_error *append(hdfs_writer *w) {
  const char *data = w->waiting.data;
  size_t size = w->waiting.size, done = 0;
  tn_retry retry = {0};
  tn_avoid avoid = {0};
  tn_error *error = NULL;
  while (done < size) {
    tn_hdfs_call call = {
        .url = w->target, .method = "POST", .op = "APPEND", .sends = true, .body = data + done, .size = size - done};
    tn_http_reply reply;
    error = tn_hdfs_try(&call, &avoid, &reply);
    tn_http_clear(&reply);
    if (!error) break;
    uint64_t end = 0;
    if (!tn_retry_after(&retry, &error)) return error;
    TN_TRY(find_end(w, &end));
    if (end < w->stored + done || end > w->stored + size)
      return tn_errorf(TN_ABORTED, "%s: it has %llu bytes, and not what was written here: somebody else writes to it",
                       w->target, (unsigned long long)end);
    done = (size_t)(end - w->stored);
  }
  w->stored += size;
  w->waiting.size = 0;
  return NULL;
}

/* --- the writer --- */

tn_error *tn_hdfs_write(tn_file_writer *base, const void *data, size_t size) {
  hdfs_writer *w = (hdfs_writer *)base;
  const char *from = data;
  while (size) {
    size_t room = w->part - w->waiting.size, n = size < room ? size : room;
    tn_str_add_bytes(&w->waiting, from, n);
    if (w->waiting.failed) return tn_out_of_memory();
    from += n;
    size -= n;
    if (w->waiting.size == w->part) TN_TRY(w->grows ? append(w) : put_part(w));
  }
  return NULL;
}

tn_error *tn_hdfs_flush(tn_file_writer *base) {
  hdfs_writer *w = (hdfs_writer *)base;
  if (!w->waiting.size) return NULL;
  return w->grows ? append(w) : put_part(w);
}

static void free_writer(hdfs_writer *w) {
  tn_str_clear(&w->waiting);
  tn_free(w->target);
  tn_free(w);
}

/* Removes what is not needed, or not any more. */
static void remove_parts(const hdfs_writer *w) {
  for (int i = 0; i <= w->parts; i++) {
    char *name;
    tn_error *error = part_name(w, i, &name);
    if (!error) {
      error = tn_hdfs_remove(name, false);
      tn_free(name);
    }
    tn_error_free(error);
  }
}

tn_error *tn_hdfs_commit(tn_file_writer *base) {
  hdfs_writer *w = (hdfs_writer *)base;
  tn_error *error = w->grows ? tn_hdfs_flush(base) : publish(w);
  if (error && !w->grows) remove_parts(w);
  free_writer(w);
  return error;
}

void tn_hdfs_abandon(tn_file_writer *base) {
  hdfs_writer *w = (hdfs_writer *)base;
  if (!w->grows && w->parts) remove_parts(w);
  free_writer(w);
}

/* Makes or finds the file that is to grow. */
static tn_error *begin_growing(hdfs_writer *w, tn_write_mode mode) {
  tn_file_info info = {0};
  bool there = false;
  if (mode == TN_WRITE_APPEND) {
    tn_error *error = tn_hdfs_stat(w->target, &info);
    there = !error;
    if (error && tn_error_code(error) != TN_NOT_FOUND) return error;
    tn_error_free(error);
    if (info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "opening '%s': Is a directory", w->target);
  }
  w->stored = info.size;
  if (there) return NULL;
  if (mode == TN_WRITE_OVER) return create_file(w->target, "", 0);
  tn_hdfs_call call = {
      .url = w->target, .method = "PUT", .op = "CREATE", .parameters = "&overwrite=false", .sends = true};
  return tn_hdfs_ask(&call, NULL);
}

tn_error *tn_hdfs_create(const char *url, tn_write_mode mode, tn_file_writer **out) {
  static atomic_uint counter;
  hdfs_writer *w = TN_FS_NEW(hdfs_writer, &tn_fs_hdfs);
  if (!w) return tn_out_of_memory();
  char host[64] = "host";
  if (gethostname(host, sizeof host - 1)) strcpy(host, "host");
  w->grows = mode != TN_WRITE_WHOLE;
  w->part = (size_t)tn_setting("TENON_STORAGE_PART_BYTES", 1, 1L << 30, 32L << 20);
  tn_str target = {0};
  tn_str_add(&target, url);
  if (!w->grows)
    tn_str_addf(&target, ".tempstate-%s-%ld-%llx-%u", host, (long)getpid(), (unsigned long long)tn_wall_ns(),
                atomic_fetch_add(&counter, 1));
  tn_error *error = tn_str_take(&target, &w->target, NULL);
  if (!error && w->grows) error = begin_growing(w, mode);
  if (error) {
    free_writer(w);
    return error;
  }
  *out = &w->base;
  return NULL;
}
