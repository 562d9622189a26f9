/* Blobs. */
#include "tensor/blob.h"

#include <string.h>

#include "base/alloc.h"

static void destroy(tn_object *object) {
  tn_blob *b = (tn_blob *)object;
  tn_free(b->name);
  tn_free(b->bytes);
  tn_free(b);
}

tn_error *tn_blob_new(const char *name, size_t name_size, const char *bytes, size_t size, tn_object **out) {
  tn_blob *b = tn_calloc(1, sizeof *b);
  if (!b) return tn_out_of_memory();
  atomic_init(&b->object.refs, 1);
  b->object.type = TN_BLOB_TYPE;
  b->object.destroy = destroy;
  b->name = tn_strndup(name, name_size);
  b->bytes = tn_malloc(size + 1);
  if (!b->name || !b->bytes) {
    destroy(&b->object);
    return tn_out_of_memory();
  }
  if (size) memcpy(b->bytes, bytes, size);
  b->name_size = name_size;
  b->size = size;
  *out = &b->object;
  return NULL;
}

const tn_blob *tn_blob_of(const tn_object *object) {
  return object && strcmp(object->type, TN_BLOB_TYPE) == 0 ? (const tn_blob *)object : NULL;
}
