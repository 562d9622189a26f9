/* Protocol buffers' wire format, read and written field by field: for messages that are large (tensors) or small and
 * hot. https://protobuf.dev/programming-guides/encoding/ */
#ifndef TN_BASE_WIRE_H
#define TN_BASE_WIRE_H

#include <stdint.h>

#include "base/str.h"

typedef enum tn_wire_type {
  TN_WIRE_VARINT = 0,
  TN_WIRE_FIXED64 = 1,
  TN_WIRE_BYTES = 2,
  TN_WIRE_FIXED32 = 5
} tn_wire_type;

/* Bytes being read. Every read fails with DATA_LOSS where they end too early. */
typedef struct tn_wire_in {
  const char *at, *end;
} tn_wire_in;

/* One field: VALUE holds a varint or fixed number, DATA and SIZE the bytes. */
typedef struct tn_wire_field {
  uint32_t number;
  tn_wire_type type;
  uint64_t value;
  const char *data;
  size_t size;
} tn_wire_field;

/* Reads the next field; *MORE is false at the end. Groups and unknown types are DATA_LOSS. */
tn_error *tn_wire_next(tn_wire_in *in, tn_wire_field *field, bool *more) TN_MUST_USE;
tn_error *tn_wire_varint(tn_wire_in *in, uint64_t *out) TN_MUST_USE;
/* SIZE bytes, in place. */
tn_error *tn_wire_take(tn_wire_in *in, uint64_t size, const char **out) TN_MUST_USE;
static inline tn_wire_in tn_wire_bytes(const char *data, size_t size) { return (tn_wire_in){data, data + size}; }

/* --- writing; a failed allocation sticks in OUT --- */
void tn_wire_put_varint(tn_str *out, uint64_t value);
void tn_wire_put_key(tn_str *out, uint32_t number, tn_wire_type type);
/* Fields of the usual kinds. */
void tn_wire_put_int(tn_str *out, uint32_t number, int64_t value);
void tn_wire_put_fixed32(tn_str *out, uint32_t number, uint32_t value);
void tn_wire_put_bytes(tn_str *out, uint32_t number, const void *data, size_t size);
/* Little-endian numbers, as TensorFlow's tables and records have them. */
void tn_put_u32(tn_str *out, uint32_t value);
void tn_put_u64(tn_str *out, uint64_t value);
uint32_t tn_get_u32(const void *data);
uint64_t tn_get_u64(const void *data);

#endif
