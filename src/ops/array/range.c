/* Range: numbers from START up to (not with) LIMIT in steps of DELTA. */
#include <math.h>

#include "ops/array/array.h"

/* A scalar of any of Range's types, as a double and (integers) as an int64. */
static double number(const tn_tensor *t) {
  switch (t->dtype) {
  case TN_FLOAT: return TN_DATA(float, t)[0];
  case TN_DOUBLE: return TN_DATA(double, t)[0];
  case TN_HALF: return tn_half_to_float(TN_DATA(uint16_t, t)[0]);
  case TN_BFLOAT16: return tn_bfloat16_to_float(TN_DATA(uint16_t, t)[0]);
  case TN_UINT32: return TN_DATA(uint32_t, t)[0];
  case TN_UINT64: return (double)TN_DATA(uint64_t, t)[0];
  default: return (double)tn_int_at(t, 0);
  }
}

/* VALUE as DTYPE can hold it. */
static double rounded(tn_dtype dtype, double value) {
  switch (dtype) {
  case TN_FLOAT: return (float)value;
  case TN_HALF: return tn_half_to_float(tn_float_to_half((float)value));
  case TN_BFLOAT16: return tn_bfloat16_to_float(tn_float_to_bfloat16((float)value));
  default: return value;
  }
}

/* How many numbers there are; for integers without rounding. */
static tn_error *range_size(const tn_node *node, const tn_tensor *const in[3], int64_t *out) {
  double start = number(in[0]), limit = number(in[1]), delta = number(in[2]);
  if (delta == 0) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Requires delta != 0: %g", delta);
  if (delta > 0 && start > limit)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Requires start <= limit when delta > 0: %g/%g", start, limit);
  if (delta < 0 && start < limit)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Requires start >= limit when delta < 0: %g/%g", start, limit);
  if (tn_dtype_is_floating(in[0]->dtype)) {
    double size = ceil(fabs(rounded(in[0]->dtype, rounded(in[0]->dtype, limit - start) / delta)));
    if (!(size < 9.2e18)) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Requires ((limit - start) / delta) <= 2^63 - 1");
    }
    *out = (int64_t)size;
    return NULL;
  }
  uint64_t span, step;
  if (in[0]->dtype == TN_UINT64 || in[0]->dtype == TN_UINT32) {
    bool wide = in[0]->dtype == TN_UINT64;
    span = wide ? TN_DATA(uint64_t, in[1])[0] - TN_DATA(uint64_t, in[0])[0]
                : TN_DATA(uint32_t, in[1])[0] - TN_DATA(uint32_t, in[0])[0];
    step = wide ? TN_DATA(uint64_t, in[2])[0] : TN_DATA(uint32_t, in[2])[0];
  } else {
    uint64_t from = (uint64_t)tn_int_at(in[0], 0), to = (uint64_t)tn_int_at(in[1], 0),
             by = (uint64_t)tn_int_at(in[2], 0);
    span = delta > 0 ? to - from : from - to;
    step = delta > 0 ? by : 0 - by;
  }
  uint64_t size = span / step + (span % step != 0);
  if (size > INT64_MAX)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Requires ((limit - start) / delta) <= 2^63 - 1");
  *out = (int64_t)size;
  return NULL;
}

static tn_error *range_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  for (int i = 0; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  int64_t size = -1;
  const tn_tensor *in[3] = {c->value(c, 0), c->value(c, 1), c->value(c, 2)};
  if (in[0] && in[1] && in[2]) TN_TRY(range_size(c->node, in, &size));
  c->out[0] = tn_shape_of(1, &size);
  return NULL;
}

static tn_error *range_prepare(tn_prepare *p) {
  static const char *const names[3] = {"start", "limit", "delta"};
  const tn_tensor *in[3] = {&p->inputs[0], &p->inputs[1], &p->inputs[2]};
  for (int i = 0; i < 3; i++)
    if (tn_elements(in[i]) != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar, not shape %s", names[i],
                               TN_SHAPE_STR(&in[i]->shape));
  int64_t size;
  TN_TRY(range_size(p->node, in, &size));
  tn_shape shape = tn_shape_of(1, &size);
  return tn_prepare_output(p, 0, &shape);
}

/* START + i * DELTA, every step of it in the precision of the type. Integers wrap as the machine's do. */
#define NUMBERS(TYPE)                                                                                                  \
  {                                                                                                                    \
    TYPE start = TN_DATA(TYPE, r->inputs[0])[0], delta = TN_DATA(TYPE, r->inputs[2])[0];                               \
    for (int64_t i = 0; i < n; i++) TN_DATA(TYPE, r->outputs[0])[i] = (TYPE)(start + (TYPE)i * delta);                 \
    break;                                                                                                             \
  }
#define NUMBERS16(TO_FLOAT, FROM_FLOAT)                                                                                \
  {                                                                                                                    \
    float start = TO_FLOAT(TN_DATA(uint16_t, r->inputs[0])[0]), delta = TO_FLOAT(TN_DATA(uint16_t, r->inputs[2])[0]);  \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float product = TO_FLOAT(FROM_FLOAT(TO_FLOAT(FROM_FLOAT((float)i)) * delta));                                    \
      TN_DATA(uint16_t, r->outputs[0])[i] = FROM_FLOAT(start + product);                                               \
    }                                                                                                                  \
    break;                                                                                                             \
  }

static tn_error *range_run(tn_run *r) {
  int64_t n = tn_elements(r->outputs[0]);
  switch (r->outputs[0]->dtype) {
  case TN_FLOAT: NUMBERS(float)
  case TN_DOUBLE: NUMBERS(double)
  case TN_HALF: NUMBERS16(tn_half_to_float, tn_float_to_half)
  case TN_BFLOAT16: NUMBERS16(tn_bfloat16_to_float, tn_float_to_bfloat16)
  case TN_INT64: NUMBERS(uint64_t)
  default: NUMBERS(uint32_t)
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_FLOATS | TN_INDICES, .prepare = range_prepare, .run = range_run}, {0}};

TN_OP(Range, .inputs = "start: Tidx, limit: Tidx, delta: Tidx", .outputs = "output: Tidx",
      .attrs = "Tidx: {bfloat16, half, float, double, int8, int16, int32, int64, uint16, uint32, uint64} = DT_INT32",
      .doc = "The numbers START, START + DELTA, ... before LIMIT.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1 << 0 | 1 << 1 | 1 << 2, .shape = range_shape, .kernels = kernels);
