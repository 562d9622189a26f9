/* Running a registered graph as a part of a step. */
#include <string.h>

#include "base/thread.h"
#include "cluster/collect.h"
#include "cluster/worker_impl.h"
#include "runtime/threads.h"

static tn_error *put_feeds(tn_worker_step *s, const tn_run_graph *request) {
  for (size_t i = 0; i < request->feeds.n; i++) {
    const tn_named_tensor *feed = &TN_AT(tn_named_tensor, request->feeds, i);
    TN_TRY(tn_rendezvous_send(s->rendezvous, feed->name ? feed->name : "", &feed->value, false));
  }
  return NULL;
}

static tn_error *write_stats(tn_trace *trace, tn_arena *arena, tn_run_graph_reply *reply) {
  tn_run_metadata metadata = {0};
  TN_TRY(tn_trace_write(trace, &metadata));
  char *copy = tn_arena_strndup(arena, metadata.step_stats, metadata.step_stats_size);
  reply->step_stats = (tn_string){copy, copy ? metadata.step_stats_size : 0};
  tn_run_metadata_clear(&metadata);
  return copy ? NULL : tn_out_of_memory();
}

/* Runs all of it here. */
static tn_error *run_whole(const tn_worker *worker, const tn_run_graph *request, tn_worker_graph *g, tn_worker_step *s,
                           const tn_fragment_call *call) {
  tn_error *error = put_feeds(s, request);
  tn_transport_hold(worker->options.transport);
  if (!error) error = tn_pulling_start(s->pulling, g->pulls, request->step, s->rendezvous);
  tn_transport_flush(worker->options.transport);
  return error ? error : tn_fragment_run(g->fragment, call);
}

/* --- what is fetched --- */

/* Whoever waits for a collection, and what came. */
typedef struct waiter {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool done;
  tn_error *error;
  const tn_run_graph *request;
  tn_arena *arena;
  tn_run_graph_reply *reply;
} waiter;

static tn_error *keep(waiter *w, tn_collected *collected) {
  for (size_t i = 0; i < collected->n; i++) {
    const char *key = TN_AT(const char *, w->request->fetches, i);
    tn_transfer transfer;
    TN_TRY(tn_rendezvous_parse(key, &transfer));
    if (collected->dead[i]) {
      return tn_errorf(TN_INVALID_ARGUMENT,
                       "The tensor returned for %.*s was not valid: it was not computed in this "
                       "step",
                       (int)transfer.name_size, transfer.name);
    }
    tn_named_tensor *added = tn_repeated_add(&w->reply->tensors, w->arena, sizeof *added);
    if (!added) return tn_out_of_memory();
    added->name = key;
    tn_tensor_set(&added->value, &collected->values[i]);
  }
  return NULL;
}

static void collected(void *argument, tn_collected *collected) {
  waiter *w = argument;
  tn_error *error = collected->error ? collected->error : keep(w, collected);
  for (size_t i = 0; i < collected->n; i++) tn_tensor_clear(&collected->values[i]);
  tn_lock(&w->mutex);
  w->error = error;
  w->done = true;
  pthread_cond_signal(&w->changed);
  tn_unlock(&w->mutex);
}

static void ask(void *from, const char *key, tn_rendezvous_done done, void *argument) {
  tn_rendezvous_recv_local(from, key, done, argument);
}

/* Waits until all that is asked for is there. */
static tn_error *fetch(tn_worker_step *s, const tn_run_graph *request, tn_arena *arena, tn_run_graph_reply *reply) {
  if (!request->fetches.n) return NULL;
  waiter w = {.request = request, .arena = arena, .reply = reply};
  pthread_mutex_init(&w.mutex, NULL);
  pthread_cond_init(&w.changed, NULL);
  tn_error *error = tn_collect(&request->fetches, ask, s->rendezvous, collected, &w);
  tn_lock(&w.mutex);
  while (!error && !w.done) pthread_cond_wait(&w.changed, &w.mutex);
  tn_unlock(&w.mutex);
  pthread_cond_destroy(&w.changed);
  pthread_mutex_destroy(&w.mutex);
  return error ? error : w.error;
}

/* --- partial runs --- */

/* Their background thread. */
static void run_on(void *argument) {
  tn_worker_step *s = argument;
  tn_fragment_call call = {.rendezvous = s->rendezvous};
  tn_error *error = tn_fragment_run(s->graph->fragment, &call);
  tn_lock(&s->mutex);
  s->done = true;
  s->error = error;
  pthread_cond_broadcast(&s->changed);
  tn_unlock(&s->mutex);
  tn_worker_step_unref(s);
}

static tn_error *start_partial(tn_worker_step *s, tn_worker_graph *g, int64_t id) {
  tn_lock(&s->mutex);
  bool first = !s->started;
  s->started = true;
  if (first) s->graph = tn_worker_graph_ref(g);
  tn_unlock(&s->mutex);
  if (!first) return NULL;
  TN_TRY(tn_pulling_start(s->pulling, g->pulls, id, s->rendezvous));
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  tn_error *error = tn_background(run_on, s);
  if (error) tn_worker_step_unref(s);
  return error;
}

static tn_error *wait_for_end(tn_worker_step *s) {
  tn_lock(&s->mutex);
  while (!s->done) pthread_cond_wait(&s->changed, &s->mutex);
  tn_error *error = tn_error_copy(s->error);
  tn_unlock(&s->mutex);
  return error;
}

static tn_error *run_partial(const tn_run_graph *request, tn_worker_graph *g, tn_worker_step *s, tn_arena *arena,
                             tn_run_graph_reply *reply) {
  TN_TRY(start_partial(s, g, request->step));
  TN_TRY(put_feeds(s, request));
  TN_TRY(fetch(s, request, arena, reply));
  return request->is_last_partial ? wait_for_end(s) : NULL;
}

/* --- */

tn_error *tn_worker_run(tn_worker *worker, const tn_run_graph *request, const tn_cancellation *cancellation,
                        tn_arena *arena, tn_run_graph_reply *reply) {
  for (size_t i = 0; i < request->finished.n; i++) {
    tn_worker_end_step(worker, TN_AT(int64_t, request->finished, i), NULL);
  }
  tn_worker_graph *g = NULL;
  tn_worker_step *s = NULL;
  TN_TRY(tn_worker_find_graph(worker, request, &g));
  tn_fragment_call call = {
      .cancellation = cancellation, .closed = request->closed, .deadline_ns = request->deadline_ns};
  tn_error *error = tn_worker_get_step(worker, request->step, &s);
  if (!error) call.rendezvous = s->rendezvous;
  if (!error && request->options.timeline) error = tn_trace_new(&call.trace);
  if (call.trace) tn_trace_set_device(call.trace, worker->device_name);
  tn_account *before = tn_account_enter(g->account);
  if (!error && request->is_partial) {
    tn_transport_flush(worker->options.transport); /* the caller's calls rest no longer: this may wait */
    error = run_partial(request, g, s, arena, reply);
  } else if (!error) {
    error = run_whole(worker, request, g, s, &call);
    if (!error && call.trace) error = write_stats(call.trace, arena, reply);
    if (!error) error = fetch(s, request, arena, reply);
  }
  tn_account_enter(before);
  tn_trace_free(call.trace);
  if (error && s) tn_rendezvous_abort(s->rendezvous, error);
  tn_worker_step_unref(s);
  tn_worker_graph_unref(g);
  if (error) tn_fields_clear(&tn_run_graph_reply_layout, reply);
  return error;
}
