/* The training job that is simulated, and that runs for real to see whether the simulation is right: parameter servers,
 * workers, and a computation that only takes time. It is an ordinary program over the public API. */
#ifndef SIMULATE_JOB_H
#define SIMULATE_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/tenon.h>

typedef struct job {
  const char *cluster; /* "ps=...;worker=..." */
  int n_ps, n_workers;
  bool sync;
  int backups;       /* synchronous: so many of the workers are not waited for */
  int64_t steps;     /* global steps that are measured; asynchronous: for each worker */
  int64_t warm;      /* and before that, the same */
  int64_t elements;  /* float32 of each parameter server's variable */
  double compute_ms; /* the median time of a step's computation */
  double spread;     /* of its logarithm: a normal distribution */
  double slow_share; /* steps that take SLOW_TIMES as long, wherever they fall */
  double slow_times;
  uint64_t seed;
  void (*work_s)(double s); /* computes for so long */
  volatile bool *ended;     /* by the chief, for tasks of one process; NULL: in processes of their own */
} job;

typedef struct job_result {
  double start_s;      /* from the start of the task to the end of its first step */
  double steps_s;      /* global steps in a second, as the chief saw it */
  double compute_s;    /* the mean time of this worker's computation */
  double from_s, to_s; /* when the measured steps began and ended, by CLOCK_MONOTONIC */
  int64_t taken;       /* steps of this worker */
} job_result;

/* Serves as parameter server INDEX until the job has ended. */
tn_error *job_serve(const job *j, int index) TN_MUST_USE;
/* Works as worker INDEX; 0 is the chief. */
tn_error *job_work(const job *j, int index, job_result *out) TN_MUST_USE;

#endif
