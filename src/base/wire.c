/* Protocol buffers' wire format. */
#include "base/wire.h"

#include <string.h>

tn_error *tn_wire_varint(tn_wire_in *in, uint64_t *out) {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (in->at == in->end) return tn_errorf(TN_DATA_LOSS, "the bytes end inside a number");
    uint8_t byte = (uint8_t)*in->at++;
    if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *out = value;
      return NULL;
    }
  }
  return tn_errorf(TN_DATA_LOSS, "a number has more than ten bytes");
}

tn_error *tn_wire_take(tn_wire_in *in, uint64_t size, const char **out) {
  if (size > (uint64_t)(in->end - in->at))
    return tn_errorf(TN_DATA_LOSS, "%llu bytes are announced where %llu are left", (unsigned long long)size,
                     (unsigned long long)(in->end - in->at));
  *out = in->at;
  in->at += size;
  return NULL;
}

tn_error *tn_wire_next(tn_wire_in *in, tn_wire_field *field, bool *more) {
  *more = in->at < in->end;
  if (!*more) return NULL;
  uint64_t key;
  TN_TRY(tn_wire_varint(in, &key));
  if (key >> 3 == 0 || key >> 3 > 0x1fffffff)
    return tn_errorf(TN_DATA_LOSS, "a field has the number %llu", (unsigned long long)(key >> 3));
  *field = (tn_wire_field){.number = (uint32_t)(key >> 3), .type = (tn_wire_type)(key & 7)};
  switch (field->type) {
  case TN_WIRE_VARINT: return tn_wire_varint(in, &field->value);
  case TN_WIRE_FIXED64:
    TN_TRY(tn_wire_take(in, 8, &field->data));
    field->value = tn_get_u64(field->data);
    return NULL;
  case TN_WIRE_FIXED32:
    TN_TRY(tn_wire_take(in, 4, &field->data));
    field->value = tn_get_u32(field->data);
    return NULL;
  case TN_WIRE_BYTES: {
    uint64_t size;
    TN_TRY(tn_wire_varint(in, &size));
    TN_TRY(tn_wire_take(in, size, &field->data));
    field->size = (size_t)size;
    return NULL;
  }
  default: return tn_errorf(TN_DATA_LOSS, "field %u has the unknown wire type %d", field->number, (int)field->type);
  }
}

void tn_wire_put_varint(tn_str *out, uint64_t value) {
  char bytes[10];
  size_t n = 0;
  for (; value >= 0x80; value >>= 7) bytes[n++] = (char)(value | 0x80);
  bytes[n++] = (char)value;
  tn_str_add_bytes(out, bytes, n);
}

void tn_wire_put_key(tn_str *out, uint32_t number, tn_wire_type type) {
  tn_wire_put_varint(out, (uint64_t)number << 3 | type);
}

void tn_wire_put_int(tn_str *out, uint32_t number, int64_t value) {
  tn_wire_put_key(out, number, TN_WIRE_VARINT);
  tn_wire_put_varint(out, (uint64_t)value);
}

void tn_wire_put_fixed32(tn_str *out, uint32_t number, uint32_t value) {
  tn_wire_put_key(out, number, TN_WIRE_FIXED32);
  tn_put_u32(out, value);
}

void tn_wire_put_bytes(tn_str *out, uint32_t number, const void *data, size_t size) {
  tn_wire_put_key(out, number, TN_WIRE_BYTES);
  tn_wire_put_varint(out, size);
  tn_str_add_bytes(out, data, size);
}

void tn_put_u32(tn_str *out, uint32_t value) {
  char bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (char)(value >> 8 * i);
  tn_str_add_bytes(out, bytes, 4);
}

void tn_put_u64(tn_str *out, uint64_t value) {
  tn_put_u32(out, (uint32_t)value);
  tn_put_u32(out, (uint32_t)(value >> 32));
}

uint32_t tn_get_u32(const void *data) {
  const uint8_t *p = data;
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t tn_get_u64(const void *data) { return tn_get_u32(data) | (uint64_t)tn_get_u32((const char *)data + 4) << 32; }
