/* Writing bundles: one data file, then the index that names what is in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/fault.h"
#include "base/map.h"
#include "base/wire.h"
#include "io/bundle_format.h"
#include "io/file.h"
#include "io/table.h"
#include "io/table_format.h"
#include "tensor/blob.h"

/* A line of the index to be: its key may hold NUL bytes. */
typedef struct line {
  char *key;
  size_t key_size;
  tn_bundle_entry entry;
  tn_slice *slices; /* those of ENTRY, owned */
} line;

struct tn_bundle_writer {
  char *prefix;
  tn_file_writer *data;
  line *lines;
  size_t count, capacity;
  tn_map *keys; /* to 1 + the number of the line */
};

static void free_writer(tn_bundle_writer *w) {
  tn_file_abandon(w->data);
  for (size_t i = 0; i < w->count; i++) {
    tn_free(w->lines[i].key);
    tn_free(w->lines[i].slices);
  }
  tn_free(w->lines);
  tn_map_free(w->keys);
  tn_free(w->prefix);
  tn_free(w);
}

void tn_bundle_abandon(tn_bundle_writer *writer) {
  if (writer) free_writer(writer);
}

/* The folder of PREFIX. */
static tn_error *make_folder(const char *prefix) {
  const char *slash = strrchr(prefix, '/');
  if (!slash || slash == prefix) return NULL;
  char *folder = tn_strndup(prefix, (size_t)(slash - prefix));
  if (!folder) return tn_out_of_memory();
  tn_error *error = tn_make_folders(folder);
  tn_free(folder);
  return error;
}

tn_error *tn_bundle_create(const char *prefix, tn_bundle_writer **out) {
  TN_TRY(make_folder(prefix));
  tn_bundle_writer *w = tn_calloc(1, sizeof *w);
  if (!w) return tn_out_of_memory();
  char *name = NULL;
  tn_error *error = tn_map_new(&w->keys);
  if (!error && !(w->prefix = tn_strdup(prefix))) error = tn_out_of_memory();
  if (!error) error = tn_bundle_data_name(prefix, 0, 1, &name);
  if (!error) error = tn_file_create(name, &w->data);
  tn_free(name);
  if (error) {
    free_writer(w);
    return error;
  }
  *out = w;
  return NULL;
}

/* A new line for KEY, entered in the map. */
static tn_error *new_line(tn_bundle_writer *w, const void *key, size_t size, line **out) {
  if (tn_map_get(w->keys, key, size))
    return tn_errorf(TN_ALREADY_EXISTS, "'%.*s' is saved twice", (int)size, (const char *)key);
  if (w->count == w->capacity) {
    size_t capacity = w->capacity ? 2 * w->capacity : 64;
    line *lines = tn_realloc(w->lines, capacity * sizeof *lines);
    if (!lines) return tn_out_of_memory();
    w->lines = lines;
    w->capacity = capacity;
  }
  line l = {.key = tn_strndup(key, size), .key_size = size};
  if (!l.key) return tn_out_of_memory();
  tn_error *error = tn_map_set(w->keys, key, size, (void *)(w->count + 1), NULL);
  if (error) {
    tn_free(l.key);
    return error;
  }
  w->lines[w->count] = l;
  *out = &w->lines[w->count++];
  return NULL;
}

/* Strings: their lengths, a checksum of these, their bytes. */
static tn_error *write_strings(tn_bundle_writer *w, const tn_tensor *value, uint32_t *crc) {
  const tn_string *strings = value->data;
  int64_t n = tn_shape_elements(&value->shape);
  tn_str head = {0};
  uint32_t sum = 0;
  for (int64_t i = 0; i < n; i++) {
    tn_wire_put_varint(&head, strings[i].size);
    tn_str raw = {0}; /* the checksum goes over the lengths as 4 or 8 plain bytes */
    if (strings[i].size <= UINT32_MAX)
      tn_put_u32(&raw, (uint32_t)strings[i].size);
    else
      tn_put_u64(&raw, strings[i].size);
    if (!raw.failed) sum = tn_crc32c(sum, raw.data, raw.size);
    head.failed |= raw.failed;
    tn_str_clear(&raw);
  }
  size_t lengths = head.size;
  tn_put_u32(&head, tn_crc32c_mask(sum));
  tn_error *error = head.failed ? tn_out_of_memory() : tn_file_write(w->data, head.data, head.size);
  if (!error) sum = tn_crc32c(sum, head.data + lengths, 4);
  tn_str_clear(&head);
  for (int64_t i = 0; !error && i < n; i++) {
    sum = tn_crc32c(sum, strings[i].data, strings[i].size);
    error = tn_file_write(w->data, strings[i].data, strings[i].size);
  }
  *crc = sum;
  return error;
}

