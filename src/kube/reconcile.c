/* A pass over a job, from what there is to what is to be done. */
#include "kube/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/objects.h"
#include "kube/pass.h"

static void add(tn_pass *pass, tn_action action) {
  tn_outcome *out = pass->out;
  if (out->n_actions == out->capacity) {
    size_t more = out->capacity ? 2 * out->capacity : 16;
    tn_action *actions = tn_realloc(out->actions, more * sizeof *actions);
    if (!actions) {
      pass->failed = true;
      return;
    }
    out->actions = actions;
    out->capacity = more;
  }
  json_incref(action.object);
  out->actions[out->n_actions++] = action;
}

void tn_pass_act(tn_pass *pass, tn_action_kind kind, json_t *object) {
  if (!object) pass->failed = true;
  add(pass, (tn_action){.kind = kind, .object = object});
}

void tn_pass_create(tn_pass *pass, tn_role role, int index) {
  int64_t generation = tn_json_int(pass->status, "restartGeneration", 0);
  add(pass, (tn_action){
                .kind = TN_ACT_CREATE, .role = role, .index = index, .generation = generation, .gang = pass->job.gang});
}

tn_error *tn_action_object(json_t *job, const tn_action *action, json_t **out) {
  if (action->object) {
    *out = json_incref(action->object);
    return NULL;
  }
  tn_job read;
  tn_error *error = tn_job_read(job, &read);
  tn_job_set_gang(&read, action->gang);
  if (!error) error = tn_pod_make(&read, action->role, action->index, action->generation, out);
  tn_job_clear(&read);
  return error;
}

void tn_pass_event(tn_pass *pass, bool warning, const char *reason, const char *message) {
  json_t *event = json_pack("{ss,ss,ss}", "type", warning ? "Warning" : "Normal", "reason", reason, "message", message);
  tn_pass_act(pass, TN_ACT_EVENT, event);
  json_decref(event);
}

void tn_pass_condition(tn_pass *pass, const char *type, bool value, const char *reason, const char *message) {
  char text[96];
  snprintf(text, sizeof text, "%s%s", pass->job.kind ? pass->job.kind->event_prefix : "", reason);
  if (!tn_condition_set(pass->status, type, value, text, message, pass->observed->now) || !value) return;
  tn_pass_event(pass, !strcmp(type, TN_FAILED) || !strcmp(type, TN_RESTARTING), text, message);
}

void tn_pass_finish(tn_pass *pass, bool success, const char *reason, const char *message) {
  char now[32];
  static const char *const open[] = {TN_RUNNING, TN_RESTARTING};
  for (int i = 0; i < 2; i++)
    if (tn_condition_is(pass->status, open[i])) tn_pass_condition(pass, open[i], false, reason, message);
  tn_pass_condition(pass, success ? TN_SUCCEEDED : TN_FAILED, true, reason, message);
  tn_json_put(pass->status, "completionTime", json_string(tn_time_text(pass->observed->now, now)));
}

void tn_pass_delete_pod(tn_pass *pass, json_t *pod) {
  if (!tn_json_at(pod, "metadata.deletionTimestamp")) tn_pass_act(pass, TN_ACT_DELETE, pod);
}

void tn_pass_again(tn_pass *pass, int64_t when) {
  int64_t *at = &pass->out->again_at;
  if (!*at || when < *at) *at = when;
}

/* Puts the pods into their slots. Pods of nobody that carry the job's labels are adopted; others' are left alone. */
static tn_error *collect(tn_pass *pass) {
  const tn_observed *o = pass->observed;
  for (int role = 0; role < TN_N_ROLES; role++) {
    pass->slots[role] = tn_calloc((size_t)pass->job.roles[role].count + 1, sizeof(tn_slot));
    if (!pass->slots[role]) return tn_out_of_memory();
  }
  pass->surplus = tn_calloc(o->n_pods + 1, sizeof(json_t *));
  if (!pass->surplus) return tn_out_of_memory();
  for (size_t i = 0; i < o->n_pods; i++) {
    tn_role role;
    int index;
    bool orphan, ours = tn_object_owned(&pass->job, o->pods[i], &orphan);
    if (!tn_object_place(&pass->job, o->pods[i], &role, &index)) continue;
    if (!ours && (!orphan || tn_json_at(o->pods[i], "metadata.deletionTimestamp"))) continue;
    if (!ours) tn_pass_act(pass, TN_ACT_ADOPT, o->pods[i]);
    if (index < pass->job.roles[role].count)
      pass->slots[role][index] = (tn_slot){o->pods[i], tn_pod_state_of(&pass->job, o->pods[i])};
    else
      pass->surplus[pass->n_surplus++] = o->pods[i];
  }
  return NULL;
}

