/* Reading TensorFlow's messages: shapes and attribute values. */
#include <string.h>

#include "base/alloc.h"
#include "graph/attr_arena.h"
#include "graph/proto.h"

tn_error *tn_proto_next(tn_wire_in *in, tn_wire_field *field, bool *more) {
  tn_error *error = tn_wire_next(in, field, more);
  if (!error || tn_error_code(error) != TN_DATA_LOSS) return error;
  tn_error *other = tn_errorf(TN_INVALID_ARGUMENT, "malformed message: %s", tn_error_message(error));
  tn_error_free(error);
  return other;
}

tn_error *tn_proto_check(const tn_wire_field *field, tn_wire_type type) {
  if (field->type == type) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "malformed message: field %u has wire type %d, expected %d", field->number,
                   (int)field->type, (int)type);
}

tn_error *tn_proto_each(const char *data, size_t size, tn_proto_field_fn on, void *state) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    TN_TRY(on(state, &field));
  }
}

tn_error *tn_proto_each_in(const tn_wire_field *bytes, tn_proto_field_fn on, void *state) {
  TN_TRY(tn_proto_check(bytes, TN_WIRE_BYTES));
  return tn_proto_each(bytes->data, bytes->size, on, state);
}

tn_error *tn_proto_get_text(tn_arena *arena, const tn_wire_field *field, const char **out) {
  TN_TRY(tn_proto_check(field, TN_WIRE_BYTES));
  if (field->size > 0 && memchr(field->data, 0, field->size)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a name holds a NUL character");
  }
  *out = tn_arena_strndup(arena, field->data, field->size);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *get_dim(const char *data, size_t size, int64_t *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  *out = 0;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number == 1) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_VARINT));
      *out = (int64_t)field.value;
    }
  }
  if (*out >= -1) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "a shape has the negative size %lld", (long long)*out);
}

tn_error *tn_proto_get_shape(const char *data, size_t size, tn_shape *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  tn_shape shape = tn_shape_scalar();
  bool unknown = false;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number == 3) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_VARINT));
      unknown = field.value != 0;
    } else if (field.number == 2) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
      if (shape.rank == TN_MAX_RANK) {
        return tn_errorf(TN_INVALID_ARGUMENT, "a shape has more than %d dimensions", TN_MAX_RANK);
      }
      TN_TRY(get_dim(field.data, field.size, &shape.dims[shape.rank]));
      shape.rank++;
    }
  }
  if (unknown && shape.rank > 0) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a shape of unknown rank has dimensions");
  }
  *out = unknown ? tn_shape_unknown() : shape;
  return NULL;
}

static tn_error *get_dtype(uint64_t value, tn_dtype *out) {
  tn_dtype dtype = value < 2 * TN_REF ? (tn_dtype)value : TN_INVALID;
  if (dtype == TN_INVALID || dtype == TN_REF || tn_dtype_base(dtype) >= TN_N_DTYPES) {
    return tn_errorf(TN_INVALID_ARGUMENT, "%llu is no dtype", (unsigned long long)value);
  }
  *out = dtype;
  return NULL;
}

static tn_error *get_string(const char *data, size_t size, tn_string *out) {
  char *copy = tn_malloc(size + 1);
  if (!copy) return tn_out_of_memory();
  if (size > 0) memcpy(copy, data, size);
  copy[size] = 0;
  *out = (tn_string){copy, size};
  return NULL;
}

/* The name in a NameAttrList. */
static tn_error *get_func(const char *data, size_t size, tn_string *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field, name = {.data = ""};
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number != 1) continue;
    TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
    name = field;
  }
  return get_string(name.data, name.size, out);
}

