/* An HTTP/2 connection: what nghttp2 calls when frames come, and when it wants bytes to send. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/conn.h"

/* What this end allows: frames of a megabyte, and windows that never stop a peer (messages have their own limit). */
enum { FRAME = 1 << 20, WINDOW = 0x7fffffff, STREAMS = 1 << 16 };
/* A setting that only Tenon knows, and others must ignore: that the peer may be asked for a sign of life as often as
 * one likes, and whether it takes messages through shared memory. */
enum { SAME_HOUSE = 0xf0e1, PLAIN = 1, SHARES = 2 };

/* --- streams --- */

tn_stream *tn_stream_new(tn_conn *conn, int32_t id, void *user) {
  tn_stream *s = tn_calloc(1, sizeof *s);
  if (!s) return NULL;
  s->conn = conn;
  s->id = id;
  s->user = user;
  s->next = conn->streams;
  s->link = &conn->streams;
  if (s->next) s->next->link = &s->next;
  conn->streams = s;
  conn->n_streams++;
  return s;
}

void tn_stream_free(tn_stream *s) {
  tn_conn *conn = s->conn;
  *s->link = s->next;
  if (s->next) s->next->link = s->link;
  conn->n_streams--;
  if (conn->data_stream == s) conn->data_stream = NULL;
  tn_message_unref(s->in);
  tn_message_unref(s->shared_in);
  tn_message_unref(s->out);
  tn_error_free(s->error);
  tn_free(s);
}

/* --- reading messages --- */

static void refuse(tn_stream *s, tn_error *error) {
  s->deaf = true;
  s->error = error;
  s->conn->role->failed(s);
}

/* The prefix is complete: makes room for the message. */
static void begin_message(tn_stream *s) {
  const uint8_t *p = s->prefix;
  if (s->shared_in) {
    s->in = s->shared_in;
    s->shared_in = NULL;
    return;
  }
  s->in_size = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
  if (p[0])
    return refuse(s,
                  tn_errorf(TN_UNIMPLEMENTED, "a compressed message came; only grpc-encoding identity is understood"));
  if (s->in_size > s->conn->max_message)
    return refuse(s, tn_errorf(TN_RESOURCE_EXHAUSTED,
                               "a message of %zu bytes came; the limit is %zu (--message-limit or TENON_MESSAGE_LIMIT)",
                               s->in_size, s->conn->max_message));
  tn_error *error = tn_message_of_size(s->conn->pool, s->in_size, &s->in_data, &s->in);
  if (error) refuse(s, error);
}

/* Takes bytes of a DATA frame; DATA lies in the message already where tn_conn_target said so. */
static void take(tn_stream *s, const uint8_t *data, size_t size) {
  while (size && !s->deaf) {
    size_t n;
    if (!s->in) {
      n = TN_GRPC_PREFIX - s->prefix_size < size ? TN_GRPC_PREFIX - s->prefix_size : size;
      memcpy(s->prefix + s->prefix_size, data, n);
      s->prefix_size += n;
      if (s->prefix_size == TN_GRPC_PREFIX) begin_message(s);
    } else {
      n = s->in_size - s->in_got < size ? s->in_size - s->in_got : size;
      if (!n) return refuse(s, tn_errorf(TN_UNIMPLEMENTED, "a second message came where a call has one"));
      if ((const char *)data != s->in_data + s->in_got) memcpy(s->in_data + s->in_got, data, n);
      s->in_got += n;
    }
    data += n;
    size -= n;
  }
}

char *tn_conn_target(const tn_conn *conn, size_t *size) {
  const tn_stream *s = conn->data_stream;
  *size = 0;
  if (!s || s->deaf || !s->in_data) return NULL;
  size_t left = s->in_size - s->in_got;
  *size = left < conn->data_left ? left : conn->data_left;
  return s->in_data + s->in_got;
}

