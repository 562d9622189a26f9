/* Fuzzes the reader of HDF5 files. What is read is put into a writer again.
 * Covers: src/io/hdf5_read.c src/io/hdf5_type.c */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "io/hdf5_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum; /* so that the compiler can't leave out the looking */

/* Looks at all bytes that are told of. */
static void touch(const tn_h5_value *value) {
  const uint8_t *p = value->data;
  for (size_t i = 0; i < value->size; i++) sum += p[i];
  uint64_t count = value->texts ? 1 : 0;
  for (int i = 0; i < value->rank; i++) count *= value->dims[i];
  for (uint64_t i = 0; i < count; i++)
    for (size_t k = 0; k < value->texts[i].size; k++) sum += (unsigned char)value->texts[i].data[k];
}

static tn_error *on_group(void *context, const char *path) { return tn_h5_group(context, path); }

static tn_error *on_dataset(void *context, const char *path, const tn_h5_value *value) {
  touch(value);
  tn_h5_type type;
  if (!tn_h5_type_named(value->type, &type)) abort();
  tn_error_free(tn_h5_dataset(context, path, value)); /* names may be there twice */
  return NULL;
}

static tn_error *on_attribute(void *context, const char *path, const char *name, const tn_h5_value *value) {
  touch(value);
  tn_error_free(tn_h5_attribute(context, path, name, value));
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(64 << 20);
  tn_h5_writer *writer;
  if (tn_h5_writer_new(&writer)) abort();
  const tn_h5_visitor visitor = {writer, on_group, on_dataset, on_attribute};
  tn_error_free(tn_h5_read(data, size, &visitor));
  tn_h5_writer_free(writer);
  return 0;
}
