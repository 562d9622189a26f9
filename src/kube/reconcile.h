/* What is to be done for a job: a function of the job, of its pods and Services, and of the time. It talks to nobody
 * and remembers nothing, so all of the life cycle can be tested by calling it. */
#ifndef TN_KUBE_RECONCILE_H
#define TN_KUBE_RECONCILE_H

#include "kube/job.h"

/* What there is. Pods and Services: all of the namespace that carry the job's label or have the job as their owner. */
typedef struct tn_observed {
  json_t *job;
  size_t n_pods, n_services;
  json_t *const *pods, *const *services;
  int64_t now; /* seconds since 1970 */
  tn_gang gang;
  bool fits;         /* TN_GANG_BUILTIN: whether there is room for the job now */
  json_t *pod_group; /* the others: the job's PodGroup; NULL: there is none yet */
  /* Whether nothing is heard of the node of that NAME; NULL: nodes are not watched. */
  bool (*node_lost)(const void *nodes, const char *name);
  const void *nodes;
  /* Whether a claim of that NAME is in the job's namespace. */
  bool (*has_claim)(const void *claims, const char *ns, const char *name);
  const void *claims;
  const json_t *progress; /* what the leader last told of its progress; NULL: nothing new */
} tn_observed;

typedef enum tn_action_kind {
  TN_ACT_CREATE,
  TN_ACT_DELETE,
  TN_ACT_DROP, /* delete without waiting for the node to agree */
  TN_ACT_ADOPT,
  TN_ACT_EVENT
} tn_action_kind;

/* One thing to do. OBJECT is a reference: a Service that is created; what is deleted or adopted, as it was seen; for an
 * event {type, reason, message}. A pod that is created is told by its role and index alone, and made when its turn
 * comes (tn_action_object): each of a thousand pods holds the addresses of all. */
typedef struct tn_action {
  tn_action_kind kind;
  json_t *object;
  tn_role role;
  int index;
  int64_t generation;
  tn_gang gang;
} tn_action;

/* What the action is about; for pods that are created it is made. *OUT is a new reference. */
tn_error *tn_action_object(json_t *job, const tn_action *action, json_t **out) TN_MUST_USE;

/* STATUS is to be written before anything else is done, if it is not the one the job has: it holds the counts of what
 * the actions set right, and an operator that is killed between the two must not count again. */
typedef struct tn_outcome {
  json_t *status; /* NULL: as it is */
  size_t n_actions, capacity;
  tn_action *actions;
  bool delete_job;
  int64_t again_at; /* when time alone will make a difference; 0: never */
} tn_outcome;

/* Whether NODE (NULL: it is gone) is not heard of any more. */
bool tn_node_is_lost(const json_t *node);

/* Free OUT with tn_outcome_clear, also after an error. An invalid job is no error: it becomes a Failed condition. */
tn_error *tn_reconcile(const tn_observed *observed, tn_outcome *out) TN_MUST_USE;
void tn_outcome_clear(tn_outcome *outcome);

#endif
