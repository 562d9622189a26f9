/* QuantizeV2 and Dequantize: floats to the levels of a range, and back. */
#include <float.h>
#include <math.h>

#include "ops/quantize/quantized.h"

typedef enum mode { MIN_COMBINED, MIN_FIRST, SCALED } mode;

typedef struct conversion {
  mode mode;
  int64_t outer, slices, inner; /* elements before, along and behind the axis; slices have ranges of their own */
  bool narrow;
} conversion;

static mode mode_of(const tn_node *node) {
  return tn_node_string_is(node, "mode", "MIN_FIRST") ? MIN_FIRST
         : tn_node_string_is(node, "mode", "SCALED")  ? SCALED
                                                      : MIN_COMBINED;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  const int64_t axis = tn_node_get_int(p->node, "axis");
  if (axis < -1 || axis >= in->rank)
    if (axis != -1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "Axis must be at least -1 and less than the input's rank %d, got %lld", in->rank,
                               (long long)axis);
  conversion c = {.mode = mode_of(p->node),
                  .outer = 1,
                  .slices = 1,
                  .inner = 1,
                  .narrow = tn_node_get_bool(p->node, "narrow_range")};
  for (int i = 0; i < in->rank; i++) {
    int64_t *part = i < axis ? &c.outer : i == axis ? &c.slices : &c.inner;
    *part *= in->dims[i];
  }
  for (int i = 1; i < 3; i++)
    if (tn_elements(&p->inputs[i]) != c.slices)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d, a bound, must have %lld elements, but has shape %s",
                               i, (long long)c.slices, TN_SHAPE_STR(&p->inputs[i].shape));
  conversion *state;
  TN_TRY(tn_prepare_state(p, sizeof c, &state));
  *state = c;
  for (int i = 1; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &p->inputs[i].shape));
  return tn_prepare_output(p, 0, in);
}

/* --- to integers --- */

static tn_error *quantize_prepare(tn_prepare *p) {
  if (mode_of(p->node) != SCALED && tn_node_string_is(p->node, "round_mode", "HALF_TO_EVEN"))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED'");
  if (mode_of(p->node) == MIN_FIRST && tn_node_get_int(p->node, "axis") != -1)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "MIN_FIRST mode is not implemented for an axis");
  return prepare(p);
}

/* One slice's range and integers. */
typedef struct quantizer {
  mode mode;
  tn_levels levels;
  float low, high, scale;
  tn_from_float first;
  bool even;
} quantizer;

/* The range as it is used: it holds zero, and its ends are some way apart. */
static quantizer quantizer_of(const tn_run *r, float low, float high) {
  const conversion *c = r->state;
  quantizer q = {.mode = c->mode,
                 .levels = tn_levels_of(r->outputs[0]->dtype),
                 .even = tn_node_string_is(r->node, "round_mode", "HALF_TO_EVEN")};
  q.low = fminf(0, low);
  const float apart = fmaxf(1, fmaxf(fabsf(low), fabsf(high))) * tn_node_get_float(r->node, "ensure_minimum_range");
  q.high = fmaxf(0, fmaxf(high, q.low + apart));
  if (q.mode == MIN_COMBINED) {
    q.scale = (float)(q.levels.steps - 1) / (q.high - q.low);
  } else if (q.mode == MIN_FIRST) {
    q.first = tn_from_float_of(&q.levels, q.low, q.high);
  } else {
    const float least = (float)(q.levels.lowest + c->narrow), most = (float)q.levels.highest;
    const float by_low = least * q.low > 0 ? least / q.low : FLT_MAX,
                by_high = most * q.high > 0 ? most / q.high : FLT_MAX;
    q.scale = fminf(by_low, by_high);
    q.low = least / q.scale;
    q.high = most / q.scale;
  }
  return q;
}

static int64_t quantized(const quantizer *q, float x) {
  if (q->mode == MIN_FIRST) return tn_from_float_at(q->first, x);
  const float cut = fmaxf(fminf(x, q->high), q->low), lowest = (float)q->levels.lowest;
  float level;
  if (q->mode == SCALED)
    level = q->even ? rintf(cut * q->scale) : roundf(cut * q->scale);
  else if (q->levels.lowest == 0)
    level = (cut - q->low) * q->scale + 0.5f;
  else
    level = roundf((cut - q->low) * q->scale + lowest);
  const int64_t whole = tn_level(level, lowest, 0x1p31f);
  return whole > q->levels.highest ? q->levels.highest : whole;
}

static tn_error *quantize_run(tn_run *r) {
  const conversion *c = r->state;
  for (int64_t s = 0; s < c->slices; s++) {
    const float low = TN_DATA(float, r->inputs[1])[s], high = TN_DATA(float, r->inputs[2])[s];
    if (high < low)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "input_max_range must be larger than input_min_range: %g < %g",
                           (double)high, (double)low);
  }
  for (int64_t s = 0; s < c->slices; s++) {
    const quantizer q = quantizer_of(r, TN_DATA(float, r->inputs[1])[s], TN_DATA(float, r->inputs[2])[s]);
    TN_DATA(float, r->outputs[1])[s] = q.low;
    TN_DATA(float, r->outputs[2])[s] = q.high;
    for (int64_t o = 0; o < c->outer; o++)
      for (int64_t i = (o * c->slices + s) * c->inner, end = i + c->inner; i < end; i++)
        tn_quantized_put(r->outputs[0], i, quantized(&q, TN_DATA(float, r->inputs[0])[i]));
  }
  return NULL;
}

