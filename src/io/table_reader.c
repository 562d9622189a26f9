/* Reading sorted string tables. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/wire.h"
#include "io/snappy.h"
#include "io/table.h"
#include "io/table_format.h"

struct tn_table {
  tn_arena *arena;
  tn_table_entry *entries;
  size_t count, capacity;
};

typedef struct handle {
  uint64_t offset, size;
} handle;

static tn_error *read_handle(tn_wire_in *in, handle *out) {
  TN_TRY(tn_wire_varint(in, &out->offset));
  return tn_wire_varint(in, &out->size);
}

/* The block's bytes, checked: in place, or unpacked into *OWNED. */
static tn_error *open_block(const char *data, size_t size, handle h, tn_wire_in *out, char **owned) {
  if (h.offset > size || h.size > size - h.offset || size - h.offset - h.size < TN_TABLE_TRAILER_SIZE)
    return tn_errorf(TN_DATA_LOSS, "a block lies outside the table");
  const char *bytes = data + h.offset, *trailer = bytes + h.size;
  uint32_t crc = tn_crc32c_unmask(tn_get_u32(trailer + 1));
  if (!tn_crc32c_matches(crc, tn_crc32c(0, bytes, (size_t)h.size + 1)))
    return tn_errorf(TN_DATA_LOSS, "the checksum of the block at byte %llu is wrong", (unsigned long long)h.offset);
  size_t unpacked = (size_t)h.size;
  if (*trailer == 1) {
    TN_TRY(tn_snappy_unpack(bytes, (size_t)h.size, owned, &unpacked));
    bytes = *owned;
  } else if (*trailer) {
    return tn_errorf(TN_DATA_LOSS, "a block has the unknown compression %d", *trailer);
  }
  uint32_t restarts = unpacked >= 4 ? tn_get_u32(bytes + unpacked - 4) : 0;
  if (unpacked < 4 || restarts > (unpacked - 4) / 4)
    return tn_errorf(TN_DATA_LOSS, "a block is too short for its restart points");
  *out = tn_wire_bytes(bytes, unpacked - 4 - 4 * (size_t)restarts);
  return NULL;
}

/* The next entry of a block. KEY holds the last one, of which a part is shared. */
static tn_error *next_entry(tn_wire_in *in, tn_str *key, const char **value, uint64_t *size) {
  uint64_t shared, own;
  TN_TRY(tn_wire_varint(in, &shared));
  TN_TRY(tn_wire_varint(in, &own));
  TN_TRY(tn_wire_varint(in, size));
  const char *rest;
  TN_TRY(tn_wire_take(in, own, &rest));
  TN_TRY(tn_wire_take(in, *size, value));
  if (shared > key->size) return tn_errorf(TN_DATA_LOSS, "an entry shares more of a key than there is");
  key->size = (size_t)shared;
  tn_str_add_bytes(key, rest, (size_t)own);
  return key->failed ? tn_out_of_memory() : NULL;
}

static tn_error *keep_entry(tn_table *t, const tn_str *key, const char *value, size_t size) {
  if (t->count) {
    const tn_table_entry *last = &t->entries[t->count - 1];
    if (tn_table_compare(last->key, last->key_size, key->data, key->size) >= 0)
      return tn_errorf(TN_DATA_LOSS, "the keys of the table are not in order");
  }
  if (t->count == t->capacity) {
    size_t capacity = t->capacity ? t->capacity * 2 : 64;
    tn_table_entry *entries = tn_realloc(t->entries, capacity * sizeof *entries);
    if (!entries) return tn_out_of_memory();
    t->entries = entries;
    t->capacity = capacity;
  }
  tn_table_entry e = {.key_size = key->size, .size = size};
  e.key = tn_arena_strndup(t->arena, key->data, key->size);
  e.value = tn_arena_strndup(t->arena, value, size);
  if (!e.key || !e.value) return tn_out_of_memory();
  t->entries[t->count++] = e;
  return NULL;
}

static tn_error *read_data_block(tn_table *t, const char *data, size_t size, handle h) {
  tn_wire_in in;
  char *owned = NULL;
  tn_str key = {0};
  tn_error *error = open_block(data, size, h, &in, &owned);
  while (!error && in.at < in.end) {
    const char *value;
    uint64_t value_size;
    error = next_entry(&in, &key, &value, &value_size);
    if (!error) error = keep_entry(t, &key, value, (size_t)value_size);
  }
  tn_str_clear(&key);
  tn_free(owned);
  return error;
}

static tn_error *read_blocks(tn_table *t, const char *data, size_t size) {
  if (size < TN_TABLE_FOOTER_SIZE) return tn_errorf(TN_DATA_LOSS, "%zu bytes are too few for a table", size);
  const char *footer = data + size - TN_TABLE_FOOTER_SIZE;
  if (tn_get_u64(footer + TN_TABLE_FOOTER_SIZE - 8) != TN_TABLE_MAGIC)
    return tn_errorf(TN_DATA_LOSS, "the file is not a table: its magic number is wrong");
  tn_wire_in in = tn_wire_bytes(footer, TN_TABLE_FOOTER_SIZE - 8), index;
  handle meta, index_handle;
  TN_TRY(read_handle(&in, &meta));
  TN_TRY(read_handle(&in, &index_handle));
  char *owned = NULL;
  tn_str key = {0};
  tn_error *error = open_block(data, size, index_handle, &index, &owned);
  while (!error && index.at < index.end) {
    const char *value;
    uint64_t value_size;
    handle h;
    error = next_entry(&index, &key, &value, &value_size);
    if (error) break;
    tn_wire_in bytes = tn_wire_bytes(value, (size_t)value_size);
    error = read_handle(&bytes, &h);
    if (!error) error = read_data_block(t, data, size, h);
  }
  tn_str_clear(&key);
  tn_free(owned);
  return error;
}

tn_error *tn_table_read(const char *data, size_t size, tn_table **out) {
  tn_table *t = tn_calloc(1, sizeof *t);
  if (!t) return tn_out_of_memory();
  tn_error *error = tn_arena_new(&t->arena);
  if (!error) error = read_blocks(t, data, size);
  if (error) {
    tn_table_free(t);
    return error;
  }
  *out = t;
  return NULL;
}

void tn_table_free(tn_table *t) {
  if (!t) return;
  tn_arena_free(t->arena);
  tn_free(t->entries);
  tn_free(t);
}

size_t tn_table_size(const tn_table *table) { return table->count; }
const tn_table_entry *tn_table_at(const tn_table *table, size_t i) { return &table->entries[i]; }

const tn_table_entry *tn_table_find(const tn_table *t, const void *key, size_t size) {
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const tn_table_entry *e = &t->entries[middle];
    int order = tn_table_compare(e->key, e->key_size, key, size);
    if (!order) return e;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}
