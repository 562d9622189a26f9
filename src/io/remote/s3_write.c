/* Objects of s3:// being written.
 *
 * An object appears whole, when its upload is completed. Up to the size of a part it is one request, else a multipart
 * upload. A file that is seen while it grows is made anew at each flush: small ones from memory, and those larger than
 * the least part by a multipart upload whose first part the store copies from the object itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/crc32c.h"
#include "io/remote/document.h"
#include "io/remote/s3.h"

enum { MORE_PARTS = 1000 }; /* after so many, parts become twice as large: 10,000 are the most */
static const uint64_t most_of_a_copy = (uint64_t)5 << 30, piece_of_a_copy = (uint64_t)1 << 30;

/* A multipart upload. */
typedef struct upload {
  const char *url;
  char *id;
  bool sums; /* parts come with checksums; not where the store copies some */
  int parts;
  tn_str list; /* of the parts, as completing it wants it */
} upload;

typedef struct s3_writer {
  tn_file_writer base;
  bool grows;     /* what is flushed is seen */
  upload upload;  /* ID is NULL: none was begun */
  tn_str waiting; /* bytes that are in no part yet */
  size_t part;    /* how many make one */
  uint64_t there; /* grows: bytes of the object that are not in WAITING */
  uint64_t sent;  /* bytes in the upload */
  size_t shown;   /* bytes of WAITING that the object has too */
  bool made;      /* grows: the object is there */
} s3_writer;

void tn_s3_add_crc(tn_str *to, const char *header, const void *data, size_t size) {
  uint32_t crc = tn_crc32c(0, data, size);
  unsigned char big[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8),
                          (unsigned char)crc};
  tn_str_add(to, header);
  tn_base64_encode(to, tn_base64_standard, big, 4, true);
}

/* Stores can be told to check and keep a CRC32C; TENON_S3_CHECKSUM=0 is for those that don't know it. */
static bool checksums(void) { return tn_setting("TENON_S3_CHECKSUM", 0, 1, 1); }

tn_error *tn_s3_put(const char *url, const void *data, size_t size) {
  tn_str crc = {0};
  if (checksums()) tn_s3_add_crc(&crc, "x-amz-checksum-crc32c: ", data, size);
  tn_s3_call call = {
      .url = url, .method = "PUT", .what = "PutObject", .headers = {crc.data}, .body = data, .size = size};
  tn_error *error = crc.failed ? tn_out_of_memory() : tn_s3_ask(&call, NULL);
  tn_str_clear(&crc);
  return error;
}

/* --- multipart uploads --- */

typedef struct found {
  const char *path;
  tn_str text;
} found;

static tn_error *find_text(void *argument, const char *path, const char *text) {
  found *f = argument;
  if (!strcmp(path, f->path)) tn_str_add(&f->text, text);
  return NULL;
}

/* The text of the element at PATH of an answer. */
static tn_error *text_of(const tn_s3_call *call, tn_http_reply *reply, const char *path, char **out) {
  found f = {.path = path};
  tn_error *error = tn_xml_walk(reply->text.data ? reply->text.data : "", reply->text.size, find_text, &f);
  if (!error && !f.text.size) error = tn_errorf(TN_INTERNAL, "there is no %s", path);
  if (!error) return tn_str_take(&f.text, out, NULL);
  tn_str_clear(&f.text);
  return tn_error_context(error, "%s: %s: the answer", call->url, call->what);
}

