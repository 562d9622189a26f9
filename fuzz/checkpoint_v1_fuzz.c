/* Fuzzes the reader of checkpoints of the first format: opens the input as one, and reads all of its tensors and a
 * slice. Covers: src/io/bundle_v1.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/tenon-fuzz-XXXXXX", path[sizeof folder + sizeof "/model"];

static void remove_files(void) {
  unlink(path);
  rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int ready;
  if (!ready && !mkdtemp(folder)) abort();
  if (!ready++) {
    snprintf(path, sizeof path, "%s/model", folder);
    atexit(remove_files);
    tn_set_memory_limit(64 << 20);
  }
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
  /* An odd size opens it as a pattern of files does. */
  char pattern[sizeof path + 1];
  snprintf(pattern, sizeof pattern, "%s/mode%s", folder, size % 2 ? "?" : "l");
  tn_bundle *bundle = NULL;
  tn_error *error = tn_bundle_open(pattern, &bundle);
  for (size_t i = 0; !error && i < tn_bundle_size(bundle); i++) {
    const tn_bundle_entry *entry = tn_bundle_at(bundle, i);
    tn_tensor value = {0};
    tn_slice first = {.rank = entry->shape.rank};
    for (int k = 0; k < first.rank; k++) first.length[k] = entry->shape.dims[k] > 0;
    tn_error_free(tn_bundle_read(bundle, entry->key, &value));
    tn_tensor_clear(&value);
    tn_error_free(tn_bundle_read_slice(bundle, entry->key, &first, &value));
    tn_tensor_clear(&value);
  }
  if (!error) tn_bundle_close(bundle);
  tn_error_free(error);
  return 0;
}
