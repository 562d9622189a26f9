/* File systems: what lies behind a path. "scheme://..." names one of those in io/remote; all else is local. */
#ifndef TN_IO_FS_H
#define TN_IO_FS_H

#include <tenon/file.h>

typedef struct tn_fs tn_fs;

/* What every open file begins with; a file system's own fields follow. */
struct tn_file {
  const tn_fs *fs;
  char *path;
  uint64_t size; /* when it was opened */
};
struct tn_file_writer {
  const tn_fs *fs;
  char *path;
  uint64_t written; /* by this writer */
  bool failed;      /* something was not written: there is nothing to commit */
};

/* Functions on paths get them as the caller wrote them. Those that read may be called from any thread; each writer
 * belongs to one thread at a time. PATH of the made objects is filled in by whoever calls. */
struct tn_fs {
  const char *const *schemes; /* NULL at the end; "" is the local one */
  tn_error *(*open)(const char *path, tn_file **out);
  void (*close)(tn_file *file); /* not PATH */
  /* Some of SIZE bytes from OFFSET on, at least one; *GOT is 0 at the end of the file. */
  tn_error *(*read)(tn_file *file, uint64_t offset, void *data, size_t size, size_t *got);
  tn_error *(*create)(const char *path, tn_write_mode mode, tn_file_writer **out);
  tn_error *(*write)(tn_file_writer *writer, const void *data, size_t size);
  tn_error *(*flush)(tn_file_writer *writer);
  tn_error *(*commit)(tn_file_writer *writer); /* frees all but PATH, as does abandon */
  void (*abandon)(tn_file_writer *writer);
  tn_error *(*stat)(const char *path, tn_file_info *out);
  tn_error *(*list)(const char *path, tn_names *out);
  tn_error *(*remove)(const char *path);
  tn_error *(*remove_tree)(const char *path);
  tn_error *(*rename)(const char *from, const char *to);
  tn_error *(*make_folders)(const char *path);
  tn_error *(*glob)(const char *pattern, tn_names *out); /* NULL: by LIST */
};

/* The file system of PATH; UNIMPLEMENTED where it is none that we know. */
tn_error *tn_fs_find(const char *path, const tn_fs **out) TN_MUST_USE;

extern const tn_fs tn_fs_local, tn_fs_hdfs, tn_fs_s3;

/* Room for an object of a file system, with what all of them begin with. */
#define TN_FS_NEW(type, system) ((type *)tn_fs_new(sizeof(type), system))
void *tn_fs_new(size_t size, const tn_fs *fs);

#endif
