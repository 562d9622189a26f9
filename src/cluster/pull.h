/* Fetching what other tasks send in a step: each task is asked once for all tensors that can be there at the same
 * time, and what comes is put into the step's rendezvous here. */
#ifndef TN_CLUSTER_PULL_H
#define TN_CLUSTER_PULL_H

#include "cluster/messages/messages.h"
#include "cluster/spec.h"
#include "graph/graph.h"
#include "kernel/rendezvous.h"

/* What a graph receives, by sender and depth. SPEC is not needed afterwards. */
typedef struct tn_pulls tn_pulls;
tn_error *tn_pulls_new(const tn_graph *graph, const tn_spec *spec, const tn_spec_task *own, tn_pulls **out) TN_MUST_USE;
void tn_pulls_free(tn_pulls *pulls);

/* The calls of one step. */
typedef struct tn_pulling tn_pulling;
tn_error *tn_pulling_new(tn_transport *transport, tn_pulling **out) TN_MUST_USE;
/* For tn_rendezvous_new: the rendezvous that REMOTE is given to owns PULLING. */
void tn_pulling_remote(tn_pulling *pulling, tn_rendezvous_remote *remote);
/* Asks for all of PULLS in STEP. An error that comes back
 * aborts RENDEZVOUS and names the task. */
tn_error *tn_pulling_start(tn_pulling *pulling, tn_pulls *pulls, int64_t step, tn_rendezvous *rendezvous) TN_MUST_USE;

#endif
