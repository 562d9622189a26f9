/* A job's TensorBoard: a pod that sees the volumes of the leader, and a Service in front of it. */
#include <stdio.h>

#include "base/alloc.h"
#include "kube/claims.h"
#include "kube/monitoring.h"
#include "kube/objects.h"

enum { TENSORBOARD_PORT = 6006 };

const char *tn_tensorboard_name(const tn_job *job, char name[256]) {
  snprintf(name, 256, "%.200s-tensorboard", job->name);
  return name;
}

static json_t *label(const tn_job *job, const char *name, const char *value, json_t *labels) {
  char key[128];
  snprintf(key, sizeof key, "%s%s", job->kind->label_prefix, name);
  json_object_set_new(labels, key, json_string(value));
  return labels;
}

static json_t *labels_of(const tn_job *job) {
  json_t *labels = label(job, TN_LABEL_JOB, job->name, json_object());
  return label(job, TN_LABEL_ROLE, "tensorboard", labels);
}

static json_t *metadata(const tn_job *job) {
  char name[256];
  return json_pack("{ss,ss,so,s[o]}", "name", tn_tensorboard_name(job, name), "namespace", job->ns, "labels",
                   label(job, "operator-name", job->kind->operator_name, labels_of(job)), "ownerReferences",
                   tn_owner_reference(job));
}

static int64_t port_of(const tn_job *job) { return tn_json_int(job->tensorboard, "port", TENSORBOARD_PORT); }

static json_t *command(const tn_job *job) {
  const char *folder = tn_json_text(job->tensorboard, "logdir");
  return json_pack("[ssssss,o]", "tensorboard", "--logdir", folder ? folder : "", "--host", "0.0.0.0", "--port",
                   tn_json_textf("%lld", (long long)port_of(job)));
}

tn_error *tn_tensorboard_pod(const tn_job *job, json_t **out) {
  const json_t *template = job->roles[tn_job_leader(job)].template;
  const json_t *leader = tn_json_find(template, "spec.containers", "name", job->kind->container);
  const char *image = tn_json_text(job->tensorboard, "image");
  json_t *own = json_object_get(job->tensorboard, "resources"),
         *security = tn_json_at(template, "spec.securityContext");
  json_t *container =
      json_pack("{ss,ss,so,s[{sI,ss}],sO*,sO*,s{sb,sb,s{s[s]}}}", "name", "tensorboard", "image",
                image ? image : tn_json_text(leader, "image"), "command", command(job), "ports", "containerPort",
                (json_int_t)port_of(job), "name", "http", "volumeMounts", json_object_get(leader, "volumeMounts"),
                "resources", own, "securityContext", "allowPrivilegeEscalation", 0, "readOnlyRootFilesystem", 0,
                "capabilities", "drop", "ALL");
  json_t *pod =
      json_pack("{ss,ss,so,s{s[o],ss,sb,sO*,sO*,sO*}}", "apiVersion", "v1", "kind", "Pod", "metadata", metadata(job),
                "spec", "containers", container, "restartPolicy", "Always", "automountServiceAccountToken", 0,
                "volumes", tn_json_at(template, "spec.volumes"), "imagePullSecrets",
                tn_json_at(template, "spec.imagePullSecrets"), "securityContext", security);
  json_t *spec = json_object_get(pod, "spec"), *volumes = json_copy(json_object_get(spec, "volumes"));
  if (volumes) json_object_set_new(spec, "volumes", volumes); /* not the template's own list */
  if (!pod || !tn_claims_put(job, spec)) {
    json_decref(pod);
    return tn_out_of_memory();
  }
  *out = pod;
  return NULL;
}

tn_error *tn_tensorboard_service(const tn_job *job, json_t **out) {
  json_t *service = json_pack("{ss,ss,so,s{so,s[{sI,ss,ss}]}}", "apiVersion", "v1", "kind", "Service", "metadata",
                              metadata(job), "spec", "selector", labels_of(job), "ports", "port",
                              (json_int_t)port_of(job), "targetPort", "http", "name", "http");
  if (!service) return tn_out_of_memory();
  *out = service;
  return NULL;
}
