/* AvgPool and its gradient. */
#include "ops/nn/pool.h"

static tn_error *shape(tn_shape_ctx *c) { return tn_pool_shape(c, 2, true, false); }
static tn_error *shape_grad(tn_shape_ctx *c) { return tn_pool_sizes_shape(c, 2); }

#define ATTRS                                                                                                          \
  TN_ATTRS(TN_A_SAME(c->node, "ksize"), TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "padding"),                  \
           TN_A_SAME(c->node, "data_format"))

static tn_error *gradient(tn_gradient_ctx *c) {
  const tn_output sizes = tn_build_shape_of(c->scope, tn_grad_x(c, 0));
  tn_grad_set(c, 0, tn_build(c->scope, "AvgPoolGrad", TN_IN(sizes, tn_grad_dense(c, 0)), ATTRS));
  return NULL;
}

static tn_error *gradient_grad(tn_gradient_ctx *c) {
  tn_grad_set(c, 1, tn_build(c->scope, "AvgPool", TN_IN(tn_grad_dense(c, 0)), ATTRS));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_AVG, 2); }
static tn_error *run(tn_run *r) { return tn_pool_reference(r, TN_POOL_AVG); }
static tn_error *prepare_vector(tn_prepare *p) { return tn_pool_vector_prepare(p, TN_POOL_AVG, 2); }
static tn_error *run_vector(tn_run *r) { return tn_pool_vector(r, TN_POOL_AVG); }
static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector, .run = run_vector},
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

static tn_error *prepare_grad(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_AVG_GRAD, 2); }
static tn_error *run_grad(tn_run *r) { return tn_pool_reference(r, TN_POOL_AVG_GRAD); }
static tn_error *prepare_vector_grad(tn_prepare *p) { return tn_pool_vector_prepare(p, TN_POOL_AVG_GRAD, 2); }
static tn_error *run_vector_grad(tn_run *r) { return tn_pool_vector(r, TN_POOL_AVG_GRAD); }
static const tn_kernel_def kernels_grad[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector_grad, .run = run_vector_grad},
    {.name = "reference", .prepare = prepare_grad, .run = run_grad},
    {0},
};

TN_OP(AvgPool, .doc = "The mean of each window of images; padding does not count.", .inputs = "value: T",
      .outputs = "output: T",
      .attrs = "ksize: list(int) >= 4; strides: list(int) >= 4; padding: {'SAME', 'VALID'}; data_format: {'NHWC', "
               "'NCHW'} = 'NHWC'; T: floattype",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(AvgPoolGrad, .doc = "The gradient of AvgPool for images of the given sizes.",
      .inputs = "orig_input_shape: int32, grad: T", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 4; strides: list(int) >= 4; padding: {'SAME', 'VALID'}; data_format: {'NHWC', "
               "'NCHW'} = 'NHWC'; T: floattype",
      .value_inputs = 1 << 0, .shape = shape_grad, .gradient = gradient_grad, .kernels = kernels_grad);
