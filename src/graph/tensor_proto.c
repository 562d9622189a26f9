/* Reading TensorProto: the bytes of tensor_content, or one of the lists of values. */
#include <string.h>

#include "base/alloc.h"
#include "graph/proto.h"

typedef tn_proto_home home;

tn_proto_home tn_proto_home_of(tn_dtype dtype) {
  switch (dtype) {
  case TN_FLOAT: return (home){5, TN_WIRE_FIXED32};
  case TN_DOUBLE: return (home){6, TN_WIRE_FIXED64};
  case TN_STRING: return (home){8, TN_WIRE_BYTES};
  case TN_COMPLEX64: return (home){9, TN_WIRE_FIXED32};
  case TN_INT64: return (home){10, TN_WIRE_VARINT};
  case TN_BOOL: return (home){11, TN_WIRE_VARINT};
  case TN_COMPLEX128: return (home){12, TN_WIRE_FIXED64};
  case TN_HALF:
  case TN_BFLOAT16: return (home){13, TN_WIRE_VARINT};
  case TN_UINT32: return (home){16, TN_WIRE_VARINT};
  case TN_UINT64: return (home){17, TN_WIRE_VARINT};
  case TN_FLOAT8_E5M2:
  case TN_FLOAT8_E4M3FN:
  case TN_FLOAT8_E4M3FNUZ:
  case TN_FLOAT8_E4M3B11FNUZ:
  case TN_FLOAT8_E5M2FNUZ: return (home){18, TN_WIRE_BYTES};
  default: return (home){7, TN_WIRE_VARINT};
  }
}

/* The tensor that is being filled: PARTS numbers make up one element (2 for complex ones). */
typedef struct filler {
  tn_tensor *tensor;
  home home;
  int64_t n, filled; /* in parts */
  int parts;
  size_t part_size;
} filler;

/* Stores the number in the low bytes of VALUE; what is too many is dropped. */
static void put_part(filler *f, uint64_t value) {
  if (f->filled == f->n) return;
  char *to = (char *)f->tensor->data + (size_t)f->filled * f->part_size;
  if (f->tensor->dtype == TN_BOOL) value = value != 0;
  switch (f->part_size) {
  case 1: *(uint8_t *)to = (uint8_t)value; break;
  case 2: *(uint16_t *)(void *)to = (uint16_t)value; break;
  case 4: *(uint32_t *)(void *)to = (uint32_t)value; break;
  default: *(uint64_t *)(void *)to = value; break;
  }
  f->filled++;
}

static tn_error *put_string(filler *f, const tn_wire_field *field) {
  if (f->filled == f->n) return NULL;
  TN_TRY(tn_string_set((tn_string *)f->tensor->data + f->filled, field->data, field->size));
  f->filled++;
  return NULL;
}

static tn_error *put_packed(filler *f, const tn_wire_field *field) {
  size_t width = f->home.type == TN_WIRE_FIXED32 ? 4 : 8;
  tn_wire_in in = tn_wire_bytes(field->data, field->size);
  if (f->home.type != TN_WIRE_VARINT && field->size % width != 0) {
    return tn_errorf(TN_INVALID_ARGUMENT, "malformed message: a list of numbers is cut short");
  }
  while (in.at < in.end) {
    uint64_t value;
    if (f->home.type == TN_WIRE_VARINT) {
      tn_error *error = tn_wire_varint(&in, &value);
      if (error) {
        tn_error_free(error);
        return tn_errorf(TN_INVALID_ARGUMENT, "malformed message: a list of numbers is cut short");
      }
    } else {
      value = width == 4 ? tn_get_u32(in.at) : tn_get_u64(in.at);
      in.at += width;
    }
    put_part(f, value);
  }
  return NULL;
}

static tn_error *put_field(filler *f, const tn_wire_field *field) {
  if (f->home.number == 18) {
    TN_TRY(tn_proto_check(field, TN_WIRE_BYTES));
    for (size_t i = 0; i < field->size; i++) put_part(f, (uint8_t)field->data[i]);
    return NULL;
  }
  if (f->home.type == TN_WIRE_BYTES) {
    TN_TRY(tn_proto_check(field, TN_WIRE_BYTES));
    return put_string(f, field);
  }
  if (field->type == TN_WIRE_BYTES) return put_packed(f, field);
  TN_TRY(tn_proto_check(field, f->home.type));
  put_part(f, field->value);
  return NULL;
}

