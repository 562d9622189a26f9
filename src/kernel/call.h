/* Calling functions from kernels. The runtime that runs bodies hangs in the session's state, so that nothing here knows
 * of executors. */
#ifndef TN_KERNEL_CALL_H
#define TN_KERNEL_CALL_H

#include "graph/function.h"
#include "kernel/kernel.h"

/* What runs functions. One belongs to each session, and to each scope in which stateful nodes of bodies have state of
 * their own (an iterator's). */
typedef struct tn_caller {
  /* Runs FUNCTION inside STEP; INPUTS and OUTPUTS (which are clear) are as many as it has. */
  tn_error *(*call)(struct tn_caller *caller, tn_function *function, tn_step *step, const tn_tensor *inputs,
                    tn_tensor *outputs);
  /* A caller for the scope STATE, a child of this one's state, whose bodies run on one thread each. */
  tn_error *(*fork)(struct tn_caller *caller, tn_session_state *state);
  void (*destroy)(struct tn_caller *caller);
} tn_caller;

/* STATE takes CALLER over. */
void tn_session_state_set_caller(tn_session_state *state, tn_caller *caller);
tn_caller *tn_session_state_caller(const tn_session_state *state);
/* State with the resources of PARENT, which must outlive it, and nodes of its own. */
tn_error *tn_session_state_new_child(tn_session_state *parent, tn_session_state **out) TN_MUST_USE;
/* State with the resources and the nodes' state of PARENT, which must outlive it, for another graph that runs the same
 * nodes. */
tn_error *tn_session_state_new_view(tn_session_state *parent, tn_session_state **out) TN_MUST_USE;
/* A child with a caller of its own. */
tn_error *tn_scope_new(tn_session_state *parent, tn_session_state **out) TN_MUST_USE;

/* Calls FUNCTION in STEP with N_INPUTS inputs, whose dtypes are checked. OUTPUTS hold function->n_outputs clear slots.
 * RESOURCE_EXHAUSTED: calls are nested too deeply. */
tn_error *tn_call_function(tn_function *function, tn_step *step, size_t n_inputs, const tn_tensor *inputs,
                           tn_tensor *outputs) TN_MUST_USE;
/* For RUN: the inputs of R from FIRST on; the results become its outputs, all of them dynamic. */
tn_error *tn_run_call(tn_run *r, tn_function *function, int first) TN_MUST_USE;

#endif
