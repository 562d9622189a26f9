/* The operator's loop: informers bring changes, the queue says whose turn it is, passes say what to do. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"
#include "kube/admission.h"
#include "kube/gang.h"
#include "kube/objects.h"
#include "kube/operator_internal.h"
#include "kube/status.h"
#include "kube/trim.h"

enum { MOST_WAITING = 1000, LOOP_MS = 1000 };

/* Whether a line may be written now: a hundred at once, and ten a second on the long run, so that what fails over and
 * over fills no disk. *LEFT_OUT are those that were not since the last one. */
static bool may_log(int *left_out) {
  static double tokens = 100;
  static int64_t last;
  static int dropped;
  int64_t now = tn_now_ns();
  tokens += last ? (double)(now - last) * 1e-8 : 0;
  last = now;
  if (tokens > 100) tokens = 100;
  if (tokens < 1) {
    dropped++;
    return false;
  }
  tokens--;
  *left_out = dropped;
  dropped = 0;
  return true;
}

void tn_kube_log(const char *level, const char *key, const char *format, ...) {
  char text[1200], time[32];
  int left_out = 0;
  if (!may_log(&left_out)) return;
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  json_t *line = json_pack("{ss,ss,ss*,ss}", "time", tn_time_text(tn_wall_ns() / 1000000000, time), "level", level,
                           "job", key ? key + 2 : NULL, "message", text);
  if (left_out) json_object_set_new(line, "leftOut", json_integer(left_out));
  char *dump = json_dumps(line, JSON_COMPACT);
  if (dump) fprintf(stderr, "%s\n", dump);
  tn_free(dump);
  json_decref(line);
}

void tn_job_key(const tn_job_kind *kind, const char *ns, const char *name, char key[512]) {
  snprintf(key, 512, "%c/%.240s/%.240s", kind == &tn_tf_job ? 'T' : 'J', ns ? ns : "default", name);
}

json_t *tn_job_of_key(const tn_operator *o, const char *key) {
  const char *name = strrchr(key, '/') + 1;
  char ns[256];
  snprintf(ns, sizeof ns, "%.*s", (int)(name - 1 - (key + 2)), key + 2);
  return tn_informer_get(o->watches[key[0] == 'T' ? TN_WATCH_TFJOBS : TN_WATCH_JOBS], ns, name);
}

/* The job that a pod or Service belongs to, by its labels. */
static bool index_of(const json_t *object, char key[512]) {
  static const tn_job_kind *const kinds[] = {&tn_tenon_job, &tn_tf_job};
  for (int i = 0; i < 2; i++) {
    char label[128];
    snprintf(label, sizeof label, "%s%s", kinds[i]->label_prefix, TN_LABEL_JOB);
    const char *name = tn_json_label(object, label);
    if (!name) continue;
    tn_job_key(kinds[i], tn_json_text(object, "metadata.namespace"), name, key);
    return true;
  }
  return false;
}

static void ignored(void *argument, json_t *before, json_t *now) { (void)argument, (void)before, (void)now; }

void tn_work_wanted(tn_operator *o, const char *key, int64_t at) {
  tn_work *work = tn_map_find(o->works, key);
  if (work && work->waiting) {
    work->dirty = true;
    return;
  }
  tn_error *error = tn_work_queue_add(o->queue, key, at);
  if (error) tn_kube_log("error", key, "%s", tn_error_message(error));
  tn_error_free(error);
}

/* A PodGroup has its job's name. */
static void group_changed(void *argument, json_t *before, json_t *now) {
  const json_t *group = now ? now : before;
  static const tn_job_kind *const kinds[] = {&tn_tenon_job, &tn_tf_job};
  for (int i = 0; i < 2; i++) {
    char key[512];
    tn_job_key(kinds[i], tn_json_text(group, "metadata.namespace"), tn_json_text(group, "metadata.name"), key);
    tn_work_wanted(argument, key, tn_now_ns());
  }
}

static void object_changed(void *argument, json_t *before, json_t *now) {
  char key[512];
  if (index_of(now ? now : before, key)) tn_work_wanted(argument, key, tn_now_ns());
}

