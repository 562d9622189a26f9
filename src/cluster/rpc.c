/* The parts of calling and serving that do not depend on the transport. */
#include "cluster/rpc.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/transport.h"

/* --- clocks --- */

int64_t tn_clock_now(tn_clock *clock) { return clock->now(clock); }

tn_error *tn_timer_start(tn_clock *clock, int64_t at_ns, tn_timer_fn *fn, void *argument, tn_timer **out) {
  return clock->start(clock, at_ns, fn, argument, out);
}

bool tn_timer_stop(tn_clock *clock, tn_timer *timer) { return timer && clock->stop(clock, timer); }

/* --- metadata --- */

void tn_metadata_free(tn_metadata *metadata, size_t n) {
  for (size_t i = 0; metadata && i < n; i++) {
    tn_free((char *)metadata[i].name);
    tn_free((char *)metadata[i].value);
  }
  tn_free(metadata);
}

tn_metadata *tn_metadata_copy(const tn_metadata *metadata, size_t n) {
  tn_metadata *copy = tn_calloc(n + 1, sizeof *copy);
  for (size_t i = 0; copy && i < n; i++) {
    copy[i] = (tn_metadata){tn_strdup(metadata[i].name), tn_strdup(metadata[i].value)};
    if (copy[i].name && copy[i].value) continue;
    tn_metadata_free(copy, n);
    return NULL;
  }
  return copy;
}

/* --- calling --- */

tn_error *tn_transport_call(tn_transport *transport, const tn_request *request, tn_call **out) {
  return transport->call(transport, request, out);
}

tn_call *tn_call_ref(tn_call *call) {
  atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
  return call;
}

void tn_call_unref(tn_call *call) {
  if (call && atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) == 1) call->destroy(call);
}

void tn_call_cancel(tn_call *call) {
  if (call) call->cancel(call);
}

tn_clock *tn_transport_clock(tn_transport *transport) { return transport->clock; }

void tn_transport_hold(tn_transport *transport) {
  if (transport->hold) transport->hold(transport);
}

void tn_transport_flush(tn_transport *transport) {
  if (transport->flush) transport->flush(transport);
}

tn_traffic tn_transport_traffic(tn_transport *transport) { return transport->traffic(transport); }

void tn_transport_free(tn_transport *transport) {
  if (transport) transport->free(transport);
}

/* --- serving --- */

tn_error *tn_transport_listen(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                              tn_listener **out) {
  return transport->listen(transport, address, handler, argument, out);
}

const char *tn_listener_address(const tn_listener *listener) { return listener->address; }

int tn_listener_connections(tn_listener *listener) {
  return atomic_load_explicit(&listener->connections, memory_order_relaxed);
}

void tn_listener_close(tn_listener *listener, int64_t grace_ns) {
  if (listener) listener->close(listener, grace_ns);
}

const char *tn_incoming_method(const tn_incoming *incoming) { return incoming->method; }
const char *tn_incoming_peer(const tn_incoming *incoming) { return incoming->peer; }
tn_message *tn_incoming_message(const tn_incoming *incoming) { return incoming->message; }
int64_t tn_incoming_deadline(const tn_incoming *incoming) { return incoming->deadline_ns; }

const char *tn_incoming_metadata(const tn_incoming *incoming, const char *name) {
  return incoming->metadata(incoming, name);
}

bool tn_incoming_cancelled(const tn_incoming *incoming) {
  pthread_mutex_t *mutex = (pthread_mutex_t *)&incoming->mutex;
  tn_lock(mutex);
  bool cancelled = incoming->cancelled;
  tn_unlock(mutex);
  return cancelled;
}

bool tn_incoming_on_cancel(tn_incoming *incoming, void (*fn)(void *argument), void (*release)(void *argument),
                           void *argument) {
  tn_lock(&incoming->mutex);
  bool in_time = !incoming->cancelled;
  if (in_time) {
    incoming->on_cancel = fn;
    incoming->release = release;
    incoming->argument = argument;
  }
  tn_unlock(&incoming->mutex);
  return in_time;
}

void tn_incoming_finish(tn_incoming *incoming, tn_error *error, tn_message *reply) {
  incoming->finish(incoming, error, reply);
}

void tn_incoming_init(tn_incoming *incoming) { pthread_mutex_init(&incoming->mutex, NULL); }

void tn_incoming_cancel(tn_incoming *incoming) {
  tn_lock(&incoming->mutex);
  void (*fn)(void *argument) = incoming->cancelled ? NULL : incoming->on_cancel;
  incoming->cancelled = true;
  incoming->on_cancel = NULL;
  tn_unlock(&incoming->mutex);
  if (fn) fn(incoming->argument);
}

void tn_incoming_deinit(tn_incoming *incoming) {
  if (incoming->release) incoming->release(incoming->argument);
  tn_message_unref(incoming->message);
  pthread_mutex_destroy(&incoming->mutex);
}
