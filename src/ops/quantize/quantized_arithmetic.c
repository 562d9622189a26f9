/* QuantizedAdd and QuantizedMul: sums and products of 8-bit numbers that broadcast, in 32 bits. */
#include <math.h>

#include "kernel/elementwise.h"
#include "ops/quantize/quantized.h"

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].dtype != TN_QUINT8 || p->inputs[1].dtype != TN_QUINT8 || p->outputs[0].dtype != TN_QINT32)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no kernel but for quint8 and quint8 to qint32");
  TN_TRY(tn_quantized_scalars(p, 2, 6));
  TN_TRY(tn_quantized_ranges(p, 1));
  tn_shape out;
  tn_broadcast *b;
  TN_TRY(tn_broadcast_shapes(p->node, 2, p->inputs, &out));
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  tn_broadcast_init(b, 2, p->inputs, &out);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *check_ranges(const tn_run *r) {
  for (int i = 2; i < 6; i += 2)
    if (!(tn_scalar_at(r, i + 1) > tn_scalar_at(r, i)))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "max_%c must be larger than min_%c: %g and %g", i == 2 ? 'x' : 'y',
                           i == 2 ? 'x' : 'y', (double)tn_scalar_at(r, i + 1), (double)tn_scalar_at(r, i));
  return NULL;
}

enum { LEVELS = 256 };

/* What the levels of both inputs count for in the result. */
typedef struct counts {
  int32_t of[2][LEVELS];
} counts;

/* Z = COMBINE of the counts. */
static void combine(const tn_run *r, const counts *t, bool multiply) {
  const tn_broadcast *b = r->state;
  int64_t at[TN_MAX_RANK] = {0}, offset[2] = {0, 0};
  for (int64_t i = 0; i < b->elements; i++) {
    const uint32_t x = (uint32_t)t->of[0][TN_DATA(uint8_t, r->inputs[0])[offset[0]]];
    const uint32_t y = (uint32_t)t->of[1][TN_DATA(uint8_t, r->inputs[1])[offset[1]]];
    TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)(multiply ? x * y : x + y);
    for (int d = b->rank - 1; d >= 0; d--) {
      for (int k = 0; k < 2; k++) offset[k] += b->strides[k][d];
      if (++at[d] < b->dims[d]) break;
      at[d] = 0;
      for (int k = 0; k < 2; k++) offset[k] -= b->dims[d] * b->strides[k][d];
    }
  }
}

/* What the levels of input K count for between -MOST and MOST. */
static void count_levels(const tn_run *r, int k, float most, bool exact, int32_t *out) {
  const tn_levels in = tn_levels_of(TN_QUINT8), wide = tn_levels_of(TN_QINT32);
  const float low = tn_scalar_at(r, 2 + 2 * k), high = tn_scalar_at(r, 3 + 2 * k);
  const int64_t first = tn_quantize_offset(&wide, tn_dequantize_one(&in, 0, low, high), -most, most);
  const int64_t step = tn_quantize_offset(&wide, tn_dequantize_one(&in, 1, low, high), -most, most) - first;
  for (int q = 0; q < LEVELS; q++) {
    int64_t level = first + q * (int64_t)(int32_t)step;
    if (exact) level = tn_quantize_offset(&wide, tn_dequantize_one(&in, q, low, high), -most, most);
    out[q] = (int32_t)(level < wide.lowest ? wide.lowest : level > wide.highest ? wide.highest : level);
  }
}

static tn_error *add_run(tn_run *r) {
  TN_TRY(check_ranges(r));
  /* Symmetric, so that 0 is a level, and with room for many additions. */
  const float least = fminf(tn_scalar_at(r, 2), tn_scalar_at(r, 4));
  const float largest = fmaxf(tn_scalar_at(r, 3), tn_scalar_at(r, 5));
  const float most = fmaxf(fabsf(least), fabsf(largest)) * (1 << 14);
  /* TensorFlow's arithmetic: each level counts for a multiple of the first one's step, but a scalar is exact. */
  const int scalar = tn_elements(r->inputs[0]) == 1 ? 0 : tn_elements(r->inputs[1]) == 1 ? 1 : -1;
  counts t;
  for (int k = 0; k < 2; k++) count_levels(r, k, most, k == scalar, t.of[k]);
  combine(r, &t, false);
  TN_DATA(float, r->outputs[1])[0] = -most;
  TN_DATA(float, r->outputs[2])[0] = most;
  return NULL;
}

static tn_error *mul_run(tn_run *r) {
  TN_TRY(check_ranges(r));
  const float x[] = {tn_scalar_at(r, 2), tn_scalar_at(r, 3)}, y[] = {tn_scalar_at(r, 4), tn_scalar_at(r, 5)};
  const float *const ranges[] = {x, y};
  const tn_levels in = tn_levels_of(TN_QUINT8);
  counts t;
  for (int k = 0; k < 2; k++) {
    const int32_t zero = (int32_t)tn_quantize_offset(&in, 0, ranges[k][0], ranges[k][1]);
    for (int q = 0; q < LEVELS; q++) t.of[k][q] = (int32_t)((uint32_t)q - (uint32_t)zero);
  }
  combine(r, &t, true);
  float range[2];
  tn_quantized_product_range((tn_dtype[]){TN_QUINT8, TN_QUINT8, TN_QINT32}, x, y, range);
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[1 + i])[0] = range[i];
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  TN_TRY(tn_shape_broadcast_binary(c));
  for (int i = 1; i < 3; i++) c->out[i] = tn_shape_scalar();
  return NULL;
}

static const tn_kernel_def add_kernels[] = {{.name = "reference", .prepare = prepare, .run = add_run}, {0}};
static const tn_kernel_def mul_kernels[] = {{.name = "reference", .prepare = prepare, .run = mul_run}, {0}};

#define INPUTS  "x: T1, y: T2, min_x: float, max_x: float, min_y: float, max_y: float"
#define OUTPUTS "z: Toutput, min_z: float, max_z: float"
#define ATTRS   "T1: " TN_QUANTIZED_ATTR "; T2: " TN_QUANTIZED_ATTR "; Toutput: " TN_QUANTIZED_ATTR " = DT_QINT32"

TN_OP(QuantizedAdd, .inputs = INPUTS, .outputs = OUTPUTS, .attrs = ATTRS, .doc = "x + y of quantized numbers.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = add_kernels);

TN_OP(QuantizedMul, .inputs = INPUTS, .outputs = OUTPUTS, .attrs = ATTRS, .doc = "x * y of quantized numbers.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = mul_kernels);
