/* Queues. */
#include "data/queue.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/handle.h"

/* --- making --- */

static void destroy(tn_object *object) {
  tn_queue *q = (tn_queue *)object;
  for (int64_t i = 0; i < q->room * q->spec.n; i++) tn_tensor_clear(&q->tuples[i]);
  pthread_mutex_destroy(&q->mutex);
  tn_free(q->tuples);
  tn_free(q->order);
  tn_free((void *)q->spec.types);
  tn_free((void *)q->spec.shapes);
  tn_free(q->name);
  tn_free(q);
}

static tn_error *as_strings(tn_object *object, tn_tensor *out) {
  return tn_handle_strings("", ((const tn_queue *)object)->name, out);
}

static tn_error *copy_spec(tn_queue *q, const tn_queue_spec *spec) {
  size_t n = (size_t)spec->n;
  tn_dtype *types = tn_malloc((n + 1) * sizeof *types);
  tn_shape *shapes = spec->shapes ? tn_malloc((n + 1) * sizeof *shapes) : NULL;
  q->spec = *spec;
  q->spec.types = types;
  q->spec.shapes = shapes;
  if (!types || (spec->shapes && !shapes)) return tn_out_of_memory();
  memcpy(types, spec->types, n * sizeof *types);
  if (shapes) memcpy(shapes, spec->shapes, n * sizeof *shapes);
  return NULL;
}

static void init_line(tn_queue_line *line) { *line = (tn_queue_line){NULL, &line->first}; }

tn_error *tn_queue_new(const char *name, const tn_queue_spec *spec, tn_queue **out) {
  tn_queue *q = tn_calloc(1, sizeof *q);
  if (!q) return tn_out_of_memory();
  atomic_init(&q->object.refs, 1);
  q->object.type = TN_QUEUE_TYPE;
  q->object.destroy = destroy;
  q->object.read = as_strings;
  pthread_mutex_init(&q->mutex, NULL);
  init_line(&q->givers);
  init_line(&q->takers);
  tn_philox state = {0}, generator = tn_philox_reserve(&state, spec->seed, spec->seed2, 0);
  q->random = tn_philox_stream_of(&generator);
  q->name = tn_strdup(name);
  tn_error *error = q->name ? copy_spec(q, spec) : tn_out_of_memory();
  if (error) {
    tn_object_unref(&q->object);
    return error;
  }
  *out = q;
  return NULL;
}

static const char *const kind_names[] = {"FIFOQueue", "PaddingFIFOQueue", "RandomShuffleQueue", "PriorityQueue"};

const char *tn_queue_kind_name(const tn_queue *q) { return kind_names[q->spec.kind]; }

static tn_error *differs(const tn_queue *q, const char *what) {
  return tn_errorf(TN_INVALID_ARGUMENT, "Shared queue '%s' has another %s than the node asks for", q->name, what);
}

tn_error *tn_queue_check(const tn_queue *q, const tn_queue_spec *spec) {
  const tn_queue_spec *mine = &q->spec;
  if (mine->kind != spec->kind) return differs(q, "kind");
  if (mine->capacity != spec->capacity) return differs(q, "capacity");
  if (mine->min_after != spec->min_after) return differs(q, "min_after_dequeue");
  if (mine->n != spec->n || memcmp(mine->types, spec->types, (size_t)mine->n * sizeof *mine->types) != 0) {
    return differs(q, "list of component types");
  }
  if (!mine->shapes != !spec->shapes) return differs(q, "list of component shapes");
  for (int i = 0; mine->shapes && i < mine->n; i++) {
    if (!tn_shape_equal(&mine->shapes[i], &spec->shapes[i])) return differs(q, "list of component shapes");
  }
  if (spec->kind == TN_QUEUE_SHUFFLE && (spec->seed || spec->seed2) &&
      (mine->seed != spec->seed || mine->seed2 != spec->seed2)) {
    return differs(q, "random seed");
  }
  return NULL;
}

/* --- lines, with the lock held --- */

static void wake_first(const tn_queue_line *line) {
  tn_queue_waiter *first = line->first;
  if (!first) return;
  if (first->waiter) {
    first->waiter->wake(first->waiter);
  } else {
    pthread_cond_signal(&first->wake);
  }
}

/* Whoever is first may be able to go on. */
static void wake(tn_queue *q) {
  wake_first(&q->givers);
  wake_first(&q->takers);
}

static void join(tn_queue_line *line, tn_queue_waiter *w) {
  *w = (tn_queue_waiter){.next = NULL};
  pthread_cond_init(&w->wake, NULL);
  *line->last = w;
  line->last = &w->next;
}

static void leave(tn_queue *q, tn_queue_line *line, tn_queue_waiter *w) {
  tn_queue_waiter **link = &line->first;
  while (*link != w) link = &(*link)->next;
  *link = w->next;
  if (line->last == &w->next) line->last = link;
  pthread_cond_destroy(&w->wake);
  wake(q);
}

/* --- storage, with the lock held --- */

static tn_tensor *slot(const tn_queue *q, int64_t i) { return &q->tuples[(q->first + i) % q->room * q->spec.n]; }