/* --- to floats --- */

static tn_error *dequantize_prepare(tn_prepare *p) {
  const mode mode = mode_of(p->node);
  if (p->outputs[0].dtype == TN_BFLOAT16 && mode != MIN_COMBINED)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "When output type is bfloat16, mode must be 'MIN_COMBINED'");
  TN_TRY(prepare(p));
  if (mode == MIN_FIRST && ((const conversion *)p->state)->slices != 1)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "MIN_FIRST mode is not implemented for an axis");
  return NULL;
}

/* A number is (integer + BEFORE) * scale + offset. */
typedef struct dequantizer {
  float before;
  tn_to_float f;
} dequantizer;

static dequantizer dequantizer_of(const conversion *c, tn_dtype dtype, float low, float high) {
  const tn_levels l = tn_levels_of(dtype);
  if (c->mode == MIN_FIRST) return (dequantizer){0, tn_to_float_of(&l, low, high)};
  if (c->mode == MIN_COMBINED)
    return (dequantizer){-(float)l.lowest, {low, (high - low) / ((float)l.highest - (float)l.lowest)}};
  const float by_high = high / (float)l.highest;
  return (dequantizer){0, {0, l.lowest == 0 ? by_high : fmaxf(low / (float)(l.lowest + c->narrow), by_high)}};
}

static tn_error *dequantize_run(tn_run *r) {
  const conversion *c = r->state;
  for (int64_t s = 0; s < c->slices; s++) {
    const dequantizer d =
        dequantizer_of(c, r->inputs[0]->dtype, TN_DATA(float, r->inputs[1])[s], TN_DATA(float, r->inputs[2])[s]);
    for (int64_t o = 0; o < c->outer; o++)
      for (int64_t i = (o * c->slices + s) * c->inner, end = i + c->inner; i < end; i++) {
        const float q = (float)tn_quantized_get(r->inputs[0], i) + d.before, x = q * d.f.scale + d.f.offset;
        if (r->outputs[0]->dtype == TN_FLOAT)
          TN_DATA(float, r->outputs[0])[i] = x;
        else
          TN_DATA(uint16_t, r->outputs[0])[i] = tn_float_to_bfloat16(x);
      }
  }
  return NULL;
}

/* --- shapes --- */

static tn_error *shape(tn_shape_ctx *c) {
  const int64_t axis = tn_node_get_int(c->node, "axis");
  if (axis < -1)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "axis should be at least -1, got %lld", (long long)axis);
  tn_shape bounds[2], in = c->in[0];
  for (int i = 0; i < 2; i++) TN_TRY(tn_shape_with_rank(c, 1 + i, axis != -1, &bounds[i]));
  for (int i = 0; i < 2 && axis != -1; i++) {
    TN_TRY(tn_shape_at_least_rank(c, 0, (int)(axis < TN_MAX_RANK ? axis + 1 : TN_MAX_RANK), &in));
    if (in.rank > axis) TN_TRY(tn_dim_merge(c, bounds[i].dims[0], in.dims[axis], &bounds[i].dims[0]));
  }
  c->out[0] = c->in[0];
  for (int i = 1; i < c->n_outputs; i++) c->out[i] = bounds[0];
  return NULL;
}

static const tn_kernel_def quantize_kernels[] = {
    {.name = "reference", .prepare = quantize_prepare, .run = quantize_run}, {0}};
static const tn_kernel_def dequantize_kernels[] = {
    {.name = "reference", .prepare = dequantize_prepare, .run = dequantize_run}, {0}};

#define MODE "mode: {'MIN_COMBINED', 'MIN_FIRST', 'SCALED'} = 'MIN_COMBINED'; "

TN_OP(QuantizeV2, .inputs = "input: float, min_range: float, max_range: float",
      .outputs = "output: T, output_min: float, output_max: float",
      .attrs = "T: " TN_QUANTIZED_ATTR "; " MODE
               "round_mode: {'HALF_AWAY_FROM_ZERO', 'HALF_TO_EVEN'} = 'HALF_AWAY_FROM_ZERO'; "
               "narrow_range: bool = false; axis: int = -1; ensure_minimum_range: float = 0.01",
      .doc = "The levels of a range that floats are nearest to.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = quantize_kernels);

TN_OP(Dequantize, .inputs = "input: T, min_range: float, max_range: float", .outputs = "output: dtype",
      .attrs = "T: " TN_QUANTIZED_ATTR "; " MODE
               "narrow_range: bool = false; axis: int = -1; dtype: {bfloat16, float} = DT_FLOAT",
      .doc = "The floats that levels of a range stand for.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = dequantize_kernels);