/* Repeats the last element to the end; without any, all stay zero. */
static tn_error *fill_rest(filler *f) {
  int64_t elements = f->n / f->parts, filled = f->filled / f->parts;
  if (filled == 0) return NULL;
  size_t size = f->part_size * (size_t)f->parts;
  if (f->tensor->dtype != TN_STRING) {
    char *data = f->tensor->data;
    const char *last = data + (size_t)(filled - 1) * size;
    for (int64_t i = filled; i < elements; i++) memcpy(data + (size_t)i * size, last, size);
    return NULL;
  }
  tn_string *strings = f->tensor->data;
  for (int64_t i = filled; i < elements; i++) {
    TN_TRY(tn_string_set(&strings[i], strings[filled - 1].data, strings[filled - 1].size));
  }
  return NULL;
}

static tn_error *fill(tn_tensor *tensor, const char *data, size_t size) {
  filler f = {.tensor = tensor, .home = tn_proto_home_of(tensor->dtype)};
  f.parts = tn_dtype_is_complex(tensor->dtype) ? 2 : 1;
  f.part_size = tn_dtype_size(tensor->dtype) / (size_t)f.parts;
  f.n = tn_shape_elements(&tensor->shape) * f.parts;
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return fill_rest(&f);
    if (field.number == f.home.number) TN_TRY(put_field(&f, &field));
  }
}

/* What comes before the values. */
typedef struct header {
  tn_dtype dtype;
  tn_shape shape;
  tn_wire_field content; /* DATA NULL: none */
} header;

static tn_error *get_header(const char *data, size_t size, header *out) {
  tn_wire_in in = tn_wire_bytes(data, size);
  tn_wire_field field;
  *out = (header){.shape = tn_shape_scalar()};
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number == 1) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_VARINT));
      out->dtype = field.value < TN_N_DTYPES ? (tn_dtype)field.value : TN_INVALID;
    } else if (field.number == 2) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
      TN_TRY(tn_proto_get_shape(field.data, field.size, &out->shape));
    } else if (field.number == 4) {
      TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
      out->content = field;
    }
  }
  if (out->dtype == TN_INVALID) return tn_errorf(TN_INVALID_ARGUMENT, "a tensor has no dtype");
  if (!tn_dtype_is_plain(out->dtype) && out->dtype != TN_STRING) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a %s tensor can't be read from a message", tn_dtype_name(out->dtype));
  }
  if (!tn_shape_known(&out->shape)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a tensor has the incomplete shape %s", TN_SHAPE_STR(&out->shape));
  }
  return NULL;
}

/* Strings as content: the sizes of all, then the bytes of all. */
static tn_error *get_strings(tn_tensor *tensor, const tn_wire_field *content) {
  tn_wire_in sizes = tn_wire_bytes(content->data, content->size), bytes = sizes;
  int64_t n = tn_shape_elements(&tensor->shape);
  uint64_t size = 0;
  tn_error *error = NULL;
  for (int64_t i = 0; i < n && !error; i++) error = tn_wire_varint(&bytes, &size);
  for (int64_t i = 0; i < n && !error; i++) {
    const char *at = NULL;
    error = tn_wire_varint(&sizes, &size);
    if (!error) error = tn_wire_take(&bytes, size, &at);
    if (!error) error = tn_string_set((tn_string *)tensor->data + i, at, (size_t)size);
  }
  if (!error && bytes.at == bytes.end) return NULL;
  tn_error_free(error);
  return tn_errorf(TN_INVALID_ARGUMENT, "a string tensor of shape %s has content that is not that of its elements",
                   TN_SHAPE_STR(&tensor->shape));
}

tn_error *tn_proto_get_tensor(const char *data, size_t size, tn_tensor **out) {
  header header;
  TN_TRY(get_header(data, size, &header));
  bool content = header.content.size > 0 && header.dtype != TN_STRING;
  int64_t elements = tn_shape_elements(&header.shape);
  if (content && (elements > (int64_t)header.content.size ||
                  (size_t)elements * tn_dtype_size(header.dtype) != header.content.size)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a %s tensor of shape %s has %zu bytes of content",
                     tn_dtype_name(header.dtype), TN_SHAPE_STR(&header.shape), header.content.size);
  }
  tn_tensor *tensor;
  TN_TRY(tn_tensor_new(header.dtype, header.shape.rank, header.shape.dims, &tensor));
  tn_error *error = NULL;
  if (content) {
    memcpy(tensor->data, header.content.data, header.content.size);
    /* Any other byte than 0 and 1 would make a bool that C does not have. */
    for (int64_t i = 0; tensor->dtype == TN_BOOL && i < elements; i++) {
      uint8_t *byte = (uint8_t *)tensor->data + i;
      *byte = *byte != 0;
    }
  } else if (header.content.size > 0) {
    error = get_strings(tensor, &header.content);
  } else {
    error = fill(tensor, data, size);
  }
  if (error) {
    tn_tensor_free(tensor);
    return error;
  }
  *out = tensor;
  return NULL;
}