/* Forgets the counted pods that are gone. */
static void prune_counted(tn_pass *pass) {
  json_t *list = json_object_get(pass->status, "countedPods");
  for (size_t i = json_array_size(list); i-- > 0;) {
    const char *uid = json_string_value(json_array_get(list, i));
    bool there = false;
    for (size_t k = 0; k < pass->observed->n_pods && !there; k++) {
      const char *other = tn_json_text(pass->observed->pods[k], "metadata.uid");
      there = uid && other && !strcmp(uid, other);
    }
    if (!there) json_array_remove(list, i);
  }
  if (list && !json_array_size(list)) json_object_del(pass->status, "countedPods");
}

static void note_start(tn_pass *pass) {
  char now[32];
  if (!json_array_size(json_object_get(pass->status, "conditions")))
    tn_pass_condition(pass, TN_CREATED, true, "Created", "the job has been accepted");
  if (!pass->job.suspend && !json_object_get(pass->status, "startTime"))
    tn_json_put(pass->status, "startTime", json_string(tn_time_text(pass->observed->now, now)));
}

static void run_steps(tn_pass *pass) {
  prune_counted(pass);
  tn_step_lost(pass);
  if (tn_step_finished(pass)) return;
  note_start(pass);
  if (tn_step_suspended(pass)) {
    tn_step_waiting(pass);
    return;
  }
  bool over = tn_step_success(pass) || tn_step_deadline(pass) || tn_step_failures(pass);
  if (!over) tn_step_objects(pass);
  if (!over) tn_step_tensorboard(pass);
  tn_step_counts(pass);
  tn_step_waiting(pass);
  tn_step_progress(pass);
  if (over) tn_step_finished(pass);
}

/* A job that can't be read has failed, and says why; it may still be finished from before. */
static void reject(tn_pass *pass, tn_error *error) {
  if (!tn_status_finished(pass->status)) tn_pass_finish(pass, false, "InvalidSpec", tn_error_message(error));
  tn_error_free(error);
}

tn_error *tn_reconcile(const tn_observed *observed, tn_outcome *out) {
  *out = (tn_outcome){0};
  json_t *old = tn_json_at(observed->job, "status");
  tn_pass pass = {.observed = observed, .out = out, .status = old ? json_deep_copy(old) : json_object()};
  tn_error *error = tn_job_read(observed->job, &pass.job);
  tn_job_set_gang(&pass.job, observed->gang);
  bool foreign = pass.job.managed_by != NULL, going = tn_json_at(observed->job, "metadata.deletionTimestamp") != NULL;
  if (!pass.status) error = error ? error : tn_out_of_memory();
  if (!pass.job.kind || !pass.job.name || foreign || going) {
    tn_error_free(error);
    error = NULL;
  } else {
    if (error)
      reject(&pass, error), error = NULL;
    else if (!(error = collect(&pass)))
      run_steps(&pass);
    tn_json_put(pass.status, "state", json_string(tn_status_state(pass.status)));
    tn_json_put(pass.status, "observedGeneration", json_integer(tn_json_int(observed->job, "metadata.generation", 1)));
    if (!error && pass.failed) error = tn_out_of_memory();
    if (!json_equal(pass.status, old)) out->status = json_incref(pass.status);
  }
  for (int role = 0; role < TN_N_ROLES; role++) tn_free(pass.slots[role]);
  tn_free(pass.surplus);
  json_decref(pass.status);
  tn_job_clear(&pass.job);
  return error;
}

void tn_outcome_clear(tn_outcome *outcome) {
  for (size_t i = 0; i < outcome->n_actions; i++) json_decref(outcome->actions[i].object);
  tn_free(outcome->actions);
  json_decref(outcome->status);
  *outcome = (tn_outcome){0};
}
