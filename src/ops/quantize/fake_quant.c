/* FakeQuantWithMinMaxArgs, Vars and VarsPerChannel with their gradients: floats rounded to what few bits can tell. */
#include <math.h>

#include "ops/array/array.h"

/* A range moved so that zero is one of its steps. */
typedef struct range {
  float low, high, scale;
  bool nothing; /* minimum and maximum are 0 */
} range;

static range nudge(const tn_node *node, float low, float high) {
  const float least = tn_node_get_bool(node, "narrow_range") ? 1 : 0;
  const float most = (float)((1 << tn_node_get_int(node, "num_bits")) - 1);
  range r = {.scale = (high - low) / (most - least), .nothing = low == 0 && high == 0};
  float zero = least - low / r.scale;
  zero = zero < least ? least : zero > most ? most : roundf(zero);
  r.low = (least - zero) * r.scale;
  r.high = (most - zero) * r.scale;
  return r;
}

static float quantize(const range *r, float x) {
  if (r->nothing) return 0;
  const float inverse = 1 / r->scale, zero = floorf(-r->low * inverse + 0.5f);
  const float clamped = fmaxf(fminf(x, r->high), r->low);
  return floorf((clamped - r->low) * inverse - zero + 0.5f) * r->scale;
}

/* Which inputs hold the data; channels of their own come last. */
typedef struct place {
  int data;
  int64_t channels; /* 1: one range for all */
} place;

static tn_error *common(tn_prepare *p, int data, int ranges) {
  const int64_t bits = tn_node_get_int(p->node, "num_bits");
  const tn_shape *x = &p->inputs[data].shape;
  if (bits < 2 || bits > 16)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_bits must be between 2 and 16, inclusive, but is %lld",
                             (long long)bits);
  if (data == 1 && !tn_shape_equal(&p->inputs[0].shape, x))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "gradient and input must be the same size: %s and %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(x));
  place *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  *s = (place){data, 1};
  if (ranges > 1) {
    if (x->rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "inputs must have channels, got a scalar");
    s->channels = x->dims[x->rank - 1];
  }
  for (int i = data + 1; i < p->n_inputs; i++)
    if (p->inputs[i].shape.rank != (ranges > 1) || tn_elements(&p->inputs[i]) != s->channels)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "min and max must have shape %s, got %s",
                               ranges > 1 ? "[channels]" : "[]", TN_SHAPE_STR(&p->inputs[i].shape));
  if (p->n_inputs == data + 1 && !(tn_node_get_float(p->node, "min") < tn_node_get_float(p->node, "max")))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "min has to be smaller than max, was: %g >= %g",
                             (double)tn_node_get_float(p->node, "min"), (double)tn_node_get_float(p->node, "max"));
  for (int i = 1; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &p->inputs[data + i].shape));
  return tn_prepare_output(p, 0, x);
}

static tn_error *prepare(tn_prepare *p) { return common(p, 0, 1); }
static tn_error *grad_prepare(tn_prepare *p) { return common(p, 1, 1); }
static tn_error *channels_prepare(tn_prepare *p) { return common(p, 0, 2); }
static tn_error *channels_grad_prepare(tn_prepare *p) { return common(p, 1, 2); }

static range range_of(const tn_run *r, int64_t channel) {
  const place *s = r->state;
  if (r->n_inputs == s->data + 1)
    return nudge(r->node, tn_node_get_float(r->node, "min"), tn_node_get_float(r->node, "max"));
  return nudge(r->node, TN_DATA(float, r->inputs[s->data + 1])[channel],
               TN_DATA(float, r->inputs[s->data + 2])[channel]);
}

static tn_error *run(tn_run *r) {
  const place *s = r->state;
  for (int64_t c = 0; c < s->channels; c++) {
    const range q = range_of(r, c);
    for (int64_t i = c; i < tn_elements(r->outputs[0]); i += s->channels)
      TN_DATA(float, r->outputs[0])[i] = quantize(&q, TN_DATA(float, r->inputs[0])[i]);
  }
  return NULL;
}

/* What lies inside passes the gradient on; what was cut off gives it to the minimum or the maximum. */
static tn_error *grad_run(tn_run *r) {
  const place *s = r->state;
  for (int64_t c = 0; c < s->channels; c++) {
    const range q = range_of(r, c);
    double below = 0, above = 0;
    for (int64_t i = c; i < tn_elements(r->outputs[0]); i += s->channels) {
      const float x = TN_DATA(float, r->inputs[1])[i], g = TN_DATA(float, r->inputs[0])[i];
      const bool inside = q.nothing || (x >= q.low && x <= q.high);
      TN_DATA(float, r->outputs[0])[i] = inside ? g : 0;
      if (!q.nothing && x < q.low) below += (double)g;
      if (!q.nothing && x > q.high) above += (double)g;
    }
    if (r->n_outputs < 3) continue;
    TN_DATA(float, r->outputs[1])[c] = (float)below;
    TN_DATA(float, r->outputs[2])[c] = (float)above;
  }
  return NULL;
}

