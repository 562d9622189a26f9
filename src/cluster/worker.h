/* A worker: what one task of a cluster runs for masters. It holds the task's variables, queues and tables, the graphs
 * that sessions registered, and the rendezvous of the steps that take part here. Thread-safe. */
#ifndef TN_CLUSTER_WORKER_H
#define TN_CLUSTER_WORKER_H

#include <tenon/session.h>

#include "cluster/collective.h"
#include "cluster/limits.h"
#include "cluster/messages/messages.h"
#include "cluster/spec.h"
#include "kernel/rendezvous.h"

typedef struct tn_worker tn_worker;

/* All of it outlives the worker. */
typedef struct tn_worker_options {
  const tn_spec *spec;
  const tn_spec_task *task;   /* which one this is */
  tn_transport *transport;    /* for what other tasks send */
  uint64_t incarnation;       /* a random number, another one whenever the task starts */
  tn_session_options session; /* threads and passes; strings are borrowed */
  tn_limits limits;
} tn_worker_options;

tn_error *tn_worker_new(const tn_worker_options *options, tn_worker **out) TN_MUST_USE;
/* Ends all steps, and those that come later at once. */
void tn_worker_stop(tn_worker *worker);
/* No call may be in it. */
void tn_worker_free(tn_worker *worker);

/* Whether masters of other tasks have sessions here. */
bool tn_worker_has_sessions(tn_worker *worker);
/* Its part in collective training; borrowed. */
tn_collective *tn_worker_collective(tn_worker *worker);
/* The device of this task. */
const tn_device_attributes *tn_worker_device(const tn_worker *worker);

/* --- what masters ask for; the messages are those of WorkerService --- */

tn_error *tn_worker_create_session(tn_worker *worker, const tn_create_worker_session *request) TN_MUST_USE;
/* What a master that is no task of Tenon's is told: UNIMPLEMENTED. */
tn_error *tn_worker_refuse_master(const tn_worker *worker) TN_MUST_USE;
tn_error *tn_worker_delete_session(tn_worker *worker, const char *session) TN_MUST_USE;
/* *HANDLE lies in ARENA. */
tn_error *tn_worker_register(tn_worker *worker, const tn_register_graph *request, tn_arena *arena,
                             const char **handle) TN_MUST_USE;
tn_error *tn_worker_deregister(tn_worker *worker, const tn_graph_handle *request) TN_MUST_USE;
/* Runs a graph on the calling thread, until it is done. CANCELLATION may be NULL. What REPLY points to lies in ARENA or
 * in REQUEST; its tensors are to be cleared. */
tn_error *tn_worker_run(tn_worker *worker, const tn_run_graph *request, const tn_cancellation *cancellation,
                        tn_arena *arena, tn_run_graph_reply *reply) TN_MUST_USE;
/* Ends STEP here: who still takes part in it hears ERROR (NULL: that it has ended). Must not block. */
void tn_worker_end_step(tn_worker *worker, int64_t step, const tn_error *error);
/* Drops the resources of CONTAINERS; none: those of the default one. */
void tn_worker_clear(tn_worker *worker, const tn_repeated *containers);

/* --- what other tasks ask for --- */

/* Has DONE called with the tensor that this task sends under KEY in STEP. ABORTED: KEY was meant for another
 * incarnation of this task. Does not block. */
void tn_worker_recv(tn_worker *worker, int64_t step, const char *key, tn_rendezvous_done done, void *argument);

#endif
