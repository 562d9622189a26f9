/* BatchNormWithGlobalNormalization, the batch norm of TensorFlow's first release, and its gradient: mean and variance
 * are given. */
#include <math.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

/* Inputs from number 1 on are vectors as long as the last dimension of the images, but for BACKPROP. */
static tn_error *check(tn_prepare *p, int backprop) {
  const tn_shape *t = &p->inputs[0].shape;
  if (t->rank != 4) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be 4-dimensional %s", TN_SHAPE_STR(t));
  for (int i = 1; i < p->n_inputs; i++) {
    const tn_shape *s = &p->inputs[i].shape;
    if (i == backprop ? tn_shape_equal(s, t) : s->rank == 1 && s->dims[0] == t->dims[3]) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d has shape %s, which does not fit images of shape %s", i,
                             TN_SHAPE_STR(s), TN_SHAPE_STR(t));
  }
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(check(p, -1));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *prepare_grad(tn_prepare *p) {
  TN_TRY(check(p, 4));
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[0].shape));
  for (int i = 1; i < 5; i++) TN_TRY(tn_prepare_output(p, i, &p->inputs[1].shape));
  return NULL;
}

static double get(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_FLOAT ? (double)TN_DATA(float, t)[i] : (double)tn_half_to_float(TN_DATA(uint16_t, t)[i]);
}

static void put(tn_tensor *t, int64_t i, double value) {
  if (t->dtype == TN_FLOAT) {
    TN_DATA(float, t)[i] = (float)value;
  } else {
    TN_DATA(uint16_t, t)[i] = tn_float_to_half((float)value);
  }
}

static double scale_of(const tn_run *r, int64_t c) {
  double epsilon = (double)tn_node_get_float(r->node, "variance_epsilon");
  return 1 / sqrt(get(r->inputs[2], c) + epsilon);
}

static tn_error *run(tn_run *r) {
  int64_t channels = r->inputs[0]->shape.dims[3], n = tn_elements(r->inputs[0]);
  bool scaled = tn_node_get_bool(r->node, "scale_after_normalization");
  for (int64_t c = 0; c < channels; c++) {
    double factor = scale_of(r, c) * (scaled ? get(r->inputs[4], c) : 1);
    double mean = get(r->inputs[1], c), beta = get(r->inputs[3], c);
    for (int64_t i = c; i < n; i += channels) {
      put(r->outputs[0], i, (get(r->inputs[0], i) - mean) * factor + beta);
    }
  }
  return NULL;
}

static tn_error *run_grad(tn_run *r) {
  int64_t channels = r->inputs[0]->shape.dims[3], n = tn_elements(r->inputs[0]);
  bool scaled = tn_node_get_bool(r->node, "scale_after_normalization");
  for (int64_t c = 0; c < channels; c++) {
    double root = scale_of(r, c), gamma = scaled ? get(r->inputs[3], c) : 1, mean = get(r->inputs[1], c);
    double sum = 0, moment = 0;
    for (int64_t i = c; i < n; i += channels) {
      double g = get(r->inputs[4], i);
      sum += g;
      moment += g * (get(r->inputs[0], i) - mean);
      put(r->outputs[0], i, g * root * gamma);
    }
    put(r->outputs[1], c, -sum * root * gamma);
    put(r->outputs[2], c, moment * -0.5 * root * root * root * gamma);
    put(r->outputs[3], c, sum);
    put(r->outputs[4], c, scaled ? moment * root : 0);
  }
  return NULL;
}

/* Merges the last dimension of input 0 with the vectors. */
static tn_error *channels(tn_shape_ctx *c, int backprop, tn_shape *images, tn_shape *vector) {
  TN_TRY(tn_shape_with_rank(c, 0, 4, images));
  int64_t last = images->dims[3];
  for (int i = 1; i < c->n_inputs; i++) {
    tn_shape s;
    if (i == backprop) {
      TN_TRY(tn_shape_with_rank(c, i, 4, &s));
      TN_TRY(tn_shape_merge(c, images, &s, images));
      TN_TRY(tn_dim_merge(c, last, images->dims[3], &last));
    } else {
      TN_TRY(tn_shape_with_rank(c, i, 1, &s));
      TN_TRY(tn_dim_merge(c, last, s.dims[0], &last));
    }
  }
  images->dims[3] = last;
  *vector = tn_shape_of(1, &last);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape vector;
  return channels(c, -1, &c->out[0], &vector);
}

static tn_error *shape_grad(tn_shape_ctx *c) {
  tn_shape vector;
  TN_TRY(channels(c, 4, &c->out[0], &vector));
  for (int i = 1; i < 5; i++) c->out[i] = vector;
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_output in[] = {tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2), tn_grad_x(c, 4), tn_grad_dense(c, 0), TN_END};
  tn_output made =
      tn_build(c->scope, "BatchNormWithGlobalNormalizationGrad", in,
               TN_ATTRS(TN_A_SAME(c->node, "variance_epsilon"), TN_A_SAME(c->node, "scale_after_normalization")));
  for (int i = 0; made.node && i < 5; i++) tn_grad_set(c, i, tn_nth(made, i));
  return NULL;
}

#define TYPES (TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF))
#define ATTRS "T: numbertype; variance_epsilon: float; scale_after_normalization: bool"
static const tn_kernel_def kernels[] = {{.name = "reference", .types = TYPES, .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = TYPES, .prepare = prepare_grad, .run = run_grad}, {0}};

TN_OP(BatchNormWithGlobalNormalization, .inputs = "t: T, m: T, v: T, beta: T, gamma: T", .outputs = "result: T",
      .attrs = ATTRS, .doc = "Images normalised by a given mean and variance, as the first release had it.",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(BatchNormWithGlobalNormalizationGrad, .inputs = "t: T, m: T, v: T, gamma: T, backprop: T",
      .outputs = "dx: T, dm: T, dv: T, db: T, dg: T", .attrs = ATTRS,
      .doc = "The gradients of BatchNormWithGlobalNormalization.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape_grad, .kernels = grad_kernels);
