/* QuantizeAndDequantizeV2, V3 and V4: numbers rounded to what so many bits can tell, as floats. */
#include <float.h>
#include <math.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

typedef struct grid {
  int64_t outer, channels, inner; /* elements before, along and behind the axis */
} grid;

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  int64_t axis = tn_node_get_int(p->node, "axis");
  if (axis < -1 || axis >= in->rank) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Axis requested is larger than input dimensions. Axis: %lld Input "
                             "Dimensions: %d",
                             (long long)axis, in->rank);
  }
  grid *g = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *g, &g));
  *g = (grid){1, axis < 0 ? 1 : in->dims[axis], 1};
  for (int i = 0; i < in->rank; i++) {
    if (i < axis || axis < 0) g->outer *= in->dims[i];
    if (axis >= 0 && i > axis) g->inner *= in->dims[i];
  }
  for (int i = 1; i < 3 && tn_node_get_bool(p->node, "range_given"); i++) {
    const tn_shape *s = &p->inputs[i].shape;
    if (axis < 0 ? s->rank == 0 : s->rank == 1 && s->dims[0] == g->channels) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d, a bound, has shape %s; expected %s of %lld", i,
                             TN_SHAPE_STR(s), axis < 0 ? "a scalar" : "a vector", (long long)g->channels);
  }
  return tn_prepare_output(p, 0, in);
}

static double get(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_FLOAT ? (double)TN_DATA(float, t)[i] : TN_DATA(double, t)[i];
}

static void put(tn_tensor *t, int64_t i, double value) {
  if (t->dtype == TN_FLOAT) {
    TN_DATA(float, t)[i] = (float)value;
  } else {
    TN_DATA(double, t)[i] = value;
  }
}

typedef struct steps {
  double low, high, scale, inverse;
} steps;

/* The steps between the bounds: the bound that needs the larger ones decides. In the op's own precision, where it is
 * single. */
static steps steps_of(const tn_run *r, int64_t bits, double low, double high) {
  bool is_signed = tn_node_get_bool(r->node, "signed_input"), narrow = tn_node_get_bool(r->node, "narrow_range");
  double most = is_signed ? ldexp(1, (int)bits - 1) - 1 : ldexp(1, (int)bits) - 1;
  double least = !is_signed ? 0 : narrow ? -most : -most - 1;
  double by_low = least * low > 0 ? least / low : FLT_MAX, by_high = most * high > 0 ? most / high : FLT_MAX;
  steps s = {low, high, by_low < by_high ? by_low : by_high, by_low < by_high ? low / least : high / most};
  if (r->inputs[0]->dtype != TN_DOUBLE) {
    s.scale = (double)(float)s.scale;
    s.inverse = (double)(float)s.inverse;
  }
  if (by_low < by_high) {
    s.high = most * s.inverse;
  } else {
    s.low = least * s.inverse;
  }
  return s;
}

static double rounded(const tn_run *r, double x) {
  bool up = tn_node_attr(r->node, "round_mode") && tn_node_string_is(r->node, "round_mode", "HALF_UP");
  return up ? floor(x + 0.5) : rint(x);
}

/* Channel C of the input. */
static void quantize(tn_run *r, const grid *g, int64_t c, int64_t bits) {
  const tn_tensor *in = r->inputs[0];
  bool given = tn_node_get_bool(r->node, "range_given"), single = in->dtype != TN_DOUBLE;
  double low = given ? get(r->inputs[1], c) : INFINITY, high = given ? get(r->inputs[2], c) : -INFINITY;
  for (int64_t o = 0; o < g->outer && !given; o++) {
    for (int64_t i = 0; i < g->inner; i++) {
      double x = get(in, (o * g->channels + c) * g->inner + i);
      low = fmin(low, x);
      high = fmax(high, x);
    }
  }
  steps s = steps_of(r, bits, low, high);
  for (int64_t o = 0; o < g->outer; o++) {
    for (int64_t i = 0; i < g->inner; i++) {
      int64_t at = (o * g->channels + c) * g->inner + i;
      double x = get(in, at);
      if (given) x = fmin(fmax(x, s.low), s.high);
      double scaled = x * s.scale;
      put(r->outputs[0], at, rounded(r, single ? (double)(float)scaled : scaled) * s.inverse);
    }
  }
}

