/* BiasAdd adds a vector along the channels, BiasAddGrad sums over everything else. */
#include <string.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/wide.h"

/* Everything as [outer, channels, inner]: inner is 1 where the channels come last. */
typedef struct bias_plan {
  int64_t outer, channels, inner, chunks;
} bias_plan;

static bool channels_first(const tn_node *node) {
  return tn_node_attr(node, "data_format") && tn_node_string_is(node, "data_format", "NCHW");
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape value, bias;
  const bool first = channels_first(c->node);
  TN_TRY(tn_shape_at_least_rank(c, 0, first ? 3 : 2, &value));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &bias));
  if (value.rank >= 0) {
    int64_t *channels = &value.dims[first ? 1 : value.rank - 1];
    TN_TRY(tn_dim_merge(c, *channels, bias.dims[0], channels));
  }
  c->out[0] = value;
  return NULL;
}

static tn_error *shape_grad(tn_shape_ctx *c) {
  tn_shape value;
  const bool first = channels_first(c->node);
  TN_TRY(tn_shape_at_least_rank(c, 0, first ? 3 : 2, &value));
  c->out[0] = tn_shape_unknown_of_rank(1);
  if (value.rank >= 0) c->out[0].dims[0] = value.dims[first ? 1 : value.rank - 1];
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  const tn_output g = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, g);
  const tn_named_attr *attrs =
      tn_node_attr(c->node, "data_format") ? TN_ATTRS(TN_A_SAME(c->node, "data_format")) : NULL;
  tn_grad_set(c, 1, tn_build(c->scope, "BiasAddGrad", TN_IN(g), attrs));
  return NULL;
}

/* The gradient of the sum spreads over all places: a bias on zeros of the right shape. */
static tn_error *gradient_grad(tn_gradient_ctx *c) {
  const tn_output zeros = tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 0));
  tn_grad_set(
      c, 0,
      tn_build(c->scope, "BiasAdd", TN_IN(zeros, tn_grad_dense(c, 0)), TN_ATTRS(TN_A_SAME(c->node, "data_format"))));
  return NULL;
}

static tn_error *make_plan(tn_prepare *p, bias_plan **out) {
  const tn_shape *s = &p->inputs[0].shape;
  const bool first = channels_first(p->node);
  if (s->rank < (first ? 3 : 2))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must have rank %d at least, it is %s", first ? 3 : 2,
                             TN_SHAPE_STR(s));
  bias_plan plan = {.outer = 1, .inner = 1};
  const int at = first ? 1 : s->rank - 1;
  plan.channels = s->dims[at];
  for (int i = 0; i < at; i++) plan.outer *= s->dims[i];
  for (int i = at + 1; i < s->rank; i++) plan.inner *= s->dims[i];
  plan.chunks = tn_chunks(plan.outer, 1 + 32768 / (1 + plan.channels * plan.inner));
  bias_plan *state;
  TN_TRY(tn_prepare_state(p, sizeof plan, &state));
  *state = plan;
  *out = state;
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  bias_plan *plan;
  TN_TRY(make_plan(p, &plan));
  if (p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != plan->channels)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "bias must be [%lld] for a value %s, it is %s",
                             (long long)plan->channels, TN_SHAPE_STR(&p->inputs[0].shape),
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_prepare_in_place(p, 0, 0);
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *prepare_reference(tn_prepare *p) {
  TN_TRY(prepare(p));
  p->scratch = 2 * tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) +
               tn_wide_scratch(p->inputs[1].dtype, tn_elements(&p->inputs[1]));
  return NULL;
}

static void add_one(tn_wide wide, void *out, const void *a, int64_t ai, const void *b, int64_t bi) {
  if (wide == TN_WIDE_REAL)
    ((double *)out)[ai] = ((const double *)a)[ai] + ((const double *)b)[bi];
  else if (wide == TN_WIDE_INT)
    ((uint64_t *)out)[ai] = ((const uint64_t *)a)[ai] + ((const uint64_t *)b)[bi];
  else
    ((double complex *)out)[ai] = ((const double complex *)a)[ai] + ((const double complex *)b)[bi];
}

