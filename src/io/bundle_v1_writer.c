/* Writing checkpoints of the first format; see bundle_v1.c. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "graph/proto.h"
#include "io/bundle_format.h"
#include "io/file.h"

/* What stands under one key of the table. */
typedef struct row {
  tn_str key, value;
} row;

/* A tensor with the slices that it has so far. */
typedef struct tensor {
  const char *name;
  tn_dtype dtype;
  tn_shape shape;
  tn_str slices; /* fields 4 of its SavedSliceMeta */
} tensor;

struct tn_v1_writer {
  tn_arena *arena;
  tn_map *tensors; /* by name */
  tn_map *keys;    /* of the rows */
  size_t n, capacity;
  row *rows;
};

tn_error *tn_v1_create(tn_v1_writer **out) {
  tn_v1_writer *w = tn_calloc(1, sizeof *w);
  if (!w) return tn_out_of_memory();
  tn_error *error = tn_arena_new(&w->arena);
  if (!error) error = tn_map_new(&w->tensors);
  if (!error) error = tn_map_new(&w->keys);
  if (error) {
    tn_v1_free(w);
    return error;
  }
  *out = w;
  return NULL;
}

void tn_v1_free(tn_v1_writer *w) {
  if (!w) return;
  for (size_t i = 0; i < w->n; i++) {
    tn_str_clear(&w->rows[i].key);
    tn_str_clear(&w->rows[i].value);
  }
  size_t cursor = 0;
  void *value = NULL;
  while (w->tensors && tn_map_next(w->tensors, &cursor, NULL, NULL, &value)) tn_str_clear(&((tensor *)value)->slices);
  tn_map_free(w->tensors);
  tn_map_free(w->keys);
  tn_arena_free(w->arena);
  tn_free(w->rows);
  tn_free(w);
}

static tn_error *new_row(tn_v1_writer *w, row **out) {
  if (w->n == w->capacity) {
    size_t capacity = w->capacity ? 2 * w->capacity : 64;
    row *rows = tn_realloc(w->rows, capacity * sizeof *rows);
    if (!rows) return tn_out_of_memory();
    w->rows = rows;
    w->capacity = capacity;
  }
  *out = &w->rows[w->n++];
  **out = (row){{0}, {0}};
  return NULL;
}

static tn_error *tensor_of(tn_v1_writer *w, const char *key, const tn_shape *full, tn_dtype dtype, tensor **out) {
  tensor *t = tn_map_find(w->tensors, key);
  if (!t) {
    t = tn_arena_alloc(w->arena, sizeof *t);
    if (!t) return tn_out_of_memory();
    *t = (tensor){.name = tn_arena_strdup(w->arena, key), .dtype = dtype, .shape = *full};
    if (!t->name) return tn_out_of_memory();
    TN_TRY(tn_map_put(w->tensors, key, t));
  }
  if (t->dtype != dtype || !tn_shape_equal(&t->shape, full)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is saved as %s of shape %s and as %s of shape %s", key,
                     tn_dtype_name(t->dtype), TN_SHAPE_STR(&t->shape), tn_dtype_name(dtype), TN_SHAPE_STR(full));
  }
  *out = t;
  return NULL;
}

/* The SavedTensorSlices that holds VALUE. */
static tn_error *put_value(row *r, const char *key, const tn_slice *slice, const tn_tensor *value) {
  size_t data = tn_proto_begin(&r->value, 2);
  tn_proto_put_string(&r->value, 1, key);
  size_t part = tn_proto_begin(&r->value, 2);
  tn_bundle_put_slice(&r->value, slice);
  tn_proto_end(&r->value, part);
  tn_proto_put_values(&r->value, 3, value);
  tn_proto_end(&r->value, data);
  return r->key.failed || r->value.failed ? tn_out_of_memory() : NULL;
}

tn_error *tn_v1_add(tn_v1_writer *w, const char *key, const tn_shape *full, const tn_slice *slice,
                    const tn_tensor *value) {
  tn_shape extent;
  TN_TRY(tn_slice_shape(slice, full, &extent));
  if (!tn_shape_equal(&extent, &value->shape)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s': a slice of shape %s can't hold a tensor of shape %s", key,
                     TN_SHAPE_STR(&extent), TN_SHAPE_STR(&value->shape));
  }
  if (value->dtype != TN_STRING && !tn_dtype_is_plain(value->dtype)) {
    return tn_errorf(TN_UNIMPLEMENTED, "'%s': tensors of dtype %s can't be saved", key, tn_dtype_name(value->dtype));
  }
  tensor *t = NULL;
  TN_TRY(tensor_of(w, key, full, value->dtype, &t));
  row *r = NULL;
  TN_TRY(new_row(w, &r));
  tn_bundle_put_slice_key(&r->key, key, slice);
  if (r->key.failed) return tn_out_of_memory();
  if (tn_map_get(w->keys, r->key.data, r->key.size)) {
    return tn_errorf(TN_ALREADY_EXISTS, "'%s' is saved twice", key);
  }
  TN_TRY(tn_map_set(w->keys, r->key.data, r->key.size, t, NULL));
  size_t part = tn_proto_begin(&t->slices, 4);
  tn_bundle_put_slice(&t->slices, slice);
  tn_proto_end(&t->slices, part);
  return t->slices.failed ? tn_out_of_memory() : put_value(r, key, slice, value);
}

/* The list of all tensors, which stands under the key "". */
static void put_list(const tn_v1_writer *w, tn_str *out) {
  size_t meta = tn_proto_begin(out, 1), cursor = 0;
  void *value = NULL;
  while (tn_map_next(w->tensors, &cursor, NULL, NULL, &value)) {
    const tensor *t = value;
    size_t one = tn_proto_begin(out, 1);
    tn_proto_put_string(out, 1, t->name);
    tn_proto_put_shape(out, 2, &t->shape);
    tn_wire_put_int(out, 3, t->dtype);
    tn_str_add_bytes(out, t->slices.data ? t->slices.data : "", t->slices.size);
    tn_proto_end(out, one);
  }
  size_t versions = tn_proto_begin(out, 2);
  tn_wire_put_int(out, 1, 1); /* the producer */
  tn_proto_end(out, versions);
  tn_proto_end(out, meta);
}

static int by_key(const void *a, const void *b) {
  const tn_str *x = &((const row *)a)->key, *y = &((const row *)b)->key;
  int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
  return order ? order : x->size < y->size ? -1 : x->size > y->size;
}

tn_error *tn_v1_finish(tn_v1_writer *w, const char *path) {
  if (w->n > 1) qsort(w->rows, w->n, sizeof *w->rows, by_key);
  tn_table_writer *table = NULL;
  TN_TRY(tn_table_writer_new(&table));
  tn_str list = {0};
  put_list(w, &list);
  tn_error *error = list.failed ? tn_out_of_memory() : tn_table_add(table, "", 0, list.data, list.size);
  tn_str_clear(&list);
  for (size_t i = 0; i < w->n && !error; i++) {
    const row *r = &w->rows[i];
    error = tn_table_add(table, r->key.data, r->key.size, r->value.data, r->value.size);
  }
  char *bytes = NULL;
  size_t size = 0;
  if (!error) error = tn_table_finish(table, &bytes, &size);
  if (!error) error = tn_file_replace(path, bytes, size);
  tn_free(bytes);
  tn_table_writer_free(table);
  return error;
}
