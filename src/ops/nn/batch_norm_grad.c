/* FusedBatchNormGrad, V2 and V3: the gradients of batch normalisation for images, scale and offset. */
#include <math.h>

#include "ops/nn/batch_norm.h"

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape g, x, vector;
  const int rank = tn_norm_rank(c->node), at = tn_norm_channels_first(c->node) ? 1 : rank - 1;
  TN_TRY(tn_shape_with_rank(c, 0, rank, &g));
  TN_TRY(tn_shape_with_rank(c, 1, rank, &x));
  TN_TRY(tn_dim_merge(c, g.dims[at], x.dims[at], &g.dims[at]));
  for (int i = 2; i < 5; i++) {
    TN_TRY(tn_shape_with_rank(c, i, 1, &vector));
    TN_TRY(tn_dim_merge(c, g.dims[at], vector.dims[0], &g.dims[at]));
  }
  const int64_t none = 0;
  c->out[0] = g;
  c->out[1] = c->out[2] = tn_shape_of(1, &g.dims[at]);
  c->out[3] = c->out[4] = tn_shape_of(1, &none);
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  tn_norm_plan *plan;
  TN_TRY(tn_norm_prepare(p, 1, 3, (const int[]){2, 3, 4}, &plan));
  if (!tn_shape_equal(&p->inputs[0].shape, &p->inputs[1].shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "y_backprop is %s and x is %s", TN_SHAPE_STR(&p->inputs[0].shape),
                             TN_SHAPE_STR(&p->inputs[1].shape));
  const int64_t none = 0;
  const tn_shape vector = tn_shape_of(1, &plan->channels), empty = tn_shape_of(1, &none);
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[1].shape));
  for (int i = 1; i < 5; i++) TN_TRY(tn_prepare_output(p, i, i < 3 ? &vector : &empty));
  for (int i = 0; i < 5; i++)
    p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i])) +
                  tn_wide_scratch(p->outputs[i].dtype, tn_elements(&p->outputs[i]));
  return NULL;
}

/* IN: gradient of y, x, scale, mean, variance; OUT: gradients of x, scale, offset. */
static void channel_gradient(const tn_norm_plan *plan, const double *const in[5], double *const out[3], int64_t c) {
  const int64_t n = plan->batch * plan->inner;
  const double mean = in[3][c], inverse = 1 / sqrt(in[4][c] + plan->epsilon), factor = in[2][c] * inverse;
  double sum = 0, dot = 0;
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = c * plan->channel_step + i / plan->inner * plan->batch_step + i % plan->inner * plan->inner_step;
    sum += in[0][at];
    dot += in[0][at] * (in[1][at] - mean);
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = c * plan->channel_step + i / plan->inner * plan->batch_step + i % plan->inner * plan->inner_step;
    const double through =
        plan->training ? sum / (double)n + (in[1][at] - mean) * dot / (double)n * inverse * inverse : 0;
    out[0][at] = factor * (in[0][at] - through);
  }
  out[1][c] = dot * inverse;
  out[2][c] = sum;
}

static tn_error *run(tn_run *r) {
  const tn_norm_plan *plan = r->state;
  char *scratch = r->scratch;
  const double *in[5];
  double *out[3];
  for (int i = 0; i < 5; i++) in[i] = tn_wide_in(r->inputs[i], &scratch);
  for (int i = 0; i < 3; i++) out[i] = tn_wide_out(r->outputs[i], &scratch);
  for (int64_t c = 0; c < plan->channels; c++) channel_gradient(plan, in, out, c);
  for (int i = 0; i < 3; i++) tn_wide_finish(r->outputs[i], out[i]);
  return NULL;
}

static tn_error *prepare_vector(tn_prepare *p) {
  TN_TRY(prepare(p));
  return tn_norm_vector_plan(p, p->state);
}

static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector, .run = tn_norm_vector_gradient},
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

TN_OP(
    FusedBatchNormGrad, .doc = "The gradients of FusedBatchNorm for x, scale and offset.",
    .inputs = "y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T",
    .outputs = "x_backprop: T, scale_backprop: T, offset_backprop: T, reserve_space_3: T, reserve_space_4: T",
    .attrs =
        "T: {float}; epsilon: float = 9.99999975e-05; data_format: {'NHWC', 'NCHW'} = 'NHWC'; is_training: bool = true",
    .shape = shape, .gradient = tn_norm_second_gradient, .kernels = kernels);

TN_OP(FusedBatchNormGradV2, .doc = "The gradients of FusedBatchNormV2 for x, scale and offset.",
      .inputs = "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U",
      .outputs = "x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_3: U, reserve_space_4: U",
      .attrs = "T: {half, bfloat16, float}; U: {float}; epsilon: float = 9.99999975e-05; "
               "data_format: {'NHWC', 'NCHW'} = 'NHWC'; is_training: bool = true",
      .shape = shape, .gradient = tn_norm_second_gradient, .kernels = kernels);

TN_OP(FusedBatchNormGradV3, .doc = "The gradients of FusedBatchNormV3 for x, scale and offset.",
      .inputs = "y_backprop: T, x: T, scale: float, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U",
      .outputs = "x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_4: U, reserve_space_5: U",
      .attrs = "T: {half, bfloat16, float}; U: {float}; epsilon: float = 9.99999975e-05; "
               "data_format: {'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'; is_training: bool = true",
      .shape = shape, .gradient = tn_norm_second_gradient, .kernels = kernels);
