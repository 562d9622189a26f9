/* An event loop on a thread of its own: tasks from other threads, timers, file descriptors. A transport has one.
 * Now and then another thread stands in for it (tn_loop_flush); never do two run at once. */
#ifndef TN_CLUSTER_LOOP_H
#define TN_CLUSTER_LOOP_H

#include "cluster/rpc.h"

typedef struct tn_loop tn_loop;

/* Embed it in what the task is about; RUN may free that. */
typedef struct tn_task {
  struct tn_task *next;
  void (*run)(struct tn_task *task);
} tn_task;

/* A file descriptor that is watched; embed it. EVENTS are epoll's. */
typedef struct tn_watch {
  int fd;
  void (*ready)(struct tn_watch *watch, uint32_t events);
} tn_watch;

/* Starts the thread; NAME is what debuggers show (at most 15 characters). */
tn_error *tn_loop_new(const char *name, tn_loop **out) TN_MUST_USE;
tn_loop *tn_loop_ref(tn_loop *loop);
void tn_loop_unref(tn_loop *loop);
/* Runs what was posted, then ends the thread; once, not from it. */
void tn_loop_stop(tn_loop *loop);

/* Has TASK run on the loop's thread, in the order of posting; from any thread. False: the loop has stopped. */
bool tn_loop_post(tn_loop *loop, tn_task *task);
/* What this thread posts to LOOP from now on may rest until tn_loop_flush, which has to follow. */
void tn_loop_hold(tn_loop *loop);
/* Has what rests run now: on this thread, if the loop's own sleeps, which spares waking it. The caller holds no lock.
 */
void tn_loop_flush(tn_loop *loop);
/* Posts and waits until it has run; not from the loop's thread. */
bool tn_loop_call(tn_loop *loop, void (*fn)(void *argument), void *argument);
bool tn_loop_inside(const tn_loop *loop);
tn_clock *tn_loop_clock(tn_loop *loop);

/* On the loop's thread only. */
tn_error *tn_loop_watch(tn_loop *loop, tn_watch *watch, uint32_t events) TN_MUST_USE;
void tn_loop_rewatch(tn_loop *loop, tn_watch *watch, uint32_t events); /* other EVENTS */
void tn_loop_unwatch(tn_loop *loop, tn_watch *watch); /* READY is not called any more; the descriptor is the caller's */

#endif