static void job_changed(void *argument, json_t *before, json_t *now) {
  tn_operator *o = argument;
  char key[512];
  json_t *job = now ? now : before;
  const tn_job_kind *kind = tn_job_kind_of(job);
  const char *ns = tn_json_text(job, "metadata.namespace");
  tn_job_key(kind, ns, tn_json_text(job, "metadata.name"), key);
  if (!now) tn_metrics_count(o->metrics, TN_JOBS_DELETED, ns, kind->kind);
  tn_work_wanted(o, key, tn_now_ns());
}

static tn_work *work_of(tn_operator *o, const char *key) {
  tn_work *work = tn_map_find(o->works, key);
  if (work) return work;
  work = tn_calloc(1, sizeof *work);
  tn_error *error = work ? tn_map_put(o->works, key, work) : tn_out_of_memory();
  if (error) {
    tn_kube_log("error", key, "%s", tn_error_message(error));
    tn_error_free(error);
    tn_free(work);
    return NULL;
  }
  snprintf(work->key, sizeof work->key, "%s", key);
  work->operator= o;
  return work;
}

static void forget(tn_operator *o, tn_work *work) {
  tn_map_remove(o->works, work->key, strlen(work->key));
  tn_outcome_clear(&work->outcome);
  json_decref(work->progress);
  tn_free(work);
}

void tn_work_done(tn_work *work) {
  tn_operator *o = work->operator;
  int64_t now = tn_now_ns(), at = INT64_MAX;
  tn_metrics_pass(o->metrics, (double)(now - work->began) * 1e-9);
  work->failures = work->trouble ? work->failures + 1 : 0;
  if (work->trouble)
    at = now + tn_backoff_ns(work->failures);
  else if (work->dirty)
    at = now;
  else if (work->outcome.again_at)
    at = now + (work->outcome.again_at * 1000000000 - tn_wall_ns());
  work->dirty = false;
  if (!strcmp(o->admitting, work->key)) o->admitting[0] = 0;
  json_decref(work->before);
  work->before = NULL;
  tn_outcome_clear(&work->outcome);
  tn_progress_want(work);
  if (at != INT64_MAX) tn_work_wanted(o, work->key, at < now ? now : at);
}

/* Fills in what is observed of gangs. False if the pass has to wait until another job's admission is written. */
static bool look_for_room(tn_operator *o, tn_observed *observed, const char *key, tn_error **error) {
  json_t *job = observed->job, *status = tn_json_at(job, "status");
  const tn_job_kind *kind = tn_job_kind_of(job);
  observed->gang = o->o.gang;
  if (o->watches[TN_WATCH_GROUPS])
    observed->pod_group = tn_informer_get(o->watches[TN_WATCH_GROUPS], tn_json_text(job, "metadata.namespace"),
                                          tn_json_text(job, "metadata.name"));
  if (o->o.gang != TN_GANG_BUILTIN || !tn_json_at(tn_json_at(job, kind->policy_path), "schedulingPolicy") ||
      tn_condition_is(status, TN_ADMITTED) || tn_status_finished(status))
    return true;
  if (o->admitting[0]) {
    tn_work_wanted(o, key, tn_now_ns() + 50000000);
    return false;
  }
  *error = tn_admission(job, o->watches[TN_WATCH_NODES], o->watches[TN_WATCH_PODS], &o->watches[TN_WATCH_JOBS], 2,
                        &observed->fits);
  if (observed->fits) snprintf(o->admitting, sizeof o->admitting, "%s", key);
  return true;
}

static bool node_lost(const void *nodes, const char *name) {
  return tn_node_is_lost(tn_informer_get(nodes, NULL, name));
}

static bool has_claim(const void *claims, const char *ns, const char *name) {
  return tn_informer_get(claims, ns, name) != NULL;
}

