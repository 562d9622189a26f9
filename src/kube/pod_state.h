/* What has become of a pod, as far as its job cares. */
#ifndef TN_KUBE_POD_STATE_H
#define TN_KUBE_POD_STATE_H

#include "kube/job.h"

typedef enum tn_pod_phase {
  TN_POD_PENDING,
  TN_POD_RUNNING,
  TN_POD_SUCCEEDED,
  TN_POD_FAILED,    /* its program failed */
  TN_POD_DISRUPTED, /* it was taken away: evicted, preempted, deleted, its node lost */
} tn_pod_phase;

#define TN_NO_EXIT_CODE (-1)

typedef struct tn_pod_state {
  tn_pod_phase phase;
  bool going;                   /* it has a deletion time */
  int exit_code;                /* of the container that counts; TN_NO_EXIT_CODE: unknown */
  int64_t restarts;             /* by the kubelet, of that container */
  const char *reason, *message; /* borrowed from the pod; NULL: none */
  const char *last_word;        /* what the task told of its progress when it ended, likewise */
} tn_pod_state;

tn_pod_state tn_pod_state_of(const tn_job *job, const json_t *pod);
/* Whether a replica of ROLE whose pod is in STATE starts again by the rules of its job: the table of
 * docs/kubernetes.md. For states FAILED and DISRUPTED. */
bool tn_pod_restarts(const tn_job *job, tn_role role, const tn_pod_state *state);
/* One sentence on how the pod ended: "worker-1: exit code 1 (Error)". */
json_t *tn_pod_ending(const char *replica, const tn_pod_state *state);

#endif
