/* Opening a cluster, finding a job in it. */
#include "cli/kube.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kube/job.h"
#include "kube/status.h"

tn_error *cli_kube_open(cli_kube *k) {
  TN_TRY(tn_kube_config_load(k->kubeconfig, k->context, &k->config));
  if (!k->ns) k->ns = k->config.ns;
  tn_error *error = tn_api_new(&k->config, &k->api);
  if (error) tn_kube_config_clear(&k->config);
  return error;
}

void cli_kube_close(cli_kube *k) {
  tn_api_free(k->api);
  tn_kube_config_clear(&k->config);
}

static const tn_job_kind *const kinds[] = {&tn_tenon_job, &tn_tf_job};

tn_error *cli_kube_job(cli_kube *k, const char *name, json_t **out) {
  for (int i = 0; i < 2; i++) {
    char path[512];
    snprintf(path, sizeof path, "/apis/%s/namespaces/%s/%s/%s", kinds[i]->api_version, k->ns, kinds[i]->plural, name);
    tn_error *error = tn_api_do(k->api, "GET", path, NULL, out);
    if (tn_error_code(error) != TN_NOT_FOUND) return error;
    tn_error_free(error);
  }
  return tn_errorf(TN_NOT_FOUND, "there is no job '%s' in namespace %s; `tenon jobs` lists those that there are", name,
                   k->ns);
}

tn_error *cli_kube_patch(cli_kube *k, const json_t *job, json_t *patch) {
  const tn_job_kind *kind = tn_job_kind_of(job);
  char path[512];
  snprintf(path, sizeof path, "/apis/%s/namespaces/%s/%s/%s", kind->api_version, k->ns, kind->plural,
           tn_json_text(job, "metadata.name"));
  tn_api_request request = {.method = "PATCH", .path = path, .content_type = TN_MERGE_PATCH, .body = patch};
  tn_error *error = tn_api_ask(k->api, &request, NULL);
  json_decref(patch);
  return error;
}

const char *cli_job_state(const json_t *job) { return tn_status_state(tn_json_at(job, "status")); }
