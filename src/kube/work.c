/* Carries out what a pass over a job has found to be done: first the new status, then everything else at once. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "kube/objects.h"
#include "kube/operator_internal.h"
#include "kube/status.h"

enum { MOST_IN_FLIGHT = 32, MOST_COMPLAINTS = 5 };

/* An answer that a work waits for, and what it is about. */
typedef struct step {
  tn_work *work;
  tn_action action;
  json_t *object;
} step;

static const char *core_plural(const char *kind) {
  if (kind && !strcmp(kind, "Service")) return "services";
  return kind && !strcmp(kind, "PersistentVolumeClaim") ? "persistentvolumeclaims" : "pods";
}

void tn_object_path(const json_t *object, const char *ns, const char *name, char path[768]) {
  const char *kind = tn_json_text(object, "kind");
  const tn_job_kind *job = tn_job_kind_of(object);
  const char *slash = name ? "/" : "";
  if (!name) name = "";
  if (job)
    snprintf(path, 768, "/apis/%s/%s/namespaces/%s/%s%s%s", job->group, job->version, ns, job->plural, slash, name);
  else if (kind && !strcmp(kind, "PodGroup"))
    snprintf(path, 768, "/apis/%s/namespaces/%s/podgroups%s%s", tn_json_text(object, "apiVersion"), ns, slash, name);
  else
    snprintf(path, 768, "/api/v1/namespaces/%s/%s%s%s", ns, core_plural(kind), slash, name);
}

int tn_watch_of(const json_t *object) {
  const char *kind = tn_json_text(object, "kind");
  const tn_job_kind *job = tn_job_kind_of(object);
  if (job) return job == &tn_tenon_job ? TN_WATCH_JOBS : TN_WATCH_TFJOBS;
  if (kind && !strcmp(kind, "PodGroup")) return TN_WATCH_GROUPS;
  if (kind && !strcmp(kind, "PersistentVolumeClaim")) return TN_WATCH_CLAIMS;
  return kind && !strcmp(kind, "Service") ? TN_WATCH_SERVICES : TN_WATCH_PODS;
}

static tn_informer *watch_of(const tn_work *work, const json_t *object) {
  return work->operator->watches[tn_watch_of(object)];
}

static json_t *job_of(const tn_work *work) { return tn_job_of_key(work->operator, work->key); }

/* Errors that say that things are as they should be. */
static bool is_fine(const tn_action *action, tn_code code) {
  return ((action->kind == TN_ACT_DELETE || action->kind == TN_ACT_DROP) && code == TN_NOT_FOUND) ||
         (action->kind != TN_ACT_CREATE && code == TN_ABORTED);
}

static void complain(tn_work *work, const step *s, const tn_error *error) {
  static const char *const verbs[] = {"Create", "Delete", "Delete", "Adopt"};
  const char *name = tn_json_text(s->object, "metadata.name");
  char reason[64], message[1024];
  snprintf(reason, sizeof reason, "Failed%s%s", verbs[s->action.kind],
           tn_watch_of(s->object) == TN_WATCH_PODS ? "Pod" : tn_json_text(s->object, "kind"));
  snprintf(message, sizeof message, "%s: %.900s", name ? name : "", tn_error_message(error));
  tn_kube_log("warning", work->key, "%s: %s", reason, message);
  tn_metrics_count(work->operator->metrics, TN_API_ERRORS, NULL, NULL);
  json_t *job = job_of(work), *event = json_pack("{ss,ss,ss}", "type", "Warning", "reason", reason, "message", message);
  /* A thousand pods that a quota refuses are one complaint, not a thousand. */
  if (job && event && !work->failures && work->complaints++ < MOST_COMPLAINTS)
    tn_event_send(work->operator, job, event);
  json_decref(event);
}

static void count_action(tn_work *work, const step *s) {
  int watch = tn_watch_of(s->object);
  bool service = watch == TN_WATCH_SERVICES;
  tn_counter create = service ? TN_SERVICES_CREATED : TN_PODS_CREATED,
             delete = service ? TN_SERVICES_DELETED : TN_PODS_DELETED;
  if (s->action.kind == TN_ACT_ADOPT || watch == TN_WATCH_GROUPS || watch == TN_WATCH_CLAIMS) return;
  tn_metrics_count(work->operator->metrics, s->action.kind == TN_ACT_CREATE ? create : delete,
                   tn_json_text(s->object, "metadata.namespace"), work->key[0] == 'T' ? "TFJob" : "TenonJob");
}

