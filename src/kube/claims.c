/* Claims on storage that are made for a job. */
#include "kube/claims.h"

#include <stdio.h>

#include "base/alloc.h"
#include "kube/objects.h"

const char *tn_claim_name(const tn_job *job, size_t i, char name[256]) {
  const char *own = tn_json_text(json_array_get(job->claims, i), "metadata.name");
  snprintf(name, 256, "%.120s-%.120s", job->name, own ? own : "");
  return name;
}

tn_error *tn_claim_make(const tn_job *job, size_t i, json_t **out) {
  char name[256];
  const json_t *template = json_array_get(job->claims, i);
  json_t *head = tn_object_metadata(job, tn_claim_name(job, i, name), json_object_get(template, "metadata"));
  json_t *claim = json_pack("{ss,ss,so,sO}", "apiVersion", "v1", "kind", "PersistentVolumeClaim", "metadata", head,
                            "spec", json_object_get(template, "spec"));
  if (!claim) return tn_out_of_memory();
  if (!job->claims_go) json_object_del(head, "ownerReferences");
  *out = claim;
  return NULL;
}

bool tn_claims_put(const tn_job *job, json_t *spec) {
  bool done = true;
  for (size_t i = 0; i < json_array_size(job->claims); i++) {
    const char *own = tn_json_text(json_array_get(job->claims, i), "metadata.name");
    if (!own || tn_json_find(spec, "volumes", "name", own)) continue;
    json_t *list = json_object_get(spec, "volumes");
    if (!list && json_object_set_new(spec, "volumes", list = json_array())) return false;
    char name[256];
    done &= !json_array_append_new(
        list, json_pack("{ss,s{ss}}", "name", own, "persistentVolumeClaim", "claimName", tn_claim_name(job, i, name)));
  }
  return done;
}
