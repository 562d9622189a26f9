/* The file system s3://: reading, and all that concerns paths. Folders are what keys have before a "/"; an empty one is
 * an empty object whose key ends with "/". */
#include "io/remote/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/crc32c.h"
#include "base/md5.h"
#include "io/remote/document.h"
#include "io/remote/reading.h"

/* --- lists --- */

typedef struct lister {
  size_t prefix;   /* bytes of the prefix, which names are given without */
  tn_names *names; /* NULL: only whether there is any */
  bool any, encoded, truncated;
  tn_str next; /* where the list goes on */
} lister;

static int hex(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

/* Adds TEXT with its %XX put back. */
static void add_decoded(tn_str *to, const char *text) {
  for (const char *c = text; *c; c++) {
    char byte = *c == '+' ? ' ' : *c;
    if (*c == '%' && strspn(c + 1, "0123456789abcdefABCDEF") >= 2) {
      byte = (char)(hex(c[1]) * 16 + hex(c[2]));
      c += 2;
    }
    tn_str_add_bytes(to, &byte, 1);
  }
}

static tn_error *read_list(void *argument, const char *path, const char *text) {
  lister *l = argument;
  if (!strcmp(path, "ListBucketResult/EncodingType")) l->encoded = !strcmp(text, "url");
  if (!strcmp(path, "ListBucketResult/IsTruncated")) l->truncated = !strcmp(text, "true");
  if (!strcmp(path, "ListBucketResult/NextContinuationToken")) {
    tn_str_clear(&l->next);
    tn_str_add(&l->next, text);
  }
  bool key = !strcmp(path, "ListBucketResult/Contents/Key");
  if (!key && strcmp(path, "ListBucketResult/CommonPrefixes/Prefix") != 0) return NULL;
  l->any = true;
  return l->names ? tn_names_add(l->names, text, strlen(text)) : NULL;
}

/* Makes names of the keys from number FIRST on: decoded, and without the prefix. Some servers say behind the keys
 * whether they are encoded. */
static tn_error *finish_page(lister *l, size_t first) {
  tn_names *names = l->names;
  size_t kept = first;
  for (size_t i = first; names && i < names->n; i++) {
    tn_str name = {0};
    if (l->encoded)
      add_decoded(&name, names->names[i]);
    else
      tn_str_add(&name, names->names[i]);
    tn_free(names->names[i]);
    names->names[i] = NULL;
    bool below = name.size > l->prefix;
    if (below && !name.failed) names->names[kept] = tn_strdup(name.data + l->prefix);
    bool lost = name.failed || (below && !names->names[kept]);
    tn_str_clear(&name);
    if (lost) return tn_out_of_memory();
    kept += below;
  }
  if (names) names->n = kept;
  return NULL;
}

/* What follows a key that ends with "/" (all keys for ""); with DEEP also what lies in folders there. */
static tn_error *list_keys(const char *url, const char *folder, bool deep, lister *out) {
  tn_error *error = NULL;
  out->prefix = strlen(folder);
  do {
    tn_str query = {0};
    if (out->next.size) {
      tn_str_add(&query, "continuation-token=");
      tn_http_escape(&query, out->next.data, "");
      tn_str_add(&query, "&");
    }
    tn_str_addf(&query, "%sencoding-type=url&list-type=2%s&prefix=", deep ? "" : "delimiter=%2F&",
                out->names ? "" : "&max-keys=1");
    tn_http_escape(&query, folder, "");
    tn_s3_call call = {.url = url, .method = "GET", .what = "ListObjectsV2", .query = query.data, .of_bucket = true};
    tn_http_reply reply;
    error = query.failed ? tn_out_of_memory() : tn_s3_ask(&call, &reply);
    out->truncated = false;
    size_t first = out->names ? out->names->n : 0;
    if (!error) {
      error = tn_error_context(tn_xml_walk(reply.text.data ? reply.text.data : "", reply.text.size, read_list, out),
                               "%s: ListObjectsV2: the answer", url);
      if (!error) error = finish_page(out, first);
      tn_http_clear(&reply);
    }
    tn_str_clear(&query);
  } while (!error && out->names && out->truncated && out->next.size);
  tn_str_clear(&out->next);
  return error;
}

/* The key of URL with a "/" at its end; "" for the bucket itself. */
static tn_error *folder_of(const char *url, char **out) {
  tn_str key = {0};
  tn_str_add(&key, tn_s3_key(url));
  if (key.size && key.data[key.size - 1] != '/') tn_str_add(&key, "/");
  return tn_str_take(&key, out, NULL);
}

static tn_error *is_folder(const char *url, bool *out) {
  char *folder;
  lister l = {0};
  TN_TRY(folder_of(url, &folder));
  tn_error *error = list_keys(url, folder, true, &l);
  *out = l.any || !*folder; /* a bucket is one that answers */
  tn_free(folder);
  return error;
}

/* --- what is there --- */

tn_error *tn_s3_head(const char *url, tn_http_reply *reply, uint64_t *size) {
  tn_s3_call call = {.url = url, .method = "HEAD", .what = "HeadObject", .headers = {"x-amz-checksum-mode: ENABLED"}};
  TN_TRY(tn_s3_ask(&call, reply));
  *size = strtoull(tn_http_header(reply, "Content-Length"), NULL, 10);
  return NULL;
}

static tn_error *stat_path(const char *url, tn_file_info *out) {
  const char *key = tn_s3_key(url);
  tn_http_reply reply;
  uint64_t size = 0;
  bool folder = false;
  tn_error *error = NULL;
  if (*key && key[strlen(key) - 1] != '/') {
    error = tn_s3_head(url, &reply, &size);
    if (!error) {
      struct tm time = {0};
      bool known = strptime(tn_http_header(&reply, "Last-Modified"), "%a, %d %b %Y %H:%M:%S", &time) != NULL;
      *out = (tn_file_info){.size = size, .modified_ns = known ? timegm(&time) * INT64_C(1000000000) : 0};
      tn_http_clear(&reply);
      return NULL;
    }
    if (tn_error_code(error) != TN_NOT_FOUND) return error;
  }
  tn_error *other = is_folder(url, &folder);
  if (other || folder) tn_error_free(error);
  if (other) return other;
  if (!folder) return error ? error : tn_errorf(TN_NOT_FOUND, "%s: there is no such folder", url);
  *out = (tn_file_info){.folder = true};
  return NULL;
}

static tn_error *list(const char *url, tn_names *out) {
  char *folder;
  lister l = {.names = out};
  TN_TRY(folder_of(url, &folder));
  tn_error *error = list_keys(url, folder, false, &l);
  if (!error && !l.any && *folder) {
    tn_file_info info;
    error = stat_path(url, &info);
    if (!error) error = tn_errorf(TN_FAILED_PRECONDITION, "%s is no folder", url);
  }
  tn_free(folder);
  return error;
}

static tn_error *make_folders(const char *url) {
  tn_file_info info;
  tn_error *error = stat_path(url, &info);
  if (!error && !info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "making the folder '%s': Not a directory", url);
  if (tn_error_code(error) != TN_NOT_FOUND) return error;
  tn_error_free(error);
  tn_str marker = {0};
  tn_str_addf(&marker, "%s%s", url, url[strlen(url) - 1] == '/' ? "" : "/");
  error = marker.failed ? tn_out_of_memory() : tn_s3_put(marker.data, "", 0);
  tn_str_clear(&marker);
  return error;
}

/* --- removing and renaming --- */

static tn_error *remove_object(const char *url) {
  return tn_s3_ask(&(tn_s3_call){.url = url, .method = "DELETE", .what = "DeleteObject"}, NULL);
}

static tn_error *remove_file(const char *url) {
  tn_file_info info;
  TN_TRY(stat_path(url, &info)); /* S3 itself does not mind what is not there */
  if (info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "%s is a folder", url);
  return remove_object(url);
}

static tn_error *copy_and_remove(const char *from, const char *to) {
  tn_http_reply reply;
  uint64_t size = 0;
  TN_TRY(tn_s3_head(from, &reply, &size));
  tn_http_clear(&reply);
  TN_TRY(tn_s3_copy(from, size, to));
  return remove_object(from);
}

/* Does something with each key below the folder FROM, the last one first: a model's variables come before the file that
 * says that there is a model. TO: NULL to remove it. */
static tn_error *each_below(const char *from, const char *to) {
  char *folder;
  tn_names keys = {0};
  lister l = {.names = &keys};
  TN_TRY(folder_of(from, &folder));
  tn_error *error = list_keys(from, folder, true, &l);
  size_t bucket = strcspn(from + 5, "/");
  tn_str source = {0}, target = {0};
  for (size_t i = keys.n; i-- > 0 && !error;) {
    tn_str_clear(&source);
    tn_str_clear(&target);
    tn_str_addf(&source, "s3://%.*s/%s%s", (int)bucket, from + 5, folder, keys.names[i]);
    if (to) tn_str_addf(&target, "%s%s%s", to, to[strlen(to) - 1] == '/' ? "" : "/", keys.names[i]);
    if (source.failed || target.failed)
      error = tn_out_of_memory();
    else
      error = to ? copy_and_remove(source.data, target.data) : remove_object(source.data);
  }
  tn_str_clear(&source);
  tn_str_addf(&source, "s3://%.*s/%s", (int)bucket, from + 5, folder); /* the folder's own mark, if it has one */
  if (!error && to && l.any) error = make_folders(to);
  if (!error && *folder) error = source.failed ? tn_out_of_memory() : remove_object(source.data);
  tn_str_clear(&source);
  tn_str_clear(&target);
  tn_names_clear(&keys);
  tn_free(folder);
  return error;
}

static tn_error *remove_tree(const char *url) {
  tn_file_info info;
  TN_TRY(stat_path(url, &info));
  return info.folder ? each_below(url, NULL) : remove_object(url);
}

static tn_error *rename_path(const char *from, const char *to) {
  tn_file_info info;
  TN_TRY(stat_path(from, &info));
  return info.folder ? each_below(from, to) : copy_and_remove(from, to);
}

/* --- reading --- */

typedef struct s3_file {
  tn_remote_file base;
  char match[160]; /* "If-Match: ..."; empty: no ETag */
  bool has_crc, has_md5;
  uint32_t crc, crc_there;
  tn_md5 md5;
  char md5_there[33];
} s3_file;

static tn_error *fetch(tn_remote_file *base, tn_fetch *piece) {
  s3_file *file = (s3_file *)base;
  char range[96];
  unsigned long long begin = piece->offset, last = begin + piece->size - 1;
  snprintf(range, sizeof range, "Range: bytes=%llu-%llu", begin, last);
  tn_s3_call call = {.url = base->base.path,
                     .method = "GET",
                     .what = "GetObject",
                     .headers = {range, *file->match ? file->match : NULL},
                     .into = piece->to,
                     .room = piece->size};
  tn_http_reply reply;
  tn_error *error = tn_s3_try(&call, &reply);
  piece->got = reply.got;
  if (reply.status == 200 && begin) { /* the whole object came instead of its part */
    piece->got = 0;
    tn_error_free(error);
    error = tn_errorf(TN_UNIMPLEMENTED, "%s: the server does not read parts of objects", base->base.path);
  }
  tn_http_clear(&reply);
  if (error || piece->got == piece->size) return error;
  return tn_errorf(TN_UNAVAILABLE, "%s: GetObject: got %zu of the %zu bytes from %llu on", base->base.path, piece->got,
                   piece->size, begin);
}

/* Compares what was read with the checksum that the store keeps. */
static tn_error *check(tn_remote_file *base, const char *data, size_t size) {
  s3_file *file = (s3_file *)base;
  if (size && file->has_crc) file->crc = tn_crc32c(file->crc, data, size);
  if (size && file->has_md5) tn_md5_add(&file->md5, data, size);
  if (size) return NULL;
  if (file->has_crc && file->crc != file->crc_there)
    return tn_errorf(TN_DATA_LOSS, "%s: the CRC32C of what was read is %08x and should be %08x", base->base.path,
                     file->crc, file->crc_there);
  unsigned char sum[16];
  char text[33];
  if (!file->has_md5) return NULL;
  tn_md5_end(&file->md5, sum);
  tn_md5_text(sum, text);
  if (!strcmp(text, file->md5_there)) return NULL;
  return tn_errorf(TN_DATA_LOSS, "%s: the MD5 of what was read is %s and should be %s", base->base.path, text,
                   file->md5_there);
}

/* Which checksum of the whole object the answer tells. An ETag is an MD5 where the object came in one piece and is not
 * encrypted with a key of its own. */
static void learn_checksum(s3_file *file, const tn_http_reply *reply) {
  const char *crc = tn_http_header(reply, "x-amz-checksum-crc32c"), *tag = tn_http_header(reply, "ETag");
  const char *hidden = tn_http_header(reply, "x-amz-server-side-encryption");
  tn_str bytes = {0};
  if (strlen(crc) == 8 && tn_base64_decode(&bytes, tn_base64_standard, crc, 8) && bytes.size == 4) {
    const unsigned char *b = (const unsigned char *)bytes.data;
    file->crc_there = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    file->has_crc = true;
  }
  tn_str_clear(&bytes);
  if (*tag) snprintf(file->match, sizeof file->match, "If-Match: %.140s", tag);
  bool md5 = *tag == '"' && strspn(tag + 1, "0123456789abcdef") == 32 && tag[33] == '"';
  if (file->has_crc || !md5 || (*hidden && strcmp(hidden, "AES256") != 0)) return;
  if (*tn_http_header(reply, "x-amz-server-side-encryption-customer-algorithm")) return;
  snprintf(file->md5_there, sizeof file->md5_there, "%.32s", tag + 1);
  tn_md5_begin(&file->md5);
  file->has_md5 = true;
}

static void close_file(tn_file *file) {
  tn_remote_end((tn_remote_file *)file);
  tn_free(file);
}

static tn_error *open_file(const char *url, tn_file **out) {
  tn_http_reply reply;
  uint64_t size = 0;
  tn_error *error = *tn_s3_key(url) ? tn_s3_head(url, &reply, &size) : NULL;
  if (error || !*tn_s3_key(url)) {
    tn_file_info info;
    tn_error *other = !error || tn_error_code(error) == TN_NOT_FOUND ? stat_path(url, &info) : tn_error_copy(error);
    if (other) {
      tn_error_free(error);
      return other;
    }
    tn_error_free(error);
    return tn_errorf(TN_FAILED_PRECONDITION, "opening '%s': Is a directory", url);
  }
  s3_file *file = TN_FS_NEW(s3_file, &tn_fs_s3);
  if (file) {
    file->base.base.size = size;
    file->base.fetch = fetch;
    file->base.check = check;
    learn_checksum(file, &reply);
  }
  tn_http_clear(&reply);
  error = file ? tn_remote_begin(&file->base) : tn_out_of_memory();
  if (error)
    tn_free(file);
  else
    *out = &file->base.base;
  return error;
}

static const char *const schemes[] = {"s3", NULL};

const tn_fs tn_fs_s3 = {.schemes = schemes,
                        .open = open_file,
                        .close = close_file,
                        .read = tn_remote_read,
                        .create = tn_s3_create,
                        .write = tn_s3_write,
                        .flush = tn_s3_flush,
                        .commit = tn_s3_commit,
                        .abandon = tn_s3_abandon,
                        .stat = stat_path,
                        .list = list,
                        .remove = remove_file,
                        .remove_tree = remove_tree,
                        .rename = rename_path,
                        .make_folders = make_folders};
