/* Leader election by a Lease of coordination.k8s.io: who holds it leads. */
#ifndef TN_KUBE_LEASE_H
#define TN_KUBE_LEASE_H

#include "kube/api.h"

enum { TN_LEASE_S = 15, TN_LEASE_RENEW_S = 2, TN_LEASE_GIVE_UP_S = 10 };

typedef struct tn_lease tn_lease;
/* IDENTITY must be another for every process. */
tn_error *tn_lease_new(tn_api *api, const char *ns, const char *name, const char *identity, tn_lease **out) TN_MUST_USE;
void tn_lease_free(tn_lease *lease);
/* Asks, renews; returns when to call it again, as tn_informer_step does. */
int64_t tn_lease_step(tn_lease *lease, int64_t now_ns);
bool tn_lease_held(const tn_lease *lease);
/* It was held, and could not be renewed in time: others may lead now. */
bool tn_lease_lost(const tn_lease *lease);
/* Gives it back, so that nobody has to wait for its end. Waits for the answer. */
void tn_lease_release(tn_lease *lease);

#endif
