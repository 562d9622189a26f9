/* Sorted string tables, in LevelDB's format as TensorFlow uses it for checkpoint indexes.
 * https://github.com/google/leveldb/blob/main/doc/table_format.md */
#ifndef TN_IO_TABLE_H
#define TN_IO_TABLE_H

#include "base/str.h"

/* --- writing: keys must come in ascending byte order --- */
typedef struct tn_table_writer tn_table_writer;
tn_error *tn_table_writer_new(tn_table_writer **out) TN_MUST_USE;
void tn_table_writer_free(tn_table_writer *writer);
/* INVALID_ARGUMENT if KEY is not greater than the last one. */
tn_error *tn_table_add(tn_table_writer *writer, const void *key, size_t key_size, const void *value,
                       size_t size) TN_MUST_USE;
/* The bytes of the whole file; free with tn_free. */
tn_error *tn_table_finish(tn_table_writer *writer, char **out, size_t *size) TN_MUST_USE;

/* --- reading: everything is checked and unpacked at once --- */
typedef struct tn_table_entry {
  const char *key, *value;
  size_t key_size, size;
} tn_table_entry;

typedef struct tn_table tn_table;
/* Reads the bytes of a table; they may be freed afterwards. DATA_LOSS says what is wrong: magic number, checksum,
 * order... */
tn_error *tn_table_read(const char *data, size_t size, tn_table **out) TN_MUST_USE;
void tn_table_free(tn_table *table);
size_t tn_table_size(const tn_table *table);
/* Entry I in key order. */
const tn_table_entry *tn_table_at(const tn_table *table, size_t i);
/* NULL if KEY is not in the table. */
const tn_table_entry *tn_table_find(const tn_table *table, const void *key, size_t size);

#endif
