/* Memory: every allocation of the library goes through here, so that it can be counted and limited. */
#ifndef TN_BASE_ALLOC_H
#define TN_BASE_ALLOC_H

#include <tenon/error.h>

#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc, strdup: NULL when memory is out. Free with tn_free (or free()). */
void *tn_malloc(size_t size) __attribute__((malloc));
void *tn_calloc(size_t n, size_t size) __attribute__((malloc));
void *tn_realloc(void *old, size_t size);
char *tn_strdup(const char *text);
char *tn_strndup(const char *text, size_t size);
void tn_free(void *memory);

/* SIZE bytes aligned to 64 (huge pages where they pay), charged to the memory limit: RESOURCE_EXHAUSTED over it.
 * Give back with tn_free_aligned and the same size. */
tn_error *tn_alloc_aligned(size_t size, void **out) TN_MUST_USE;
void tn_free_aligned(void *memory, size_t size);
/* Bytes charged now; the limit (TENON_MEMORY_LIMIT, else the cgroup's, else SIZE_MAX); sets another (tests, options).
 */
size_t tn_memory_used(void);
size_t tn_memory_limit(void);
void tn_set_memory_limit(size_t bytes);
/* "512M", "2G", "1000": bytes; 0 if it is no size. */
size_t tn_parse_size(const char *text);

/* The static error for "no memory". */
tn_error *tn_out_of_memory(void) __attribute__((returns_nonnull));

/* Counts of the calling thread. */
typedef struct tn_thread_counts {
  uint64_t allocations, locks, lookups;
} tn_thread_counts;
extern __thread tn_thread_counts tn_counts;

/* An arena: memory that is freed all at once. */
typedef struct tn_arena tn_arena;
tn_error *tn_arena_new(tn_arena **out) TN_MUST_USE;
void tn_arena_free(tn_arena *arena);
/* SIZE zeroed bytes aligned to 16; NULL when memory is out. */
void *tn_arena_alloc(tn_arena *arena, size_t size);
char *tn_arena_strndup(tn_arena *arena, const char *text, size_t size);
char *tn_arena_strdup(tn_arena *arena, const char *text);
/* ARRAY with room for one more of SIZE bytes, in ARENA; NULL without memory. */
void *tn_arena_room(tn_arena *arena, void *array, size_t n, size_t *capacity, size_t size);

#endif
