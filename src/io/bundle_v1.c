/* Reading checkpoints of the first format: tables whose entry "" holds the names, types and shapes of all tensors
 * (SavedTensorSlices.meta), and whose others hold a slice of one each (SavedTensorSlices.data). */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "graph/proto.h"
#include "io/bundle_format.h"
#include "io/file.h"

/* Field NUMBER, a message or a string, of the message BYTES; *FOUND false: it has none. */
static tn_error *field_of(const char *bytes, size_t size, uint32_t number, tn_wire_field *out, bool *found) {
  tn_wire_in in = tn_wire_bytes(bytes, size);
  *found = false;
  for (;;) {
    tn_wire_field f;
    bool more;
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number != number || f.type != TN_WIRE_BYTES) continue;
    *out = f;
    *found = true;
  }
}

/* The BundleEntryProto that says the same as a SavedSliceMeta, put together from what all shards say of the tensor. */
typedef struct meta {
  const char *name;
  tn_str entry;
} meta;

static tn_error *meta_of(tn_bundle *b, tn_map *metas, const tn_wire_field *name, meta **out, bool *is_new) {
  meta *found = tn_map_get(metas, name->data, name->size);
  *is_new = !found;
  if (!found) {
    found = tn_arena_alloc(b->arena, sizeof *found);
    if (!found) return tn_out_of_memory();
    found->name = tn_arena_strndup(b->arena, name->data, name->size);
    if (!found->name) return tn_out_of_memory();
    TN_TRY(tn_map_set(metas, name->data, name->size, found, NULL));
  }
  *out = found;
  return NULL;
}

/* One SavedSliceMeta. */
static tn_error *read_meta(tn_bundle *b, tn_map *metas, const tn_wire_field *message) {
  tn_wire_field f;
  bool more;
  TN_TRY(field_of(message->data, message->size, 1, &f, &more));
  if (!more || !f.size) return tn_errorf(TN_DATA_LOSS, "a tensor has no name");
  meta *m = NULL;
  bool is_new;
  TN_TRY(meta_of(b, metas, &f, &m, &is_new));
  tn_wire_in in = tn_wire_bytes(message->data, message->size);
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) break;
    if (f.number == 2 && f.type == TN_WIRE_BYTES && is_new) tn_wire_put_bytes(&m->entry, 2, f.data, f.size);
    if (f.number == 3 && is_new) tn_wire_put_int(&m->entry, 1, (int64_t)f.value);
    if (f.number == 4 && f.type == TN_WIRE_BYTES) tn_wire_put_bytes(&m->entry, 7, f.data, f.size);
  }
  return m->entry.failed ? tn_out_of_memory() : NULL;
}

/* The entry "" of one table. */
static tn_error *read_metas(tn_bundle *b, tn_map *metas, const tn_table *table) {
  const tn_table_entry *all = tn_table_find(table, "", 0);
  tn_wire_field f;
  bool more = false;
  if (all) TN_TRY(field_of(all->value, all->size, 1, &f, &more));
  if (!more) return tn_errorf(TN_DATA_LOSS, "it has no list of tensors");
  tn_wire_in in = tn_wire_bytes(f.data, f.size);
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) return NULL;
    if (f.number == 1 && f.type == TN_WIRE_BYTES) TN_TRY(read_meta(b, metas, &f));
  }
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const tn_bundle_entry *)a)->key, ((const tn_bundle_entry *)b)->key);
}

static tn_error *make_entries(tn_bundle *b, const tn_map *metas) {
  b->entries = tn_calloc(tn_map_size(metas) + 1, sizeof *b->entries);
  if (!b->entries) return tn_out_of_memory();
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(metas, &cursor, NULL, NULL, &value)) {
    const meta *m = value;
    tn_bundle_entry *e = &b->entries[b->count];
    const char *bytes = m->entry.data ? m->entry.data : "";
    TN_TRY(tn_error_context(tn_bundle_parse_entry(bytes, m->entry.size, b->arena, e), "'%s'", m->name));
    if (!e->n_slices) return tn_errorf(TN_DATA_LOSS, "'%s' has no slices", m->name);
    e->key = m->name;
    b->count++;
  }
  qsort(b->entries, b->count, sizeof *b->entries, by_key);
  return NULL;
}

