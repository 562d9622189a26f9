/* Messages and keys of bundles. */
#include "io/bundle_format.h"

#include <string.h>

#include "base/wire.h"

tn_error *tn_bundle_data_name(const char *prefix, int32_t shard, int32_t shards, char **out) {
  tn_str name = {0};
  tn_str_addf(&name, "%s.data-%05d-of-%05d", prefix, shard, shards);
  return tn_str_take(&name, out, NULL);
}

/* Adds the message in PART as field NUMBER of OUT, and empties PART. */
static void put_message(tn_str *out, uint32_t number, tn_str *part) {
  tn_wire_put_bytes(out, number, part->data, part->size);
  out->failed |= part->failed;
  tn_str_clear(part);
}

void tn_bundle_put_header(tn_str *out, int32_t shards) {
  tn_str version = {0};
  tn_wire_put_int(out, 1, shards);
  tn_wire_put_int(&version, 1, 1);
  put_message(out, 3, &version);
}

static void put_shape(tn_str *out, const tn_shape *shape) {
  for (int i = 0; i < shape->rank; i++) {
    tn_str dim = {0};
    if (shape->dims[i]) tn_wire_put_int(&dim, 1, shape->dims[i]);
    put_message(out, 2, &dim);
  }
}

void tn_bundle_put_slice(tn_str *out, const tn_slice *slice) {
  for (int i = 0; i < slice->rank; i++) {
    tn_str extent = {0};
    if (slice->length[i] >= 0) {
      if (slice->start[i]) tn_wire_put_int(&extent, 1, slice->start[i]);
      tn_wire_put_int(&extent, 2, slice->length[i]);
    }
    put_message(out, 1, &extent);
  }
}

void tn_bundle_put_entry(tn_str *out, const tn_bundle_entry *e) {
  tn_str part = {0};
  tn_wire_put_int(out, 1, e->dtype);
  put_shape(&part, &e->shape);
  put_message(out, 2, &part);
  if (e->shard) tn_wire_put_int(out, 3, e->shard);
  if (e->offset) tn_wire_put_int(out, 4, e->offset);
  if (e->size) tn_wire_put_int(out, 5, e->size);
  if (e->crc) tn_wire_put_fixed32(out, 6, e->crc);
  for (size_t i = 0; i < e->n_slices; i++) {
    tn_bundle_put_slice(&part, &e->slices[i]);
    put_message(out, 7, &part);
  }
}

/* --- parsing --- */

static tn_error *parse_shape(const tn_wire_field *from, tn_shape *out) {
  tn_wire_in in = tn_wire_bytes(from->data, from->size);
  tn_wire_field f, d;
  bool more;
  tn_shape shape = {.rank = 0};
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) break;
    if (f.number == 3 && f.value) return tn_errorf(TN_DATA_LOSS, "a saved tensor has an unknown rank");
    if (f.number != 2 || f.type != TN_WIRE_BYTES) continue;
    int64_t size = 0;
    tn_wire_in dim = tn_wire_bytes(f.data, f.size);
    for (;;) {
      TN_TRY(tn_wire_next(&dim, &d, &more));
      if (!more) break;
      if (d.number == 1) size = (int64_t)d.value;
    }
    if (size < 0) return tn_errorf(TN_DATA_LOSS, "a saved tensor has a dimension of size %lld", (long long)size);
    if (shape.rank == TN_MAX_RANK) return tn_errorf(TN_UNIMPLEMENTED, "a saved tensor has a rank over %d", TN_MAX_RANK);
    shape.dims[shape.rank++] = size;
  }
  *out = shape;
  return NULL;
}

static tn_error *parse_slice(const tn_wire_field *from, tn_slice *out) {
  tn_wire_in in = tn_wire_bytes(from->data, from->size);
  tn_wire_field f, d;
  bool more;
  tn_slice slice = {.rank = 0};
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) break;
    if (f.number != 1 || f.type != TN_WIRE_BYTES) continue;
    if (slice.rank == TN_MAX_RANK) return tn_errorf(TN_UNIMPLEMENTED, "a saved slice has a rank over %d", TN_MAX_RANK);
    int i = slice.rank++;
    slice.length[i] = -1;
    tn_wire_in extent = tn_wire_bytes(f.data, f.size);
    for (;;) {
      TN_TRY(tn_wire_next(&extent, &d, &more));
      if (!more) break;
      if (d.number == 1) slice.start[i] = (int64_t)d.value;
      if (d.number == 2) slice.length[i] = (int64_t)d.value;
    }
  }
  *out = slice;
  return NULL;
}