/* --- what comes --- */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
  tn_conn *conn = user;
  conn->data_stream = NULL;
  if (hd->type != NGHTTP2_DATA || hd->flags & NGHTTP2_FLAG_PADDED) return 0;
  conn->data_stream = nghttp2_session_get_stream_user_data(session, hd->stream_id);
  conn->data_left = hd->length;
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *user) {
  (void)flags;
  tn_conn *conn = user;
  tn_stream *s = nghttp2_session_get_stream_user_data(session, id);
  if (s) take(s, data, size);
  if (conn->data_stream) conn->data_left -= size < conn->data_left ? size : conn->data_left;
  return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  tn_conn *conn = user;
  if (!conn->role->server || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  tn_stream *s = tn_stream_new(conn, frame->hd.stream_id, NULL);
  if (!s) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  nghttp2_session_set_stream_user_data(session, s->id, s);
  conn->role->begun(s);
  return 0;
}

/* The message of the stream lies in shared memory. */
static void open_shared(tn_stream *s, const char *header) {
  tn_conn *conn = s->conn;
  if (s->shared_in || s->prefix_size || s->deaf) return;
  tn_error *error = tn_share_open(conn->share, header, conn->max_message, &s->shared_in);
  if (error) return refuse(s, error);
  atomic_fetch_add_explicit(&conn->traffic->shared_in, tn_message_size(s->shared_in), memory_order_relaxed);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, void *user) {
  (void)flags;
  tn_conn *conn = user;
  tn_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (frame->hd.type != NGHTTP2_HEADERS || !s) return 0;
  nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
  if (!strcmp((const char *)nghttp2_rcbuf_get_buf(name).base, TN_SHARE_HEADER)) {
    open_shared(s, (const char *)v.base);
    return 0;
  }
  conn->role->header(s, (const char *)nghttp2_rcbuf_get_buf(name).base, (const char *)v.base, v.len);
  return 0;
}

static void on_settings(tn_conn *conn, const nghttp2_settings *settings) {
  conn->greeted = true;
  for (size_t i = 0; i < settings->niv; i++)
    if (settings->iv[i].settings_id == SAME_HOUSE) {
      conn->same_house = true;
      conn->peer_shares = settings->iv[i].value & SHARES;
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  tn_conn *conn = user;
  if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) on_settings(conn, &frame->settings);
  if (frame->hd.type == NGHTTP2_GOAWAY) {
    conn->draining = true;
    conn->role->going_away(conn);
  }
  tn_stream *s = frame->hd.stream_id ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
  if (!s || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS) conn->role->headers_end(s);
  if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  s->heard_all = true;
  if (!s->deaf && s->in_got < s->in_size) {
    size_t got = s->in_got, size = s->in_size;
    refuse(s, tn_errorf(TN_INTERNAL, "the stream ended after %zu of a message's %zu bytes", got, size));
  } else if (!s->deaf && s->prefix_size && !s->in) {
    refuse(s, tn_errorf(TN_INTERNAL, "the stream ended inside a message's prefix"));
  } else if (!s->deaf) {
    conn->role->ended(s);
  }
  return 0;
}

/* A peer that was answered before it had said all is told to spare the rest. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  tn_conn *conn = user;
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  tn_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (!s) return 0;
  s->headers_sent = true;
  if (conn->role->server && frame->hd.flags & NGHTTP2_FLAG_END_STREAM && !s->heard_all)
    tn_stream_reset(s, NGHTTP2_NO_ERROR);
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
  tn_conn *conn = user;
  tn_stream *s = nghttp2_session_get_stream_user_data(session, id);
  if (!s) return 0;
  nghttp2_session_set_stream_user_data(session, id, NULL);
  /* A caller that has given up never looks at the answer; nobody does at a request that was not sent. */
  if (s->shares_out && (!s->headers_sent || (conn->role->server && code))) tn_share_untake(conn->share, s->segment, id);
  conn->role->closed(s, code, NULL);
  tn_stream_free(s);
  return 0;
}

/* --- what goes --- */

