/* Iterators. One caller at a time draws; the others wait their turn. */
#include "data/iterator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "data/seeds.h"

struct tn_iterator {
  tn_object object;
  size_t n;
  tn_dtype *types;
  tn_shape *shapes;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool busy;               /* somebody draws or starts: what follows is theirs */
  tn_session_state *scope; /* in which functions run: each start begins with new state */
  tn_source *source;
  tn_cursor *cursor;
  int64_t asked; /* elements so far */
  int n_components;
};

static void stop(tn_iterator *it) {
  tn_cursor_close(it->cursor);
  tn_source_unref(it->source);
  tn_session_state_free(it->scope);
  it->cursor = NULL;
  it->source = NULL;
  it->scope = NULL;
}

static void destroy(tn_object *object) {
  tn_iterator *it = (tn_iterator *)object;
  stop(it);
  pthread_cond_destroy(&it->changed);
  pthread_mutex_destroy(&it->mutex);
  tn_free(it->types);
  tn_free(it->shapes);
  tn_free(it);
}

tn_error *tn_iterator_new(size_t n, const tn_dtype *types, const tn_shape *shapes, tn_object **out) {
  tn_iterator *it = tn_calloc(1, sizeof *it);
  if (!it) return tn_out_of_memory();
  atomic_init(&it->object.refs, 1);
  it->object.type = TN_ITERATOR_TYPE;
  it->object.destroy = destroy;
  pthread_mutex_init(&it->mutex, NULL);
  pthread_cond_init(&it->changed, NULL);
  it->types = tn_calloc(n + 1, sizeof *it->types);
  it->shapes = tn_calloc(n + 1, sizeof *it->shapes);
  if (!it->types || !it->shapes) {
    destroy(&it->object);
    return tn_out_of_memory();
  }
  it->n = n;
  for (size_t i = 0; i < n; i++) {
    it->types[i] = types[i];
    it->shapes[i] = shapes ? shapes[i] : tn_shape_unknown();
  }
  *out = &it->object;
  return NULL;
}

/* Waits for our turn. */
static tn_error *enter(tn_iterator *it, const tn_step *step) {
  tn_error *error = NULL;
  tn_lock(&it->mutex);
  while (it->busy && !error) error = tn_step_wait(step, &it->changed, &it->mutex);
  if (!error) it->busy = true;
  tn_unlock(&it->mutex);
  return error;
}

static void leave(tn_iterator *it) {
  tn_lock(&it->mutex);
  it->busy = false;
  pthread_cond_signal(&it->changed);
  tn_unlock(&it->mutex);
}

static bool agree(const tn_shape *a, const tn_shape *b) {
  if (a->rank < 0 || b->rank < 0) return true;
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++) {
    if (a->dims[i] >= 0 && b->dims[i] >= 0 && a->dims[i] != b->dims[i]) return false;
  }
  return true;
}

static tn_error *compare(size_t n, const tn_dtype *types, const tn_shape *shapes, const tn_iterator *it) {
  if (n != it->n) {
    return tn_errorf(TN_INVALID_ARGUMENT, "Number of components does not match: expected %zu types but got %zu.", it->n,
                     n);
  }
  for (size_t i = 0; i < n; i++) {
    if (types[i] != it->types[i]) {
      return tn_errorf(TN_INVALID_ARGUMENT, "Data type mismatch at component %zu: expected %s but got %s.", i,
                       tn_dtype_name(it->types[i]), tn_dtype_name(types[i]));
    }
    if (!agree(&shapes[i], &it->shapes[i])) {
      return tn_errorf(TN_INVALID_ARGUMENT, "Incompatible shapes at component %zu: expected %s but got %s.", i,
                       TN_SHAPE_STR(&it->shapes[i]), TN_SHAPE_STR(&shapes[i]));
    }
  }
  return NULL;
}

tn_error *tn_iterator_check(tn_iterator *it, size_t n, const tn_dtype *types, const tn_shape *shapes) {
  return n && it->n ? compare(n, types, shapes, it) : NULL;
}

/* A step in the scope of an iterator, limited by PARENT. */
static void begin_step(tn_step *step, tn_session_state *scope, const tn_step *parent) {
  tn_step_init(step, scope);
  step->parent = parent;
  step->closed = parent->closed;
}

/* Begins with SOURCE. */
static tn_error *begin(tn_iterator *it, tn_source *source, const tn_step *step) {
  tn_source_ref(source); /* it may be the one that is dropped here */
  stop(it);
  it->source = source;
  it->asked = 0;
  it->n_components = source->n;
  tn_error *error = tn_scope_new(step->session, &it->scope);
  if (!error) {
    tn_step own;
    begin_step(&own, it->scope, step);
    error = tn_cursor_open(source, &own, &it->cursor);
    tn_step_finish(&own);
  }
  if (error) stop(it);
  return error;
}

tn_error *tn_iterator_start(tn_iterator *it, tn_source *source, const tn_step *step) {
  if (it->n) TN_TRY(compare((size_t)source->n, source->types, source->shapes, it));
  TN_TRY(enter(it, step));
  tn_error *error = begin(it, source, step);
  leave(it);
  return error;
}

/* --- where it is --- */

enum { MOST_SEEDS = 256 };

static tn_error *not_started(const char *what) {
  return tn_errorf(TN_FAILED_PRECONDITION,
                   "%s failed because the iterator has not been initialized. Ensure that you "
                   "have run the initializer operation for this iterator first.",
                   what);
}

