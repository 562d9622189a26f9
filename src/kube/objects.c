/* Makes the pods and Services of a job. Names follow from the job's name alone, so that making one twice is refused by
 * the apiserver and nothing need be remembered. */
#include "kube/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "kube/claims.h"
#include "kube/gang.h"
#include "kube/monitoring.h"

static bool put_label(json_t *labels, const tn_job *job, const char *label, json_t *value) {
  char key[128];
  snprintf(key, sizeof key, "%s%s", job->kind->label_prefix, label);
  return json_object_set_new(labels, key, value) == 0;
}

const char *tn_object_label(const tn_job *job, const json_t *object, const char *label) {
  char key[128];
  snprintf(key, sizeof key, "%s%s", job->kind->label_prefix, label);
  return tn_json_label(object, key);
}

bool tn_object_place(const tn_job *job, const json_t *object, tn_role *role, int *index) {
  const char *type = tn_object_label(job, object, TN_LABEL_ROLE), *place = tn_object_label(job, object, TN_LABEL_INDEX);
  if (!type || !place) return false;
  char *end;
  long i = strtol(place, &end, 10);
  for (int r = 0; r < TN_N_ROLES; r++)
    if (!strcasecmp(tn_role_name((tn_role)r), type) && *place && !*end && i >= 0 && i < 1 << 20) {
      *role = (tn_role)r;
      *index = (int)i;
      return true;
    }
  return false;
}

bool tn_object_owned(const tn_job *job, const json_t *object, bool *orphan) {
  size_t i;
  json_t *owner;
  *orphan = true;
  json_array_foreach(tn_json_at(object, "metadata.ownerReferences"), i, owner) {
    if (!tn_json_flag(owner, "controller", false)) continue;
    *orphan = false;
    const char *uid = tn_json_text(owner, "uid");
    if (uid && !strcmp(uid, job->uid)) return true;
  }
  return false;
}

json_t *tn_owner_reference(const tn_job *job) {
  return json_pack("{ss,ss,ss,ss,sb,sb}", "apiVersion", job->kind->api_version, "kind", job->kind->kind, "name",
                   job->name, "uid", job->uid, "controller", 1, "blockOwnerDeletion", 1);
}

json_t *tn_object_metadata(const tn_job *job, const char *name, const json_t *like) {
  json_t *labels = json_deep_copy(tn_json_at(like, "labels")), *notes = json_deep_copy(tn_json_at(like, "annotations"));
  if (!labels) labels = json_object();
  bool done = put_label(labels, job, "operator-name", json_string(job->kind->operator_name));
  done &= put_label(labels, job, TN_LABEL_JOB, json_string(job->name));
  json_t *made = json_pack("{ss,ss,so,s[o]}", "name", name, "namespace", job->ns, "labels", labels, "ownerReferences",
                           tn_owner_reference(job));
  if (notes && made) json_object_set_new(made, "annotations", notes);
  if (done) return made;
  json_decref(made);
  return NULL;
}

/* "NAME:PORT" under which others reach the replica. */
static json_t *address(const tn_job *job, tn_role role, int index) {
  char name[256], host[600];
  const char *domain = getenv("CUSTOM_CLUSTER_DOMAIN");
  tn_replica_name(job, role, index, name);
  if (job->kind->service_per_replica)
    snprintf(host, sizeof host, "%s.%s.svc", name, job->ns);
  else
    snprintf(host, sizeof host, "%s.%s.%s.svc", name, job->name, job->ns);
  return tn_json_textf("%s%s%s:%d", host, domain ? "." : "", domain ? domain : "", tn_job_port(job, role));
}

/* The addresses of a role: all of them, or of an elastic job's workers the one itself. */
static json_t *addresses(const tn_job *job, tn_role role, tn_role own, int index) {
  char key[16];
  if (job->elastic && role == TN_ROLE_WORKER) {
    if (own != TN_ROLE_WORKER) return NULL;
    snprintf(key, sizeof key, "%d", index);
    return json_pack("{so}", key, address(job, role, index));
  }
  json_t *list = json_array();
  for (int i = 0; i < job->roles[role].count; i++) json_array_append_new(list, address(job, role, i));
  return list;
}

json_t *tn_tf_config(const tn_job *job, tn_role role, int index) {
  json_t *cluster = json_object();
  for (int r = 0; r < TN_N_ROLES; r++) {
    json_t *list = job->roles[r].count ? addresses(job, (tn_role)r, role, index) : NULL;
    if (list) json_object_set_new(cluster, tn_role_name((tn_role)r), list);
  }
  json_t *config = json_pack("{so,s{ss,si},ss}", job->elastic ? "sparseCluster" : "cluster", cluster, "task", "type",
                             tn_role_name(role), "index", index, "environment", "cloud");
  char *text = json_dumps(config, JSON_COMPACT);
  json_decref(config);
  json_t *made = json_string(text);
  free(text);
  return made;
}

static bool fill_container(const tn_job *job, tn_role role, int index, json_t *container) {
  bool done = true;
  /* The end of a failed program's log becomes the reason that its job gives. */
  if (!json_object_get(container, "terminationMessagePolicy"))
    done = !json_object_set_new(container, "terminationMessagePolicy", json_string("FallbackToLogsOnError"));
  /* Tasks are reached from other nodes; who may reach them is the cluster's policy, unless there are certificates. */
  if (tn_job_total(job) > 1) done &= tn_container_variable(container, "TENON_OPEN", json_string("1"));
  if (tn_job_total(job) > 1) done &= tn_container_variable(container, "TF_CONFIG", tn_tf_config(job, role, index));
  if (tn_json_find(container, "ports", "name", job->kind->port_name)) return done;
  json_t *list = json_object_get(container, "ports");
  if (!list) {
    list = json_array();
    if (json_object_set_new(container, "ports", list)) return false;
  }
  return done && !json_array_append_new(
                     list, json_pack("{si,ss}", "containerPort", tn_job_port(job, role), "name", job->kind->port_name));
}

