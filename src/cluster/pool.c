/* Blocks of memory that wait for the next large message. */
#include "cluster/pool.h"

#include "base/thread.h"

enum { LEAST = 1 << 20, SLOTS = 16 };
static const size_t MOST_BYTES = (size_t)512 << 20;
static const int64_t IDLE_NS = (int64_t)5 * 1000000000;

/* A block: in a slot, or as the argument of a buffer's release. */
typedef struct block {
  tn_pool *pool;
  void *memory;
  size_t size;
  int64_t since_ns;
} block;

struct tn_pool {
  pthread_mutex_t mutex;
  int refs; /* its owner's, and one for each block in use */
  bool closed;
  block *slots[SLOTS];
  int n;
  size_t bytes;
};

static void free_block(block *b) {
  tn_free_aligned(b->memory, b->size);
  tn_free(b);
}

/* Under the lock. */
static block *remove_slot(tn_pool *p, int i) {
  block *b = p->slots[i];
  p->slots[i] = p->slots[--p->n];
  p->bytes -= b->size;
  return b;
}

/* Takes blocks that have waited since BEFORE or longer out of the slots; how many. */
static int take_old(tn_pool *p, int64_t before, block *old[SLOTS]) {
  int n = 0;
  tn_lock(&p->mutex);
  for (int i = p->n - 1; i >= 0; i--)
    if (p->slots[i]->since_ns <= before) old[n++] = remove_slot(p, i);
  tn_unlock(&p->mutex);
  return n;
}

static void free_old(tn_pool *p, int64_t before) {
  block *old[SLOTS];
  for (int n = take_old(p, before, old); n > 0;) free_block(old[--n]);
}

/* Drops a reference; under the lock, which it gives back. */
static void unref_locked(tn_pool *p) {
  bool last = !--p->refs;
  tn_unlock(&p->mutex);
  if (!last) return;
  pthread_mutex_destroy(&p->mutex);
  tn_free(p);
}

static void release(void *data, void *argument) {
  (void)data;
  block *b = argument;
  tn_pool *p = b->pool;
  size_t most = tn_memory_limit() / 16 < MOST_BYTES ? tn_memory_limit() / 16 : MOST_BYTES;
  b->since_ns = tn_now_ns();
  tn_lock(&p->mutex);
  bool keeps = !p->closed && p->n < SLOTS && p->bytes + b->size <= most;
  if (keeps) {
    p->slots[p->n++] = b;
    p->bytes += b->size;
  }
  unref_locked(p);
  if (!keeps) free_block(b);
}

/* The smallest block that SIZE fits into without much waste; NULL: none. */
static block *find(tn_pool *p, size_t size) {
  int best = -1;
  tn_lock(&p->mutex);
  for (int i = 0; i < p->n; i++)
    if (p->slots[i]->size >= size && p->slots[i]->size / 2 <= size &&
        (best < 0 || p->slots[i]->size < p->slots[best]->size))
      best = i;
  block *b = best < 0 ? NULL : remove_slot(p, best);
  if (b) p->refs++;
  tn_unlock(&p->mutex);
  return b;
}

static tn_error *new_block(tn_pool *p, size_t size, block **out) {
  size_t step = LEAST / 8;
  while (step < size / 16) step *= 2;
  block *b = tn_malloc(sizeof *b);
  if (!b) return tn_out_of_memory();
  *b = (block){.pool = p, .size = (size + step - 1) / step * step};
  tn_error *error = tn_alloc_aligned(b->size, &b->memory);
  if (error) {
    /* What waits here may be what is missing. */
    tn_error_free(error);
    free_old(p, INT64_MAX);
    error = tn_alloc_aligned(b->size, &b->memory);
  }
  if (error) {
    tn_free(b);
    return error;
  }
  tn_lock(&p->mutex);
  p->refs++;
  tn_unlock(&p->mutex);
  *out = b;
  return NULL;
}

tn_error *tn_pool_buffer(tn_pool *p, size_t size, tn_buffer **out) {
  if (!p || size < LEAST) return tn_buffer_new(TN_UINT8, size, out);
  tn_buffer *buffer = tn_malloc(sizeof *buffer);
  if (!buffer) return tn_out_of_memory();
  block *b = find(p, size);
  tn_error *error = b ? NULL : new_block(p, size, &b);
  if (error) {
    tn_free(buffer);
    return error;
  }
  *buffer = (tn_buffer){
      .refs = 1, .dtype = TN_UINT8, .size = size, .data = b->memory, .release = release, .argument = b, .fixed = true};
  *out = buffer;
  return NULL;
}

void tn_pool_tidy(tn_pool *p) { free_old(p, tn_now_ns() - IDLE_NS); }

tn_error *tn_pool_new(tn_pool **out) {
  tn_pool *p = tn_calloc(1, sizeof *p);
  if (!p) return tn_out_of_memory();
  pthread_mutex_init(&p->mutex, NULL);
  p->refs = 1;
  *out = p;
  return NULL;
}

void tn_pool_free(tn_pool *p) {
  if (!p) return;
  tn_lock(&p->mutex);
  p->closed = true;
  tn_unlock(&p->mutex);
  free_old(p, INT64_MAX);
  tn_lock(&p->mutex);
  unref_locked(p);
}
