/* Reads the manifest of a job. */
#include "kube/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kube/failure_rules.h"
#include "kube/short_form.h"

enum { DEFAULT_PORT = 2222, MOST_NAME = 63, MOST_REPLICAS = 10000, METRICS_PORT = 9099 };

static tn_error *read_choice(const char *what, const char *text, const char *const *names, int *out) {
  if (!text || !*text) return NULL;
  for (int i = 0; names[i]; i++)
    if (!strcmp(names[i], text)) {
      *out = i;
      return NULL;
    }
  return tn_errorf(TN_INVALID_ARGUMENT, "%s: '%s' is none of those that there are, among them %s and %s", what, text,
                   names[0], names[1]);
}

/* A whole number that must not be negative; OUT keeps its value where there is none. */
static tn_error *read_count(const json_t *object, const char *path, int64_t *out) {
  json_t *value = tn_json_at(object, path);
  if (!value) return NULL;
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return tn_errorf(TN_INVALID_ARGUMENT, "%s: expected a whole number of at least 0", path);
  *out = json_integer_value(value);
  return NULL;
}

/* What a key of the replicas names; TN_N_ROLES if nothing. TFJob's keys are taken in any case, and Master too. */
static tn_role role_of(const tn_job_kind *kind, const char *key) {
  int role = 0;
  while (role < TN_N_ROLES && strcasecmp(kind->roles[role], key)) role++;
  if (role == TN_N_ROLES && kind == &tn_tf_job && !strcasecmp(key, "Master")) return TN_ROLE_CHIEF;
  return role;
}

static tn_error *check_template(const tn_job *job, tn_role role, const json_t *template) {
  const char *name = tn_role_name(role);
  json_t *containers = tn_json_at(template, "spec.containers");
  if (json_array_size(containers) == 0)
    return tn_errorf(TN_INVALID_ARGUMENT, "the template of %s has no containers", name);
  if (!tn_json_find(template, "spec.containers", "name", job->kind->container))
    return tn_errorf(TN_INVALID_ARGUMENT, "the template of %s has no container named '%s'", name, job->kind->container);
  size_t i;
  json_t *container;
  json_array_foreach(containers, i, container) {
    const char *image = tn_json_text(container, "image");
    if (!image || !*image) return tn_errorf(TN_INVALID_ARGUMENT, "container %zu of %s has no image", i, name);
  }
  return NULL;
}

static tn_error *read_role(tn_job *job, const char *key, const json_t *value) {
  static const char *const policies[] = {"ExitCode", "Never", "OnFailure", "Always", NULL};
  tn_role role = role_of(job->kind, key);
  if (role == TN_N_ROLES)
    return tn_errorf(TN_INVALID_ARGUMENT, "%s: there are no replicas called '%s'", job->kind->replicas_path, key);
  tn_replicas *r = &job->roles[role];
  if (r->template) return tn_errorf(TN_INVALID_ARGUMENT, "both Chief and Master are given; they are one role");
  int64_t count = 1;
  TN_TRY(tn_error_context(read_count(value, "replicas", &count), "%s", key));
  if (count > MOST_REPLICAS || (role == TN_ROLE_CHIEF && count > 1))
    return tn_errorf(TN_INVALID_ARGUMENT, "%s: %lld replicas are more than the %d that there may be", key,
                     (long long)count, role == TN_ROLE_CHIEF ? 1 : MOST_REPLICAS);
  int policy = job->kind == &tn_tf_job ? TN_RESTART_NEVER : TN_RESTART_EXIT_CODE;
  TN_TRY(tn_error_context(read_choice("restartPolicy", tn_json_text(value, "restartPolicy"), policies, &policy), "%s",
                          key));
  *r = (tn_replicas){(int)count, (tn_restart_policy)policy, json_object_get(value, "template")};
  return count ? check_template(job, role, r->template) : NULL;
}

