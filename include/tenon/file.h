/* Files, on this machine or elsewhere: paths, and addresses like hdfs://namenode/path and s3://bucket/key.
 *
 * A file is written so that a crash leaves either the old one or the new one. docs/guide/storage.md tells how the
 * remote systems are reached and what can be set. Every function that takes a path takes addresses too; an address of a
 * kind that is not known gives UNIMPLEMENTED. */
#ifndef TENON_FILE_H
#define TENON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is at a path. */
typedef struct tn_file_info {
  uint64_t size;       /* bytes; 0 for a folder */
  int64_t modified_ns; /* when it was written, in nanoseconds since 1970; 0 where that is not known */
  bool folder;
} tn_file_info;

/* A list of names; all zero when empty. */
typedef struct tn_names {
  char **names;
  size_t n, capacity;
} tn_names;

/* Adds a copy of NAME's first SIZE bytes. */
TN_API tn_error *tn_names_add(tn_names *list, const char *name, size_t size) TN_MUST_USE;
/* Frees the names and empties LIST. */
TN_API void tn_names_clear(tn_names *list);

/* NOT_FOUND where there is nothing. */
TN_API tn_error *tn_path_stat(const char *path, tn_file_info *out) TN_MUST_USE;
/* The names in a folder in byte order, those of folders with a "/" at their end. NOT_FOUND; FAILED_PRECONDITION for a
 * file. */
TN_API tn_error *tn_path_list(const char *path, tn_names *out) TN_MUST_USE;
/* What matches a pattern of the shell's kind, in byte order; nothing is no error. */
TN_API tn_error *tn_path_glob(const char *pattern, tn_names *out) TN_MUST_USE;
/* Removes a file. NOT_FOUND. */
TN_API tn_error *tn_path_remove(const char *path) TN_MUST_USE;
/* Removes a file, or a folder with all that is in it. NOT_FOUND. */
TN_API tn_error *tn_path_remove_tree(const char *path) TN_MUST_USE;
/* Gives a file or a folder another name in the same file system; a file that has it is replaced. At s3:// this copies
 * and removes: a file changes its name as a whole, a folder file by file. */
TN_API tn_error *tn_path_rename(const char *from, const char *to) TN_MUST_USE;
/* Makes the folder PATH and those above it where they are missing. */
TN_API tn_error *tn_make_folders(const char *path) TN_MUST_USE;

/* A file being read at any place, from any thread. */
typedef struct tn_file tn_file;
/* NOT_FOUND; FAILED_PRECONDITION for a folder. */
TN_API tn_error *tn_file_open(const char *path, tn_file **out) TN_MUST_USE;
/* NULL is allowed. */
TN_API void tn_file_close(tn_file *file);
/* The number of bytes when FILE was opened. */
TN_API uint64_t tn_file_size(const tn_file *file);
/* SIZE bytes from OFFSET on; DATA_LOSS if the file ends before. */
TN_API tn_error *tn_file_read_at(tn_file *file, uint64_t offset, void *data, size_t size) TN_MUST_USE;
/* Some of SIZE bytes from OFFSET on; *GOT is 0 only at the end. */
TN_API tn_error *tn_file_read_some(tn_file *file, uint64_t offset, void *data, size_t size, size_t *got) TN_MUST_USE;
/* The whole file; free with free(). DATA gets a NUL behind its end. */
TN_API tn_error *tn_file_read(const char *path, char **data, size_t *size) TN_MUST_USE;

/* How a file is written. */
typedef enum tn_write_mode {
  TN_WRITE_WHOLE,  /* nobody sees it, and what has its name stays, until it is committed */
  TN_WRITE_NEW,    /* ALREADY_EXISTS where there is something; a flush shows what was written so far */
  TN_WRITE_APPEND, /* behind what is there; a flush shows what was written so far */
  TN_WRITE_OVER    /* instead of what is there; a flush shows what was written so far */
} tn_write_mode;

/* A file being written. */
typedef struct tn_file_writer tn_file_writer;
/* Begins to write PATH, whose folder has to be there on file systems that have folders. */
TN_API tn_error *tn_file_begin(const char *path, tn_write_mode mode, tn_file_writer **out) TN_MUST_USE;
/* Adds SIZE bytes. */
TN_API tn_error *tn_file_write(tn_file_writer *writer, const void *data, size_t size) TN_MUST_USE;
/* The number of bytes that were added. */
TN_API uint64_t tn_file_written(const tn_file_writer *writer);
/* Puts what was written so far where it is safe (the disk, the other machine): after this, little can make a commit
 * fail. Readers see it in all modes but TN_WRITE_WHOLE. */
TN_API tn_error *tn_file_flush(tn_file_writer *writer) TN_MUST_USE;
/* Ends and frees WRITER in any case; on an error of TN_WRITE_WHOLE the path is as it was. */
TN_API tn_error *tn_file_commit(tn_file_writer *writer) TN_MUST_USE;
/* Throws away what was written and not shown; NULL is allowed. */
TN_API void tn_file_abandon(tn_file_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
