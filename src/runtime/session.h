/* Sessions from the inside. */
#ifndef TN_RUNTIME_SESSION_H
#define TN_RUNTIME_SESSION_H

#include <pthread.h>
#include <tenon/session.h>

#include "compile/subgraph.h"
#include "kernel/resource.h"
#include "runtime/kernel_cache.h"
#include "runtime/placement.h"

struct tn_session {
  atomic_int refs;
  tn_graph *graph;
  int threads; /* inside an op */
  int workers; /* nodes that the dynamic executor runs at once */
  bool dynamic_only;
  tn_placement *placement;
  char *disabled_passes;
  tn_session_state *state; /* of the body of a function: its caller owns all that it has but this and the graph */
  tn_kernel_cache *kernels;
  atomic_bool closed;
  pthread_mutex_t mutex; /* guards PROGRAMS */
  struct tn_program_cache *programs;
  atomic_uint_fast64_t plans_cached, plan_hits, plans_made;
  atomic_uint_fast64_t trimmed_at; /* PLANS_MADE when idle plans last gave their memory back */
};

/* What runs functions for SESSION; goes with its state. */
tn_error *tn_session_add_caller(tn_session *session) TN_MUST_USE;
/* A session for a function's body, with the options of LIKE and a child of STATE; it borrows the graph. */
tn_error *tn_session_new_body(const tn_session *like, tn_graph *body, tn_session_state *state, int threads,
                              tn_session **out) TN_MUST_USE;
tn_session *tn_session_ref(tn_session *session);
void tn_session_unref(tn_session *session);

/* INVALID_ARGUMENT if something in SIGNATURE is not of SESSION's graph or does not exist. */
tn_error *tn_check_signature(const tn_session *session, const tn_signature *signature) TN_MUST_USE;
/* INVALID_ARGUMENT if VALUE can't stand for FEED. */
tn_error *tn_check_feed(tn_output feed, const tn_tensor *value) TN_MUST_USE;

#endif
