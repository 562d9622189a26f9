/* Which process is which master, as a worker sees it: a master's task may be started anew, on another host even, while
 * the process that it replaces is only frozen or cut off. Not thread-safe. */
#ifndef TN_CLUSTER_MASTERS_H
#define TN_CLUSTER_MASTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/error.h>

typedef struct tn_masters tn_masters;
tn_error *tn_masters_new(tn_masters **out) TN_MUST_USE;
void tn_masters_free(tn_masters *masters); /* NULL is allowed */

/* The process INCARNATION calls as the task NAME. *REPLACES: it is new, and another was known. FAILED_PRECONDITION: it
 * was replaced before. */
tn_error *tn_masters_admit(tn_masters *masters, const char *name, uint64_t incarnation, bool *replaces) TN_MUST_USE;

#endif
