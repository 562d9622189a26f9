/* Channels: for each address one connection, made when a call needs it and again after it is lost, with pauses that
 * grow while the peer cannot be reached. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/http2_client.h"

/* Pauses between attempts, which double from the first to the last. */
static const int64_t FIRST_PAUSE = 50000000, LAST_PAUSE = 1000000000;

struct tn_channel {
  tn_http2 *owner;
  char *address, *host;
  enum { IDLE, PAUSED, RESOLVING, CONNECTING, READY } state;
  tn_http2_link *now; /* CONNECTING, READY */
  tn_addresses addresses;
  int next_address, next_near; /* NEAR: the two sockets at which a peer at this host may be reached as well */
  int64_t pause_ns, not_before_ns;
  tn_timer *timer;
};

tn_error *tn_channel_get(tn_http2 *t, const char *address, tn_channel **out) {
  *out = tn_map_find(t->channels, address);
  if (*out) return NULL;
  char *host;
  TN_TRY(tn_address_host(address, &host));
  tn_channel *ch = tn_calloc(1, sizeof *ch);
  char *copy = tn_strdup(address);
  tn_error *error = ch && copy ? tn_map_put(t->channels, address, ch) : tn_out_of_memory();
  if (error) {
    tn_free(ch);
    tn_free(copy);
    tn_free(host);
    return error;
  }
  *ch = (tn_channel){.owner = t, .address = copy, .host = host};
  *out = ch;
  return NULL;
}

void tn_channels_free(tn_http2 *t) {
  if (!t->channels) return;
  size_t cursor = 0, size;
  const void *key;
  void *value;
  while (tn_map_next(t->channels, &cursor, &key, &size, &value)) {
    tn_channel *ch = value;
    tn_timer_stop(t->base.clock, ch->timer);
    tn_free(ch->address);
    tn_free(ch->host);
    tn_free(ch);
  }
  tn_map_free(t->channels);
}

/* The first call from C on that waits for the channel. */
static tn_http2_call *waiting(const tn_channel *ch, tn_http2_call *c) {
  while (c && (c->channel != ch || c->stream || c->job)) c = c->next;
  return c;
}

/* The peer cannot be reached: all calls that wait hear of it, the next ones wait for the next attempt. */
static void give_up(tn_channel *ch, tn_error *error) {
  int64_t now = tn_now_ns();
  ch->state = IDLE;
  ch->now = NULL;
  ch->pause_ns = ch->pause_ns ? 2 * ch->pause_ns : FIRST_PAUSE;
  if (ch->pause_ns > LAST_PAUSE) ch->pause_ns = LAST_PAUSE;
  /* Up to a quarter less, so that tasks do not come all at once. */
  ch->not_before_ns = now + ch->pause_ns - now / 1000 % (ch->pause_ns / 4);
  for (tn_http2_call *c = waiting(ch, ch->owner->calls); c; c = waiting(ch, ch->owner->calls))
    tn_http2_call_end(c, tn_error_copy(error), NULL);
  tn_error_free(error);
}

static void try_next(tn_channel *ch, tn_error *error);

static tn_error *open_link(tn_channel *ch, int fd) {
  tn_http2 *t = ch->owner;
  tn_http2_link *l = tn_calloc(1, sizeof *l);
  tn_tls *tls = NULL;
  if (!l) return tn_out_of_memory();
  tn_error *error = NULL;
  if (t->client_tls) error = tn_tls_new(t->client_tls, fd, t->server_name ? t->server_name : ch->host, &tls);
  tn_conn_settings settings = tn_http2_settings(t, &tn_http2_client_role, l, ch->address, fd);
  if (!error) error = tn_conn_new(&settings, fd, tls, true, &l->conn);
  if (error) {
    tn_tls_free(tls);
    tn_free(l);
    return error;
  }
  l->owner = t;
  l->channel = ch;
  l->next = t->links;
  l->link = &t->links;
  if (l->next) l->next->link = &l->next;
  t->links = l;
  ch->now = l;
  ch->state = CONNECTING;
  return NULL;
}

