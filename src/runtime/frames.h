/* Tokens on their way through a subgraph: frames, iterations, pending counts and dead values, as TensorFlow's executor
 * has them. Nothing here locks: the executor does. */
#ifndef TN_RUNTIME_FRAMES_H
#define TN_RUNTIME_FRAMES_H

#include "compile/subgraph.h"

typedef struct tn_frame tn_frame;

/* An item that can run now. */
typedef struct tn_ready {
  int item;
  bool dead; /* one of its inputs has no value: it passes that on instead of running */
  tn_frame *frame;
  int64_t iteration;
} tn_ready;

typedef struct tn_flow {
  const tn_subgraph *graph;
  tn_frame *root;  /* NULL once everything has run */
  tn_ready *ready; /* a stack */
  size_t n_ready, capacity;
  bool failed; /* memory ran out: the step can't go on */
} tn_flow;

/* Starts: what needs no input is ready. Feeds are not; they come through tn_flow_feed. */
tn_error *tn_flow_init(tn_flow *flow, const tn_subgraph *graph) TN_MUST_USE;
void tn_flow_clear(tn_flow *flow);
/* Passes VALUE on as feed I. */
void tn_flow_feed(tn_flow *flow, int i, tn_tensor *value);
/* The inputs of READY, n_inputs of them; dtype TN_INVALID where there is no value. The executor clears what it took. */
tn_tensor *tn_flow_inputs(const tn_flow *flow, const tn_ready *ready);
/* What tells the frame of READY from others of the step: 0 outside of loops. */
uint64_t tn_flow_frame_id(const tn_flow *flow, const tn_ready *ready);
/* READY has run: its OUTPUTS go on (those of dtype TN_INVALID are dead). */
void tn_flow_propagate(tn_flow *flow, const tn_ready *ready, const tn_tensor *outputs);
/* Calls VISIT for every value that waits for a consumer. */
void tn_flow_visit(const tn_flow *flow,
                   void (*visit)(void *argument, const tn_item *consumer, int input, const tn_tensor *value),
                   void *argument);

#endif
