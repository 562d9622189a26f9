/* The transport inside one process: calls are tasks of one loop. Messages are copied, as a network would. */
#include "cluster/local.h"

#include <string.h>

#include "base/map.h"
#include "base/thread.h"
#include "cluster/loop.h"
#include "cluster/transport.h"

typedef struct local_listener local_listener;
typedef struct local_call local_call;

typedef struct local {
  tn_transport base;
  tn_loop *loop;
  tn_map *listeners; /* by address; on the loop's thread only, as all below */
  local_call *calls;
  int port; /* the last one given out */
  atomic_uint_fast64_t bytes;
} local;

struct local_listener {
  tn_listener base;
  local *owner;
  tn_handler_fn *handler;
  void *argument;
  int refs;    /* the owner's, and one for each incoming call */
  int running; /* calls that the handler has not finished */
  int64_t grace_ns;
  tn_timer *grace;
  bool closing, given_up;
  pthread_mutex_t mutex; /* of CLOSED */
  pthread_cond_t changed;
  bool closed;
};

/* An incoming call, as the handler sees it; it outlives the call when that ends early. */
typedef struct local_incoming {
  tn_incoming base;
  tn_task finish_task;
  tn_loop *loop;
  local_call *call; /* a reference, as on the listener */
  local_listener *listener;
  tn_error *error;
  tn_message *reply;
} local_incoming;

struct local_call {
  tn_call base;
  tn_task start_task;
  local *owner;
  local_call *next, **link; /* in the owner's list while it runs */
  char *address, *method;
  tn_message *message;
  int64_t deadline_ns;
  tn_timer *timer;
  tn_metadata *metadata;
  size_t n_metadata;
  tn_done_fn *done;
  void *argument;
  local_incoming *incoming;
  bool ended;
};

/* --- memory --- */

static void destroy_call(tn_call *call) {
  local_call *c = (local_call *)call;
  tn_metadata_free(c->metadata, c->n_metadata);
  tn_free(c->address);
  tn_free(c->method);
  tn_message_unref(c->message);
  tn_free(c);
}

static bool copy_request(local_call *c, const tn_request *r) {
  c->address = tn_strdup(r->address);
  c->method = tn_strdup(r->method);
  c->metadata = tn_metadata_copy(r->metadata, r->n_metadata);
  c->n_metadata = c->metadata ? r->n_metadata : 0;
  return c->address && c->method && c->metadata;
}

static void free_listener(local_listener *l) {
  if (--l->refs) return;
  pthread_mutex_destroy(&l->mutex);
  pthread_cond_destroy(&l->changed);
  tn_free(l->base.address);
  tn_free(l);
}

static void free_incoming(local_incoming *in) {
  tn_incoming_deinit(&in->base);
  tn_error_free(in->error);
  tn_message_unref(in->reply);
  tn_call_unref(&in->call->base);
  tn_loop_unref(in->loop);
  tn_free(in);
}

/* --- calls, on the loop's thread --- */

/* Ends a call that runs; REPLY is a reference. */
static void end_call(local_call *c, tn_error *error, tn_message *reply) {
  c->ended = true;
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  tn_timer_stop(c->owner->base.clock, c->timer);
  if (c->incoming) tn_incoming_cancel(&c->incoming->base);
  c->done(c->argument, error, reply);
  tn_call_unref(&c->base);
}

/* What arrives at the other side: one piece of bytes that nobody else holds. */
static tn_error *copy_message(local *t, const tn_message *m, tn_message **out) {
  const tn_message_part *parts;
  size_t n = tn_message_parts(m, &parts);
  char *at;
  TN_TRY(tn_message_of_size(NULL, tn_message_size(m), &at, out));
  atomic_fetch_add_explicit(&t->bytes, tn_message_size(m), memory_order_relaxed);
  for (size_t i = 0; i < n; i++) {
    memcpy(at, parts[i].data, parts[i].size);
    at += parts[i].size;
  }
  return NULL;
}

static void close_if_quiet(local_listener *l) {
  if (!l->closing || (l->running && !l->given_up)) return;
  tn_timer_stop(l->owner->base.clock, l->grace);
  l->grace = NULL;
  tn_lock(&l->mutex);
  l->closed = true;
  pthread_cond_signal(&l->changed);
  tn_unlock(&l->mutex);
}

