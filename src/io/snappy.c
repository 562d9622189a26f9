/* Unpacking Snappy. */
#include "io/snappy.h"

#include <string.h>

#include "base/alloc.h"
#include "base/wire.h"

/* The bytes of a little-endian number of N <= 4 bytes. */
static tn_error *take_number(tn_wire_in *in, int n, size_t *out) {
  const char *p;
  TN_TRY(tn_wire_take(in, (uint64_t)n, &p));
  size_t value = 0;
  for (int i = 0; i < n; i++) value |= (size_t)(unsigned char)p[i] << 8 * i;
  *out = value;
  return NULL;
}

/* One element: a literal or a copy of earlier output. */
static tn_error *element(tn_wire_in *in, char *out, size_t capacity, size_t *used) {
  unsigned char tag = (unsigned char)*in->at++;
  size_t length, distance = 0;
  const char *literal = NULL;
  switch (tag & 3) {
  case 0:
    length = tag >> 2;
    if (length >= 60) TN_TRY(take_number(in, (int)length - 59, &length));
    length++;
    TN_TRY(tn_wire_take(in, length, &literal));
    break;
  case 1:
    TN_TRY(take_number(in, 1, &distance));
    length = 4 + (tag >> 2 & 7);
    distance |= (size_t)(tag >> 5) << 8;
    break;
  default:
    TN_TRY(take_number(in, (tag & 3) == 2 ? 2 : 4, &distance));
    length = (tag >> 2) + 1;
    break;
  }
  if (length > capacity - *used) return tn_errorf(TN_DATA_LOSS, "Snappy data is longer than it says");
  if (literal) {
    memcpy(out + *used, literal, length);
  } else {
    if (!distance || distance > *used)
      return tn_errorf(TN_DATA_LOSS, "Snappy data refers to bytes before its beginning");
    for (size_t i = 0; i < length; i++) out[*used + i] = out[*used + i - distance];
  }
  *used += length;
  return NULL;
}

tn_error *tn_snappy_unpack(const char *data, size_t size, char **out, size_t *out_size) {
  tn_wire_in in = tn_wire_bytes(data, size);
  uint64_t total;
  TN_TRY(tn_wire_varint(&in, &total));
  /* A copy element of three bytes makes at most 64. */
  if (total / 64 > size) return tn_errorf(TN_DATA_LOSS, "Snappy data claims an impossible length");
  char *bytes = tn_malloc((size_t)total + 1);
  if (!bytes) return tn_out_of_memory();
  size_t used = 0;
  tn_error *error = NULL;
  while (!error && in.at < in.end) error = element(&in, bytes, (size_t)total, &used);
  if (!error && used != total) error = tn_errorf(TN_DATA_LOSS, "Snappy data is shorter than it says");
  if (error) {
    tn_free(bytes);
    return error;
  }
  *out = bytes;
  *out_size = used;
  return NULL;
}
