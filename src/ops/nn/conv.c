/* Convolutions: shape inference and geometry for the plain, grouped and depthwise ones in two and three dimensions. */
#include <string.h>

#include "ops/nn/window.h"

/* Channels of the result; -1 if unknown. CHANNELS: of the image; the last two dimensions of the filter decide. */
static tn_error *infer_channels(const tn_node *node, bool depthwise, int64_t channels, const tn_shape *filter,
                                int64_t *out) {
  const int64_t inner = filter->dims[filter->rank - 2], outer = filter->dims[filter->rank - 1];
  *out = depthwise ? -1 : outer;
  if (depthwise) {
    if (channels >= 0 && inner >= 0 && channels != inner)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the input has %lld channels, the filter %s wants %lld",
                            (long long)channels, TN_SHAPE_STR(filter), (long long)inner);
    const int64_t known = channels >= 0 ? channels : inner;
    if (outer == 0 || known == 0)
      *out = 0;
    else if (known >= 0 && outer >= 0 && __builtin_mul_overflow(known, outer, out))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "sizes overflow");
    return NULL;
  }
  if (channels < 0 || inner < 0) return NULL;
  if (inner == 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "depth of filter %s must not be 0", TN_SHAPE_STR(filter));
  if (channels % inner != 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "depth of input (%lld) is not a multiple of the input depth of filter %s",
                          (long long)channels, TN_SHAPE_STR(filter));
  const int64_t groups = channels / inner;
  if (groups > 1 && outer >= 0 && outer % groups != 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "output depth of filter %s is not a multiple of %lld groups",
                          TN_SHAPE_STR(filter), (long long)groups);
  return NULL;
}

tn_error *tn_conv_shape(tn_shape_ctx *c, int spatial, bool depthwise) {
  tn_window_attrs a;
  tn_shape image, filter;
  int64_t sizes[TN_WINDOW_DIMS], channels;
  TN_TRY(tn_shape_with_rank(c, 0, spatial + 2, &image));
  TN_TRY(tn_shape_with_rank(c, 1, spatial + 2, &filter));
  TN_TRY(tn_window_read(c->node, spatial, &a));
  TN_TRY(infer_channels(c->node, depthwise, image.dims[tn_window_channel(&a)], &filter, &channels));
  for (int d = 0; d < TN_WINDOW_DIMS; d++) {
    const int f = d - (TN_WINDOW_DIMS - spatial);
    sizes[d] = 1;
    if (f >= 0) TN_TRY(tn_window_infer(c->node, &a, d, image.dims[tn_window_axis(&a, d)], filter.dims[f], &sizes[d]));
  }
  c->out[0] = tn_window_shape(&a, image.dims[0], sizes, channels);
  return NULL;
}

tn_error *tn_conv_place(const tn_node *node, const tn_window_attrs *attrs, bool depthwise, const tn_shape *image,
                        const tn_shape *filter, tn_window *out) {
  tn_window_attrs a = *attrs;
  tn_window w;
  int64_t channels;
  TN_TRY(tn_window_check(node, &a));
  if (image->rank != a.spatial + 2 || filter->rank != a.spatial + 2)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "image and filter must have rank %d, they are %s and %s",
                          a.spatial + 2, TN_SHAPE_STR(image), TN_SHAPE_STR(filter));
  for (int d = TN_WINDOW_DIMS - a.spatial; d < TN_WINDOW_DIMS; d++) {
    a.kernel[d] = filter->dims[d - (TN_WINDOW_DIMS - a.spatial)];
    if (a.kernel[d] <= 0 && tn_shape_elements(image) > 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the filter %s is empty", TN_SHAPE_STR(filter));
  }
  TN_TRY(infer_channels(node, depthwise, image->dims[tn_window_channel(&a)], filter, &channels));
  TN_TRY(tn_window_place(node, &a, image, &w));
  const int64_t inner = filter->dims[filter->rank - 2];
  w.out_channels = channels;
  w.groups = depthwise ? w.in_channels : w.in_channels / inner;
  *out = w;
  return NULL;
}

/* The sizes that input I of a gradient op gives: its value, or the shape of the tensor itself in the first version of
 * the op. */
