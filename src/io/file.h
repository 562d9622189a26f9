/* What the library uses of files besides the public functions of <tenon/file.h>. */
#ifndef TN_IO_FILE_H
#define TN_IO_FILE_H

#include <tenon/file.h>

/* An error for errno NUMBER on PATH: NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full) and so on. */
tn_error *tn_file_error(int number, const char *what, const char *path) TN_MUST_USE __attribute__((returns_nonnull));
/* False also where nobody can tell. */
bool tn_file_exists(const char *path);
/* Whether PATH is an address of another machine's files; false for one of a kind that is not known. */
bool tn_path_is_remote(const char *path);
/* "/..." or an address. */
bool tn_path_is_absolute(const char *path);
/* Writes a file as a whole (TN_WRITE_WHOLE). */
tn_error *tn_file_create(const char *path, tn_file_writer **out) TN_MUST_USE;
tn_error *tn_file_replace(const char *path, const void *data, size_t size) TN_MUST_USE;

#endif
