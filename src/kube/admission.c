/* Counts the room on the nodes. Pods are kept by the operator with their requests in spec.requests. */
#include "kube/admission.h"

#include <stdio.h>
#include <string.h>

#include "kube/gang.h"
#include "kube/objects.h"
#include "kube/status.h"

static bool is_over(const json_t *pod) {
  const char *phase = tn_json_text(pod, "status.phase");
  return phase && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"));
}

/* What pods take: those on nodes, then those that wait for one. */
static void take_pods(tn_room *room, const tn_informer *pods) {
  json_t *pod;
  for (size_t cursor = 0; (pod = tn_informer_next(pods, &cursor));) {
    const char *node = tn_json_text(pod, "spec.nodeName");
    if (node && !is_over(pod)) tn_room_take(room, node, tn_json_at(pod, "spec.requests"));
  }
  for (size_t cursor = 0; (pod = tn_informer_next(pods, &cursor));)
    if (!tn_json_text(pod, "spec.nodeName") && !is_over(pod))
      (void)tn_room_place(room, json_object_get(pod, "spec"), tn_json_at(pod, "spec.requests"));
}

/* Places the pods of JOB that are not there yet, at most MOST of them; whether all found room. */
static bool place_missing(tn_room *room, const tn_job *job, const tn_informer *pods, int64_t most) {
  for (int role = 0; role < TN_N_ROLES; role++) {
    const json_t *spec = json_object_get(job->roles[role].template, "spec");
    json_t *requests = tn_requests(spec);
    for (int i = 0; i < job->roles[role].count && most > 0; i++, most--) {
      char name[256];
      if (tn_informer_get(pods, job->ns, tn_replica_name(job, (tn_role)role, i, name))) continue;
      if (tn_room_place(room, spec, requests)) continue;
      json_decref(requests);
      return false;
    }
    json_decref(requests);
  }
  return true;
}

/* Jobs that were admitted, and whose pods are not all there yet, have their room kept. */
static void keep_for(tn_room *room, json_t *object, const json_t *asking, const tn_informer *pods) {
  const json_t *status = tn_json_at(object, "status");
  if (object == asking || !tn_condition_is(status, TN_ADMITTED) || tn_status_finished(status)) return;
  tn_job job;
  tn_error *error = tn_job_read(object, &job);
  if (!error) (void)place_missing(room, &job, pods, job.min_available);
  tn_error_free(error);
  tn_job_clear(&job);
}

tn_error *tn_admission(json_t *object, const tn_informer *nodes, const tn_informer *pods, tn_informer *const *jobs,
                       int n_jobs, bool *fits) {
  tn_room *room;
  tn_job job;
  json_t *node;
  *fits = false;
  TN_TRY(tn_room_new(&room));
  tn_error *error = NULL;
  for (size_t cursor = 0; !error && (node = tn_informer_next(nodes, &cursor));) error = tn_room_add_node(room, node);
  take_pods(room, pods);
  for (int i = 0; i < n_jobs; i++) {
    json_t *other;
    for (size_t cursor = 0; (other = tn_informer_next(jobs[i], &cursor));) keep_for(room, other, object, pods);
  }
  if (!error) {
    /* A job that can't be read is told so by its pass. */
    tn_error *unreadable = tn_job_read(object, &job);
    *fits = unreadable || place_missing(room, &job, pods, job.min_available);
    tn_error_free(unreadable);
    tn_job_clear(&job);
  }
  tn_room_free(room);
  return error;
}
