/* Pumps. One thread at a time reads the input; calls run beside each other; a ring keeps the order. */
#include "data/pump.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/thread.h"
#include "runtime/threads.h"

/* A result: its element, or how it failed, or that there is no more. */
typedef struct slot {
  bool done, end;
  tn_error *error;
  tn_tensor *element;
} slot;

struct tn_pump {
  tn_pump_request request;
  tn_step step; /* of the threads */
  tn_cancellation cancellation;
  pthread_mutex_t mutex; /* guards what follows, but for slots that are in the making */
  pthread_cond_t changed;
  bool reading, stopped; /* STOPPED: the input has ended, or nobody wants more */
  int running;
  int64_t head, tail; /* results from HEAD on wait or are in the making */
  slot *slots;
};

int tn_pump_threads(int64_t asked) {
  int most = 4 * tn_cpus();
  if (asked < 1) return tn_cpus();
  return asked < most ? (int)asked : most;
}

/* Calls the function on ARGUMENTS. */
static void make(tn_pump *p, slot *s, tn_tensor *arguments) {
  const tn_capture *capture = p->request.capture;
  int n = p->request.input->source->n;
  if ((size_t)p->request.n != capture->function->n_outputs) {
    s->error = tn_errorf(TN_INVALID_ARGUMENT, "function '%s' has %zu results; expected %d", capture->function->name,
                         capture->function->n_outputs, p->request.n);
  } else {
    s->error = tn_capture_call(capture, &p->step, (size_t)n, arguments, s->element);
  }
  tn_element_clear(n, arguments);
  if (s->error && tn_error_code(s->error) == TN_OUT_OF_RANGE && !p->request.end_is_error) {
    tn_error_free(s->error);
    s->error = NULL;
    s->end = true;
  }
}

/* With the lock held, which is given back meanwhile: makes one result. */
static void work_once(tn_pump *p, tn_tensor *arguments) {
  slot *s = &p->slots[p->tail++ % p->request.capacity];
  tn_tensor *read = p->request.capture ? arguments : s->element;
  p->reading = true;
  tn_unlock(&p->mutex);
  bool end = false;
  s->error = tn_cursor_next(p->request.input, &p->step, read, &end);
  s->end = end;
  tn_lock(&p->mutex);
  p->reading = false;
  if (end) p->stopped = true;
  bool call = !end && !s->error && p->request.capture;
  if (call) {
    pthread_cond_broadcast(&p->changed); /* the next one may read */
    tn_unlock(&p->mutex);
    make(p, s, arguments);
    tn_lock(&p->mutex);
  }
  s->done = true;
  pthread_cond_broadcast(&p->changed);
}

static void work(void *argument) {
  tn_pump *p = argument;
  tn_tensor *arguments = NULL;
  tn_error_free(tn_element_new(p->request.input->source->n, &arguments));
  tn_parallel_set_threads(1);
  tn_lock(&p->mutex);
  while (!p->stopped && arguments) {
    if (!p->reading && p->tail - p->head < p->request.capacity) {
      work_once(p, arguments);
    } else {
      pthread_cond_wait(&p->changed, &p->mutex);
    }
  }
  p->running--;
  pthread_cond_broadcast(&p->changed);
  tn_unlock(&p->mutex);
  tn_free(arguments);
}

static void free_pump(tn_pump *p) {
  for (int64_t i = 0; p->slots && i < p->request.capacity; i++) {
    tn_error_free(p->slots[i].error);
    tn_element_free(p->request.n, p->slots[i].element);
  }
  tn_free(p->slots);
  tn_step_finish(&p->step);
  pthread_cond_destroy(&p->changed);
  pthread_mutex_destroy(&p->mutex);
  tn_free(p);
}

void tn_pump_stop(tn_pump *p) {
  if (!p) return;
  atomic_store(&p->cancellation.cancelled, true);
  tn_lock(&p->mutex);
  p->stopped = true;
  pthread_cond_broadcast(&p->changed);
  while (p->running) pthread_cond_wait(&p->changed, &p->mutex);
  tn_unlock(&p->mutex);
  free_pump(p);
}

static tn_error *start_threads(tn_pump *p) {
  int threads = p->request.capture ? p->request.threads : 1;
  for (int i = 0; i < threads; i++) {
    tn_lock(&p->mutex);
    p->running++;
    tn_unlock(&p->mutex);
    tn_error *error = tn_background(work, p);
    if (!error) continue;
    tn_lock(&p->mutex);
    p->running--;
    tn_unlock(&p->mutex);
    if (i == 0) return error;
    tn_error_free(error); /* fewer do */
    break;
  }
  return NULL;
}

tn_error *tn_pump_start(const tn_pump_request *request, tn_step *step, tn_pump **out) {
  tn_pump *p = tn_calloc(1, sizeof *p);
  if (!p) return tn_out_of_memory();
  p->request = *request;
  if (p->request.capacity < 1) p->request.capacity = 1;
  if (p->request.capacity > 1 << 20) p->request.capacity = 1 << 20;
  pthread_mutex_init(&p->mutex, NULL);
  pthread_cond_init(&p->changed, NULL);
  tn_step_init(&p->step, step->session);
  p->step.closed = step->closed;
  p->step.cancellation = &p->cancellation;
  p->slots = tn_calloc((size_t)p->request.capacity, sizeof *p->slots);
  tn_error *error = p->slots ? NULL : tn_out_of_memory();
  for (int64_t i = 0; i < p->request.capacity && !error; i++) error = tn_element_new(request->n, &p->slots[i].element);
  if (!error) error = start_threads(p);
  if (error) {
    free_pump(p);
    return error;
  }
  *out = p;
  return NULL;
}

tn_error *tn_pump_next(tn_pump *p, tn_step *step, tn_tensor *out, bool *end) {
  tn_lock(&p->mutex);
  slot *s = &p->slots[p->head % p->request.capacity];
  tn_error *error = NULL;
  while (!error && !(p->head < p->tail && s->done)) error = tn_step_wait(step, &p->changed, &p->mutex);
  if (error) {
    tn_unlock(&p->mutex);
    return error;
  }
  *end = s->end;
  if (s->end) {
    /* It stays there for those who ask again. */
    p->stopped = true;
    tn_unlock(&p->mutex);
    return NULL;
  }
  error = s->error;
  s->error = NULL;
  s->done = false;
  tn_element_move(p->request.n, out, s->element);
  p->head++;
  pthread_cond_broadcast(&p->changed);
  tn_unlock(&p->mutex);
  return error;
}
