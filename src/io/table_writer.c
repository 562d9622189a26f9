/* Writing sorted string tables: blocks of prefix-compressed entries, an index of them, a footer. */
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/wire.h"
#include "io/table.h"
#include "io/table_format.h"

typedef struct block {
  tn_str bytes, last_key, restarts;
  int entries, interval;
} block;

struct tn_table_writer {
  tn_str file;
  block data, index;
  bool any;
};

tn_error *tn_table_writer_new(tn_table_writer **out) {
  tn_table_writer *w = tn_calloc(1, sizeof *w);
  if (!w) return tn_out_of_memory();
  w->data.interval = TN_TABLE_RESTART_INTERVAL;
  w->index.interval = 1;
  *out = w;
  return NULL;
}

static void clear_block(block *b) {
  tn_str_clear(&b->bytes);
  tn_str_clear(&b->last_key);
  tn_str_clear(&b->restarts);
  b->entries = 0;
}

void tn_table_writer_free(tn_table_writer *w) {
  if (!w) return;
  tn_str_clear(&w->file);
  clear_block(&w->data);
  clear_block(&w->index);
  tn_free(w);
}

static void add_entry(block *b, const void *key, size_t key_size, const void *value, size_t size) {
  size_t shared = 0;
  if (b->entries % b->interval) {
    size_t limit = b->last_key.size < key_size ? b->last_key.size : key_size;
    while (shared < limit && b->last_key.data[shared] == ((const char *)key)[shared]) shared++;
  } else {
    tn_put_u32(&b->restarts, (uint32_t)b->bytes.size);
  }
  tn_wire_put_varint(&b->bytes, shared);
  tn_wire_put_varint(&b->bytes, key_size - shared);
  tn_wire_put_varint(&b->bytes, size);
  tn_str_add_bytes(&b->bytes, (const char *)key + shared, key_size - shared);
  tn_str_add_bytes(&b->bytes, value, size);
  b->last_key.size = 0;
  tn_str_add_bytes(&b->last_key, key, key_size);
  b->entries++;
}

/* Appends the block with its trailer; *HANDLE gets where it is, encoded. */
static void write_block(tn_str *file, block *b, tn_str *handle) {
  if (!b->entries) tn_put_u32(&b->restarts, 0);
  uint32_t n = (uint32_t)(b->restarts.size / 4);
  tn_str_add_bytes(&b->bytes, b->restarts.data, b->restarts.size);
  tn_put_u32(&b->bytes, n);
  tn_wire_put_varint(handle, file->size);
  tn_wire_put_varint(handle, b->bytes.size);
  if (!b->bytes.failed) {
    uint32_t crc = tn_crc32c(tn_crc32c(0, b->bytes.data, b->bytes.size), "", 1); /* the byte: not compressed */
    tn_str_add_bytes(file, b->bytes.data, b->bytes.size);
    tn_str_add_bytes(file, "", 1);
    tn_put_u32(file, tn_crc32c_mask(crc));
  } else {
    file->failed = true;
  }
  clear_block(b);
}

static void end_data_block(tn_table_writer *w) {
  if (!w->data.entries) return;
  tn_str key = w->data.last_key, handle = {0};
  w->data.last_key = (tn_str){0};
  write_block(&w->file, &w->data, &handle);
  add_entry(&w->index, key.data, key.size, handle.data, handle.size);
  w->file.failed |= key.failed || handle.failed;
  tn_str_clear(&handle);
  /* The key stays known, so that the order of the next one can be checked. */
  tn_str_clear(&w->data.last_key);
  w->data.last_key = key;
}

tn_error *tn_table_add(tn_table_writer *w, const void *key, size_t key_size, const void *value, size_t size) {
  if (w->any && tn_table_compare(w->data.last_key.data, w->data.last_key.size, key, key_size) >= 0)
    return tn_errorf(TN_INVALID_ARGUMENT, "the keys of a table must ascend: '%.*s' does not come after '%.*s'",
                     (int)key_size, (const char *)key, (int)w->data.last_key.size, w->data.last_key.data);
  w->any = true;
  add_entry(&w->data, key, key_size, value, size);
  if (w->data.bytes.size >= TN_TABLE_BLOCK_SIZE) end_data_block(w);
  return w->file.failed || w->data.bytes.failed || w->data.last_key.failed ? tn_out_of_memory() : NULL;
}

tn_error *tn_table_finish(tn_table_writer *w, char **out, size_t *size) {
  end_data_block(w);
  block meta = {.interval = 1};
  tn_str footer = {0};
  write_block(&w->file, &meta, &footer);
  write_block(&w->file, &w->index, &footer);
  while (footer.size < TN_TABLE_FOOTER_SIZE - 8 && !footer.failed) tn_str_add_bytes(&footer, "", 1);
  tn_put_u64(&footer, TN_TABLE_MAGIC);
  if (footer.failed) w->file.failed = true;
  if (!w->file.failed) tn_str_add_bytes(&w->file, footer.data, footer.size);
  tn_str_clear(&footer);
  return tn_str_take(&w->file, out, size);
}
