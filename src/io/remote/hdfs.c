/* The file system hdfs://: reading, and all that concerns paths. */
#include "io/remote/hdfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/remote/document.h"
#include "io/remote/reading.h"

/* --- what is there --- */

typedef struct status_reader {
  tn_file_info info;
  tn_str name;
  tn_names *names; /* NULL: of one file only */
  bool yes;        /* {"boolean": true} */
} status_reader;

static tn_error *read_status(void *argument, const char *path, const char *text) {
  status_reader *s = argument;
  const char *field = strrchr(path, '/');
  field = field ? field + 1 : path;
  if (!text && !strcmp(field, "FileStatus") && s->names) {
    if (s->info.folder) tn_str_add(&s->name, "/");
    if (s->name.failed) return tn_out_of_memory();
    tn_error *error = s->name.data ? tn_names_add(s->names, s->name.data, s->name.size) : NULL;
    tn_str_clear(&s->name);
    s->info = (tn_file_info){0};
    return error;
  }
  if (!text) return NULL;
  if (!strcmp(field, "length")) s->info.size = strtoull(text, NULL, 10);
  if (!strcmp(field, "modificationTime")) s->info.modified_ns = strtoll(text, NULL, 10) * 1000000;
  if (!strcmp(field, "type")) s->info.folder = !strcmp(text, "DIRECTORY");
  if (!strcmp(field, "boolean")) s->yes = !strcmp(text, "true");
  if (!strcmp(field, "pathSuffix")) {
    tn_str_clear(&s->name);
    tn_str_add(&s->name, text);
  }
  return NULL;
}

/* Asks what is answered in JSON. */
static tn_error *ask(const tn_hdfs_call *call, status_reader *out) {
  tn_http_reply reply;
  TN_TRY(tn_hdfs_ask(call, &reply));
  tn_error *error = tn_json_walk(reply.text.data ? reply.text.data : "", reply.text.size, read_status, out);
  tn_str_clear(&out->name);
  tn_http_clear(&reply);
  return tn_error_context(error, "%s: %s: the answer", call->url, call->op);
}

tn_error *tn_hdfs_stat(const char *url, tn_file_info *out) {
  status_reader s = {0};
  TN_TRY(ask(&(tn_hdfs_call){.url = url, .method = "GET", .op = "GETFILESTATUS"}, &s));
  *out = s.info;
  return NULL;
}

static tn_error *list(const char *url, tn_names *out) {
  tn_file_info info;
  TN_TRY(tn_hdfs_stat(url, &info)); /* the list of a file is that file */
  if (!info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "%s is no folder", url);
  status_reader s = {.names = out};
  return ask(&(tn_hdfs_call){.url = url, .method = "GET", .op = "LISTSTATUS"}, &s);
}

static tn_error *make_folders(const char *url) {
  status_reader s = {0};
  TN_TRY(ask(&(tn_hdfs_call){.url = url, .method = "PUT", .op = "MKDIRS"}, &s));
  return s.yes ? NULL : tn_errorf(TN_FAILED_PRECONDITION, "%s: MKDIRS: the name node refused", url);
}

tn_error *tn_hdfs_remove(const char *url, bool tree) {
  status_reader s = {0};
  const char *parameters = tree ? "&recursive=true" : "&recursive=false";
  return ask(&(tn_hdfs_call){.url = url, .method = "DELETE", .op = "DELETE", .parameters = parameters}, &s);
}

static tn_error *remove_file(const char *url) {
  tn_file_info info;
  TN_TRY(tn_hdfs_stat(url, &info));
  if (info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "%s is a folder", url);
  return tn_hdfs_remove(url, false);
}

static tn_error *remove_tree(const char *url) {
  tn_file_info info;
  TN_TRY(tn_hdfs_stat(url, &info));
  return tn_hdfs_remove(url, true);
}

/* Replaces what has the new name in one step, as rename(2) does. */
tn_error *tn_hdfs_rename(const char *from, const char *to) {
  tn_str parameters = {0};
  tn_str_add(&parameters, "&renameoptions=OVERWRITE&destination=");
  tn_http_escape(&parameters, tn_hdfs_path(to), "/");
  if (parameters.failed) return tn_out_of_memory();
  tn_hdfs_call call = {.url = from, .method = "PUT", .op = "RENAME", .parameters = parameters.data, .once = true};
  tn_retry retry = {0};
  tn_error *error;
  do {
    tn_http_reply reply;
    error = tn_hdfs_try(&call, NULL, &reply);
    tn_http_clear(&reply);
    tn_file_info info;
    /* Where an answer was lost the file may be renamed already. */
    if (retry.tries && tn_error_code(error) == TN_NOT_FOUND) {
      tn_error *other = tn_hdfs_stat(to, &info);
      if (!other) {
        tn_error_free(error);
        error = NULL;
      }
      tn_error_free(other);
    }
  } while (error && tn_retry_after(&retry, &error));
  tn_str_clear(&parameters);
  return error;
}

/* --- reading --- */

static tn_error *fetch(tn_remote_file *file, tn_fetch *piece) {
  char range[96];
  snprintf(range, sizeof range, "&offset=%llu&length=%zu", (unsigned long long)piece->offset, piece->size);
  tn_hdfs_call call = {.url = file->base.path,
                       .method = "GET",
                       .op = "OPEN",
                       .parameters = range,
                       .into = piece->to,
                       .room = piece->size};
  tn_http_reply reply;
  tn_error *error = tn_hdfs_try(&call, &piece->avoid, &reply);
  piece->got = reply.got;
  tn_http_clear(&reply);
  if (error || piece->got == piece->size) return error;
  return tn_errorf(TN_UNAVAILABLE, "%s: OPEN: got %zu of the %zu bytes from %llu on", file->base.path, piece->got,
                   piece->size, (unsigned long long)piece->offset);
}

static void close_file(tn_file *file) {
  tn_remote_end((tn_remote_file *)file);
  tn_free(file);
}

static tn_error *open_file(const char *url, tn_file **out) {
  tn_file_info info;
  TN_TRY(tn_hdfs_stat(url, &info));
  if (info.folder) return tn_errorf(TN_FAILED_PRECONDITION, "opening '%s': Is a directory", url);
  tn_remote_file *file = TN_FS_NEW(tn_remote_file, &tn_fs_hdfs);
  if (!file) return tn_out_of_memory();
  file->base.size = info.size;
  file->fetch = fetch;
  tn_error *error = tn_remote_begin(file);
  if (error)
    tn_free(file);
  else
    *out = &file->base;
  return error;
}

static const char *const schemes[] = {"hdfs", "webhdfs", "swebhdfs", NULL};

const tn_fs tn_fs_hdfs = {.schemes = schemes,
                          .open = open_file,
                          .close = close_file,
                          .read = tn_remote_read,
                          .create = tn_hdfs_create,
                          .write = tn_hdfs_write,
                          .flush = tn_hdfs_flush,
                          .commit = tn_hdfs_commit,
                          .abandon = tn_hdfs_abandon,
                          .stat = tn_hdfs_stat,
                          .list = list,
                          .remove = remove_file,
                          .remove_tree = remove_tree,
                          .rename = tn_hdfs_rename,
                          .make_folders = make_folders};
