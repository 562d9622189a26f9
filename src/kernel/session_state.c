/* What a session keeps between steps: resources, and bytes that belong to nodes (random counters). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"
#include "kernel/call.h"
#include "kernel/philox.h"
#include "kernel/resource.h"

typedef struct entry {
  char *key;
  size_t size;
  _Alignas(64) char data[];
} entry;

struct tn_session_state {
  pthread_mutex_t mutex;
  tn_map *entries;
  tn_resources *resources;
  bool is_child;          /* RESOURCES are the parent's */
  tn_session_state *kept; /* whose entries these are; NULL: its own */
  tn_caller *caller;
  tn_random_address address;
};

static tn_error *new_state(tn_resources *resources, tn_session_state **out) {
  tn_session_state *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  made->resources = resources;
  made->is_child = resources != NULL;
  tn_error *error = tn_map_new(&made->entries);
  if (!error && !resources) error = tn_resources_new(&made->resources);
  if (error) {
    tn_map_free(made->entries);
    tn_free(made);
    return error;
  }
  pthread_mutex_init(&made->mutex, NULL);
  *out = made;
  return NULL;
}

tn_error *tn_session_state_new(tn_session_state **out) { return new_state(NULL, out); }

tn_error *tn_session_state_new_child(tn_session_state *parent, tn_session_state **out) {
  return new_state(parent->resources, out);
}

tn_error *tn_session_state_new_view(tn_session_state *parent, tn_session_state **out) {
  TN_TRY(new_state(parent->resources, out));
  (*out)->kept = parent->kept ? parent->kept : parent;
  return NULL;
}

void tn_session_state_set_caller(tn_session_state *state, tn_caller *caller) { state->caller = caller; }
tn_caller *tn_session_state_caller(const tn_session_state *state) { return state->caller; }

void tn_session_state_free(tn_session_state *state) {
  if (!state) return;
  /* Objects go first: iterators hold scopes that use the caller. */
  if (!state->is_child) tn_resources_free(state->resources);
  if (state->caller) state->caller->destroy(state->caller);
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(state->entries, &cursor, NULL, NULL, &value)) {
    tn_free(((entry *)value)->key);
    free(value);
  }
  tn_map_free(state->entries);
  pthread_mutex_destroy(&state->mutex);
  tn_free(state);
}

tn_resources *tn_session_state_resources(tn_session_state *state) { return state->resources; }

/* With the lock held: a new zeroed entry. */
static tn_error *add(tn_session_state *state, const char *key, size_t size, entry **out) {
  size_t bytes = (sizeof(entry) + size + 63) & ~(size_t)63;
  entry *made = aligned_alloc(64, bytes);
  if (!made) return tn_out_of_memory();
  memset(made, 0, bytes);
  made->key = tn_strdup(key);
  made->size = size;
  tn_error *error = made->key ? tn_map_put(state->entries, key, made) : tn_out_of_memory();
  if (error) {
    tn_free(made->key);
    free(made);
    return error;
  }
  *out = made;
  return NULL;
}

tn_error *tn_session_state_get(tn_session_state *state, const char *key, size_t size, void *out) {
  if (state->kept) state = state->kept;
  tn_lock(&state->mutex);
  tn_counts.lookups++;
  entry *found = tn_map_find(state->entries, key);
  tn_error *error = NULL;
  if (!found) {
    error = add(state, key, size, &found);
  } else if (found->size != size) {
    error = tn_errorf(TN_INTERNAL, "the state of '%s' has %zu bytes; %zu were asked for", key, found->size, size);
  }
  tn_unlock(&state->mutex);
  if (error) return error;
  void *data = found->data;
  memcpy(out, &data, sizeof data);
  return NULL;
}

const tn_random_address *tn_session_state_address(tn_session_state *state) {
  return state->kept ? &state->kept->address : &state->address;
}

void tn_session_state_set_address(tn_session_state *state, const uint64_t address[2]) {
  if (state->kept) state = state->kept;
  tn_lock(&state->mutex);
  memcpy(state->address.words, address, sizeof state->address.words);
  atomic_store(&state->address.given, true);
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(state->entries, &cursor, NULL, NULL, &value)) {
    entry *e = value;
    /* Whatever keeps a generator has it first: zeroed it is seeded again. */
    if (e->size >= sizeof(tn_philox)) memset(e->data, 0, sizeof(tn_philox));
  }
  tn_unlock(&state->mutex);
}

static int by_key(const void *a, const void *b) { return strcmp((*(entry *const *)a)->key, (*(entry *const *)b)->key); }

tn_error *tn_session_state_visit(tn_session_state *state,
                                 tn_error *(*visit)(void *argument, const char *key, void *data, size_t size),
                                 void *argument) {
  tn_lock(&state->mutex);
  size_t n = 0, cursor = 0;
  entry **sorted = tn_malloc((tn_map_size(state->entries) + 1) * sizeof *sorted);
  void *value = NULL;
  while (sorted && tn_map_next(state->entries, &cursor, NULL, NULL, &value)) sorted[n++] = value;
  tn_unlock(&state->mutex);
  if (!sorted) return tn_out_of_memory();
  qsort(sorted, n, sizeof *sorted, by_key);
  tn_error *error = NULL;
  for (size_t i = 0; i < n && !error; i++) error = visit(argument, sorted[i]->key, sorted[i]->data, sorted[i]->size);
  tn_free(sorted);
  return error;
}
