/* An event loop: one thread, epoll, a list of posted tasks, a heap of timers. */
#include "cluster/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"

enum { BATCH = 64 };
static const size_t NOT_IN_HEAP = SIZE_MAX;

struct tn_timer {
  int64_t at;
  size_t place; /* in the heap */
  tn_timer_fn *fn;
  void *argument;
  int refs; /* the heap's or the running call's, and the holder's */
};

struct tn_loop {
  tn_clock clock; /* first: a clock is its loop */
  atomic_int refs;
  pthread_t thread;
  int epoll;
  tn_watch wake;
  pthread_mutex_t running; /* held by the thread that runs tasks, timers and watches; of what is here: */
  struct epoll_event batch[BATCH];
  int batch_at, batch_end;
  uint64_t n_unwatched;

  pthread_mutex_t mutex; /* of what is below */
  tn_task *first, **last;
  tn_timer **heap;
  size_t n_timers, capacity;
  bool asleep, stopping, stopped;
};

/* The loop that this thread runs at the moment, and the one for which what it posts may rest. */
static _Thread_local const tn_loop *inside, *held;

/* --- the heap of timers, under the lock --- */

static void place(tn_loop *l, size_t i, tn_timer *t) {
  l->heap[i] = t;
  t->place = i;
}

static void sift_up(tn_loop *l, size_t i) {
  tn_timer *t = l->heap[i];
  for (; i && l->heap[(i - 1) / 2]->at > t->at; i = (i - 1) / 2) place(l, i, l->heap[(i - 1) / 2]);
  place(l, i, t);
}

static void sift_down(tn_loop *l, size_t i) {
  tn_timer *t = l->heap[i];
  for (size_t child; (child = 2 * i + 1) < l->n_timers; i = child) {
    if (child + 1 < l->n_timers && l->heap[child + 1]->at < l->heap[child]->at) child++;
    if (l->heap[child]->at >= t->at) break;
    place(l, i, l->heap[child]);
  }
  place(l, i, t);
}

static void heap_remove(tn_loop *l, tn_timer *t) {
  size_t i = t->place;
  tn_timer *last = l->heap[--l->n_timers];
  t->place = NOT_IN_HEAP;
  if (last == t) return;
  place(l, i, last);
  sift_up(l, i);
  sift_down(l, last->place);
}

static bool heap_reserve(tn_loop *l) {
  if (l->n_timers < l->capacity) return true;
  size_t capacity = l->capacity ? 2 * l->capacity : 16;
  tn_timer **heap = tn_realloc(l->heap, capacity * sizeof *heap);
  if (!heap) return false;
  l->heap = heap;
  l->capacity = capacity;
  return true;
}

/* --- waking up --- */

/* With the lock held: whether the thread has to be woken, without it. */
static bool must_wake(tn_loop *l) {
  bool asleep = l->asleep;
  l->asleep = false;
  return asleep;
}

static void wake_thread(tn_loop *l) {
  uint64_t one = 1;
  ssize_t written = write(l->wake.fd, &one, sizeof one);
  (void)written; /* it can only fail when the counter is high already */
}

static int64_t clock_now(tn_clock *clock) {
  (void)clock;
  return tn_now_ns();
}

static tn_error *clock_start(tn_clock *clock, int64_t at, tn_timer_fn *fn, void *argument, tn_timer **out) {
  tn_loop *l = (tn_loop *)clock;
  tn_timer *t = tn_malloc(sizeof *t);
  if (!t) return tn_out_of_memory();
  *t = (tn_timer){.at = at, .fn = fn, .argument = argument, .refs = out ? 2 : 1};
  tn_lock(&l->mutex);
  bool good = heap_reserve(l), wakes = false;
  if (good) {
    place(l, l->n_timers++, t);
    sift_up(l, t->place);
    wakes = t->place == 0 && must_wake(l);
    if (out) *out = t;
  }
  tn_unlock(&l->mutex);
  if (wakes) wake_thread(l);
  if (good) return NULL;
  tn_free(t);
  return tn_out_of_memory();
}

/* Drops N references; under the lock. */
static void drop_timer(tn_timer *t, int n) {
  t->refs -= n;
  if (!t->refs) tn_free(t);
}

static bool clock_stop(tn_clock *clock, tn_timer *t) {
  tn_loop *l = (tn_loop *)clock;
  tn_lock(&l->mutex);
  bool waiting = t->place != NOT_IN_HEAP;
  if (waiting) heap_remove(l, t);
  drop_timer(t, waiting ? 2 : 1);
  tn_unlock(&l->mutex);
  return waiting;
}