/* Variants: the length, the message and a checksum of each. Only blobs are known outside of the process. */
static tn_error *write_variants(tn_bundle_writer *w, const tn_tensor *value, uint32_t *crc) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < tn_shape_elements(&value->shape); i++) {
    tn_object *object = ((tn_object *const *)value->data)[i];
    const tn_blob *blob = tn_blob_of(object);
    if (!blob)
      return tn_errorf(TN_UNIMPLEMENTED, "a variant that holds a %s can't be saved", object ? object->type : "nothing");
    tn_str message = {0}, out = {0}, size = {0};
    tn_wire_put_bytes(&message, 1, blob->name, blob->name_size);
    tn_wire_put_bytes(&message, 2, blob->bytes, blob->size);
    tn_wire_put_varint(&out, message.size);
    tn_put_u64(&size, message.size);
    out.failed |= message.failed | size.failed;
    if (!out.failed) {
      sum = tn_crc32c(sum, size.data, size.size);
      sum = tn_crc32c(sum, message.data, message.size);
      tn_str_add_bytes(&out, message.data, message.size);
      tn_put_u32(&out, tn_crc32c_mask(sum));
    }
    tn_error *error = out.failed ? tn_out_of_memory() : tn_file_write(w->data, out.data, out.size);
    if (!error) sum = tn_crc32c(sum, out.data + out.size - 4, 4);
    tn_str_clear(&message);
    tn_str_clear(&size);
    tn_str_clear(&out);
    if (error) return error;
  }
  *crc = sum;
  return NULL;
}

/* Writes the elements and fills in where they are. */
static tn_error *write_value(tn_bundle_writer *w, const tn_tensor *value, tn_bundle_entry *entry) {
  uint64_t begin = tn_file_written(w->data);
  uint32_t crc = 0;
  if (value->dtype == TN_STRING) {
    TN_TRY(write_strings(w, value, &crc));
  } else if (value->dtype == TN_VARIANT) {
    TN_TRY(write_variants(w, value, &crc));
  } else if (tn_dtype_is_plain(value->dtype)) {
    size_t size = (size_t)tn_shape_elements(&value->shape) * tn_dtype_size(value->dtype);
    crc = tn_crc32c(0, value->data, size);
    TN_TRY(tn_file_write(w->data, value->data, size));
  } else {
    return tn_errorf(TN_UNIMPLEMENTED, "a tensor of dtype %s can't be saved", tn_dtype_name(value->dtype));
  }
  entry->dtype = value->dtype;
  entry->offset = (int64_t)begin;
  entry->size = (int64_t)(tn_file_written(w->data) - begin);
  entry->crc = tn_crc32c_mask(crc);
  return NULL;
}

static tn_error *add_value(tn_bundle_writer *w, const void *key, size_t size, const tn_tensor *value) {
  line *l;
  TN_TRY(new_line(w, key, size, &l));
  l->entry.shape = value->shape;
  tn_fault("save");
  return write_value(w, value, &l->entry);
}

tn_error *tn_bundle_add(tn_bundle_writer *w, const char *key, const tn_tensor *value) {
  if (!*key) return tn_errorf(TN_INVALID_ARGUMENT, "a tensor can't be saved under the empty name");
  return tn_error_context(add_value(w, key, strlen(key), value), "saving '%s'", key);
}

/* The line of the whole tensor, to which slices are added. */
static tn_error *whole_line(tn_bundle_writer *w, const char *key, const tn_shape *full, tn_dtype dtype, line **out) {
  size_t found = (size_t)tn_map_find(w->keys, key);
  if (!found) {
    TN_TRY(new_line(w, key, strlen(key), out));
    (*out)->entry.shape = *full;
    (*out)->entry.dtype = dtype;
    return NULL;
  }
  line *l = &w->lines[found - 1];
  if (!l->entry.n_slices) return tn_errorf(TN_ALREADY_EXISTS, "it is saved both whole and in slices");
  if (!tn_shape_equal(&l->entry.shape, full) || l->entry.dtype != dtype)
    return tn_errorf(TN_INVALID_ARGUMENT, "its slices are of %s %s and of %s %s", tn_dtype_name(l->entry.dtype),
                     TN_SHAPE_STR(&l->entry.shape), tn_dtype_name(dtype), TN_SHAPE_STR(full));
  *out = l;
  return NULL;
}

