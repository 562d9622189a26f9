/* What writer and reader of bundles share: entry messages, file names, keys of slices. */
#ifndef TN_IO_BUNDLE_FORMAT_H
#define TN_IO_BUNDLE_FORMAT_H

#include "base/alloc.h"
#include "base/str.h"
#include "io/bundle.h"
#include "io/table.h"

/* "PREFIX.data-00001-of-00002"; free with tn_free. */
tn_error *tn_bundle_data_name(const char *prefix, int32_t shard, int32_t shards, char **out) TN_MUST_USE;
/* The serialised BundleHeaderProto: shards, little endian, version 1. */
void tn_bundle_put_header(tn_str *out, int32_t shards);
/* The serialised BundleEntryProto. */
void tn_bundle_put_entry(tn_str *out, const tn_bundle_entry *entry);
/* Parses one; slices are allocated in ARENA. */
tn_error *tn_bundle_parse_entry(const char *data, size_t size, tn_arena *arena, tn_bundle_entry *out) TN_MUST_USE;
/* The key under which a slice of tensor KEY is stored: an order-preserving code. */
void tn_bundle_put_slice_key(tn_str *out, const char *key, const tn_slice *slice);

/* An open bundle. Of a checkpoint in the first format (N_V1 tables, one a shard, that hold the values too) every tensor
 * counts as stored in slices. */
struct tn_bundle {
  char *prefix;
  tn_table *table;
  tn_arena *arena;
  int32_t shards;
  struct tn_file **files;   /* by shard */
  tn_bundle_entry *entries; /* whole tensors, in the order of their keys */
  size_t count;
  size_t n_v1;
  tn_table **v1;
};

/* Opens the checkpoint of the first format that B's prefix (a file, or a pattern of files) names; *FOUND is false, and
 * nothing is done, where there is none, or one of the second format. */
tn_error *tn_v1_open(tn_bundle *b, bool *found) TN_MUST_USE;
/* Reads slice I of E. */
tn_error *tn_v1_read_slice(const tn_bundle *b, const tn_bundle_entry *e, size_t i, tn_tensor *out) TN_MUST_USE;
/* The TensorSliceProto. */
void tn_bundle_put_slice(tn_str *out, const tn_slice *slice);

/* The index of an open bundle, and the number of its data files. */
const tn_table *tn_bundle_table(const tn_bundle *bundle);
int32_t tn_bundle_shards(const tn_bundle *bundle);

#endif