/* --- the thread --- */

/* Also those that tasks post: a few rounds, so that descriptors get their turn. */
static void run_tasks(tn_loop *l) {
  for (int round = 0; round < 4; round++) {
    tn_lock(&l->mutex);
    tn_task *task = l->first;
    l->first = NULL;
    l->last = &l->first;
    tn_unlock(&l->mutex);
    if (!task) return;
    while (task) {
      tn_task *next = task->next;
      task->run(task);
      task = next;
    }
  }
}

static void run_timers(tn_loop *l) {
  int64_t now = tn_now_ns();
  tn_lock(&l->mutex);
  while (l->n_timers && l->heap[0]->at <= now) {
    tn_timer *t = l->heap[0];
    heap_remove(l, t);
    tn_unlock(&l->mutex);
    t->fn(t->argument);
    tn_lock(&l->mutex);
    drop_timer(t, 1);
  }
  tn_unlock(&l->mutex);
}

/* Milliseconds until there is something to do, -1: unknown; false: the thread is to end. Marks the loop asleep. */
static bool may_sleep(tn_loop *l, int *timeout) {
  int64_t now = tn_now_ns();
  tn_lock(&l->mutex);
  bool go_on = !l->stopping || l->first;
  *timeout = -1;
  if (l->first) {
    *timeout = 0;
  } else if (l->n_timers) {
    int64_t left = l->heap[0]->at - now;
    *timeout = left <= 0 ? 0 : left >= (int64_t)60000 * 1000000 ? 60000 : (int)((left + 999999) / 1000000);
  }
  l->asleep = *timeout != 0;
  l->stopped = !go_on;
  tn_unlock(&l->mutex);
  return go_on;
}

static void enter(tn_loop *l) {
  tn_lock(&l->running);
  inside = l;
}

static void leave(tn_loop *l) {
  inside = NULL;
  tn_unlock(&l->running);
}

static void *run_loop(void *argument) {
  tn_loop *l = argument;
  enter(l);
  for (int timeout; run_tasks(l), run_timers(l), may_sleep(l, &timeout);) {
    uint64_t n_unwatched = l->n_unwatched;
    leave(l);
    int n = epoll_wait(l->epoll, l->batch, BATCH, timeout);
    enter(l);
    /* If somebody who stood in has ended a watch, its events may be among these; the others' come again. */
    l->batch_end = n_unwatched == l->n_unwatched ? n : 0;
    tn_lock(&l->mutex);
    l->asleep = false;
    tn_unlock(&l->mutex);
    for (l->batch_at = 0; l->batch_at < l->batch_end; l->batch_at++) {
      tn_watch *watch = l->batch[l->batch_at].data.ptr;
      if (watch) watch->ready(watch, l->batch[l->batch_at].events);
    }
    l->batch_end = 0;
  }
  leave(l);
  return NULL;
}

bool tn_loop_inside(const tn_loop *l) { return inside == l; }
tn_clock *tn_loop_clock(tn_loop *l) { return &l->clock; }

bool tn_loop_post(tn_loop *l, tn_task *task) {
  task->next = NULL;
  tn_lock(&l->mutex);
  bool runs = !l->stopped, wakes = false;
  if (runs) {
    *l->last = task;
    l->last = &task->next;
    /* Whoever runs its tasks at the moment, maybe in the place of its thread, looks for more. */
    wakes = held != l && inside != l && must_wake(l);
  }
  tn_unlock(&l->mutex);
  if (wakes) wake_thread(l);
  return runs;
}

void tn_loop_hold(tn_loop *l) {
  if (inside != l) held = l;
}

void tn_loop_flush(tn_loop *l) {
  if (held == l) held = NULL;
  if (inside) return; /* its own thread comes to that; or another loop's, which must not be kept */
  for (;;) {
    tn_lock(&l->mutex);
    bool rests = l->first && l->asleep;
    tn_unlock(&l->mutex);
    /* Who runs now looks for more before it sleeps or returns. */
    if (!rests || pthread_mutex_trylock(&l->running)) return;
    inside = l;
    run_tasks(l);
    leave(l);
  }
}

typedef struct waited_call {
  tn_task task;
  void (*fn)(void *argument);
  void *argument;
  pthread_mutex_t mutex;
  pthread_cond_t ended;
  bool done;
} waited_call;

