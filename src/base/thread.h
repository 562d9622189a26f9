/* Locks (counted, so that tests can prove that a step takes none) and clocks. */
#ifndef TN_BASE_THREAD_H
#define TN_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/alloc.h"

static inline void tn_lock(pthread_mutex_t *mutex) {
  tn_counts.locks++;
  pthread_mutex_lock(mutex);
}
static inline void tn_unlock(pthread_mutex_t *mutex) { pthread_mutex_unlock(mutex); }

/* Monotonic time and wall-clock time in nanoseconds. */
int64_t tn_now_ns(void);
int64_t tn_wall_ns(void);

#endif
