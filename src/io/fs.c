/* What a path stands for, and the functions on paths that choose by it. */
#include "io/fs.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"

static const tn_fs *const systems[] = {&tn_fs_local, &tn_fs_hdfs, &tn_fs_s3};

/* The length of the scheme of PATH, 0 where there is none. */
static size_t scheme_of(const char *path) {
  size_t n = 0;
  if (!isalpha((unsigned char)path[0])) return 0;
  while (isalnum((unsigned char)path[n]) || path[n] == '+' || path[n] == '-' || path[n] == '.') n++;
  return strncmp(path + n, "://", 3) ? 0 : n;
}

tn_error *tn_fs_find(const char *path, const tn_fs **out) {
  size_t n = scheme_of(path);
  for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
    for (const char *const *scheme = systems[i]->schemes; *scheme; scheme++)
      if (strlen(*scheme) == n && !strncmp(*scheme, path, n)) {
        *out = systems[i];
        return NULL;
      }
  return tn_errorf(TN_UNIMPLEMENTED,
                   "File system scheme '%.*s' not implemented (file: '%s'); there are: paths, file://, hdfs://, "
                   "webhdfs://, swebhdfs:// and s3://",
                   (int)n, path, path);
}

bool tn_path_is_remote(const char *path) {
  const tn_fs *fs = &tn_fs_local;
  tn_error_free(tn_fs_find(path, &fs));
  return fs != &tn_fs_local;
}

bool tn_path_is_absolute(const char *path) { return path[0] == '/' || scheme_of(path); }

void *tn_fs_new(size_t size, const tn_fs *fs) {
  const tn_fs **made = tn_calloc(1, size);
  if (made) *made = fs;
  return made;
}

/* --- lists of names --- */

tn_error *tn_names_add(tn_names *list, const char *name, size_t size) {
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 16;
    char **larger = tn_realloc(list->names, capacity * sizeof *larger);
    if (!larger) return tn_out_of_memory();
    list->names = larger;
    list->capacity = capacity;
  }
  char *copy = tn_strndup(name, size);
  if (!copy) return tn_out_of_memory();
  list->names[list->n++] = copy;
  return NULL;
}

void tn_names_clear(tn_names *list) {
  for (size_t i = 0; i < list->n; i++) tn_free(list->names[i]);
  tn_free(list->names);
  *list = (tn_names){0};
}

static int in_order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Sorts LIST, which ERROR has spoilt if there is one. */
static tn_error *finish(tn_error *error, tn_names *list, tn_names *out) {
  if (error) {
    tn_names_clear(list);
    return error;
  }
  if (list->n) qsort(list->names, list->n, sizeof *list->names, in_order);
  *out = *list;
  return NULL;
}

/* --- paths --- */

tn_error *tn_path_stat(const char *path, tn_file_info *out) {
  const tn_fs *fs;
  TN_TRY(tn_fs_find(path, &fs));
  return fs->stat(path, out);
}

tn_error *tn_path_list(const char *path, tn_names *out) {
  const tn_fs *fs;
  tn_names found = {0};
  TN_TRY(tn_fs_find(path, &fs));
  return finish(fs->list(path, &found), &found, out);
}

tn_error *tn_path_remove(const char *path) {
  const tn_fs *fs;
  TN_TRY(tn_fs_find(path, &fs));
  return fs->remove(path);
}

tn_error *tn_path_remove_tree(const char *path) {
  const tn_fs *fs;
  TN_TRY(tn_fs_find(path, &fs));
  return fs->remove_tree(path);
}

tn_error *tn_path_rename(const char *from, const char *to) {
  const tn_fs *fs, *other;
  TN_TRY(tn_fs_find(from, &fs));
  TN_TRY(tn_fs_find(to, &other));
  if (fs != other) {
    return tn_errorf(TN_UNIMPLEMENTED, "renaming %s to %s: they lie in different file systems; copy and delete it",
                     from, to);
  }
  return fs->rename(from, to);
}

tn_error *tn_make_folders(const char *path) {
  const tn_fs *fs;
  TN_TRY(tn_fs_find(path, &fs));
  return fs->make_folders(path);
}

/* --- patterns --- */

/* Adds what matches PATTERN from its byte AT on; FOLDER is what is matched already and ends with "/". */
static tn_error *match(const char *folder, const char *rest, tn_names *out) {
  size_t size = strcspn(rest, "/");
  bool last = !rest[size];
  tn_names there = {0};
  tn_error *error = tn_path_list(folder, &there);
  if (tn_error_code(error) == TN_NOT_FOUND || tn_error_code(error) == TN_FAILED_PRECONDITION) {
    tn_error_free(error);
    return NULL;
  }
  if (error) return error;
  char *pattern = tn_strndup(rest, size);
  if (!pattern) error = tn_out_of_memory();
  for (size_t i = 0; i < there.n && !error; i++) {
    char *name = there.names[i];
    size_t length = strlen(name);
    bool is_folder = length && name[length - 1] == '/';
    if (is_folder) name[length - 1] = 0;
    if (fnmatch(pattern, name, FNM_PERIOD) || (!last && !is_folder)) continue;
    tn_str path = {0};
    tn_str_addf(&path, "%s%s%s", folder, name, last ? "" : "/");
    if (path.failed)
      error = tn_out_of_memory();
    else
      error = last ? tn_names_add(out, path.data, path.size) : match(path.data, rest + size + 1, out);
    tn_str_clear(&path);
  }
  tn_free(pattern);
  tn_names_clear(&there);
  return error;
}

/* A pattern without wildcards is a path. */
static tn_error *match_path(const char *path, tn_names *out) {
  tn_file_info info;
  tn_error *error = tn_path_stat(path, &info);
  if (!error) return tn_names_add(out, path, strlen(path));
  if (tn_error_code(error) != TN_NOT_FOUND) return error;
  tn_error_free(error);
  return NULL;
}

static tn_error *match_by_list(const char *pattern, tn_names *out) {
  size_t fixed = strcspn(pattern, "*?[\\");
  if (!pattern[fixed]) return match_path(pattern, out);
  while (fixed && pattern[fixed - 1] != '/') fixed--;
  char *folder = tn_strndup(pattern, fixed);
  if (!folder) return tn_out_of_memory();
  tn_error *error = match(folder, pattern + fixed, out);
  tn_free(folder);
  return error;
}

tn_error *tn_path_glob(const char *pattern, tn_names *out) {
  const tn_fs *fs;
  tn_names found = {0};
  TN_TRY(tn_fs_find(pattern, &fs));
  return finish(fs->glob ? fs->glob(pattern, &found) : match_by_list(pattern, &found), &found, out);
}