static bool fill_labels(const tn_job *job, tn_role role, int index, int64_t generation, json_t *labels) {
  bool done = put_label(labels, job, TN_LABEL_ROLE, json_string(tn_role_name(role)));
  done &= put_label(labels, job, TN_LABEL_INDEX, tn_json_textf("%d", index));
  if (job->generations)
    done &= put_label(labels, job, TN_LABEL_GENERATION, tn_json_textf("%lld", (long long)generation));
  if (index == 0 && role == tn_job_leader(job)) done &= put_label(labels, job, "job-role", json_string("master"));
  return done;
}

/* A pod of a lost node goes after ten seconds, not after Kubernetes' five minutes: the others wait for it. What the
 * template says of such nodes holds. */
static bool put_tolerations(json_t *spec) {
  static const char *const keys[] = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"};
  json_t *list = json_object_get(spec, "tolerations"), *one;
  size_t i;
  json_array_foreach(list, i, one) {
    const char *key = tn_json_text(one, "key");
    if (!key || !strcmp(key, keys[0]) || !strcmp(key, keys[1])) return true;
  }
  if (!list && json_object_set_new(spec, "tolerations", list = json_array())) return false;
  bool done = true;
  for (int k = 0; k < 2; k++)
    done &= !json_array_append_new(list, json_pack("{ss,ss,ss,si}", "key", keys[k], "operator", "Exists", "effect",
                                                   "NoExecute", "tolerationSeconds", 10));
  return done;
}

tn_error *tn_pod_make(const tn_job *job, tn_role role, int index, int64_t generation, json_t **out) {
  static const char *const policies[] = {"Never", "Never", "OnFailure", "Always"};
  const tn_replicas *r = &job->roles[role];
  char name[256];
  tn_replica_name(job, role, index, name);
  json_t *spec = json_deep_copy(json_object_get(r->template, "spec"));
  json_t *head = tn_object_metadata(job, name, json_object_get(r->template, "metadata"));
  json_t *pod = json_pack("{ss,ss,so,so}", "apiVersion", "v1", "kind", "Pod", "metadata", head, "spec", spec);
  bool done = pod && fill_labels(job, role, index, generation, json_object_get(head, "labels"));
  json_t *container = tn_json_find(spec, "containers", "name", job->kind->container);
  done = done && fill_container(job, role, index, container) && tn_monitoring_put(job, role, index, pod, container);
  done = done && put_tolerations(spec) && tn_claims_put(job, spec);
  done = done && tn_json_put(spec, "restartPolicy", json_string(policies[r->restart]));
  if (done && !job->kind->service_per_replica)
    done = tn_json_put(spec, "hostname", json_string(name)) && tn_json_put(spec, "subdomain", json_string(job->name));
  if (!done || !tn_gang_mark(job, pod)) {
    json_decref(pod);
    return tn_out_of_memory();
  }
  *out = pod;
  return NULL;
}

const char *tn_service_name(const tn_job *job, tn_role role, int index, char name[256]) {
  if (job->kind->service_per_replica) return tn_replica_name(job, role, index, name);
  snprintf(name, 256, "%.200s", job->name);
  return name;
}

/* All ports of the container that counts; at least the one that tasks listen on. */
static json_t *service_ports(const tn_job *job, tn_role role) {
  json_t *ports = json_array();
  const json_t *container = tn_json_find(job->roles[role].template, "spec.containers", "name", job->kind->container);
  size_t i;
  json_t *port;
  json_array_foreach(json_object_get(container, "ports"), i, port) {
    json_t *number = json_object_get(port, "containerPort"), *name = json_object_get(port, "name");
    json_t *made = json_pack("{sO,sO}", "port", number, "targetPort", number);
    if (name) json_object_set(made, "name", name);
    json_array_append_new(ports, made);
  }
  if (!tn_json_find(container, "ports", "name", job->kind->port_name)) {
    int number = tn_job_port(job, role);
    json_array_append_new(ports,
                          json_pack("{si,si,ss}", "port", number, "targetPort", number, "name", job->kind->port_name));
  }
  return ports;
}

tn_error *tn_service_make(const tn_job *job, tn_role role, int index, json_t **out) {
  char name[256];
  json_t *head = tn_object_metadata(job, tn_service_name(job, role, index, name), NULL);
  json_t *labels = json_object_get(head, "labels"), *selector = json_object();
  bool done = head && put_label(selector, job, TN_LABEL_JOB, json_string(job->name));
  if (job->kind->service_per_replica) {
    done = done && fill_labels(job, role, index, 0, labels);
    done = done && put_label(selector, job, TN_LABEL_ROLE, json_string(tn_role_name(role)));
    done = done && put_label(selector, job, TN_LABEL_INDEX, tn_json_textf("%d", index));
  }
  json_t *service = json_pack("{ss,ss,so,s{ss,sb,so,so}}", "apiVersion", "v1", "kind", "Service", "metadata", head,
                              "spec", "clusterIP", "None", "publishNotReadyAddresses", 1, "selector", selector, "ports",
                              service_ports(job, role));
  if (!done || !service) {
    json_decref(service);
    return tn_out_of_memory();
  }
  *out = service;
  return NULL;
}
