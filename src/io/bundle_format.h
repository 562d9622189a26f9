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

/* The index of an open bundle, and the number of its data files. */
const tn_table *tn_bundle_table(const tn_bundle *bundle);
int32_t tn_bundle_shards(const tn_bundle *bundle);

#endif
