/* Sessions from the inside. */
#ifndef TN_RUNTIME_SESSION_H
#define TN_RUNTIME_SESSION_H

#include <pthread.h>
#include <tenon/session.h>

#include "compile/subgraph.h"
#include "kernel/resource.h"
#include "runtime/kernel_cache.h"
#include "runtime/placement.h"

/* What runs the steps of a session that isn't here: a master elsewhere. Embed it first. */
typedef struct tn_remote tn_remote;
struct tn_remote {
  /* As tn_session_run. */
  tn_error *(*run)(tn_remote *remote, const tn_run_options *options, const tn_step_signature *signature,
                   tn_tensor *const *values, tn_tensor **out, tn_run_metadata *metadata);
  /* Declares a partial run, of which *HANDLE (free with tn_free) tells the later parts; and runs a part of one. */
  tn_error *(*partial_new)(tn_remote *remote, const tn_step_signature *signature, char **handle);
  tn_error *(*partial_step)(tn_remote *remote, const char *handle, const tn_step_signature *signature,
                            tn_tensor *const *values, tn_tensor **out);
  int (*n_devices)(tn_remote *remote);
  const char *(*device)(tn_remote *remote, int i);
  void (*close)(tn_remote *remote);
  void (*free)(tn_remote *remote);
};

struct tn_session {
  atomic_int refs;
  tn_graph *graph;
  int threads; /* inside an op */
  int workers; /* nodes that the dynamic executor runs at once */
  bool dynamic_only;
  tn_placement *placement;
  char *disabled_passes;
  tn_remote *remote;       /* NULL: steps run here. Else there is nothing below but the graph and CLOSED */
  tn_session_state *state; /* of the body of a function: its caller owns all that it has but this and the graph */
  tn_kernel_cache *kernels;
  atomic_bool closed;
  pthread_mutex_t mutex; /* guards PROGRAMS */
  struct tn_program_cache *programs;
  atomic_uint_fast64_t plans_cached, plan_hits, plans_made;
  atomic_uint_fast64_t trimmed_at; /* PLANS_MADE when idle plans last gave their memory back */
};

/* A session whose steps REMOTE, which it takes over, runs. */
tn_error *tn_session_new_remote(tn_graph *graph, tn_remote *remote, tn_session **out) TN_MUST_USE;
/* Copies SIGNATURE with its arrays; free them with tn_signature_clear, also after an error. */
tn_error *tn_signature_copy(const tn_step_signature *signature, tn_step_signature *out) TN_MUST_USE;
void tn_signature_clear(tn_step_signature *signature);
/* As tn_session_new, but with the state of WITHIN, which must outlive it (NULL: its own). */
tn_error *tn_session_new_within(tn_graph *graph, const tn_session_options *options, tn_session_state *within,
                                tn_session **out) TN_MUST_USE;
/* What runs functions for SESSION; goes with its state. */
tn_error *tn_session_add_caller(tn_session *session) TN_MUST_USE;
/* A session for a function's body, with the options of LIKE and a child of STATE; it borrows the graph. */
tn_error *tn_session_new_body(const tn_session *like, tn_graph *body, tn_session_state *state, int threads,
                              tn_session **out) TN_MUST_USE;
tn_session *tn_session_ref(tn_session *session);
void tn_session_unref(tn_session *session);

/* INVALID_ARGUMENT if something in SIGNATURE is not of SESSION's graph or does not exist. */
tn_error *tn_check_signature(const tn_session *session, const tn_step_signature *signature) TN_MUST_USE;
/* INVALID_ARGUMENT if VALUE can't stand for FEED. */
tn_error *tn_check_feed(tn_output feed, const tn_tensor *value) TN_MUST_USE;

#endif
