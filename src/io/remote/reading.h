/* Remote files being read: read ahead where they are read in order, and gone on with where a transfer breaks off. */
#ifndef TN_IO_REMOTE_READING_H
#define TN_IO_REMOTE_READING_H

#include <pthread.h>

#include "io/fs.h"
#include "io/remote/http.h"

/* Bytes of a file that are wanted. */
typedef struct tn_fetch {
  uint64_t offset;
  char *to;
  size_t size, got; /* GOT: those that came, also where it failed */
  tn_avoid avoid;
} tn_fetch;

typedef struct tn_remote_file tn_remote_file;
struct tn_remote_file {
  tn_file base;
  /* One try; may be called by several threads. UNAVAILABLE and DEADLINE_EXCEEDED are tried again. */
  tn_error *(*fetch)(tn_remote_file *file, tn_fetch *piece);
  /* Called with the bytes of the file in order, as long as they are read so, and with 0 of them at the end. */
  tn_error *(*check)(tn_remote_file *file, const char *data, size_t size);
  pthread_mutex_t lock; /* for what follows */
  char *window;
  uint64_t begin; /* of the window in the file */
  size_t size, room, next;
  uint64_t checked; /* bytes that CHECK has seen */
};

tn_error *tn_remote_begin(tn_remote_file *file) TN_MUST_USE;
void tn_remote_end(tn_remote_file *file);
/* The READ of a file system. */
tn_error *tn_remote_read(tn_file *file, uint64_t offset, void *data, size_t size, size_t *got) TN_MUST_USE;

#endif