/* Lists SLICE in the line of the whole tensor. */
static tn_error *note_slice(tn_bundle_writer *w, const char *key, const tn_shape *full, const tn_slice *slice,
                            tn_dtype dtype) {
  line *l;
  TN_TRY(whole_line(w, key, full, dtype, &l));
  tn_slice *slices = tn_realloc(l->slices, (l->entry.n_slices + 1) * sizeof *slices);
  if (!slices) return tn_out_of_memory();
  slices[l->entry.n_slices++] = *slice;
  l->entry.slices = l->slices = slices;
  return NULL;
}

static tn_error *add_slice(tn_bundle_writer *w, const char *key, const tn_shape *full, const tn_slice *slice,
                           const tn_tensor *value) {
  tn_shape extent;
  TN_TRY(tn_slice_shape(slice, full, &extent));
  if (!tn_shape_equal(&extent, &value->shape))
    return tn_errorf(TN_INVALID_ARGUMENT, "a slice of shape %s is given a tensor of shape %s", TN_SHAPE_STR(&extent),
                     TN_SHAPE_STR(&value->shape));
  tn_str part = {0};
  tn_bundle_put_slice_key(&part, key, slice);
  tn_error *error = part.failed ? tn_out_of_memory() : NULL;
  if (!error && tn_map_get(w->keys, part.data, part.size)) error = tn_errorf(TN_ALREADY_EXISTS, "it is saved twice");
  if (!error) error = note_slice(w, key, full, slice, value->dtype);
  if (!error) error = add_value(w, part.data, part.size, value);
  tn_str_clear(&part);
  return error;
}

tn_error *tn_bundle_add_slice(tn_bundle_writer *w, const char *key, const tn_shape *full, const tn_slice *slice,
                              const tn_tensor *value) {
  return tn_error_context(add_slice(w, key, full, slice, value), "saving a slice of '%s'", key);
}

static int compare_lines(const void *a, const void *b) {
  const line *x = a, *y = b;
  return tn_table_compare(x->key, x->key_size, y->key, y->key_size);
}

/* The index of sorted LINES, written and on the disk but not yet under its name. */
static tn_error *write_index(const char *prefix, const line *lines, size_t count, int32_t shards,
                             tn_file_writer **out) {
  tn_table_writer *table;
  TN_TRY(tn_table_writer_new(&table));
  tn_str value = {0}, name = {0};
  char *bytes = NULL;
  size_t size = 0;
  tn_file_writer *file = NULL;
  tn_bundle_put_header(&value, shards);
  tn_error *error = value.failed ? tn_out_of_memory() : tn_table_add(table, "", 0, value.data, value.size);
  for (size_t i = 0; !error && i < count; i++) {
    value.size = 0;
    tn_bundle_put_entry(&value, &lines[i].entry);
    error = value.failed ? tn_out_of_memory()
                         : tn_table_add(table, lines[i].key, lines[i].key_size, value.data, value.size);
  }
  if (!error) error = tn_table_finish(table, &bytes, &size);
  tn_str_addf(&name, "%s.index", prefix);
  if (!error) error = name.failed ? tn_out_of_memory() : tn_file_create(name.data, &file);
  if (!error) error = tn_file_write(file, bytes, size);
  if (!error) error = tn_file_flush(file);
  if (error) {
    tn_file_abandon(file);
  } else {
    *out = file;
  }
  tn_free(bytes);
  tn_str_clear(&value);
  tn_str_clear(&name);
  tn_table_writer_free(table);
  return error;
}

/* Both files are on the disk before either gets its name, so that a full disk can't break a bundle that was there. */
static tn_error *finish(tn_bundle_writer *w) {
  qsort(w->lines, w->count, sizeof *w->lines, compare_lines);
  TN_TRY(tn_file_flush(w->data));
  tn_file_writer *index;
  TN_TRY(write_index(w->prefix, w->lines, w->count, 1, &index));
  tn_error *error = tn_file_commit(w->data);
  w->data = NULL;
  if (!error) return tn_file_commit(index);
  tn_file_abandon(index);
  return error;
}

tn_error *tn_bundle_finish(tn_bundle_writer *w) {
  tn_error *error = tn_error_context(finish(w), "saving the checkpoint '%s'", w->prefix);
  free_writer(w);
  return error;
}

/* --- merging --- */

