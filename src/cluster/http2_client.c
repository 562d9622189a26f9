/* Calls of a client over HTTP/2. */
#include "cluster/http2_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

enum { HEADERS = 64 }; /* that a request has, at most */

/* --- memory --- */

static void destroy_call(tn_call *call) {
  tn_http2_call *c = (tn_http2_call *)call;
  tn_metadata_free(c->metadata, c->n_metadata);
  tn_free(c->address);
  tn_free(c->method);
  tn_free(c->grpc_message);
  tn_message_unref(c->message);
  tn_free(c);
}

static bool copy_request(tn_http2_call *c, const tn_request *r) {
  c->address = tn_strdup(r->address);
  c->method = tn_strdup(r->method);
  c->metadata = tn_metadata_copy(r->metadata, r->n_metadata);
  c->n_metadata = c->metadata ? r->n_metadata : 0;
  return c->address && c->method && c->metadata;
}

/* --- the life of a call --- */

void tn_http2_call_end(tn_http2_call *c, tn_error *error, tn_message *reply) {
  c->ended = true;
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  tn_timer_stop(c->owner->base.clock, c->timer);
  tn_share_abandon(c->job);
  c->job = NULL;
  if (c->stream) {
    c->stream->user = NULL;
    c->stream->deaf = true;
    tn_stream_reset(c->stream, NGHTTP2_CANCEL);
  }
  c->done(c->argument, error, reply);
  tn_call_unref(&c->base);
}

static void over_deadline(void *argument) {
  tn_http2_call *c = argument;
  tn_http2_call_end(
      c, tn_errorf(TN_DEADLINE_EXCEEDED, "%s at %s did not answer within its deadline", c->method, c->address), NULL);
}

static void run_start(tn_task *task) {
  tn_http2_call *c = (tn_http2_call *)((char *)task - offsetof(tn_http2_call, start_task));
  tn_http2 *t = c->owner;
  c->next = t->calls;
  c->link = &t->calls;
  if (c->next) c->next->link = &c->next;
  t->calls = c;
  tn_error *error = t->ending ? tn_errorf(TN_CANCELLED, "%s: the transport has ended", c->address) : NULL;
  if (!error && c->deadline_ns) error = tn_timer_start(t->base.clock, c->deadline_ns, over_deadline, c, &c->timer);
  if (!error) error = tn_channel_get(t, c->address, &c->channel);
  if (error)
    tn_http2_call_end(c, error, NULL);
  else
    tn_channel_kick(c->channel);
}

typedef struct cancel_task {
  tn_task task;
  tn_http2_call *call;
} cancel_task;

static void run_cancel(tn_task *task) {
  tn_http2_call *c = ((cancel_task *)task)->call;
  if (!c->ended) tn_http2_call_end(c, tn_errorf(TN_CANCELLED, "%s at %s was cancelled", c->method, c->address), NULL);
  tn_call_unref(&c->base);
  tn_free(task);
}

static void cancel(tn_call *call) {
  /* A step that is over cancels what it has asked for; most of that has been answered. */
  if (((tn_http2_call *)call)->ended) return;
  cancel_task *t = tn_malloc(sizeof *t);
  if (!t) return;
  *t = (cancel_task){{.run = run_cancel}, (tn_http2_call *)tn_call_ref(call)};
  if (tn_loop_post(t->call->owner->loop, &t->task)) return;
  tn_call_unref(call);
  tn_free(t);
}

tn_error *tn_http2_start_call(tn_transport *transport, const tn_request *r, tn_call **out) {
  tn_http2 *t = (tn_http2 *)transport;
  tn_http2_call *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  c->base = (tn_call){.refs = out ? 2 : 1, .cancel = cancel, .destroy = destroy_call};
  c->owner = t;
  c->message = tn_message_ref(r->message);
  c->deadline_ns = r->deadline_ns;
  c->done = r->done;
  c->argument = r->argument;
  c->start_task.run = run_start;
  c->grpc_status = -1;
  if (!copy_request(c, r)) {
    destroy_call(&c->base);
    return tn_out_of_memory();
  }
  if (out) *out = &c->base;
  tn_loop_post(t->loop, &c->start_task);
  return NULL;
}

/* --- requests --- */

