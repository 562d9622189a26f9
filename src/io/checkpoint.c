/* The public face of bundles. */
#include <tenon/checkpoint.h>

#include "io/bundle.h"

/* A tn_checkpoint is a tn_bundle under another name. */
static tn_bundle *bundle_of(const tn_checkpoint *checkpoint) { return (tn_bundle *)checkpoint; }

tn_error *tn_checkpoint_open(const char *prefix, tn_checkpoint **out) {
  tn_bundle *bundle;
  TN_TRY(tn_bundle_open(prefix, &bundle));
  *out = (tn_checkpoint *)bundle;
  return NULL;
}

void tn_checkpoint_close(tn_checkpoint *checkpoint) { tn_bundle_close(bundle_of(checkpoint)); }
size_t tn_checkpoint_size(const tn_checkpoint *checkpoint) { return tn_bundle_size(bundle_of(checkpoint)); }

const char *tn_checkpoint_name(const tn_checkpoint *checkpoint, size_t i) {
  return tn_bundle_at(bundle_of(checkpoint), i)->key;
}

tn_dtype tn_checkpoint_dtype(const tn_checkpoint *checkpoint, size_t i) {
  return tn_bundle_at(bundle_of(checkpoint), i)->dtype;
}

tn_shape tn_checkpoint_shape(const tn_checkpoint *checkpoint, size_t i) {
  return tn_bundle_at(bundle_of(checkpoint), i)->shape;
}

size_t tn_checkpoint_slices(const tn_checkpoint *checkpoint, size_t i) {
  return tn_bundle_at(bundle_of(checkpoint), i)->n_slices;
}

tn_error *tn_checkpoint_read(tn_checkpoint *checkpoint, const char *name, tn_tensor **out) {
  tn_tensor value = {0};
  TN_TRY(tn_bundle_read(bundle_of(checkpoint), name, &value));
  tn_error *error = tn_tensor_box(&value, out);
  tn_tensor_clear(&value);
  return error;
}