/* Connects to the peer by a Unix socket, if it is at this host and runs as the same user. */
static bool try_near(tn_channel *ch) {
  const tn_http2 *t = ch->owner;
  if (t->network_only || t->client_tls || !ch->addresses.n) return false;
  while (ch->next_near < 2) {
    tn_socket_address near;
    int fd = tn_address_near(&ch->addresses.at[0], ch->next_near++, &near) ? tn_socket_connect(&near) : -1;
    if (fd < 0) continue;
    tn_error *error = tn_socket_same_user(fd) ? open_link(ch, fd) : tn_errorf(TN_PERMISSION_DENIED, "another user's");
    if (!error) return true;
    tn_error_free(error); /* the network is left */
    close(fd);
  }
  return false;
}

/* Connects to the next of the host's addresses; ERROR says why the last one did not work (NULL: it is the first). */
static void try_next(tn_channel *ch, tn_error *error) {
  if (try_near(ch)) {
    tn_error_free(error);
    return;
  }
  while (ch->next_address < ch->addresses.n) {
    tn_error_free(error);
    int fd = tn_socket_connect(&ch->addresses.at[ch->next_address++]);
    if (fd < 0) {
      error = tn_errorf(TN_UNAVAILABLE, "%s: cannot connect: %s", ch->address,
                        errno == ENOENT ? "there is no such socket" : strerror(errno));
      continue;
    }
    error = open_link(ch, fd);
    if (!error) return;
    close(fd);
  }
  give_up(ch, error ? error : tn_errorf(TN_UNAVAILABLE, "%s: the host has no address", ch->address));
}

static void resolved(void *argument, tn_error *error, const tn_addresses *addresses) {
  tn_channel *ch = argument;
  if (ch->owner->ending) {
    tn_error_free(error);
    return;
  }
  ch->addresses = *addresses;
  ch->next_address = ch->next_near = 0;
  if (error)
    give_up(ch, error);
  else
    try_next(ch, NULL);
}

static void connect_channel(tn_channel *ch) {
  ch->state = RESOLVING;
  ch->next_address = ch->next_near = 0;
  tn_error *error = tn_address_resolve(ch->address, true, &ch->addresses);
  if (error)
    give_up(ch, error);
  else if (ch->addresses.n)
    try_next(ch, NULL);
  else if ((error = tn_address_lookup(ch->owner->loop, ch->address, resolved, ch)))
    give_up(ch, error);
}

static void pause_over(void *argument) {
  tn_channel *ch = argument;
  tn_timer_stop(ch->owner->base.clock, ch->timer);
  ch->timer = NULL;
  ch->state = IDLE;
  if (waiting(ch, ch->owner->calls)) connect_channel(ch);
}

void tn_channel_kick(tn_channel *ch) {
  if (ch->state == READY) {
    for (tn_http2_call *c = waiting(ch, ch->owner->calls), *next; c; c = next) {
      next = waiting(ch, c->next);
      tn_http2_call_send(c, ch->now->conn);
    }
  } else if (ch->state == IDLE && tn_now_ns() < ch->not_before_ns) {
    tn_error *error = tn_timer_start(ch->owner->base.clock, ch->not_before_ns, pause_over, ch, &ch->timer);
    if (error)
      give_up(ch, error);
    else
      ch->state = PAUSED;
  } else if (ch->state == IDLE) {
    connect_channel(ch);
  }
}

void tn_channel_opened(tn_channel *ch) {
  ch->state = READY;
  ch->pause_ns = ch->not_before_ns = 0;
  tn_channel_kick(ch);
}

void tn_channel_lost(tn_channel *ch, const tn_error *lost) {
  bool was_ready = ch->state == READY;
  ch->state = IDLE;
  ch->now = NULL;
  if (!was_ready)
    try_next(ch, lost ? tn_error_copy(lost) : tn_errorf(TN_UNAVAILABLE, "%s: the connection was closed", ch->address));
  else if (waiting(ch, ch->owner->calls))
    tn_channel_kick(ch);
}
