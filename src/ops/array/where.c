/* Where: the places of the elements that are not zero. */
#include "ops/array/array.h"

static tn_error *where_shape(tn_shape_ctx *c) {
  int64_t dims[2] = {-1, c->in[0].rank};
  c->out[0] = tn_shape_of(2, dims);
  return NULL;
}

static tn_error *where_prepare(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

#define TRUE_AT(TYPE) return TN_DATA(TYPE, t)[i] != 0

static inline bool is_true(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_BOOL: TRUE_AT(bool);
  case TN_FLOAT: TRUE_AT(float);
  case TN_DOUBLE: TRUE_AT(double);
  case TN_COMPLEX64: return TN_DATA(float, t)[2 * i] != 0 || TN_DATA(float, t)[2 * i + 1] != 0;
  case TN_COMPLEX128: return TN_DATA(double, t)[2 * i] != 0 || TN_DATA(double, t)[2 * i + 1] != 0;
  case TN_HALF:
  case TN_BFLOAT16: return (TN_DATA(uint16_t, t)[i] & 0x7fff) != 0; /* both zeros */
  case TN_INT8:
  case TN_UINT8: TRUE_AT(uint8_t);
  case TN_INT16:
  case TN_UINT16: TRUE_AT(uint16_t);
  case TN_INT32:
  case TN_UINT32: TRUE_AT(uint32_t);
  default: TRUE_AT(uint64_t);
  }
}

static int64_t count_true(const tn_tensor *t) {
  int64_t n = tn_elements(t), count = 0;
  if (t->dtype == TN_BOOL) {
    for (int64_t i = 0; i < n; i++) count += TN_DATA(bool, t)[i];
  } else {
    for (int64_t i = 0; i < n; i++) count += is_true(t, i);
  }
  return count;
}

/* Row by row of the last dimension: the indices before it are the same for all of a row. */
static tn_error *where_run(tn_run *r) {
  const tn_tensor *in = r->inputs[0];
  int rank = in->shape.rank, last = rank - 1;
  tn_shape out = tn_shape_of(2, (int64_t[2]){count_true(in), rank});
  TN_TRY(tn_run_allocate(r, 0, &out));
  int64_t *to = TN_DATA(int64_t, r->outputs[0]), index[TN_MAX_RANK] = {0};
  int64_t n = tn_elements(in), width = rank > 0 ? in->shape.dims[last] : 1;
  for (int64_t row = 0; row < n && rank > 0; row += width) {
    for (int64_t i = 0; i < width; i++) {
      if (!is_true(in, row + i)) continue;
      for (int d = 0; d < last; d++) *to++ = index[d];
      *to++ = i;
    }
    for (int d = last - 1; d >= 0 && ++index[d] == in->shape.dims[d]; d--) index[d] = 0;
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC, .prepare = where_prepare, .run = where_run}, {0}};

TN_OP(Where, .inputs = "input: T", .outputs = "index: int64",
      .attrs = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, "
               "qint16, quint16, uint16, complex128, half, uint32, uint64, bool} = DT_BOOL",
      .doc = "The indices of the elements that are not zero, in order.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = where_shape, .kernels = kernels);
