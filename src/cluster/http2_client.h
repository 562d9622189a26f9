/* The client's side of the HTTP/2 transport: calls, and the channels that carry them. */
#ifndef TN_CLUSTER_HTTP2_CLIENT_H
#define TN_CLUSTER_HTTP2_CLIENT_H

#include <stdatomic.h>

#include "cluster/address.h"
#include "cluster/http2_impl.h"

typedef struct tn_channel tn_channel;

typedef struct tn_http2_call {
  tn_call base;
  tn_task start_task;
  tn_http2 *owner;
  struct tn_http2_call *next, **link; /* in the owner's list until it ends */
  char *address, *method;
  tn_message *message;
  int64_t deadline_ns;
  tn_timer *timer;
  tn_metadata *metadata;
  size_t n_metadata;
  tn_done_fn *done;
  void *argument;
  tn_channel *channel;
  tn_stream *stream; /* NULL: it waits for a connection, or for JOB */
  tn_share_job *job; /* its message is being put into shared memory */
  tn_conn *conn;     /* of JOB */
  atomic_bool ended; /* set on the loop's thread */
  bool tried_again;
  /* What the peer answered. */
  int http_status, grpc_status; /* 0, -1: not yet */
  char *grpc_message;
} tn_http2_call;

/* A connection of a client. */
typedef struct tn_http2_link {
  tn_http2 *owner;
  struct tn_http2_link *next, **link;
  tn_channel *channel; /* NULL: it only ends what it has begun */
  tn_conn *conn;
} tn_http2_link;

/* Ends CALL, which has not ended: tells who waits, and the peer. REPLY is a reference. */
void tn_http2_call_end(tn_http2_call *call, tn_error *error, tn_message *reply);
/* Sends CALL over CONN. */
void tn_http2_call_send(tn_http2_call *call, tn_conn *conn);
extern const tn_conn_role tn_http2_client_role;

/* The channel to ADDRESS, made when first asked for. */
tn_error *tn_channel_get(tn_http2 *http2, const char *address, tn_channel **out) TN_MUST_USE;
/* Sends what waits for CHANNEL now, or connects it first. */
void tn_channel_kick(tn_channel *channel);
void tn_channel_opened(tn_channel *channel);
/* Its connection takes no more calls, or is gone: LOST says why (NULL: in order). */
void tn_channel_lost(tn_channel *channel, const tn_error *lost);

#endif
