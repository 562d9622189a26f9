/* The two kinds of jobs: our own, and Kubeflow's TFJob, whose manifests run as they are. */
#include <string.h>

#include "kube/job.h"

const tn_job_kind tn_tenon_job = {
    .kind = "TenonJob",
    .api_version = "tenon.dev/v1",
    .group = "tenon.dev",
    .version = "v1",
    .plural = "tenonjobs",
    .label_prefix = "tenon.dev/",
    .operator_name = "tenon-operator",
    .container = "tenon",
    .port_name = "tenon",
    .replicas_path = "spec.replicas",
    .policy_path = "spec.runPolicy",
    .roles = {"chief", "ps", "worker", "evaluator"},
    .event_prefix = "Job",
};

const tn_job_kind tn_tf_job = {
    .kind = "TFJob",
    .api_version = "kubeflow.org/v1",
    .group = "kubeflow.org",
    .version = "v1",
    .plural = "tfjobs",
    .label_prefix = "training.kubeflow.org/",
    .operator_name = "tfjob-controller",
    .container = "tensorflow",
    .port_name = "tfjob-port",
    .replicas_path = "spec.tfReplicaSpecs",
    .policy_path = "spec.runPolicy",
    .roles = {"Chief", "PS", "Worker", "Evaluator"},
    .event_prefix = "TFJob",
    .service_per_replica = true,
};

const char *tn_role_name(tn_role role) { return tn_tenon_job.roles[role]; }

const tn_job_kind *tn_job_kind_of(const json_t *object) {
  static const tn_job_kind *const kinds[] = {&tn_tenon_job, &tn_tf_job};
  const char *version = tn_json_text(object, "apiVersion"), *kind = tn_json_text(object, "kind");
  for (int i = 0; version && kind && i < 2; i++)
    if (!strcmp(kinds[i]->api_version, version) && !strcmp(kinds[i]->kind, kind)) return kinds[i];
  return NULL;
}
