/* CacheDataset: the elements of the first whole run are kept, in memory or in files as TensorFlow writes them. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/thread.h"
#include "data/source.h"
#include "io/bundle.h"
#include "io/file.h"

typedef struct cache {
  tn_source base;
  char *path; /* "": in memory */
  pthread_mutex_t mutex;
  bool complete; /* in memory; what follows then does not change any more */
  int64_t n;
  tn_tensor *elements;
} cache;

typedef struct caching {
  tn_cursor base;
  bool reads; /* from the cache */
  int64_t n, capacity;
  tn_tensor *elements; /* what was seen, until it is the cache */
  tn_bundle *bundle;
  tn_bundle_writer *writer;
} caching;

static tn_error *make(tn_run *r, tn_source *s) {
  cache *k = (cache *)s;
  tn_string path;
  pthread_mutex_init(&k->mutex, NULL);
  TN_TRY(tn_run_string(r, 1, &path));
  k->path = tn_strndup(path.data, path.size);
  return k->path ? NULL : tn_out_of_memory();
}

static void drop(tn_source *s) {
  cache *k = (cache *)s;
  tn_element_free((int)k->n * s->n, k->elements);
  tn_free(k->path);
  pthread_mutex_destroy(&k->mutex);
}

/* --- memory --- */

static tn_error *remember(tn_cursor *c, const tn_tensor *element) {
  caching *k = (caching *)c;
  int n = c->source->n;
  if (k->n == k->capacity) {
    int64_t more = k->capacity ? 2 * k->capacity : 64;
    tn_tensor *grown = tn_realloc(k->elements, (size_t)(more * n + 1) * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    k->elements = grown;
    k->capacity = more;
  }
  memset(k->elements + k->n * n, 0, (size_t)n * sizeof *element);
  tn_element_share(n, k->elements + k->n * n, element);
  k->n++;
  return NULL;
}

/* The input has ended: what was seen is the cache, unless another run was faster. */
static void complete(tn_cursor *c) {
  caching *k = (caching *)c;
  cache *s = (cache *)c->source;
  tn_lock(&s->mutex);
  if (!s->complete) {
    s->elements = k->elements;
    s->n = k->n;
    s->complete = true;
    k->elements = NULL;
    k->n = 0;
  }
  tn_unlock(&s->mutex);
}

static tn_error *next_in_memory(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  caching *k = (caching *)c;
  const cache *s = (const cache *)c->source;
  if (k->reads) {
    *end = k->n >= s->n;
    if (!*end) tn_element_share(c->source->n, out, s->elements + k->n++ * c->source->n);
    return NULL;
  }
  TN_TRY(tn_cursor_next(c->input, step, out, end));
  if (!*end) return remember(c, out);
  complete(c);
  return NULL;
}

/* --- files --- */

/* The key of component I of element ELEMENT, as TensorFlow pads it. */
static void key_of(const tn_cursor *c, int64_t element, int i, char key[64]) {
  int n = c->source->n;
  snprintf(key, 64, n > 100 ? "%7lld_%3d" : n > 10 ? "%7lld_%2d" : "%7lld_%1d", (long long)element, i);
}

static tn_error *open_file(tn_cursor *c) {
  caching *k = (caching *)c;
  const cache *s = (const cache *)c->source;
  tn_str index = {0};
  tn_str_addf(&index, "%s.index", s->path);
  if (index.failed) return tn_out_of_memory();
  k->reads = tn_file_exists(index.data);
  tn_str_clear(&index);
  return k->reads ? tn_bundle_open(s->path, &k->bundle) : tn_bundle_create(s->path, &k->writer);
}

static tn_error *next_in_file(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  caching *k = (caching *)c;
  char key[64];
  if (k->reads) {
    key_of(c, k->n, 0, key);
    *end = !tn_bundle_find(k->bundle, key);
    for (int i = 0; !*end && i < c->source->n; i++) {
      key_of(c, k->n, i, key);
      TN_TRY(tn_bundle_read(k->bundle, key, &out[i]));
    }
    k->n++;
    return NULL;
  }
  TN_TRY(tn_cursor_next(c->input, step, out, end));
  if (*end && k->writer) {
    tn_bundle_writer *writer = k->writer;
    k->writer = NULL;
    return tn_bundle_finish(writer);
  }
  for (int i = 0; !*end && i < c->source->n; i++) {
    key_of(c, k->n, i, key);
    TN_TRY(tn_bundle_add(k->writer, key, &out[i]));
  }
  k->n++;
  return NULL;
}

/* --- both --- */

static tn_error *open(tn_cursor *c, tn_step *step) {
  caching *k = (caching *)c;
  cache *s = (cache *)c->source;
  if (s->path[0]) {
    TN_TRY(open_file(c));
  } else {
    tn_lock(&s->mutex);
    k->reads = s->complete;
    tn_unlock(&s->mutex);
  }
  return k->reads ? NULL : tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  return ((const cache *)c->source)->path[0] ? next_in_file(c, step, out, end) : next_in_memory(c, step, out, end);
}

static void close(tn_cursor *c) {
  caching *k = (caching *)c;
  if (k->elements) tn_element_free((int)k->n * c->source->n, k->elements);
  tn_bundle_close(k->bundle);
  tn_bundle_abandon(k->writer);
}

static const tn_source_kind kind = {"CacheDataset", sizeof(cache), sizeof(caching), 1, make, drop, NULL, open,
                                    next,           close};

TN_SOURCE_KERNELS(cache, kind);

TN_OP(CacheDataset, .inputs = "input_dataset: variant, filename: string", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "The input, which is computed once only.",
      .flags = TN_OP_FILES | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = cache_kernels);

TN_OP(CacheDatasetV2, .inputs = "input_dataset: variant, filename: string, cache: resource",
      .outputs = "handle: variant", .attrs = TN_SOURCE_ATTRS "; metadata: string = ''",
      .doc = "The input, which is computed once only.", .flags = TN_OP_FILES | TN_OP_STATEFUL | TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = cache_kernels);

/* --- handles of caches: each dataset has its own --- */

#define CACHE_TYPE "MemoryCache"

static void destroy_handle(tn_object *object) { tn_free(object); }

static tn_error *run_handle(tn_run *r) {
  for (int i = 0; i < r->n_outputs; i++) {
    tn_object *object = tn_calloc(1, sizeof *object);
    if (!object) return tn_out_of_memory();
    atomic_init(&object->refs, 1);
    object->type = CACHE_TYPE;
    object->destroy = destroy_handle;
    TN_TRY(tn_run_set_handle(r, i, object));
  }
  return NULL;
}

static const tn_kernel_def handle_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_handle}, {0}};

TN_OP(AnonymousMemoryCache, .inputs = "", .outputs = "handle: resource, deleter: variant", .attrs = "",
      .doc = "A handle for a dataset's cache.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out,
      .kernels = handle_kernels);

TN_OP(DummyMemoryCache, .inputs = "", .outputs = "handle: resource", .attrs = "",
      .doc = "A handle for a dataset's cache.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out,
      .kernels = handle_kernels);

TN_OP(DeleteMemoryCache, .inputs = "handle: resource, deleter: variant", .outputs = "", .attrs = "",
      .doc = "Gives a cache's handle back.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_no_outputs,
      .kernels = handle_kernels);