/* Takes the lines of one bundle over, its shards counted from FIRST on. */
static tn_error *take_lines(tn_bundle_writer *w, const tn_table *table, int32_t first) {
  for (size_t i = 0; i < tn_table_size(table); i++) {
    const tn_table_entry *e = tn_table_at(table, i);
    if (!e->key_size) continue; /* the header */
    tn_arena *arena;
    TN_TRY(tn_arena_new(&arena));
    tn_bundle_entry entry;
    line *l = NULL;
    tn_error *error = tn_bundle_parse_entry(e->value, e->size, arena, &entry);
    size_t found = error ? 0 : (size_t)tn_map_get(w->keys, e->key, e->key_size);
    if (found && entry.n_slices) {
      l = &w->lines[found - 1]; /* a tensor whose slices are spread over the bundles */
    } else if (!error) {
      error = new_line(w, e->key, e->key_size, &l);
      if (!error) l->entry = entry;
      if (!error) l->entry.n_slices = 0;
    }
    size_t n = l && entry.n_slices ? l->entry.n_slices + entry.n_slices : 0;
    tn_slice *slices = n ? tn_realloc(l->slices, n * sizeof *slices) : NULL;
    if (n && !slices) error = tn_out_of_memory();
    if (slices) {
      memcpy(slices + l->entry.n_slices, entry.slices, entry.n_slices * sizeof *slices);
      l->entry.slices = l->slices = slices;
      l->entry.n_slices = n;
    }
    if (l && !found) l->entry.shard += first;
    tn_arena_free(arena);
    if (error) return error;
  }
  return NULL;
}

/* Reads the index of PREFIX into W; *SHARDS gets the number of its data files. */
static tn_error *take_index(tn_bundle_writer *w, const char *prefix, int32_t first, int32_t *shards) {
  tn_bundle *bundle;
  TN_TRY(tn_bundle_open(prefix, &bundle));
  tn_error *error = take_lines(w, tn_bundle_table(bundle), first);
  *shards = tn_bundle_shards(bundle);
  tn_bundle_close(bundle);
  return error;
}

/* Moves (or with REMOVE drops) one file that belongs to PREFIX. */
static tn_error *move_shard(const char *from, int32_t shard, int32_t shards, const char *to, int32_t new_shard,
                            int32_t total) {
  char *old = NULL, *new = NULL;
  tn_error *error = tn_bundle_data_name(from, shard, shards, &old);
  if (!error) error = tn_bundle_data_name(to, new_shard, total, &new);
  if (!error) error = tn_path_rename(old, new);
  tn_free(old);
  tn_free(new);
  return error;
}

static void remove_index(const char *prefix) {
  tn_str name = {0};
  tn_str_addf(&name, "%s.index", prefix);
  if (!name.failed) tn_error_free(tn_path_remove(name.data));
  tn_str_clear(&name);
}

static tn_error *merge(tn_bundle_writer *w, size_t n, const char *const *prefixes, int32_t *shards) {
  int32_t total = 0, at = 0;
  for (size_t i = 0; i < n; i++) {
    TN_TRY(take_index(w, prefixes[i], total, &shards[i]));
    total += shards[i];
  }
  qsort(w->lines, w->count, sizeof *w->lines, compare_lines);
  tn_file_writer *index;
  TN_TRY(write_index(w->prefix, w->lines, w->count, total, &index));
  tn_error *error = NULL;
  for (size_t i = 0; !error && i < n; i++)
    for (int32_t k = 0; !error && k < shards[i]; k++)
      error = move_shard(prefixes[i], k, shards[i], w->prefix, at++, total);
  if (error) {
    tn_file_abandon(index);
    return error;
  }
  TN_TRY(tn_file_commit(index));
  for (size_t i = 0; i < n; i++)
    if (strcmp(prefixes[i], w->prefix)) remove_index(prefixes[i]);
  return NULL;
}

tn_error *tn_bundle_merge(size_t n, const char *const *prefixes, const char *prefix) {
  TN_TRY(make_folder(prefix));
  tn_bundle_writer *w = tn_calloc(1, sizeof *w);
  int32_t *shards = tn_calloc(n, sizeof *shards);
  tn_error *error = w && shards ? tn_map_new(&w->keys) : tn_out_of_memory();
  if (!error && !(w->prefix = tn_strdup(prefix))) error = tn_out_of_memory();
  if (!error) error = tn_error_context(merge(w, n, prefixes, shards), "merging checkpoints into '%s'", prefix);
  if (w) free_writer(w);
  tn_free(shards);
  return error;
}
