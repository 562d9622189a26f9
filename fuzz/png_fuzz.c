/* Fuzzes the PNG reader: the first byte chooses the channels and the depth. What decodes is encoded again.
 * Covers: src/io/png.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/tenon-fuzz-XXXXXX";

static void remove_file(void) { unlink(path); }

/* Also through a file, as users read images. */
static void read_file(const uint8_t *data, size_t size) {
  static FILE *file;
  if (!file) {
    int fd = mkstemp(path);
    if (fd < 0 || !(file = fdopen(fd, "wb"))) abort();
    atexit(remove_file);
  }
  if (fseek(file, 0, SEEK_SET) || ftruncate(fileno(file), 0) || fwrite(data, 1, size, file) != size || fflush(file))
    abort();
  tn_tensor *image;
  tn_error *error = tn_png_read(path, 0, &image);
  if (!error) tn_tensor_free(image);
  tn_error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(64 << 20);
  if (!size) return 0;
  tn_tensor *image;
  tn_error *error = tn_png_decode(data + 1, size - 1, data[0] % 6, data[0] & 64 ? TN_UINT16 : TN_UINT8, &image);
  if (!error) {
    tn_str text = {0};
    tn_error_free(tn_png_encode(image->data, image->dtype, image->shape.dims, data[0] % 10, &text));
    tn_str_clear(&text);
    tn_tensor_free(image);
  }
  tn_error_free(error);
  read_file(data + 1, size - 1);
  return 0;
}
