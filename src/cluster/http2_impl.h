/* The transport over HTTP/2 from the inside: what its client and its server share. All on the loop's thread. */
#ifndef TN_CLUSTER_HTTP2_IMPL_H
#define TN_CLUSTER_HTTP2_IMPL_H

#include "base/map.h"
#include "cluster/conn.h"
#include "cluster/http2.h"

typedef struct tn_http2 {
  tn_transport base;
  tn_loop *loop;
  char *input; /* the buffer of all connections */
  int64_t silence_ns;
  size_t max_message;
  bool open, ending, network_only;
  char *authorization; /* "Bearer TOKEN"; NULL: none */
  char *server_name;
  tn_tls_context *client_tls, *server_tls; /* NULL: none */
  tn_map *channels;                        /* by address */
  tn_loop *copiers[TN_SHARE_COPIERS];      /* started with the first local connection */
  tn_conn_traffic traffic;
  tn_pool *pool;
  struct tn_http2_call *calls; /* all that have not ended */
  struct tn_http2_link *links; /* all connections as a client */
} tn_http2;

enum { TN_HTTP2_INPUT = 256 << 10 };

/* http2_client.c */
tn_error *tn_http2_start_call(tn_transport *transport, const tn_request *request, tn_call **out);
/* Ends all calls, closes all connections of the client. */
void tn_http2_end_client(void *http2);
/* http2_channel.c; once the loop has stopped */
void tn_channels_free(tn_http2 *http2);

/* http2_server.c */
tn_error *tn_http2_listen(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                          tn_listener **out);

/* The settings for a connection of T over FD. */
tn_conn_settings tn_http2_settings(tn_http2 *t, const tn_conn_role *role, void *user, const char *peer, int fd);

#endif
