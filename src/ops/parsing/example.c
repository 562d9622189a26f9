/* Finding and decoding the features of examples, without unpacking the messages. */
#include "ops/parsing/example.h"

#include <string.h>

tn_error *tn_feature_table_new(const tn_node *node, int n, tn_feature_table *out) {
  *out = (tn_feature_table){.node = node, .n = n, .specs = tn_calloc((size_t)n + 1, sizeof *out->specs)};
  return out->specs ? tn_map_new(&out->map) : tn_out_of_memory();
}

tn_error *tn_feature_table_index(tn_feature_table *t) {
  for (int i = 0; i < t->n; i++) {
    const tn_string *key = &t->specs[i].key;
    if (tn_map_get(t->map, key->data, key->size))
      return tn_node_errorf(t->node, TN_INTERNAL, "feature '%.*s' is asked for twice", (int)key->size, key->data);
    TN_TRY(tn_map_set(t->map, key->data, key->size, t->specs + i, NULL));
  }
  return NULL;
}

void tn_feature_table_free(tn_feature_table *t) {
  tn_free(t->specs);
  tn_map_free(t->map);
}

tn_error *tn_feature_spec_check(const tn_node *node, int i, tn_feature_spec *s) {
  const tn_shape *shape = s->shape;
  bool known = shape->rank >= 0;
  for (int d = 1; d < shape->rank; d++) known = known && shape->dims[d] >= 0;
  if (!known)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "dense_shapes[%d] has unknown rank or unknown inner dimensions: %s", i, TN_SHAPE_STR(shape));
  s->variable = shape->rank > 0 && shape->dims[0] < 0;
  s->stride = 1;
  for (int d = s->variable; d < shape->rank; d++) s->stride *= shape->dims[d];
  if (!s->fallback) return NULL;
  int64_t n = tn_elements(s->fallback);
  if (s->variable && n != 1)
    return tn_node_errorf(
        node, TN_INVALID_ARGUMENT,
        "dense_shape[%d] is a variable length shape: %s, therefore def_value[%d] must contain a single "
        "element (\"the padding element\"). But its shape is: %s",
        i, TN_SHAPE_STR(shape), i, TN_SHAPE_STR(&s->fallback->shape));
  if (!s->variable && n > 0 && !tn_shape_equal(shape, &s->fallback->shape))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "def_value[%d].shape() == %s is not compatible with dense_shapes_[%d] == %s", i,
                          TN_SHAPE_STR(&s->fallback->shape), i, TN_SHAPE_STR(shape));
  return NULL;
}

/* --- the wire format; these run for every feature of every example --- */

static bool varint(const char **at, const char *end, uint64_t *out) {
  uint64_t value = 0;
  const unsigned char *p = (const unsigned char *)*at;
  for (int shift = 0; shift < 70 && p < (const unsigned char *)end; shift += 7) {
    unsigned char byte = *p++;
    if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte & 0x80) continue;
    *at = (const char *)p;
    *out = value;
    return true;
  }
  return false;
}

