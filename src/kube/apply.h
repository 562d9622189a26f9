/* Applying manifests: what kubectl apply does, on the server's side. */
#ifndef TN_KUBE_APPLY_H
#define TN_KUBE_APPLY_H

#include "kube/api.h"

/* The address of MANIFEST's object; NS is used where it names no namespace. INVALID_ARGUMENT for kinds that are not
 * known here. */
tn_error *tn_manifest_path(const json_t *manifest, const char *ns, char path[768]) TN_MUST_USE;
/* Creates the object or changes it to what MANIFEST says. *OUT (may be NULL) is a new reference on what it is now. */
tn_error *tn_apply(tn_api *api, const json_t *manifest, const char *ns, json_t **out) TN_MUST_USE;
/* Waits until the CRD called NAME can be used; DEADLINE_EXCEEDED after 30 s. */
tn_error *tn_wait_established(tn_api *api, const char *name) TN_MUST_USE;

#endif
