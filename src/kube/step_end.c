/* How a job ends, pauses and is cleaned up. */
#include <stdio.h>
#include <string.h>

#include "kube/objects.h"
#include "kube/pass.h"

/* Deletes the pods that POLICY names, wanted or not. */
static void clean_pods(tn_pass *pass, tn_clean_policy policy) {
  if (policy == TN_CLEAN_NONE) return;
  for (size_t i = 0; i < pass->n_surplus; i++) tn_pass_delete_pod(pass, pass->surplus[i]);
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      const tn_slot *slot = &pass->slots[role][i];
      if (slot->pod && (policy == TN_CLEAN_ALL || slot->state.phase <= TN_POD_RUNNING))
        tn_pass_delete_pod(pass, slot->pod);
    }
}

/* Services go when nobody is left who could be reached through them. */
static void clean_services(tn_pass *pass, tn_clean_policy policy) {
  if (policy == TN_CLEAN_NONE) return;
  for (size_t i = 0; i < pass->observed->n_services; i++) {
    json_t *service = pass->observed->services[i];
    bool orphan;
    const char *role = tn_object_label(&pass->job, service, TN_LABEL_ROLE);
    if (role && !strcmp(role, "tensorboard")) continue; /* its step sees to that one */
    if (tn_object_owned(&pass->job, service, &orphan) && !tn_json_at(service, "metadata.deletionTimestamp"))
      tn_pass_act(pass, TN_ACT_DELETE, service);
  }
}

bool tn_step_finished(tn_pass *pass) {
  if (!tn_status_finished(pass->status)) return false;
  clean_pods(pass, pass->job.clean);
  clean_services(pass, pass->job.clean);
  tn_step_tensorboard(pass);
  if (pass->job.ttl == TN_NO_LIMIT) return true;
  int64_t end = tn_time_parse(tn_json_text(pass->status, "completionTime")) + pass->job.ttl;
  if (pass->observed->now >= end)
    pass->out->delete_job = true;
  else
    tn_pass_again(pass, end);
  return true;
}

bool tn_step_suspended(tn_pass *pass) {
  char now[32];
  if (pass->job.suspend) {
    clean_pods(pass, TN_CLEAN_ALL);
    clean_services(pass, TN_CLEAN_ALL);
    tn_step_tensorboard(pass);
    if (tn_condition_is(pass->status, TN_RUNNING))
      tn_pass_condition(pass, TN_RUNNING, false, "Suspended", "the job is suspended");
    tn_pass_condition(pass, TN_SUSPENDED, true, "Suspended", "the job is suspended");
    if (tn_condition_is(pass->status, TN_ADMITTED))
      tn_pass_condition(pass, TN_ADMITTED, false, "Suspended", "the job is suspended");
    json_object_del(pass->status, "startTime");
    tn_step_counts(pass);
    return true;
  }
  if (!tn_condition_is(pass->status, TN_SUSPENDED)) return false;
  tn_pass_condition(pass, TN_SUSPENDED, false, "Resumed", "the job goes on");
  tn_pass_event(pass, false, pass->job.kind == &tn_tf_job ? "TFJobResumed" : "JobResumed", "the job goes on");
  tn_json_put(pass->status, "startTime", json_string(tn_time_text(pass->observed->now, now)));
  return false;
}

bool tn_step_deadline(tn_pass *pass) {
  if (pass->job.deadline == TN_NO_LIMIT) return false;
  int64_t end = tn_time_parse(tn_json_text(pass->status, "startTime")) + pass->job.deadline;
  if (pass->observed->now < end) {
    tn_pass_again(pass, end);
    return false;
  }
  char text[96];
  snprintf(text, sizeof text, "the job was active for longer than its deadline of %lld s",
           (long long)pass->job.deadline);
  tn_pass_finish(pass, false, "DeadlineExceeded", text);
  return true;
}

static int count_succeeded(const tn_pass *pass, tn_role role) {
  int n = 0;
  for (int i = 0; i < pass->job.roles[role].count; i++)
    n += pass->slots[role][i].pod && pass->slots[role][i].state.phase == TN_POD_SUCCEEDED;
  return n;
}

/* The chief decides, or without one worker 0, or all workers where the job says so. A job of parameter servers or
 * evaluators alone has succeeded when all of them have. */
bool tn_step_success(tn_pass *pass) {
  const tn_job *job = &pass->job;
  tn_role leader = tn_job_leader(job);
  const tn_slot *first = &pass->slots[leader][0];
  bool all = (leader == TN_ROLE_WORKER && job->all_workers) || leader == TN_ROLE_PS || leader == TN_ROLE_EVALUATOR;
  bool done = all ? count_succeeded(pass, leader) == job->roles[leader].count
                  : first->pod && first->state.phase == TN_POD_SUCCEEDED;
  if (job->all_workers && leader == TN_ROLE_CHIEF && job->roles[TN_ROLE_WORKER].count)
    done &= count_succeeded(pass, TN_ROLE_WORKER) == job->roles[TN_ROLE_WORKER].count;
  if (!done) return false;
  char name[256], text[320];
  if (all)
    snprintf(text, sizeof text, "all replicas of %s succeeded", tn_role_name(leader));
  else
    snprintf(text, sizeof text, "%s succeeded", tn_replica_name(job, leader, 0, name));
  tn_pass_finish(pass, true, "Succeeded", text);
  return true;
}
