/* DecodeRaw and DecodePaddedRaw: the bytes of strings as numbers. */
#include <string.h>

#include "ops/string/string_array.h"

static tn_error *prepare(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  if (p->n_inputs > 1 && tn_elements(&p->inputs[1]) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "k must be scalar, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  return p->inputs[0].shape.rank < TN_MAX_RANK ? NULL
                                               : tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "too many dimensions");
}

/* Turns the bytes of N numbers of SIZE around. */
static void swap_bytes(char *data, size_t n, size_t size) {
  for (char *end = data + n * size; data < end; data += size)
    for (size_t i = 0; i < size / 2; i++) {
      char t = data[i];
      data[i] = data[size - 1 - i];
      data[size - 1 - i] = t;
    }
}

/* Bytes that one string takes in the output. */
static tn_error *width_of(tn_run *r, size_t size, size_t *width) {
  int64_t n = tn_elements(r->inputs[0]);
  const tn_string *s = tn_strings_of(r->inputs[0]);
  if (r->n_inputs > 1) {
    int32_t length = *TN_DATA(int32_t, r->inputs[1]);
    if (length < 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "fixed_length must be positive, got %d", length);
    if ((size_t)length % size)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "fixed_length (%d) must be a multiple of the size of out_type (%zu)",
                           length, size);
    *width = (size_t)length;
    return NULL;
  }
  *width = n ? s[0].size : 0;
  for (int64_t i = 1; i < n; i++)
    if (s[i].size != *width)
      return tn_run_errorf(
          r, TN_INVALID_ARGUMENT,
          "DecodeRaw requires input strings to all be the same size, but element %lld has size %zu != %zu",
          (long long)i, s[i].size, *width);
  if (*width % size)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Input to DecodeRaw has length %zu that is not a multiple of %zu, the size of %s", *width,
                         size, tn_dtype_name(tn_node_get_type(r->node, "out_type")));
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_dtype dtype = tn_node_get_type(r->node, "out_type");
  size_t size = tn_dtype_size(dtype), width;
  TN_TRY(width_of(r, size, &width));
  tn_shape out = r->inputs[0]->shape;
  out.dims[out.rank++] = (int64_t)(width / size);
  TN_TRY(tn_run_allocate(r, 0, &out));
  char *to = r->outputs[0]->data;
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i];
    size_t n = s.size < width ? s.size : width;
    if (n) memcpy(to, s.data, n);
    if (width > n) memset(to + n, 0, width - n);
    to += width;
  }
  bool complex = tn_dtype_is_complex(dtype);
  if (!tn_node_get_bool(r->node, "little_endian") && size > 1)
    swap_bytes(r->outputs[0]->data, (size_t)tn_elements(r->outputs[0]) * (complex ? 2 : 1), complex ? size / 2 : size);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape x = c->in[0];
  if (x.rank < 0) return NULL;
  int64_t length = -1;
  if (c->n_inputs > 1) {
    bool known;
    tn_shape scalar;
    TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
    TN_TRY(tn_shape_scalar_value(c, 1, &known, &length));
    size_t size = tn_dtype_size(tn_node_get_type(c->node, "out_type"));
    length = known && length > 0 ? length / (int64_t)size : -1;
  }
  if (x.rank < TN_MAX_RANK) x.dims[x.rank++] = length;
  c->out[0] = x;
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(DecodeRaw, .inputs = "bytes: string", .outputs = "output: out_type",
      .attrs = "out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, complex64, complex128, bool, "
               "bfloat16}; little_endian: bool = true",
      .doc = "The bytes of strings, all of one size, as numbers.", .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE,
      .shape = shape, .kernels = kernels);

TN_OP(DecodePaddedRaw, .inputs = "input_bytes: string, fixed_length: int32", .outputs = "output: out_type",
      .attrs = "out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, bfloat16}; little_endian: "
               "bool = true",
      .doc = "The first bytes of strings as numbers; what is missing is zero.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
