/* An HTTP/2 connection: its socket and its life. conn_session.c has the frames. */
#include "cluster/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/address.h"

/* How much one connection reads or writes before others get their turn. */
static const size_t TURN = (size_t)8 << 20;
/* Behind bytes that go straight into a message, room for the next frame's header and a little. */
enum { BEHIND = 4096 };

void *tn_conn_user(const tn_conn *conn) { return conn->user; }
const char *tn_conn_peer(const tn_conn *conn) { return conn->peer; }
size_t tn_conn_streams(const tn_conn *conn) { return conn->n_streams; }
bool tn_conn_same_house(const tn_conn *conn) { return conn->same_house; }

static void watch(tn_conn *conn, uint32_t events) {
  if (conn->events != events) tn_loop_rewatch(conn->loop, &conn->watch, events);
  conn->events = events;
}

/* --- the end --- */

static void drop_queue(tn_conn_queue *q) {
  for (int i = q->begin; i < q->end; i++) tn_message_unref(q->held[i]);
  q->begin = q->end = 0;
  q->used = 0;
}

static void free_conn(tn_conn *conn) {
  tn_timer_stop(tn_loop_clock(conn->loop), conn->tick);
  nghttp2_session_del(conn->session);
  drop_queue(&conn->queue);
  tn_tls_free(conn->tls);
  tn_share_free(conn->share, NULL);
  tn_error_free(conn->broken);
  tn_loop_unref(conn->loop);
  tn_free(conn->peer);
  tn_free(conn);
}

void tn_conn_close(tn_conn *conn, tn_error *error) {
  conn->closing = true;
  tn_loop_unwatch(conn->loop, &conn->watch);
  close(conn->watch.fd);
  tn_error *lost =
      error ? tn_error_copy(error) : tn_errorf(TN_UNAVAILABLE, "%s: the connection was closed", conn->peer);
  tn_share_free(conn->share, lost);
  conn->share = NULL;
  while (conn->streams) {
    tn_stream *s = conn->streams;
    conn->role->closed(s, NGHTTP2_CANCEL, lost);
    tn_stream_free(s);
  }
  tn_error_free(lost);
  conn->role->gone(conn, error);
  tn_error_free(error);
  /* A flush that was posted frees it when it runs. */
  if (!conn->flush_posted) free_conn(conn);
}

void tn_conn_break(tn_conn *conn, tn_error *error) {
  if (conn->broken || conn->closing) {
    tn_error_free(error);
    return;
  }
  conn->broken = error;
  tn_conn_flush(conn);
}

/* Closes it if something said that it has to. False: it is gone. */
static bool still_there(tn_conn *conn) {
  tn_error *error = conn->broken;
  bool over = conn->state == TN_CONN_OPEN && conn->queue.begin == conn->queue.end &&
              !nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session);
  if (conn->draining && !conn->n_streams && conn->queue.begin == conn->queue.end &&
      !nghttp2_session_want_write(conn->session))
    over = true;
  if (!error && !over) return true;
  conn->broken = NULL;
  tn_conn_close(conn, error);
  return false;
}

static void break_by_errno(tn_conn *conn, const char *what) {
  int why = errno;
  if (why == ECONNRESET || why == EPIPE)
    tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: the peer closed the connection", conn->peer));
  else if (why == ETIMEDOUT)
    tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: the peer does not answer any more", conn->peer));
  else
    tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: %s failed: %s", conn->peer, what, strerror(why)));
}

static void count(atomic_uint_fast64_t *counter, ssize_t n) {
  atomic_fetch_add_explicit(counter, (uint64_t)n, memory_order_relaxed);
}

/* --- writing --- */

/* Drops SIZE written bytes from the queue. */
static void drop_written(tn_conn_queue *q, size_t size) {
  while (q->begin < q->end && size >= q->at[q->begin].iov_len) {
    size -= q->at[q->begin].iov_len;
    tn_message_unref(q->held[q->begin++]);
  }
  if (q->begin == q->end) {
    q->begin = q->end = 0;
    q->used = 0;
  } else if (size) {
    q->at[q->begin].iov_base = (char *)q->at[q->begin].iov_base + size;
    q->at[q->begin].iov_len -= size;
  }
}

static ssize_t send_parts(tn_conn *conn) {
  tn_conn_queue *q = &conn->queue;
  if (conn->tls) return tn_tls_write(conn->tls, q->at + q->begin, q->end - q->begin);
  struct msghdr message = {.msg_iov = q->at + q->begin, .msg_iovlen = (size_t)(q->end - q->begin)};
  _Alignas(struct cmsghdr) char control[TN_SHARE_CONTROL];
  if (conn->share) tn_share_attach(conn->share, &message, control);
  ssize_t n = sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL);
  if (conn->share && n >= 0) tn_share_attached(conn->share);
  return n;
}

