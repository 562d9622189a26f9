/* DepthwiseConv2dNative and its two gradients. */
#include "ops/nn/window.h"

#define ATTRS                                                                                                          \
  TN_ATTRS(TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "padding"), TN_A_SAME(c->node, "explicit_paddings"),      \
           TN_A_SAME(c->node, "data_format"), TN_A_SAME(c->node, "dilations"))

static tn_error *shape(tn_shape_ctx *c) { return tn_conv_shape(c, 2, true); }

static tn_error *shape_back_input(tn_shape_ctx *c) { return tn_conv_shape_back(c, TN_CONV_BACK_INPUT, 2); }
static tn_error *shape_back_filter(tn_shape_ctx *c) { return tn_conv_shape_back(c, TN_CONV_BACK_FILTER, 2); }

static const char *const family[] = {"DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput",
                                     "DepthwiseConv2dNativeBackpropFilter"};
static tn_error *gradient(tn_gradient_ctx *c) { return tn_conv_gradient(c, TN_CONV_FORWARD, family, ATTRS); }
static tn_error *gradient_back_input(tn_gradient_ctx *c) {
  return tn_conv_gradient(c, TN_CONV_BACK_INPUT, family, ATTRS);
}
static tn_error *gradient_back_filter(tn_gradient_ctx *c) {
  return tn_conv_gradient(c, TN_CONV_BACK_FILTER, family, ATTRS);
}

TN_CONV_KERNELS(kernels, TN_CONV_FORWARD, 2, true);
TN_CONV_KERNELS(kernels_back_input, TN_CONV_BACK_INPUT, 2, true);
TN_CONV_KERNELS(kernels_back_filter, TN_CONV_BACK_FILTER, 2, true);

TN_OP(
    DepthwiseConv2dNative,
    .doc = "The convolution of each channel with its own filters: [height, width, channels, filters a channel].",
    .inputs = "input: T, filter: T", .outputs = "output: T",
    .attrs =
        "T: floattype; strides: list(int); padding: {'SAME', 'VALID', 'EXPLICIT'}; explicit_paddings: list(int) = []; "
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'; dilations: list(int) = [1, 1, 1, 1]",
    .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(
    DepthwiseConv2dNativeBackpropInput,
    .doc = "The gradient of DepthwiseConv2dNative with respect to its images, whose sizes are the first input.",
    .inputs = "input_sizes: int32, filter: T, out_backprop: T", .outputs = "output: T",
    .attrs =
        "T: floattype; strides: list(int); padding: {'SAME', 'VALID', 'EXPLICIT'}; explicit_paddings: list(int) = []; "
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'; dilations: list(int) = [1, 1, 1, 1]",
    .value_inputs = 1 << 0, .shape = shape_back_input, .gradient = gradient_back_input, .kernels = kernels_back_input);

TN_OP(
    DepthwiseConv2dNativeBackpropFilter,
    .doc = "The gradient of DepthwiseConv2dNative with respect to its filter, whose sizes are the second input.",
    .inputs = "input: T, filter_sizes: int32, out_backprop: T", .outputs = "output: T",
    .attrs =
        "T: floattype; strides: list(int); padding: {'SAME', 'VALID', 'EXPLICIT'}; explicit_paddings: list(int) = []; "
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'; dilations: list(int) = [1, 1, 1, 1]",
    .value_inputs = 1 << 1, .shape = shape_back_filter, .gradient = gradient_back_filter,
    .kernels = kernels_back_filter);