static void pass(tn_operator *o, const char *key) {
  json_t *job = tn_job_of_key(o, key);
  tn_work *work = work_of(o, key);
  if (!work) return;
  if (!job) {
    forget(o, work);
    return;
  }
  tn_observed observed = {.job = job, .now = tn_wall_ns() / 1000000000, .progress = work->progress};
  observed.nodes = o->watches[TN_WATCH_NODES];
  observed.node_lost = observed.nodes ? node_lost : NULL;
  observed.pods = tn_informer_find(o->watches[TN_WATCH_PODS], key, &observed.n_pods);
  observed.services = tn_informer_find(o->watches[TN_WATCH_SERVICES], key, &observed.n_services);
  observed.claims = o->watches[TN_WATCH_CLAIMS];
  observed.has_claim = has_claim;
  work->began = tn_now_ns();
  tn_error *error = NULL;
  if (!look_for_room(o, &observed, key, &error)) return;
  if (!error) error = tn_reconcile(&observed, &work->outcome);
  if (!error) {
    tn_work_act(work);
    return;
  }
  tn_kube_log("error", key, "%s", tn_error_message(error));
  tn_error_free(error);
  tn_outcome_clear(&work->outcome);
  if (!strcmp(o->admitting, key)) o->admitting[0] = 0;
  tn_work_wanted(o, key, tn_now_ns() + tn_backoff_ns(++work->failures));
}

/* Moves the watches on; returns when to look at them again. A kind that the cluster does not know (yet) is no trouble.
 */
static int64_t step_watches(tn_operator *o, int64_t now, bool *synced) {
  int64_t next = INT64_MAX;
  *synced = true;
  for (int i = 0; i < TN_N_WATCHES; i++) {
    if (!o->watches[i]) continue;
    int64_t at = tn_informer_step(o->watches[i], now);
    tn_code code;
    const char *trouble = tn_informer_trouble(o->watches[i], &code);
    bool missing = code == TN_NOT_FOUND && i <= TN_WATCH_TFJOBS;
    if (missing && !o->missing[i])
      tn_kube_log("warning", NULL, "%s: is the CRD installed? (`tenon install` does that)", trouble);
    o->missing[i] = missing;
    *synced &= tn_informer_synced(o->watches[i]) || missing;
    if (at < next) next = at;
  }
  return next;
}

static int wait_ms(int64_t now, int64_t next) {
  if (next <= now) return 0;
  int64_t ms = (next - now) / 1000000 + 1;
  return ms > LOOP_MS ? LOOP_MS : (int)ms;
}

static tn_error *turn(tn_operator *o) {
  bool synced;
  int64_t now = tn_now_ns(), next = step_watches(o, now, &synced);
  char key[512];
  bool leads = true;
  if (o->lease) {
    int64_t at = tn_lease_step(o->lease, now);
    if (at < next) next = at;
    leads = tn_lease_held(o->lease);
    if (tn_lease_lost(o->lease))
      return tn_errorf(TN_ABORTED, "the leadership was lost: the Lease could not be renewed in time");
  }
  tn_metrics_state(o->metrics, synced, leads && synced);
  while (synced && leads && o->n_pending < MOST_WAITING && tn_work_queue_take(o->queue, now, key)) pass(o, key);
  tn_metrics_queue(o->metrics, tn_work_queue_size(o->queue));
  tn_work_pump(o);
  int64_t asks = leads ? tn_progress_step(o, now) : INT64_MAX;
  if (asks < next) next = asks;
  if (synced && leads && o->n_pending < MOST_WAITING && tn_work_queue_next(o->queue) < next)
    next = tn_work_queue_next(o->queue);
  return tn_api_poll(o->api, wait_ms(tn_now_ns(), next));
}

tn_error *tn_operator_run(tn_operator *o) {
  tn_error *error = NULL;
  while (!error && !o->stopping) error = turn(o);
  int64_t end = tn_now_ns() + 10000000000LL;
  while (!error && (tn_api_in_flight(o->api) || o->n_pending) && tn_now_ns() < end) {
    tn_work_pump(o);
    error = tn_api_poll(o->api, 100);
  }
  if (o->lease && !error) tn_lease_release(o->lease);
  return error;
}

void tn_operator_stop(tn_operator *o) {
  o->stopping = 1;
  tn_api_wake(o->api);
}

