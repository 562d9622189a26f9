/* What every transport must do, as test cases. */
#ifndef TESTS_CLUSTER_RPC_CASES_H
#define TESTS_CLUSTER_RPC_CASES_H

#include <pthread.h>

#include "cluster/rpc.h"

/* Runs the cases over transports that MAKE makes, with a service at ADDRESS; the number of failures. */
int rpc_cases_run(const char *name, tn_error *(*make)(tn_transport **out), const char *address);

/* A call that is waited for. */
typedef struct rpc_wait {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int done;
  tn_error *error;
  tn_message *reply;
} rpc_wait;
void rpc_wait_init(rpc_wait *wait);
void rpc_wait_done(void *wait, tn_error *error, tn_message *reply); /* a tn_done_fn */
void rpc_wait_for(rpc_wait *wait);
void rpc_wait_free(rpc_wait *wait);
/* Calls METHOD ("Echo") of the test service with SIZE bytes and waits; free WAIT. */
void rpc_call(tn_transport *transport, const tn_request *request, const void *data, size_t size, rpc_wait *wait);

#endif
