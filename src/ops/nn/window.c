/* Sliding windows: attributes, sizes and padding. */
#include "ops/nn/window.h"

static bool has_attr(const tn_node *node, const char *name) { return tn_node_attr(node, name) != NULL; }

/* Spreads a list over batch, spatial and depth places in the order of the data format. */
static void spread(const tn_window_attrs *a, const int64_t *list, int64_t *batch, int64_t spatial[TN_WINDOW_DIMS],
                   int64_t *depth) {
  *batch = list[0];
  *depth = list[tn_window_channel(a)];
  for (int d = 0; d < TN_WINDOW_DIMS; d++)
    spatial[d] = d < TN_WINDOW_DIMS - a->spatial ? 1 : list[tn_window_axis(a, d)];
}

static tn_error *read_list(const tn_node *node, const tn_window_attrs *a, const char *name, const int64_t **list) {
  const size_t n = tn_node_get_ints(node, name, list);
  if (n != (size_t)a->spatial + 2)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "attribute %s must hold %d values, it has %zu", name,
                          a->spatial + 2, n);
  return NULL;
}

static tn_error *read_explicit(const tn_node *node, tn_window_attrs *a) {
  const int64_t *list;
  const size_t n = tn_node_get_ints(node, "explicit_paddings", &list);
  if (a->padding != TN_PADDING_EXPLICIT) {
    if (n == 0) return NULL;
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "explicit_paddings must be empty unless padding is EXPLICIT");
  }
  if (n != 2 * ((size_t)a->spatial + 2))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "explicit_paddings must hold %d values, it has %zu",
                          2 * (a->spatial + 2), n);
  for (size_t i = 0; i < n; i++)
    if (list[i] < 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "explicit_paddings holds %lld", (long long)list[i]);
  const int channel = tn_window_channel(a);
  if (list[0] || list[1] || list[2 * channel] || list[2 * channel + 1])
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "explicit_paddings must be 0 in the batch and depth dimensions");
  for (int d = TN_WINDOW_DIMS - a->spatial; d < TN_WINDOW_DIMS; d++) {
    a->before[d] = list[2 * tn_window_axis(a, d)];
    a->after[d] = list[2 * tn_window_axis(a, d) + 1];
  }
  return NULL;
}

tn_error *tn_window_read(const tn_node *node, int spatial, tn_window_attrs *out) {
  tn_window_attrs a = {.spatial = spatial,
                       .batch_dilation = 1,
                       .depth_dilation = 1,
                       .batch_kernel = 1,
                       .depth_kernel = 1,
                       .batch_stride = 1,
                       .depth_stride = 1};
  const int64_t *list;
  for (int d = 0; d < TN_WINDOW_DIMS; d++) a.kernel[d] = a.stride[d] = a.dilation[d] = 1;
  if (has_attr(node, "data_format")) {
    const tn_string format = tn_node_get_string(node, "data_format");
    a.channels_first = format.size > 1 && format.data[1] == 'C';
  }
  a.padding = tn_node_string_is(node, "padding", "SAME")    ? TN_PADDING_SAME
              : tn_node_string_is(node, "padding", "VALID") ? TN_PADDING_VALID
                                                            : TN_PADDING_EXPLICIT;
  if (has_attr(node, "dilations")) {
    TN_TRY(read_list(node, &a, "dilations", &list));
    spread(&a, list, &a.batch_dilation, a.dilation, &a.depth_dilation);
  }
  if (has_attr(node, "strides")) {
    TN_TRY(read_list(node, &a, "strides", &list));
    spread(&a, list, &a.batch_stride, a.stride, &a.depth_stride);
  }
  if (has_attr(node, "ksize")) {
    TN_TRY(read_list(node, &a, "ksize", &list));
    spread(&a, list, &a.batch_kernel, a.kernel, &a.depth_kernel);
  }
  if (has_attr(node, "explicit_paddings")) TN_TRY(read_explicit(node, &a));
  *out = a;
  return NULL;
}

void tn_window_set_pool(tn_window_attrs *a, const int64_t *ksize, const int64_t *strides) {
  spread(a, ksize, &a->batch_kernel, a->kernel, &a->depth_kernel);
  spread(a, strides, &a->batch_stride, a->stride, &a->depth_stride);
}

