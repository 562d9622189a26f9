/* Files: reading whole or in parts, and writing so that a crash leaves either the old file or the new one. */
#ifndef TN_IO_FILE_H
#define TN_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

/* An error for errno NUMBER on PATH: NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full) and so on. */
tn_error *tn_file_error(int number, const char *what, const char *path) TN_MUST_USE __attribute__((returns_nonnull));
bool tn_file_exists(const char *path);
/* The whole file; free with tn_free. DATA gets a NUL behind its end. */
tn_error *tn_file_read(const char *path, char **data, size_t *size) TN_MUST_USE;
/* Makes the folder PATH and those above it where they are missing. */
tn_error *tn_make_folders(const char *path) TN_MUST_USE;

/* A file being read at any place, from any thread. */
typedef struct tn_file tn_file;
tn_error *tn_file_open(const char *path, tn_file **out) TN_MUST_USE;
void tn_file_close(tn_file *file);
uint64_t tn_file_size(const tn_file *file);
/* SIZE bytes from OFFSET on; DATA_LOSS if the file ends before. */
tn_error *tn_file_read_at(const tn_file *file, uint64_t offset, void *data, size_t size) TN_MUST_USE;

/* A file being written: under a temporary name beside PATH until it is committed (flushed to the disk, then renamed).
 */
typedef struct tn_file_writer tn_file_writer;
tn_error *tn_file_create(const char *path, tn_file_writer **out) TN_MUST_USE;
tn_error *tn_file_write(tn_file_writer *writer, const void *data, size_t size) TN_MUST_USE;
uint64_t tn_file_written(const tn_file_writer *writer);
/* Puts what was written so far onto the disk: after this, little can make a commit fail. */
tn_error *tn_file_flush(tn_file_writer *writer) TN_MUST_USE;
/* Ends and frees WRITER in any case; on an error PATH is as it was. */
tn_error *tn_file_commit(tn_file_writer *writer) TN_MUST_USE;
/* Throws away what was written; NULL is allowed. */
void tn_file_abandon(tn_file_writer *writer);
/* Writes a whole file that way. */
tn_error *tn_file_replace(const char *path, const void *data, size_t size) TN_MUST_USE;

#endif
