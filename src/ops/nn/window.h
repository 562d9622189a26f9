/* Sliding windows: the geometry that convolutions and pools share, for two and three spatial dimensions. */
#ifndef TN_OPS_NN_WINDOW_H
#define TN_OPS_NN_WINDOW_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

#define TN_WINDOW_DIMS 3 /* spatial dimensions; those that are missing stand first, with size 1 */

typedef enum tn_padding { TN_PADDING_SAME, TN_PADDING_VALID, TN_PADDING_EXPLICIT } tn_padding;

/* What the attributes say. Arrays are indexed by spatial dimension; windows of convolutions come from the filter. */
typedef struct tn_window_attrs {
  int spatial;         /* 2 or 3 */
  bool channels_first; /* NCHW, NCDHW */
  tn_padding padding;
  int64_t kernel[TN_WINDOW_DIMS], stride[TN_WINDOW_DIMS], dilation[TN_WINDOW_DIMS];
  int64_t before[TN_WINDOW_DIMS], after[TN_WINDOW_DIMS]; /* explicit padding */
  int64_t batch_kernel, batch_stride, batch_dilation;
  int64_t depth_kernel, depth_stride, depth_dilation;
} tn_window_attrs;

/* Known geometry: IN -> OUT positions, for images of BATCH x CHANNELS. */
typedef struct tn_window {
  int spatial;
  bool channels_first;
  int64_t batch, in_channels, out_channels, groups;
  int64_t in[TN_WINDOW_DIMS], out[TN_WINDOW_DIMS];
  int64_t kernel[TN_WINDOW_DIMS], stride[TN_WINDOW_DIMS], dilation[TN_WINDOW_DIMS];
  int64_t before[TN_WINDOW_DIMS],
      after[TN_WINDOW_DIMS]; /* padding; AFTER may be negative where positions are left out */
} tn_window;

/* Reads strides, padding, explicit_paddings, data_format, dilations and ksize, as far as the op has them, for images of
 * rank SPATIAL + 2. INVALID_ARGUMENT for lists of the wrong length. */
tn_error *tn_window_read(const tn_node *node, int spatial, tn_window_attrs *out) TN_MUST_USE;
/* The same with ksize and strides from vectors of SPATIAL + 2 values. */
void tn_window_set_pool(tn_window_attrs *a, const int64_t *ksize, const int64_t *strides);
/* Checks that strides and dilations are positive, and 1 in the batch and depth dimensions. */
tn_error *tn_window_check(const tn_node *node, const tn_window_attrs *a) TN_MUST_USE;
/* The place of the channels and of spatial dimension D (of TN_WINDOW_DIMS) in a shape. */
int tn_window_channel(const tn_window_attrs *a);
int tn_window_axis(const tn_window_attrs *a, int d);

/* --- shapes with unknowns --- */
/* The output size along spatial dimension D for an input of IN and a window of KERNEL elements (-1: unknown). */
tn_error *tn_window_infer(const tn_node *node, const tn_window_attrs *a, int d, int64_t in, int64_t kernel,
                          int64_t *out) TN_MUST_USE;
/* A shape of batch, spatial sizes and channels in the right order. */
tn_shape tn_window_shape(const tn_window_attrs *a, int64_t batch, const int64_t spatial[TN_WINDOW_DIMS],
                         int64_t channels);

/* --- known geometry --- */
/* From an input image and the window sizes in a->kernel: all but the channel counts of the output. INVALID_ARGUMENT
 * where the output would be negative. */
tn_error *tn_window_place(const tn_node *node, const tn_window_attrs *a, const tn_shape *image,
                          tn_window *out) TN_MUST_USE;
/* Strides in elements of the input image (or, OUTPUT set, of the output): batch, spatial dimensions, channel. */
typedef struct tn_window_strides {
  int64_t batch, spatial[TN_WINDOW_DIMS], channel;
} tn_window_strides;
tn_window_strides tn_window_image(const tn_window *w, bool output);
/* The shape of the output image. */
tn_shape tn_window_output(const tn_window *w);

/* --- convolutions (plain, grouped, depthwise; 2 and 3 dimensions) --- */
typedef enum tn_conv_kind { TN_CONV_FORWARD, TN_CONV_BACK_INPUT, TN_CONV_BACK_FILTER } tn_conv_kind;

/* The full geometry of a convolution of IMAGE with FILTER, as TensorFlow checks it at run time. DEPTHWISE: the filter
 * is
 * [..., channels, multiplier]. */
tn_error *tn_conv_place(const tn_node *node, const tn_window_attrs *a, bool depthwise, const tn_shape *image,
                        const tn_shape *filter, tn_window *out) TN_MUST_USE;
/* Finds image and filter shapes of a convolution of KIND (from value inputs where the op takes sizes), checks the
 * output gradient against them, sets output 0. */
tn_error *tn_conv_prepare(tn_prepare *p, tn_conv_kind kind, int spatial, bool depthwise, tn_window *out) TN_MUST_USE;
/* Plain kernels: all dtypes and formats. Each prepare leaves a tn_window as state. */
tn_error *tn_conv_reference_prepare(tn_prepare *p, tn_conv_kind kind, int spatial, bool depthwise) TN_MUST_USE;
tn_error *tn_conv_reference(tn_run *r, tn_conv_kind kind) TN_MUST_USE;

/* oneDNN's kernels: float32, channels last. */
tn_error *tn_conv_dnn_prepare(tn_prepare *p, tn_conv_kind kind, int spatial, bool depthwise) TN_MUST_USE;
tn_error *tn_conv_dnn(tn_run *r) TN_MUST_USE;
void tn_conv_dnn_free(void *state);

/* Shape functions: forward, and the gradient of the input or filter, whose sizes are value input 0 or 1. */
tn_error *tn_conv_shape(tn_shape_ctx *c, int spatial, bool depthwise) TN_MUST_USE;
tn_error *tn_conv_shape_back(tn_shape_ctx *c, tn_conv_kind kind, int spatial) TN_MUST_USE;
/* The gradient of the op of KIND; FAMILY names the three ops in the order of tn_conv_kind, ATTRS are what they share.
 */
tn_error *tn_conv_gradient(tn_gradient_ctx *c, tn_conv_kind kind, const char *const family[3],
                           const tn_named_attr *attrs) TN_MUST_USE;

/* NAME: the kernel list of one convolution op: oneDNN's, then the plain one. KIND is a tn_conv_kind, N the number of
 * spatial dimensions. */
#define TN_CONV_KERNELS(NAME, KIND, N, DEPTHWISE)                                                                      \
  static tn_error *NAME##_prepare(tn_prepare *p) { return tn_conv_reference_prepare(p, KIND, N, DEPTHWISE); }          \
  static tn_error *NAME##_run(tn_run *r) { return tn_conv_reference(r, KIND); }                                        \
  static tn_error *NAME##_prepare_dnn(tn_prepare *p) { return tn_conv_dnn_prepare(p, KIND, N, DEPTHWISE); }            \
  static const tn_kernel_def NAME[] = {                                                                                \
      {.name = "onednn",                                                                                               \
       .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF) | TN_BIT(TN_BFLOAT16),                                              \
       .prepare = NAME##_prepare_dnn,                                                                                  \
       .run = tn_conv_dnn,                                                                                             \
       .destroy = tn_conv_dnn_free},                                                                                   \
      {.name = "reference", .prepare = NAME##_prepare, .run = NAME##_run},                                             \
      {0},                                                                                                             \
  }

#endif
