/* Facts of the table format that writer and reader share. */
#ifndef TN_IO_TABLE_FORMAT_H
#define TN_IO_TABLE_FORMAT_H

#include <string.h>

#define TN_TABLE_MAGIC UINT64_C(0xdb4775248b80fb57)
enum {
  TN_TABLE_FOOTER_SIZE = 48,
  TN_TABLE_TRAILER_SIZE = 5, /* compression type, masked CRC-32C */
  TN_TABLE_BLOCK_SIZE = 256 << 10,
  TN_TABLE_RESTART_INTERVAL = 16
};

/* Byte order of keys, a prefix first. */
static inline int tn_table_compare(const void *a, size_t a_size, const void *b, size_t b_size) {
  size_t n = a_size < b_size ? a_size : b_size;
  int order = n ? memcmp(a, b, n) : 0;
  return order ? order : (a_size > b_size) - (a_size < b_size);
}

#endif