static ssize_t queue_small(tn_conn *conn, const uint8_t *data, size_t size) {
  tn_conn_queue *q = &conn->queue;
  size_t room = sizeof q->small - q->used, n = size < room ? size : room;
  uint8_t *to = q->small + q->used;
  struct iovec *last = q->end > q->begin ? &q->at[q->end - 1] : NULL;
  bool joins = last && !q->held[q->end - 1] && (uint8_t *)last->iov_base + last->iov_len == to;
  if (!n || (!joins && q->end == TN_CONN_QUEUE)) return NGHTTP2_ERR_WOULDBLOCK;
  memcpy(to, data, n);
  q->used += n;
  if (joins) {
    last->iov_len += n;
  } else {
    q->at[q->end] = (struct iovec){to, n};
    q->held[q->end++] = NULL;
  }
  return (ssize_t)n;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags, void *user) {
  (void)session;
  (void)flags;
  return queue_small(user, data, size);
}

static ssize_t data_frame_length(nghttp2_session *session, uint8_t type, int32_t id, int32_t conn_window,
                                 int32_t stream_window, uint32_t most, void *user) {
  (void)session;
  (void)type;
  (void)id;
  (void)user;
  int32_t window = conn_window < stream_window ? conn_window : stream_window;
  ssize_t length = most < FRAME ? (ssize_t)most : FRAME;
  return window < length ? window : length;
}

/* How many of the stream's next LENGTH bytes lie in so few pieces that they fit into the queue. */
static size_t sendable(const tn_stream *s, size_t length) {
  const tn_message_part *parts;
  size_t n = tn_message_parts(s->out, &parts), have = s->out_sent < TN_GRPC_PREFIX ? TN_GRPC_PREFIX - s->out_sent : 0;
  for (size_t i = s->part; i < n && i < s->part + TN_CONN_PIECES && have < length; i++)
    have += parts[i].size - (i == s->part ? s->offset : 0);
  return have < length ? have : length;
}

static ssize_t on_data_source_read(nghttp2_session *session, int32_t id, uint8_t *data, size_t length, uint32_t *flags,
                                   nghttp2_data_source *source, void *user) {
  (void)session;
  (void)id;
  (void)data;
  tn_conn *conn = user;
  tn_stream *s = source->ptr;
  size_t n = sendable(s, length);
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (s->out_sent + n == s->out_total) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (conn->role->server) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      conn->role->sent(s);
    }
  }
  return (ssize_t)n;
}

static void queue_part(tn_conn *conn, tn_stream *s, const char *data, size_t size) {
  tn_conn_queue *q = &conn->queue;
  q->at[q->end] = (struct iovec){(void *)data, size};
  q->held[q->end++] = tn_message_ref(s->out);
}

/* A DATA frame with LENGTH bytes of the stream: its header and the prefix are copied, the parts are not. */
static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
                        nghttp2_data_source *source, void *user) {
  (void)session;
  (void)frame;
  tn_conn *conn = user;
  tn_conn_queue *q = &conn->queue;
  tn_stream *s = source->ptr;
  if (q->end + TN_CONN_PIECES + 1 > TN_CONN_QUEUE || q->used + 9 + TN_GRPC_PREFIX > sizeof q->small)
    return NGHTTP2_ERR_WOULDBLOCK;
  queue_small(conn, header, 9);
  if (s->out_sent < TN_GRPC_PREFIX) {
    size_t size = s->out_total - TN_GRPC_PREFIX;
    uint8_t prefix[TN_GRPC_PREFIX] = {0, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                                      (uint8_t)size};
    size_t n = TN_GRPC_PREFIX - s->out_sent < length ? TN_GRPC_PREFIX - s->out_sent : length;
    queue_small(conn, prefix + s->out_sent, n);
    s->out_sent += n;
    length -= n;
  }
  const tn_message_part *parts;
  tn_message_parts(s->out, &parts);
  while (length) {
    const tn_message_part *p = &parts[s->part];
    size_t n = p->size - s->offset < length ? p->size - s->offset : length;
    if (n) queue_part(conn, s, p->data + s->offset, n);
    s->offset += n;
    s->out_sent += n;
    length -= n;
    if (s->offset == p->size) {
      s->part++;
      s->offset = 0;
    }
  }
  return 0;
}

/* --- requests and responses --- */

static void set_out(tn_stream *s, tn_message *message) {
  s->out = tn_message_ref(message);
  s->out_total = TN_GRPC_PREFIX + tn_message_size(message);
}

