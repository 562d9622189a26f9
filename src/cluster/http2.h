/* The transport over HTTP/2: gRPC's protocol for unary calls, over TCP and Unix sockets, with or without TLS.
 * Addresses: "host:port", "127.0.0.1:port", "[::1]:port", "unix:PATH". One thread serves all connections of a
 * transport. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
#ifndef TN_CLUSTER_HTTP2_H
#define TN_CLUSTER_HTTP2_H

#include "cluster/rpc.h"

/* All zero are the defaults; texts are copied. A client speaks TLS if CERTIFICATE or AUTHORITY is given, a server if
 * CERTIFICATE is. Without AUTHORITY a client trusts the system's. */
typedef struct tn_http2_options {
  int64_t silence_ns; /* a peer that says nothing for so long, though it is asked to, is lost: 5 s */
  size_t max_message; /* the largest message that is received, in bytes: 2^31 - 1 */
  const char *token;  /* sent with each call as "authorization: Bearer TOKEN", and demanded of callers */
  /* TLS, with PEM files. With AUTHORITY a client checks the server's certificate against it, and a server demands a
   * client certificate that it signed. */
  const char *certificate, *key, *authority;
  const char *server_name; /* the name in the server's certificate; NULL: the host that is called */
  bool network_only;       /* no detours by Unix sockets and shared memory between tasks of one user at one host */
  bool open;               /* may listen where other machines reach it without TLS; else only at loopback addresses */
} tn_http2_options;

/* What the environment says, for servers and sessions that nobody configures otherwise: TENON_TOKEN, TENON_CERTIFICATE,
 * TENON_KEY, TENON_AUTHORITY, TENON_SILENCE (seconds), TENON_NETWORK_ONLY (1). The texts are the environment's. */
tn_error *tn_http2_from_environment(tn_http2_options *out) TN_MUST_USE;
/* OPTIONS may be NULL. A file of TLS that can't be used is INVALID_ARGUMENT. */
tn_error *tn_http2_new(const tn_http2_options *options, tn_transport **out) TN_MUST_USE;

#endif
