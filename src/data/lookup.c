/* Lookup tables. */
#include "data/lookup.h"

#include <string.h>

#include "base/alloc.h"
#include "kernel/copy.h"
#include "kernel/handle.h"

/* --- making --- */

static void drop_elements(tn_dtype dtype, void *data, int64_t n) {
  if (dtype == TN_STRING) {
    for (int64_t i = 0; i < n; i++) tn_free(((tn_string *)data)[i].data);
  }
  tn_free(data);
}

void tn_lookup_clear(tn_lookup *table) {
  drop_elements(table->spec.key_type, table->keys, table->n * table->key_elements);
  drop_elements(table->spec.value_type, table->values, table->n * table->value_elements);
  table->keys = table->values = NULL;
  table->n = table->room = 0;
  tn_map_free(table->places);
  table->places = NULL;
}

static void destroy(tn_object *object) {
  tn_lookup *table = (tn_lookup *)object;
  tn_lookup_clear(table);
  for (int i = 0; i < 2; i++) tn_tensor_clear(&table->reserved[i]);
  pthread_rwlock_destroy(&table->lock);
  tn_free(table->name);
  tn_free(table);
}

static tn_error *as_strings(tn_object *object, tn_tensor *out) {
  return tn_handle_strings("", ((const tn_lookup *)object)->name, out);
}

static tn_error *keep_reserved(tn_lookup *table, const tn_lookup_spec *spec) {
  const tn_tensor *given[2] = {spec->empty_key, spec->deleted_key};
  for (int i = 0; i < 2; i++) {
    if (given[i]) TN_TRY(tn_tensor_init_copy(&table->reserved[i], given[i]));
  }
  table->spec.empty_key = given[0] ? &table->reserved[0] : NULL;
  table->spec.deleted_key = given[1] ? &table->reserved[1] : NULL;
  return NULL;
}

tn_error *tn_lookup_new(const char *name, const tn_lookup_spec *spec, tn_lookup **out) {
  tn_lookup *table = tn_calloc(1, sizeof *table);
  if (!table) return tn_out_of_memory();
  atomic_init(&table->object.refs, 1);
  table->object.type = TN_LOOKUP_TYPE;
  table->object.destroy = destroy;
  table->object.read = as_strings;
  table->spec = *spec;
  table->key_elements = tn_shape_elements(&spec->key);
  table->value_elements = tn_shape_elements(&spec->value);
  pthread_rwlock_init(&table->lock, NULL);
  table->name = tn_strdup(name);
  tn_error *error = table->name ? keep_reserved(table, spec) : tn_out_of_memory();
  if (error) {
    tn_object_unref(&table->object);
    return error;
  }
  *out = table;
  return NULL;
}

tn_error *tn_lookup_check(const tn_lookup *table, const tn_lookup_spec *spec) {
  const tn_lookup_spec *mine = &table->spec;
  if (mine->kind == spec->kind && mine->key_type == spec->key_type && mine->value_type == spec->value_type &&
      tn_shape_equal(&mine->key, &spec->key) && tn_shape_equal(&mine->value, &spec->value))
    return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "the table '%s' goes from %s to %s, or is of another kind than asked for",
                   table->name, tn_dtype_name(mine->key_type), tn_dtype_name(mine->value_type));
}

/* --- elements --- */

static const void *element(tn_dtype dtype, const void *data, int64_t i) {
  return (const char *)data + (size_t)i * tn_dtype_size(dtype);
}

/* The bytes by which the map knows key I of KEYS. Only keys of several strings are put together in TEXT. */
static tn_error *bytes_of(const tn_lookup *table, const void *keys, int64_t i, tn_str *text, const void **data,
                          size_t *size) {
  const void *key = element(table->spec.key_type, keys, i * table->key_elements);
  *data = key;
  *size = (size_t)table->key_elements * tn_dtype_size(table->spec.key_type);
  if (table->spec.key_type != TN_STRING) return NULL;
  const tn_string *strings = key;
  if (table->key_elements == 1) {
    *data = strings->size ? strings->data : "";
    *size = strings->size;
    return NULL;
  }
  tn_str_clear(text);
  for (int64_t k = 0; k < table->key_elements; k++) {
    tn_str_add_bytes(text, &strings[k].size, sizeof strings[k].size);
    tn_str_add_bytes(text, strings[k].size ? strings[k].data : "", strings[k].size);
  }
  *data = text->size ? text->data : "";
  *size = text->size;
  return text->failed ? tn_out_of_memory() : NULL;
}

