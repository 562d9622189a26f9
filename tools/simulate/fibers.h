/* Threads as fibers of one thread under a clock of their own: the linker gives every pthread function of the library to
 * fibers.c (--wrap), so that masters, workers and executors run unchanged. Time passes only when all of them wait. */
#ifndef SIMULATE_FIBERS_H
#define SIMULATE_FIBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs FN(ARGUMENT) as the first fiber, until it returns; what others still do is left. */
void sim_run(void (*fn)(void *argument), void *argument);
int64_t sim_now(void); /* nanoseconds since sim_run */
void sim_sleep(int64_t ns);
/* Computes for NS on a core. All fibers share CORES (cores.h); with 0, the default, there are as many as they need. */
void sim_work(int64_t ns);
void sim_share_cores(int cores);

/* What the current fiber runs as: inherited by those that it starts. NULL at first. */
void sim_set_process(void *process);
void *sim_process(void);

/* FN(ARGUMENT) at AT_NS, between fibers: it may wake some, but must not wait. */
typedef struct sim_event sim_event;
sim_event *sim_at(int64_t at_ns, void (*fn)(void *argument), void *argument);
/* True: it has not happened and will not. Not for events that happened long ago: they are freed when they happen. */
void sim_forget(sim_event *event);

/* A fiber that runs what is posted to it, one after the other. */
typedef struct sim_queue sim_queue;
sim_queue *sim_queue_new(void);
void sim_post(sim_queue *queue, void (*fn)(void *argument), void *argument);

/* Fibers that there are now and were at once, and bytes of stacks. */
typedef struct sim_counts {
  size_t fibers, most_fibers, switches, events;
} sim_counts;
sim_counts sim_count(void);

#endif
