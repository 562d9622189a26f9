/* Options of the two programs: --name=value. */
#ifndef SIMULATE_OPTIONS_H
#define SIMULATE_OPTIONS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

/* Reads "--NAME=NUMBER" at ARGUMENT into VALUE if NAME is its. */
static inline bool option_is(const char *argument, const char *name, double *value) {
  size_t size = strlen(name);
  if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, size) != 0 || argument[2 + size] != '=')
    return false;
  *value = atof(argument + 3 + size);
  return true;
}

/* The options that both take. */
static inline bool job_option(const char *argument, job *j) {
  double v;
  if (option_is(argument, "sync", &v)) {
    j->sync = v != 0;
  } else if (option_is(argument, "backups", &v)) {
    j->backups = (int)v;
  } else if (option_is(argument, "steps", &v)) {
    j->steps = (int64_t)v;
  } else if (option_is(argument, "warm", &v)) {
    j->warm = (int64_t)v;
  } else if (option_is(argument, "elements", &v)) {
    j->elements = (int64_t)v;
  } else if (option_is(argument, "compute-ms", &v)) {
    j->compute_ms = v;
  } else if (option_is(argument, "spread", &v)) {
    j->spread = v;
  } else if (option_is(argument, "slow-share", &v)) {
    j->slow_share = v;
  } else if (option_is(argument, "slow-times", &v)) {
    j->slow_times = v;
  } else if (option_is(argument, "seed", &v)) {
    j->seed = (uint64_t)v;
  } else {
    return false;
  }
  return true;
}

static inline job default_job(void) {
  return (job){
      .n_ps = 1, .n_workers = 1, .steps = 10, .warm = 2, .elements = 256, .compute_ms = 50, .slow_times = 1, .seed = 1};
}

#endif