/* One field: NUMBER is 0 at the end. False: broken. */
static bool next(tn_wire_in *in, tn_wire_field *f) {
  uint64_t key, size;
  f->number = 0;
  f->value = f->size = 0;
  if (in->at >= in->end) return true;
  if (!varint(&in->at, in->end, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX) return false;
  f->type = (tn_wire_type)(key & 7);
  f->number = (uint32_t)(key >> 3);
  size_t left = (size_t)(in->end - in->at);
  f->data = in->at;
  switch (f->type) {
  case TN_WIRE_VARINT: return varint(&in->at, in->end, &f->value);
  case TN_WIRE_FIXED64: size = 8; break;
  case TN_WIRE_FIXED32: size = 4; break;
  case TN_WIRE_BYTES:
    if (!varint(&in->at, in->end, &size)) return false;
    f->data = in->at;
    left = (size_t)(in->end - in->at);
    break;
  default: return false;
  }
  if (size > left) return false;
  f->size = (size_t)size;
  in->at = f->data + size;
  return true;
}

static bool entry(const tn_feature_table *t, const tn_wire_field *f, tn_feature *found) {
  tn_wire_in in = tn_wire_bytes(f->data, f->size);
  tn_wire_field part, key = {.data = "", .size = 0}, value = {.data = "", .size = 0};
  for (;;) {
    if (!next(&in, &part)) return false;
    if (part.number == 0) break;
    if (part.type != TN_WIRE_BYTES) continue;
    if (part.number == 1) key = part;
    if (part.number == 2) value = part;
  }
  const tn_feature_spec *spec = tn_map_get(t->map, key.data, key.size);
  if (spec) found[spec - t->specs] = (tn_feature){.data = value.data, .size = value.size};
  return true;
}

bool tn_features_find(const tn_feature_table *t, uint32_t number, tn_string message, tn_feature *found) {
  memset(found, 0, (size_t)t->n * sizeof *found);
  tn_wire_in in = tn_wire_bytes(message.size ? message.data : "", message.size);
  for (tn_wire_field outer, inner;;) {
    if (!next(&in, &outer)) return false;
    if (outer.number == 0) return true;
    if (outer.number != number) continue;
    if (outer.type != TN_WIRE_BYTES) return false;
    tn_wire_in map = tn_wire_bytes(outer.data, outer.size);
    for (;;) {
      if (!next(&map, &inner)) return false;
      if (inner.number == 0) break;
      if (inner.number != 1) continue;
      if (inner.type != TN_WIRE_BYTES || !entry(t, &inner, found)) return false;
    }
  }
}

/* The number of values in one field of a list; -1: broken. */
static int64_t values_in(const tn_wire_field *f, tn_dtype dtype) {
  if (dtype == TN_STRING) return f->type == TN_WIRE_BYTES ? 1 : -1;
  if (f->type == (dtype == TN_FLOAT ? TN_WIRE_FIXED32 : TN_WIRE_VARINT)) return 1;
  if (f->type != TN_WIRE_BYTES) return -1;
  if (dtype == TN_FLOAT) return f->size % 4 == 0 ? (int64_t)(f->size / 4) : -1;
  int64_t n = 0;
  int length = 0; /* of the number at hand, so far */
  for (size_t i = 0; i < f->size; i++) {
    bool last = !(f->data[i] & 0x80);
    n += last;
    if (++length > 10) return -1;
    if (last) length = 0;
  }
  return length ? -1 : n;
}

bool tn_feature_open(tn_feature *f) {
  static const tn_dtype lists[] = {TN_INVALID, TN_STRING, TN_FLOAT, TN_INT64};
  tn_wire_in in = tn_wire_bytes(f->data, f->size);
  tn_wire_field field;
  f->dtype = TN_INVALID;
  f->count = 0;
  for (;;) {
    if (!next(&in, &field)) return false;
    if (field.number == 0) break;
    if (field.number > 3) continue;
    if (field.type != TN_WIRE_BYTES) return false;
    f->dtype = lists[field.number];
    f->data = field.data;
    f->size = field.size;
  }
  if (f->dtype == TN_INVALID) return true;
  in = tn_wire_bytes(f->data, f->size);
  for (;;) {
    if (!next(&in, &field)) return false;
    if (field.number == 0) return true;
    if (field.number != 1) continue;
    int64_t n = values_in(&field, f->dtype);
    if (n < 0) return false;
    f->count += n;
  }
}

bool tn_feature_list_next(tn_wire_in *in, tn_feature *f, bool *more) {
  tn_wire_field field;
  do {
    if (!next(in, &field)) return false;
    *more = field.number != 0;
  } while (*more && field.number != 1);
  if (!*more) return true;
  *f = (tn_feature){.data = field.data, .size = field.size};
  return field.type == TN_WIRE_BYTES && tn_feature_open(f);
}

static int64_t *decode_ints(const tn_wire_field *f, int64_t *out) {
  if (f->type == TN_WIRE_VARINT) {
    *out = (int64_t)f->value;
    return out + 1;
  }
  uint64_t value;
  const char *at = f->data, *end = at + f->size;
  for (; at < end && varint(&at, end, &value); out++) *out = (int64_t)value;
  return out;
}

tn_error *tn_feature_decode(const tn_feature *f, void *out) {
  tn_wire_in in = tn_wire_bytes(f->data, f->size);
  tn_wire_field field;
  float *floats = out;
  int64_t *ints = out;
  tn_string *strings = out;
  while (next(&in, &field) && field.number) {
    if (field.number != 1) continue;
    switch (f->dtype) {
    case TN_STRING: TN_TRY(tn_string_set(strings++, field.data, field.size)); break;
    case TN_FLOAT:
      memcpy(floats, field.data, field.size);
      floats += field.size / 4;
      break;
    default: ints = decode_ints(&field, ints);
    }
  }
  return NULL;
}

const char *tn_feature_list_name(tn_dtype dtype) {
  return dtype == TN_STRING ? "bytes" : dtype == TN_FLOAT ? "float" : "int64";
}
