/* The cores of one machine that all fibers share, and who has them when: what Linux's fair scheduler (EEVDF, 6.6 and
 * later) does with threads of one priority. A queue for each core; a thread that has a core keeps it for a slice; who
 * has slept and had less than its share goes first; at a tick, a core without work takes a thread from another's queue,
 * unless that one ran there just now. (When a core has just lost its work, Linux looks for some at once only if it
 * tends to be without for long, as it is not between messages.) */
#ifndef SIMULATE_CORES_H
#define SIMULATE_CORES_H

#include <stdbool.h>
#include <stdint.h>

/* Facts of the kernel's: CONFIG_HZ 250, and for two to three cores twice its base slice of 0.7 ms; the time within
 * which a thread counts as warm in its core's cache. */
enum { CORE_TICK = 4000000, CORE_SLICE = 1400000, CORE_WARM = 500000 };

/* A thread as the cores see it; embedded in a fiber. All zero is a new one. */
typedef struct seat {
  struct seat *next; /* in the queue of its core */
  int64_t had;       /* what it has had of its core, on the core's own clock */
  int64_t due;       /* the end of its slice, on that clock */
  int64_t guarded;   /* until which it is not replaced */
  int64_t behind;    /* its share less what it has had, when it slept or moved */
  int64_t left;      /* nanoseconds that it still computes */
  int64_t ran;       /* when it last had a core */
  int core;
  bool has_core, in_queue;
} seat;

/* N of them (at most 64); RUN is called for a thread that has got a core and has nothing to compute. */
void cores_init(int n, void (*run)(seat *s));
/* S, which waited, is ready; WAKER is the thread that says so, or NULL: an interrupt. SOON: it does so by a message,
 * which Linux takes to mean that it waits itself soon. */
void cores_wake(seat *s, const seat *waker, bool soon);
/* S, which has a core, waits from now on. */
void cores_leave(seat *s);
/* S, which has a core, computes for NS; RUN is called at the end. */
void cores_work(seat *s, int64_t ns);
/* What they have worked in all, in nanoseconds. */
int64_t cores_busy(void);

#endif
