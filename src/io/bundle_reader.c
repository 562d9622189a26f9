/* Reading bundles. */
#include <string.h>

#include "base/crc32c.h"
#include "base/wire.h"
#include "io/bundle_format.h"
#include "io/file.h"
#include "io/table_format.h"
#include "tensor/blob.h"

void tn_bundle_close(tn_bundle *b) {
  if (!b) return;
  for (int32_t i = 0; b->files && i < b->shards; i++) tn_file_close(b->files[i]);
  tn_free(b->files);
  tn_free(b->entries);
  tn_table_free(b->table);
  for (size_t i = 0; i < b->n_v1; i++) tn_table_free(b->v1[i]);
  tn_free(b->v1);
  tn_arena_free(b->arena);
  tn_free(b->prefix);
  tn_free(b);
}

/* Reads the BundleHeaderProto. */
static tn_error *read_header(tn_bundle *b) {
  const tn_table_entry *header = tn_table_find(b->table, "", 0);
  if (!header) return tn_errorf(TN_DATA_LOSS, "the index has no header");
  tn_wire_in in = tn_wire_bytes(header->value, header->size);
  tn_wire_field f;
  bool more;
  uint64_t shards = 0;
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) break;
    if (f.number == 1) shards = f.value;
    if (f.number == 2 && f.value) return tn_errorf(TN_UNIMPLEMENTED, "its numbers are big-endian");
  }
  if (shards < 1 || shards > 100000)
    return tn_errorf(TN_DATA_LOSS, "the header says that there are %llu data files", (unsigned long long)shards);
  b->shards = (int32_t)shards;
  return NULL;
}

static tn_error *read_entries(tn_bundle *b) {
  size_t n = tn_table_size(b->table);
  b->entries = tn_calloc(n, sizeof *b->entries);
  b->files = tn_calloc((size_t)b->shards, sizeof *b->files);
  if (!b->entries || !b->files) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) {
    const tn_table_entry *e = tn_table_at(b->table, i);
    if (!e->key_size || !e->key[0]) continue; /* the header; slices, whose keys begin with a zero */
    tn_bundle_entry *entry = &b->entries[b->count];
    TN_TRY(tn_error_context(tn_bundle_parse_entry(e->value, e->size, b->arena, entry), "entry '%s'", e->key));
    entry->key = e->key;
    b->count++;
  }
  return NULL;
}

static tn_error *open_index(tn_bundle *b, const char *prefix) {
  tn_str name = {0};
  tn_str_addf(&name, "%s.index", prefix);
  char *bytes = NULL;
  size_t size;
  tn_error *error = name.failed ? tn_out_of_memory() : tn_file_read(name.data, &bytes, &size);
  if (!error) error = tn_error_context(tn_table_read(bytes, size, &b->table), "'%s'", name.data);
  if (!error) error = tn_error_context(read_header(b), "'%s'", name.data);
  if (!error) error = tn_error_context(read_entries(b), "'%s'", name.data);
  tn_free(bytes);
  tn_str_clear(&name);
  TN_TRY(error);
  for (int32_t i = 0; i < b->shards; i++) {
    char *file;
    TN_TRY(tn_bundle_data_name(prefix, i, b->shards, &file));
    error = tn_file_open(file, &b->files[i]);
    tn_free(file);
    TN_TRY(error);
  }
  return NULL;
}

tn_error *tn_bundle_open(const char *prefix, tn_bundle **out) {
  tn_bundle *b = tn_calloc(1, sizeof *b);
  if (!b) return tn_out_of_memory();
  b->prefix = tn_strdup(prefix);
  tn_error *error = b->prefix ? tn_arena_new(&b->arena) : tn_out_of_memory();
  bool old = false;
  if (!error) error = tn_v1_open(b, &old);
  if (!error && !old) error = open_index(b, prefix);
  if (error) {
    tn_bundle_close(b);
    return error;
  }
  *out = b;
  return NULL;
}

const tn_table *tn_bundle_table(const tn_bundle *bundle) { return bundle->table; }
int32_t tn_bundle_shards(const tn_bundle *bundle) { return bundle->shards; }
size_t tn_bundle_size(const tn_bundle *bundle) { return bundle->count; }
const tn_bundle_entry *tn_bundle_at(const tn_bundle *bundle, size_t i) { return &bundle->entries[i]; }

