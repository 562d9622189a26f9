/* A transport inside one process: what listens on it is called on it, by any address that is not empty. For tests, and
 * for a master and a worker in one task. */
#ifndef TN_CLUSTER_LOCAL_H
#define TN_CLUSTER_LOCAL_H

#include "cluster/rpc.h"

tn_error *tn_local_new(tn_transport **out) TN_MUST_USE;

#endif