static tn_error *given_shape(const tn_prepare *p, int i, const tn_window_attrs *a, tn_shape *out) {
  if (tn_dtype_is_floating(p->inputs[i].dtype)) {
    *out = p->inputs[i].shape;
    return NULL;
  }
  if (p->inputs[i].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sizes must be a vector, not %s",
                             TN_SHAPE_STR(&p->inputs[i].shape));
  tn_shape sizes;
  TN_TRY(tn_prepare_shape(p, i, &sizes));
  if (i == 0 && sizes.rank == a->spatial) { /* spatial sizes only */
    const tn_shape filter = p->inputs[1].shape, y = p->inputs[2].shape;
    if (filter.rank != a->spatial + 2 || y.rank != a->spatial + 2)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "filter and gradient must have rank %d, they are %s and %s",
                               a->spatial + 2, TN_SHAPE_STR(&filter), TN_SHAPE_STR(&y));
    int64_t spatial[TN_WINDOW_DIMS] = {1, 1, 1};
    for (int d = TN_WINDOW_DIMS - a->spatial; d < TN_WINDOW_DIMS; d++)
      spatial[d] = sizes.dims[d - (TN_WINDOW_DIMS - a->spatial)];
    sizes = tn_window_shape(a, y.dims[0], spatial, filter.dims[filter.rank - 2]);
  }
  if (sizes.rank != a->spatial + 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%d sizes expected, got %d", a->spatial + 2, sizes.rank);
  *out = sizes;
  return NULL;
}

tn_error *tn_conv_prepare(tn_prepare *p, tn_conv_kind kind, int spatial, bool depthwise, tn_window *out) {
  tn_window_attrs a;
  tn_window w;
  tn_shape image = p->inputs[0].shape, filter = p->inputs[1].shape;
  TN_TRY(tn_window_read(p->node, spatial, &a));
  TN_TRY(tn_window_check(p->node, &a));
  if (kind == TN_CONV_BACK_INPUT) TN_TRY(given_shape(p, 0, &a, &image));
  if (kind == TN_CONV_BACK_FILTER) TN_TRY(given_shape(p, 1, &a, &filter));
  TN_TRY(tn_conv_place(p->node, &a, depthwise, &image, &filter, &w));
  const tn_shape y = tn_window_output(&w);
  if (kind != TN_CONV_FORWARD && !tn_shape_equal(&y, &p->inputs[2].shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the gradient is %s, expected %s for images %s and filter %s",
                             TN_SHAPE_STR(&p->inputs[2].shape), TN_SHAPE_STR(&y), TN_SHAPE_STR(&image),
                             TN_SHAPE_STR(&filter));
  TN_TRY(tn_prepare_output(p, 0, kind == TN_CONV_FORWARD ? &y : kind == TN_CONV_BACK_INPUT ? &image : &filter));
  *out = w;
  return NULL;
}

tn_error *tn_conv_shape_back(tn_shape_ctx *c, tn_conv_kind kind, int spatial) {
  const int at = kind == TN_CONV_BACK_INPUT ? 0 : 1, rank = spatial + 2;
  tn_shape sizes, other;
  TN_TRY(tn_shape_with_rank(c, 1 - at, rank, &other));
  TN_TRY(tn_shape_with_rank(c, 2, rank, &other));
  TN_TRY(tn_shape_from_value(c, at, &sizes));
  if (sizes.rank < 0) sizes = tn_shape_unknown_of_rank(rank);
  if (sizes.rank != rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%d sizes expected, got %s", rank, TN_SHAPE_STR(&sizes));
  /* As TensorFlow infers it: the batch of Conv2DBackpropInput is the gradient's. */
  if (strcmp(c->node->op->name, "Conv2DBackpropInput") == 0) sizes.dims[0] = c->in[2].rank < 0 ? -1 : c->in[2].dims[0];
  c->out[0] = sizes;
  return NULL;
}

tn_error *tn_conv_gradient(tn_gradient_ctx *c, tn_conv_kind kind, const char *const family[3],
                           const tn_named_attr *attrs) {
  tn_scope *s = c->scope;
  const tn_output g = tn_grad_dense(c, 0);
  /* Each of image, filter and result is an input of the forward or a gradient op; G takes the place of the output. */
  const tn_output x = kind == TN_CONV_BACK_INPUT ? g : tn_grad_x(c, 0),
                  f = kind == TN_CONV_BACK_FILTER ? g : tn_grad_x(c, 1);
  const tn_output y = kind == TN_CONV_FORWARD ? g : tn_grad_x(c, 2);
  if (kind != TN_CONV_FORWARD) tn_grad_set(c, 2, tn_build(s, family[TN_CONV_FORWARD], TN_IN(x, f), attrs));
  if (kind != TN_CONV_BACK_INPUT) {
    const tn_output sizes = tn_build_shape_of(s, x);
    tn_grad_set(c, 0, tn_build(s, family[TN_CONV_BACK_INPUT], TN_IN(sizes, f, y), attrs));
  }
  if (kind != TN_CONV_BACK_FILTER) {
    const tn_output sizes = tn_build_shape_of(s, tn_grad_x(c, 1));
    tn_grad_set(c, 1, tn_build(s, family[TN_CONV_BACK_FILTER], TN_IN(x, sizes, y), attrs));
  }
  return NULL;
}
