/* Running a step: one call for each task that takes part, all at once; the first error ends the others. */
#include <string.h>

#include "base/thread.h"
#include "cluster/master_impl.h"
#include "cluster/methods.h"
#include "kernel/step.h"

typedef struct flight flight;

/* The call of one part. */
typedef struct leg {
  flight *flight;
  const tn_master_part *part;
  tn_call *call;
  tn_error *error;
  tn_message *reply;
} leg;

/* A step on its way. Shared by who waits and its calls. */
struct flight {
  atomic_int refs;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  size_t left; /* calls without an answer */
  bool failed;
  tn_worker *worker;
  int64_t id;
  size_t n;
  leg legs[];
};

static void flight_unref(flight *f) {
  if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < f->n; i++) {
    tn_call_unref(f->legs[i].call);
    tn_error_free(f->legs[i].error);
    tn_message_unref(f->legs[i].reply);
  }
  pthread_cond_destroy(&f->changed);
  pthread_mutex_destroy(&f->mutex);
  tn_free(f);
}

static void landed(void *argument, tn_error *error, tn_message *reply) {
  leg *l = argument;
  flight *f = l->flight;
  tn_lock(&f->mutex);
  l->error = tn_error_context(error, "From %s", l->part->task->task->name);
  l->reply = reply;
  f->left--;
  bool first = error && !f->failed;
  if (first) f->failed = true;
  tn_error *copy = first ? tn_error_copy(l->error) : NULL;
  tn_unlock(&f->mutex);
  pthread_cond_signal(&f->changed);
  if (first) tn_worker_end_step(f->worker, f->id, copy); /* the part here doesn't wait for that one any more */
  tn_error_free(copy);
  flight_unref(f);
}

/* --- requests --- */

/* What TASK is to be told of steps that are over. */
static tn_error *take_finished(tn_master_session *s, tn_master_task *task, tn_arena *arena, tn_repeated *out) {
  tn_error *error = NULL;
  tn_lock(&s->mutex);
  for (size_t i = 0; i < task->n_finished && !error; i++) {
    int64_t *added = tn_repeated_add(out, arena, sizeof *added);
    if (added) {
      *added = task->finished[i];
    } else {
      error = tn_out_of_memory();
    }
  }
  if (!error) task->n_finished = 0;
  tn_unlock(&s->mutex);
  return error;
}

static tn_error *make_request(tn_master_session *s, const tn_master_step *step, const tn_master_part *part,
                              tn_arena *arena, tn_run_graph *out) {
  *out = (tn_run_graph){.session = s->handle,
                        .graph = part->graph,
                        .has_session = 1,
                        .step = step->id,
                        .is_partial = step->partial,
                        .is_last_partial = step->last};
  out->options.timeline = step->stats != NULL;
  for (size_t i = 0; i < part->n_feeds; i++) {
    const tn_tensor *value = &step->feeds[part->feeds[i].index];
    if (value->dtype == TN_INVALID) continue;
    tn_named_tensor *feed = tn_repeated_add(&out->feeds, arena, sizeof *feed);
    if (!feed) return tn_out_of_memory();
    *feed = (tn_named_tensor){.name = part->feeds[i].key, .value = *value};
  }
  for (size_t i = 0; i < part->n_fetches; i++) {
    if (!step->wanted[part->fetches[i].index]) continue;
    const char **key = tn_repeated_add(&out->fetches, arena, sizeof *key);
    if (!key) return tn_out_of_memory();
    *key = part->fetches[i].key;
  }
  return take_finished(s, part->task, arena, &out->finished);
}

static tn_error *send_leg(tn_master_session *s, leg *l, const tn_run_graph *request) {
  flight *f = l->flight;
  tn_message *message = NULL;
  TN_TRY(tn_encode(&tn_run_graph_layout, request, &message));
  tn_request call = {.address = l->part->task->task->address,
                     .method = TN_WORKER_SERVICE "RunGraph",
                     .message = message,
                     .done = landed,
                     .argument = l};
  atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
  tn_lock(&f->mutex);
  f->left++;
  tn_unlock(&f->mutex);
  tn_call *started = NULL;
  tn_error *error = tn_transport_call(s->master->options.transport, &call, &started);
  tn_message_unref(message);
  tn_lock(&f->mutex);
  l->call = started;
  if (error) f->left--;
  tn_unlock(&f->mutex);
  if (error) flight_unref(f);
  return error;
}

