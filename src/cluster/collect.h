/* Taking several tensors out of a rendezvous. */
#ifndef TN_CLUSTER_COLLECT_H
#define TN_CLUSTER_COLLECT_H

#include "cluster/codec.h"
#include "kernel/rendezvous.h"

/* What came: N values. DONE is called once, when all are there or one failed for good, from whatever thread brought the
 * last; it must not block. VALUES are to be cleared by it. */
typedef struct tn_collected {
  tn_error *error; /* the callee's */
  size_t n;
  tn_tensor *values;
  bool *dead;
} tn_collected;
typedef void tn_collect_done(void *argument, tn_collected *collected);

/* How a value is asked for: tn_rendezvous_recv_local, or a worker's. */
typedef void tn_collect_ask(void *from, const char *key, tn_rendezvous_done done, void *argument);

/* Asks FROM for all KEYS (texts). On an error DONE is not called. */
tn_error *tn_collect(const tn_repeated *keys, tn_collect_ask *ask, void *from, tn_collect_done *done,
                     void *argument) TN_MUST_USE;

#endif
