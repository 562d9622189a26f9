/* Fuzzes what one member of a ring hears from the others. The input's first byte is its rank; then come deeds: a byte
 * that says which, a byte N, and N bytes, which are a message's (or, where it gives gradients, are not used).
 * Covers: src/cluster/collective_peer.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/collective_impl.h"
#include "cluster/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHARDS = 4, SMALL = 5, LARGE = PIECE / 4 + 3, MEMBERS = 3 };
enum { DO_PUSH, DO_WATCH, DO_BREAK, DO_ASK, DO_PUT, DO_BEGIN, DO_LEAVE, DO_FAIL, DEEDS };

/* --- a transport that carries nothing: calls rest until they are ended here --- */

typedef struct resting {
  tn_call base;
  struct resting *next;
  tn_done_fn *done;
  void *argument;
  bool watches, cancelled;
} resting;

static pthread_mutex_t calls_mutex = PTHREAD_MUTEX_INITIALIZER;
static resting *calls;

static void cancel(tn_call *call) {
  tn_lock(&calls_mutex);
  ((resting *)call)->cancelled = true;
  tn_unlock(&calls_mutex);
}

static void destroy(tn_call *call) { tn_free(call); }

static tn_error *begin_call(tn_transport *transport, const tn_request *request, tn_call **out) {
  (void)transport;
  resting *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  atomic_init(&made->base.refs, out ? 2 : 1);
  made->base.cancel = cancel;
  made->base.destroy = destroy;
  made->done = request->done;
  made->argument = request->argument;
  made->watches = strstr(request->method, "Watch") != NULL;
  tn_lock(&calls_mutex);
  made->next = calls;
  calls = made;
  tn_unlock(&calls_mutex);
  if (out) *out = &made->base;
  return NULL;
}

static tn_transport transport = {.call = begin_call};

/* Ends the calls that rest, well or not; watching goes on, unless it was cancelled or ALL end. */
static void end_calls(bool well, bool all) {
  tn_lock(&calls_mutex);
  resting *ending = calls, *kept = NULL;
  calls = NULL;
  tn_unlock(&calls_mutex);
  while (ending) {
    resting *next = ending->next;
    if (ending->watches && !ending->cancelled && !all && well) {
      ending->next = kept;
      kept = ending;
    } else {
      tn_message *reply = NULL;
      tn_error *error = well && !ending->cancelled ? tn_message_new(&reply) : tn_errorf(TN_UNAVAILABLE, "gone");
      ending->done(ending->argument, error, reply);
      tn_call_unref(&ending->base);
    }
    ending = next;
  }
  tn_lock(&calls_mutex);
  while (kept) {
    resting *next = kept->next;
    kept->next = calls;
    calls = kept;
    kept = next;
  }
  tn_unlock(&calls_mutex);
}

/* --- what comes --- */

static void finish(tn_incoming *incoming, tn_error *error, tn_message *reply) {
  tn_error_free(error);
  tn_message_unref(reply);
  tn_incoming_deinit(incoming);
  tn_free(incoming);
}

static void hear(tn_collective *c, const char *method, const uint8_t *data, size_t size) {
  tn_incoming *incoming = tn_calloc(1, sizeof *incoming);
  tn_message *message = NULL;
  if (!incoming || tn_message_new(&message) || tn_message_add_copy(message, data, size)) abort();
  tn_incoming_init(incoming);
  incoming->method = method;
  incoming->peer = "fuzz";
  incoming->message = message;
  incoming->finish = finish;
  tn_collective_handle(c, incoming);
}

/* --- what the member itself does --- */

static void begin(tn_collective *c) {
  static const int64_t members[MEMBERS] = {0, 1, 2};
  static const tn_dtype types[] = {TN_FLOAT, TN_FLOAT};
  static const int64_t elements[] = {SMALL, LARGE};
  tn_collective_ring ring = {c->generation + 1, MEMBERS, members, 0};
  tn_error_free(tn_collective_begin(c, &ring, &(tn_collective_layout){SHARDS, 2, types, elements}));
}

/* Gives all gradients of the step that the place is. */
static void put(tn_collective *c, int64_t step) {
  for (int b = 0; b < 2; b++) {
    tn_tensor value = {0};
    tn_shape shape = tn_shape_of(1, &(int64_t){b ? LARGE : SMALL});
    if (tn_tensor_init(&value, TN_FLOAT, &shape)) abort();
    memset(value.data, 0, (size_t)(b ? LARGE : SMALL) * sizeof(float));
    for (int64_t shard = 0; shard < SHARDS; shard++) {
      tn_shard_place at = {.epoch = c->generation, .step = step, .shard = shard, .kind = TN_SHARD_COMPUTE};
      tn_error_free(tn_collective_put(c, &at, b, 1, (const tn_tensor *const[]){&value}));
    }
    tn_tensor_clear(&value);
  }
}

static void wait_for_sums(tn_collective *c) {
  tn_lock(&c->mutex);
  while (c->adding) pthread_cond_wait(&c->changed, &c->mutex);
  tn_unlock(&c->mutex);
}

static void act(tn_collective *c, int deed, const uint8_t *data, size_t size) {
  static const char *const methods[] = {TN_COLLECTIVE_SERVICE "Push", TN_COLLECTIVE_SERVICE "Watch",
                                        TN_COLLECTIVE_SERVICE "Break", TN_COLLECTIVE_SERVICE "Ask"};
  if (deed <= DO_ASK) hear(c, methods[deed], data, size);
  if (deed == DO_PUT) put(c, size ? data[0] % 3 : 0);
  if (deed == DO_BEGIN) begin(c);
  if (deed == DO_LEAVE) tn_collective_done(c, size ? data[0] % 3 : 0);
  if (deed == DO_FAIL) tn_collective_break_at(c, size ? data[0] % 4 : 1, c->generation);
  wait_for_sums(c);
  end_calls(deed != DO_FAIL, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static tn_spec spec;
  tn_set_memory_limit(256 << 20);
  if (!spec.n && tn_spec_parse("worker=a:1,b:2,c:3", &spec)) abort();
  if (!size) return 0;
  tn_collective *c = NULL;
  if (tn_collective_new(&spec, &spec.tasks[data[0] % MEMBERS], &transport, &c)) abort();
  begin(c);
  for (size_t at = 1; at + 2 <= size;) {
    int deed = data[at] % DEEDS;
    size_t n = data[at + 1];
    at += 2;
    if (n > size - at) n = size - at;
    act(c, deed, data + at, n);
    at += n;
  }
  tn_collective_stop(c);
  wait_for_sums(c);
  end_calls(false, true);
  tn_object_unref(tn_collective_object(c));
  return 0;
}
