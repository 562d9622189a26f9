/* Makes objects small before they are kept. A JSON object takes some 250 bytes even if it is empty, and each of its
 * values a hundred: what is not there counts. */
#include "kube/trim.h"

#include <string.h>

#include "kube/gang.h"
#include "kube/job.h"

/* An object with those of FROM's values that are named. */
static json_t *subset(const json_t *from, const char *const names[]) {
  json_t *made = json_object();
  for (int i = 0; names[i]; i++) {
    json_t *value = json_object_get(from, names[i]);
    if (value) json_object_set(made, names[i], value);
  }
  return made;
}

/* The array of the subsets of LIST's objects; NULL if there is no list. */
static json_t *subsets(const json_t *list, const char *const names[]) {
  if (!json_is_array(list)) return NULL;
  json_t *made = json_array(), *object;
  size_t i;
  json_array_foreach(list, i, object) json_array_append_new(made, subset(object, names));
  return made;
}

static void put(json_t *object, const char *name, json_t *value) {
  if (value) json_object_set_new(object, name, value);
}

static void trim_metadata(json_t *object, const char *kind) {
  static const char *const kept[] = {"name",   "namespace",         "uid", "resourceVersion",
                                     "labels", "deletionTimestamp", NULL},
                           *const of_owners[] = {"uid", "controller", NULL};
  const json_t *old = json_object_get(object, "metadata");
  json_t *metadata = subset(old, kept);
  put(metadata, "ownerReferences", subsets(json_object_get(old, "ownerReferences"), of_owners));
  put(object, "metadata", metadata);
  put(object, "kind", json_string(kind));
}

/* That a pod is to go, and why it has no node. */
static json_t *conditions(const json_t *list) {
  static const char *const kept[] = {"type", "status", "reason", "message", NULL};
  json_t *made = json_array(), *condition;
  size_t i;
  json_array_foreach(list, i, condition) {
    const char *type = tn_json_text(condition, "type"), *status = tn_json_text(condition, "status");
    bool placed = type && status && !strcmp(type, "PodScheduled") && !strcmp(status, "True");
    if (type && !placed && (!strcmp(type, "PodScheduled") || !strcmp(type, "DisruptionTarget")))
      json_array_append_new(made, subset(condition, kept));
  }
  return made;
}

/* Whether containers run or have ended, and how. */
static json_t *containers(const json_t *list) {
  static const char *const kept[] = {"name", "restartCount", NULL}, *const of_states[] = {"waiting", NULL},
                           *const of_ends[] = {"exitCode", "reason", "message", NULL};
  json_t *made = json_array(), *container;
  size_t i;
  json_array_foreach(list, i, container) {
    json_t *one = subset(container, kept), *state = subset(json_object_get(container, "state"), of_states);
    const json_t *end = tn_json_at(container, "state.terminated");
    if (end) put(state, "terminated", subset(end, of_ends));
    put(one, "state", state);
    json_array_append_new(made, one);
  }
  return made;
}

void tn_trim_pod(json_t *pod) {
  static const char *const kept[] = {"phase", "reason", "message", "podIP", NULL};
  const json_t *old = json_object_get(pod, "status"), *was = json_object_get(pod, "spec");
  json_t *status = subset(old, kept), *node = json_object_get(was, "nodeName"),
         *spec = json_pack("{so}", "requests", tn_requests(was));
  put(status, "conditions", conditions(json_object_get(old, "conditions")));
  put(status, "containerStatuses", containers(json_object_get(old, "containerStatuses")));
  /* Which nodes it may be on matters until it is on one. */
  put(spec, node ? "nodeName" : "tolerations", json_incref(node ? node : json_object_get(was, "tolerations")));
  put(pod, "status", status);
  put(pod, "spec", spec);
  trim_metadata(pod, "Pod");
}

void tn_trim_service(json_t *service) {
  json_object_del(service, "spec");
  json_object_del(service, "status");
  trim_metadata(service, "Service");
}

/* Of a claim it matters that it is there. */
void tn_trim_claim(json_t *claim) {
  json_object_del(claim, "spec");
  json_object_del(claim, "status");
  trim_metadata(claim, "PersistentVolumeClaim");
}

void tn_trim_node(json_t *node) {
  static const char *const dropped[] = {"images", "nodeInfo", "addresses", "capacity", NULL};
  for (int i = 0; dropped[i]; i++) json_object_del(json_object_get(node, "status"), dropped[i]);
}

static void trim_job(json_t *job, const tn_job_kind *kind) {
  json_object_del(tn_json_at(job, "metadata.annotations"), "kubectl.kubernetes.io/last-applied-configuration");
  put(job, "kind", json_string(kind->kind));
  put(job, "apiVersion", json_string(kind->api_version));
}

void tn_trim_tenon_job(json_t *job) { trim_job(job, &tn_tenon_job); }

void tn_trim_tf_job(json_t *job) { trim_job(job, &tn_tf_job); }