static void move(tn_tensor *to, tn_tensor *from, int n) {
  memcpy(to, from, (size_t)n * sizeof *to);
  memset(from, 0, (size_t)n * sizeof *from);
}

static tn_error *grow(tn_queue *q) {
  if (q->size < q->room) return NULL;
  int64_t room = q->room ? 2 * q->room : 16;
  size_t n = (size_t)q->spec.n;
  tn_tensor *tuples = tn_calloc((size_t)room * n, sizeof *tuples);
  uint64_t *order = q->spec.kind == TN_QUEUE_PRIORITY ? tn_calloc((size_t)room, sizeof *order) : NULL;
  if (!tuples || (q->spec.kind == TN_QUEUE_PRIORITY && !order)) {
    tn_free(tuples);
    tn_free(order);
    return tn_out_of_memory();
  }
  for (int64_t i = 0; i < q->size; i++) memcpy(tuples + (size_t)i * n, slot(q, i), n * sizeof *tuples);
  if (order && q->size) memcpy(order, q->order, (size_t)q->size * sizeof *order);
  tn_free(q->tuples);
  tn_free(q->order);
  q->tuples = tuples;
  q->order = order;
  q->room = room;
  q->first = 0;
  return NULL;
}

/* --- a heap: the least priority first, and what came first among equals --- */

static bool before(const tn_queue *q, int64_t a, int64_t b) {
  int64_t x = *TN_DATA(int64_t, slot(q, a)), y = *TN_DATA(int64_t, slot(q, b));
  return x != y ? x < y : q->order[a] < q->order[b];
}

static void swap(tn_queue *q, int64_t a, int64_t b) {
  for (int i = 0; i < q->spec.n; i++) {
    tn_tensor kept;
    memcpy(&kept, slot(q, a) + i, sizeof kept);
    memcpy(slot(q, a) + i, slot(q, b) + i, sizeof kept);
    memcpy(slot(q, b) + i, &kept, sizeof kept);
  }
  uint64_t order = q->order[a];
  q->order[a] = q->order[b];
  q->order[b] = order;
}

static void rise(tn_queue *q, int64_t i) {
  for (; i > 0 && before(q, i, (i - 1) / 2); i = (i - 1) / 2) swap(q, i, (i - 1) / 2);
}

static void sink(tn_queue *q) {
  for (int64_t i = 0, least = 0;; i = least) {
    for (int64_t child = 2 * i + 1; child <= 2 * i + 2 && child < q->size; child++) {
      if (before(q, child, least)) least = child;
    }
    if (least == i) return;
    swap(q, i, least);
  }
}

/* --- one element, with the lock held --- */

static tn_error *add(tn_queue *q, tn_tensor *tuple) {
  TN_TRY(grow(q));
  move(slot(q, q->size), tuple, q->spec.n);
  q->size++;
  if (q->spec.kind != TN_QUEUE_PRIORITY) return NULL;
  q->order[q->size - 1] = q->count++;
  rise(q, q->size - 1);
  return NULL;
}

static void take(tn_queue *q, tn_tensor *tuple) {
  int n = q->spec.n;
  if (q->spec.kind == TN_QUEUE_SHUFFLE) {
    int64_t chosen = tn_philox_one(&q->random) % (uint64_t)q->size;
    move(tuple, slot(q, chosen), n);
    if (chosen != --q->size) move(slot(q, chosen), slot(q, q->size), n);
  } else if (q->spec.kind == TN_QUEUE_PRIORITY) {
    swap(q, 0, --q->size);
    move(tuple, slot(q, q->size), n);
    sink(q);
  } else {
    move(tuple, slot(q, 0), n);
    q->first = (q->first + 1) % q->room;
    q->size--;
  }
}

/* Puts elements that were taken back where they came from. There is room: it was theirs, or it is made. */
static void restore(tn_queue *q, int64_t n, tn_tensor *tuples) {
  for (; n > 0; n--) {
    tn_tensor *tuple = tuples + (n - 1) * q->spec.n;
    tn_error *error = grow(q);
    if (error) {
      tn_error_free(error); /* out of memory: what can't be kept is dropped */
      for (int i = 0; i < q->spec.n; i++) tn_tensor_clear(&tuple[i]);
      continue;
    }
    if (q->spec.kind == TN_QUEUE_SHUFFLE || q->spec.kind == TN_QUEUE_PRIORITY) {
      error = add(q, tuple);
      tn_error_free(error);
      continue;
    }
    q->first = (q->first + q->room - 1) % q->room;
    q->size++;
    move(slot(q, 0), tuple, q->spec.n);
  }
}

/* --- what steps do --- */

static tn_error *is_closed(const tn_queue *q) {
  return tn_errorf(TN_CANCELLED, "%s '%s' is closed.", tn_queue_kind_name(q), q->name);
}

