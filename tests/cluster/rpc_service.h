/* A service to test transports with: its methods are documented in rpc_service.c. */
#ifndef TESTS_CLUSTER_RPC_SERVICE_H
#define TESTS_CLUSTER_RPC_SERVICE_H

#include <stdatomic.h>

#include "cluster/rpc.h"

typedef struct rpc_service {
  tn_clock *clock;
  /* How many came; how many handlers of Hang began; how many of these heard that nobody waits any more. */
  atomic_int calls, hanging, cancelled;
} rpc_service;

void rpc_service_handle(void *service, tn_incoming *incoming);

#endif
