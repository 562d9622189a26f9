/* One running step as kernels and executors share it: what can stop it, and what lives as long as it does. */
#ifndef TN_KERNEL_STEP_H
#define TN_KERNEL_STEP_H

#include <pthread.h>
#include <stdatomic.h>
#include <tenon/session.h>

#include "kernel/kernel.h"

struct tn_cancellation {
  atomic_bool cancelled;
};

struct tn_step {
  tn_session_state *session;
  atomic_bool stopped;                 /* another node failed: long kernels and waits give up */
  const tn_step *parent;               /* the step that this one is a part of; NULL: none */
  const atomic_bool *closed;           /* the session's; NULL: none */
  const tn_cancellation *cancellation; /* NULL: none */
  int64_t deadline_ns;                 /* on tn_now_ns's clock; 0: none */
  uint64_t id;                         /* unique in the process */
  tn_resources *_Atomic resources;     /* of the step; made on first use */
  struct tn_rendezvous *rendezvous;    /* of a step that is a part of a larger one; borrowed; NULL: none */
};

/* Starts and ends the life of STEP. */
void tn_step_init(tn_step *step, tn_session_state *session);
void tn_step_finish(tn_step *step);
/* CANCELLED or DEADLINE_EXCEEDED if the step was stopped. */
tn_error *tn_step_check(const tn_step *step) TN_MUST_USE;
/* For blocking kernels: waits on CONDITION (MUTEX is held) until it is signalled or some milliseconds have passed, so
 * that the caller looks at its predicate again; the error of tn_step_check if the step was stopped. */
tn_error *tn_step_wait(const tn_step *step, pthread_cond_t *condition, pthread_mutex_t *mutex) TN_MUST_USE;

#endif
