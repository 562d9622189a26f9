/* Writing the values of a tensor as the lists of numbers that TensorProto has, not as one piece of bytes. */
#include <string.h>

#include "graph/proto.h"

/* Element I of a tensor whose numbers are written as varints: signed ones are extended to 64 bits. */
static int64_t number_at(const tn_tensor *t, int64_t i) {
  size_t size = tn_dtype_size(t->dtype);
  bool is_signed = t->dtype == TN_INT8 || t->dtype == TN_INT16 || t->dtype == TN_INT32 || t->dtype == TN_QINT8 ||
                   t->dtype == TN_QINT16 || t->dtype == TN_QINT32;
  const char *at = (const char *)t->data + (size_t)i * size;
  switch (size) {
  case 1: return is_signed ? *(const int8_t *)at : *(const uint8_t *)at;
  case 2: return is_signed ? *(const int16_t *)(const void *)at : *(const uint16_t *)(const void *)at;
  case 4: return is_signed ? (int64_t) * (const int32_t *)(const void *)at : *(const uint32_t *)(const void *)at;
  default: return *(const int64_t *)(const void *)at;
  }
}

void tn_proto_put_values(tn_str *out, uint32_t number, const tn_tensor *tensor) {
  tn_proto_home home = tn_proto_home_of(tensor->dtype);
  int64_t n = tn_shape_elements(&tensor->shape);
  size_t mark = tn_proto_begin(out, number);
  if (tensor->dtype == TN_STRING) {
    for (int64_t i = 0; i < n; i++) {
      const tn_string *s = (const tn_string *)tensor->data + i;
      tn_wire_put_bytes(out, home.number, s->data ? s->data : "", s->size);
    }
  } else if (home.type != TN_WIRE_VARINT) {
    tn_wire_put_bytes(out, home.number, tensor->data ? tensor->data : "", (size_t)n * tn_dtype_size(tensor->dtype));
  } else {
    size_t list = tn_proto_begin(out, home.number);
    for (int64_t i = 0; i < n; i++) tn_wire_put_varint(out, (uint64_t)number_at(tensor, i));
    tn_proto_end(out, list);
  }
  tn_proto_end(out, mark);
}
