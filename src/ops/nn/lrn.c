/* LRN: each element divided by a power of the sum of squares of its neighbours along the channels. */
#include <math.h>
#include <string.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/wide.h"

static tn_error *shape(tn_shape_ctx *c) { return tn_shape_with_rank(c, 0, 4, &c->out[0]); }

static tn_error *shape_grad(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &s));
  TN_TRY(tn_shape_merge(c, &s, &c->in[1], &s));
  TN_TRY(tn_shape_merge(c, &s, &c->in[2], &s));
  c->out[0] = s;
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0,
              tn_build(c->scope, "LRNGrad", TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 0), tn_grad_y(c, 0)),
                       TN_ATTRS(TN_A_SAME(c->node, "depth_radius"), TN_A_SAME(c->node, "bias"),
                                TN_A_SAME(c->node, "alpha"), TN_A_SAME(c->node, "beta"))));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape;
  const int64_t radius = tn_node_get_int(p->node, "depth_radius");
  if (radius < 0 || radius > INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "depth_radius is %lld", (long long)radius);
  if (s->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must have rank 4, it is %s", TN_SHAPE_STR(s));
  for (int i = 1; i < p->n_inputs; i++)
    if (!tn_shape_equal(&p->inputs[i].shape, s))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "inputs differ: %s and %s", TN_SHAPE_STR(s),
                               TN_SHAPE_STR(&p->inputs[i].shape));
  p->scratch = (size_t)(p->n_inputs + 1) * tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0]));
  return tn_prepare_output(p, 0, s);
}

typedef struct lrn {
  int64_t channels, radius;
  double bias, alpha, beta;
} lrn;

static lrn parameters(const tn_run *r) {
  return (lrn){r->inputs[0]->shape.dims[3], tn_node_get_int(r->node, "depth_radius"),
               tn_node_get_float(r->node, "bias"), tn_node_get_float(r->node, "alpha"),
               tn_node_get_float(r->node, "beta")};
}

/* bias + alpha * (sum of the squares around channel C). */
static double norm(const lrn *l, const double *row, int64_t c) {
  double sum = 0;
  for (int64_t k = c > l->radius ? c - l->radius : 0; k < l->channels && k <= c + l->radius; k++)
    sum += row[k] * row[k];
  return l->bias + l->alpha * sum;
}

static tn_error *run(tn_run *r) {
  const lrn l = parameters(r);
  char *scratch = r->scratch;
  const double *x = tn_wide_in(r->inputs[0], &scratch);
  double *out = tn_wide_out(r->outputs[0], &scratch);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i += l.channels)
    for (int64_t c = 0; c < l.channels; c++) out[i + c] = x[i + c] * pow(norm(&l, x + i, c), -l.beta);
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

/* What the gradient at channel J gives to its neighbours. */
static void spread(const lrn *l, double gradient, const double *x, const double *y, int64_t j, double *out) {
  const double n = norm(l, x, j), shared = -2 * l->alpha * l->beta * y[j] / n * gradient;
  for (int64_t k = j > l->radius ? j - l->radius : 0; k < l->channels && k <= j + l->radius; k++)
    out[k] += shared * x[k] + (k == j ? gradient * pow(n, -l->beta) : 0);
}

static tn_error *run_grad(tn_run *r) {
  const lrn l = parameters(r);
  char *scratch = r->scratch;
  const double *g = tn_wide_in(r->inputs[0], &scratch), *x = tn_wide_in(r->inputs[1], &scratch);
  const double *y = tn_wide_in(r->inputs[2], &scratch);
  double *out = tn_wide_out(r->outputs[0], &scratch);
  memset(out, 0, (size_t)tn_elements(r->outputs[0]) * sizeof *out);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i += l.channels)
    for (int64_t c = 0; c < l.channels; c++) spread(&l, g[i + c], x + i, y + i, c, out + i);
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};
static const tn_kernel_def kernels_grad[] = {
    {.name = "reference", .prepare = prepare, .run = run_grad},
    {0},
};

TN_OP(LRN, .doc = "Local response normalisation along the channels.", .inputs = "input: T", .outputs = "output: T",
      .attrs = "depth_radius: int = 5; bias: float = 1.0; alpha: float = 1.0; beta: float = 0.5; "
               "T: {half, bfloat16, float} = DT_FLOAT",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(LRNGrad, .doc = "The gradient of LRN.", .inputs = "input_grads: T, input_image: T, output_image: T",
      .outputs = "output: T",
      .attrs = "depth_radius: int = 5; bias: float = 1.0; alpha: float = 1.0; beta: float = 0.5; "
               "T: {half, bfloat16, float} = DT_FLOAT",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_grad, .kernels = kernels_grad);