static tn_error *read_policy(tn_job *job) {
  static const char *const cleans[] = {"Running", "All", "None", NULL};
  const json_t *policy = tn_json_at(job->object, job->kind->policy_path);
  int clean = TN_CLEAN_RUNNING;
  TN_TRY(read_choice("cleanPodPolicy", tn_json_text(policy, "cleanPodPolicy"), cleans, &clean));
  job->clean = (tn_clean_policy)clean;
  TN_TRY(read_count(policy, "ttlSecondsAfterFinished", &job->ttl));
  TN_TRY(read_count(policy, "activeDeadlineSeconds", &job->deadline));
  TN_TRY(read_count(policy, "backoffLimit", &job->restart_budget));
  job->scheduling = tn_json_at(policy, "schedulingPolicy");
  job->suspend = tn_json_flag(policy, "suspend", false);
  const char *manager = tn_json_text(policy, "managedBy");
  bool ours = !manager || !strcmp(manager, job->kind->operator_name) || !strcmp(manager, "tenon.dev/operator") ||
              !strcmp(manager, "kubeflow.org/training-operator");
  job->managed_by = ours ? NULL : manager;
  return NULL;
}

static tn_error *read_rest(tn_job *job) {
  static const char *const successes[] = {"Default", "AllWorkers", NULL};
  static const char *const restarts[] = {"Replica", "Group", NULL};
  int success = 0, restart = 0;
  TN_TRY(read_choice("successPolicy", tn_json_text(job->object, "spec.successPolicy"), successes, &success));
  TN_TRY(read_choice("restartScope", tn_json_text(job->object, "spec.restartScope"), restarts, &restart));
  job->all_workers = success == 1;
  job->group_restart = job->generations = restart == 1;
  job->failure_rules = tn_json_at(job->object, "spec.failureRules");
  TN_TRY(tn_failure_rules_check(job->failure_rules, &job->generations));
  job->min_workers = job->roles[TN_ROLE_WORKER].count;
  json_t *elastic = tn_json_at(job->object, "spec.elastic");
  job->elastic = elastic != NULL || tn_json_flag(job->object, "spec.enableDynamicWorker", false);
  TN_TRY(read_count(elastic, "minWorkers", &job->min_workers));
  job->min_available = tn_job_total(job);
  return tn_error_context(read_count(job->scheduling, "minAvailable", &job->min_available), "schedulingPolicy");
}

/* A TFJob has no place for it but its annotations, which are texts. */
static tn_error *read_annotation(const tn_job *job, const char *name, int64_t *out) {
  char key[64], *end;
  snprintf(key, sizeof key, "tenon.dev/%s", name);
  const char *text = tn_json_annotation(job->object, key);
  if (!text) return NULL;
  long long value = strtoll(text, &end, 10);
  if (!*text || *end || value < 0)
    return tn_errorf(TN_INVALID_ARGUMENT, "annotation %s: expected a whole number of at least 0, not '%s'", key, text);
  *out = value;
  return NULL;
}

static tn_error *read_monitoring(tn_job *job) {
  tn_monitoring *m = &job->monitoring;
  if (job->kind == &tn_tf_job) {
    TN_TRY(read_annotation(job, "metrics-port", &m->port));
    TN_TRY(read_annotation(job, "hang-seconds", &m->hang_s));
    TN_TRY(read_annotation(job, "total-steps", &m->total_steps));
    m->probes = m->hang_s > 0;
  } else {
    const json_t *spec = tn_json_at(job->object, "spec.monitoring");
    m->port = METRICS_PORT;
    TN_TRY(tn_error_context(read_count(spec, "port", &m->port), "monitoring"));
    TN_TRY(tn_error_context(read_count(spec, "hangSeconds", &m->hang_s), "monitoring"));
    TN_TRY(tn_error_context(read_count(spec, "totalSteps", &m->total_steps), "monitoring"));
    m->probes = spec && m->port;
    job->tensorboard = tn_json_at(job->object, "spec.tensorboard");
  }
  if (m->port > 65535) return tn_errorf(TN_INVALID_ARGUMENT, "%lld is no port for metrics", (long long)m->port);
  if (m->hang_s && !m->port)
    return tn_errorf(TN_INVALID_ARGUMENT, "a task that hangs is noticed at its metrics port, which is 0: give one");
  return NULL;
}

