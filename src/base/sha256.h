/* SHA-256 (FIPS 180-4), for checking what was downloaded. */
#ifndef TN_BASE_SHA256_H
#define TN_BASE_SHA256_H

#include <stddef.h>

/* The 64 hexadecimal digits of the checksum of SIZE bytes, and a NUL. */
void tn_sha256(const void *data, size_t size, char out[65]);

#endif