/* Reads all slice fields into ARENA. */
static tn_error *parse_slices(const char *data, size_t size, tn_arena *arena, tn_bundle_entry *out) {
  tn_slice *slices = tn_arena_alloc(arena, out->n_slices * sizeof *slices);
  if (!slices) return tn_out_of_memory();
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field f;
  bool more = true;
  size_t n = 0;
  while (n < out->n_slices) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (f.number == 7 && f.type == TN_WIRE_BYTES) TN_TRY(parse_slice(&f, &slices[n++]));
  }
  out->slices = slices;
  return NULL;
}

tn_error *tn_bundle_parse_entry(const char *data, size_t size, tn_arena *arena, tn_bundle_entry *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field f;
  bool more;
  tn_bundle_entry e = {0};
  for (;;) {
    TN_TRY(tn_wire_next(&in, &f, &more));
    if (!more) break;
    switch (f.number) {
    case 1: e.dtype = (tn_dtype)(f.value < TN_N_DTYPES ? f.value : 0); break;
    case 2:
      if (f.type == TN_WIRE_BYTES) TN_TRY(parse_shape(&f, &e.shape));
      break;
    case 3: e.shard = (int32_t)f.value; break;
    case 4: e.offset = (int64_t)f.value; break;
    case 5: e.size = (int64_t)f.value; break;
    case 6: e.crc = (uint32_t)f.value; break;
    case 7: e.n_slices += f.type == TN_WIRE_BYTES; break;
    default: break;
    }
  }
  if (e.dtype == TN_INVALID) return tn_errorf(TN_DATA_LOSS, "a saved tensor has no dtype");
  if (e.offset < 0 || e.size < 0) return tn_errorf(TN_DATA_LOSS, "a saved tensor lies at a negative place");
  if (e.n_slices) TN_TRY(parse_slices(data, size, arena, &e));
  *out = e;
  return NULL;
}

/* --- keys of slices: numbers and strings so coded that the bytes sort as the values do --- */

static void put_ordered_number(tn_str *out, uint64_t value) {
  char bytes[9];
  int n = 0;
  for (uint64_t v = value; v; v >>= 8) n++;
  bytes[0] = (char)n;
  for (int i = 0; i < n; i++) bytes[1 + i] = (char)(value >> 8 * (n - 1 - i));
  tn_str_add_bytes(out, bytes, (size_t)n + 1);
}

static void put_ordered_string(tn_str *out, const char *text) {
  for (; *text; text++) tn_str_add_bytes(out, *text == (char)0xff ? "\xff\0" : text, *text == (char)0xff ? 2 : 1);
  tn_str_add_bytes(out, "\0\1", 2);
}

/* N bytes hold values of 7 N - 1 bits; the number of leading one bits (of zero bits, where negative) tells N. */
static void put_ordered_signed(tn_str *out, int64_t value) {
  uint64_t magnitude = value < 0 ? ~(uint64_t)value : (uint64_t)value;
  int bits = 0;
  for (uint64_t m = magnitude; m; m >>= 1) bits++;
  int n = bits / 7 + 1;
  unsigned char bytes[10];
  memset(bytes, value < 0 ? 0xff : 0, sizeof bytes);
  for (int i = 0; i < 8; i++) bytes[9 - i] = (unsigned char)((uint64_t)value >> 8 * i);
  unsigned char *first = bytes + 10 - n;
  static const unsigned char headers[11][2] = {{0, 0},    {0x80, 0}, {0xc0, 0}, {0xe0, 0},    {0xf0, 0},   {0xf8, 0},
                                               {0xfc, 0}, {0xfe, 0}, {0xff, 0}, {0xff, 0x80}, {0xff, 0xc0}};
  first[0] ^= headers[n][0];
  if (n > 1) first[1] ^= headers[n][1];
  tn_str_add_bytes(out, first, (size_t)n);
}

void tn_bundle_put_slice_key(tn_str *out, const char *key, const tn_slice *slice) {
  put_ordered_number(out, 0);
  put_ordered_string(out, key);
  put_ordered_number(out, (uint64_t)slice->rank);
  for (int i = 0; i < slice->rank; i++) {
    put_ordered_signed(out, slice->length[i] < 0 ? 0 : slice->start[i]);
    put_ordered_signed(out, slice->length[i]);
  }
}