static nghttp2_nv pair(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Sends CALL over CONN; its message is in the segment of JOB (NULL: none). */
static void send_request(tn_http2_call *c, tn_conn *conn, tn_share_job *job) {
  const char *shared = job ? tn_share_header(job) : NULL;
  nghttp2_nv headers[HEADERS];
  size_t n = 0;
  char timeout[16];
  const tn_http2 *t = c->owner;
  headers[n++] = pair(":method", "POST");
  headers[n++] = pair(":scheme", t->client_tls ? "https" : "http");
  headers[n++] = pair(":path", c->method);
  headers[n++] = pair(":authority", tn_address_is_unix(c->address) ? "localhost" : c->address);
  headers[n++] = pair("te", "trailers");
  headers[n++] = pair("content-type", "application/grpc");
  headers[n++] = pair("user-agent", "tenon/" TN_VERSION);
  if (c->deadline_ns) {
    tn_grpc_put_timeout(c->deadline_ns - tn_now_ns(), timeout);
    headers[n++] = pair("grpc-timeout", timeout);
  }
  if (t->authorization) headers[n++] = pair("authorization", t->authorization);
  if (shared) headers[n++] = pair(TN_SHARE_HEADER, shared);
  for (size_t i = 0; i < c->n_metadata && n < HEADERS; i++)
    headers[n++] = pair(c->metadata[i].name, c->metadata[i].value);
  tn_error *error = tn_conn_request(conn, headers, n, shared ? NULL : c->message, c, &c->stream);
  if (error)
    tn_http2_call_end(c, error, NULL);
  else if (shared)
    tn_stream_share(c->stream, job, tn_message_size(c->message));
}

static void shared(void *user, tn_share_job *job, const tn_error *lost) {
  tn_http2_call *c = user;
  c->job = NULL;
  if (lost)
    tn_http2_call_end(c, tn_error_copy(lost), NULL);
  else
    send_request(c, c->conn, job);
}

void tn_http2_call_send(tn_http2_call *c, tn_conn *conn) {
  c->conn = conn;
  if (!tn_conn_shares(conn, c->message)) {
    send_request(c, conn, NULL);
    return;
  }
  tn_error *error = tn_share_start(tn_conn_share(conn), c->message, shared, c, &c->job);
  if (error) tn_http2_call_end(c, error, NULL);
}

/* --- what the peer answers --- */

static void header(tn_stream *s, const char *name, const char *value, size_t size) {
  tn_http2_call *c = s->user;
  if (!c) return;
  if (!strcmp(name, ":status")) c->http_status = atoi(value);
  if (!strcmp(name, "grpc-status")) c->grpc_status = value[0] >= '0' && value[0] <= '9' ? atoi(value) : TN_UNKNOWN;
  if (!strcmp(name, "grpc-message")) {
    tn_free(c->grpc_message);
    c->grpc_message = tn_strndup(value, size);
    if (c->grpc_message) tn_grpc_decode(c->grpc_message);
  }
}

/* What the call's end means; *REPLY gets a reference. */
static tn_error *outcome(const tn_http2_call *c, const tn_stream *s, uint32_t code, const tn_error *lost,
                         tn_message **reply) {
  bool good = c->http_status == 200 && !s->error;
  if (c->grpc_status > 0) {
    tn_code status = c->grpc_status <= TN_UNAUTHENTICATED ? (tn_code)c->grpc_status : TN_UNKNOWN;
    return tn_errorf(status, "%s", c->grpc_message ? c->grpc_message : "");
  }
  if (good && c->grpc_status == 0) {
    if (!s->in) return tn_errorf(TN_INTERNAL, "%s at %s: the answer has no message", c->method, c->address);
    *reply = tn_message_ref(s->in);
    return NULL;
  }
  if (s->error) return tn_error_context(tn_error_copy(s->error), "%s at %s", c->method, c->address);
  if (lost) return tn_error_copy(lost);
  if (c->http_status && c->http_status != 200)
    return tn_errorf(tn_grpc_code_of_http(c->http_status), "%s at %s: HTTP status %d instead of an answer", c->method,
                     c->address, c->http_status);
  return tn_errorf(tn_grpc_code_of_reset(code), "%s at %s: the peer ended the call without a status: %s", c->method,
                   c->address, nghttp2_http2_strerror(code));
}

static void closed(tn_stream *s, uint32_t code, const tn_error *lost) {
  tn_http2_call *c = s->user;
  if (!c) return;
  c->stream = NULL;
  if (code == NGHTTP2_REFUSED_STREAM && !lost && !c->tried_again) {
    /* The peer has not looked at it, as when it is going away: another connection may take it. */
    c->tried_again = true;
    tn_channel_kick(c->channel);
    return;
  }
  tn_message *reply = NULL;
  tn_error *error = outcome(c, s, code, lost, &reply);
  tn_http2_call_end(c, error, reply);
}

static void failed(tn_stream *s) {
  tn_http2_call *c = s->user;
  tn_message *reply = NULL;
  if (c) tn_http2_call_end(c, outcome(c, s, NGHTTP2_CANCEL, NULL, &reply), reply);
}

static void nothing(tn_stream *s) { (void)s; }

static void opened(tn_conn *conn) {
  tn_http2_link *l = tn_conn_user(conn);
  if (l->channel) tn_channel_opened(l->channel);
}

static void going_away(tn_conn *conn) {
  tn_http2_link *l = tn_conn_user(conn);
  tn_channel *channel = l->channel;
  l->channel = NULL;
  if (channel) tn_channel_lost(channel, NULL);
}

static void gone(tn_conn *conn, const tn_error *lost) {
  tn_http2_link *l = tn_conn_user(conn);
  *l->link = l->next;
  if (l->next) l->next->link = l->link;
  if (l->channel) tn_channel_lost(l->channel, lost);
  tn_free(l);
}

const tn_conn_role tn_http2_client_role = {
    .opened = opened,
    .header = header,
    .headers_end = nothing,
    .failed = failed,
    .ended = nothing,
    .closed = closed,
    .going_away = going_away,
    .gone = gone,
};

void tn_http2_end_client(void *argument) {
  tn_http2 *t = argument;
  t->ending = true;
  while (t->calls) {
    tn_http2_call *c = t->calls;
    tn_http2_call_end(c, tn_errorf(TN_CANCELLED, "%s at %s was cancelled: the transport ends", c->method, c->address),
                      NULL);
  }
  while (t->links) {
    t->links->channel = NULL;
    tn_conn_close(t->links->conn, NULL);
  }
}
