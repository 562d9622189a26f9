/* Calling a method and waiting for its answer. */
#ifndef TN_CLUSTER_ASK_H
#define TN_CLUSTER_ASK_H

#include <pthread.h>
#include <tenon/session.h>

#include "cluster/codec.h"

typedef struct tn_question {
  const char *address, *method;
  const tn_layout *layout; /* of REQUEST */
  const void *request;
  int64_t timeout_ns;                  /* 0: none */
  const tn_cancellation *cancellation; /* NULL: none */
  const _Atomic(bool) *closed;         /* ends the call when it becomes true; NULL: none */
} tn_question;

/* The answer, or the peer's error; CANCELLED if it was given up. *REPLY is the caller's. */
tn_error *tn_ask(tn_transport *transport, const tn_question *question, tn_message **reply) TN_MUST_USE;
/* CANCELLED if CANCELLATION (which may be NULL) says so. */
tn_error *tn_cancellation_check(const tn_cancellation *cancellation) TN_MUST_USE;
/* Waits on CONDITION for 10 ms at most: a cancellation can't signal it. */
void tn_wait_a_little(pthread_cond_t *condition, pthread_mutex_t *mutex);

#endif