/* --- replies --- */

static tn_error *take_reply(tn_master_step *step, const tn_master_part *part, const tn_run_graph_reply *reply) {
  if (reply->code) return tn_errorf((tn_code)reply->code, "%s", reply->message ? reply->message : "");
  for (size_t i = 0; i < reply->tensors.n; i++) {
    const tn_named_tensor *t = &TN_AT(tn_named_tensor, reply->tensors, i);
    for (size_t k = 0; k < part->n_fetches; k++) {
      if (strcmp(part->fetches[k].key, t->name ? t->name : "") != 0) continue;
      tn_tensor_set(&step->values[part->fetches[k].index], &t->value);
    }
  }
  if (step->stats) tn_str_add_bytes(step->stats, reply->step_stats.data, reply->step_stats.size);
  return NULL;
}

static tn_error *run_own(tn_master_session *s, tn_master_step *step, const tn_master_part *part, tn_run_graph *request,
                         const tn_master_call *call) {
  tn_run_graph_reply reply = {0};
  request->closed = &s->cancellation.cancelled;
  tn_error *error = tn_worker_run(s->master->options.worker, request, call->cancellation, call->arena, &reply);
  if (!error) error = take_reply(step, part, &reply);
  tn_fields_clear(&tn_run_graph_reply_layout, &reply);
  return error;
}

static tn_error *take_replies(flight *f, tn_master_step *step, tn_arena *arena) {
  for (size_t i = 0; i < f->n; i++) {
    leg *l = &f->legs[i];
    if (!l->reply) continue;
    tn_run_graph_reply reply = {0};
    tn_error *error = tn_decode(&tn_run_graph_reply_layout, l->reply, arena, &reply);
    if (!error) error = take_reply(step, l->part, &reply);
    tn_fields_clear(&tn_run_graph_reply_layout, &reply);
    if (error) return tn_error_context(error, "From %s", l->part->task->task->name);
  }
  return NULL;
}

/* --- waiting --- */

/* With the lock held. */
static void cancel_legs(flight *f) {
  f->failed = true;
  for (size_t i = 0; i < f->n; i++) tn_call_cancel(f->legs[i].call);
}

/* Waits for all answers; an error of the session's, the caller's or the clock's ends the calls. */
static tn_error *wait_for_all(tn_master_session *s, flight *f, const tn_master_call *call, int64_t deadline_ns) {
  tn_error *error = NULL;
  bool cancelled = false;
  tn_lock(&f->mutex);
  while (f->left) {
    if (!error && !f->failed) error = tn_cancellation_check(call->cancellation);
    if (!error && !f->failed && atomic_load(&s->cancellation.cancelled)) {
      error = tn_errorf(TN_CANCELLED, "Session has been closed.");
    }
    if (!error && !f->failed && deadline_ns && tn_now_ns() > deadline_ns) {
      error = tn_errorf(TN_DEADLINE_EXCEEDED, "the step took longer than its timeout");
    }
    if ((error || f->failed) && !cancelled) {
      cancelled = true;
      cancel_legs(f);
    }
    tn_wait_a_little(&f->changed, &f->mutex);
  }
  tn_unlock(&f->mutex);
  return error;
}

/* The error that tells most: one that isn't only what others were told because of it. */
static tn_error *best_error(flight *f, tn_error *own) {
  tn_error *best = own;
  for (size_t i = 0; i < f->n; i++) {
    tn_error *other = f->legs[i].error;
    if (!other) continue;
    bool weak = best && tn_error_code(best) == TN_CANCELLED && tn_error_code(other) != TN_CANCELLED;
    if (best && !weak) continue;
    if (best == own) tn_error_free(own);
    best = other;
  }
  return best == own ? own : tn_error_copy(best);
}