/* Writes what waits, until the socket is full. */
static void write_all(tn_conn *conn) {
  size_t written = 0;
  uint32_t events = EPOLLIN;
  while (!conn->broken) {
    int status = nghttp2_session_send(conn->session);
    if (status) {
      tn_conn_break(conn, tn_errorf(TN_INTERNAL, "%s: HTTP/2 cannot go on: %s", conn->peer, nghttp2_strerror(status)));
      break;
    }
    if (conn->queue.begin == conn->queue.end) break;
    if (written > TURN) {
      tn_conn_flush(conn);
      break;
    }
    ssize_t n = send_parts(conn);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      events |= EPOLLOUT;
      break;
    }
    if (n < 0) {
      break_by_errno(conn, "writing");
      break;
    }
    drop_written(&conn->queue, (size_t)n);
    count(conn->local ? &conn->traffic->local_out : &conn->traffic->network_out, n);
    written += (size_t)n;
  }
  if (!conn->broken) watch(conn, events);
}

static void run_flush(tn_task *task) {
  tn_conn *conn = (tn_conn *)((char *)task - offsetof(tn_conn, flush_task));
  conn->flush_posted = false;
  if (conn->closing) {
    free_conn(conn);
    return;
  }
  if (conn->state == TN_CONN_OPEN) write_all(conn);
  still_there(conn);
}

void tn_conn_flush(tn_conn *conn) {
  if (conn->flush_posted || conn->closing) return;
  conn->flush_posted = tn_loop_post(conn->loop, &conn->flush_task);
}

/* --- reading --- */

static bool feed(tn_conn *conn, const char *data, size_t size) {
  if (!size) return true;
  ssize_t n = nghttp2_session_mem_recv(conn->session, (const uint8_t *)data, size);
  if (n == (ssize_t)size) return true;
  if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
    tn_conn_break(conn, tn_errorf(TN_INTERNAL, "%s: what came is not HTTP/2", conn->peer));
  else
    tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: what came is no HTTP/2: %s", conn->peer,
                                  n < 0 ? nghttp2_strerror((int)n) : "frames end early"));
  return false;
}

static ssize_t receive(tn_conn *conn, struct iovec *parts, int n) {
  if (!conn->local) return readv(conn->watch.fd, parts, n);
  _Alignas(struct cmsghdr) char control[TN_SHARE_CONTROL];
  struct msghdr message = {
      .msg_iov = parts, .msg_iovlen = (size_t)n, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t got = recvmsg(conn->watch.fd, &message, MSG_CMSG_CLOEXEC);
  tn_error *error = got > 0 ? tn_share_receive(conn->share, &message) : NULL;
  if (error) tn_conn_break(conn, tn_error_context(error, "%s", conn->peer));
  return got;
}

/* One read: into the message that is being received as far as possible, else into the shared buffer. */
static ssize_t read_some(tn_conn *conn) {
  size_t room;
  char *target = tn_conn_target(conn, &room);
  if (conn->tls) {
    char *to = room ? target : conn->input;
    ssize_t n = tn_tls_read(conn->tls, to, room ? room : conn->input_size);
    if (n > 0) feed(conn, to, (size_t)n);
    return n;
  }
  struct iovec parts[2] = {{target, room}, {conn->input, room ? BEHIND : conn->input_size}};
  ssize_t n = receive(conn, room ? parts : parts + 1, room ? 2 : 1);
  if (n <= 0) return n;
  size_t direct = (size_t)n < room ? (size_t)n : room;
  /* A callback may end the stream while its bytes are looked at. */
  tn_message *held = direct ? tn_message_ref(conn->data_stream->in) : NULL;
  if (feed(conn, target, direct)) feed(conn, conn->input, (size_t)n - direct);
  tn_message_unref(held);
  return n;
}

static void read_all(tn_conn *conn) {
  for (size_t got = 0; !conn->broken && (got < TURN || conn->tls);) {
    ssize_t n = read_some(conn);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n == 0) tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: the peer closed the connection", conn->peer));
    if (n < 0) break_by_errno(conn, "reading");
    if (n <= 0) break;
    count(conn->local ? &conn->traffic->local_in : &conn->traffic->network_in, n);
    got += (size_t)n;
    conn->heard_ns = tn_now_ns();
    conn->asked = false;
    /* A short read has emptied the socket: the next one would only say so. */
    if (!conn->tls && (size_t)n < BEHIND) break;
  }
}

/* --- being connected --- */

/* Whether frames can flow now. */
static bool handshake(tn_conn *conn) {
  bool done = true;
  if (conn->state == TN_CONN_CONNECTING) {
    int why = 0;
    socklen_t size = sizeof why;
    getsockopt(conn->watch.fd, SOL_SOCKET, SO_ERROR, &why, &size);
    if (!why && tn_socket_is_own(conn->watch.fd)) why = ECONNREFUSED;
    if (why) tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: cannot connect: %s", conn->peer, strerror(why)));
    if (why) return false;
    conn->state = TN_CONN_HANDSHAKE;
  }
  if (conn->state == TN_CONN_HANDSHAKE) {
    tn_error *error = conn->tls ? tn_tls_handshake(conn->tls, &done) : NULL;
    if (error) tn_conn_break(conn, tn_error_context(error, "%s", conn->peer));
    if (error) return false;
    watch(conn, EPOLLIN | (done || tn_tls_wants_write(conn->tls) ? EPOLLOUT : 0));
    if (!done) return false;
    conn->state = TN_CONN_OPEN;
    conn->heard_ns = tn_now_ns();
    conn->role->opened(conn);
  }
  return true;
}

