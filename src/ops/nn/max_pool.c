/* MaxPool with its gradient and that gradient's gradient, and the second versions, which take windows as inputs. */
#include "ops/nn/pool.h"

static tn_error *shape(tn_shape_ctx *c) { return tn_pool_shape(c, 2, false, false); }
static tn_error *shape_v2(tn_shape_ctx *c) { return tn_pool_shape(c, 2, false, true); }
static tn_error *shape_grad(tn_shape_ctx *c) { return tn_pool_grad_shape(c, 2); }
static tn_error *shape_grad_grad(tn_shape_ctx *c) { return tn_pool_grad_grad_shape(c, 2, false); }
static tn_error *shape_grad_grad_v2(tn_shape_ctx *c) { return tn_pool_grad_grad_shape(c, 2, true); }

#define ATTRS                                                                                                          \
  TN_ATTRS(TN_A_SAME(c->node, "ksize"), TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "padding"),                  \
           TN_A_SAME(c->node, "data_format"))
#define ATTRS_V2 TN_ATTRS(TN_A_SAME(c->node, "padding"), TN_A_SAME(c->node, "data_format"))

static tn_error *gradient(tn_gradient_ctx *c) {
  const tn_output in[] = {tn_grad_x(c, 0), tn_grad_y(c, 0), tn_grad_dense(c, 0), TN_END};
  tn_grad_set(
      c, 0,
      tn_build(c->scope, "MaxPoolGrad", in,
               TN_ATTRS(TN_A_SAME(c->node, "ksize"), TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "padding"),
                        TN_A_SAME(c->node, "explicit_paddings"), TN_A_SAME(c->node, "data_format"))));
  return NULL;
}

/* Image and result only say where the maxima are: nothing flows into them. */
static void no_flow(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 0)));
  tn_grad_set(c, 1, tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 1)));
}

static tn_error *gradient_grad(tn_gradient_ctx *c) {
  no_flow(c);
  const tn_output in[] = {tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_dense(c, 0), TN_END};
  tn_grad_set(c, 2, tn_build(c->scope, "MaxPoolGradGrad", in, ATTRS));
  return NULL;
}

static tn_error *gradient_grad_grad(tn_gradient_ctx *c) {
  no_flow(c);
  const tn_output in[] = {tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_dense(c, 0), TN_END};
  tn_grad_set(c, 2, tn_build(c->scope, "MaxPoolGrad", in, ATTRS));
  return NULL;
}

static tn_error *gradient_v2(tn_gradient_ctx *c) {
  const tn_output in[] = {tn_grad_x(c, 0), tn_grad_y(c, 0), tn_grad_dense(c, 0),
                          tn_grad_x(c, 1), tn_grad_x(c, 2), TN_END};
  tn_grad_set(c, 0, tn_build(c->scope, "MaxPoolGradV2", in, ATTRS_V2));
  return NULL;
}

static tn_error *gradient_grad_v2(tn_gradient_ctx *c) {
  no_flow(c);
  const tn_output in[] = {tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_dense(c, 0),
                          tn_grad_x(c, 3), tn_grad_x(c, 4), TN_END};
  tn_grad_set(c, 2, tn_build(c->scope, "MaxPoolGradGradV2", in, ATTRS_V2));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX, 2); }
static tn_error *run(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX); }
static tn_error *prepare_vector(tn_prepare *p) { return tn_pool_vector_prepare(p, TN_POOL_MAX, 2); }
static tn_error *run_vector(tn_run *r) { return tn_pool_vector(r, TN_POOL_MAX); }
static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector, .run = run_vector},
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

static tn_error *prepare_grad(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX_GRAD, 2); }
static tn_error *run_grad(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX_GRAD); }
static tn_error *prepare_vector_grad(tn_prepare *p) { return tn_pool_vector_prepare(p, TN_POOL_MAX_GRAD, 2); }
static tn_error *run_vector_grad(tn_run *r) { return tn_pool_vector(r, TN_POOL_MAX_GRAD); }
static const tn_kernel_def kernels_grad[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector_grad, .run = run_vector_grad},
    {.name = "reference", .prepare = prepare_grad, .run = run_grad},
    {0},
};

static tn_error *prepare_grad_grad(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX_GRAD_GRAD, 2); }
static tn_error *run_grad_grad(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX_GRAD_GRAD); }
static const tn_kernel_def kernels_grad_grad[] = {
    {.name = "reference", .prepare = prepare_grad_grad, .run = run_grad_grad},
    {0},
};

TN_OP(MaxPool, .doc = "The largest element of each window of images.", .inputs = "input: T", .outputs = "output: T",
      .attrs = "T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16, qint8} = DT_FLOAT; ksize: "
               "list(int) >= 4; strides: list(int) >= 4; padding: {'SAME', 'VALID', 'EXPLICIT'}; explicit_paddings: "
               "list(int) = []; data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(MaxPoolGrad, .doc = "The gradient of MaxPool: what flows to each largest element.",
      .inputs = "orig_input: T, orig_output: T, grad: T", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 4; strides: list(int) >= 4; padding: {'SAME', 'VALID', 'EXPLICIT'}; "
               "explicit_paddings: list(int) = []; data_format: {'NHWC', 'NCHW'} = 'NHWC'; "
               "T: realnumbertype = DT_FLOAT",
      .shape = shape_grad, .gradient = gradient_grad, .kernels = kernels_grad);

TN_OP(MaxPoolGradGrad, .doc = "The gradient of MaxPoolGrad: the element of grad at each largest element.",
      .inputs = "orig_input: T, orig_output: T, grad: T", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 4; strides: list(int) >= 4; padding: {'SAME', 'VALID'}; data_format: {'NHWC', "
               "'NCHW'} = 'NHWC'; T: realnumbertype",
      .shape = shape_grad_grad, .gradient = gradient_grad_grad, .kernels = kernels_grad_grad);

TN_OP(MaxPoolV2, .doc = "MaxPool with the windows as inputs.", .inputs = "input: T, ksize: int32, strides: int32",
      .outputs = "output: T",
      .attrs = "T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16, qint8} = DT_FLOAT; "
               "padding: {'SAME', 'VALID'}; data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
      .value_inputs = 1 << 1 | 1 << 2, .shape = shape_v2, .gradient = gradient_v2, .kernels = kernels);

TN_OP(MaxPoolGradV2, .doc = "MaxPoolGrad with the windows as inputs.",
      .inputs = "orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32", .outputs = "output: T",
      .attrs = "padding: {'SAME', 'VALID'}; data_format: {'NHWC', 'NCHW'} = 'NHWC'; T: realnumbertype = DT_FLOAT",
      .value_inputs = 1 << 3 | 1 << 4, .shape = shape_grad, .gradient = gradient_grad_v2, .kernels = kernels_grad);

TN_OP(MaxPoolGradGradV2, .doc = "MaxPoolGradGrad with the windows as inputs.",
      .inputs = "orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32", .outputs = "output: T",
      .attrs = "padding: {'SAME', 'VALID'}; data_format: {'NHWC', 'NCHW'} = 'NHWC'; T: realnumbertype",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 3 | 1 << 4, .shape = shape_grad_grad_v2,
      .kernels = kernels_grad_grad);