static tn_error *ranges_shape(tn_shape_ctx *c, int data, int rank) {
  tn_shape x = c->in[data], range;
  if (data == 1) TN_TRY(tn_shape_merge(c, &c->in[0], &x, &x));
  if (rank == 1) TN_TRY(tn_shape_at_least_rank(c, data, 1, &range));
  int64_t channels = rank == 1 && x.rank > 0 ? x.dims[x.rank - 1] : -1;
  for (int i = data + 1; i < c->n_inputs; i++) {
    TN_TRY(tn_shape_with_rank(c, i, rank, &range));
    if (rank == 1) TN_TRY(tn_dim_merge(c, channels, range.dims[0], &channels));
  }
  if (rank == 1 && x.rank > 0) x.dims[x.rank - 1] = channels;
  c->out[0] = x;
  for (int i = 1; i < c->n_outputs; i++) c->out[i] = rank == 1 ? tn_shape_of(1, &channels) : tn_shape_scalar();
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) { return ranges_shape(c, 0, 0); }
static tn_error *grad_shape(tn_shape_ctx *c) { return ranges_shape(c, 1, 0); }
static tn_error *channels_shape(tn_shape_ctx *c) { return ranges_shape(c, 0, 1); }
static tn_error *channels_grad_shape(tn_shape_ctx *c) { return ranges_shape(c, 1, 1); }
static tn_error *args_grad_shape(tn_shape_ctx *c) { return tn_shape_merge(c, &c->in[0], &c->in[1], &c->out[0]); }

static tn_error *args_gradient(tn_gradient_ctx *c) {
  const tn_node *n = c->node;
  tn_grad_set(c, 0,
              tn_build(c->scope, "FakeQuantWithMinMaxArgsGradient", TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 0)),
                       TN_ATTRS(TN_A_SAME(n, "min"), TN_A_SAME(n, "max"), TN_A_SAME(n, "num_bits"),
                                TN_A_SAME(n, "narrow_range"))));
  return NULL;
}

static tn_error *with_ranges(tn_gradient_ctx *c, const char *op) {
  const tn_output g =
      tn_build(c->scope, op, TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2)),
               TN_ATTRS(TN_A_SAME(c->node, "num_bits"), TN_A_SAME(c->node, "narrow_range")));
  for (int i = 0; i < 3; i++) tn_grad_set(c, i, tn_nth(g, i));
  return NULL;
}
static tn_error *vars_gradient(tn_gradient_ctx *c) { return with_ranges(c, "FakeQuantWithMinMaxVarsGradient"); }
static tn_error *channels_gradient(tn_gradient_ctx *c) {
  return with_ranges(c, "FakeQuantWithMinMaxVarsPerChannelGradient");
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def grad_kernels[] = {{.name = "reference", .prepare = grad_prepare, .run = grad_run}, {0}};
static const tn_kernel_def channels_kernels[] = {{.name = "reference", .prepare = channels_prepare, .run = run}, {0}};
static const tn_kernel_def channels_grad_kernels[] = {
    {.name = "reference", .prepare = channels_grad_prepare, .run = grad_run}, {0}};

TN_OP(FakeQuantWithMinMaxArgs, .inputs = "inputs: float", .outputs = "outputs: float",
      .attrs = "min: float = -6.0; max: float = 6.0; num_bits: int = 8; narrow_range: bool = false",
      .doc = "Floats rounded to the steps of NUM_BITS between MIN and MAX.", .shape = tn_shape_unchanged,
      .gradient = args_gradient, .kernels = kernels);

TN_OP(FakeQuantWithMinMaxArgsGradient, .inputs = "gradients: float, inputs: float", .outputs = "backprops: float",
      .attrs = "min: float = -6.0; max: float = 6.0; num_bits: int = 8; narrow_range: bool = false",
      .doc = "The gradient of FakeQuantWithMinMaxArgs.", .flags = TN_OP_NO_GRADIENT, .shape = args_grad_shape,
      .kernels = grad_kernels);

TN_OP(FakeQuantWithMinMaxVars, .inputs = "inputs: float, min: float, max: float", .outputs = "outputs: float",
      .attrs = "num_bits: int = 8; narrow_range: bool = false",
      .doc = "Floats rounded to the steps of NUM_BITS between two numbers.", .shape = shape, .gradient = vars_gradient,
      .kernels = kernels);

TN_OP(FakeQuantWithMinMaxVarsGradient, .inputs = "gradients: float, inputs: float, min: float, max: float",
      .outputs = "backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float",
      .attrs = "num_bits: int = 8; narrow_range: bool = false", .doc = "The gradients of FakeQuantWithMinMaxVars.",
      .flags = TN_OP_NO_GRADIENT, .shape = grad_shape, .kernels = grad_kernels);

TN_OP(FakeQuantWithMinMaxVarsPerChannel, .inputs = "inputs: float, min: float, max: float", .outputs = "outputs: float",
      .attrs = "num_bits: int = 8; narrow_range: bool = false",
      .doc = "Floats rounded to the steps of NUM_BITS in a range for each channel.", .shape = channels_shape,
      .gradient = channels_gradient, .kernels = channels_kernels);

TN_OP(FakeQuantWithMinMaxVarsPerChannelGradient, .inputs = "gradients: float, inputs: float, min: float, max: float",
      .outputs = "backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float",
      .attrs = "num_bits: int = 8; narrow_range: bool = false",
      .doc = "The gradients of FakeQuantWithMinMaxVarsPerChannel.", .flags = TN_OP_NO_GRADIENT,
      .shape = channels_grad_shape, .kernels = channels_grad_kernels);
