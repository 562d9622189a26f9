/* Files of this machine. "file://" before a path is allowed. */
#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"

static const char *plain(const char *path) { return strncmp(path, "file://", 7) ? path : path + 7; }

/* --- reading --- */

typedef struct local_file {
  tn_file base;
  int fd;
  bool pipe; /* it can be read in order only */
  uint64_t at;
} local_file;

static tn_error *open_file(const char *path, tn_file **out) {
  int fd = open(plain(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return tn_file_error(errno, "opening", path);
  struct stat info;
  if (fstat(fd, &info) || S_ISDIR(info.st_mode)) {
    int number = S_ISDIR(info.st_mode) ? EISDIR : errno;
    close(fd);
    return tn_file_error(number, "opening", path);
  }
  local_file *file = TN_FS_NEW(local_file, &tn_fs_local);
  if (!file) {
    close(fd);
    return tn_out_of_memory();
  }
  file->fd = fd;
  file->pipe = !S_ISREG(info.st_mode) && lseek(fd, 0, SEEK_CUR) < 0;
  file->base.size = (uint64_t)info.st_size;
  *out = &file->base;
  return NULL;
}

static void close_file(tn_file *file) {
  close(((local_file *)file)->fd);
  tn_free(file);
}

static tn_error *read_file(tn_file *base, uint64_t offset, void *data, size_t size, size_t *got) {
  local_file *file = (local_file *)base;
  if (file->pipe && offset != file->at) return tn_file_error(ESPIPE, "seeking in", base->path);
  ssize_t n;
  do {
    n = file->pipe ? read(file->fd, data, size) : pread(file->fd, data, size, (off_t)offset);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return tn_file_error(errno, "reading", base->path);
  if (file->pipe) file->at += (size_t)n;
  *got = (size_t)n;
  return NULL;
}

/* --- writing --- */

enum { BUFFER = 1 << 16 };

typedef struct local_writer {
  tn_file_writer base;
  int fd;
  char *temporary; /* NULL: the file itself is written */
  size_t used;
  char buffer[BUFFER];
} local_writer;

static const int flags[] = {[TN_WRITE_WHOLE] = O_CREAT | O_TRUNC,
                            [TN_WRITE_NEW] = O_CREAT | O_EXCL | O_APPEND,
                            [TN_WRITE_APPEND] = O_CREAT | O_APPEND,
                            [TN_WRITE_OVER] = O_CREAT | O_TRUNC};

static void free_writer(local_writer *w) {
  if (w->fd >= 0) close(w->fd);
  tn_free(w->temporary);
  tn_free(w);
}

static tn_error *create(const char *path, tn_write_mode mode, tn_file_writer **out) {
  static atomic_uint counter;
  local_writer *w = tn_malloc(sizeof *w); /* not zeroed: the buffer is large */
  if (!w) return tn_out_of_memory();
  w->base = (tn_file_writer){.fs = &tn_fs_local};
  w->fd = -1;
  w->used = 0;
  w->temporary = NULL;
  tn_str name = {0};
  tn_str_add(&name, plain(path));
  if (mode == TN_WRITE_WHOLE) tn_str_addf(&name, ".tempstate%ld-%u", (long)getpid(), atomic_fetch_add(&counter, 1));
  tn_error *error = tn_str_take(&name, &w->temporary, NULL);
  if (!error) {
    w->fd = open(w->temporary, O_WRONLY | O_CLOEXEC | flags[mode], 0666);
    if (w->fd < 0) error = tn_file_error(errno, mode == TN_WRITE_WHOLE ? "creating" : "opening", path);
  }
  if (error) {
    free_writer(w);
    return error;
  }
  if (mode != TN_WRITE_WHOLE) {
    tn_free(w->temporary);
    w->temporary = NULL;
  }
  *out = &w->base;
  return NULL;
}

static tn_error *write_all(local_writer *w, const char *data, size_t size) {
  while (size) {
    ssize_t n = write(w->fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tn_file_error(errno, "writing", w->base.path);
    data += n;
    size -= (size_t)n;
  }
  return NULL;
}

static tn_error *empty_buffer(local_writer *w) {
  size_t used = w->used;
  w->used = 0;
  return write_all(w, w->buffer, used);
}

static tn_error *write_some(tn_file_writer *base, const void *data, size_t size) {
  local_writer *w = (local_writer *)base;
  if (size > BUFFER - w->used) TN_TRY(empty_buffer(w));
  if (size >= BUFFER) return write_all(w, data, size);
  if (size) memcpy(w->buffer + w->used, data, size);
  w->used += size;
  return NULL;
}

/* Makes the rename of PATH durable: its folder goes to the disk too. */
static tn_error *sync_folder(const char *path) {
  char *folder = tn_strdup(plain(path));
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

/* A file that is seen as it grows is a log: the disk gets it in its own time. */
static tn_error *flush(tn_file_writer *base) {
  local_writer *w = (local_writer *)base;
  TN_TRY(empty_buffer(w));
  return w->temporary && fsync(w->fd) ? tn_file_error(errno, "flushing", base->path) : NULL;
}

static tn_error *commit(tn_file_writer *base) {
  local_writer *w = (local_writer *)base;
  tn_error *error = flush(base);
  int fd = w->fd;
  w->fd = -1;
  if (close(fd) && !error) error = tn_file_error(errno, "closing", base->path);
  if (w->temporary) {
    if (!error && rename(w->temporary, plain(base->path))) error = tn_file_error(errno, "renaming into", base->path);
    if (error)
      unlink(w->temporary);
    else
      error = sync_folder(base->path);
  }
  free_writer(w);
  return error;
}

static void abandon(tn_file_writer *base) {
  local_writer *w = (local_writer *)base;
  if (w->temporary) unlink(w->temporary);
  free_writer(w);
}

/* --- paths --- */

static tn_error *stat_path(const char *path, tn_file_info *out) {
  struct stat info;
  if (stat(plain(path), &info)) return tn_file_error(errno, "looking at", path);
  bool folder = S_ISDIR(info.st_mode);
  *out = (tn_file_info){.size = folder ? 0 : (uint64_t)info.st_size,
                        .modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
                        .folder = folder};
  return NULL;
}

static tn_error *list(const char *path, tn_names *out) {
  DIR *folder = opendir(*plain(path) ? plain(path) : ".");
  if (!folder) return tn_file_error(errno, "listing", path);
  tn_error *error = NULL;
  for (struct dirent *e; !error && (e = readdir(folder));) {
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    struct stat info;
    bool below = e->d_type == DT_DIR;
    if (e->d_type == DT_LNK || e->d_type == DT_UNKNOWN)
      below = !fstatat(dirfd(folder), e->d_name, &info, 0) && S_ISDIR(info.st_mode);
    char name[sizeof e->d_name + 2];
    int size = snprintf(name, sizeof name, "%s%s", e->d_name, below ? "/" : "");
    error = tn_names_add(out, name, (size_t)size);
  }
  closedir(folder);
  return error;
}

static tn_error *remove_file(const char *path) {
  return unlink(plain(path)) ? tn_file_error(errno, "removing", path) : NULL;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  return remove(path);
}

static tn_error *remove_tree(const char *path) {
  int failed = nftw(plain(path), remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return failed ? tn_file_error(errno, "removing", path) : NULL;
}

static tn_error *rename_path(const char *from, const char *to) {
  return rename(plain(from), plain(to)) ? tn_file_error(errno, "renaming", from) : NULL;
}

static tn_error *make_folders(const char *path) {
  char *copy = tn_strdup(plain(path));
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

static tn_error *match(const char *pattern, tn_names *out) {
  glob_t found = {0};
  int failed = glob(plain(pattern), GLOB_NOSORT, NULL, &found);
  tn_error *error = failed == GLOB_NOSPACE ? tn_out_of_memory() : NULL;
  for (size_t i = 0; i < found.gl_pathc && !error; i++)
    error = tn_names_add(out, found.gl_pathv[i], strlen(found.gl_pathv[i]));
  globfree(&found);
  return error;
}

static const char *const schemes[] = {"", "file", NULL};

const tn_fs tn_fs_local = {.schemes = schemes,
                           .open = open_file,
                           .close = close_file,
                           .read = read_file,
                           .create = create,
                           .write = write_some,
                           .flush = flush,
                           .commit = commit,
                           .abandon = abandon,
                           .stat = stat_path,
                           .list = list,
                           .remove = remove_file,
                           .remove_tree = remove_tree,
                           .rename = rename_path,
                           .make_folders = make_folders,
                           .glob = match};
