/* Parallel loops inside an op: the only place that knows the thread pool. */
#ifndef TN_BASE_PARALLEL_H
#define TN_BASE_PARALLEL_H

#include <stdint.h>

/* Runs FN(argument, i) for i in [0, n), on as many threads as the caller's limit allows; returns when all are done.
 * Nested calls run on one thread. What belongs to chunk i must not depend on the number of threads. FN must not fail.
 */
void tn_parallel(int64_t n, void (*fn)(void *argument, int64_t i), void *argument);
/* The same, each thread from its last chunk to its first: what an earlier loop used last is used first. */
void tn_parallel_backwards(int64_t n, void (*fn)(void *argument, int64_t i), void *argument);
/* The limit for tn_parallel calls of this thread (the executor sets it); at least 1. Returns the old one. */
int tn_parallel_set_threads(int threads);
int tn_parallel_threads(void);
/* Processors that this process may use: affinity mask and cgroup CPU limit. */
int tn_cpus(void);
/* A number of chunks for N elements with about GRAIN elements each, from the sizes alone (at most 64), >= 1. */
int64_t tn_chunks(int64_t n, int64_t grain);
/* The elements [*BEGIN, *END) of chunk I of CHUNKS over N elements, rounded to multiples of ALIGN. */
void tn_chunk(int64_t n, int64_t chunks, int64_t i, int64_t align, int64_t *begin, int64_t *end);

#endif
