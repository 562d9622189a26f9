/* Server-side apply. */
#include "kube/apply.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"

static const struct {
  const char *kind, *plural;
  bool cluster; /* in no namespace */
} kinds[] = {
    {"ClusterRole", "clusterroles", true},
    {"ClusterRoleBinding", "clusterrolebindings", true},
    {"ConfigMap", "configmaps", false},
    {"CustomResourceDefinition", "customresourcedefinitions", true},
    {"Deployment", "deployments", false},
    {"Namespace", "namespaces", true},
    {"NetworkPolicy", "networkpolicies", false},
    {"PersistentVolumeClaim", "persistentvolumeclaims", false},
    {"Role", "roles", false},
    {"RoleBinding", "rolebindings", false},
    {"Secret", "secrets", false},
    {"Service", "services", false},
    {"ServiceAccount", "serviceaccounts", false},
    {"TFJob", "tfjobs", false},
    {"TenonJob", "tenonjobs", false},
};

tn_error *tn_manifest_path(const json_t *manifest, const char *ns, char path[768]) {
  const char *kind = tn_json_text(manifest, "kind"), *version = tn_json_text(manifest, "apiVersion");
  const char *name = tn_json_text(manifest, "metadata.name"), *own = tn_json_text(manifest, "metadata.namespace");
  if (!kind || !version || !name)
    return tn_errorf(TN_INVALID_ARGUMENT, "the manifest lacks %s",
                     !kind      ? "kind"
                     : !version ? "apiVersion"
                                : "metadata.name");
  const char *root = strchr(version, '/') ? "/apis" : "/api";
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].kind, kind)) continue;
    if (kinds[i].cluster)
      snprintf(path, 768, "%s/%.120s/%s/%.250s", root, version, kinds[i].plural, name);
    else
      snprintf(path, 768, "%s/%.120s/namespaces/%.120s/%s/%.250s", root, version, own ? own : ns, kinds[i].plural,
               name);
    return NULL;
  }
  return tn_errorf(TN_INVALID_ARGUMENT, "manifests of kind %s can't be applied here; kubectl can", kind);
}

tn_error *tn_apply(tn_api *api, const json_t *manifest, const char *ns, json_t **out) {
  char path[768], whole[832];
  TN_TRY(tn_manifest_path(manifest, ns, path));
  snprintf(whole, sizeof whole, "%s?fieldManager=tenon&force=true", path);
  tn_api_request request = {.method = "PATCH", .path = whole, .content_type = TN_APPLY_PATCH, .body = manifest};
  return tn_error_context(tn_api_ask(api, &request, out), "%s %s", tn_json_text(manifest, "kind"),
                          tn_json_text(manifest, "metadata.name"));
}

tn_error *tn_wait_established(tn_api *api, const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/%s", name);
  for (int64_t end = tn_now_ns() + 30000000000LL; tn_now_ns() < end;) {
    json_t *crd = NULL;
    TN_TRY(tn_api_do(api, "GET", path, NULL, &crd));
    const char *status = tn_json_text(tn_json_find(crd, "status.conditions", "type", "Established"), "status");
    bool done = status && !strcmp(status, "True");
    json_decref(crd);
    if (done) return NULL;
    TN_TRY(tn_api_poll(api, 100));
  }
  return tn_errorf(TN_DEADLINE_EXCEEDED, "the CRD %s was applied, but the apiserver does not serve it after 30 s",
                   name);
}
