/* Pumps: threads that draw from a cursor ahead of time, and call a function on what comes. Results keep their order. */
#ifndef TN_DATA_PUMP_H
#define TN_DATA_PUMP_H

#include "data/source.h"

typedef struct tn_pump tn_pump;

typedef struct tn_pump_request {
  tn_cursor *input;          /* used by the pump's threads alone while it runs */
  const tn_capture *capture; /* NULL: elements pass as they are */
  int n;                     /* components of a result */
  int threads;
  int64_t capacity;  /* results that may wait or be in the making */
  bool end_is_error; /* a function that says OUT_OF_RANGE does not end the sequence */
} tn_pump_request;

/* STEP tells the scope in which functions run. */
tn_error *tn_pump_start(const tn_pump_request *request, tn_step *step, tn_pump **out) TN_MUST_USE;
tn_error *tn_pump_next(tn_pump *pump, tn_step *step, tn_tensor *out, bool *end) TN_MUST_USE;
/* Stops the threads and waits for them. */
void tn_pump_stop(tn_pump *pump);
/* The number of threads for num_parallel_calls = ASKED; -1 asks for what fits the machine. */
int tn_pump_threads(int64_t asked);

#endif
