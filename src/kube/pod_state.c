/* Tells programs that failed from pods that were taken away. */
#include "kube/pod_state.h"

#include <string.h>

#include "kube/failure_rules.h"
#include "kube/monitoring.h"

enum { MOST_LINE = 500 };

/* Reasons in a pod's status that say that nobody's program failed. */
static bool is_disruption(const char *reason) {
  static const char *const reasons[] = {"Evicted",
                                        "NodeLost",
                                        "NodeAffinity",
                                        "Preempting",
                                        "Terminated",
                                        "Shutdown",
                                        "NodeShutdown",
                                        "Preempted",
                                        "UnexpectedAdmissionError",
                                        "OutOfcpu",
                                        "OutOfmemory",
                                        "OutOfpods",
                                        NULL};
  for (int i = 0; reason && reasons[i]; i++)
    if (!strcmp(reason, reasons[i])) return true;
  return false;
}

static bool marked_as_disrupted(const json_t *pod) {
  const json_t *condition = tn_json_find(pod, "status.conditions", "type", "DisruptionTarget");
  const char *status = tn_json_text(condition, "status");
  return status && !strcmp(status, "True");
}

static const json_t *container_status(const tn_job *job, const json_t *pod) {
  return tn_json_find(pod, "status.containerStatuses", "name", job->kind->container);
}

tn_pod_state tn_pod_state_of(const tn_job *job, const json_t *pod) {
  const json_t *container = container_status(job, pod), *ended = tn_json_at(container, "state.terminated");
  const char *phase = tn_json_text(pod, "status.phase"), *reason = tn_json_text(pod, "status.reason");
  json_t *word;
  tn_pod_state s = {.phase = TN_POD_PENDING,
                    .going = tn_json_at(pod, "metadata.deletionTimestamp") != NULL,
                    .exit_code = (int)tn_json_int(ended, "exitCode", TN_NO_EXIT_CODE),
                    .restarts = tn_json_int(container, "restartCount", 0),
                    .reason = reason,
                    .message = tn_json_text(pod, "status.message")};
  if ((word = tn_last_word(tn_json_text(ended, "message")))) s.last_word = tn_json_text(ended, "message");
  json_decref(word);
  if (!phase || !strcmp(phase, "Pending") || !strcmp(phase, "Unknown")) {
    const char *waits = tn_json_text(container, "state.waiting.reason");
    if (waits) s.reason = waits, s.message = tn_json_text(container, "state.waiting.message");
    if (phase && *phase == 'U') s.phase = TN_POD_RUNNING;
  } else if (!strcmp(phase, "Running")) {
    s.phase = TN_POD_RUNNING;
  } else if (!strcmp(phase, "Succeeded")) {
    s.phase = TN_POD_SUCCEEDED;
  } else {
    /* A pod that is being deleted ends with whatever its program makes of the signal: that is no failure of its own. */
    bool taken = is_disruption(reason) || marked_as_disrupted(pod) || s.going || s.exit_code == TN_NO_EXIT_CODE;
    s.phase = taken ? TN_POD_DISRUPTED : TN_POD_FAILED;
    if (!reason) s.reason = tn_json_text(ended, "reason");
    if (!s.message && !s.last_word) s.message = tn_json_text(ended, "message");
  }
  return s;
}

bool tn_pod_restarts(const tn_job *job, tn_role role, const tn_pod_state *state) {
  tn_restart_policy policy = job->roles[role].restart;
  tn_failure_action rule = tn_failure_rule(job, role, state);
  if (rule != TN_FAILURE_NO_RULE) return rule != TN_FAILURE_FAIL;
  if (state->phase == TN_POD_DISRUPTED) return policy != TN_RESTART_NEVER || state->going;
  if (policy == TN_RESTART_EXIT_CODE) return state->exit_code >= 128;
  return policy != TN_RESTART_NEVER;
}

/* The last line of TEXT, which may be the end of a program's log: what Python says of an exception stands there. */
static const char *last_line(const char *text, int *size) {
  size_t end = strlen(text);
  while (end && strchr(" \r\n\t", text[end - 1])) end--;
  size_t begin = end;
  while (begin && text[begin - 1] != '\n') begin--;
  *size = (int)(end - begin < MOST_LINE ? end - begin : MOST_LINE);
  return text + begin;
}

json_t *tn_pod_ending(const char *replica, const tn_pod_state *state) {
  const char *reason = state->reason ? state->reason : "no reason given";
  int size = 0;
  const char *colon = state->message ? ": " : "", *message = last_line(state->message ? state->message : "", &size);
  if (state->phase == TN_POD_DISRUPTED)
    return tn_json_textf("%s was taken away (%s)%s%.*s", replica, reason, colon, size, message);
  return tn_json_textf("%s failed with exit code %d (%s)%s%.*s", replica, state->exit_code, reason, colon, size,
                       message);
}
