/* What a job's pods get so that their tasks can be watched, and what becomes of what the tasks tell. */
#ifndef TN_KUBE_MONITORING_H
#define TN_KUBE_MONITORING_H

#include "kube/job.h"

/* Puts port, environment, annotations and probes into POD, of which replica INDEX of ROLE is CONTAINER. What the
 * template says itself is left alone. False when memory is out. */
bool tn_monitoring_put(const tn_job *job, tn_role role, int index, json_t *pod, json_t *container);
/* What the status says of TOLD, the page /progress of a task: a new reference; NULL if it tells nothing. */
json_t *tn_progress_status(const json_t *told, int64_t now);
/* What a task's last word (the termination message of its container) tells, as /progress does; a new reference, NULL if
 * it is none. */
json_t *tn_last_word(const char *message);
/* Adds NAME with VALUE to CONTAINER's environment unless it has it; takes over the reference on VALUE. */
bool tn_container_variable(json_t *container, const char *name, json_t *value);

/* The job's TensorBoard as a pod, or its Service; *OUT is a new reference. */
tn_error *tn_tensorboard_pod(const tn_job *job, json_t **out) TN_MUST_USE;
tn_error *tn_tensorboard_service(const tn_job *job, json_t **out) TN_MUST_USE;
/* The name of both. */
const char *tn_tensorboard_name(const tn_job *job, char name[256]);

#endif