tn_error *tn_queue_put(tn_queue *q, const tn_step *step, int64_t count, tn_tensor *tuples) {
  tn_queue_waiter self;
  tn_error *error = NULL;
  tn_lock(&q->mutex);
  join(&q->givers, &self);
  for (int64_t i = 0; !error;) {
    if (self.cancelled || (q->givers.first == &self && q->closed)) {
      error = is_closed(q);
      break;
    }
    if (i == count) break;
    if (q->givers.first == &self && (q->spec.capacity < 0 || q->size < q->spec.capacity)) {
      error = add(q, tuples + i++ * q->spec.n);
      wake_first(&q->takers);
    } else {
      error = tn_step_wait(step, &self.wake, &q->mutex);
    }
  }
  leave(q, &q->givers, &self);
  tn_unlock(&q->mutex);
  return error;
}

tn_error *tn_queue_try_put(tn_queue *q, int64_t count, tn_tensor *tuples, bool *done) {
  tn_error *error = NULL;
  tn_lock(&q->mutex);
  bool room = q->spec.capacity < 0 || count <= q->spec.capacity - q->size;
  if (!q->givers.first && !q->closed && room) {
    for (int64_t i = 0; i < count && !error; i++) error = add(q, tuples + i * q->spec.n);
    wake_first(&q->takers);
    *done = true;
  }
  tn_unlock(&q->mutex);
  return error;
}

/* How many elements may be taken now. */
static int64_t available(const tn_queue *q) {
  int64_t kept = q->spec.kind == TN_QUEUE_SHUFFLE && !q->closed ? q->spec.min_after : 0;
  return q->size > kept ? q->size - kept : 0;
}

static tn_error *insufficient(const tn_queue *q, int64_t count) {
  return tn_errorf(TN_OUT_OF_RANGE,
                   "%s '%s' is closed and has insufficient elements (requested %lld, current size %lld)",
                   tn_queue_kind_name(q), q->name, (long long)count, (long long)q->size);
}

tn_error *tn_queue_take(tn_queue *q, const tn_step *step, int64_t count, bool less, int64_t *taken, tn_tensor *tuples) {
  tn_queue_waiter self;
  tn_error *error = NULL;
  int64_t n = 0;
  tn_lock(&q->mutex);
  join(&q->takers, &self);
  while (n < count && !error) {
    bool mine = q->takers.first == &self;
    if (mine && available(q) > 0) {
      take(q, tuples + n++ * q->spec.n);
      wake_first(&q->givers);
    } else if (mine && q->closed) {
      if (less && n > 0) break;
      restore(q, n, tuples);
      error = insufficient(q, count);
      n = 0;
    } else {
      error = tn_step_wait(step, &self.wake, &q->mutex);
    }
  }
  if (error) restore(q, n, tuples);
  leave(q, &q->takers, &self);
  tn_unlock(&q->mutex);
  if (!error) *taken = n;
  return error;
}

static void leave_takers(tn_waiter *w) {
  tn_queue_waiter *self = w->state;
  tn_queue *q = self->queue;
  tn_lock(&q->mutex);
  leave(q, &q->takers, self);
  tn_unlock(&q->mutex);
  tn_free(self);
  w->state = NULL;
}

/* With the lock held: W stands in the line of Q's takers. */
static tn_error *join_takers(tn_queue *q, tn_waiter *w) {
  tn_queue_waiter *self = tn_malloc(sizeof *self);
  if (!self) return tn_out_of_memory();
  join(&q->takers, self);
  self->queue = q;
  self->waiter = w;
  w->state = self;
  w->leave = leave_takers;
  return NULL;
}

tn_error *tn_queue_try_take(tn_queue *q, tn_waiter *w, tn_tensor *tuple, bool *waits) {
  tn_error *error = NULL;
  tn_lock(&q->mutex);
  bool mine = q->takers.first == w->state; /* nobody stands there, or this one does */
  *waits = false;
  if (mine && available(q) > 0) {
    take(q, tuple);
    wake_first(&q->givers);
  } else if (mine && q->closed) {
    error = insufficient(q, 1);
  } else {
    *waits = true;
    if (!w->state) error = join_takers(q, w);
  }
  tn_unlock(&q->mutex);
  if (!*waits && w->state) w->leave(w);
  return error;
}

tn_error *tn_queue_close(tn_queue *q, const tn_step *step, bool cancel) {
  tn_queue_waiter self;
  tn_error *error = NULL;
  tn_lock(&q->mutex);
  join(&q->givers, &self);
  if (cancel) {
    q->closed = true;
    for (tn_queue_waiter *w = q->givers.first; w; w = w->next) {
      w->cancelled = w != &self;
      pthread_cond_signal(&w->wake);
    }
  } else {
    while (q->givers.first != &self && !error) error = tn_step_wait(step, &self.wake, &q->mutex);
    if (!error && q->closed) {
      error = tn_errorf(TN_CANCELLED, "Queue '%s' is already closed.", q->name);
    } else if (!error) {
      q->closed = true;
    }
  }
  leave(q, &q->givers, &self);
  tn_unlock(&q->mutex);
  return error;
}

int64_t tn_queue_size(tn_queue *q) {
  tn_lock(&q->mutex);
  int64_t size = q->size;
  tn_unlock(&q->mutex);
  return size;
}

bool tn_queue_is_closed(tn_queue *q) {
  tn_lock(&q->mutex);
  bool closed = q->closed;
  tn_unlock(&q->mutex);
  return closed;
}