static tn_error *save(tn_iterator *it, tn_str *out) {
  tn_seeds *all[MOST_SEEDS];
  if (!it->cursor) return not_started("SerializeIterator");
  const int n = tn_source_seeds(it->source, MOST_SEEDS, all);
  if (n > MOST_SEEDS) return tn_errorf(TN_UNIMPLEMENTED, "%d shuffles in one dataset can't be saved", n);
  tn_str_addf(out, "position 1 %lld %d", (long long)it->asked, n);
  for (int i = 0; i < n; i++) {
    int64_t seeds[2];
    tn_seeds_get(all[i], seeds);
    tn_str_addf(out, " %lld %lld", (long long)seeds[0], (long long)seeds[1]);
  }
  return out->failed ? tn_out_of_memory() : NULL;
}

tn_error *tn_iterator_save(tn_iterator *it, const tn_step *step, tn_str *out) {
  TN_TRY(enter(it, step));
  tn_error *error = save(it, out);
  leave(it);
  return error;
}

/* The next number of *AT. */
static bool read_number(const char **at, int64_t *out) {
  char *end;
  errno = 0;
  *out = strtoll(*at, &end, 10);
  const bool good = end != *at && errno == 0;
  *at = end;
  return good;
}

/* Asks for COUNT elements that nobody wants; those that fail, fail as they did before. */
static tn_error *skip(tn_iterator *it, const tn_step *step, int64_t count) {
  tn_tensor *element = NULL;
  TN_TRY(tn_element_new(it->n_components, &element));
  tn_error *error = NULL;
  bool end = false;
  while (!error && !end && it->asked < count) {
    tn_step own;
    begin_step(&own, it->scope, step);
    error = tn_cursor_next(it->cursor, &own, element, &end);
    tn_step_finish(&own);
    tn_element_clear(it->n_components, element);
    const tn_code code = error ? tn_error_code(error) : TN_OK;
    if (error && code != TN_CANCELLED && code != TN_DEADLINE_EXCEEDED) {
      tn_error_free(error);
      error = NULL;
    }
    it->asked++;
  }
  tn_element_free(it->n_components, element);
  return error;
}

static tn_error *restore(tn_iterator *it, const tn_step *step, tn_string bytes) {
  static const char head[] = "position 1 ";
  tn_seeds *all[MOST_SEEDS];
  int64_t count, n, seeds[MOST_SEEDS][2];
  if (!it->source) return not_started("DeserializeIterator");
  const char *at = bytes.data + sizeof head - 1;
  bool good = bytes.size >= sizeof head && memcmp(bytes.data, head, sizeof head - 1) == 0 && read_number(&at, &count) &&
              read_number(&at, &n) && count >= 0 && n >= 0 && n <= MOST_SEEDS;
  for (int64_t i = 0; good && i < 2 * n; i++) good = read_number(&at, &seeds[i / 2][i % 2]);
  if (!good) return tn_errorf(TN_INVALID_ARGUMENT, "this is no position of an iterator");
  const int have = tn_source_seeds(it->source, MOST_SEEDS, all);
  if (have != n)
    return tn_errorf(TN_INVALID_ARGUMENT, "the position is of a dataset with %lld shuffles; this one has %d",
                     (long long)n, have);
  for (int i = 0; i < have; i++) tn_seeds_restart(all[i], seeds[i]);
  TN_TRY(begin(it, it->source, step));
  return skip(it, step, count);
}

tn_error *tn_iterator_restore(tn_iterator *it, const tn_step *step, tn_string bytes) {
  char *copy = tn_strndup(bytes.data, bytes.size); /* ends with a NUL */
  if (!copy) return tn_out_of_memory();
  tn_error *error = enter(it, step);
  if (!error) {
    error = restore(it, step, (tn_string){copy, bytes.size});
    leave(it);
  }
  tn_free(copy);
  return error;
}

bool tn_iterator_started(tn_iterator *it) {
  tn_lock(&it->mutex);
  bool started = it->cursor != NULL;
  tn_unlock(&it->mutex);
  return started;
}

tn_error *tn_iterator_next(tn_iterator *it, const tn_step *step, int n, tn_tensor *out, bool *end) {
  TN_TRY(enter(it, step));
  tn_error *error = NULL;
  if (!it->cursor) {
    error = tn_errorf(TN_FAILED_PRECONDITION,
                      "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                      "initializer operation for this iterator before getting the next element.");
  } else if (n != it->n_components) {
    error = tn_errorf(TN_INVALID_ARGUMENT, "the iterator's elements have %d components, not %d", it->n_components, n);
  } else {
    tn_step own;
    begin_step(&own, it->scope, step);
    error = tn_cursor_next(it->cursor, &own, out, end);
    tn_step_finish(&own);
    if (!*end) it->asked++;
  }
  leave(it);
  return error;
}

static tn_error *same_again(void *argument, tn_object **out) {
  *out = tn_object_ref(argument);
  return NULL;
}

tn_error *tn_iterator_name(tn_iterator *it, tn_resources *resources, const char *name, tn_object **out) {
  return tn_resources_get(resources, TN_ITERATOR_NAMES, name, TN_ITERATOR_TYPE, same_again, &it->object, out);
}

tn_error *tn_visit_begin(tn_visit *visit, tn_source *source, const tn_step *parent) {
  memset(visit, 0, sizeof *visit);
  TN_TRY(tn_scope_new(parent->session, &visit->scope));
  begin_step(&visit->step, visit->scope, parent);
  tn_error *error = tn_cursor_open(source, &visit->step, &visit->cursor);
  if (error) tn_visit_end(visit);
  return error;
}

void tn_visit_end(tn_visit *visit) {
  tn_cursor_close(visit->cursor);
  if (visit->scope) {
    tn_step_finish(&visit->step);
    tn_session_state_free(visit->scope);
  }
  memset(visit, 0, sizeof *visit);
}
