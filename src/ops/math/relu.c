/* Rectifiers and their gradients: Relu, Relu6, LeakyRelu. NaN passes through. */
#include "ops/math/grad.h"
#include "ops/math/loops.h"

UNARY_KERNELS(relu, REALS, TN_REALS, x <= 0 ? (T)0 : x)
UNARY_KERNELS(relu6, REALS, TN_REALS, x <= 0 ? (T)0 : x > 6 ? (T)6 : x)

/* A product, not a choice, so that infinite gradients of dead units are NaN as TensorFlow's are. */
EACH_FLOATS(LOOP2, relu_grad, x *(T)(y > 0))
EACH_INTS(LOOP2, relu_grad, y > 0 ? x : 0)
static const tn_loop_row relu_grad_rows[] = {EACH_REALS(LOOP_ROW, relu_grad){0}};
KERNELS_SAME_SHAPE(relu_grad, TN_REALS, 0)

EACH_FLOATS(LOOP2, relu6_grad, x *(T)(y > 0 && y < 6))
EACH_INTS(LOOP2, relu6_grad, y > 0 && y < 6 ? x : 0)
static const tn_loop_row relu6_grad_rows[] = {EACH_REALS(LOOP_ROW, relu6_grad){0}};
KERNELS_SAME_SHAPE(relu6_grad, TN_REALS, 0)

EACH_FLOATS(LOOP1, leaky_relu, x > 0 ? x : x * (T)parameter)
static const tn_loop_row leaky_relu_rows[] = {EACH_FLOATS(LOOP_ROW, leaky_relu){0}};
KERNELS_WITH(leaky_relu, TN_FLOATS,
             tn_elementwise_prepare(p, leaky_relu_rows, tn_node_get_float(p->node, "alpha"), NULL),
             tn_tape_kernel_prepare)

EACH_FLOATS(LOOP2, leaky_relu_grad, y > 0 ? x : x * (T)parameter)
static const tn_loop_row leaky_relu_grad_rows[] = {EACH_FLOATS(LOOP_ROW, leaky_relu_grad){0}};
KERNELS_SAME_SHAPE(leaky_relu_grad, TN_FLOATS, tn_node_get_float(p->node, "alpha"))

static tn_error *relu_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "ReluGrad", tn_grad_dense(c, 0), tn_grad_y(c, 0)));
  return c->scope->error;
}

static tn_error *relu6_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, grad_op2(c->scope, "Relu6Grad", tn_grad_dense(c, 0), tn_grad_y(c, 0)));
  return c->scope->error;
}

static tn_output leaky_relu_grad_of(tn_gradient_ctx *c, tn_output x) {
  return tn_build(c->scope, "LeakyReluGrad", TN_IN(tn_grad_dense(c, 0), x),
                  TN_ATTRS(TN_A_FLOAT("alpha", tn_node_get_float(c->node, "alpha"))));
}

static tn_error *leaky_relu_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, leaky_relu_grad_of(c, tn_grad_x(c, 0)));
  return c->scope->error;
}

static tn_error *relu_grad_gradient(tn_gradient_ctx *c) {
  tn_output x = tn_grad_x(c, 1);
  tn_grad_set(c, 0, grad_op2(c->scope, "ReluGrad", tn_grad_dense(c, 0), x));
  tn_grad_set(c, 1, grad_op1(c->scope, "ZerosLike", x));
  return c->scope->error;
}

static tn_error *relu6_grad_gradient(tn_gradient_ctx *c) {
  tn_output x = tn_grad_x(c, 1);
  tn_grad_set(c, 0, grad_op2(c->scope, "Relu6Grad", tn_grad_dense(c, 0), x));
  tn_grad_set(c, 1, grad_op1(c->scope, "ZerosLike", x));
  return c->scope->error;
}

static tn_error *leaky_relu_grad_gradient(tn_gradient_ctx *c) {
  tn_output x = tn_grad_x(c, 1);
  tn_grad_set(c, 0, leaky_relu_grad_of(c, x));
  tn_grad_set(c, 1, grad_op1(c->scope, "ZerosLike", x));
  return c->scope->error;
}

TN_OP(Relu, ACTIVATION(RELU),
      .attrs = "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8}",
      .doc = "max(x, 0).", .flags = TN_OP_ELEMENTWISE, .gradient = relu_gradient, .kernels = relu_kernels);
TN_OP(Relu6, ACTIVATION(RELU6), .attrs = "T: realnumbertype", .doc = "min(max(x, 0), 6).", .flags = TN_OP_ELEMENTWISE,
      .gradient = relu6_gradient, .kernels = relu6_kernels);
TN_OP(LeakyRelu, ACTIVATION(LEAKY_RELU), .attrs = "alpha: float = 0.200000003; T: floattype = DT_FLOAT",
      .doc = "x where positive, else alpha * x.", .flags = TN_OP_ELEMENTWISE, .gradient = leaky_relu_gradient,
      .kernels = leaky_relu_kernels);
TN_OP(ReluGrad, ACTIVATION_GRAD(RELU_GRAD, "features"), .attrs = "T: realnumbertype",
      .doc = "The gradients where features > 0, else 0.", .flags = TN_OP_ELEMENTWISE, .gradient = relu_grad_gradient,
      .kernels = relu_grad_kernels);
TN_OP(Relu6Grad, ACTIVATION_GRAD(RELU6_GRAD, "features"), .attrs = "T: realnumbertype",
      .doc = "The gradients where 0 < features < 6, else 0.", .flags = TN_OP_ELEMENTWISE,
      .gradient = relu6_grad_gradient, .kernels = relu6_grad_kernels);
TN_OP(LeakyReluGrad, ACTIVATION_GRAD(LEAKY_RELU_GRAD, "features"),
      .attrs = "alpha: float = 0.200000003; T: floattype = DT_FLOAT",
      .doc = "The gradients where features > 0, else alpha times them.", .flags = TN_OP_ELEMENTWISE,
      .gradient = leaky_relu_grad_gradient, .kernels = leaky_relu_grad_kernels);