static tn_error *begin_upload(upload *u, bool copies) {
  u->sums = checksums() && !copies;
  tn_s3_call call = {.url = u->url, .method = "POST", .what = "CreateMultipartUpload", .query = "uploads="};
  if (u->sums) call.headers[0] = "x-amz-checksum-algorithm: CRC32C";
  tn_http_reply reply;
  TN_TRY(tn_s3_ask(&call, &reply));
  tn_error *error = text_of(&call, &reply, "InitiateMultipartUploadResult/UploadId", &u->id);
  tn_http_clear(&reply);
  u->parts = 0;
  tn_str_clear(&u->list);
  tn_str_add(&u->list, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
  return error;
}

static void end_upload(upload *u) {
  tn_free(u->id);
  tn_str_clear(&u->list);
  u->id = NULL;
  u->parts = 0;
}

/* "partNumber=N&uploadId=ID" for the next part, or without a number. */
static void add_query(tn_str *to, const upload *u, int number) {
  if (number) tn_str_addf(to, "partNumber=%d&", number);
  tn_str_add(to, "uploadId=");
  tn_http_escape(to, u->id, "");
}

static void note_part(upload *u, const char *tag, const char *crc) {
  tn_str_addf(&u->list, "<Part><PartNumber>%d</PartNumber><ETag>", ++u->parts);
  for (const char *c = tag; *c; c++) tn_str_add(&u->list, *c == '"' ? "&quot;" : (char[2]){*c});
  tn_str_add(&u->list, "</ETag>");
  if (crc && *crc) tn_str_addf(&u->list, "<ChecksumCRC32C>%s</ChecksumCRC32C>", crc);
  tn_str_add(&u->list, "</Part>");
}

static tn_error *send_part(upload *u, const void *data, size_t size) {
  static const char header[] = "x-amz-checksum-crc32c: ";
  tn_str query = {0}, crc = {0};
  add_query(&query, u, u->parts + 1);
  if (u->sums) tn_s3_add_crc(&crc, header, data, size);
  tn_s3_call call = {.url = u->url,
                     .method = "PUT",
                     .what = "UploadPart",
                     .query = query.data,
                     .headers = {crc.data},
                     .body = data,
                     .size = size};
  tn_http_reply reply;
  tn_error *error = query.failed || crc.failed ? tn_out_of_memory() : tn_s3_ask(&call, &reply);
  if (!error) {
    note_part(u, tn_http_header(&reply, "ETag"), crc.data ? crc.data + strlen(header) : NULL);
    tn_http_clear(&reply);
  }
  tn_str_clear(&query);
  tn_str_clear(&crc);
  return error;
}

/* Makes parts of all SIZE bytes of FROM: one without a range as far as that goes, since libcurls older than 8.8 sign
 * the header of a range wrongly (they order it before the source's). */
static tn_error *copy_parts(upload *u, const char *from, uint64_t size) {
  tn_str source = {0};
  tn_s3_add_source(&source, from);
  tn_error *error = source.failed ? tn_out_of_memory() : NULL;
  for (uint64_t at = 0, n; at < size && !error; at += n) {
    n = size > most_of_a_copy && size - at > 2 * piece_of_a_copy ? piece_of_a_copy : size - at;
    tn_str query = {0};
    char range[128], *tag = NULL;
    snprintf(range, sizeof range, "x-amz-copy-source-range: bytes=%" PRIu64 "-%" PRIu64, at, at + n - 1);
    add_query(&query, u, u->parts + 1);
    tn_s3_call call = {.url = u->url,
                       .method = "PUT",
                       .what = "UploadPartCopy",
                       .query = query.data,
                       .headers = {source.data, size > most_of_a_copy ? range : NULL}};
    tn_http_reply reply;
    error = query.failed ? tn_out_of_memory() : tn_s3_ask(&call, &reply);
    if (!error) {
      error = text_of(&call, &reply, "CopyPartResult/ETag", &tag);
      if (!error) note_part(u, tag, NULL);
      tn_http_clear(&reply);
    }
    tn_free(tag);
    tn_str_clear(&query);
  }
  tn_str_clear(&source);
  return error;
}

/* Makes the object of SIZE bytes. */
static tn_error *complete(upload *u, uint64_t size) {
  tn_str query = {0};
  add_query(&query, u, 0);
  tn_str_add(&u->list, "</CompleteMultipartUpload>");
  if (query.failed || u->list.failed) {
    tn_str_clear(&query);
    return tn_out_of_memory();
  }
  tn_s3_call call = {.url = u->url,
                     .method = "POST",
                     .what = "CompleteMultipartUpload",
                     .query = query.data,
                     .once = true,
                     .body = u->list.data,
                     .size = u->list.size};
  tn_retry retry = {0};
  tn_error *error;
  do {
    tn_http_reply reply;
    uint64_t there = 0;
    error = tn_s3_try(&call, &reply);
    tn_http_clear(&reply);
    if (!retry.tries || tn_error_code(error) != TN_NOT_FOUND) continue;
    tn_error *unknown = tn_s3_head(u->url, &reply, &there); /* it was done, and the answer was lost? */
    if (!unknown) tn_http_clear(&reply);
    if (!unknown && there == size) {
      tn_error_free(error);
      error = NULL;
    }
    tn_error_free(unknown);
  } while (error && tn_retry_after(&retry, &error));
  tn_str_clear(&query);
  if (!error) end_upload(u);
  return error;
}

/* Lets the store forget the parts; that it can't is no news for the user, who has an error already or wants none. */
static void drop_upload(upload *u) {
  if (!u->id) return;
  tn_str query = {0};
  add_query(&query, u, 0);
  if (!query.failed)
    tn_error_free(tn_s3_ask(
        &(tn_s3_call){.url = u->url, .method = "DELETE", .what = "AbortMultipartUpload", .query = query.data}, NULL));
  tn_str_clear(&query);
  end_upload(u);
}

tn_error *tn_s3_copy(const char *from, uint64_t size, const char *to) {
  if (size > most_of_a_copy) {
    upload u = {.url = to};
    tn_error *error = begin_upload(&u, true);
    if (!error) error = copy_parts(&u, from, size);
    if (!error) error = complete(&u, size);
    if (error) drop_upload(&u);
    return error;
  }
  tn_str source = {0};
  tn_s3_add_source(&source, from);
  tn_s3_call call = {.url = to, .method = "PUT", .what = "CopyObject", .headers = {source.data}};
  tn_error *error = source.failed ? tn_out_of_memory() : tn_s3_ask(&call, NULL);
  tn_str_clear(&source);
  return error;
}

/* --- the writer --- */

/* Makes a part of what waits. */
static tn_error *put_part(s3_writer *w) {
  if (!w->upload.id) {
    w->upload.url = w->base.path;
    TN_TRY(begin_upload(&w->upload, w->there > 0));
    if (w->there) TN_TRY(copy_parts(&w->upload, w->base.path, w->there));
    w->sent = w->there;
  }
  if (w->waiting.size) TN_TRY(send_part(&w->upload, w->waiting.data, w->waiting.size));
  w->sent += w->waiting.size;
  w->waiting.size = w->shown = 0;
  if (w->upload.parts && w->upload.parts % MORE_PARTS == 0 && w->part <= SIZE_MAX / 2) w->part *= 2;
  return NULL;
}

tn_error *tn_s3_write(tn_file_writer *base, const void *data, size_t size) {
  s3_writer *w = (s3_writer *)base;
  const char *from = data;
  while (size) {
    if (w->waiting.size >= w->part) TN_TRY(put_part(w));
    size_t room = w->part - w->waiting.size, n = size < room ? size : room;
    tn_str_add_bytes(&w->waiting, from, n);
    if (w->waiting.failed) return tn_out_of_memory();
    from += n;
    size -= n;
  }
  return NULL;
}

/* Makes the object of all that there is. */
static tn_error *show(s3_writer *w) {
  if (!w->upload.id && !w->there) {
    TN_TRY(tn_s3_put(w->base.path, w->waiting.data ? w->waiting.data : "", w->waiting.size));
    w->shown = w->waiting.size;
  } else {
    TN_TRY(put_part(w));
    TN_TRY(complete(&w->upload, w->sent));
    w->there = w->sent;
  }
  w->made = true;
  return NULL;
}

tn_error *tn_s3_flush(tn_file_writer *base) {
  s3_writer *w = (s3_writer *)base;
  if (w->grows) return w->made && !w->upload.id && w->shown == w->waiting.size ? NULL : show(w);
  /* What can fail is done before the commit: all but making the object. */
  return w->upload.id && w->waiting.size >= TN_S3_LEAST_PART ? put_part(w) : NULL;
}

static void free_writer(s3_writer *w) {
  drop_upload(&w->upload);
  tn_str_clear(&w->waiting);
  tn_free(w);
}

tn_error *tn_s3_commit(tn_file_writer *base) {
  s3_writer *w = (s3_writer *)base;
  tn_error *error = w->grows ? tn_s3_flush(base) : show(w);
  free_writer(w);
  return error;
}

void tn_s3_abandon(tn_file_writer *base) { free_writer((s3_writer *)base); }

/* Finds what is to be appended to; small objects are read, since parts can't be. */
static tn_error *begin_appending(s3_writer *w, const char *url) {
  tn_file_info info;
  tn_error *error = tn_fs_s3.stat(url, &info);
  if (tn_error_code(error) == TN_NOT_FOUND) {
    tn_error_free(error);
    return NULL;
  }
  if (error) return error;
  if (info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "opening '%s': Is a directory", url);
  w->made = true;
  if (info.size >= TN_S3_LEAST_PART) {
    w->there = info.size;
    return NULL;
  }
  char *data;
  size_t size;
  TN_TRY(tn_file_read(url, &data, &size));
  tn_str_add_bytes(&w->waiting, data, size);
  w->shown = size;
  tn_free(data);
  return w->waiting.failed ? tn_out_of_memory() : NULL;
}

static tn_error *check_new(const char *url) {
  tn_file_info info;
  tn_error *error = tn_fs_s3.stat(url, &info);
  if (!error) return tn_errorf(TN_ALREADY_EXISTS, "creating '%s': File exists", url);
  if (tn_error_code(error) != TN_NOT_FOUND) return error;
  tn_error_free(error);
  return NULL;
}

tn_error *tn_s3_create(const char *url, tn_write_mode mode, tn_file_writer **out) {
  size_t key = strlen(tn_s3_key(url));
  if (!key || url[strlen(url) - 1] == '/')
    return tn_errorf(TN_FAILED_PRECONDITION, "creating '%s': Is a directory", url);
  s3_writer *w = TN_FS_NEW(s3_writer, &tn_fs_s3);
  if (!w) return tn_out_of_memory();
  w->grows = mode != TN_WRITE_WHOLE;
  w->part = (size_t)tn_setting("TENON_STORAGE_PART_BYTES", 1, 1L << 30, 8L << 20);
  tn_error *error = mode == TN_WRITE_APPEND ? begin_appending(w, url) : mode == TN_WRITE_NEW ? check_new(url) : NULL;
  if (error)
    free_writer(w);
  else
    *out = &w->base;
  return error;
}