bool tn_conn_shares(const tn_conn *conn, const tn_message *message) {
  return conn->peer_shares && conn->share && tn_message_size(message) >= TN_SHARE_LEAST;
}

tn_share *tn_conn_share(tn_conn *conn) { return conn->share; }

void tn_stream_share(tn_stream *s, tn_share_job *job, size_t size) {
  s->shares_out = true;
  s->segment = tn_share_take(job, s->id);
  atomic_fetch_add_explicit(&s->conn->traffic->shared_out, size, memory_order_relaxed);
}

static tn_error *check_size(const tn_message *message) {
  if (tn_message_size(message) <= UINT32_MAX) return NULL;
  return tn_errorf(TN_RESOURCE_EXHAUSTED, "a message of %zu bytes is to be sent; gRPC's limit is 4294967295",
                   tn_message_size(message));
}

tn_error *tn_conn_request(tn_conn *conn, const nghttp2_nv *headers, size_t n, tn_message *message, void *user,
                          tn_stream **out) {
  TN_TRY(check_size(message));
  tn_stream *s = tn_stream_new(conn, 0, user);
  if (!s) return tn_out_of_memory();
  set_out(s, message);
  nghttp2_data_provider provider = {.source.ptr = s, .read_callback = on_data_source_read};
  s->id = nghttp2_submit_request(conn->session, NULL, headers, n, &provider, s);
  if (s->id < 0) {
    tn_error *error =
        tn_errorf(TN_UNAVAILABLE, "%s: no more calls on this connection: %s", conn->peer, nghttp2_strerror(s->id));
    tn_stream_free(s);
    return error;
  }
  *out = s;
  tn_conn_flush(conn);
  return NULL;
}

tn_error *tn_stream_respond(tn_stream *s, const nghttp2_nv *headers, size_t n, tn_message *message) {
  TN_TRY(check_size(message));
  nghttp2_data_provider provider = {.source.ptr = s, .read_callback = on_data_source_read};
  if (message) set_out(s, message);
  int status = nghttp2_submit_response(s->conn->session, s->id, headers, n, message ? &provider : NULL);
  if (status) return tn_errorf(TN_INTERNAL, "%s: no response: %s", s->conn->peer, nghttp2_strerror(status));
  tn_conn_flush(s->conn);
  return NULL;
}

void tn_stream_trailers(tn_stream *s, const nghttp2_nv *trailers, size_t n) {
  if (nghttp2_submit_trailer(s->conn->session, s->id, trailers, n)) tn_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
}

void tn_stream_reset(tn_stream *s, uint32_t code) {
  nghttp2_submit_rst_stream(s->conn->session, NGHTTP2_FLAG_NONE, s->id, code);
  tn_conn_flush(s->conn);
}

/* --- the session --- */

static void set_callbacks(nghttp2_session_callbacks *c) {
  nghttp2_session_callbacks_set_send_callback(c, on_send);
  nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
  nghttp2_session_callbacks_set_data_source_read_length_callback(c, data_frame_length);
  nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
  nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
}

static int announce(nghttp2_session *session, bool shares) {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
      {SAME_HOUSE, shares ? PLAIN | SHARES : PLAIN},
  };
  int status = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
  return status ? status : nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, WINDOW);
}

tn_error *tn_conn_session_new(tn_conn *conn) {
  nghttp2_session_callbacks *callbacks = NULL;
  nghttp2_option *option = NULL;
  int status = nghttp2_session_callbacks_new(&callbacks);
  if (!status) status = nghttp2_option_new(&option);
  if (!status) {
    set_callbacks(callbacks);
    nghttp2_option_set_no_closed_streams(option, 1);
    status = conn->role->server ? nghttp2_session_server_new2(&conn->session, callbacks, conn, option)
                                : nghttp2_session_client_new2(&conn->session, callbacks, conn, option);
  }
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  if (!status) status = announce(conn->session, conn->share);
  if (!status) return NULL;
  return status == NGHTTP2_ERR_NOMEM ? tn_out_of_memory()
                                     : tn_errorf(TN_INTERNAL, "no HTTP/2 session: %s", nghttp2_strerror(status));
}
