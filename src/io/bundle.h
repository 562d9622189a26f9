/* TensorBundles: TensorFlow's checkpoints (V2), PREFIX.index and PREFIX.data-NNNNN-of-NNNNN; and those of its first
 * years (V1), tables of messages, one a file. */
#ifndef TN_IO_BUNDLE_H
#define TN_IO_BUNDLE_H

#include "tensor/tensor.h"

/* A box in a larger tensor: LENGTH -1 is a whole dimension. */
typedef struct tn_slice {
  int rank;
  int64_t start[TN_MAX_RANK], length[TN_MAX_RANK];
} tn_slice;

/* --- writing: the data goes to disk as it is added; the bundle exists once it is finished --- */
typedef struct tn_bundle_writer tn_bundle_writer;
tn_error *tn_bundle_create(const char *prefix, tn_bundle_writer **out) TN_MUST_USE;
/* ALREADY_EXISTS for a second tensor called KEY; UNIMPLEMENTED for resources and variants, but for blobs. */
tn_error *tn_bundle_add(tn_bundle_writer *writer, const char *key, const tn_tensor *value) TN_MUST_USE;
/* Adds the part SLICE of a tensor KEY whose whole shape is FULL. */
tn_error *tn_bundle_add_slice(tn_bundle_writer *writer, const char *key, const tn_shape *full, const tn_slice *slice,
                              const tn_tensor *value) TN_MUST_USE;
/* Ends and frees WRITER in any case. On an error no bundle appears, and one that was there stays. */
tn_error *tn_bundle_finish(tn_bundle_writer *writer) TN_MUST_USE;
void tn_bundle_abandon(tn_bundle_writer *writer);
/* Joins N bundles into one called PREFIX, moving their data files, as MergeV2Checkpoints does. */
tn_error *tn_bundle_merge(size_t n, const char *const *prefixes, const char *prefix) TN_MUST_USE;

/* --- writing V1: all in memory until it is finished --- */
typedef struct tn_v1_writer tn_v1_writer;
tn_error *tn_v1_create(tn_v1_writer **out) TN_MUST_USE;
/* Adds the part SLICE of a tensor KEY whose whole shape is FULL. ALREADY_EXISTS, INVALID_ARGUMENT, UNIMPLEMENTED. */
tn_error *tn_v1_add(tn_v1_writer *writer, const char *key, const tn_shape *full, const tn_slice *slice,
                    const tn_tensor *value) TN_MUST_USE;
/* Writes the file PATH, whole or not at all. */
tn_error *tn_v1_finish(tn_v1_writer *writer, const char *path) TN_MUST_USE;
void tn_v1_free(tn_v1_writer *writer);

/* --- reading: from any thread --- */
typedef struct tn_bundle tn_bundle;
/* PREFIX of a V2 checkpoint; the file of a V1 one, or a pattern of its files ("model-?????-of-00002"). NOT_FOUND names
 * the missing file; DATA_LOSS says what is broken. */
tn_error *tn_bundle_open(const char *prefix, tn_bundle **out) TN_MUST_USE;
void tn_bundle_close(tn_bundle *bundle);

/* What the bundle says of one tensor. */
typedef struct tn_bundle_entry {
  const char *key; /* lives as long as the bundle */
  tn_dtype dtype;
  tn_shape shape;
  int32_t shard;
  int64_t offset, size;
  uint32_t crc; /* masked */
  size_t n_slices;
  const tn_slice *slices;
} tn_bundle_entry;

size_t tn_bundle_size(const tn_bundle *bundle);
/* Tensor I in the order of the keys. */
const tn_bundle_entry *tn_bundle_at(const tn_bundle *bundle, size_t i);
/* NULL if there is none. */
const tn_bundle_entry *tn_bundle_find(const tn_bundle *bundle, const char *key);
/* Reads the tensor, checking its checksum, joining its slices if it was saved in some. NOT_FOUND names KEY and the
 * bundle. */
tn_error *tn_bundle_read(tn_bundle *bundle, const char *key, tn_tensor *out) TN_MUST_USE;
/* Reads the part SLICE of the tensor. */
tn_error *tn_bundle_read_slice(tn_bundle *bundle, const char *key, const tn_slice *slice, tn_tensor *out) TN_MUST_USE;

/* "3 4 0,2:-" as in shape_and_slice attributes: the whole shape and the part. Sets *SLICED false for "".
 * INVALID_ARGUMENT. */
tn_error *tn_parse_shape_and_slice(const char *text, bool *sliced, tn_shape *full, tn_slice *slice) TN_MUST_USE;
/* The extent of SLICE in FULL as a shape, whole dimensions resolved; INVALID_ARGUMENT if it does not fit. */
tn_error *tn_slice_shape(const tn_slice *slice, const tn_shape *full, tn_shape *out) TN_MUST_USE;

#endif
