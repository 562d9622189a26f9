/* A call that comes in: its headers are checked, its message awaited, the handler called, the answer sent. */
#include "cluster/http2_incoming.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

enum { MOST_HEADERS = 128, MOST_HEADER_BYTES = 64 << 10 };

typedef struct incoming {
  tn_incoming base;
  tn_task finish_task;
  tn_loop *loop;
  tn_clock *clock;
  tn_stream *stream; /* NULL: nobody waits for the answer */
  tn_metadata *headers;
  size_t n_headers, header_bytes;
  char *peer;
  tn_timer *timer;
  tn_share_job *job; /* its reply is being put into shared memory */
  bool delivered;    /* the handler has it and has not finished */
  tn_error *error;
  tn_message *reply;
} incoming;

static void free_incoming(incoming *in) {
  for (size_t i = 0; i < in->n_headers; i++) tn_free((char *)in->headers[i].name);
  tn_timer_stop(in->clock, in->timer);
  tn_incoming_deinit(&in->base);
  tn_error_free(in->error);
  tn_message_unref(in->reply);
  tn_loop_unref(in->loop);
  tn_free(in->headers);
  tn_free(in->peer);
  tn_free(in);
}

/* Takes the call off its stream; frees it unless the handler has it. */
static void let_go(incoming *in) {
  tn_timer_stop(in->clock, in->timer);
  in->timer = NULL;
  tn_share_abandon(in->job);
  in->job = NULL;
  if (in->stream) in->stream->user = NULL;
  in->stream = NULL;
  if (!in->delivered) free_incoming(in);
}

/* --- answers --- */

static nghttp2_nv pair(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Answers with an error's status and nothing else. What still comes is ignored. */
static void answer_error(tn_stream *s, const tn_error *error) {
  char status[16];
  tn_str text = {0};
  snprintf(status, sizeof status, "%d", (int)tn_error_code(error));
  tn_grpc_encode(&text, tn_error_message(error));
  const nghttp2_nv headers[] = {pair(":status", "200"), pair("content-type", "application/grpc"),
                                pair("grpc-status", status), pair("grpc-message", text.data ? text.data : "")};
  s->deaf = true;
  tn_error *failed = tn_stream_respond(s, headers, sizeof headers / sizeof *headers, NULL);
  if (failed) tn_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
  tn_error_free(failed);
  tn_str_clear(&text);
}

/* Answers with REPLY, which is in the segment of JOB (NULL: none); a failure to do so is the peer's to see. */
static void answer(tn_stream *s, tn_message *reply, tn_share_job *job) {
  const char *shared = job ? tn_share_header(job) : NULL;
  const nghttp2_nv headers[] = {pair(":status", "200"), pair("content-type", "application/grpc"),
                                pair("grpc-accept-encoding", "identity"), pair(TN_SHARE_HEADER, shared ? shared : "")};
  size_t n = sizeof headers / sizeof *headers - !shared;
  tn_message *empty = NULL;
  tn_error *error = reply && !shared ? NULL : tn_message_new(&empty);
  if (!error) error = tn_stream_respond(s, headers, n, empty ? empty : reply);
  if (error)
    answer_error(s, error);
  else if (shared)
    tn_stream_share(s, job, tn_message_size(reply));
  tn_message_unref(empty);
  tn_error_free(error);
}

static void shared(void *user, tn_share_job *job, const tn_error *lost) {
  incoming *in = user;
  in->job = NULL;
  if (lost) return; /* the stream's end is near */
  answer(in->stream, in->reply, job);
  let_go(in);
}

/* The reply goes through shared memory, if it is large and the peer near. */
static bool share(incoming *in) {
  tn_conn *conn = in->stream->conn;
  if (!tn_conn_shares(conn, in->reply)) return false;
  tn_error *error = tn_share_start(tn_conn_share(conn), in->reply, shared, in, &in->job);
  tn_error_free(error); /* over the socket then */
  return !error;
}

void tn_http2_incoming_sent(tn_stream *s) {
  const nghttp2_nv trailers[] = {pair("grpc-status", "0")};
  tn_stream_trailers(s, trailers, 1);
}

/* Answers before the handler has, or instead of it. */
static void reject(incoming *in, tn_error *error) {
  tn_stream *s = in->stream;
  answer_error(s, error);
  tn_error_free(error);
  bool delivered = in->delivered;
  let_go(in);
  if (delivered) tn_incoming_cancel(&in->base);
}

static void run_finish(tn_task *task) {
  incoming *in = (incoming *)((char *)task - offsetof(incoming, finish_task));
  in->delivered = false;
  if (in->stream && in->error) {
    answer_error(in->stream, in->error);
  } else if (in->stream) {
    if (share(in)) return;
    answer(in->stream, in->reply, NULL);
  }
  let_go(in);
}

static void finish(tn_incoming *base, tn_error *error, tn_message *reply) {
  incoming *in = (incoming *)base;
  in->error = error;
  in->reply = reply;
  in->finish_task.run = run_finish;
  if (!tn_loop_post(in->loop, &in->finish_task)) free_incoming(in);
}

/* --- requests --- */

static const char *find(const tn_incoming *base, const char *name) {
  const incoming *in = (const incoming *)base;
  for (size_t i = 0; i < in->n_headers; i++)
    if (!strcmp(in->headers[i].name, name)) return in->headers[i].value;
  return NULL;
}

void tn_http2_incoming_begun(tn_stream *s) {
  incoming *in = tn_calloc(1, sizeof *in);
  if (!in) {
    s->deaf = true;
    tn_stream_reset(s, NGHTTP2_REFUSED_STREAM);
    return;
  }
  tn_incoming_init(&in->base);
  const tn_http2 *t = tn_http2_listener_owner(tn_http2_listener_of(s->conn));
  in->base.metadata = find;
  in->base.finish = finish;
  in->loop = tn_loop_ref(t->loop);
  in->clock = t->base.clock;
  in->stream = s;
  s->user = in;
}

void tn_http2_incoming_header(tn_stream *s, const char *name, const char *value, size_t size) {
  incoming *in = s->user;
  if (!in) return;
  size_t length = strlen(name) + 1;
  if (!(in->n_headers & (in->n_headers - 1))) {
    size_t capacity = in->n_headers ? 2 * in->n_headers : 1;
    tn_metadata *more = tn_realloc(in->headers, capacity * sizeof *more);
    if (!more) return;
    in->headers = more;
  }
  in->header_bytes += length + size;
  if (in->n_headers == MOST_HEADERS || in->header_bytes > MOST_HEADER_BYTES) return;
  char *copy = tn_malloc(length + size + 1);
  if (!copy) return;
  memcpy(copy, name, length);
  memcpy(copy + length, value, size);
  copy[length + size] = '\0';
  in->headers[in->n_headers++] = (tn_metadata){copy, copy + length};
}

/* Answers with an HTTP status alone: it is not gRPC that is spoken. */
static void refuse_http(incoming *in, const char *status) {
  tn_stream *s = in->stream;
  const nghttp2_nv headers[] = {pair(":status", status)};
  s->deaf = true;
  tn_error *failed = tn_stream_respond(s, headers, 1, NULL);
  if (failed) tn_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
  tn_error_free(failed);
  let_go(in);
}

/* Whether A and B are the same text, in a time that does not tell where they differ. */
static bool same_secret(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  unsigned char differ = n != m;
  for (size_t i = 0; i < n; i++) differ |= (unsigned char)(a[i] ^ b[m ? i % m : 0]);
  return !differ;
}

static tn_error *check_headers(incoming *in, const tn_http2 *t) {
  const char *timeout = find(&in->base, "grpc-timeout"), *token = find(&in->base, "authorization");
  int64_t ns;
  if (in->n_headers == MOST_HEADERS || in->header_bytes > MOST_HEADER_BYTES)
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "a call has more than %d headers or %d bytes of them", MOST_HEADERS,
                     MOST_HEADER_BYTES);
  if (t->authorization && !token)
    return tn_errorf(TN_UNAUTHENTICATED, "this cluster wants a token with each call, and this one has none");
  if (t->authorization && !same_secret(t->authorization, token))
    return tn_errorf(TN_UNAUTHENTICATED, "the call's token is not this cluster's");
  if (timeout && !tn_grpc_timeout(timeout, strlen(timeout), &ns))
    return tn_errorf(TN_INTERNAL, "the call's timeout reads '%s'; expected up to eight digits and one of numSMH",
                     timeout);
  if (timeout) {
    int64_t now = tn_now_ns();
    in->base.deadline_ns = ns > INT64_MAX - now ? INT64_MAX : now + ns;
  }
  return NULL;
}

