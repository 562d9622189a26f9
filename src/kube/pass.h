/* One pass over a job: what the steps of tn_reconcile share. */
#ifndef TN_KUBE_PASS_H
#define TN_KUBE_PASS_H

#include "kube/pod_state.h"
#include "kube/reconcile.h"
#include "kube/status.h"

/* A replica that the job wants, and its pod if there is one. */
typedef struct tn_slot {
  json_t *pod; /* borrowed; NULL: none */
  tn_pod_state state;
} tn_slot;

typedef struct tn_pass {
  const tn_observed *observed;
  tn_job job;
  json_t *status;
  tn_outcome *out;
  bool failed; /* memory ran out */
  tn_slot *slots[TN_N_ROLES];
  size_t n_surplus; /* pods that the job does not want any more */
  json_t **surplus;
} tn_pass;

/* Adds an action with a new reference on OBJECT. */
void tn_pass_act(tn_pass *pass, tn_action_kind kind, json_t *object);
/* Adds the creation of a pod. */
void tn_pass_create(tn_pass *pass, tn_role role, int index);
/* Adds an event; WARNING or normal. */
void tn_pass_event(tn_pass *pass, bool warning, const char *reason, const char *message);
/* Sets a condition, whose reason is REASON behind the kind's prefix ("TFJob" and "Failed"), with an event where it
 * changed. */
void tn_pass_condition(tn_pass *pass, const char *type, bool value, const char *reason, const char *message);
/* Ends the job: the terminal condition, and no more Running and Restarting. */
void tn_pass_finish(tn_pass *pass, bool success, const char *reason, const char *message);
/* Deletes POD if nobody has yet. */
void tn_pass_delete_pod(tn_pass *pass, json_t *pod);
/* The next time at which time alone makes a difference. */
void tn_pass_again(tn_pass *pass, int64_t when);

/* --- the steps, in order; true: the pass ends with this one --- */
/* Whether the job is finished; then cleans up after it and, when its time has come, deletes it. */
bool tn_step_finished(tn_pass *pass);
/* Takes away the pods that are to go and whose node is lost. */
void tn_step_lost(tn_pass *pass);
/* Whether it is suspended; then there are no pods. Also notes that it is so no more. */
bool tn_step_suspended(tn_pass *pass);
/* Whether its time is over. */
bool tn_step_deadline(tn_pass *pass);
/* Whether it has succeeded. */
bool tn_step_success(tn_pass *pass);
/* Counts what has ended and decides what starts again; whether the job has failed. */
bool tn_step_failures(tn_pass *pass);
/* Whether the job may start: at once, or when it is admitted as a whole. Makes its PodGroup. */
bool tn_step_admission(tn_pass *pass);
/* Deletes what is not wanted, creates what is missing. */
void tn_step_objects(tn_pass *pass);
/* Makes the job's TensorBoard, or ends it. */
void tn_step_tensorboard(tn_pass *pass);
/* Whether pods can't begin, and why: an image that is not there, a volume, no room. */
void tn_step_waiting(tn_pass *pass);
/* How far the training is. */
void tn_step_progress(tn_pass *pass);
/* Running, Restarting, and the counts per role. */
void tn_step_counts(tn_pass *pass);

#endif