static void run_waited(tn_task *task) {
  waited_call *c = (waited_call *)task;
  c->fn(c->argument);
  tn_lock(&c->mutex);
  c->done = true;
  pthread_cond_signal(&c->ended);
  tn_unlock(&c->mutex);
}

bool tn_loop_call(tn_loop *l, void (*fn)(void *argument), void *argument) {
  waited_call c = {.task = {.run = run_waited}, .fn = fn, .argument = argument};
  pthread_mutex_init(&c.mutex, NULL);
  pthread_cond_init(&c.ended, NULL);
  bool runs = tn_loop_post(l, &c.task);
  tn_loop_flush(l);
  tn_lock(&c.mutex);
  while (runs && !c.done) pthread_cond_wait(&c.ended, &c.mutex);
  tn_unlock(&c.mutex);
  pthread_cond_destroy(&c.ended);
  pthread_mutex_destroy(&c.mutex);
  return runs;
}

/* --- descriptors --- */

tn_error *tn_loop_watch(tn_loop *l, tn_watch *watch, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = watch};
  if (!epoll_ctl(l->epoll, EPOLL_CTL_ADD, watch->fd, &e)) return NULL;
  return tn_errorf(TN_RESOURCE_EXHAUSTED, "the system cannot watch one more descriptor: %s", strerror(errno));
}

void tn_loop_rewatch(tn_loop *l, tn_watch *watch, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = watch};
  epoll_ctl(l->epoll, EPOLL_CTL_MOD, watch->fd, &e);
}

void tn_loop_unwatch(tn_loop *l, tn_watch *watch) {
  epoll_ctl(l->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  l->n_unwatched++;
  for (int i = l->batch_at; i < l->batch_end; i++)
    if (l->batch[i].data.ptr == watch) l->batch[i].data.ptr = NULL;
}

/* --- beginning and end --- */

static void drain_wake(tn_watch *watch, uint32_t events) {
  (void)events;
  uint64_t count;
  ssize_t got = read(watch->fd, &count, sizeof count);
  (void)got; /* nothing to read is as good */
}

static void free_loop(tn_loop *l) {
  for (size_t i = 0; i < l->n_timers; i++) {
    l->heap[i]->place = NOT_IN_HEAP;
    drop_timer(l->heap[i], 1);
  }
  if (l->epoll >= 0) close(l->epoll);
  if (l->wake.fd >= 0) close(l->wake.fd);
  pthread_mutex_destroy(&l->mutex);
  pthread_mutex_destroy(&l->running);
  tn_free(l->heap);
  tn_free(l);
}

/* The thread gets no signals: those are for the program's own. */
static int start_thread(tn_loop *l, const char *name) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int status = pthread_create(&l->thread, NULL, run_loop, l);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!status) pthread_setname_np(l->thread, name);
  return status;
}

tn_error *tn_loop_new(const char *name, tn_loop **out) {
  tn_loop *l = tn_calloc(1, sizeof *l);
  if (!l) return tn_out_of_memory();
  l->clock = (tn_clock){.now = clock_now, .start = clock_start, .stop = clock_stop};
  l->refs = 1;
  l->last = &l->first;
  pthread_mutex_init(&l->mutex, NULL);
  pthread_mutex_init(&l->running, NULL);
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  l->wake = (tn_watch){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = drain_wake};
  tn_error *error = NULL;
  if (l->epoll < 0 || l->wake.fd < 0)
    error = tn_errorf(TN_RESOURCE_EXHAUSTED, "no descriptors are left for an event loop: %s", strerror(errno));
  if (!error) error = tn_loop_watch(l, &l->wake, EPOLLIN);
  int status = error ? 0 : start_thread(l, name);
  if (status) error = tn_errorf(TN_RESOURCE_EXHAUSTED, "an event loop's thread does not start: %s", strerror(status));
  if (error) {
    free_loop(l);
    return error;
  }
  *out = l;
  return NULL;
}

tn_loop *tn_loop_ref(tn_loop *l) {
  atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
  return l;
}

void tn_loop_unref(tn_loop *l) {
  if (l && atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1) free_loop(l);
}

void tn_loop_stop(tn_loop *l) {
  tn_lock(&l->mutex);
  l->stopping = true;
  bool wakes = must_wake(l);
  tn_unlock(&l->mutex);
  if (wakes) wake_thread(l);
  pthread_join(l->thread, NULL);
}
