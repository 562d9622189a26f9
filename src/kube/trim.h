/* What the operator keeps of the objects that it watches: of thousands of pods, that which it looks at. */
#ifndef TN_KUBE_TRIM_H
#define TN_KUBE_TRIM_H

#include "kube/json.h"

/* Each takes out of its object what nobody reads, and writes its kind into it, which lists leave out. Of a pod without
 * a job of ours that is enough to tell what it takes of its node. */
void tn_trim_pod(json_t *pod);
void tn_trim_service(json_t *service);
void tn_trim_claim(json_t *claim);
void tn_trim_node(json_t *node);
void tn_trim_tenon_job(json_t *job);
void tn_trim_tf_job(json_t *job);

#endif
