/* Fibers, their clock, and the pthread functions over them. Mutexes and conditions keep their state where the real ones
 * would; all zero is unlocked, as with PTHREAD_MUTEX_INITIALIZER. */
#include "fibers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "cores.h"

enum { STACK = 256 << 10, SLAB = 256, GUARD = 0x5a5a5a5a, SHORT = 10000000, POLL = 1000000000, YIELD = 1000 };

typedef struct fiber {
  ucontext_t context;
  char *stack;
  void *(*fn)(void *);
  void *argument, *result;
  struct fiber *next; /* in the list that it waits in, or of those that are ready */
  struct fiber **list_tail;
  struct list *waits_in;
  sim_event *timeout;
  struct fiber *joiner;
  void *process;
  seat seat;
  bool timed_out, ended, detached;
} fiber;

typedef struct list {
  fiber *head, *tail;
} list;

typedef struct lock {
  fiber *owner;
  list waiters;
  int depth;
} lock;

struct sim_event {
  int64_t at;
  uint64_t order;
  void (*fn)(void *argument); /* NULL: forgotten */
  void *argument;
};

static struct {
  ucontext_t context;
  fiber *current, *finished;
  list ready;
  int64_t now;
  uint64_t order;
  sim_event **heap;
  size_t n_events, capacity;
  char **stacks;
  size_t n_stacks, stack_capacity;
  sim_counts counts;
  int cores; /* 0: as many as there are fibers */
} sim;

static void fail(const char *what) {
  fprintf(stderr, "simulation: %s\n", what);
  exit(1);
}

/* --- lists --- */

static void append(list *l, fiber *f) {
  f->next = NULL;
  if (l->tail) {
    l->tail->next = f;
  } else {
    l->head = f;
  }
  l->tail = f;
}

static fiber *take(list *l) {
  fiber *f = l->head;
  if (!f) return NULL;
  l->head = f->next;
  if (!l->head) l->tail = NULL;
  return f;
}

static void take_out(list *l, fiber *f) {
  fiber *before = NULL;
  for (fiber *at = l->head; at && at != f; at = at->next) before = at;
  if (before) {
    before->next = f->next;
  } else {
    l->head = f->next;
  }
  if (l->tail == f) l->tail = before;
}

/* --- events --- */

static bool earlier(const sim_event *a, const sim_event *b) {
  return a->at < b->at || (a->at == b->at && a->order < b->order);
}

sim_event *sim_at(int64_t at_ns, void (*fn)(void *argument), void *argument) {
  if (sim.n_events == sim.capacity) {
    sim.capacity = sim.capacity ? 2 * sim.capacity : 1024;
    sim.heap = realloc(sim.heap, sim.capacity * sizeof(sim_event *));
    if (!sim.heap) fail("out of memory");
  }
  sim_event *e = malloc(sizeof *e);
  if (!e) fail("out of memory");
  *e = (sim_event){at_ns > sim.now ? at_ns : sim.now, sim.order++, fn, argument};
  size_t i = sim.n_events++;
  for (; i && earlier(e, sim.heap[(i - 1) / 2]); i = (i - 1) / 2) sim.heap[i] = sim.heap[(i - 1) / 2];
  sim.heap[i] = e;
  return e;
}

void sim_forget(sim_event *event) {
  if (event) event->fn = NULL;
}

static sim_event *next_event(void) {
  if (!sim.n_events) return NULL;
  sim_event *first = sim.heap[0], *last = sim.heap[--sim.n_events];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < sim.n_events; i = child) {
    if (child + 1 < sim.n_events && earlier(sim.heap[child + 1], sim.heap[child])) child++;
    if (!earlier(sim.heap[child], last)) break;
    sim.heap[i] = sim.heap[child];
  }
  sim.heap[i] = last;
  return first;
}

/* --- fibers --- */

