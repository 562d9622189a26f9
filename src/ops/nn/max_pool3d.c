/* MaxPool3D with its gradient and that gradient's gradient. */
#include "ops/nn/pool.h"

static tn_error *shape(tn_shape_ctx *c) { return tn_pool_shape(c, 3, true, false); }
static tn_error *shape_grad(tn_shape_ctx *c) { return tn_pool_grad_shape(c, 3); }
static tn_error *shape_grad_grad(tn_shape_ctx *c) { return tn_pool_grad_grad_shape(c, 3, false); }

/* The node OP over (IN 0, IN 1, gradient), which gives the gradient of input I. */
static void flow(tn_gradient_ctx *c, int i, const char *op, tn_output image, tn_output result) {
  tn_grad_set(c, i,
              tn_build(c->scope, op, TN_IN(image, result, tn_grad_dense(c, 0)),
                       TN_ATTRS(TN_A_SAME(c->node, "ksize"), TN_A_SAME(c->node, "strides"),
                                TN_A_SAME(c->node, "padding"), TN_A_SAME(c->node, "data_format"))));
}

static tn_error *gradient(tn_gradient_ctx *c) {
  flow(c, 0, "MaxPool3DGrad", tn_grad_x(c, 0), tn_grad_y(c, 0));
  return NULL;
}

/* Image and result only say where the maxima are: nothing flows into them. */
static void no_flow(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 0)));
  tn_grad_set(c, 1, tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 1)));
}

static tn_error *gradient_grad(tn_gradient_ctx *c) {
  no_flow(c);
  flow(c, 2, "MaxPool3DGradGrad", tn_grad_x(c, 0), tn_grad_x(c, 1));
  return NULL;
}

static tn_error *gradient_grad_grad(tn_gradient_ctx *c) {
  no_flow(c);
  flow(c, 2, "MaxPool3DGrad", tn_grad_x(c, 0), tn_grad_x(c, 1));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX, 3); }
static tn_error *run(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX); }
static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

static tn_error *prepare_grad(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX_GRAD, 3); }
static tn_error *run_grad(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX_GRAD); }
static const tn_kernel_def kernels_grad[] = {
    {.name = "reference", .prepare = prepare_grad, .run = run_grad},
    {0},
};

static tn_error *prepare_grad_grad(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX_GRAD_GRAD, 3); }
static tn_error *run_grad_grad(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX_GRAD_GRAD); }
static const tn_kernel_def kernels_grad_grad[] = {
    {.name = "reference", .prepare = prepare_grad_grad, .run = run_grad_grad},
    {0},
};

TN_OP(MaxPool3D, .doc = "The largest element of each window of volumes.", .inputs = "input: T", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 5; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; data_format: {'NDHWC', "
               "'NCDHW'} = 'NDHWC'; T: {half, bfloat16, float}",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(MaxPool3DGrad, .doc = "The gradient of MaxPool3D: what flows to each largest element.",
      .inputs = "orig_input: TInput, orig_output: TInput, grad: T", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 5; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; data_format: {'NDHWC', "
               "'NCDHW'} = 'NDHWC'; T: {half, bfloat16, float} = DT_FLOAT; TInput: {half, bfloat16, float} = DT_FLOAT",
      .shape = shape_grad, .gradient = gradient_grad, .kernels = kernels_grad);

TN_OP(MaxPool3DGradGrad, .doc = "The gradient of MaxPool3DGrad: the element of grad at each largest element.",
      .inputs = "orig_input: T, orig_output: T, grad: T", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 5; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; data_format: {'NDHWC', "
               "'NCDHW'} = 'NDHWC'; T: realnumbertype",
      .shape = shape_grad_grad, .gradient = gradient_grad_grad, .kernels = kernels_grad_grad);