static void run_finish(tn_task *task) {
  local_incoming *in = (local_incoming *)((char *)task - offsetof(local_incoming, finish_task));
  local_call *c = in->call;
  local_listener *l = in->listener;
  c->incoming = NULL;
  if (!c->ended) {
    tn_error *error = in->error;
    tn_message *reply = NULL;
    in->error = NULL;
    if (!error) error = copy_message(c->owner, in->reply, &reply);
    end_call(c, error, reply);
  }
  free_incoming(in);
  l->running--;
  close_if_quiet(l);
  free_listener(l);
}

static void finish(tn_incoming *incoming, tn_error *error, tn_message *reply) {
  local_incoming *in = (local_incoming *)incoming;
  in->error = error;
  in->reply = reply;
  in->finish_task.run = run_finish;
  if (!tn_loop_post(in->loop, &in->finish_task)) free_incoming(in);
}

static const char *metadata(const tn_incoming *incoming, const char *name) {
  const local_call *c = ((const local_incoming *)incoming)->call;
  for (size_t i = 0; i < c->n_metadata; i++)
    if (!strcmp(c->metadata[i].name, name)) return c->metadata[i].value;
  return NULL;
}

static void over_deadline(void *argument) {
  local_call *c = argument;
  end_call(c, tn_errorf(TN_DEADLINE_EXCEEDED, "%s at %s did not answer within its deadline", c->method, c->address),
           NULL);
}

/* Gives the call to LISTENER's handler. */
static tn_error *deliver(local_call *c, local_listener *l) {
  local_incoming *in = tn_calloc(1, sizeof *in);
  if (!in) return tn_out_of_memory();
  tn_error *error = copy_message(c->owner, c->message, &in->base.message);
  if (error) {
    tn_free(in);
    return error;
  }
  tn_incoming_init(&in->base);
  in->base.method = c->method;
  in->base.peer = "local";
  in->base.deadline_ns = c->deadline_ns;
  in->base.metadata = metadata;
  in->base.finish = finish;
  in->loop = tn_loop_ref(c->owner->loop);
  in->call = (local_call *)tn_call_ref(&c->base);
  in->listener = l;
  l->refs++;
  l->running++;
  c->incoming = in;
  l->handler(l->argument, &in->base);
  return NULL;
}

static void run_start(tn_task *task) {
  local_call *c = (local_call *)((char *)task - offsetof(local_call, start_task));
  local *t = c->owner;
  c->next = t->calls;
  c->link = &t->calls;
  if (c->next) c->next->link = &c->next;
  t->calls = c;
  tn_error *error = NULL;
  if (c->deadline_ns) error = tn_timer_start(t->base.clock, c->deadline_ns, over_deadline, c, &c->timer);
  local_listener *l = tn_map_find(t->listeners, c->address);
  if (!error) error = l ? deliver(c, l) : tn_errorf(TN_UNAVAILABLE, "%s: nobody listens there", c->address);
  if (error) end_call(c, error, NULL);
}

typedef struct cancel_task {
  tn_task task;
  local_call *call;
} cancel_task;

static void run_cancel(tn_task *task) {
  local_call *c = ((cancel_task *)task)->call;
  if (!c->ended) end_call(c, tn_errorf(TN_CANCELLED, "%s at %s was cancelled", c->method, c->address), NULL);
  tn_call_unref(&c->base);
  tn_free(task);
}

static void cancel(tn_call *call) {
  cancel_task *t = tn_malloc(sizeof *t);
  if (!t) return;
  *t = (cancel_task){{.run = run_cancel}, (local_call *)tn_call_ref(call)};
  if (tn_loop_post(t->call->owner->loop, &t->task)) return;
  tn_call_unref(call);
  tn_free(t);
}

static tn_error *call(tn_transport *transport, const tn_request *r, tn_call **out) {
  local *t = (local *)transport;
  local_call *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  c->base = (tn_call){.refs = out ? 2 : 1, .cancel = cancel, .destroy = destroy_call};
  c->message = tn_message_ref(r->message);
  c->owner = t;
  c->deadline_ns = r->deadline_ns;
  c->done = r->done;
  c->argument = r->argument;
  c->start_task.run = run_start;
  if (!copy_request(c, r)) {
    destroy_call(&c->base);
    return tn_out_of_memory();
  }
  if (out) *out = &c->base;
  tn_loop_post(t->loop, &c->start_task);
  return NULL;
}

/* --- listeners --- */

static void cancel_running(void *argument) {
  local_listener *l = argument;
  for (local_call *c = l->owner->calls, *next; c; c = next) {
    next = c->next;
    if (c->incoming && c->incoming->listener == l)
      end_call(c, tn_errorf(TN_UNAVAILABLE, "%s stopped serving", l->base.address), NULL);
  }
  l->given_up = true;
  close_if_quiet(l);
}

