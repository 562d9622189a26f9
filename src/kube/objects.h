/* The pods and Services that a job wants to exist. */
#ifndef TN_KUBE_OBJECTS_H
#define TN_KUBE_OBJECTS_H

#include "kube/job.h"

/* Labels, without their prefix. */
#define TN_LABEL_JOB        "job-name"
#define TN_LABEL_ROLE       "replica-type"
#define TN_LABEL_INDEX      "replica-index"
#define TN_LABEL_GENERATION "restart-generation"

/* Replica INDEX of ROLE as a pod, of restart generation GENERATION. *OUT is a new reference. */
tn_error *tn_pod_make(const tn_job *job, tn_role role, int index, int64_t generation, json_t **out) TN_MUST_USE;
/* Its headless Service; of kinds that have one for the whole job: that one, whatever the replica. */
tn_error *tn_service_make(const tn_job *job, tn_role role, int index, json_t **out) TN_MUST_USE;
const char *tn_service_name(const tn_job *job, tn_role role, int index, char name[256]);
/* The job's PodGroup, of the scheduler that its gang says. *OUT is a new reference. */
tn_error *tn_pod_group_make(const tn_job *job, json_t **out) TN_MUST_USE;
/* The text of TF_CONFIG for the replica; NULL when memory is out. */
json_t *tn_tf_config(const tn_job *job, tn_role role, int index);

/* Metadata of an object of JOB's called NAME: our labels over those of LIKE (may be NULL), whose annotations are kept,
 * and JOB as its owner. A new reference; NULL when memory is out. */
json_t *tn_object_metadata(const tn_job *job, const char *name, const json_t *like);
/* The value of one of our labels. */
const char *tn_object_label(const tn_job *job, const json_t *object, const char *label);
/* Role and index by the labels of an object of JOB; false if they name no replica. */
bool tn_object_place(const tn_job *job, const json_t *object, tn_role *role, int *index);
/* Whether OBJECT's controller is JOB; *ORPHAN: it has no controller at all. */
bool tn_object_owned(const tn_job *job, const json_t *object, bool *orphan);
/* An ownerReference to JOB as its controller; a new reference. */
json_t *tn_owner_reference(const tn_job *job);

#endif
