/* What a transport implements, and what all transports share. */
#ifndef TN_CLUSTER_TRANSPORT_H
#define TN_CLUSTER_TRANSPORT_H

#include <pthread.h>
#include <stdatomic.h>

#include "cluster/pool.h"
#include "cluster/rpc.h"

/* Embedded first in each transport, listener, call and incoming call. */
struct tn_transport {
  tn_clock *clock;
  tn_error *(*call)(tn_transport *transport, const tn_request *request, tn_call **out);
  tn_error *(*listen)(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                      tn_listener **out);
  tn_traffic (*traffic)(tn_transport *transport);
  void (*hold)(tn_transport *transport);  /* NULL: nothing rests */
  void (*flush)(tn_transport *transport); /* NULL with HOLD */
  void (*free)(tn_transport *transport);
};

struct tn_listener {
  char *address;
  atomic_int connections; /* that peers keep open; 0 where the transport has none */
  void (*close)(tn_listener *listener, int64_t grace_ns);
};

struct tn_call {
  atomic_int refs;
  void (*cancel)(tn_call *call);
  void (*destroy)(tn_call *call); /* when the last reference goes */
};

struct tn_incoming {
  const char *method, *peer;
  tn_message *message; /* one part, or NULL for no bytes */
  int64_t deadline_ns;
  const char *(*metadata)(const tn_incoming *incoming, const char *name);
  void (*finish)(tn_incoming *incoming, tn_error *error, tn_message *reply);
  pthread_mutex_t mutex; /* of what is below */
  bool cancelled;
  void (*on_cancel)(void *argument);
  void (*release)(void *argument);
  void *argument;
};

tn_call *tn_call_ref(tn_call *call);
void tn_incoming_init(tn_incoming *incoming);
/* Marks it cancelled and tells who asked for that; once, on the transport's thread. */
void tn_incoming_cancel(tn_incoming *incoming);
/* Drops the message and calls RELEASE; the caller frees the memory. Not while tn_incoming_cancel runs. */
void tn_incoming_deinit(tn_incoming *incoming);

/* A message of one part with SIZE bytes that are still to be written through *DATA; from POOL (NULL: new ones). */
tn_error *tn_message_of_size(tn_pool *pool, size_t size, char **data, tn_message **out) TN_MUST_USE;

/* A copy of N entries with their texts, which a call keeps; NULL when memory is out. */
tn_metadata *tn_metadata_copy(const tn_metadata *metadata, size_t n);
/* Frees it; NULL is allowed. */
void tn_metadata_free(tn_metadata *metadata, size_t n);

#endif
