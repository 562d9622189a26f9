/* MD5 (RFC 1321), which HDFS and S3 use as a checksum of files; it protects from nobody. */
#ifndef TN_BASE_MD5_H
#define TN_BASE_MD5_H

#include <stddef.h>
#include <stdint.h>

typedef struct tn_md5 {
  uint32_t state[4];
  uint64_t size; /* bytes so far */
  unsigned char rest[64];
} tn_md5;

void tn_md5_begin(tn_md5 *sum);
void tn_md5_add(tn_md5 *sum, const void *data, size_t size);
void tn_md5_end(tn_md5 *sum, unsigned char out[16]);
/* The 32 hexadecimal digits of 16 bytes, and a NUL. */
void tn_md5_text(const unsigned char sum[16], char out[33]);

#endif
