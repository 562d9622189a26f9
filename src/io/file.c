/* Files of any file system: what all of them have in common. */
#include "io/file.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "io/fs.h"

tn_error *tn_file_error(int number, const char *what, const char *path) {
  tn_code code;
  switch (number) {
  case ENOENT: code = TN_NOT_FOUND; break;
  case EEXIST: code = TN_ALREADY_EXISTS; break;
  case EACCES:
  case EPERM:
  case EROFS: code = TN_PERMISSION_DENIED; break;
  case ENOSPC:
  case EDQUOT:
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case EFBIG: code = TN_RESOURCE_EXHAUSTED; break;
  case EISDIR:
  case ENOTDIR:
  case ENOTEMPTY: code = TN_FAILED_PRECONDITION; break;
  case EINVAL:
  case ENAMETOOLONG: code = TN_INVALID_ARGUMENT; break;
  default: code = TN_UNKNOWN; break;
  }
  char reason[128];
  return tn_errorf(code, "%s '%s': %s", what, path, strerror_r(number, reason, sizeof reason));
}

bool tn_file_exists(const char *path) {
  tn_file_info info;
  tn_error *error = tn_path_stat(path, &info);
  tn_error_free(error);
  return !error;
}

/* --- reading --- */

tn_error *tn_file_open(const char *path, tn_file **out) {
  const tn_fs *fs;
  tn_file *file;
  TN_TRY(tn_fs_find(path, &fs));
  TN_TRY(fs->open(path, &file));
  file->path = tn_strdup(path);
  if (!file->path) {
    fs->close(file);
    return tn_out_of_memory();
  }
  *out = file;
  return NULL;
}

void tn_file_close(tn_file *file) {
  if (!file) return;
  tn_free(file->path);
  file->fs->close(file);
}

uint64_t tn_file_size(const tn_file *file) { return file->size; }

tn_error *tn_file_read_some(tn_file *file, uint64_t offset, void *data, size_t size, size_t *got) {
  return file->fs->read(file, offset, data, size, got);
}

tn_error *tn_file_read_at(tn_file *file, uint64_t offset, void *data, size_t size) {
  char *to = data;
  while (size) {
    size_t n = 0;
    TN_TRY(file->fs->read(file, offset, to, size, &n));
    if (!n)
      return tn_errorf(TN_DATA_LOSS, "'%s' ends at byte %llu, %zu bytes short", file->path, (unsigned long long)offset,
                       size);
    to += n;
    size -= n;
    offset += n;
  }
  return NULL;
}

tn_error *tn_file_read(const char *path, char **data, size_t *size) {
  tn_file *file;
  TN_TRY(tn_file_open(path, &file));
  char *bytes = file->size < SIZE_MAX ? tn_malloc((size_t)file->size + 1) : NULL;
  tn_error *error = bytes ? tn_file_read_at(file, 0, bytes, (size_t)file->size) : tn_out_of_memory();
  if (error) {
    tn_free(bytes);
  } else {
    bytes[file->size] = 0;
    *data = bytes;
    *size = (size_t)file->size;
  }
  tn_file_close(file);
  return error;
}

/* --- writing --- */

tn_error *tn_file_begin(const char *path, tn_write_mode mode, tn_file_writer **out) {
  const tn_fs *fs;
  tn_file_writer *writer;
  TN_TRY(tn_fs_find(path, &fs));
  TN_TRY(fs->create(path, mode, &writer));
  writer->path = tn_strdup(path);
  if (!writer->path) {
    fs->abandon(writer);
    return tn_out_of_memory();
  }
  *out = writer;
  return NULL;
}

tn_error *tn_file_create(const char *path, tn_file_writer **out) { return tn_file_begin(path, TN_WRITE_WHOLE, out); }

tn_error *tn_file_write(tn_file_writer *writer, const void *data, size_t size) {
  tn_error *error = writer->fs->write(writer, data, size);
  writer->failed |= error != NULL;
  if (!error) writer->written += size;
  return error;
}

uint64_t tn_file_written(const tn_file_writer *writer) { return writer->written; }

tn_error *tn_file_flush(tn_file_writer *writer) {
  tn_error *error = writer->fs->flush(writer);
  writer->failed |= error != NULL;
  return error;
}

tn_error *tn_file_commit(tn_file_writer *writer) {
  char *path = writer->path;
  tn_error *error = NULL;
  if (writer->failed) {
    error = tn_errorf(TN_FAILED_PRECONDITION, "'%s': a part of it could not be written", path);
    writer->fs->abandon(writer);
  } else {
    error = writer->fs->commit(writer);
  }
  tn_free(path);
  return error;
}

void tn_file_abandon(tn_file_writer *writer) {
  if (!writer) return;
  char *path = writer->path;
  writer->fs->abandon(writer);
  tn_free(path);
}

tn_error *tn_file_replace(const char *path, const void *data, size_t size) {
  tn_file_writer *w;
  TN_TRY(tn_file_create(path, &w));
  tn_error *error = tn_file_write(w, data, size);
  if (!error) return tn_file_commit(w);
  tn_file_abandon(w);
  return error;
}