static tn_error *read_claims(tn_job *job) {
  static const char *const retentions[] = {"Retain", "Delete", NULL};
  int retention = 0;
  if (job->kind == &tn_tf_job) return NULL;
  job->claims = tn_json_at(job->object, "spec.volumeClaimTemplates");
  TN_TRY(read_choice("volumeClaimRetention", tn_json_text(job->object, "spec.volumeClaimRetention"), retentions,
                     &retention));
  job->claims_go = retention == 1;
  size_t i;
  json_t *volume;
  json_array_foreach(tn_json_at(job->object, "spec.volumes"), i, volume) {
    const char *name = tn_json_text(volume, "template");
    bool there = !name;
    for (size_t k = 0; !there && k < json_array_size(job->claims); k++) {
      const char *other = tn_json_text(json_array_get(job->claims, k), "metadata.name");
      there = other && !strcmp(other, name);
    }
    if (!there)
      return tn_errorf(TN_INVALID_ARGUMENT, "volumes[%zu]: there is no '%s' among the volumeClaimTemplates", i, name);
  }
  return NULL;
}

static tn_error *check_names(const tn_job *job) {
  char name[256];
  for (int role = 0; role < TN_N_ROLES; role++) {
    if (!job->roles[role].count) continue;
    size_t size = strlen(tn_replica_name(job, (tn_role)role, job->roles[role].count - 1, name));
    if (size > MOST_NAME)
      return tn_errorf(TN_INVALID_ARGUMENT,
                       "the name '%s' would have %zu characters, and %d are allowed: give the job a shorter one", name,
                       size, MOST_NAME);
  }
  if (!tn_job_total(job)) return tn_errorf(TN_INVALID_ARGUMENT, "the job has no replicas");
  return NULL;
}

tn_error *tn_job_read(json_t *object, tn_job *out) {
  *out = (tn_job){.kind = tn_job_kind_of(object),
                  .ttl = TN_NO_LIMIT,
                  .deadline = TN_NO_LIMIT,
                  .restart_budget = TN_NO_LIMIT,
                  .object = json_incref(object),
                  .name = tn_json_text(object, "metadata.name"),
                  .ns = tn_json_text(object, "metadata.namespace"),
                  .uid = tn_json_text(object, "metadata.uid")};
  if (!out->kind)
    return tn_errorf(TN_INVALID_ARGUMENT, "this is neither a TenonJob of tenon.dev/v1 nor a TFJob of kubeflow.org/v1");
  if (!out->name) return tn_errorf(TN_INVALID_ARGUMENT, "metadata.name is missing");
  if (!out->ns) out->ns = "default";
  if (!out->uid) out->uid = "";
  TN_TRY(read_policy(out));
  json_t *replicas = tn_json_at(object, out->kind->replicas_path);
  if (!replicas && out->kind == &tn_tenon_job) {
    TN_TRY(tn_short_form(object, &out->made));
    replicas = out->made;
  }
  const char *key;
  json_t *value;
  json_object_foreach(replicas, key, value) TN_TRY(read_role(out, key, value));
  TN_TRY(read_rest(out));
  TN_TRY(read_monitoring(out));
  TN_TRY(read_claims(out));
  return check_names(out);
}

void tn_job_clear(tn_job *job) {
  json_decref(job->object);
  json_decref(job->made);
  *job = (tn_job){0};
}

void tn_job_set_gang(tn_job *job, tn_gang gang) { job->gang = job->scheduling ? gang : TN_GANG_NONE; }

int tn_job_total(const tn_job *job) {
  int total = 0;
  for (int role = 0; role < TN_N_ROLES; role++) total += job->roles[role].count;
  return total;
}

tn_role tn_job_leader(const tn_job *job) {
  static const tn_role order[] = {TN_ROLE_CHIEF, TN_ROLE_WORKER, TN_ROLE_PS};
  for (int i = 0; i < 3; i++)
    if (job->roles[order[i]].count) return order[i];
  return TN_ROLE_EVALUATOR;
}

const char *tn_replica_name(const tn_job *job, tn_role role, int index, char name[256]) {
  snprintf(name, 256, "%.200s-%s-%d", job->name, tn_role_name(role), index);
  return name;
}

int tn_job_port(const tn_job *job, tn_role role) {
  const json_t *container = tn_json_find(job->roles[role].template, "spec.containers", "name", job->kind->container);
  const json_t *port = tn_json_find(container, "ports", "name", job->kind->port_name);
  return (int)tn_json_int(port, "containerPort", DEFAULT_PORT);
}
