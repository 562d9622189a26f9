/* A few prepared kernels per node, the least recently used one replaced. */
#include "runtime/kernel_cache.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#define PER_NODE 8
#define STRIPES  16

typedef struct entry {
  char *key;
  size_t size;
  uint64_t used;
  tn_kernel *kernel;
} entry;

typedef struct shelf {
  uint64_t clock;
  int n;
  entry entries[PER_NODE];
} shelf;

struct tn_kernel_cache {
  tn_session_state *session;
  int threads;
  struct {
    pthread_mutex_t mutex;
    tn_map *shelves; /* node -> shelf */
  } stripes[STRIPES];
};

tn_error *tn_kernel_cache_new(tn_session_state *session, int threads, tn_kernel_cache **out) {
  tn_kernel_cache *cache = tn_calloc(1, sizeof *cache);
  if (!cache) return tn_out_of_memory();
  cache->session = session;
  cache->threads = threads;
  for (int i = 0; i < STRIPES; i++) {
    pthread_mutex_init(&cache->stripes[i].mutex, NULL);
    tn_error *error = tn_map_new(&cache->stripes[i].shelves);
    if (error) {
      tn_kernel_cache_free(cache);
      return error;
    }
  }
  *out = cache;
  return NULL;
}

static void drop(entry *e) {
  tn_kernel_unref(e->kernel);
  tn_free(e->key);
}

void tn_kernel_cache_free(tn_kernel_cache *cache) {
  if (!cache) return;
  for (int i = 0; i < STRIPES && cache->stripes[i].shelves; i++) {
    size_t cursor = 0;
    void *value = NULL;
    while (tn_map_next(cache->stripes[i].shelves, &cursor, NULL, NULL, &value)) {
      shelf *s = value;
      for (int k = 0; k < s->n; k++) drop(&s->entries[k]);
      tn_free(s);
    }
    tn_map_free(cache->stripes[i].shelves);
    pthread_mutex_destroy(&cache->stripes[i].mutex);
  }
  tn_free(cache);
}

/* Adds the elements of VALUE to the key. */
static void add_value(tn_str *key, const tn_tensor *value) {
  int64_t n = tn_elements(value);
  if (value->dtype != TN_STRING) {
    tn_str_add_bytes(key, value->data, (size_t)n * tn_dtype_size(tn_dtype_base(value->dtype)));
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const tn_string *s = &TN_DATA(tn_string, value)[i];
    tn_str_add_bytes(key, &s->size, sizeof s->size);
    tn_str_add_bytes(key, s->data, s->size);
  }
}

/* What the choice of a kernel depends on, as bytes. */
static tn_error *key_of(const tn_kernel_cache *cache, const tn_node *node, const tn_tensor *inputs, tn_str *key) {
  /* A node without inputs may have found a resource by name that has been dropped since. */
  uint64_t epoch = node->n_inputs ? 0 : tn_resources_epoch(tn_session_state_resources(cache->session));
  tn_str_add_bytes(key, &epoch, sizeof epoch);
  for (int i = 0; i < node->n_inputs; i++) {
    const tn_tensor *t = &inputs[i];
    int32_t head[2] = {(int32_t)t->dtype, t->shape.rank};
    tn_str_add_bytes(key, head, sizeof head);
    tn_str_add_bytes(key, t->shape.dims, (size_t)t->shape.rank * sizeof *t->shape.dims);
    if (tn_node_needs_value(node, i)) add_value(key, t);
  }
  return key->failed ? tn_out_of_memory() : NULL;
}

/* Prepares NODE's kernel: it sees the values that matter to it and the variables behind handles. */
static tn_error *prepare(const tn_kernel_cache *cache, const tn_node *node, const tn_tensor *inputs, tn_kernel **out) {
  size_t n = (size_t)node->n_inputs;
  tn_tensor *seen = tn_malloc((n + 1) * sizeof *seen);
  tn_variable **variables = tn_calloc(n + 1, sizeof *variables);
  tn_error *error = seen && variables ? NULL : tn_out_of_memory();
  for (size_t i = 0; i < n && !error; i++) {
    memcpy(&seen[i], &inputs[i], sizeof *seen);
    bool handle = tn_dtype_is_ref(seen[i].dtype) || seen[i].dtype == TN_RESOURCE;
    tn_object *object = handle && tn_elements(&seen[i]) == 1 ? TN_DATA(tn_object *, &seen[i])[0] : NULL;
    if (object && strcmp(object->type, TN_VARIABLE_TYPE) == 0) variables[i] = tn_variable_of(object);
    if (!tn_node_needs_value(node, (int)i)) seen[i].data = NULL;
    seen[i].buffer = NULL;
  }
  if (!error) {
    tn_kernel_request request = {.node = node,
                                 .n_inputs = node->n_inputs,
                                 .inputs = seen,
                                 .variables = variables,
                                 .session = cache->session,
                                 .threads = cache->threads};
    error = tn_kernel_new(&request, out);
  }
  tn_free(seen);
  tn_free(variables);
  return error;
}

/* With the stripe locked: the kernel under KEY; NULL if there is none. */
static tn_kernel *find(shelf *s, const tn_str *key) {
  for (int i = 0; s && i < s->n; i++) {
    entry *e = &s->entries[i];
    if (e->size == key->size && memcmp(e->key, key->data, e->size) == 0) {
      e->used = ++s->clock;
      return e->kernel;
    }
  }
  return NULL;
}

/* With the stripe locked: keeps KERNEL under KEY, which it takes over. */
static tn_error *keep(tn_map *shelves, const tn_node *node, tn_str *key, tn_kernel *kernel) {
  shelf *s = tn_map_find_u64(shelves, (uintptr_t)node);
  if (!s) {
    s = tn_calloc(1, sizeof *s);
    if (!s) return tn_out_of_memory();
    tn_error *error = tn_map_put_u64(shelves, (uintptr_t)node, s);
    if (error) {
      tn_free(s);
      return error;
    }
  }
  entry made = {.used = ++s->clock};
  TN_TRY(tn_str_take(key, &made.key, &made.size));
  made.kernel = tn_kernel_ref(kernel);
  int at = s->n;
  if (at == PER_NODE) {
    at = 0;
    for (int i = 1; i < s->n; i++) {
      if (s->entries[i].used < s->entries[at].used) at = i;
    }
    drop(&s->entries[at]);
  } else {
    s->n++;
  }
  s->entries[at] = made;
  return NULL;
}

tn_error *tn_kernel_cache_get(tn_kernel_cache *cache, const tn_node *node, const tn_tensor *inputs, tn_kernel **out) {
  tn_str key = {0};
  tn_error *error = key_of(cache, node, inputs, &key);
  int stripe = node->id % STRIPES;
  pthread_mutex_t *mutex = &cache->stripes[stripe].mutex;
  tn_kernel *found = NULL;
  if (!error) {
    tn_lock(mutex);
    tn_counts.lookups++;
    found = find(tn_map_find_u64(cache->stripes[stripe].shelves, (uintptr_t)node), &key);
    if (found) tn_kernel_ref(found);
    tn_unlock(mutex);
  }
  if (!error && !found) {
    error = prepare(cache, node, inputs, &found);
    if (!error) {
      tn_lock(mutex);
      error = keep(cache->stripes[stripe].shelves, node, &key, found);
      tn_unlock(mutex);
      if (error) tn_kernel_unref(found);
    }
  }
  tn_str_clear(&key);
  if (!error) *out = found;
  return error;
}
