/* Large blocks that were freed and wait for somebody who asks for as much: the system would have to clear their pages
 * again. Never waits: where another thread is at it, nothing is kept or taken. */
#ifndef TN_BASE_KEPT_H
#define TN_BASE_KEPT_H

#include <stdbool.h>
#include <stddef.h>

/* Blocks of fewer bytes are left to malloc. */
#define TN_KEPT_LEAST ((size_t)128 << 10)

/* A block that was given as one of SIZE bytes; NULL if there is none. */
void *tn_kept_take(size_t size);
/* Keeps MEMORY, from malloc's family; false: the caller frees it. At most MOST bytes are kept in all. */
bool tn_kept_give(void *memory, size_t size, size_t most);
/* Frees all that is kept. */
void tn_kept_clear(void);

#endif
