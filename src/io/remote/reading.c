/* Remote files being read. */
#include "io/remote/reading.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "io/remote/http.h"

/* What is read in order is fetched ahead in pieces that grow. */
enum { FIRST_PIECE = 256 << 10, LARGEST_PIECE = 8 << 20 };

tn_error *tn_remote_begin(tn_remote_file *file) {
  file->next = FIRST_PIECE;
  return pthread_mutex_init(&file->lock, NULL) ? tn_out_of_memory() : NULL;
}

void tn_remote_end(tn_remote_file *file) {
  pthread_mutex_destroy(&file->lock);
  tn_free(file->window);
}

/* All SIZE bytes from OFFSET on. A transfer that breaks off is resumed where it did. */
static tn_error *fetch_all(tn_remote_file *file, uint64_t offset, char *to, size_t size) {
  tn_retry retry = {0};
  tn_fetch piece = {.offset = offset, .to = to, .size = size};
  while (piece.size) {
    piece.got = 0;
    tn_error *error = file->fetch(file, &piece);
    if (piece.got) retry = (tn_retry){0};
    piece.to += piece.got;
    piece.offset += piece.got;
    piece.size -= piece.got;
    if (error && !piece.size) tn_error_free(error);
    if (error && piece.size && !tn_retry_after(&retry, &error)) return error;
  }
  return NULL;
}

/* Shows CHECK what it has not seen, if it follows what it has. */
static tn_error *check(tn_remote_file *file, uint64_t offset, const char *data, size_t size) {
  if (!file->check || offset > file->checked || offset + size <= file->checked) return NULL;
  size_t known = (size_t)(file->checked - offset);
  TN_TRY(file->check(file, data + known, size - known));
  file->checked = offset + size;
  return file->checked == file->base.size ? file->check(file, NULL, 0) : NULL;
}

static tn_error *fill(tn_remote_file *file, uint64_t offset) {
  uint64_t left = file->base.size - offset;
  bool goes_on = offset == file->begin + file->size;
  file->next = goes_on && file->next < LARGEST_PIECE ? 2 * file->next : goes_on ? file->next : FIRST_PIECE;
  size_t size = left < file->next ? (size_t)left : file->next;
  if (size > file->room) {
    char *window = tn_realloc(file->window, size);
    if (!window) return tn_out_of_memory();
    file->window = window;
    file->room = size;
  }
  file->size = 0;
  TN_TRY(fetch_all(file, offset, file->window, size));
  file->begin = offset;
  file->size = size;
  return check(file, offset, file->window, size);
}

tn_error *tn_remote_read(tn_file *base, uint64_t offset, void *data, size_t size, size_t *got) {
  tn_remote_file *file = (tn_remote_file *)base;
  *got = 0;
  if (offset >= base->size || !size) return NULL;
  if (size > base->size - offset) size = (size_t)(base->size - offset);
  tn_lock(&file->lock);
  bool there = offset >= file->begin && offset - file->begin < file->size;
  if (!there && size >= LARGEST_PIECE) { /* as large as the window, which others may use meanwhile */
    tn_unlock(&file->lock);
    TN_TRY(fetch_all(file, offset, data, size));
    tn_lock(&file->lock);
    tn_error *error = check(file, offset, data, size);
    tn_unlock(&file->lock);
    if (!error) *got = size;
    return error;
  }
  tn_error *error = there ? NULL : fill(file, offset);
  if (!error) {
    size_t from = (size_t)(offset - file->begin), left = file->size - from;
    *got = size < left ? size : left;
    memcpy(data, file->window + from, *got);
  }
  tn_unlock(&file->lock);
  return error;
}
