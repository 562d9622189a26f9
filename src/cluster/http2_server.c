/* The server's side of the HTTP/2 transport: listeners, their connections, the calls that come in. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/address.h"
#include "cluster/http2_impl.h"
#include "cluster/http2_incoming.h"

/* How long a listener rests when the process has no descriptors left. */
static const int64_t REST = 100000000;

typedef struct peer peer;

/* A socket that listens. */
typedef struct listening {
  tn_watch watch;
  tn_http2_listener *listener;
} listening;

struct tn_http2_listener {
  tn_listener base;
  listening at, near; /* NEAR: for clients at this host; its descriptor may be -1 */
  tn_http2 *owner;
  tn_handler_fn *handler;
  void *argument;
  peer *peers;
  tn_timer *rest, *grace;
  int64_t grace_ns;
  bool closing, closed;
  pthread_mutex_t mutex; /* of CLOSED */
  pthread_cond_t changed;
};

/* A connection that a client made. */
struct peer {
  tn_http2_listener *listener;
  peer *next, **link;
  tn_conn *conn;
};

tn_http2_listener *tn_http2_listener_of(tn_conn *conn) { return ((peer *)tn_conn_user(conn))->listener; }
const tn_http2 *tn_http2_listener_owner(const tn_http2_listener *l) { return l->owner; }

void tn_http2_listener_handle(tn_http2_listener *l, tn_incoming *incoming) { l->handler(l->argument, incoming); }

/* --- connections --- */

static void signal_if_quiet(tn_http2_listener *l) {
  if (!l->closing || l->peers) return;
  tn_timer_stop(l->owner->base.clock, l->grace);
  l->grace = NULL;
  tn_lock(&l->mutex);
  l->closed = true;
  pthread_cond_signal(&l->changed);
  tn_unlock(&l->mutex);
}

static void nothing(tn_conn *conn) { (void)conn; }

static void gone(tn_conn *conn, const tn_error *lost) {
  (void)lost;
  peer *p = tn_conn_user(conn);
  *p->link = p->next;
  if (p->next) p->next->link = p->link;
  atomic_fetch_sub_explicit(&p->listener->base.connections, 1, memory_order_relaxed);
  signal_if_quiet(p->listener);
  tn_free(p);
}

static const tn_conn_role role = {
    .server = true,
    .opened = nothing,
    .begun = tn_http2_incoming_begun,
    .header = tn_http2_incoming_header,
    .headers_end = tn_http2_incoming_headers_end,
    .failed = tn_http2_incoming_failed,
    .ended = tn_http2_incoming_ended,
    .closed = tn_http2_incoming_closed,
    .sent = tn_http2_incoming_sent,
    .going_away = nothing,
    .gone = gone,
};

/* Takes over FD, a connection from ADDRESS; one that cannot be served is closed. */
static void welcome(tn_http2_listener *l, int fd, const tn_socket_address *address) {
  tn_http2 *t = l->owner;
  tn_tls *tls = NULL;
  char *text = NULL;
  peer *p = tn_calloc(1, sizeof *p);
  tn_error *error = p ? tn_address_text(address, &text) : tn_out_of_memory();
  if (!error && t->server_tls) error = tn_tls_new(t->server_tls, fd, text, &tls);
  if (!error) {
    p->listener = l;
    tn_conn_settings settings = tn_http2_settings(t, &role, p, text, fd);
    error = tn_conn_new(&settings, fd, tls, false, &p->conn);
  }
  tn_free(text);
  if (error) {
    tn_error_free(error);
    tn_tls_free(tls);
    tn_free(p);
    close(fd);
    return;
  }
  atomic_fetch_add_explicit(&l->base.connections, 1, memory_order_relaxed);
  p->next = l->peers;
  p->link = &l->peers;
  if (p->next) p->next->link = &p->next;
  l->peers = p;
}

static void rested(void *argument) {
  tn_http2_listener *l = argument;
  tn_timer_stop(l->owner->base.clock, l->rest);
  l->rest = NULL;
  tn_loop_rewatch(l->owner->loop, &l->at.watch, EPOLLIN);
  if (l->near.watch.fd >= 0) tn_loop_rewatch(l->owner->loop, &l->near.watch, EPOLLIN);
}

