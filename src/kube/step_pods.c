/* Failures and restarts, and the objects that are to be there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/claims.h"
#include "kube/failure_rules.h"
#include "kube/objects.h"
#include "kube/pass.h"

static const char *uid_of(const json_t *pod) {
  const char *uid = tn_json_text(pod, "metadata.uid");
  return uid ? uid : "";
}

/* A parameter server that ends before its job is done has no business to: it starts again, and that counts. */
static bool ended_early(const tn_pass *pass, tn_role role, const tn_slot *slot) {
  return role == TN_ROLE_PS && tn_job_leader(&pass->job) != TN_ROLE_PS && slot->state.phase == TN_POD_SUCCEEDED;
}

static int64_t kubelet_restarts(const tn_pass *pass) {
  int64_t n = 0;
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++)
      if (pass->slots[role][i].pod && pass->job.roles[role].restart >= TN_RESTART_ON_FAILURE)
        n += pass->slots[role][i].state.restarts;
  return n;
}

/* Whether an elastic job goes on without this worker. */
static bool can_do_without(const tn_pass *pass, tn_role role) {
  if (!pass->job.elastic || role != TN_ROLE_WORKER) return false;
  int alive = 0;
  for (int i = 0; i < pass->job.roles[role].count; i++) {
    const tn_slot *slot = &pass->slots[role][i];
    alive += !slot->pod || slot->state.phase <= TN_POD_SUCCEEDED;
  }
  return alive > 0 && alive >= pass->job.min_workers;
}

/* Counts the end of a pod, once. True if the job fails by it. */
static bool count_end(tn_pass *pass, tn_role role, int index, const tn_slot *slot) {
  char name[256];
  tn_replica_name(&pass->job, role, index, name);
  bool early = ended_early(pass, role, slot), ended = slot->state.phase >= TN_POD_FAILED || early;
  json_t *ending = early ? tn_json_textf("%s ended before the job was done", name) : tn_pod_ending(name, &slot->state);
  const char *text = ending ? json_string_value(ending) : name;
  bool fails = ended && !early && !tn_pod_restarts(&pass->job, role, &slot->state);
  tn_failure_action rule = ended && !early ? tn_failure_rule(&pass->job, role, &slot->state) : TN_FAILURE_NO_RULE;
  if (fails && rule != TN_FAILURE_FAIL && can_do_without(pass, role)) {
    tn_pass_event(pass, true, "WorkerLost", text);
    fails = false;
  } else if (fails) {
    tn_pass_finish(pass, false, "Failed", text);
  } else {
    bool failure =
        rule == TN_FAILURE_NO_RULE ? slot->state.phase == TN_POD_FAILED || early : rule != TN_FAILURE_UNCOUNTED;
    tn_status_add(pass->status, failure ? "restarts" : "disruptions", 1);
    if (failure) tn_pass_event(pass, true, "ExitedWithCode", text);
    if (tn_condition_is(pass->status, TN_RUNNING)) tn_pass_condition(pass, TN_RUNNING, false, "Restarting", text);
    tn_pass_condition(pass, TN_RESTARTING, true, "Restarting", text);
    if ((pass->job.group_restart || rule == TN_FAILURE_GROUP) && ended)
      tn_status_add(pass->status, "restartGeneration", 1);
  }
  json_decref(ending);
  tn_count(pass->status, uid_of(slot->pod));
  return fails;
}

static bool over_budget(tn_pass *pass) {
  int64_t restarts = tn_json_int(pass->status, "restarts", 0) + kubelet_restarts(pass);
  if (pass->job.restart_budget == TN_NO_LIMIT || restarts <= pass->job.restart_budget) return false;
  char text[128];
  snprintf(text, sizeof text, "%lld restarts are more than the backoffLimit of %lld", (long long)restarts,
           (long long)pass->job.restart_budget);
  tn_pass_finish(pass, false, "BackoffLimitExceeded", text);
  return true;
}

bool tn_step_failures(tn_pass *pass) {
  int64_t generation = tn_json_int(pass->status, "restartGeneration", 0);
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      const tn_slot *slot = &pass->slots[role][i];
      if (!slot->pod || tn_counted(pass->status, uid_of(slot->pod))) continue;
      bool ends = slot->state.phase >= TN_POD_FAILED || ended_early(pass, (tn_role)role, slot);
      /* A group of pods that we delete together was counted as one, by the pod that began it. */
      const char *label = tn_object_label(&pass->job, slot->pod, TN_LABEL_GENERATION);
      if (label && strtoll(label, NULL, 10) < generation) continue;
      if ((ends || slot->state.going) && count_end(pass, (tn_role)role, i, slot)) return true;
    }
  return over_budget(pass);
}

/* Whether POD is of an older generation than the job's. */
static bool is_old(const tn_pass *pass, const json_t *pod) {
  const char *label = tn_object_label(&pass->job, pod, TN_LABEL_GENERATION);
  return pass->job.generations &&
         (label ? strtoll(label, NULL, 10) : 0) != tn_json_int(pass->status, "restartGeneration", 0);
}