static tn_error *add_watch(tn_operator *o, int i, const tn_informer_options *options) {
  static const char *const plurals[] = {"tenonjobs", "tfjobs",   "pods", "services", "persistentvolumeclaims",
                                        "nodes",     "podgroups"};
  char group[96] = "/api/v1";
  if (i == TN_WATCH_GROUPS) snprintf(group, sizeof group, "/apis/%s", tn_gang_group_version(o->o.gang));
  if (i <= TN_WATCH_TFJOBS)
    snprintf(group, sizeof group, "/apis/%s", i == TN_WATCH_JOBS ? tn_tenon_job.api_version : tn_tf_job.api_version);
  if (o->o.ns && i != TN_WATCH_NODES)
    snprintf(o->paths[i], sizeof o->paths[i], "%s/namespaces/%s/%s", group, o->o.ns, plurals[i]);
  else
    snprintf(o->paths[i], sizeof o->paths[i], "%s/%s", group, plurals[i]);
  tn_informer_options own = *options;
  own.path = o->paths[i];
  own.argument = o;
  return tn_informer_new(o->api, &own, &o->watches[i]);
}

static tn_error *set_up(tn_operator *o) {
  TN_TRY(tn_api_new(o->o.config, &o->api));
  TN_TRY(tn_work_queue_new(&o->queue));
  TN_TRY(tn_work_queue_new(&o->polls));
  TN_TRY(tn_map_new(&o->works));
  TN_TRY(tn_metrics_new(&o->metrics));
  TN_TRY(add_watch(o, TN_WATCH_JOBS, &(tn_informer_options){.trim = tn_trim_tenon_job, .changed = job_changed}));
  TN_TRY(add_watch(o, TN_WATCH_TFJOBS, &(tn_informer_options){.trim = tn_trim_tf_job, .changed = job_changed}));
  TN_TRY(add_watch(o, TN_WATCH_PODS,
                   &(tn_informer_options){.trim = tn_trim_pod, .changed = object_changed, .index = index_of}));
  TN_TRY(add_watch(o, TN_WATCH_SERVICES,
                   &(tn_informer_options){.trim = tn_trim_service, .changed = object_changed, .index = index_of}));
  TN_TRY(add_watch(o, TN_WATCH_CLAIMS,
                   &(tn_informer_options){.trim = tn_trim_claim, .changed = object_changed, .index = index_of}));
  if (o->o.gang == TN_GANG_BUILTIN)
    TN_TRY(add_watch(o, TN_WATCH_NODES, &(tn_informer_options){.trim = tn_trim_node, .changed = ignored}));
  if (tn_gang_group_version(o->o.gang))
    TN_TRY(add_watch(o, TN_WATCH_GROUPS, &(tn_informer_options){.changed = group_changed}));
  if (o->o.identity) TN_TRY(tn_lease_new(o->api, o->o.lease_ns, "tenon-operator", o->o.identity, &o->lease));
  return o->o.port ? tn_metrics_serve(o->metrics, o->o.address, o->o.port) : NULL;
}

tn_error *tn_operator_new(const tn_operator_options *options, tn_operator **out) {
  tn_operator *o = tn_calloc(1, sizeof *o);
  if (!o) return tn_out_of_memory();
  o->o = *options;
  tn_error *error = set_up(o);
  if (error) {
    tn_operator_free(o);
    return error;
  }
  *out = o;
  return NULL;
}

void tn_operator_free(tn_operator *o) {
  if (!o) return;
  size_t cursor = 0, size;
  const void *key;
  void *value;
  tn_metrics_free(o->metrics);
  for (int i = 0; i < TN_N_WATCHES; i++) tn_informer_free(o->watches[i]);
  tn_lease_free(o->lease);
  tn_api_free(o->api);
  while (o->works && tn_map_next(o->works, &cursor, &key, &size, &value)) {
    json_decref(((tn_work *)value)->before);
    json_decref(((tn_work *)value)->progress);
    tn_outcome_clear(&((tn_work *)value)->outcome);
    tn_free(value);
  }
  tn_map_free(o->works);
  tn_work_queue_free(o->queue);
  tn_work_queue_free(o->polls);
  tn_free(o->pending);
  tn_free(o);
}
