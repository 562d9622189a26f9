/* Fuzzes the BMP reader; the first byte chooses the option.
 * Covers: src/io/bmp.c */
#include <stdint.h>

#include "base/alloc.h"
#include "io/bmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(4 << 20);
  if (!size) return 0;
  tn_tensor *image;
  tn_error *error = tn_bmp_decode(data + 1, size - 1, data[0] % 5, &image);
  if (!error) tn_tensor_free(image);
  tn_error_free(error);
  return 0;
}
