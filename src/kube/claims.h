/* A job's own claims on storage, made of its `volumeClaimTemplates`: one for the whole job each, called JOB-TEMPLATE.
 */
#ifndef TN_KUBE_CLAIMS_H
#define TN_KUBE_CLAIMS_H

#include "kube/job.h"

/* The name of the claim of template I. */
const char *tn_claim_name(const tn_job *job, size_t i, char name[256]);
/* Claim I as an object. It goes with the job if the job says so, else it stays. *OUT is a new reference. */
tn_error *tn_claim_make(const tn_job *job, size_t i, json_t **out) TN_MUST_USE;
/* Adds a volume of each claim, called as its template is, to a pod's SPEC; one of that name that is there stays. False
 * when memory is out. */
bool tn_claims_put(const tn_job *job, json_t *spec);

#endif
