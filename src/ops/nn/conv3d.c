/* Conv3D and its gradients. */
#include "ops/nn/window.h"

#define ATTRS                                                                                                          \
  TN_ATTRS(TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "padding"), TN_A_SAME(c->node, "data_format"),            \
           TN_A_SAME(c->node, "dilations"))

static tn_error *shape(tn_shape_ctx *c) { return tn_conv_shape(c, 3, false); }

static tn_error *shape_back_input(tn_shape_ctx *c) { return tn_conv_shape_back(c, TN_CONV_BACK_INPUT, 3); }
static tn_error *shape_back_filter(tn_shape_ctx *c) { return tn_conv_shape_back(c, TN_CONV_BACK_FILTER, 3); }

static const char *const family[] = {"Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"};
static tn_error *gradient(tn_gradient_ctx *c) { return tn_conv_gradient(c, TN_CONV_FORWARD, family, ATTRS); }
static tn_error *gradient_back_input(tn_gradient_ctx *c) {
  return tn_conv_gradient(c, TN_CONV_BACK_INPUT, family, ATTRS);
}
static tn_error *gradient_back_filter(tn_gradient_ctx *c) {
  return tn_conv_gradient(c, TN_CONV_BACK_FILTER, family, ATTRS);
}

TN_CONV_KERNELS(kernels, TN_CONV_FORWARD, 3, false);
TN_CONV_KERNELS(kernels_back_input, TN_CONV_BACK_INPUT, 3, false);
TN_CONV_KERNELS(kernels_back_filter, TN_CONV_BACK_FILTER, 3, false);

TN_OP(Conv3D,
      .doc = "The convolution of volumes with a filter of [depth, height, width, input channels of a group, output "
             "channels].",
      .inputs = "input: T, filter: T", .outputs = "output: T",
      .attrs = "T: floattype; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; "
               "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'; dilations: list(int) = [1, 1, 1, 1, 1]",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(Conv3DBackpropInputV2,
      .doc = "The gradient of Conv3D with respect to its volumes, whose sizes are the first input.",
      .inputs = "input_sizes: Tshape, filter: T, out_backprop: T", .outputs = "output: T",
      .attrs = "T: floattype; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; "
               "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'; dilations: list(int) = [1, 1, 1, 1, 1]; Tshape: indextype = "
               "DT_INT32",
      .value_inputs = 1 << 0, .shape = shape_back_input, .gradient = gradient_back_input,
      .kernels = kernels_back_input);

TN_OP(Conv3DBackpropFilterV2,
      .doc = "The gradient of Conv3D with respect to its filter, whose sizes are the second input.",
      .inputs = "input: T, filter_sizes: int32, out_backprop: T", .outputs = "output: T",
      .attrs = "T: floattype; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; "
               "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'; dilations: list(int) = [1, 1, 1, 1, 1]",
      .value_inputs = 1 << 1, .shape = shape_back_filter, .gradient = gradient_back_filter,
      .kernels = kernels_back_filter);

/* The first versions give the shape by a tensor that has it. */
static tn_error *shape_as_input(tn_shape_ctx *c) { return tn_shape_with_rank(c, 0, 5, &c->out[0]); }
static tn_error *shape_as_filter(tn_shape_ctx *c) { return tn_shape_with_rank(c, 1, 5, &c->out[0]); }

TN_OP(Conv3DBackpropInput, .doc = "Conv3DBackpropInputV2 with the shape of a tensor in place of sizes.",
      .inputs = "input: T, filter: T, out_backprop: T", .outputs = "output: T",
      .attrs = "T: {half, float, double}; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; "
               "dilations: list(int) = [1, 1, 1, 1, 1]",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_as_input, .kernels = kernels_back_input);

TN_OP(Conv3DBackpropFilter, .doc = "Conv3DBackpropFilterV2 with the shape of a tensor in place of sizes.",
      .inputs = "input: T, filter: T, out_backprop: T", .outputs = "output: T",
      .attrs = "T: {half, float, double}; strides: list(int) >= 5; padding: {'SAME', 'VALID'}; "
               "dilations: list(int) = [1, 1, 1, 1, 1]",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_as_filter, .kernels = kernels_back_filter);
