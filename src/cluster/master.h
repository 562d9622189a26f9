/* A master: what one task of a cluster does for clients. It keeps their graphs, places and splits what each step needs
 * over the tasks, and runs the parts at once. Thread-safe. The messages are those of MasterService; what replies point
 * to lies in the arena that comes with the call, and their tensors are to be cleared. CANCELLATION may be NULL. */
#ifndef TN_CLUSTER_MASTER_H
#define TN_CLUSTER_MASTER_H

#include "cluster/worker.h"

typedef struct tn_master tn_master;

/* All of it outlives the master. */
typedef struct tn_master_options {
  const tn_spec *spec;
  const tn_spec_task *task;
  tn_transport *transport;
  tn_worker *worker; /* of this task: called directly */
  tn_limits limits;
} tn_master_options;

tn_error *tn_master_new(const tn_master_options *options, tn_master **out) TN_MUST_USE;
/* No call may be in it. */
void tn_master_free(tn_master *master);
bool tn_master_has_sessions(tn_master *master);
/* Ends what runs: sessions are closed. */
void tn_master_stop(tn_master *master);

/* A call that is being answered. */
typedef struct tn_master_call {
  tn_arena *arena;
  const tn_cancellation *cancellation;
  int64_t deadline_ns; /* on tn_now_ns's clock; 0: none */
} tn_master_call;

/* Does not ask for other tasks: a step waits until those that it needs are up. */
tn_error *tn_master_create(tn_master *master, const tn_create_session *request, const tn_master_call *call,
                           tn_create_session_reply *reply) TN_MUST_USE;
tn_error *tn_master_extend(tn_master *master, const tn_extend_session *request,
                           tn_extend_session_reply *reply) TN_MUST_USE;
tn_error *tn_master_run(tn_master *master, const tn_run_step *request, const tn_master_call *call,
                        tn_run_step_reply *reply) TN_MUST_USE;
tn_error *tn_master_partial_setup(tn_master *master, const tn_partial_setup *request, const tn_master_call *call,
                                  tn_partial_setup_reply *reply) TN_MUST_USE;
tn_error *tn_master_make_callable(tn_master *master, const tn_make_callable *request, const tn_master_call *call,
                                  tn_callable_handle *reply) TN_MUST_USE;
tn_error *tn_master_run_callable(tn_master *master, const tn_run_callable *request, const tn_master_call *call,
                                 tn_run_callable_reply *reply) TN_MUST_USE;
tn_error *tn_master_release_callable(tn_master *master, const tn_callable_handle *request) TN_MUST_USE;
tn_error *tn_master_close(tn_master *master, const char *session) TN_MUST_USE;
tn_error *tn_master_reset(tn_master *master, const tn_reset *request, const tn_master_call *call) TN_MUST_USE;
/* The devices of the tasks that SESSION may use; NULL or "": of all tasks. Nobody is asked: an incarnation is 0 where
 * it is not known. */
tn_error *tn_master_list_devices(tn_master *master, const char *session, const tn_master_call *call,
                                 tn_list_devices_reply *reply) TN_MUST_USE;

#endif