/* The place of key I of KEYS; -1 if it is not there. */
static tn_error *place_of(const tn_lookup *table, const void *keys, int64_t i, tn_str *text, int64_t *out) {
  const void *data;
  size_t size;
  *out = -1;
  if (!table->places) return NULL;
  TN_TRY(bytes_of(table, keys, i, text, &data, &size));
  *out = (int64_t)(intptr_t)tn_map_get(table->places, data, size) - 1;
  return NULL;
}

tn_error *tn_lookup_check_keys(const tn_lookup *table, const void *keys, int64_t n) {
  for (int r = 0; r < 2; r++) {
    const tn_tensor *reserved = r ? table->spec.deleted_key : table->spec.empty_key;
    if (!reserved) continue;
    tn_str a = {0}, b = {0};
    tn_error *error = NULL;
    for (int64_t i = 0; i < n && !error; i++) {
      const void *x, *y;
      size_t n_x, n_y;
      error = bytes_of(table, keys, i, &a, &x, &n_x);
      if (!error) error = bytes_of(table, reserved->data, 0, &b, &y, &n_y);
      if (!error && n_x == n_y && memcmp(x, y, n_x) == 0) {
        error =
            tn_errorf(TN_INVALID_ARGUMENT, "Using the %s_key as a table key is not allowed", r ? "deleted" : "empty");
      }
    }
    tn_str_clear(&a);
    tn_str_clear(&b);
    if (error) return error;
  }
  return NULL;
}

/* --- finding --- */

tn_error *tn_lookup_find(const tn_lookup *table, const void *keys, int64_t n, const void *missing, bool each,
                         void *out) {
  tn_dtype type = table->spec.value_type;
  size_t bytes = (size_t)table->value_elements * tn_dtype_size(type);
  tn_str text = {0};
  tn_error *error = NULL;
  for (int64_t i = 0; i < n && !error; i++) {
    int64_t place;
    error = place_of(table, keys, i, &text, &place);
    const void *absent = element(type, missing, each ? i * table->value_elements : 0);
    const void *from = place < 0 ? absent : element(type, table->values, place * table->value_elements);
    if (!error) error = tn_copy_elements(type, (char *)out + (size_t)i * bytes, from, table->value_elements);
  }
  tn_str_clear(&text);
  return error;
}

/* --- changing --- */

static tn_error *widen(void **data, size_t size, int64_t from, int64_t to) {
  char *made = tn_realloc(*data, (size_t)to * size + 1);
  if (!made) return tn_out_of_memory();
  memset(made + (size_t)from * size, 0, (size_t)(to - from) * size);
  *data = made;
  return NULL;
}

static tn_error *make_room(tn_lookup *table) {
  if (!table->places) TN_TRY(tn_map_new(&table->places));
  if (table->n < table->room) return NULL;
  int64_t room = table->room ? 2 * table->room : 16;
  TN_TRY(widen(&table->keys, (size_t)table->key_elements * tn_dtype_size(table->spec.key_type), table->n, room));
  TN_TRY(widen(&table->values, (size_t)table->value_elements * tn_dtype_size(table->spec.value_type), table->n, room));
  table->room = room;
  return NULL;
}

static bool same_value(const tn_lookup *table, int64_t place, const void *value) {
  tn_dtype type = table->spec.value_type;
  const void *mine = element(type, table->values, place * table->value_elements);
  if (type != TN_STRING) return memcmp(mine, value, (size_t)table->value_elements * tn_dtype_size(type)) == 0;
  for (int64_t i = 0; i < table->value_elements; i++) {
    const tn_string *a = (const tn_string *)mine + i, *b = (const tn_string *)value + i;
    if (a->size != b->size || (a->size && memcmp(a->data, b->data, a->size) != 0)) return false;
  }
  return true;
}

