/* Files of the local file system. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

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

bool tn_file_exists(const char *path) { return access(path, F_OK) == 0; }

/* --- reading --- */

struct tn_file {
  int fd;
  uint64_t size;
  char *path;
};

tn_error *tn_file_open(const char *path, tn_file **out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return tn_file_error(errno, "opening", path);
  struct stat info;
  if (fstat(fd, &info) || S_ISDIR(info.st_mode)) {
    int number = S_ISDIR(info.st_mode) ? EISDIR : errno;
    close(fd);
    return tn_file_error(number, "opening", path);
  }
  tn_file *file = tn_malloc(sizeof *file);
  char *copy = tn_strdup(path);
  if (!file || !copy) {
    tn_free(file);
    tn_free(copy);
    close(fd);
    return tn_out_of_memory();
  }
  *file = (tn_file){fd, (uint64_t)info.st_size, copy};
  *out = file;
  return NULL;
}

void tn_file_close(tn_file *file) {
  if (!file) return;
  close(file->fd);
  tn_free(file->path);
  tn_free(file);
}

uint64_t tn_file_size(const tn_file *file) { return file->size; }

tn_error *tn_file_read_at(const tn_file *file, uint64_t offset, void *data, size_t size) {
  char *to = data;
  while (size) {
    ssize_t n = pread(file->fd, to, size, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tn_file_error(errno, "reading", file->path);
    if (!n)
      return tn_errorf(TN_DATA_LOSS, "'%s' ends at byte %llu, %zu bytes short", file->path, (unsigned long long)offset,
                       size);
    to += n;
    size -= (size_t)n;
    offset += (uint64_t)n;
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

tn_error *tn_make_folders(const char *path) {
  char *copy = tn_strdup(path);
  if (!copy) return tn_out_of_memory();
  tn_error *error = NULL;
  for (char *p = copy + 1; !error && *copy; p++) {
    if (*p && *p != '/') continue;
    char end = *p;
    *p = 0;
    if (mkdir(copy, 0777) && errno != EEXIST) error = tn_file_error(errno, "making the folder", copy);
    *p = end;
    if (!end) break;
  }
  struct stat info;
  if (!error && *copy && (stat(copy, &info) || !S_ISDIR(info.st_mode)))
    error = tn_file_error(ENOTDIR, "making the folder", copy);
  tn_free(copy);
  return error;
}

/* --- writing --- */

enum { BUFFER = 1 << 16 };

struct tn_file_writer {
  int fd;
  char *path, *temporary;
  uint64_t written;
  size_t used;
  char buffer[BUFFER];
};

static void free_writer(tn_file_writer *w) {
  if (w->fd >= 0) close(w->fd);
  tn_free(w->path);
  tn_free(w->temporary);
  tn_free(w);
}

tn_error *tn_file_create(const char *path, tn_file_writer **out) {
  static atomic_uint counter;
  tn_file_writer *w = tn_malloc(sizeof *w);
  if (!w) return tn_out_of_memory();
  w->fd = -1;
  w->written = w->used = 0;
  w->path = tn_strdup(path);
  size_t size = strlen(path) + 64;
  w->temporary = tn_malloc(size);
  tn_error *error = w->path && w->temporary ? NULL : tn_out_of_memory();
  if (!error) {
    snprintf(w->temporary, size, "%s.tempstate%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) error = tn_file_error(errno, "creating", path);
  }
  if (error) {
    free_writer(w);
    return error;
  }
  *out = w;
  return NULL;
}

static tn_error *write_all(tn_file_writer *w, const char *data, size_t size) {
  while (size) {
    ssize_t n = write(w->fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tn_file_error(errno, "writing", w->path);
    data += n;
    size -= (size_t)n;
  }
  return NULL;
}

static tn_error *flush(tn_file_writer *w) {
  size_t used = w->used;
  w->used = 0;
  return write_all(w, w->buffer, used);
}

tn_error *tn_file_write(tn_file_writer *w, const void *data, size_t size) {
  if (size > BUFFER - w->used) TN_TRY(flush(w));
  if (size >= BUFFER) {
    TN_TRY(write_all(w, data, size));
  } else if (size) {
    memcpy(w->buffer + w->used, data, size);
    w->used += size;
  }
  w->written += size;
  return NULL;
}

uint64_t tn_file_written(const tn_file_writer *writer) { return writer->written; }

/* Makes the rename of PATH durable: its folder goes to the disk too. */
static tn_error *sync_folder(const char *path) {
  char *folder = tn_strdup(path);
  if (!folder) return tn_out_of_memory();
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  tn_error *error = NULL;
  if (fd < 0 || (fsync(fd) && errno != EINVAL)) error = tn_file_error(errno, "flushing the folder of", path);
  if (fd >= 0) close(fd);
  tn_free(folder);
  return error;
}

tn_error *tn_file_flush(tn_file_writer *w) {
  TN_TRY(flush(w));
  return fsync(w->fd) ? tn_file_error(errno, "flushing", w->path) : NULL;
}

tn_error *tn_file_commit(tn_file_writer *w) {
  tn_error *error = tn_file_flush(w);
  int fd = w->fd;
  w->fd = -1;
  if (close(fd) && !error) error = tn_file_error(errno, "closing", w->path);
  if (!error && rename(w->temporary, w->path)) error = tn_file_error(errno, "renaming into", w->path);
  if (error) {
    unlink(w->temporary);
  } else {
    error = sync_folder(w->path);
  }
  free_writer(w);
  return error;
}

void tn_file_abandon(tn_file_writer *w) {
  if (!w) return;
  unlink(w->temporary);
  free_writer(w);
}

tn_error *tn_file_replace(const char *path, const void *data, size_t size) {
  tn_file_writer *w;
  TN_TRY(tn_file_create(path, &w));
  tn_error *error = tn_file_write(w, data, size);
  if (!error) return tn_file_commit(w);
  tn_file_abandon(w);
  return error;
}