/* Deletes what has ended and starts again, and whole old generations. True if pods of an old one are still there. */
static bool delete_pods(tn_pass *pass) {
  bool old = false;
  for (size_t i = 0; i < pass->n_surplus; i++) tn_pass_delete_pod(pass, pass->surplus[i]);
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      const tn_slot *slot = &pass->slots[role][i];
      if (!slot->pod) continue;
      bool ended = slot->state.phase >= TN_POD_FAILED || ended_early(pass, (tn_role)role, slot);
      bool lost =
          ended && !ended_early(pass, (tn_role)role, slot) && !tn_pod_restarts(&pass->job, (tn_role)role, &slot->state);
      bool is = is_old(pass, slot->pod);
      old |= is;
      if ((ended && !lost) || is) tn_pass_delete_pod(pass, slot->pod);
    }
  return old;
}

static void create(tn_pass *pass, tn_error *error, json_t *object) {
  if (error) {
    tn_error_free(error);
    pass->failed = true;
    return;
  }
  tn_pass_act(pass, TN_ACT_CREATE, object);
  json_decref(object);
}

static void create_pods(tn_pass *pass) {
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++)
      if (!pass->slots[role][i].pod) tn_pass_create(pass, (tn_role)role, i);
}

static bool has_service(const tn_pass *pass, const char *name) {
  for (size_t i = 0; i < pass->observed->n_services; i++) {
    const char *other = tn_json_text(pass->observed->services[i], "metadata.name");
    if (other && !strcmp(other, name)) return true;
  }
  return false;
}

static void create_services(tn_pass *pass) {
  char name[256];
  bool one = !pass->job.kind->service_per_replica;
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      if (has_service(pass, tn_service_name(&pass->job, (tn_role)role, i, name))) continue;
      json_t *service = NULL;
      tn_error *error = tn_service_make(&pass->job, (tn_role)role, i, &service);
      create(pass, error, service);
      if (one) return;
    }
}

static void create_claims(tn_pass *pass) {
  const tn_observed *observed = pass->observed;
  char name[256];
  for (size_t i = 0; i < json_array_size(pass->job.claims); i++) {
    if (observed->has_claim(observed->claims, pass->job.ns, tn_claim_name(&pass->job, i, name))) continue;
    json_t *claim = NULL;
    tn_error *error = tn_claim_make(&pass->job, i, &claim);
    create(pass, error, claim);
  }
}

/* Services of replicas that are gone by a scaling down. */
static void delete_services(tn_pass *pass) {
  for (size_t i = 0; pass->job.kind->service_per_replica && i < pass->observed->n_services; i++) {
    json_t *service = pass->observed->services[i];
    tn_role role;
    int index;
    bool orphan, ours = tn_object_owned(&pass->job, service, &orphan);
    if (ours && tn_object_place(&pass->job, service, &role, &index) && index >= pass->job.roles[role].count &&
        !tn_json_at(service, "metadata.deletionTimestamp"))
      tn_pass_act(pass, TN_ACT_DELETE, service);
  }
}

void tn_step_objects(tn_pass *pass) {
  delete_services(pass);
  create_claims(pass);
  create_services(pass);
  if (!delete_pods(pass) && tn_step_admission(pass)) create_pods(pass);
}

/* Running: the leader runs; after a restart: everybody does. */
static bool is_running(const tn_pass *pass) {
  tn_role leader = tn_job_leader(&pass->job);
  bool any = false, all = true;
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      const tn_slot *slot = &pass->slots[role][i];
      bool runs = slot->pod && !slot->state.going && slot->state.phase == TN_POD_RUNNING;
      any |= runs && (tn_role)role == leader;
      all &= runs || (slot->pod && slot->state.phase == TN_POD_SUCCEEDED);
    }
  return tn_condition_is(pass->status, TN_RESTARTING) ? any && all : any;
}

static void count_roles(tn_pass *pass) {
  json_t *counts = json_object();
  for (int role = 0; role < TN_N_ROLES; role++) {
    int active = 0, succeeded = 0, failed = 0;
    if (!pass->job.roles[role].count) continue;
    for (int i = 0; i < pass->job.roles[role].count; i++) {
      const tn_slot *slot = &pass->slots[role][i];
      if (!slot->pod) continue;
      active += slot->state.phase <= TN_POD_RUNNING && !slot->state.going;
      succeeded += slot->state.phase == TN_POD_SUCCEEDED;
      failed += slot->state.phase >= TN_POD_FAILED;
    }
    json_t *count = json_pack("{si,si,si}", "active", active, "succeeded", succeeded, "failed", failed);
    json_object_set_new(counts, pass->job.kind->roles[role], count);
  }
  json_object_set_new(pass->status, "replicaStatuses", counts);
  json_object_set_new(pass->status, "replicas", json_integer(pass->job.roles[TN_ROLE_WORKER].count));
  json_object_set_new(pass->status, "selector",
                      tn_json_textf("%sjob-name=%s,%sreplica-type=worker", pass->job.kind->label_prefix, pass->job.name,
                                    pass->job.kind->label_prefix));
}

void tn_step_counts(tn_pass *pass) {
  count_roles(pass);
  if (tn_status_finished(pass->status) || pass->job.suspend || !is_running(pass)) return;
  if (tn_condition_is(pass->status, TN_RESTARTING))
    tn_pass_condition(pass, TN_RESTARTING, false, "Running", "all replicas run again");
  tn_pass_condition(pass, TN_RUNNING, true, "Running", "the job is running");
}