/* A new key, number I of KEYS. */
static tn_error *add(tn_lookup *table, const void *keys, int64_t i, const void *value, tn_str *text) {
  const void *data;
  size_t size;
  TN_TRY(make_room(table));
  tn_dtype key_type = table->spec.key_type, value_type = table->spec.value_type;
  void *key_to = (char *)table->keys + (size_t)(table->n * table->key_elements) * tn_dtype_size(key_type);
  void *value_to = (char *)table->values + (size_t)(table->n * table->value_elements) * tn_dtype_size(value_type);
  const void *key = element(key_type, keys, i * table->key_elements);
  TN_TRY(tn_copy_elements(key_type, key_to, key, table->key_elements));
  TN_TRY(tn_copy_elements(value_type, value_to, value, table->value_elements));
  TN_TRY(bytes_of(table, keys, i, text, &data, &size));
  TN_TRY(tn_map_set(table->places, data, size, (void *)(intptr_t)(table->n + 1), NULL));
  table->n++;
  return NULL;
}

tn_error *tn_lookup_put(tn_lookup *table, const void *keys, const void *values, int64_t n, bool fresh) {
  tn_dtype type = table->spec.value_type;
  tn_str text = {0};
  tn_error *error = NULL;
  for (int64_t i = 0; i < n && !error; i++) {
    const void *value = element(type, values, i * table->value_elements);
    int64_t place;
    error = place_of(table, keys, i, &text, &place);
    if (error) break;
    if (place < 0) {
      error = add(table, keys, i, value, &text);
    } else if (!fresh) {
      void *to = (char *)table->values + (size_t)(place * table->value_elements) * tn_dtype_size(type);
      error = tn_copy_elements(type, to, value, table->value_elements);
    } else if (!same_value(table, place, value)) {
      error = tn_errorf(TN_FAILED_PRECONDITION,
                        "HashTable has different value for same key (number %lld of those given)", (long long)i);
    }
  }
  tn_str_clear(&text);
  return error;
}

static void move_row(tn_dtype type, void *data, int64_t elements, int64_t to, int64_t from) {
  size_t bytes = (size_t)elements * tn_dtype_size(type);
  char *target = (char *)data + (size_t)to * bytes, *source = (char *)data + (size_t)from * bytes;
  if (type == TN_STRING) {
    for (int64_t i = 0; i < elements; i++) tn_free(((tn_string *)(void *)target)[i].data);
  }
  if (to != from) memcpy(target, source, bytes);
  memset(source, 0, bytes);
}

/* The last row takes the place of one that goes. */
static tn_error *remove_place(tn_lookup *table, int64_t place, tn_str *text) {
  int64_t last = table->n - 1;
  const void *data;
  size_t size;
  if (place != last) {
    TN_TRY(bytes_of(table, table->keys, last, text, &data, &size));
    TN_TRY(tn_map_set(table->places, data, size, (void *)(intptr_t)(place + 1), NULL));
  }
  move_row(table->spec.key_type, table->keys, table->key_elements, place, last);
  move_row(table->spec.value_type, table->values, table->value_elements, place, last);
  table->n--;
  return NULL;
}

tn_error *tn_lookup_remove(tn_lookup *table, const void *keys, int64_t n) {
  tn_str text = {0};
  tn_error *error = NULL;
  for (int64_t i = 0; i < n && !error && table->places; i++) {
    const void *data;
    size_t size;
    error = bytes_of(table, keys, i, &text, &data, &size);
    if (error) break;
    int64_t place = (int64_t)(intptr_t)tn_map_remove(table->places, data, size) - 1;
    if (place >= 0) error = remove_place(table, place, &text);
  }
  tn_str_clear(&text);
  return error;
}
