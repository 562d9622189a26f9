/* What a job says itself of how its replicas may end. */
#ifndef TN_KUBE_FAILURE_RULES_H
#define TN_KUBE_FAILURE_RULES_H

#include "kube/pod_state.h"

typedef enum tn_failure_action {
  TN_FAILURE_NO_RULE,   /* the restart policy decides */
  TN_FAILURE_FAIL,      /* the job fails */
  TN_FAILURE_RESTART,   /* the replica starts again, counted */
  TN_FAILURE_UNCOUNTED, /* the same, and the budget is left alone */
  TN_FAILURE_GROUP,     /* all replicas start again, counted once */
} tn_failure_action;

/* What the first of the job's failureRules that fits says of a replica of ROLE that ended in STATE, which is FAILED or
 * DISRUPTED. */
tn_failure_action tn_failure_rule(const tn_job *job, tn_role role, const tn_pod_state *state);
/* Whether one of the rules starts the whole group again. INVALID_ARGUMENT: a rule names an action that there is not. */
tn_error *tn_failure_rules_check(const json_t *rules, bool *group) TN_MUST_USE;

#endif
