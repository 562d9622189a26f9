/* Remote procedure calls as the cluster runtime sees them: messages, a transport that calls and serves, a clock.
 * Masters, workers and clients get a transport and keep no state of the process, so that they run the same over HTTP/2
 * (cluster/http2.h), inside one process (cluster/local.h) and under a simulated network. */
#ifndef TN_CLUSTER_RPC_H
#define TN_CLUSTER_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/wire.h"
#include "tensor/tensor.h"

/* --- messages: bytes in parts, each part held by a buffer; reference-counted, and not changed once handed over --- */

typedef struct tn_message tn_message;
typedef struct tn_message_part {
  const char *data;
  size_t size;
  tn_buffer *owner; /* what keeps DATA alive */
} tn_message_part;

/* An empty message. */
tn_error *tn_message_new(tn_message **out) TN_MUST_USE;
tn_message *tn_message_ref(tn_message *message);
void tn_message_unref(tn_message *message); /* NULL is allowed */
/* Appends what TEXT holds without a copy, and empties it; fails with TEXT's own failed allocation too. */
tn_error *tn_message_add_str(tn_message *message, tn_str *text) TN_MUST_USE;
/* Appends a copy of SIZE bytes. */
tn_error *tn_message_add_copy(tn_message *message, const void *data, size_t size) TN_MUST_USE;
/* Appends SIZE bytes at DATA, which lie in (or are kept by) OWNER; a reference on it is taken. Nobody may write there
 * until the message is gone. */
tn_error *tn_message_add_buffer(tn_message *message, tn_buffer *owner, const void *data, size_t size) TN_MUST_USE;
size_t tn_message_size(const tn_message *message); /* in bytes; 0 for NULL */
/* The parts, valid as long as the message; NULL has none. */
size_t tn_message_parts(const tn_message *message, const tn_message_part **parts);
/* The bytes in one piece, to be read, and (if OWNER is not NULL) the buffer that keeps them, borrowed: take a reference
 * to keep a tensor that lies in it. What was received is one piece already; other messages are joined by a copy, so
 * that only their maker may ask. NULL reads as no bytes. */
tn_error *tn_message_read(tn_message *message, tn_wire_in *in, tn_buffer **owner) TN_MUST_USE;

/* --- clocks --- */

typedef struct tn_clock tn_clock;
typedef struct tn_timer tn_timer;
typedef void tn_timer_fn(void *argument);
struct tn_clock {
  int64_t (*now)(tn_clock *clock);
  tn_error *(*start)(tn_clock *clock, int64_t at_ns, tn_timer_fn *fn, void *argument, tn_timer **out);
  bool (*stop)(tn_clock *clock, tn_timer *timer);
};

/* Nanoseconds on a clock that only goes forward. */
int64_t tn_clock_now(tn_clock *clock);
/* Calls FN once at AT_NS or soon after, on the clock's thread; it must not block. *OUT is given back with
 * tn_timer_stop, whether FN has run or not; OUT may be NULL. */
tn_error *tn_timer_start(tn_clock *clock, int64_t at_ns, tn_timer_fn *fn, void *argument, tn_timer **out) TN_MUST_USE;
/* Gives TIMER back; true: FN has not been called and will not be. False: it was, or is running on the clock's thread
 * just now. May be called by FN. NULL: false. */
bool tn_timer_stop(tn_clock *clock, tn_timer *timer);

/* --- calling --- */

typedef struct tn_transport tn_transport;
typedef struct tn_call tn_call;
/* How a call ended: ERROR (owned by the callee) or REPLY (owned by it too; never NULL without an error). On a transport
 * thread; must not block. */
typedef void tn_done_fn(void *argument, tn_error *error, tn_message *reply);

typedef struct tn_metadata {
  const char *name, *value; /* the name in lower case; both printable ASCII */
} tn_metadata;

/* All texts and METADATA are copied. */
typedef struct tn_request {
  const char *address; /* "host:port", "[::1]:port", "unix:PATH" */
  const char *method;  /* "/tensorflow.WorkerService/RunGraph" */
  tn_message *message; /* a reference is taken; NULL: empty */
  int64_t deadline_ns; /* on the transport's clock; 0: none */
  const tn_metadata *metadata;
  size_t n_metadata;
  tn_done_fn *done;
  void *argument;
} tn_request;