const tn_bundle_entry *tn_bundle_find(const tn_bundle *b, const char *key) {
  size_t low = 0, high = b->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(b->entries[middle].key, key);
    if (!order) return &b->entries[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

/* --- values --- */

/* The strings of an entry whose bytes are DATA: lengths, their checksum, the bytes. */
static tn_error *parse_strings(const tn_bundle_entry *e, const char *data, tn_tensor *out) {
  tn_wire_in lengths = tn_wire_bytes(data, (size_t)e->size);
  int64_t n = tn_shape_elements(&e->shape);
  if (n > e->size)
    return tn_errorf(TN_DATA_LOSS, "%lld strings can't lie in %lld bytes", (long long)n, (long long)e->size);
  uint64_t size;
  uint32_t sum = 0;
  for (int64_t i = 0; i < n; i++) {
    TN_TRY(tn_wire_varint(&lengths, &size));
    uint8_t raw[8];
    for (int k = 0; k < 8; k++) raw[k] = (uint8_t)(size >> 8 * k);
    sum = tn_crc32c(sum, raw, size <= UINT32_MAX ? 4 : 8);
  }
  tn_wire_in bytes = lengths;
  const char *check, *text;
  TN_TRY(tn_wire_take(&bytes, 4, &check));
  if (!tn_crc32c_matches(tn_crc32c_unmask(tn_get_u32(check)), sum))
    return tn_errorf(TN_DATA_LOSS, "the checksum of its lengths is wrong");
  sum = tn_crc32c(sum, check, 4);
  sum = tn_crc32c(sum, bytes.at, (size_t)(bytes.end - bytes.at));
  if (!tn_crc32c_matches(tn_crc32c_unmask(e->crc), sum)) return tn_errorf(TN_DATA_LOSS, "its checksum is wrong");
  tn_tensor value;
  TN_TRY(tn_tensor_init(&value, TN_STRING, &e->shape));
  lengths = tn_wire_bytes(data, (size_t)e->size);
  tn_error *error = NULL;
  for (int64_t i = 0; !error && i < n; i++) {
    error = tn_wire_varint(&lengths, &size);
    if (!error) error = tn_wire_take(&bytes, size, &text);
    if (!error) error = tn_string_set((tn_string *)value.data + i, text, (size_t)size);
  }
  if (error) {
    tn_tensor_clear(&value);
    return error;
  }
  *out = value;
  return NULL;
}

/* The blob of one message. */
static tn_error *parse_blob(const char *data, size_t size, tn_object **out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field f, name = {0}, bytes = {0};
  for (bool more = true;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) break;
    if (f.number == 1 && f.type == TN_WIRE_BYTES) name = f;
    if (f.number == 2 && f.type == TN_WIRE_BYTES) bytes = f;
  }
  return tn_blob_new(name.data ? name.data : "", name.size, bytes.data, bytes.size, out);
}

static tn_error *parse_variants(const tn_bundle_entry *e, const char *data, tn_tensor *out) {
  tn_wire_in in = tn_wire_bytes(data, (size_t)e->size);
  const int64_t n = tn_shape_elements(&e->shape);
  if (n > e->size)
    return tn_errorf(TN_DATA_LOSS, "%lld variants can't lie in %lld bytes", (long long)n, (long long)e->size);
  tn_tensor value;
  TN_TRY(tn_tensor_init(&value, TN_VARIANT, &e->shape));
  tn_error *error = NULL;
  uint32_t sum = 0;
  for (int64_t i = 0; !error && i < n; i++) {
    uint64_t size;
    const char *message, *check;
    error = tn_wire_varint(&in, &size);
    if (!error) error = tn_wire_take(&in, size, &message);
    if (!error) error = tn_wire_take(&in, 4, &check);
    if (error) break;
    uint8_t raw[8];
    for (int k = 0; k < 8; k++) raw[k] = (uint8_t)(size >> 8 * k);
    sum = tn_crc32c(tn_crc32c(sum, raw, 8), message, (size_t)size);
    if (!tn_crc32c_matches(tn_crc32c_unmask(tn_get_u32(check)), sum)) {
      error = tn_errorf(TN_DATA_LOSS, "the checksum of a variant is wrong");
      break;
    }
    sum = tn_crc32c(sum, check, 4);
    error = parse_blob(message, (size_t)size, (tn_object **)value.data + i);
  }
  if (!error && !tn_crc32c_matches(tn_crc32c_unmask(e->crc), sum))
    error = tn_errorf(TN_DATA_LOSS, "its checksum is wrong");
  if (error) {
    tn_tensor_clear(&value);
    return error;
  }
  *out = value;
  return NULL;
}

static tn_error *read_parsed(tn_file *file, const tn_bundle_entry *e, tn_tensor *out) {
  char *bytes = tn_malloc((size_t)e->size);
  if (!bytes) return tn_out_of_memory();
  tn_error *error = tn_file_read_at(file, (uint64_t)e->offset, bytes, (size_t)e->size);
  if (!error) error = e->dtype == TN_STRING ? parse_strings(e, bytes, out) : parse_variants(e, bytes, out);
  tn_free(bytes);
  return error;
}

/* Reads an entry that is stored in one piece. */
static tn_error *read_entry(tn_bundle *b, const tn_bundle_entry *e, tn_tensor *out) {
  if (e->shard < 0 || e->shard >= b->shards)
    return tn_errorf(TN_DATA_LOSS, "it lies in data file %d of %d", e->shard, b->shards);
  tn_file *file = b->files[e->shard];
  if ((uint64_t)e->offset > tn_file_size(file) || (uint64_t)e->size > tn_file_size(file) - (uint64_t)e->offset)
    return tn_errorf(TN_DATA_LOSS, "its data file was cut short: %lld bytes at %lld do not lie in %llu",
                     (long long)e->size, (long long)e->offset, (unsigned long long)tn_file_size(file));
  if (e->dtype == TN_STRING || e->dtype == TN_VARIANT) return read_parsed(file, e, out);
  if (!tn_dtype_is_plain(e->dtype))
    return tn_errorf(TN_UNIMPLEMENTED, "tensors of dtype %s can't be restored", tn_dtype_name(e->dtype));
  int64_t elements = tn_shape_elements(&e->shape);
  size_t element = tn_dtype_size(e->dtype);
  if ((uint64_t)elements > (uint64_t)INT64_MAX / element || (uint64_t)elements * element != (uint64_t)e->size)
    return tn_errorf(TN_DATA_LOSS, "%lld bytes don't make a tensor of shape %s and dtype %s", (long long)e->size,
                     TN_SHAPE_STR(&e->shape), tn_dtype_name(e->dtype));
  tn_tensor value;
  TN_TRY(tn_tensor_init(&value, e->dtype, &e->shape));
  tn_error *error = tn_file_read_at(file, (uint64_t)e->offset, value.data, (size_t)e->size);
  if (!error && !tn_crc32c_matches(tn_crc32c_unmask(e->crc), tn_crc32c(0, value.data, (size_t)e->size)))
    error = tn_errorf(TN_DATA_LOSS, "its checksum is wrong");
  if (error) {
    tn_tensor_clear(&value);
    return error;
  }
  *out = value;
  return NULL;
}

/* Copies the overlap of PART (of the box FROM) into OUT (of the box TO); returns the number of elements, -1 out of
 * memory. Boxes are of one rank, with whole dimensions resolved. */
static int64_t copy_overlap(const tn_slice *from, const tn_tensor *part, const tn_slice *to, tn_tensor *out) {
  int rank = from->rank;
  int64_t low[TN_MAX_RANK], n[TN_MAX_RANK], total = 1;
  for (int i = 0; i < rank; i++) {
    int64_t a = from->start[i] + from->length[i], b = to->start[i] + to->length[i];
    low[i] = from->start[i] > to->start[i] ? from->start[i] : to->start[i];
    n[i] = (a < b ? a : b) - low[i];
    if (n[i] <= 0) return 0;
    total *= n[i];
  }
  size_t element = tn_dtype_size(part->dtype);
  int64_t row = rank ? n[rank - 1] : 1;
  for (int64_t at = 0; at < total; at += row) {
    int64_t left = at / row, source = 0, target = 0, source_step = 1, target_step = 1;
    for (int i = rank - 1; i >= 0; i--) {
      int64_t place = low[i];
      if (i < rank - 1) {
        place += left % n[i];
        left /= n[i];
      }
      source += (place - from->start[i]) * source_step;
      target += (place - to->start[i]) * target_step;
      source_step *= from->length[i];
      target_step *= to->length[i];
    }
    tn_error *error = tn_copy_elements(part->dtype, (char *)out->data + (size_t)target * element,
                                       (const char *)part->data + (size_t)source * element, row);
    if (error) {
      tn_error_free(error);
      return -1;
    }
  }
  return total;
}

/* SLICE with whole dimensions as numbers. */
static tn_slice resolve(const tn_slice *slice, const tn_shape *full) {
  tn_slice out = *slice;
  for (int i = 0; i < full->rank; i++) {
    if (slice->length[i] >= 0) continue;
    out.start[i] = 0;
    out.length[i] = full->dims[i];
  }
  return out;
}

/* Reads stored slice I of E. */
static tn_error *read_stored_slice(tn_bundle *b, const tn_bundle_entry *e, size_t i, tn_tensor *out) {
  if (b->n_v1) return tn_v1_read_slice(b, e, i, out);
  tn_str key = {0};
  tn_bundle_put_slice_key(&key, e->key, &e->slices[i]);
  if (key.failed) return tn_out_of_memory();
  const tn_table_entry *found = tn_table_find(b->table, key.data, key.size);
  tn_str_clear(&key);
  if (!found) return tn_errorf(TN_DATA_LOSS, "its slice %zu is not in the index", i);
  tn_bundle_entry stored;
  tn_shape extent;
  TN_TRY(tn_bundle_parse_entry(found->value, found->size, b->arena, &stored));
  TN_TRY(tn_slice_shape(&e->slices[i], &e->shape, &extent));
  if (stored.n_slices || stored.dtype != e->dtype || !tn_shape_equal(&stored.shape, &extent))
    return tn_errorf(TN_DATA_LOSS, "its slice %zu does not have the shape that the index says", i);
  return read_entry(b, &stored, out);
}

/* Joins what the stored slices (or the whole tensor) have of the box WANTED. */
static tn_error *gather(tn_bundle *b, const tn_bundle_entry *e, const tn_slice *wanted, tn_tensor *out) {
  tn_slice whole = {.rank = e->shape.rank};
  for (int i = 0; i < whole.rank; i++) whole.length[i] = e->shape.dims[i];
  tn_shape shape;
  TN_TRY(tn_slice_shape(wanted, &e->shape, &shape));
  tn_slice to = resolve(wanted, &e->shape);
  tn_tensor result;
  TN_TRY(tn_tensor_init(&result, e->dtype, &shape));
  size_t parts = e->n_slices ? e->n_slices : 1;
  int64_t covered = 0;
  tn_error *error = NULL;
  for (size_t i = 0; !error && i < parts; i++) {
    tn_slice from = e->n_slices ? resolve(&e->slices[i], &e->shape) : whole;
    tn_tensor part = {0};
    error = e->n_slices ? read_stored_slice(b, e, i, &part) : read_entry(b, e, &part);
    if (error) break;
    int64_t n = copy_overlap(&from, &part, &to, &result);
    if (n < 0) error = tn_out_of_memory();
    covered += n;
    tn_tensor_clear(&part);
  }
  if (!error && covered != tn_shape_elements(&shape))
    error = tn_errorf(TN_DATA_LOSS, "its slices have %lld of its %lld elements", (long long)covered,
                      (long long)tn_shape_elements(&shape));
  if (error) {
    tn_tensor_clear(&result);
    return error;
  }
  *out = result;
  return NULL;
}

/* Reads what SLICE (NULL: all) says of the tensor KEY. */
static tn_error *read_key(tn_bundle *b, const char *key, const tn_slice *slice, tn_tensor *out) {
  const tn_bundle_entry *e = tn_bundle_find(b, key);
  if (!e) return tn_errorf(TN_NOT_FOUND, "key %s not found in checkpoint '%s'", key, b->prefix);
  tn_slice all = {.rank = e->shape.rank};
  for (int i = 0; i < all.rank; i++) all.length[i] = -1;
  tn_error *error = slice || e->n_slices ? gather(b, e, slice ? slice : &all, out) : read_entry(b, e, out);
  return tn_error_context(error, "checkpoint '%s', tensor '%s'", b->prefix, key);
}

tn_error *tn_bundle_read(tn_bundle *bundle, const char *key, tn_tensor *out) {
  return read_key(bundle, key, NULL, out);
}

tn_error *tn_bundle_read_slice(tn_bundle *bundle, const char *key, const tn_slice *slice, tn_tensor *out) {
  return read_key(bundle, key, slice, out);
}
