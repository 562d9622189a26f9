/* CRC-32C (Castagnoli), and the masked form of TFRecord and LevelDB tables. */
#ifndef TN_BASE_CRC32C_H
#define TN_BASE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t tn_crc32c(uint32_t crc, const void *data, size_t size); /* CRC 0 starts */
static inline uint32_t tn_crc32c_mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }
static inline uint32_t tn_crc32c_unmask(uint32_t masked) {
  uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

/* Whether a stored checksum agrees with the bytes' own. Fuzzers, which can't guess checksums, see past it. */
static inline bool tn_crc32c_matches(uint32_t stored, uint32_t own) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  (void)stored;
  (void)own;
  return true;
#else
  return stored == own;
#endif
}

#endif
