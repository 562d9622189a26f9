/* The workloads of `tenon bench`: the same graphs as those of the peers in bench/peers. */
#ifndef TN_CLI_BENCH_H
#define TN_CLI_BENCH_H

#include "graph/build.h"

/* A graph to be timed: what is fed, fetched and run. */
typedef struct bench_step {
  tn_graph *graph;
  tn_scope scope;
  int n_feeds;
  tn_output feeds[2];
  tn_tensor *values[2];
  tn_output fetch; /* the loss, or what is computed */
  int n_inits, n_trains;
  tn_node *inits[16], *trains[16];
} bench_step;

typedef struct bench_work {
  const char *name, *unit;
  int runs, warmup; /* steps of one timed run, and before the first */
  double units;     /* per step; 0: the figure is microseconds a step */
  void (*build)(bench_step *step);
} bench_work;

extern const bench_work bench_works[]; /* ends with a NULL name */

#endif
