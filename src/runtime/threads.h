/* Threads of the executors: a cache of background threads, and the token for all cores. */
#ifndef TN_RUNTIME_THREADS_H
#define TN_RUNTIME_THREADS_H

#include <stdbool.h>
#include <tenon/error.h>

/* Runs FN(ARGUMENT) on a thread that nobody else waits for: an idle one, or a new one. RESOURCE_EXHAUSTED: no thread.
 */
tn_error *tn_background(void (*fn)(void *argument), void *argument) TN_MUST_USE;

/* One caller in the process at a time may use all cores: true if it is this one, who gives them back with
 * tn_cores_give. */
bool tn_cores_take(void);
void tn_cores_give(void);

#endif