/* Takes in what an action was answered with, so that the next pass sees it. */
static void learn(tn_work *work, const step *s, json_t *reply) {
  tn_informer *informer = watch_of(work, s->object);
  bool gone = s->action.kind == TN_ACT_DROP ||
              (s->action.kind == TN_ACT_DELETE && !tn_json_at(reply, "metadata.deletionTimestamp"));
  if (gone)
    tn_informer_gone(informer, s->object);
  else if (tn_json_at(reply, "metadata.name"))
    tn_informer_saw(informer, reply);
  count_action(work, s);
}

static void one_less(tn_work *work) {
  if (--work->waiting == 0) tn_work_done(work);
}

static void action_done(void *argument, tn_error *error, json_t *reply) {
  step s = *(step *)argument;
  tn_free(argument);
  if (!error) {
    learn(s.work, &s, reply);
  } else if (!is_fine(&s.action, tn_error_code(error))) {
    /* A create that found one there: the watch has not brought it yet, or it is somebody else's. */
    if (tn_error_code(error) != TN_ALREADY_EXISTS || s.work->failures) complain(s.work, &s, error);
    s.work->trouble = true;
  }
  tn_error_free(error);
  json_decref(s.object);
  one_less(s.work);
}

/* DROP: nobody is waited for. */
static json_t *delete_options(const json_t *object, bool drop) {
  const char *uid = tn_json_text(object, "metadata.uid");
  json_t *options = json_pack("{ss,ss,ss,s{ss}}", "apiVersion", "v1", "kind", "DeleteOptions", "propagationPolicy",
                              "Background", "preconditions", "uid", uid ? uid : "");
  if (options && drop) json_object_set_new(options, "gracePeriodSeconds", json_integer(0));
  return options;
}

static json_t *adoption(const tn_work *work, const json_t *object) {
  tn_job job;
  tn_error *error = tn_job_read(job_of(work), &job);
  json_t *owner = NULL;
  if (!error) owner = tn_owner_reference(&job);
  const char *uid = tn_json_text(object, "metadata.uid");
  json_t *patch = owner ? json_pack("{s{ss,s[o]}}", "metadata", "uid", uid ? uid : "", "ownerReferences", owner) : NULL;
  tn_error_free(error);
  tn_job_clear(&job);
  return patch;
}

static tn_error *send_object(tn_work *work, const tn_action *action, json_t *object) {
  char path[768];
  const char *name = tn_json_text(object, "metadata.name"), *ns = tn_json_text(object, "metadata.namespace");
  bool create = action->kind == TN_ACT_CREATE, drop = action->kind == TN_ACT_DROP,
       delete = drop || action->kind == TN_ACT_DELETE;
  tn_object_path(object, ns, create ? NULL : name, path);
  json_t *body = create ? json_incref(object) : delete ? delete_options(object, drop) : adoption(work, object);
  step *s = body ? tn_malloc(sizeof *s) : NULL;
  if (!s) {
    json_decref(body);
    return tn_out_of_memory();
  }
  /* Of what was created nothing but its name is needed later. */
  json_t *kept = create ? json_pack("{sO,sO,s{ss,ss}}", "apiVersion", json_object_get(object, "apiVersion"), "kind",
                                    json_object_get(object, "kind"), "metadata", "name", name, "namespace", ns)
                        : json_incref(object);
  *s = (step){work, *action, kept};
  tn_api_request request = {.method = create   ? "POST"
                                      : delete ? "DELETE"
                                               : "PATCH",
                            .path = path,
                            .body = body,
                            .content_type = action->kind == TN_ACT_ADOPT ? TN_MERGE_PATCH : NULL};
  tn_error *error = tn_api_send(work->operator->api, &request, action_done, s);
  json_decref(body);
  if (error) {
    json_decref(kept);
    tn_free(s);
  }
  return error;
}

static void send_action(tn_work *work, int i) {
  const tn_action *action = &work->outcome.actions[i];
  json_t *object = NULL, *job = job_of(work);
  tn_error *error = job ? tn_action_object(job, action, &object) : tn_errorf(TN_NOT_FOUND, "the job is gone");
  if (!error) error = send_object(work, action, object);
  json_decref(object);
  if (!error) return;
  work->trouble = job != NULL;
  tn_error_free(error);
  one_less(work);
}

void tn_work_pump(tn_operator *o) {
  while (o->n_pending && tn_api_in_flight(o->api) < MOST_IN_FLIGHT) {
    tn_pending next = o->pending[o->first_pending];
    o->first_pending = (o->first_pending + 1) & (o->pending_capacity - 1);
    o->n_pending--;
    send_action(next.work, next.action);
  }
}

