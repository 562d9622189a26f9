/* Calls as functions. */
#include "cluster/ask.h"

#include <time.h>

#include "base/thread.h"
#include "kernel/step.h"

/* Shared by who waits and the call. */
typedef struct answer {
  atomic_int refs;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool done;
  tn_error *error;
  tn_message *reply;
} answer;

static void answer_unref(answer *a) {
  if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1) return;
  tn_error_free(a->error);
  tn_message_unref(a->reply);
  pthread_cond_destroy(&a->changed);
  pthread_mutex_destroy(&a->mutex);
  tn_free(a);
}

static void answered(void *argument, tn_error *error, tn_message *reply) {
  answer *a = argument;
  tn_lock(&a->mutex);
  a->error = error;
  a->reply = reply;
  a->done = true;
  tn_unlock(&a->mutex);
  pthread_cond_signal(&a->changed);
  answer_unref(a);
}

tn_error *tn_cancellation_check(const tn_cancellation *cancellation) {
  if (!cancellation || !atomic_load_explicit(&cancellation->cancelled, memory_order_relaxed)) return NULL;
  return tn_errorf(TN_CANCELLED, "the call was cancelled");
}

void tn_wait_a_little(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 10000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(condition, mutex, &until);
}

static tn_error *wait_for(answer *a, const tn_question *q, tn_message **reply) {
  tn_error *error = NULL;
  tn_lock(&a->mutex);
  while (!a->done && !error) {
    tn_wait_a_little(&a->changed, &a->mutex);
    if (a->done) break;
    error = tn_cancellation_check(q->cancellation);
    if (!error && q->closed && atomic_load(q->closed)) error = tn_errorf(TN_CANCELLED, "Session has been closed.");
  }
  if (!error) {
    error = a->error;
    a->error = NULL;
    *reply = a->reply;
    a->reply = NULL;
  }
  tn_unlock(&a->mutex);
  return error;
}

tn_error *tn_ask(tn_transport *transport, const tn_question *q, tn_message **reply) {
  tn_message *message = NULL;
  TN_TRY(tn_encode(q->layout, q->request, &message));
  answer *a = tn_calloc(1, sizeof *a);
  if (!a) {
    tn_message_unref(message);
    return tn_out_of_memory();
  }
  atomic_init(&a->refs, 2);
  pthread_mutex_init(&a->mutex, NULL);
  pthread_cond_init(&a->changed, NULL);
  tn_request request = {.address = q->address,
                        .method = q->method,
                        .message = message,
                        .deadline_ns = q->timeout_ns ? tn_clock_now(tn_transport_clock(transport)) + q->timeout_ns : 0,
                        .done = answered,
                        .argument = a};
  tn_call *call = NULL;
  tn_transport_hold(transport);
  tn_error *error = tn_transport_call(transport, &request, &call);
  tn_transport_flush(transport);
  tn_message_unref(message);
  if (error) {
    answer_unref(a);
  } else {
    error = wait_for(a, q, reply);
    if (error) tn_call_cancel(call);
  }
  tn_call_unref(call);
  answer_unref(a);
  return error;
}
