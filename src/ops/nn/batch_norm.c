/* FusedBatchNorm, V2 and V3: normalisation of each channel, with the batch's statistics or given ones. */
#include "ops/nn/batch_norm.h"

#include <math.h>
#include <string.h>

bool tn_norm_channels_first(const tn_node *node) { return tn_node_get_string(node, "data_format").data[1] == 'C'; }

int tn_norm_rank(const tn_node *node) { return (int)tn_node_get_string(node, "data_format").size; }

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape x, vector;
  const int rank = tn_norm_rank(c->node), at = tn_norm_channels_first(c->node) ? 1 : rank - 1;
  const int vectors = tn_node_get_bool(c->node, "is_training") ? 3 : 5;
  TN_TRY(tn_shape_with_rank(c, 0, rank, &x));
  for (int i = 1; i < 5; i++) {
    TN_TRY(tn_shape_with_rank(c, i, 1, &vector));
    if (i < vectors) TN_TRY(tn_dim_merge(c, x.dims[at], vector.dims[0], &x.dims[at]));
  }
  c->out[0] = x;
  for (int i = 1; i < 5; i++) c->out[i] = tn_shape_of(1, &x.dims[at]);
  return NULL;
}

/* In inference the images go to the gradient with the channels last. */
static tn_output channels_last(tn_gradient_ctx *c, tn_output x) {
  static const int64_t order[] = {0, 2, 3, 1}, order3[] = {0, 2, 3, 4, 1};
  const bool volumes = tn_norm_rank(c->node) == 5;
  return tn_build2(c->scope, "Transpose", x,
                   tn_build_ints(c->scope, TN_INT32, volumes ? 5 : 4, volumes ? order3 : order));
}

static tn_output channels_second(tn_gradient_ctx *c, tn_output x) {
  static const int64_t order[] = {0, 3, 1, 2}, order3[] = {0, 4, 1, 2, 3};
  const bool volumes = tn_norm_rank(c->node) == 5;
  return tn_build2(c->scope, "Transpose", x,
                   tn_build_ints(c->scope, TN_INT32, volumes ? 5 : 4, volumes ? order3 : order));
}

static tn_error *gradient_op(tn_gradient_ctx *c, const char *op, int version) {
  const bool training = tn_node_get_bool(c->node, "is_training"), turn = !training && tn_norm_channels_first(c->node);
  tn_output x = tn_grad_x(c, 0), g = tn_grad_dense(c, 0);
  if (turn) {
    x = channels_last(c, x);
    g = channels_last(c, g);
  }
  const tn_output in[] = {g,
                          x,
                          tn_grad_x(c, 1),
                          training ? tn_grad_y(c, 3) : tn_grad_x(c, 3),
                          training ? tn_grad_y(c, 4) : tn_grad_x(c, 4),
                          version == 3 ? tn_grad_y(c, 5) : TN_END,
                          TN_END};
  const bool volumes = tn_norm_rank(c->node) == 5;
  tn_named_attr attrs[] = {
      TN_A_SAME(c->node, "epsilon"), TN_A_SAME(c->node, "is_training"), TN_A_SAME(c->node, "data_format"), {NULL, {0}}};
  const tn_named_attr last = TN_A_STRING("data_format", "NHWC"), last3 = TN_A_STRING("data_format", "NDHWC");
  if (turn) attrs[2] = volumes ? last3 : last;
  const tn_output d = tn_build(c->scope, op, in, attrs);
  tn_grad_set(c, 0, turn ? channels_second(c, d) : d);
  tn_grad_set(c, 1, tn_nth(d, 1));
  tn_grad_set(c, 2, tn_nth(d, 2));
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) { return gradient_op(c, "FusedBatchNormGrad", 1); }
static tn_error *gradient_v2(tn_gradient_ctx *c) { return gradient_op(c, "FusedBatchNormGradV2", 2); }
static tn_error *gradient_v3(tn_gradient_ctx *c) { return gradient_op(c, "FusedBatchNormGradV3", 3); }

tn_error *tn_norm_prepare(tn_prepare *p, int image, int n, const int *vectors, tn_norm_plan **out) {
  const tn_shape *s = &p->inputs[image].shape;
  const int rank = tn_norm_rank(p->node);
  const bool first = tn_norm_channels_first(p->node);
  if (s->rank != rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "images must have rank %d, they are %s", rank, TN_SHAPE_STR(s));
  tn_norm_plan plan = {.batch = s->dims[0], .channels = s->dims[first ? 1 : rank - 1], .inner = 1};
  for (int i = first ? 2 : 1; i < (first ? rank : rank - 1); i++) plan.inner *= s->dims[i];
  plan.batch_step = plan.channels * plan.inner;
  plan.channel_step = first ? plan.inner : 1;
  plan.inner_step = first ? 1 : plan.channels;
  plan.training = tn_node_get_bool(p->node, "is_training");
  plan.epsilon = tn_node_get_float(p->node, "epsilon");
  for (int i = 0; i < n; i++) {
    const tn_shape *v = &p->inputs[vectors[i]].shape;
    if (v->rank != 1 || v->dims[0] != plan.channels)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d is %s, expected [%lld] for images %s", vectors[i],
                               TN_SHAPE_STR(v), (long long)plan.channels, TN_SHAPE_STR(s));
  }
  tn_norm_plan *state;
  TN_TRY(tn_prepare_state(p, sizeof plan, &state));
  *state = plan;
  *out = state;
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  tn_norm_plan *plan;
  const double factor = tn_node_get_float(p->node, "exponential_avg_factor");
  /* The running statistics are needed where they are used or blended; else they may also be empty. */
  const bool needed = !tn_node_get_bool(p->node, "is_training") || factor != 1;
  int vectors[4] = {1, 2};
  int n = 2;
  for (int i = 3; i < 5; i++)
    if (needed || tn_elements(&p->inputs[i]) > 0) vectors[n++] = i;
  TN_TRY(tn_norm_prepare(p, 0, n, vectors, &plan));
  plan->factor = factor;
  const tn_shape vector = tn_shape_of(1, &plan->channels);
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[0].shape));
  for (int i = 1; i < 5; i++) TN_TRY(tn_prepare_output(p, i, &vector));
  if (p->n_outputs > 5) {
    const tn_shape scalar = tn_shape_scalar();
    TN_TRY(tn_prepare_output(p, 5, &scalar));
  }
  for (int i = 0; i < 5; i++)
    p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i])) +
                  tn_wide_scratch(p->outputs[i].dtype, tn_elements(&p->outputs[i]));
  return NULL;
}