/* --- the end of a step --- */

void tn_master_clean_up(const tn_master_session *s, const tn_master_task *task, int64_t id) {
  tn_step_id request = {id};
  tn_message *message = NULL;
  tn_error *error = tn_encode(&tn_step_id_layout, &request, &message);
  tn_request call = {.address = task->task->address,
                     .method = TN_WORKER_SERVICE "CleanupGraph",
                     .message = message,
                     .done = tn_master_forget};
  if (!error) error = tn_transport_call(s->master->options.transport, &call, NULL);
  tn_error_free(error);
  tn_message_unref(message);
}

/* STEP is over: its tasks hear of it, now or with their next part. */
static void end_step(tn_master_session *s, const tn_master_step *step, bool failed) {
  for (size_t i = 0; i < step->plan->n_parts; i++) {
    tn_master_task *task = step->plan->parts[i].task;
    bool later = !failed && !task->own;
    if (task->own) tn_worker_end_step(s->master->options.worker, step->id, NULL);
    if (!task->own && !later) tn_master_clean_up(s, task, step->id);
    if (!later) continue;
    tn_lock(&s->mutex);
    if (task->n_finished == task->finished_capacity) {
      size_t capacity = task->finished_capacity ? 2 * task->finished_capacity : 16;
      int64_t *more = tn_realloc(task->finished, capacity * sizeof *more);
      if (more) {
        task->finished = more;
        task->finished_capacity = capacity;
      }
    }
    if (task->n_finished < task->finished_capacity) task->finished[task->n_finished++] = step->id;
    tn_unlock(&s->mutex);
  }
}

int64_t tn_master_new_step(tn_master_session *s) {
  return (int64_t)((s->first_step + atomic_fetch_add(&s->n_steps, 1)) & ~((uint64_t)1 << 63));
}

static tn_error *fly(tn_master_session *s, tn_master_step *step, const tn_master_call *call, flight *f) {
  int64_t deadline_ns = call->deadline_ns;
  const tn_master_part *own = NULL;
  tn_run_graph own_request = {0};
  tn_error *error = NULL;
  tn_transport_hold(s->master->options.transport); /* they go out with what the own part asks for */
  for (size_t i = 0; i < step->plan->n_parts && !error; i++) {
    const tn_master_part *part = &step->plan->parts[i];
    tn_run_graph request;
    error = make_request(s, step, part, call->arena, &request);
    request.deadline_ns = deadline_ns;
    if (error) break;
    if (part->task->own) {
      own = part;
      own_request = request;
      continue;
    }
    leg *l = &f->legs[f->n++];
    *l = (leg){.flight = f, .part = part};
    error = send_leg(s, l, &request);
  }
  if (!error && own) error = run_own(s, step, own, &own_request, call);
  if (error) {
    tn_lock(&f->mutex);
    cancel_legs(f);
    tn_unlock(&f->mutex);
  }
  tn_transport_flush(s->master->options.transport);
  tn_error *waited = wait_for_all(s, f, call, deadline_ns);
  if (!error) {
    error = waited;
  } else {
    tn_error_free(waited);
  }
  error = best_error(f, error);
  return error ? error : take_replies(f, step, call->arena);
}

tn_error *tn_master_step_run(tn_master_session *session, tn_master_step *step, const tn_master_call *call) {
  flight *f = tn_calloc(1, sizeof *f + step->plan->n_parts * sizeof(leg));
  if (!f) return tn_out_of_memory();
  atomic_init(&f->refs, 1);
  pthread_mutex_init(&f->mutex, NULL);
  pthread_cond_init(&f->changed, NULL);
  f->worker = session->master->options.worker;
  f->id = step->id;
  tn_error *error = fly(session, step, call, f);
  flight_unref(f);
  if (error || !step->partial || step->last) end_step(session, step, error != NULL);
  return error;
}
