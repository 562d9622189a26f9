/* The simulated network: a transport per task, whose calls take time on both links. */
#include "network.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "cluster/http2.h"
#include "cluster/random.h"
#include "cluster/transport.h"
#include "fibers.h"

sim_network sim_net;
sim_traffic sim_carried;

typedef struct host host;

/* A task: its link, and the fiber that stands for its transport's thread. */
struct host {
  tn_transport base;
  tn_clock clock;
  sim_costs *costs;
  sim_queue *thread;
  int64_t sends_until, receives_until; /* when the link is free again */
};

typedef struct listener {
  tn_listener base;
  host *host;
  tn_handler_fn *handler;
  void *argument;
} listener;

typedef struct sim_call sim_call;

typedef struct incoming {
  tn_incoming base;
  sim_call *call; /* a reference */
  host *host;
  tn_error *error;
  tn_message *reply;
  double bytes; /* that the answer counts as */
} incoming;

struct sim_call {
  tn_call base;
  host *from;
  listener *to;
  char *address, *method;
  tn_message *message;
  int64_t deadline_ns;
  tn_done_fn *done;
  void *argument;
  incoming *incoming; /* while it is served */
  tn_error *error;    /* that it ends with, other than the answer */
  bool ended;
};

static tn_map *listeners; /* of all hosts */

/* --- links --- */

/* What a message of SIZE bytes counts as. */
static double counted(size_t size, bool tensors) {
  return (double)size * (tensors && size > SIM_LARGE ? sim_net.scale : 1);
}

/* The current fiber, of H, writes or reads a message. */
static void handle(host *h, double bytes) {
  sim_costs *costs = h->costs;
  costs->messages++;
  costs->bytes += bytes;
  sim_work((int64_t)(costs->call_ns + bytes * costs->byte_ns));
}

/* Has FN(ARGUMENT) called when BYTES from FROM, sent now, are at TO. */
static void carry(host *from, host *to, double bytes, void (*fn)(void *argument), void *argument) {
  int64_t takes = sim_net.bytes_per_ns > 0 ? (int64_t)(bytes / sim_net.bytes_per_ns) : 0, now = sim_now();
  int64_t starts = from->sends_until > now ? from->sends_until : now;
  from->sends_until = starts + takes;
  int64_t arrives = starts + sim_net.latency_ns;
  if (to->receives_until > arrives) arrives = to->receives_until;
  to->receives_until = arrives + takes;
  sim_carried.bytes += bytes;
  sim_carried.messages++;
  if (to->receives_until > now) {
    sim_at(to->receives_until, fn, argument);
  } else {
    fn(argument); /* between processes of one machine: whoever sends wakes the other */
  }
}

static tn_error *copy_message(const tn_message *m, tn_message **out) {
  const tn_message_part *parts;
  size_t n = tn_message_parts(m, &parts);
  char *at;
  TN_TRY(tn_message_of_size(NULL, tn_message_size(m), &at, out));
  for (size_t i = 0; i < n; i++) {
    memcpy(at, parts[i].data, parts[i].size);
    at += parts[i].size;
  }
  return NULL;
}

/* --- calls --- */

static void destroy_call(tn_call *call) {
  sim_call *c = (sim_call *)call;
  tn_free(c->address);
  tn_free(c->method);
  tn_message_unref(c->message);
  tn_error_free(c->error);
  tn_free(c);
}

static void end_call(sim_call *c, tn_error *error, tn_message *reply) {
  c->ended = true;
  c->done(c->argument, error, reply);
  tn_call_unref(&c->base);
}

static void end_early(void *argument) {
  sim_call *c = argument;
  if (!c->ended) {
    tn_error *error = c->error;
    c->error = NULL;
    end_call(c, error, NULL);
  }
  tn_call_unref(&c->base);
}

static void cancel_there(void *argument) {
  sim_call *c = argument;
  if (c->incoming) tn_incoming_cancel(&c->incoming->base);
  tn_call_unref(&c->base);
}