/* Mean and variance of channel C. */
static void statistics(const tn_norm_plan *plan, const double *x, int64_t c, double *mean, double *variance) {
  const int64_t n = plan->batch * plan->inner;
  double sum = 0, squares = 0;
  x += c * plan->channel_step;
  for (int64_t i = 0; i < n; i++) sum += x[i / plan->inner * plan->batch_step + i % plan->inner * plan->inner_step];
  *mean = sum / (double)n;
  for (int64_t i = 0; i < n; i++) {
    const double d = x[i / plan->inner * plan->batch_step + i % plan->inner * plan->inner_step] - *mean;
    squares += d * d;
  }
  *variance = squares / (double)n;
}

/* IN: x, scale, offset, mean, variance; OUT: y, running mean and variance, mean and variance that the gradient needs.
 */
static void normalize_channel(const tn_norm_plan *plan, const double *const in[5], double *const out[5], int64_t c) {
  const int64_t n = plan->batch * plan->inner;
  double mean, variance;
  if (plan->training) {
    statistics(plan, in[0], c, &mean, &variance);
    const double unbiased = n > 1 ? variance * (double)n / (double)(n - 1) : variance, f = plan->factor;
    out[1][c] = f == 1 ? mean : (1 - f) * in[3][c] + f * mean;
    out[2][c] = f == 1 ? unbiased : (1 - f) * in[4][c] + f * unbiased;
  } else {
    out[1][c] = mean = in[3][c];
    out[2][c] = variance = in[4][c];
  }
  out[3][c] = mean;
  out[4][c] = variance;
  const double factor = in[1][c] / sqrt(variance + plan->epsilon);
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = c * plan->channel_step + i / plan->inner * plan->batch_step + i % plan->inner * plan->inner_step;
    out[0][at] = (in[0][at] - mean) * factor + in[2][c];
  }
}

static tn_error *run(tn_run *r) {
  const tn_norm_plan *plan = r->state;
  char *scratch = r->scratch;
  const double *in[5];
  double *out[5];
  for (int i = 0; i < 5; i++) {
    in[i] = tn_wide_in(r->inputs[i], &scratch);
    out[i] = tn_wide_out(r->outputs[i], &scratch);
  }
  for (int64_t c = 0; c < plan->channels; c++) normalize_channel(plan, in, out, c);
  for (int i = 0; i < 5; i++) tn_wide_finish(r->outputs[i], out[i]);
  if (r->n_outputs > 5) memset(r->outputs[5]->data, 0, tn_dtype_size(r->outputs[5]->dtype));
  return NULL;
}

static tn_error *prepare_vector(tn_prepare *p) {
  TN_TRY(prepare(p));
  return tn_norm_vector_plan(p, p->state);
}

static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector, .run = tn_norm_vector},
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

TN_OP(FusedBatchNorm, .doc = "Batch normalisation: each channel to mean 0 and variance 1, then scaled and shifted.",
      .inputs = "x: T, scale: T, offset: T, mean: T, variance: T",
      .outputs = "y: T, batch_mean: T, batch_variance: T, reserve_space_1: T, reserve_space_2: T",
      .attrs = "T: {float}; epsilon: float = 9.99999975e-05; exponential_avg_factor: float = 1.0; "
               "data_format: {'NHWC', 'NCHW'} = 'NHWC'; is_training: bool = true",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(FusedBatchNormV2, .doc = "FusedBatchNorm with a dtype of its own for the statistics.",
      .inputs = "x: T, scale: U, offset: U, mean: U, variance: U",
      .outputs = "y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U",
      .attrs = "T: {half, bfloat16, float}; U: {float}; epsilon: float = 9.99999975e-05; "
               "exponential_avg_factor: float = 1.0; data_format: {'NHWC', 'NCHW'} = 'NHWC'; is_training: bool = true",
      .shape = shape, .gradient = gradient_v2, .kernels = kernels);

TN_OP(FusedBatchNormV3, .doc = "FusedBatchNormV2 for volumes too, with one more output for the gradient.",
      .inputs = "x: T, scale: U, offset: U, mean: U, variance: U",
      .outputs = "y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U",
      .attrs = "T: {half, bfloat16, float}; U: {bfloat16, float}; epsilon: float = 9.99999975e-05; "
               "exponential_avg_factor: float = 1.0; data_format: {'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'; "
               "is_training: bool = true",
      .shape = shape, .gradient = gradient_v3, .kernels = kernels);