/* Starts a call. DONE is called exactly once, never from within tn_transport_call, whatever happens: with the peer's
 * status; UNAVAILABLE, which names the address and what happened; DEADLINE_EXCEEDED; CANCELLED. The error that is
 * returned is lack of memory alone: then nothing was started and DONE is not called.
 * *OUT (OUT may be NULL) is given back with tn_call_unref, before or after the end. */
tn_error *tn_transport_call(tn_transport *transport, const tn_request *request, tn_call **out) TN_MUST_USE;
/* What this thread gives TRANSPORT to do from now on, calls and answers, may rest until tn_transport_flush, which has
 * to follow soon: several go out together, and from this thread where that can be. The caller of flush holds no lock
 * that a DONE or a handler takes: they may run in it. */
void tn_transport_hold(tn_transport *transport);
void tn_transport_flush(tn_transport *transport); /* without hold before it: nothing */
/* Ends the call soon with CANCELLED, unless it has ended; from any thread. The peer is told. NULL: nothing. */
void tn_call_cancel(tn_call *call);
void tn_call_unref(tn_call *call); /* NULL is allowed */
tn_clock *tn_transport_clock(tn_transport *transport);

/* What a transport has carried since it began, in bytes. NETWORK and LOCAL are what sockets carried (TCP; Unix sockets
 * or none), SHARED are messages that went through shared memory. */
typedef struct tn_traffic {
  uint64_t network_in, network_out, local_in, local_out, shared_in, shared_out;
} tn_traffic;
tn_traffic tn_transport_traffic(tn_transport *transport); /* from any thread */
/* Ends all calls with CANCELLED and frees it once every DONE was called. Its listeners were closed before and its calls
 * and timers given back. Not from a transport thread. What handlers still work on may be finished later: that does
 * nothing then. */
void tn_transport_free(tn_transport *transport); /* NULL is allowed */

/* --- serving --- */

typedef struct tn_listener tn_listener;
typedef struct tn_incoming tn_incoming;
/* Gets a call to serve, on a transport thread; must not block; sees to it that tn_incoming_finish is called. */
typedef void tn_handler_fn(void *argument, tn_incoming *incoming);

/* Serves at ADDRESS ("host:port", port 0: any free one; "unix:PATH") until the listener is closed. A bad address is
 * INVALID_ARGUMENT, one in use ALREADY_EXISTS. */
tn_error *tn_transport_listen(tn_transport *transport, const char *address, tn_handler_fn *handler, void *argument,
                              tn_listener **out) TN_MUST_USE;
/* The address that others call, with the real port; valid as long as the listener. */
const char *tn_listener_address(const tn_listener *listener);
/* How many connections peers keep open to it. */
int tn_listener_connections(tn_listener *listener);
/* Takes no more calls, waits up to GRACE_NS for those that run, cancels the rest and frees it. When it has returned,
 * the handler is not called any more. Not from a transport thread. */
void tn_listener_close(tn_listener *listener, int64_t grace_ns); /* NULL is allowed */

/* What is asked; all valid until the call is finished. */
const char *tn_incoming_method(const tn_incoming *incoming);
const char *tn_incoming_peer(const tn_incoming *incoming);
tn_message *tn_incoming_message(const tn_incoming *incoming); /* borrowed; one piece; tn_message_ref keeps it */
int64_t tn_incoming_deadline(const tn_incoming *incoming);    /* on the transport's clock; 0: none */
/* The value of a header by its lower-case name; NULL if there is none. */
const char *tn_incoming_metadata(const tn_incoming *incoming, const char *name);
/* Whether nobody waits for the answer any more: cancelled, over its deadline, or the caller is gone. */
bool tn_incoming_cancelled(const tn_incoming *incoming);
/* Has FN called, at most once, on a transport thread, when that happens before the call is finished. RELEASE (may be
 * NULL) is called once FN is not and will not be called any more. False: it has happened already, and neither is
 * called. Once for each incoming call. */
bool tn_incoming_on_cancel(tn_incoming *incoming, void (*fn)(void *argument), void (*release)(void *argument),
                           void *argument);
/* Answers with ERROR (taken over) or REPLY (a reference is taken over; NULL: empty), from any thread, exactly once;
 * INCOMING is gone then. */
void tn_incoming_finish(tn_incoming *incoming, tn_error *error, tn_message *reply);

#endif