static void ready(tn_watch *w, uint32_t events) {
  tn_conn *conn = (tn_conn *)w;
  bool flows = handshake(conn);
  if (flows && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_all(conn);
  if (flows && !conn->broken) write_all(conn);
  still_there(conn);
}

/* --- whether the peer lives --- */

static void start_tick(tn_conn *conn);

/* Asks a silent peer for a sign of life, and gives up one that has not given any. A process that was frozen itself
 * first reads what has come meanwhile, and asks again. */
static void tick(void *argument) {
  tn_conn *conn = argument;
  tn_clock *clock = tn_loop_clock(conn->loop);
  tn_timer_stop(clock, conn->tick);
  conn->tick = NULL;
  int64_t now = tn_clock_now(clock), silent = now - conn->heard_ns;
  if (now - conn->ticked_ns > conn->silence_ns / 2) {
    conn->heard_ns = now;
    conn->asked = false;
  } else if (conn->state != TN_CONN_OPEN || (!conn->greeted && !conn->role->server)) {
    /* What the system has connected need not be a server that lives: the first frame is its word. */
    if (silent >= conn->silence_ns / 8 * 7)
      tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: no %s for %.3g s", conn->peer,
                                    conn->state == TN_CONN_OPEN ? "greeting" : "connection", (double)silent * 1e-9));
  } else if (conn->asked && silent >= conn->silence_ns / 4 * 3) {
    read_all(conn);
    if (conn->asked)
      tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: the peer has not answered for %.3g s", conn->peer,
                                    (double)silent * 1e-9));
  } else if (!conn->asked && silent >= conn->silence_ns / 4 && (conn->role->server || conn->same_house)) {
    /* Servers of others end connections on which they are asked often. */
    conn->asked = !nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL);
    tn_conn_flush(conn);
  }
  conn->ticked_ns = now;
  tn_pool_tidy(conn->pool);
  if (conn->share) tn_share_tidy(conn->share);
  if (!conn->broken) start_tick(conn);
  still_there(conn);
}

static void start_tick(tn_conn *conn) {
  tn_clock *clock = tn_loop_clock(conn->loop);
  tn_error *error = tn_timer_start(clock, tn_clock_now(clock) + conn->silence_ns / 8, tick, conn, &conn->tick);
  if (error) tn_conn_break(conn, error);
}

/* --- the beginning --- */

void tn_conn_drain(tn_conn *conn) {
  if (conn->state != TN_CONN_OPEN) {
    tn_conn_break(conn, tn_errorf(TN_UNAVAILABLE, "%s: the connection is closed", conn->peer));
    return;
  }
  conn->draining = true;
  nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(conn->session),
                        NGHTTP2_NO_ERROR, NULL, 0);
  tn_conn_flush(conn);
}

tn_error *tn_conn_new(const tn_conn_settings *s, int fd, tn_tls *tls, bool connecting, tn_conn **out) {
  tn_conn *conn = tn_calloc(1, sizeof *conn);
  if (!conn) return tn_out_of_memory();
  conn->watch = (tn_watch){.fd = fd, .ready = ready};
  conn->loop = tn_loop_ref(s->loop);
  conn->role = s->role;
  conn->user = s->user;
  conn->silence_ns = s->silence_ns;
  conn->max_message = s->max_message;
  conn->input = s->input;
  conn->input_size = s->input_size;
  conn->flush_task.run = run_flush;
  conn->state = connecting ? TN_CONN_CONNECTING : TN_CONN_HANDSHAKE;
  conn->heard_ns = conn->ticked_ns = tn_now_ns();
  conn->traffic = s->traffic;
  conn->pool = s->pool;
  conn->local = tn_socket_is_unix(fd);
  conn->peer = tn_strdup(s->peer);
  tn_error *error = conn->peer ? NULL : tn_out_of_memory();
  /* Shared memory is for peers at the same host that run as the same user. */
  if (!error && !tls && conn->local && s->copiers && tn_socket_same_user(fd))
    error = tn_share_new(conn->loop, s->copiers, &conn->share);
  if (!error) error = tn_conn_session_new(conn);
  if (!error) {
    conn->events = EPOLLIN | EPOLLOUT;
    error = tn_loop_watch(conn->loop, &conn->watch, conn->events);
  }
  if (error) {
    free_conn(conn);
    return error;
  }
  conn->tls = tls;
  tn_socket_tune(fd, s->silence_ns);
  start_tick(conn);
  *out = conn;
  return NULL;
}
