/* Named objects of a session or a step. */
#include "kernel/resource.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

struct tn_resources {
  pthread_mutex_t mutex;
  tn_map *objects; /* container, NUL, name -> tn_object */
  atomic_uint_fast64_t epoch;
};

/* The map's key for (container, name). */
static tn_error *key_of(const char *container, const char *name, char **key, size_t *size) {
  tn_str text = {0};
  tn_str_add_bytes(&text, container, strlen(container) + 1);
  tn_str_add(&text, name);
  return tn_str_take(&text, key, size);
}

tn_error *tn_resources_new(tn_resources **out) {
  tn_resources *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  tn_error *error = tn_map_new(&made->objects);
  if (error) {
    tn_free(made);
    return error;
  }
  pthread_mutex_init(&made->mutex, NULL);
  *out = made;
  return NULL;
}

void tn_resources_free(tn_resources *resources) {
  if (!resources) return;
  size_t cursor = 0;
  void *object = NULL;
  while (tn_map_next(resources->objects, &cursor, NULL, NULL, &object)) tn_object_unref(object);
  tn_map_free(resources->objects);
  pthread_mutex_destroy(&resources->mutex);
  tn_free(resources);
}

/* With the lock held: finds or makes the object; *OUT is borrowed from the map. */
static tn_error *find_or_create(tn_resources *resources, const char *key, size_t size,
                                tn_error *(*create)(void *argument, tn_object **out), void *argument, tn_object **out) {
  tn_counts.lookups++;
  tn_object *object = tn_map_get(resources->objects, key, size);
  if (!object) {
    const char *name = key + strlen(key) + 1;
    if (!create) return tn_errorf(TN_NOT_FOUND, "Resource %s/%s does not exist", key[0] ? key : "localhost", name);
    TN_TRY(create(argument, &object));
    tn_error *error = tn_map_set(resources->objects, key, size, object, NULL);
    if (error) {
      tn_object_unref(object);
      return error;
    }
  }
  *out = object;
  return NULL;
}

tn_error *tn_resources_get(tn_resources *resources, const char *container, const char *name, const char *type,
                           tn_error *(*create)(void *argument, tn_object **out), void *argument, tn_object **out) {
  if (!resources) return tn_errorf(TN_INTERNAL, "there are no resources here to find '%s' in", name);
  char *key = NULL;
  size_t size = 0;
  TN_TRY(key_of(container, name, &key, &size));
  tn_object *object = NULL;
  tn_lock(&resources->mutex);
  tn_error *error = find_or_create(resources, key, size, create, argument, &object);
  if (!error && strcmp(object->type, type) != 0) {
    error = tn_errorf(TN_INVALID_ARGUMENT, "'%s' is a %s; expected a %s", name, object->type, type);
  }
  if (!error) *out = tn_object_ref(object);
  tn_unlock(&resources->mutex);
  tn_free(key);
  return error;
}

tn_error *tn_resources_delete(tn_resources *resources, const char *container, const char *name) {
  char *key = NULL;
  size_t size = 0;
  TN_TRY(key_of(container, name, &key, &size));
  tn_lock(&resources->mutex);
  tn_object *object = tn_map_remove(resources->objects, key, size);
  if (object) atomic_fetch_add(&resources->epoch, 1);
  tn_unlock(&resources->mutex);
  tn_free(key);
  if (!object) return tn_errorf(TN_NOT_FOUND, "Resource %s/%s does not exist", container, name);
  tn_object_unref(object);
  return NULL;
}

/* Takes one object of CONTAINER (NULL: of any) out of the map; NULL when there is none left. */
static tn_object *take_one(tn_resources *resources, const char *container) {
  size_t cursor = 0, size = 0;
  const void *key = NULL;
  void *object = NULL;
  while (tn_map_next(resources->objects, &cursor, &key, &size, &object)) {
    if (!container || strcmp(key, container) == 0) return tn_map_remove(resources->objects, key, size);
  }
  return NULL;
}

void tn_resources_clear(tn_resources *resources, const char *container) {
  for (;;) {
    tn_lock(&resources->mutex);
    tn_object *object = take_one(resources, container);
    if (object) atomic_fetch_add(&resources->epoch, 1);
    tn_unlock(&resources->mutex);
    if (!object) return;
    tn_object_unref(object);
  }
}

void tn_resources_clear_all(tn_resources *resources) { tn_resources_clear(resources, NULL); }

uint64_t tn_resources_epoch(const tn_resources *resources) {
  return atomic_load_explicit(&resources->epoch, memory_order_acquire);
}
