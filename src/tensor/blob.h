/* Blobs: named bytes as elements of variant tensors. They are what of variants a checkpoint can hold. */
#ifndef TN_TENSOR_BLOB_H
#define TN_TENSOR_BLOB_H

#include "tensor/tensor.h"

#define TN_BLOB_TYPE "Blob"

typedef struct tn_blob {
  tn_object object;
  char *name, *bytes;
  size_t name_size, size;
} tn_blob;

/* Copies both. */
tn_error *tn_blob_new(const char *name, size_t name_size, const char *bytes, size_t size, tn_object **out) TN_MUST_USE;
/* The blob behind an element of a variant tensor; NULL if it is something else. */
const tn_blob *tn_blob_of(const tn_object *object);

#endif
