/* Failure rules: the first one that fits decides. What a rule does not speak of fits anything. */
#include "kube/failure_rules.h"

#include <string.h>

static const char *const actions[] = {"", "FailJob", "Restart", "RestartUncounted", "RestartGroup"};

static tn_failure_action action_of(const json_t *rule) {
  const char *name = tn_json_text(rule, "action");
  for (int i = TN_FAILURE_FAIL; name && i <= TN_FAILURE_GROUP; i++)
    if (!strcmp(actions[i], name)) return (tn_failure_action)i;
  return TN_FAILURE_NO_RULE;
}

static bool has_text(const json_t *list, const char *text) {
  size_t i;
  json_t *element;
  json_array_foreach(list, i, element) {
    const char *own = json_string_value(element);
    if (text && own && !strcmp(own, text)) return true;
  }
  return false;
}

static bool has_code(const json_t *list, int code) {
  size_t i;
  json_t *element;
  json_array_foreach(list, i, element) if (json_integer_value(element) == code) return true;
  return false;
}

static bool fits(const json_t *rule, tn_role role, const tn_pod_state *state) {
  const json_t *roles = json_object_get(rule, "replicas"), *codes = json_object_get(rule, "exitCodes"),
               *reasons = json_object_get(rule, "reasons"), *disruption = json_object_get(rule, "disruption");
  if (roles && !has_text(roles, tn_role_name(role))) return false;
  if (codes && !has_code(codes, state->exit_code)) return false;
  if (reasons && !has_text(reasons, state->reason)) return false;
  return !disruption || json_is_true(disruption) == (state->phase == TN_POD_DISRUPTED);
}

tn_failure_action tn_failure_rule(const tn_job *job, tn_role role, const tn_pod_state *state) {
  size_t i;
  json_t *rule;
  json_array_foreach(job->failure_rules, i, rule) if (fits(rule, role, state)) return action_of(rule);
  return TN_FAILURE_NO_RULE;
}

tn_error *tn_failure_rules_check(const json_t *rules, bool *group) {
  size_t i;
  json_t *rule;
  json_array_foreach(rules, i, rule) {
    tn_failure_action action = action_of(rule);
    if (action == TN_FAILURE_NO_RULE)
      return tn_errorf(TN_INVALID_ARGUMENT,
                       "failure rule %zu: action has to be FailJob, Restart, RestartUncounted or RestartGroup", i);
    *group |= action == TN_FAILURE_GROUP;
  }
  return NULL;
}