static bool add_pending(tn_operator *o, tn_work *work, int action) {
  if (o->n_pending == o->pending_capacity) {
    size_t more = o->pending_capacity ? 2 * o->pending_capacity : 256;
    tn_pending *ring = tn_malloc(more * sizeof *ring);
    if (!ring) return false;
    for (size_t i = 0; i < o->n_pending; i++) ring[i] = o->pending[(o->first_pending + i) & (o->pending_capacity - 1)];
    tn_free(o->pending);
    o->pending = ring;
    o->pending_capacity = more;
    o->first_pending = 0;
  }
  o->pending[(o->first_pending + o->n_pending++) & (o->pending_capacity - 1)] = (tn_pending){work, action};
  return true;
}

static void job_deleted(void *argument, tn_error *error, json_t *reply) {
  tn_work *work = argument;
  (void)reply;
  if (error && tn_error_code(error) != TN_NOT_FOUND) work->trouble = true;
  tn_error_free(error);
  one_less(work);
}

static void delete_job(tn_work *work) {
  json_t *job = job_of(work), *options = job ? delete_options(job, false) : NULL;
  char path[768];
  if (!options) return;
  tn_object_path(job, tn_json_text(job, "metadata.namespace"), tn_json_text(job, "metadata.name"), path);
  tn_error *error = tn_api_send(
      work->operator->api, &(tn_api_request){.method = "DELETE", .path = path, .body = options}, job_deleted, work);
  if (!error) work->waiting++;
  work->trouble |= error != NULL;
  tn_error_free(error);
  json_decref(options);
}

static void send_rest(tn_work *work) {
  work->waiting++; /* for this function itself: there may be no answers to come */
  json_t *job = job_of(work);
  for (size_t i = 0; job && i < work->outcome.n_actions; i++) {
    if (work->outcome.actions[i].kind == TN_ACT_EVENT)
      tn_event_send(work->operator, job, work->outcome.actions[i].object);
    else if (add_pending(work->operator, work, (int)i))
      work->waiting++;
    else
      work->trouble = true;
  }
  if (job && work->outcome.delete_job) delete_job(work);
  one_less(work);
}

/* Counts what a job has newly become. */
static void count_changes(tn_work *work, const json_t *before, const json_t *now) {
  static const struct {
    const char *condition;
    tn_counter counter;
  } counted[] = {{TN_CREATED, TN_JOBS_CREATED},
                 {TN_SUCCEEDED, TN_JOBS_SUCCESSFUL},
                 {TN_FAILED, TN_JOBS_FAILED},
                 {TN_RESTARTING, TN_JOBS_RESTARTED}};
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
    if (tn_condition_is(now, counted[i].condition) && !tn_condition_is(before, counted[i].condition))
      tn_metrics_count(work->operator->metrics, counted[i].counter, tn_json_text(job_of(work), "metadata.namespace"),
                       work->key[0] == 'T' ? "TFJob" : "TenonJob");
}

static void status_done(void *argument, tn_error *error, json_t *reply) {
  tn_work *work = argument;
  if (!error) {
    count_changes(work, work->before, tn_json_at(reply, "status"));
    tn_informer_saw(work->operator->watches[tn_watch_of(reply)], reply);
    send_rest(work);
  } else {
    bool gone = tn_error_code(error) == TN_NOT_FOUND;
    if (!gone && tn_error_code(error) != TN_ABORTED) {
      tn_kube_log("warning", work->key, "the status can't be written: %s", tn_error_message(error));
      tn_metrics_count(work->operator->metrics, TN_API_ERRORS, NULL, NULL);
    }
    work->trouble = !gone;
  }
  tn_error_free(error);
  one_less(work);
}

static void send_status(tn_work *work) {
  json_t *job = job_of(work);
  char path[768], whole[800];
  tn_object_path(job, tn_json_text(job, "metadata.namespace"), tn_json_text(job, "metadata.name"), path);
  snprintf(whole, sizeof whole, "%s/status", path);
  /* The status is ours alone, and the one of this object: whoever changes the rest of it meanwhile is in nobody's way.
   */
  const char *uid = tn_json_text(job, "metadata.uid");
  json_t *body = json_pack("[{ss,ss,ss},{ss,ss,sO}]", "op", "test", "path", "/metadata/uid", "value", uid ? uid : "",
                           "op", "add", "path", "/status", "value", work->outcome.status);
  tn_api_request request = {.method = "PATCH", .path = whole, .body = body, .content_type = TN_JSON_PATCH};
  tn_error *error = body ? tn_api_send(work->operator->api, &request, status_done, work) : tn_out_of_memory();
  if (error)
    work->trouble = true;
  else
    work->waiting++;
  tn_error_free(error);
  json_decref(body);
}

void tn_work_act(tn_work *work) {
  work->waiting++;
  work->trouble = false;
  work->complaints = 0;
  work->before = json_incref(tn_json_at(job_of(work), "status"));
  if (!work->outcome.status)
    send_rest(work);
  else if (job_of(work))
    send_status(work);
  one_less(work);
}
