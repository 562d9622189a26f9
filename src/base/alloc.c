/* Counted allocation, the memory limit and arenas. */
#include "base/alloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/kept.h"

__thread tn_thread_counts tn_counts;

void *tn_malloc(size_t size) {
  tn_counts.allocations++;
  return malloc(size ? size : 1);
}

void *tn_calloc(size_t n, size_t size) {
  tn_counts.allocations++;
  return calloc(n ? n : 1, size ? size : 1);
}

void *tn_realloc(void *old, size_t size) {
  tn_counts.allocations++;
  return realloc(old, size ? size : 1);
}

char *tn_strndup(const char *text, size_t size) {
  char *copy = tn_malloc(size + 1);
  if (!copy) return NULL;
  if (size) memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

char *tn_strdup(const char *text) { return tn_strndup(text, strlen(text)); }

void tn_free(void *memory) { free(memory); }

/* --- the memory limit --- */

static atomic_size_t used, limit;
static pthread_once_t limit_once = PTHREAD_ONCE_INIT;

/* The number in the file PATH, SIZE_MAX if there is none ("max"). */
static size_t read_limit_file(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) return SIZE_MAX;
  unsigned long long value;
  size_t result = fscanf(file, "%llu", &value) == 1 ? (size_t)value : SIZE_MAX;
  fclose(file);
  return result;
}

size_t tn_parse_size(const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || !(value > 0)) return 0;
  switch (*end) {
  case 'k':
  case 'K':
    value *= 1 << 10;
    end++;
    break;
  case 'm':
  case 'M':
    value *= 1 << 20;
    end++;
    break;
  case 'g':
  case 'G':
    value *= 1 << 30;
    end++;
    break;
  default: break;
  }
  if (*end == 'i') end++;
  if (*end == 'B') end++;
  return *end || value >= 9e18 ? 0 : (size_t)value;
}

static void find_limit(void) {
  const char *wanted = getenv("TENON_MEMORY_LIMIT");
  size_t value = wanted ? tn_parse_size(wanted) : 0;
  if (!value) {
    if (wanted && *wanted)
      fprintf(stderr, "tenon: TENON_MEMORY_LIMIT=%s is not a size such as 512M or 2G; ignored\n", wanted);
    value = read_limit_file("/sys/fs/cgroup/memory.max");
    size_t v1 = read_limit_file("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    if (v1 < value) value = v1;
  }
  atomic_store(&limit, value);
}

size_t tn_memory_used(void) { return atomic_load(&used); }

size_t tn_memory_limit(void) {
  pthread_once(&limit_once, find_limit);
  return atomic_load(&limit);
}

void tn_set_memory_limit(size_t bytes) {
  pthread_once(&limit_once, find_limit);
  atomic_store(&limit, bytes);
}

/* A page in one piece spares translations, and spreads evenly over the sets of a cache. */
enum { HUGE = 2 << 20, ALMOST_HUGE = HUGE / 8 * 5, KEPT_MOST = 64 << 20, STEP = 32 << 10 };

/* What is really taken for SIZE bytes: large blocks come in steps, so that one fits the next that is about as large. */
static size_t block_size(size_t size) {
  if (size >= ALMOST_HUGE) return size > HUGE ? (size + STEP - 1) / STEP * STEP : HUGE;
  return size < TN_KEPT_LEAST ? size : (size + STEP - 1) / STEP * STEP;
}

/* Aligned to 64 bytes at least; NULL: no memory. */
static void *new_block(size_t size) {
  const size_t taken = block_size(size), alignment = size >= ALMOST_HUGE ? HUGE : 64;
  void *memory = tn_kept_take(taken);
  if (memory) return memory;
  if (posix_memalign(&memory, alignment, taken ? taken : 1)) {
    tn_kept_clear();
    if (posix_memalign(&memory, alignment, taken ? taken : 1)) return NULL;
  }
  if (alignment == HUGE) (void)madvise(memory, taken, MADV_HUGEPAGE);
  return memory;
}

tn_error *tn_alloc_aligned(size_t size, void **out) {
  tn_counts.allocations++;
  size_t allowed = tn_memory_limit();
  size_t before = atomic_fetch_add(&used, size);
  if (size > allowed || before > allowed - size) {
    atomic_fetch_sub(&used, size);
    return tn_errorf(TN_RESOURCE_EXHAUSTED,
                     "%zu bytes asked for with %zu in use would pass the memory limit of %zu bytes", size, before,
                     allowed);
  }
  void *memory = size > SIZE_MAX - HUGE ? NULL : new_block(size);
  if (!memory) {
    atomic_fetch_sub(&used, size);
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "out of memory: %zu bytes asked for, %zu in use", size, before);
  }
  *out = memory;
  return NULL;
}

void tn_free_aligned(void *memory, size_t size) {
  if (!memory) return;
  atomic_fetch_sub(&used, size);
  const size_t share = tn_memory_limit() / 16;
  if (!tn_kept_give(memory, block_size(size), share < KEPT_MOST ? share : KEPT_MOST)) free(memory);
}

/* --- arenas --- */

typedef struct block {
  struct block *next;
  size_t size, used;
  _Alignas(16) char data[];
} block;

struct tn_arena {
  block *blocks;
  size_t size; /* of all blocks */
};

/* Blocks grow with the arena, so that few are half empty. The least is one that malloc keeps at hand. */
static const size_t LEAST_BLOCK = 960, MOST_BLOCK = (size_t)1 << 20;

tn_error *tn_arena_new(tn_arena **out) {
  tn_arena *arena = tn_calloc(1, sizeof *arena);
  if (!arena) return tn_out_of_memory();
  *out = arena;
  return NULL;
}

void tn_arena_free(tn_arena *arena) {
  if (!arena) return;
  for (block *b = arena->blocks; b;) {
    block *next = b->next;
    tn_free(b);
    b = next;
  }
  tn_free(arena);
}

void *tn_arena_alloc(tn_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  size = (size + 15) & ~(size_t)15;
  block *b = arena->blocks;
  if (!b || b->size - b->used < size) {
    size_t wanted = arena->size / 2 < MOST_BLOCK ? arena->size / 2 & ~(size_t)15 : MOST_BLOCK;
    if (wanted < LEAST_BLOCK) wanted = LEAST_BLOCK;
    if (wanted < size) wanted = size;
    b = tn_malloc(sizeof *b + wanted);
    if (!b) return NULL;
    *b = (block){.next = arena->blocks, .size = wanted};
    arena->blocks = b;
    arena->size += wanted;
  }
  void *memory = b->data + b->used;
  b->used += size;
  return memset(memory, 0, size);
}

char *tn_arena_strndup(tn_arena *arena, const char *text, size_t size) {
  char *copy = tn_arena_alloc(arena, size + 1);
  if (copy && size) memcpy(copy, text, size);
  return copy;
}

char *tn_arena_strdup(tn_arena *arena, const char *text) { return tn_arena_strndup(arena, text, strlen(text)); }

void *tn_arena_room(tn_arena *arena, void *array, size_t n, size_t *capacity, size_t size) {
  if (n < *capacity) return array;
  size_t larger = *capacity ? 2 * *capacity : 4;
  void *copy = tn_arena_alloc(arena, larger * size);
  if (!copy) return NULL;
  if (n > 0) memcpy(copy, array, n * size);
  *capacity = larger;
  return copy;
}