static tn_error *run_reference(tn_run *r) {
  const bias_plan *plan = r->state;
  char *scratch = r->scratch;
  const tn_wide wide = tn_wide_of(r->outputs[0]->dtype);
  const void *value = tn_wide_in(r->inputs[0], &scratch), *bias = tn_wide_in(r->inputs[1], &scratch);
  void *out = tn_wide_out(r->outputs[0], &scratch);
  for (int64_t i = 0; i < plan->outer * plan->channels * plan->inner; i++)
    add_one(wide, out, value, i, bias, i / plan->inner % plan->channels);
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

static void add_chunk(void *argument, int64_t chunk) {
  const tn_run *r = argument;
  const bias_plan *plan = r->state;
  const float *value = r->inputs[0]->data, *bias = r->inputs[1]->data;
  float *out = r->outputs[0]->data;
  int64_t begin, end;
  tn_chunk(plan->outer, plan->chunks, chunk, 1, &begin, &end);
  for (int64_t o = begin; o < end; o++) {
    const float *from = value + o * plan->channels * plan->inner;
    float *to = out + o * plan->channels * plan->inner;
    if (plan->inner == 1)
      for (int64_t c = 0; c < plan->channels; c++) to[c] = from[c] + bias[c];
    else
      for (int64_t c = 0; c < plan->channels; c++)
        for (int64_t i = 0; i < plan->inner; i++) to[c * plan->inner + i] = from[c * plan->inner + i] + bias[c];
  }
}

static tn_error *run(tn_run *r) {
  const bias_plan *plan = r->state;
  tn_parallel(plan->chunks, add_chunk, r);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare, .run = run},
    {.name = "reference", .prepare = prepare_reference, .run = run_reference},
    {0},
};

static tn_error *prepare_grad(tn_prepare *p) {
  bias_plan *plan;
  TN_TRY(make_plan(p, &plan));
  p->scratch = (size_t)(plan->chunks * plan->channels) * sizeof(float);
  const tn_shape out = tn_shape_of(1, &plan->channels);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *prepare_grad_reference(tn_prepare *p) {
  TN_TRY(prepare_grad(p));
  p->scratch = tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) +
               tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0]));
  return NULL;
}

static tn_error *run_grad_reference(tn_run *r) {
  const bias_plan *plan = r->state;
  char *scratch = r->scratch;
  const tn_wide wide = tn_wide_of(r->outputs[0]->dtype);
  const void *value = tn_wide_in(r->inputs[0], &scratch);
  void *out = tn_wide_out(r->outputs[0], &scratch);
  memset(out, 0, (size_t)plan->channels * tn_wide_size(wide));
  for (int64_t i = 0; i < plan->outer * plan->channels * plan->inner; i++)
    add_one(wide, out, out, i / plan->inner % plan->channels, value, i);
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

static void sum_chunk(void *argument, int64_t chunk) {
  const tn_run *r = argument;
  const bias_plan *plan = r->state;
  const float *value = r->inputs[0]->data;
  float *sums = (float *)r->scratch + chunk * plan->channels;
  int64_t begin, end;
  tn_chunk(plan->outer, plan->chunks, chunk, 1, &begin, &end);
  memset(sums, 0, (size_t)plan->channels * sizeof(float));
  for (int64_t o = begin; o < end; o++) {
    const float *from = value + o * plan->channels * plan->inner;
    if (plan->inner == 1)
      for (int64_t c = 0; c < plan->channels; c++) sums[c] += from[c];
    else
      for (int64_t c = 0; c < plan->channels; c++) {
        double sum = 0;
        for (int64_t i = 0; i < plan->inner; i++) sum += from[c * plan->inner + i];
        sums[c] += (float)sum;
      }
  }
}

static tn_error *run_grad(tn_run *r) {
  const bias_plan *plan = r->state;
  const float *sums = r->scratch;
  float *out = r->outputs[0]->data;
  tn_parallel(plan->chunks, sum_chunk, r);
  memset(out, 0, (size_t)plan->channels * sizeof(float));
  for (int64_t i = 0; i < plan->chunks; i++)
    for (int64_t c = 0; c < plan->channels; c++) out[c] += sums[i * plan->channels + c];
  return NULL;
}

static const tn_kernel_def kernels_grad[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_grad, .run = run_grad},
    {.name = "reference", .prepare = prepare_grad_reference, .run = run_grad_reference},
    {0},
};

TN_OP(BiasAdd, .doc = "Adds a vector along the channels.", .inputs = "value: T, bias: T", .outputs = "output: T",
      .attrs = "T: numbertype; data_format: {'NHWC', 'NCHW'} = 'NHWC'", .shape = shape, .gradient = gradient,
      .kernels = kernels);

TN_OP(BiasAddV1, .doc = "Adds a vector along the last dimension.", .inputs = "value: T, bias: T",
      .outputs = "output: T", .attrs = "T: numbertype", .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(BiasAddGrad, .doc = "Sums over all dimensions but the channels.", .inputs = "out_backprop: T",
      .outputs = "output: T", .attrs = "T: numbertype; data_format: {'NHWC', 'NCHW'} = 'NHWC'", .shape = shape_grad,
      .gradient = gradient_grad, .kernels = kernels_grad);