static void arrive_cancelled(void *argument) {
  sim_call *c = argument;
  sim_post(c->to->host->thread, cancel_there, c);
}

/* Ends C with ERROR, and tells its server a little later. */
static void give_up(sim_call *c, tn_error *error) {
  if (c->ended || c->error) {
    tn_error_free(error);
    return;
  }
  c->error = error;
  tn_call_ref(&c->base);
  sim_post(c->from->thread, end_early, c);
  if (!c->to) return;
  tn_call_ref(&c->base);
  sim_at(sim_now() + sim_net.latency_ns, arrive_cancelled, c);
}

static void cancel(tn_call *call) {
  sim_call *c = (sim_call *)call;
  give_up(c, tn_errorf(TN_CANCELLED, "%s at %s was cancelled", c->method, c->address));
}

static void over_deadline(void *argument) {
  sim_call *c = argument;
  give_up(c, tn_errorf(TN_DEADLINE_EXCEEDED, "%s at %s did not answer within its deadline", c->method, c->address));
  tn_call_unref(&c->base);
}

/* --- answers --- */

static void take_answer(void *argument) {
  incoming *in = argument;
  sim_call *c = in->call;
  handle(c->from, in->bytes);
  if (!c->ended) {
    tn_error *error = in->error;
    tn_message *reply = NULL;
    in->error = NULL;
    if (!error) error = copy_message(in->reply, &reply);
    end_call(c, error, reply);
  }
  tn_error_free(in->error);
  tn_message_unref(in->reply);
  tn_call_unref(&c->base);
  tn_free(in);
}

static void arrive_answer(void *argument) {
  incoming *in = argument;
  sim_post(in->call->from->thread, take_answer, in);
}

static void finish(tn_incoming *base, tn_error *error, tn_message *reply) {
  incoming *in = (incoming *)base;
  in->call->incoming = NULL;
  in->error = error;
  in->reply = reply;
  tn_incoming_deinit(base);
  in->bytes = counted(tn_message_size(reply), strstr(in->call->method, "/Recv") != NULL);
  handle(in->host, in->bytes);
  carry(in->host, in->call->from, in->bytes, arrive_answer, in);
}

static const char *metadata(const tn_incoming *base, const char *name) {
  (void)base;
  (void)name;
  return NULL;
}

static void serve(void *argument) {
  sim_call *c = argument;
  listener *l = c->to;
  handle(l->host, counted(tn_message_size(c->message), false));
  incoming *in = tn_calloc(1, sizeof *in);
  tn_error *error = in ? copy_message(c->message, &in->base.message) : tn_out_of_memory();
  if (error) {
    give_up(c, error);
    tn_free(in);
    tn_call_unref(&c->base);
    return;
  }
  tn_incoming_init(&in->base);
  in->base.method = c->method;
  in->base.peer = "simulated";
  in->base.deadline_ns = c->deadline_ns;
  in->base.metadata = metadata;
  in->base.finish = finish;
  in->call = c; /* with the reference that came */
  in->host = l->host;
  c->incoming = in;
  l->handler(l->argument, &in->base);
}

static void arrive(void *argument) {
  sim_call *c = argument;
  sim_post(c->to->host->thread, serve, c);
}

static void refuse(void *argument) {
  sim_call *c = argument;
  give_up(c, tn_errorf(TN_UNAVAILABLE, "%s: nobody listens there", c->address));
  tn_call_unref(&c->base);
}

static tn_error *call(tn_transport *transport, const tn_request *r, tn_call **out) {
  sim_call *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  c->base = (tn_call){.refs = out ? 3 : 2, .cancel = cancel, .destroy = destroy_call};
  c->from = (host *)transport;
  c->address = tn_strdup(r->address);
  c->method = tn_strdup(r->method);
  c->message = tn_message_ref(r->message);
  c->deadline_ns = r->deadline_ns;
  c->done = r->done;
  c->argument = r->argument;
  c->to = tn_map_find(listeners, r->address);
  if (out) *out = &c->base;
  if (r->deadline_ns) {
    tn_call_ref(&c->base);
    sim_at(r->deadline_ns, over_deadline, c);
  }
  if (c->to) {
    double bytes = counted(tn_message_size(r->message), false);
    handle(c->from, bytes);
    carry(c->from, c->to->host, bytes, arrive, c);
  } else {
    sim_at(sim_now() + 2 * sim_net.latency_ns, refuse, c);
  }
  return NULL;
}

