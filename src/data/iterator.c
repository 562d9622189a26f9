/* Iterators. One caller at a time draws; the others wait their turn. */
#include "data/iterator.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

struct tn_iterator {
  tn_object object;
  size_t n;
  tn_dtype *types;
  tn_shape *shapes;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool busy;               /* somebody draws or starts: what follows is theirs */
  tn_session_state *scope; /* in which functions run: each start begins with new state */
  tn_cursor *cursor;
  int n_components;
};

static void stop(tn_iterator *it) {
  tn_cursor_close(it->cursor);
  tn_session_state_free(it->scope);
  it->cursor = NULL;
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

tn_error *tn_iterator_start(tn_iterator *it, tn_source *source, const tn_step *step) {
  if (it->n) TN_TRY(compare((size_t)source->n, source->types, source->shapes, it));
  TN_TRY(enter(it, step));
  stop(it);
  tn_error *error = tn_scope_new(step->session, &it->scope);
  if (!error) {
    tn_step own;
    begin_step(&own, it->scope, step);
    error = tn_cursor_open(source, &own, &it->cursor);
    tn_step_finish(&own);
  }
  it->n_components = source->n;
  if (error) stop(it);
  leave(it);
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