static float bits_float(uint64_t bits) {
  uint32_t word = (uint32_t)bits;
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

/* The kind of the value in field NUMBER of AttrValue or of its list; FUNC is 10 in the one and 9 in the other. */
static tn_attr_kind kind_of(uint32_t number, uint32_t func) {
  static const tn_attr_kind kinds[] = {
      [2] = TN_ATTR_STRING, [3] = TN_ATTR_INT,   [4] = TN_ATTR_FLOAT, [5] = TN_ATTR_BOOL,
      [6] = TN_ATTR_TYPE,   [7] = TN_ATTR_SHAPE, [8] = TN_ATTR_TENSOR};
  if (number == func) return TN_ATTR_FUNC;
  return number < sizeof kinds / sizeof *kinds ? kinds[number] : TN_ATTR_NONE;
}

static tn_wire_type wire_of(tn_attr_kind kind) {
  if (kind == TN_ATTR_FLOAT) return TN_WIRE_FIXED32;
  return kind == TN_ATTR_INT || kind == TN_ATTR_BOOL || kind == TN_ATTR_TYPE ? TN_WIRE_VARINT : TN_WIRE_BYTES;
}

/* Stores one value of KIND at OUT, which is a member of tn_attr's union or an element of its arrays. */
static tn_error *get_value(tn_attr_kind kind, const tn_wire_field *field, void *out) {
  TN_TRY(tn_proto_check(field, wire_of(kind)));
  switch (kind) {
  case TN_ATTR_INT: *(int64_t *)out = (int64_t)field->value; break;
  case TN_ATTR_FLOAT: *(float *)out = bits_float(field->value); break;
  case TN_ATTR_BOOL: *(bool *)out = field->value != 0; break;
  case TN_ATTR_TYPE: return get_dtype(field->value, out);
  case TN_ATTR_STRING: return get_string(field->data, field->size, out);
  case TN_ATTR_SHAPE: return tn_proto_get_shape(field->data, field->size, out);
  case TN_ATTR_TENSOR: return tn_proto_get_tensor(field->data, field->size, out);
  case TN_ATTR_FUNC: return get_func(field->data, field->size, out);
  case TN_ATTR_NONE: break;
  }
  return NULL;
}

static tn_error *append(tn_attr *list, size_t *capacity, const tn_wire_field *field) {
  size_t size = tn_attr_element_size(list->kind);
  if (list->n == *capacity) {
    size_t larger = *capacity ? 2 * *capacity : 4;
    void *values = tn_realloc(list->ints, larger * size);
    if (!values) return tn_out_of_memory();
    list->ints = values;
    *capacity = larger;
  }
  TN_TRY(get_value(list->kind, field, (char *)list->ints + list->n * size));
  list->n++;
  return NULL;
}

/* A run of numbers in one field. */
static tn_error *append_packed(tn_attr *list, size_t *capacity, const tn_wire_field *field) {
  tn_wire_in in = tn_wire_bytes(field->data, field->size);
  tn_wire_field one = {.number = field->number, .type = wire_of(list->kind)};
  while (in.at < in.end) {
    tn_error *error;
    if (one.type == TN_WIRE_FIXED32) {
      error = tn_wire_take(&in, 4, &one.data);
      if (!error) one.value = tn_get_u32(one.data);
    } else {
      error = tn_wire_varint(&in, &one.value);
    }
    if (error) {
      tn_error_free(error);
      return tn_errorf(TN_INVALID_ARGUMENT, "malformed message: a list of numbers is cut short");
    }
    TN_TRY(append(list, capacity, &one));
  }
  return NULL;
}

static tn_error *get_list(const char *data, size_t size, tn_attr *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  size_t capacity = 0;
  out->is_list = true;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    tn_attr_kind kind = kind_of(field.number, 9);
    if (kind == TN_ATTR_NONE) continue;
    if (out->kind != TN_ATTR_NONE && out->kind != kind) {
      return tn_errorf(TN_INVALID_ARGUMENT, "a list attribute has elements of several kinds");
    }
    out->kind = kind;
    if (field.type == TN_WIRE_BYTES && wire_of(kind) != TN_WIRE_BYTES) {
      TN_TRY(append_packed(out, &capacity, &field));
    } else {
      TN_TRY(append(out, &capacity, &field));
    }
  }
}

static tn_error *get_attr(const char *data, size_t size, tn_attr *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    tn_attr_kind kind = kind_of(field.number, 10);
    if (kind == TN_ATTR_NONE && field.number != 1) continue;
    /* Of several values the last one counts. */
    tn_attr_clear(out);
    if (field.number == 1) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
      TN_TRY(get_list(field.data, field.size, out));
      continue;
    }
    TN_TRY(get_value(kind, &field, &out->i));
    out->kind = kind;
  }
}

tn_error *tn_proto_get_attr(const char *data, size_t size, tn_attr *out) {
  tn_attr attr = {0};
  tn_error *error = get_attr(data, size, &attr);
  if (error) {
    tn_attr_clear(&attr);
    return error;
  }
  *out = attr;
  return NULL;
}