/* --- listening and clocks --- */

static void close_listener(tn_listener *base, int64_t grace_ns) {
  (void)grace_ns;
  tn_map_remove(listeners, base->address, strlen(base->address));
}

static tn_error *listen_at(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                           tn_listener **out) {
  listener *l = tn_calloc(1, sizeof *l);
  if (!l) return tn_out_of_memory();
  *l = (listener){.base = {.address = tn_strdup(address), .close = close_listener},
                  .host = (host *)transport,
                  .handler = handler,
                  .argument = argument};
  if (tn_map_find(listeners, address)) return tn_errorf(TN_ALREADY_EXISTS, "%s: the address is in use", address);
  TN_TRY(tn_map_put(listeners, address, l));
  *out = &l->base;
  return NULL;
}

static int64_t now(tn_clock *clock) {
  (void)clock;
  return sim_now();
}

struct tn_timer {
  tn_timer_fn *fn;
  void *argument;
  sim_queue *thread;
  bool ran, done, stopped, owned;
};

static void run_timer(void *argument) {
  tn_timer *t = argument;
  if (!t->stopped) {
    t->ran = true;
    t->fn(t->argument);
    t->done = true;
    if (t->owned && !t->stopped) return;
  }
  tn_free(t);
}

static void ring(void *argument) {
  tn_timer *t = argument;
  sim_post(t->thread, run_timer, t);
}

static tn_error *start_timer(tn_clock *clock, int64_t at_ns, tn_timer_fn *fn, void *argument, tn_timer **out) {
  host *h = (host *)((char *)clock - offsetof(host, clock));
  tn_timer *t = tn_calloc(1, sizeof *t);
  if (!t) return tn_out_of_memory();
  *t = (tn_timer){.fn = fn, .argument = argument, .thread = h->thread, .owned = out != NULL};
  if (out) *out = t;
  sim_at(at_ns, ring, t);
  return NULL;
}

static bool stop_timer(tn_clock *clock, tn_timer *timer) {
  (void)clock;
  if (!timer) return false;
  bool in_time = !timer->ran;
  timer->stopped = true;
  if (timer->done) tn_free(timer);
  return in_time;
}

static tn_traffic traffic(tn_transport *transport) {
  (void)transport;
  return (tn_traffic){0};
}

static void free_host(tn_transport *transport) { (void)transport; } /* its fiber may have work; all ends with the run */

/* --- what the linker puts in place of the library's --- */

tn_error *__wrap_tn_http2_new(const tn_http2_options *options, tn_transport **out);
tn_error *__wrap_tn_http2_new(const tn_http2_options *options, tn_transport **out) {
  (void)options;
  if (!listeners) TN_TRY(tn_map_new(&listeners));
  host *h = tn_calloc(1, sizeof *h);
  if (!h) return tn_out_of_memory();
  h->clock = (tn_clock){now, start_timer, stop_timer};
  h->base =
      (tn_transport){.clock = &h->clock, .call = call, .listen = listen_at, .traffic = traffic, .free = free_host};
  h->costs = sim_process();
  h->thread = sim_queue_new();
  *out = &h->base;
  return NULL;
}

/* SplitMix64: handles and incarnations are the same in each run. */
tn_error *__wrap_tn_random_u64(uint64_t *out);
tn_error *__wrap_tn_random_u64(uint64_t *out) {
  uint64_t z = sim_net.seed += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  *out = z ^ (z >> 31);
  return NULL;
}