static void run_close(void *argument) {
  local_listener *l = argument;
  tn_clock *clock = l->owner->base.clock;
  tn_map_remove(l->owner->listeners, l->base.address, strlen(l->base.address));
  l->closing = true;
  close_if_quiet(l);
  if (l->closed) return;
  tn_error *error = l->grace_ns <= 0
                        ? tn_errorf(TN_CANCELLED, "no grace")
                        : tn_timer_start(clock, tn_clock_now(clock) + l->grace_ns, cancel_running, l, &l->grace);
  if (error) cancel_running(l);
  tn_error_free(error);
}

static void run_free_listener(void *argument) { free_listener(argument); }

static void close_listener(tn_listener *listener, int64_t grace_ns) {
  local_listener *l = (local_listener *)listener;
  local *t = l->owner;
  l->grace_ns = grace_ns;
  tn_loop_call(t->loop, run_close, l);
  tn_lock(&l->mutex);
  while (!l->closed) pthread_cond_wait(&l->changed, &l->mutex);
  tn_unlock(&l->mutex);
  tn_loop_call(t->loop, run_free_listener, l);
}

typedef struct opening {
  local_listener *listener;
  tn_error *error;
} opening;

/* Enters the listener under its address; port 0 becomes one that is free. */
static void run_listen(void *argument) {
  opening *o = argument;
  local_listener *l = o->listener;
  local *t = l->owner;
  char *port = strrchr(l->base.address, ':');
  if (port && !strcmp(port, ":0")) {
    tn_str real = {0};
    size_t size;
    tn_str_addf(&real, "%.*s:%d", (int)(port - l->base.address), l->base.address, ++t->port);
    tn_free(l->base.address);
    l->base.address = NULL;
    o->error = tn_str_take(&real, &l->base.address, &size);
  }
  if (!o->error && tn_map_find(t->listeners, l->base.address))
    o->error = tn_errorf(TN_ALREADY_EXISTS, "%s: the address is in use", l->base.address);
  if (!o->error) o->error = tn_map_put(t->listeners, l->base.address, l);
}

static tn_error *listen_at(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                           tn_listener **out) {
  local *t = (local *)transport;
  if (!*address) return tn_errorf(TN_INVALID_ARGUMENT, "an address to listen at is empty");
  local_listener *l = tn_calloc(1, sizeof *l);
  char *copy = tn_strdup(address);
  if (!l || !copy) {
    tn_free(l);
    tn_free(copy);
    return tn_out_of_memory();
  }
  *l = (local_listener){.base = {.address = copy, .close = close_listener},
                        .owner = t,
                        .handler = handler,
                        .argument = argument,
                        .refs = 1};
  pthread_mutex_init(&l->mutex, NULL);
  pthread_cond_init(&l->changed, NULL);
  opening o = {l, NULL};
  tn_loop_call(t->loop, run_listen, &o);
  if (o.error) {
    free_listener(l);
    return o.error;
  }
  *out = &l->base;
  return NULL;
}

/* --- beginning and end --- */

static void cancel_all(void *argument) {
  local *t = argument;
  while (t->calls) {
    local_call *c = t->calls;
    end_call(c, tn_errorf(TN_CANCELLED, "%s at %s was cancelled: the transport ends", c->method, c->address), NULL);
  }
}

static tn_traffic traffic(tn_transport *transport) {
  uint64_t bytes = atomic_load(&((local *)transport)->bytes);
  return (tn_traffic){.local_in = bytes, .local_out = bytes};
}

static void free_local(tn_transport *transport) {
  local *t = (local *)transport;
  tn_loop_call(t->loop, cancel_all, t);
  tn_loop_stop(t->loop);
  cancel_all(t);
  tn_loop_unref(t->loop);
  tn_map_free(t->listeners);
  tn_free(t);
}

tn_error *tn_local_new(tn_transport **out) {
  local *t = tn_calloc(1, sizeof *t);
  if (!t) return tn_out_of_memory();
  tn_error *error = tn_map_new(&t->listeners);
  if (!error) error = tn_loop_new("tenon-local", &t->loop);
  if (error) {
    tn_map_free(t->listeners);
    tn_free(t);
    return error;
  }
  t->base = (tn_transport){
      .clock = tn_loop_clock(t->loop), .call = call, .listen = listen_at, .traffic = traffic, .free = free_local};
  *out = &t->base;
  return NULL;
}
