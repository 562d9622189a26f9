/* Fuzzes the IDX reader and the gzip reader under it.
 * Covers: src/io/idx.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/tenon-fuzz-XXXXXX";

static void remove_file(void) { unlink(path); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FILE *file;
  if (!file) {
    int fd = mkstemp(path);
    if (fd < 0 || !(file = fdopen(fd, "wb"))) abort();
    atexit(remove_file);
    tn_set_memory_limit(64 << 20);
  }
  if (fseek(file, 0, SEEK_SET) || ftruncate(fileno(file), 0) || fwrite(data, 1, size, file) != size || fflush(file))
    abort();
  tn_tensor *tensor;
  tn_error *error = tn_idx_read(path, &tensor);
  if (!error) tn_tensor_free(tensor);
  tn_error_free(error);
  error = tn_idx_parse(data, size, &tensor);
  if (!error) tn_tensor_free(tensor);
  tn_error_free(error);
  return 0;
}
