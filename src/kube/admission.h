/* Whether there is room for a whole job now. */
#ifndef TN_KUBE_ADMISSION_H
#define TN_KUBE_ADMISSION_H

#include "kube/informer.h"

/* Whether all pods of JOB find room on the nodes beside the pods that are there, those that wait for a node, and those
 * that jobs which were admitted before have still to make. JOBS: informers of all jobs, N_JOBS of them. */
tn_error *tn_admission(json_t *job, const tn_informer *nodes, const tn_informer *pods, tn_informer *const *jobs,
                       int n_jobs, bool *fits) TN_MUST_USE;

#endif
