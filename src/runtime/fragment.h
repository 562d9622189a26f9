/* A part of a step that was split over devices or tasks, as it runs in one place: a graph of its own, all of whose
 * nodes run, and a rendezvous for what comes and goes. */
#ifndef TN_RUNTIME_FRAGMENT_H
#define TN_RUNTIME_FRAGMENT_H

#include "kernel/rendezvous.h"
#include "kernel/step.h"
#include "runtime/session.h"
#include "runtime/trace.h"

typedef struct tn_fragment tn_fragment;

/* DEF is a GraphDef. Its nodes keep their state in STATE, which must outlive the fragment. OPTIONS may be NULL.
 * INVALID_ARGUMENT, NOT_FOUND: the graph is not one. */
tn_error *tn_fragment_new(const char *def, size_t size, const tn_session_options *options, tn_session_state *state,
                          tn_fragment **out) TN_MUST_USE;
/* Its graph, which lives as long as it does. */
const tn_graph *tn_fragment_graph(const tn_fragment *fragment);
tn_fragment *tn_fragment_ref(tn_fragment *fragment);
void tn_fragment_unref(tn_fragment *fragment); /* NULL is allowed */

/* One run. */
typedef struct tn_fragment_call {
  tn_rendezvous *rendezvous;
  const tn_cancellation *cancellation; /* NULL: none */
  const atomic_bool *closed;           /* ends the run when it becomes true; NULL: none */
  int64_t deadline_ns;                 /* on tn_now_ns's clock; 0: none */
  tn_trace *trace;                     /* NULL: none */
} tn_fragment_call;

/* Runs all of it on the calling thread. An error goes to the rendezvous as well. Thread-safe. */
tn_error *tn_fragment_run(tn_fragment *fragment, const tn_fragment_call *call) TN_MUST_USE;

#endif