tn_error *tn_window_check(const tn_node *node, const tn_window_attrs *a) {
  for (int d = 0; d < TN_WINDOW_DIMS; d++) {
    if (a->stride[d] <= 0 || a->stride[d] > INT32_MAX)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "strides must be positive, one is %lld",
                            (long long)a->stride[d]);
    if (a->dilation[d] <= 0 || a->dilation[d] > INT32_MAX)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "dilations must be positive, one is %lld",
                            (long long)a->dilation[d]);
  }
  if (a->batch_stride != 1 || a->depth_stride != 1)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "strides in the batch and depth dimensions must be 1");
  if (a->batch_dilation != 1 || a->depth_dilation != 1)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "dilations in the batch and depth dimensions must be 1");
  return NULL;
}

int tn_window_channel(const tn_window_attrs *a) { return a->channels_first ? 1 : a->spatial + 1; }

int tn_window_axis(const tn_window_attrs *a, int d) {
  return d - (TN_WINDOW_DIMS - a->spatial) + (a->channels_first ? 2 : 1);
}

tn_error *tn_window_infer(const tn_node *node, const tn_window_attrs *a, int d, int64_t in, int64_t kernel,
                          int64_t *out) {
  const int64_t stride = a->stride[d], dilation = a->dilation[d];
  if (stride <= 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "stride must be positive, it is %lld", (long long)stride);
  if (dilation < 1)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "dilation must be positive, it is %lld", (long long)dilation);
  *out = -1;
  if (a->padding == TN_PADDING_SAME) {
    if (in >= 0) *out = in / stride + (in % stride != 0);
    return NULL;
  }
  if (in < 0 || kernel < 0) return NULL;
  int64_t reach, padded;
  if (__builtin_mul_overflow(kernel > 0 ? kernel - 1 : 0, dilation, &reach) ||
      __builtin_add_overflow(reach, kernel > 0, &reach) ||
      __builtin_add_overflow(in, a->before[d] + a->after[d], &padded))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "sizes overflow");
  if (padded < reach)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "negative dimension size: a window of %lld over %lld elements (padding included)",
                          (long long)reach, (long long)padded);
  *out = (padded - reach) / stride + 1;
  return NULL;
}

tn_shape tn_window_shape(const tn_window_attrs *a, int64_t batch, const int64_t spatial[TN_WINDOW_DIMS],
                         int64_t channels) {
  tn_shape shape = tn_shape_unknown_of_rank(a->spatial + 2);
  shape.dims[0] = batch;
  shape.dims[tn_window_channel(a)] = channels;
  for (int d = TN_WINDOW_DIMS - a->spatial; d < TN_WINDOW_DIMS; d++) shape.dims[tn_window_axis(a, d)] = spatial[d];
  return shape;
}

tn_error *tn_window_place(const tn_node *node, const tn_window_attrs *a, const tn_shape *image, tn_window *out) {
  if (image->rank != a->spatial + 2)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "images of rank %d expected, got %s", a->spatial + 2,
                          TN_SHAPE_STR(image));
  tn_window w = {.spatial = a->spatial, .channels_first = a->channels_first, .batch = image->dims[0], .groups = 1};
  w.in_channels = image->dims[tn_window_channel(a)];
  for (int d = 0; d < TN_WINDOW_DIMS; d++) {
    w.in[d] = d < TN_WINDOW_DIMS - a->spatial ? 1 : image->dims[tn_window_axis(a, d)];
    w.kernel[d] = a->kernel[d];
    w.stride[d] = a->stride[d];
    w.dilation[d] = a->dilation[d];
    TN_TRY(tn_window_infer(node, a, d, w.in[d], w.kernel[d], &w.out[d]));
    const int64_t reach = w.kernel[d] > 0 ? (w.kernel[d] - 1) * w.dilation[d] + 1 : 0;
    const int64_t needed = (w.out[d] - 1) * w.stride[d] + reach - w.in[d];
    if (a->padding == TN_PADDING_SAME)
      w.before[d] = needed > 0 ? needed / 2 : 0;
    else
      w.before[d] = a->before[d];
    w.after[d] = needed - w.before[d];
  }
  *out = w;
  return NULL;
}

tn_window_strides tn_window_image(const tn_window *w, bool output) {
  const int64_t *size = output ? w->out : w->in, channels = output ? w->out_channels : w->in_channels;
  tn_window_strides s;
  int64_t step = w->channels_first ? 1 : channels;
  s.channel = w->channels_first ? size[0] * size[1] * size[2] : 1;
  for (int d = TN_WINDOW_DIMS - 1; d >= 0; d--) {
    s.spatial[d] = step;
    step *= size[d];
  }
  s.batch = size[0] * size[1] * size[2] * channels;
  return s;
}

tn_shape tn_window_output(const tn_window *w) {
  const tn_window_attrs a = {.spatial = w->spatial, .channels_first = w->channels_first};
  return tn_window_shape(&a, w->batch, w->out, w->out_channels);
}