static tn_error *read_table(tn_bundle *b, tn_map *metas, const char *path) {
  char *bytes = NULL;
  size_t size;
  TN_TRY(tn_file_read(path, &bytes, &size));
  tn_error *error = tn_table_read(bytes, size, &b->v1[b->n_v1]);
  tn_free(bytes);
  if (error) return tn_error_context(error, "'%s'", path);
  b->n_v1++;
  return tn_error_context(read_metas(b, metas, b->v1[b->n_v1 - 1]), "'%s'", path);
}

static tn_error *read_tables(tn_bundle *b, size_t n, char *const *paths) {
  b->v1 = tn_calloc(n + 1, sizeof *b->v1);
  if (!b->v1) return tn_out_of_memory();
  tn_map *metas = NULL;
  TN_TRY(tn_map_new(&metas));
  tn_error *error = NULL;
  for (size_t i = 0; i < n && !error; i++) error = read_table(b, metas, paths[i]);
  if (!error) error = make_entries(b, metas);
  size_t cursor = 0;
  void *value = NULL;
  while (tn_map_next(metas, &cursor, NULL, NULL, &value)) tn_str_clear(&((meta *)value)->entry);
  tn_map_free(metas);
  return error;
}

tn_error *tn_v1_open(tn_bundle *b, bool *found) {
  tn_str index = {0};
  tn_str_addf(&index, "%s.index", b->prefix);
  if (index.failed) return tn_out_of_memory();
  bool second = tn_file_exists(index.data);
  tn_str_clear(&index);
  *found = false;
  if (second) return NULL;
  if (tn_file_exists(b->prefix)) {
    *found = true;
    return read_tables(b, 1, &b->prefix);
  }
  tn_names files = {0};
  tn_error *error = tn_path_glob(b->prefix, &files);
  if (!error && files.n) {
    *found = true;
    error = read_tables(b, files.n, files.names);
  }
  tn_names_clear(&files);
  return error;
}

/* The TensorProto of slice I of E. Savers leave its type and shape out. */
static tn_error *find_value(const tn_bundle *b, const tn_bundle_entry *e, size_t i, tn_wire_field *out) {
  tn_str key = {0};
  tn_bundle_put_slice_key(&key, e->key, &e->slices[i]);
  if (key.failed) return tn_out_of_memory();
  const tn_table_entry *found = NULL;
  for (size_t k = 0; k < b->n_v1 && !found; k++) found = tn_table_find(b->v1[k], key.data, key.size);
  tn_str_clear(&key);
  if (!found) return tn_errorf(TN_DATA_LOSS, "its slice %zu is missing", i);
  bool there;
  TN_TRY(field_of(found->value, found->size, 2, out, &there));
  if (there) TN_TRY(field_of(out->data, out->size, 3, out, &there));
  return there ? NULL : tn_errorf(TN_DATA_LOSS, "its slice %zu has no value", i);
}

tn_error *tn_v1_read_slice(const tn_bundle *b, const tn_bundle_entry *e, size_t i, tn_tensor *out) {
  tn_wire_field value = {0};
  tn_shape extent;
  TN_TRY(find_value(b, e, i, &value));
  TN_TRY(tn_slice_shape(&e->slices[i], &e->shape, &extent));
  /* Every value takes a bit at least: no shape, however large, makes more of a file than it holds. */
  if (tn_shape_elements(&extent) / 8 > (int64_t)value.size + 1) {
    return tn_errorf(TN_DATA_LOSS, "its slice %zu has too few values", i);
  }
  tn_str bytes = {0};
  tn_str_add_bytes(&bytes, value.data, value.size);
  tn_wire_put_int(&bytes, 1, e->dtype);
  tn_proto_put_shape(&bytes, 2, &extent);
  tn_tensor *tensor = NULL;
  tn_error *error = bytes.failed ? tn_out_of_memory() : tn_proto_get_tensor(bytes.data, bytes.size, &tensor);
  tn_str_clear(&bytes);
  if (error) return error;
  tn_tensor_set(out, tensor);
  tn_tensor_free(tensor);
  return NULL;
}
