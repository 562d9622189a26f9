/* Conditions and counters in the status of a job. */
#include "kube/status.h"

#include <string.h>

static json_t *condition(const json_t *status, const char *type) {
  return tn_json_find(status, "conditions", "type", type);
}

bool tn_condition_is(const json_t *status, const char *type) {
  const char *value = tn_json_text(condition(status, type), "status");
  return value && !strcmp(value, "True");
}

bool tn_condition_set(json_t *status, const char *type, bool value, const char *reason, const char *message,
                      int64_t now) {
  char time[32];
  tn_time_text(now, time);
  json_t *c = condition(status, type), *list = json_object_get(status, "conditions");
  bool was = tn_condition_is(status, type), changes = !c || was != value;
  const char *old = tn_json_text(c, "reason");
  if (c && !changes && old && !strcmp(old, reason)) return false;
  if (!list) json_object_set_new(status, "conditions", list = json_array());
  if (!c) json_array_append_new(list, c = json_pack("{ss}", "type", type));
  tn_json_put(c, "status", json_string(value ? "True" : "False"));
  tn_json_put(c, "reason", json_string(reason));
  tn_json_put(c, "message", json_string(message));
  tn_json_put(c, "lastUpdateTime", json_string(time));
  if (changes) tn_json_put(c, "lastTransitionTime", json_string(time));
  return changes;
}

const char *tn_status_state(const json_t *status) {
  static const char *const order[] = {TN_SUCCEEDED, TN_FAILED,  TN_SUSPENDED, TN_RESTARTING,
                                      TN_RUNNING,   TN_WAITING, TN_CREATED,   NULL};
  for (int i = 0; order[i]; i++)
    if (tn_condition_is(status, order[i])) return order[i];
  return "Pending";
}

bool tn_status_finished(const json_t *status) {
  return tn_condition_is(status, TN_SUCCEEDED) || tn_condition_is(status, TN_FAILED);
}

bool tn_counted(const json_t *status, const char *uid) {
  size_t i;
  json_t *element;
  json_array_foreach(json_object_get(status, "countedPods"), i,
                     element) if (uid && !strcmp(json_string_value(element), uid)) return true;
  return false;
}

bool tn_count(json_t *status, const char *uid) {
  json_t *list = json_object_get(status, "countedPods");
  if (!list && json_object_set_new(status, "countedPods", list = json_array())) return false;
  return json_array_append_new(list, json_string(uid)) == 0;
}

int64_t tn_status_add(json_t *status, const char *counter, int64_t n) {
  int64_t value = tn_json_int(status, counter, 0) + n;
  if (n || json_object_get(status, counter)) json_object_set_new(status, counter, json_integer(value));
  return value;
}