void tn_http2_incoming_headers_end(tn_stream *s) {
  incoming *in = s->user;
  if (!in || in->base.method) return;
  const char *method = find(&in->base, ":method"), *type = find(&in->base, "content-type");
  in->base.method = find(&in->base, ":path");
  if (!in->base.method || !method || strcmp(method, "POST")) return refuse_http(in, "405");
  if (!type || strncmp(type, "application/grpc", 16) || (type[16] && type[16] != '+' && type[16] != ';'))
    return refuse_http(in, "415");
  tn_error *error = check_headers(in, tn_http2_listener_owner(tn_http2_listener_of(s->conn)));
  in->peer = tn_strdup(tn_conn_peer(s->conn));
  in->base.peer = in->peer;
  if (!error && !in->peer) error = tn_out_of_memory();
  if (error) reject(in, error);
}

void tn_http2_incoming_failed(tn_stream *s) {
  incoming *in = s->user;
  if (in) reject(in, tn_error_copy(s->error));
}

static void over_deadline(void *argument) {
  incoming *in = argument;
  tn_timer_stop(in->clock, in->timer);
  in->timer = NULL;
  reject(in, tn_errorf(TN_DEADLINE_EXCEEDED, "%s was not done within its deadline", in->base.method));
}

void tn_http2_incoming_ended(tn_stream *s) {
  incoming *in = s->user;
  if (!in) return;
  if (!s->in) return reject(in, tn_errorf(TN_INTERNAL, "%s was called without a message", in->base.method));
  in->base.message = s->in;
  s->in = NULL;
  s->deaf = true;
  tn_error *error = NULL;
  if (in->base.deadline_ns) error = tn_timer_start(in->clock, in->base.deadline_ns, over_deadline, in, &in->timer);
  if (error) return reject(in, error);
  in->delivered = true;
  tn_http2_listener_handle(tn_http2_listener_of(s->conn), &in->base);
}

void tn_http2_incoming_closed(tn_stream *s, uint32_t code, const tn_error *lost) {
  (void)code;
  (void)lost;
  incoming *in = s->user;
  if (!in) return;
  bool delivered = in->delivered;
  let_go(in);
  if (delivered) tn_incoming_cancel(&in->base);
}
