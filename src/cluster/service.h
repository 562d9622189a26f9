/* The services of a task as calls come in over a transport: MasterService, WorkerService, and what Tenon's workers say
 * to each other. */
#ifndef TN_CLUSTER_SERVICE_H
#define TN_CLUSTER_SERVICE_H

#include <pthread.h>

#include "cluster/master.h"
#include "cluster/sent.h"

typedef struct tn_service {
  tn_transport *transport; /* over which calls come */
  tn_master *master;
  tn_worker *worker;
  tn_sent *sent; /* what was sent to other workers */
  bool narrow;   /* large floats go to them as bfloat16 */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  size_t running; /* calls that are being answered */
} tn_service;

tn_error *tn_service_init(tn_service *service, tn_transport *transport, tn_master *master,
                          tn_worker *worker) TN_MUST_USE;
/* Frees what it has itself, once no call comes any more. */
void tn_service_clear(tn_service *service);
/* A tn_handler_fn; ARGUMENT is the service. UNIMPLEMENTED for methods that there are not. */
void tn_service_handle(void *argument, tn_incoming *incoming);
/* Waits until no call is being answered; nobody may bring more. */
void tn_service_drain(tn_service *service);

#endif
