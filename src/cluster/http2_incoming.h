/* Calls that come in over HTTP/2: what the streams of a server's connections mean. */
#ifndef TN_CLUSTER_HTTP2_INCOMING_H
#define TN_CLUSTER_HTTP2_INCOMING_H

#include "cluster/http2_impl.h"

typedef struct tn_http2_listener tn_http2_listener;

/* http2_server.c */
tn_http2_listener *tn_http2_listener_of(tn_conn *conn);
const tn_http2 *tn_http2_listener_owner(const tn_http2_listener *listener);
void tn_http2_listener_handle(tn_http2_listener *listener, tn_incoming *incoming);

/* The role's functions for streams. */
void tn_http2_incoming_begun(tn_stream *stream);
void tn_http2_incoming_header(tn_stream *stream, const char *name, const char *value, size_t size);
void tn_http2_incoming_headers_end(tn_stream *stream);
void tn_http2_incoming_failed(tn_stream *stream);
void tn_http2_incoming_ended(tn_stream *stream);
void tn_http2_incoming_closed(tn_stream *stream, uint32_t code, const tn_error *lost);
void tn_http2_incoming_sent(tn_stream *stream);

#endif