static tn_error *run(tn_run *r) {
  const grid *g = r->state;
  const int64_t bits = r->n_inputs > 3 ? TN_DATA(int32_t, r->inputs[3])[0] : tn_node_get_int(r->node, "num_bits");
  bool is_signed = tn_node_get_bool(r->node, "signed_input");
  if (bits < (is_signed ? 2 : 1) || bits > 62) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "num_bits is out of range: %lld with signed_input %s", (long long)bits,
                         is_signed ? "true" : "false");
  }
  if (tn_elements(r->inputs[0]) == 0) return NULL;
  for (int64_t c = 0; c < g->channels && tn_node_get_bool(r->node, "range_given"); c++) {
    if (get(r->inputs[1], c) <= get(r->inputs[2], c)) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid range: input_min %g > input_max %g", get(r->inputs[1], c),
                         get(r->inputs[2], c));
  }
  for (int64_t c = 0; c < g->channels; c++) quantize(r, g, c, bits);
  return NULL;
}

/* The gradient passes as if nothing had been rounded. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_grad_dense(c, 0));
  return NULL;
}

/* V4's passes where the number lies within the bounds. */
static tn_error *gradient_v4(tn_gradient_ctx *c) {
  const tn_output g = tn_build(c->scope, "QuantizeAndDequantizeV4Grad",
                               TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2)),
                               TN_ATTRS(TN_A_SAME(c->node, "axis")));
  for (int i = 0; i < 3; i++) tn_grad_set(c, i, tn_nth(g, i));
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  int64_t axis = tn_node_get_int(c->node, "axis");
  tn_shape bound;
  for (int i = 1; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i, axis < 0 ? 0 : 1, &bound));
  if (c->n_inputs > 3) TN_TRY(tn_shape_with_rank(c, 3, 0, &bound));
  c->out[0] = c->in[0];
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE), .prepare = prepare, .run = run}, {0}};

TN_OP(QuantizeAndDequantizeV2, .inputs = "input: T, input_min: T, input_max: T", .outputs = "output: T",
      .attrs = "signed_input: bool = true; num_bits: int = 8; range_given: bool = false; T: floattype; "
               "round_mode: {'HALF_TO_EVEN', 'HALF_UP'} = 'HALF_TO_EVEN'; narrow_range: bool = false; axis: int = -1",
      .doc = "Rounds to what num_bits can tell between the bounds.", .shape = shape, .gradient = gradient,
      .kernels = kernels);

TN_OP(QuantizeAndDequantizeV3, .inputs = "input: T, input_min: T, input_max: T, num_bits: int32",
      .outputs = "output: T",
      .attrs = "signed_input: bool = true; range_given: bool = true; T: floattype; narrow_range: bool = false; "
               "axis: int = -1",
      .doc = "Rounds to what num_bits can tell between the bounds.", .shape = shape, .gradient = gradient,
      .kernels = kernels);

TN_OP(QuantizeAndDequantizeV4, .inputs = "input: T, input_min: T, input_max: T", .outputs = "output: T",
      .attrs = "signed_input: bool = true; num_bits: int = 8; range_given: bool = false; T: floattype; "
               "round_mode: {'HALF_TO_EVEN', 'HALF_UP'} = 'HALF_TO_EVEN'; narrow_range: bool = false; axis: int = -1",
      .doc = "Rounds to what num_bits can tell between the bounds; its gradient is 0 outside of them.", .shape = shape,
      .gradient = gradient_v4, .kernels = kernels);