static char *new_stack(void) {
  if (!sim.n_stacks) {
    char *slab = mmap(NULL, (size_t)STACK * SLAB, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (slab == MAP_FAILED) fail("no memory for stacks");
    if (sim.stack_capacity < SLAB) {
      sim.stack_capacity += SLAB;
      sim.stacks = realloc(sim.stacks, sim.stack_capacity * sizeof(char *));
      if (!sim.stacks) fail("out of memory");
    }
    for (int i = 0; i < SLAB; i++) sim.stacks[sim.n_stacks++] = slab + (size_t)(SLAB - 1 - i) * STACK;
  }
  char *stack = sim.stacks[--sim.n_stacks];
  *(int *)(void *)stack = GUARD;
  return stack;
}

static void give_stack(char *stack) {
  if (*(int *)(void *)stack != GUARD) fail("a stack was too small");
  if (sim.n_stacks == sim.stack_capacity) {
    sim.stack_capacity += SLAB;
    sim.stacks = realloc(sim.stacks, sim.stack_capacity * sizeof(char *));
    if (!sim.stacks) fail("out of memory");
  }
  sim.stacks[sim.n_stacks++] = stack;
}

static void rouse(fiber *f, bool by_message) {
  if (sim.cores) {
    cores_wake(&f->seat, sim.current ? &sim.current->seat : NULL, by_message);
  } else {
    append(&sim.ready, f);
  }
}

static void make_ready(fiber *f) { rouse(f, false); }

/* Leaves the current fiber until somebody makes it ready. */
static void wait_here(void) {
  fiber *self = sim.current;
  if (sim.cores) cores_leave(&self->seat);
  swapcontext(&self->context, &sim.context);
}

static void fiber_main(void) {
  fiber *self = sim.current;
  self->result = self->fn(self->argument);
  self->ended = true;
  if (self->joiner) make_ready(self->joiner);
  sim.finished = self;
  if (sim.cores) cores_leave(&self->seat);
  setcontext(&sim.context);
}

static fiber *new_fiber(void *(*fn)(void *), void *argument) {
  fiber *f = calloc(1, sizeof *f);
  if (!f) fail("out of memory");
  f->stack = new_stack();
  f->fn = fn;
  f->argument = argument;
  f->process = sim.current ? sim.current->process : NULL;
  getcontext(&f->context);
  f->context.uc_stack.ss_sp = f->stack + 64;
  f->context.uc_stack.ss_size = STACK - 64;
  makecontext(&f->context, fiber_main, 0);
  if (++sim.counts.fibers > sim.counts.most_fibers) sim.counts.most_fibers = sim.counts.fibers;
  make_ready(f);
  return f;
}

static void bury(void) {
  fiber *f = sim.finished;
  sim.finished = NULL;
  if (!f) return;
  give_stack(f->stack);
  f->stack = NULL;
  sim.counts.fibers--;
  if (f->detached) free(f);
}

typedef struct first {
  void (*fn)(void *argument);
  void *argument;
  bool done;
} first;

static void *run_first(void *argument) {
  first *f = argument;
  f->fn(f->argument);
  f->done = true;
  return NULL;
}

void sim_run(void (*fn)(void *argument), void *argument) {
  first f = {fn, argument, false};
  new_fiber(run_first, &f)->detached = true;
  while (!f.done) {
    fiber *next = take(&sim.ready);
    if (next) {
      sim.current = next;
      sim.counts.switches++;
      swapcontext(&sim.context, &next->context);
      sim.current = NULL;
      bury();
      continue;
    }
    sim_event *e = next_event();
    if (!e) fail("everybody waits for ever");
    if (e->fn) {
      sim.now = e->at;
      sim.counts.events++;
      e->fn(e->argument);
    }
    free(e);
  }
}

int64_t sim_now(void) { return sim.now; }
sim_counts sim_count(void) { return sim.counts; }

static void wake(void *argument) { make_ready(argument); }

void sim_sleep(int64_t ns) {
  sim_at(sim.now + (ns > 0 ? ns : 0), wake, sim.current);
  wait_here();
}

/* --- cores --- */

static void run_seat(seat *s) { append(&sim.ready, (fiber *)((char *)s - offsetof(fiber, seat))); }

void sim_share_cores(int n) {
  sim.cores = n;
  cores_init(n, run_seat);
}

void sim_work(int64_t ns) {
  fiber *self = sim.current;
  if (!sim.cores) {
    sim_sleep(ns);
  } else if (ns > 0) {
    cores_work(&self->seat, ns);
    swapcontext(&self->context, &sim.context);
  }
}

void sim_set_process(void *process) { sim.current->process = process; }
void *sim_process(void) { return sim.current->process; }

/* --- queues --- */

typedef struct posted {
  void (*fn)(void *argument);
  void *argument;
  struct posted *next;
} posted;

struct sim_queue {
  posted *head, *tail;
  fiber *fiber;
  bool idle;
};

static void *run_queue(void *argument) {
  sim_queue *q = argument;
  q->fiber = sim.current;
  for (;;) {
    posted *p = q->head;
    if (!p) {
      q->idle = true;
      wait_here();
      continue;
    }
    q->head = p->next;
    if (!q->head) q->tail = NULL;
    p->fn(p->argument);
    free(p);
  }
  return NULL;
}

sim_queue *sim_queue_new(void) {
  sim_queue *q = calloc(1, sizeof *q);
  if (!q) fail("out of memory");
  new_fiber(run_queue, q);
  return q;
}

void sim_post(sim_queue *queue, void (*fn)(void *argument), void *argument) {
  posted *p = malloc(sizeof *p);
  if (!p) fail("out of memory");
  *p = (posted){fn, argument, NULL};
  if (queue->tail) {
    queue->tail->next = p;
  } else {
    queue->head = p;
  }
  queue->tail = p;
  if (!queue->idle) return;
  queue->idle = false;
  rouse(queue->fiber, true);
}

/* --- locks --- */

static int lock_it(lock *l) {
  fiber *self = sim.current;
  if (l->owner == self && self) {
    l->depth++;
    return 0;
  }
  if (l->owner) {
    append(&l->waiters, self);
    wait_here(); /* who unlocks it hands it over */
  } else {
    l->owner = self;
  }
  return 0;
}

static int unlock_it(lock *l) {
  if (l->depth) {
    l->depth--;
    return 0;
  }
  l->owner = take(&l->waiters);
  if (l->owner) make_ready(l->owner);
  return 0;
}

#define WRAP(result, name, ...)                                                                                        \
  result __wrap_##name(__VA_ARGS__);                                                                                   \
  result __wrap_##name(__VA_ARGS__)
#define MUTEX(m) ((lock *)(void *)(m))

WRAP(int, pthread_mutex_init, pthread_mutex_t *m, const pthread_mutexattr_t *a) {
  (void)a;
  memset(m, 0, sizeof *m);
  return 0;
}
WRAP(int, pthread_mutex_destroy, pthread_mutex_t *m) {
  (void)m;
  return 0;
}
WRAP(int, pthread_mutex_lock, pthread_mutex_t *m) { return lock_it(MUTEX(m)); }
WRAP(int, pthread_mutex_unlock, pthread_mutex_t *m) { return unlock_it(MUTEX(m)); }
WRAP(int, pthread_mutex_trylock, pthread_mutex_t *m) {
  return MUTEX(m)->owner && MUTEX(m)->owner != sim.current ? EBUSY : lock_it(MUTEX(m));
}
WRAP(int, pthread_rwlock_init, pthread_rwlock_t *m, const pthread_rwlockattr_t *a) {
  (void)a;
  memset(m, 0, sizeof *m);
  return 0;
}
WRAP(int, pthread_rwlock_destroy, pthread_rwlock_t *m) {
  (void)m;
  return 0;
}
WRAP(int, pthread_rwlock_rdlock, pthread_rwlock_t *m) { return lock_it(MUTEX(m)); }
WRAP(int, pthread_rwlock_wrlock, pthread_rwlock_t *m) { return lock_it(MUTEX(m)); }
WRAP(int, pthread_rwlock_unlock, pthread_rwlock_t *m) { return unlock_it(MUTEX(m)); }

/* --- conditions --- */

#define WAITERS(c) ((list *)(void *)(c))

static void over_time(void *argument) {
  fiber *f = argument;
  f->timeout = NULL;
  f->timed_out = true;
  take_out(f->waits_in, f);
  make_ready(f);
}

static int wait_on(list *l, lock *m, const struct timespec *until) {
  fiber *self = sim.current;
  self->timed_out = false;
  self->waits_in = l;
  if (until) self->timeout = sim_at((int64_t)until->tv_sec * 1000000000 + until->tv_nsec, over_time, self);
  append(l, self);
  unlock_it(m);
  wait_here();
  lock_it(m);
  return self->timed_out ? ETIMEDOUT : 0;
}

static bool wake_one(list *l) {
  fiber *f = take(l);
  if (!f) return false;
  sim_forget(f->timeout);
  f->timeout = NULL;
  make_ready(f);
  return true;
}

WRAP(int, pthread_cond_init, pthread_cond_t *c, const pthread_condattr_t *a) {
  (void)a;
  memset(c, 0, sizeof *c);
  return 0;
}
WRAP(int, pthread_cond_destroy, pthread_cond_t *c) {
  (void)c;
  return 0;
}
WRAP(int, pthread_cond_wait, pthread_cond_t *c, pthread_mutex_t *m) { return wait_on(WAITERS(c), MUTEX(m), NULL); }
/* Who looks every 10 ms whether somebody has cancelled what it waits for looks every second here: nobody does, and in a
 * thousand tasks that wait for a slow network such looks would be most of what happens. */
WRAP(int, pthread_cond_timedwait, pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until) {
  struct timespec later = {(sim.now + POLL) / 1000000000, (sim.now + POLL) % 1000000000};
  bool polls = (int64_t)until->tv_sec * 1000000000 + until->tv_nsec - sim.now <= SHORT;
  return wait_on(WAITERS(c), MUTEX(m), polls ? &later : until);
}
WRAP(int, pthread_cond_signal, pthread_cond_t *c) {
  wake_one(WAITERS(c));
  return 0;
}
WRAP(int, pthread_cond_broadcast, pthread_cond_t *c) {
  while (wake_one(WAITERS(c))) {
  }
  return 0;
}

/* --- threads and time --- */

WRAP(int, pthread_create, pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *argument) {
  fiber *f = new_fiber(fn, argument);
  int state = PTHREAD_CREATE_JOINABLE;
  if (a) pthread_attr_getdetachstate(a, &state);
  f->detached = state == PTHREAD_CREATE_DETACHED;
  *t = (pthread_t)f;
  return 0;
}
WRAP(int, pthread_detach, pthread_t t) {
  fiber *f = (fiber *)t;
  f->detached = true;
  if (f->ended && !f->stack) free(f);
  return 0;
}
WRAP(int, pthread_join, pthread_t t, void **result) {
  fiber *f = (fiber *)t;
  if (!f->ended) {
    f->joiner = sim.current;
    wait_here();
  }
  if (result) *result = f->result;
  return 0; /* its few bytes stay: it may not be buried yet */
}
WRAP(pthread_t, pthread_self, void) { return (pthread_t)sim.current; }
WRAP(int, pthread_setname_np, pthread_t t, const char *name) {
  (void)t;
  (void)name;
  return 0;
}
WRAP(int, sched_yield, void) {
  if (!sim.current) return 0;
  if (sim.cores) {
    sim_work(YIELD);
  } else {
    make_ready(sim.current);
    wait_here();
  }
  return 0;
}
int __real_clock_gettime(clockid_t id, struct timespec *out);
WRAP(int, clock_gettime, clockid_t id, struct timespec *out) {
  if (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID) return __real_clock_gettime(id, out);
  *out = (struct timespec){sim.now / 1000000000, sim.now % 1000000000};
  return 0;
}
WRAP(int, nanosleep, const struct timespec *wanted, struct timespec *left) {
  (void)left;
  sim_sleep((int64_t)wanted->tv_sec * 1000000000 + wanted->tv_nsec);
  return 0;
}
WRAP(int, usleep, unsigned us) {
  sim_sleep((int64_t)us * 1000);
  return 0;
}
