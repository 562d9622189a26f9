/* Waiting without a thread: a kernel that would have to wait stands in a line of the object instead, and its node runs
 * again when that has changed. */
#ifndef TN_KERNEL_WAIT_H
#define TN_KERNEL_WAIT_H

#include <pthread.h>
#include <stdbool.h>

/* One who waits; made, and freed, by whoever runs kernels. */
typedef struct tn_waiter {
  /* The object may have what is waited for: the kernel is to run again, with the same waiter. The object's lock is
   * held; called any number of times; must not block. */
  void (*wake)(struct tn_waiter *self);
  /* Set by the kernel when it returns waiting: leaves the line, and gives back STATE. WAKE is not called after it. */
  void (*leave)(struct tn_waiter *self);
  void *state; /* the kernel's; NULL: this is the first try */
} tn_waiter;

/* What became of a run that was given a waiter. Anything but DONE means: no error, no outputs. */
typedef enum tn_run_outcome {
  TN_RUN_DONE,
  TN_RUN_WAITS,       /* the waiter stands in line */
  TN_RUN_NEEDS_THREAD /* nothing was done: it has to be run without a waiter, and may block then */
} tn_run_outcome;

/* A line of an object, guarded by MUTEX. All zero but for that is an empty one. */
typedef struct tn_waiting {
  pthread_mutex_t *mutex;
  struct tn_place *first;
} tn_waiting;

/* With the lock held: W stands in LINE, once however often it is called. False: memory is out. */
bool tn_waiting_join(tn_waiting *line, tn_waiter *w);
/* With the lock held: W, if it stands in a line, leaves it. */
void tn_waiting_leave(tn_waiter *w);
/* With the lock held: all in LINE are woken, and stay in it. */
void tn_waiting_wake(const tn_waiting *line);

#endif