static void accept_ready(tn_watch *watch, uint32_t events) {
  (void)events;
  tn_http2_listener *l = ((listening *)watch)->listener;
  tn_clock *clock = l->owner->base.clock;
  for (;;) {
    tn_socket_address a = {.size = sizeof a.storage};
    int fd = accept4(watch->fd, (struct sockaddr *)&a.storage, &a.size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      welcome(l, fd, &a);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      tn_error *error = l->rest ? NULL : tn_timer_start(clock, tn_clock_now(clock) + REST, rested, l, &l->rest);
      if (l->rest) tn_loop_rewatch(l->owner->loop, watch, 0);
      tn_error_free(error);
      return;
    }
  }
}

/* --- listeners --- */

static void free_listener(void *argument) {
  tn_http2_listener *l = argument;
  pthread_mutex_destroy(&l->mutex);
  pthread_cond_destroy(&l->changed);
  tn_free(l->base.address);
  tn_free(l);
}

static void end_grace(void *argument) {
  tn_http2_listener *l = argument;
  while (l->peers) tn_conn_close(l->peers->conn, NULL);
}

static void stop_listening(listening *g) {
  if (g->watch.fd < 0) return;
  tn_loop_unwatch(g->listener->owner->loop, &g->watch);
  close(g->watch.fd);
  g->watch.fd = -1;
}

static void run_close(void *argument) {
  tn_http2_listener *l = argument;
  tn_clock *clock = l->owner->base.clock;
  tn_timer_stop(clock, l->rest);
  stop_listening(&l->at);
  stop_listening(&l->near);
  if (tn_address_is_unix(l->base.address)) tn_socket_remove(l->base.address);
  l->closing = true;
  for (peer *p = l->peers; p; p = p->next) tn_conn_drain(p->conn);
  tn_error *error = l->grace_ns > 0 && l->peers
                        ? tn_timer_start(clock, tn_clock_now(clock) + l->grace_ns, end_grace, l, &l->grace)
                        : NULL;
  if (!l->grace) end_grace(l);
  tn_error_free(error);
  signal_if_quiet(l);
}

static void close_listener(tn_listener *listener, int64_t grace_ns) {
  tn_http2_listener *l = (tn_http2_listener *)listener;
  l->grace_ns = grace_ns;
  tn_loop_call(l->owner->loop, run_close, l);
  tn_lock(&l->mutex);
  while (!l->closed) pthread_cond_wait(&l->changed, &l->mutex);
  tn_unlock(&l->mutex);
  /* On the loop's thread, which is done with it then. */
  tn_loop_call(l->owner->loop, free_listener, l);
}

typedef struct opening {
  tn_http2_listener *listener;
  tn_error *error;
} opening;

static void run_listen(void *argument) {
  opening *o = argument;
  tn_http2_listener *l = o->listener;
  tn_loop *loop = l->owner->loop;
  o->error = tn_loop_watch(loop, &l->at.watch, EPOLLIN);
  if (!o->error && l->near.watch.fd >= 0) o->error = tn_loop_watch(loop, &l->near.watch, EPOLLIN);
}

tn_error *tn_http2_listen(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                          tn_listener **out) {
  tn_http2 *t = (tn_http2 *)transport;
  int fd;
  char *real;
  TN_TRY(tn_socket_listen(address, t->open || t->server_tls, &fd, &real));
  tn_http2_listener *l = tn_calloc(1, sizeof *l);
  if (!l) {
    close(fd);
    tn_free(real);
    return tn_out_of_memory();
  }
  l->base = (tn_listener){.address = real, .close = close_listener};
  bool near = !t->network_only && !t->server_tls && !tn_address_is_unix(address);
  l->at = (listening){{.fd = fd, .ready = accept_ready}, l};
  l->near = (listening){{.fd = near ? tn_socket_listen_near(fd) : -1, .ready = accept_ready}, l};
  l->owner = t;
  l->handler = handler;
  l->argument = argument;
  pthread_mutex_init(&l->mutex, NULL);
  pthread_cond_init(&l->changed, NULL);
  opening o = {l, NULL};
  tn_loop_call(t->loop, run_listen, &o);
  if (o.error) {
    close(fd);
    if (l->near.watch.fd >= 0) close(l->near.watch.fd);
    free_listener(l);
    return o.error;
  }
  *out = &l->base;
  return NULL;
}
