/* Cores with a queue each, after Linux's fair scheduler. All threads weigh the same, so a core's clock of fair shares
 * is the mean of what its threads have had. */
#include "cores.h"

#include <stddef.h>

#include "fibers.h"

enum { MOST = 64 };

typedef struct core {
  seat *current, *queue;
  int n;         /* in the queue, and the current one */
  int64_t sum;   /* of what these have had */
  int64_t since; /* when CURRENT was last charged */
  int64_t base;  /* what its last thread had had, while it has none */
  sim_event *end;
} core;

static struct {
  core cores[MOST];
  int n;
  void (*run)(seat *s);
  bool ticks;
  int64_t busy;
} all;

void cores_init(int n, void (*run)(seat *s)) {
  all.n = n < MOST ? n : MOST;
  all.run = run;
}

int64_t cores_busy(void) { return all.busy; }

/* --- shares --- */

static int64_t fair(const core *c) { return c->n ? c->sum / c->n : c->base; }

/* Charges the current thread for the time since the last look. */
static void charge(core *c) {
  int64_t now = sim_now(), ns = now - c->since;
  seat *s = c->current;
  c->since = now;
  if (!s || !s->left) return;
  if (ns > s->left) ns = s->left;
  s->left -= ns;
  s->had += ns;
  s->ran = now;
  c->sum += ns;
  all.busy += ns;
  if (s->had >= s->due) s->due = s->had + CORE_SLICE;
}

static void add(core *c, seat *s) {
  c->n++;
  c->sum += s->had;
}

static void drop(core *c, seat *s) {
  c->n--;
  c->sum -= s->had;
  if (!c->n) c->base = s->had;
}

/* --- the queue --- */

/* Puts S in with what it lacked when it left, which is more by so much as its coming moves the mean. */
static void enqueue(core *c, seat *s, int index) {
  int64_t behind = c->n ? s->behind * (c->n + 1) / c->n : s->behind;
  s->core = index;
  s->had = fair(c) - behind;
  s->due = s->had + CORE_SLICE;
  s->next = NULL;
  s->in_queue = true;
  seat **last = &c->queue;
  while (*last) last = &(*last)->next;
  *last = s;
  add(c, s);
}

static void unlink_seat(core *c, seat *s) {
  seat **at = &c->queue;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  s->in_queue = false;
}

static void note_behind(const core *c, seat *s) {
  s->behind = fair(c) - s->had;
  if (s->behind > 2 * CORE_SLICE) s->behind = 2 * CORE_SLICE;
  if (s->behind < -2 * CORE_SLICE) s->behind = -2 * CORE_SLICE;
}

static bool eligible(const core *c, const seat *s) { return s->had * c->n <= c->sum; }

/* Of those that have had no more than their share, whose slice ends first; NULL: the current one goes on. */
static seat *best(const core *c) {
  seat *found = c->current && eligible(c, c->current) ? c->current : NULL;
  for (seat *s = c->queue; s; s = s->next) {
    if (eligible(c, s) && (!found || s->due < found->due)) found = s;
  }
  if (!found && !c->current) found = c->queue;
  return found == c->current ? NULL : found;
}

/* --- who has the core --- */

static void tick(void *argument);

static void start_ticks(void) {
  if (all.ticks) return;
  all.ticks = true;
  sim_at((sim_now() / CORE_TICK + 1) * CORE_TICK, tick, NULL);
}

static void computed(void *argument) {
  core *c = argument;
  c->end = NULL;
  charge(c);
  all.run(c->current);
}

static void start(core *c) {
  seat *s = c->current;
  c->since = sim_now();
  if (!s->left) {
    all.run(s);
    return;
  }
  c->end = sim_at(c->since + s->left, computed, c);
  start_ticks();
}

static void give(core *c, seat *s) {
  unlink_seat(c, s);
  c->current = s;
  s->has_core = true;
  s->guarded = s->due;
  start(c);
}

/* The current thread goes back into the queue, S has the core. */
static void replace(core *c, seat *s) {
  seat *before = c->current;
  sim_forget(c->end);
  c->end = NULL;
  before->has_core = false;
  before->in_queue = true;
  before->next = c->queue;
  c->queue = before;
  c->current = NULL;
  give(c, s);
}

/* Only a thread that computes is ever replaced: others leave or compute in this very moment. */
static void look(core *c) {
  charge(c);
  if (!c->current || !c->current->left || c->current->had < c->current->guarded) return;
  seat *s = best(c);
  if (s) replace(c, s);
}

/* A thread that waits at another core, and has not just run there. */
static seat *steal(core *to, int index) {
  for (int i = 0; i < all.n; i++) {
    core *c = &all.cores[i];
    if (c == to || !c->queue || !c->current) continue;
    charge(c);
    for (seat *s = c->queue; s; s = s->next) {
      if (sim_now() - s->ran < CORE_WARM) continue;
      note_behind(c, s);
      unlink_seat(c, s);
      drop(c, s);
      enqueue(to, s, index);
      return s;
    }
  }
  return NULL;
}

static void next(core *c) {
  seat *s = best(c);
  if (s) give(c, s);
}

static void tick(void *argument) {
  (void)argument;
  bool busy = false;
  all.ticks = false;
  for (int i = 0; i < all.n; i++) {
    core *c = &all.cores[i];
    busy = busy || c->current;
    seat *waits = c->current ? NULL : steal(c, i);
    if (waits) {
      give(c, waits);
    } else if (c->queue) {
      look(c);
    }
  }
  if (busy) start_ticks();
}

static bool idle(int i) { return !all.cores[i].current && !all.cores[i].queue; }

/* One without work if there is one: where S ran last, or any. Else where its waker runs, if that has nothing else to do
 * and waits soon itself, or if S would even so have less company there than where it ran last. */
static int choose(const seat *s, const seat *waker, bool soon) {
  if (idle(s->core)) return s->core;
  for (int i = 0; i < all.n; i++)
    if (idle(i)) return i;
  if (!waker || !waker->has_core) return s->core;
  int there = all.cores[waker->core].n;
  return (soon && there == 1) || there < all.cores[s->core].n ? waker->core : s->core;
}

void cores_wake(seat *s, const seat *waker, bool soon) {
  int index = choose(s, waker, soon);
  core *c = &all.cores[index];
  charge(c);
  if (s->behind < 0 && index == s->core && fair(c) >= s->had) s->behind = 0; /* others have caught up */
  enqueue(c, s, index);
  if (!c->current) {
    next(c);
  } else {
    look(c);
  }
}

void cores_leave(seat *s) {
  core *c = &all.cores[s->core];
  charge(c);
  note_behind(c, s);
  drop(c, s);
  s->ran = sim_now();
  s->has_core = false;
  c->current = NULL;
  next(c);
}

void cores_work(seat *s, int64_t ns) {
  core *c = &all.cores[s->core];
  charge(c);
  s->left = ns > 0 ? ns : 1;
  c->end = sim_at(sim_now() + s->left, computed, c);
  c->since = sim_now();
  start_ticks();
  if (c->queue) look(c);
}
