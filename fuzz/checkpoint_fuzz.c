/* Fuzzes the checkpoint reader: the input's first two bytes split the rest into an index and a data file.
 * Covers: src/io/table_reader.c src/io/bundle_reader.c src/io/snappy.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/bundle.h"
#include "io/snappy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/tenon-fuzz-XXXXXX";

static void remove_files(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command)) fputs("the fuzzer's files could not be removed\n", stderr);
}

static void write_file(const char *name, const uint8_t *data, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int ready;
  if (!ready && !mkdtemp(folder)) abort();
  if (!ready++) {
    atexit(remove_files);
    tn_set_memory_limit(64 << 20);
  }
  if (size < 2) return 0;
  size_t split = (size_t)(data[0] | data[1] << 8);
  data += 2;
  size -= 2;
  if (split > size) split = size;
  char *bytes;
  size_t unpacked;
  tn_error *error = tn_snappy_unpack((const char *)data, split, &bytes, &unpacked);
  if (!error) tn_free(bytes);
  tn_error_free(error);
  write_file("x.index", data, split);
  write_file("x.data-00000-of-00001", data + split, size - split);
  char prefix[64];
  snprintf(prefix, sizeof prefix, "%s/x", folder);
  tn_bundle *bundle;
  error = tn_bundle_open(prefix, &bundle);
  for (size_t i = 0; !error && i < tn_bundle_size(bundle); i++) {
    tn_tensor value = {0};
    tn_error_free(tn_bundle_read(bundle, tn_bundle_at(bundle, i)->key, &value));
    tn_tensor_clear(&value);
  }
  if (!error) tn_bundle_close(bundle);
  tn_error_free(error);
  return 0;
}
