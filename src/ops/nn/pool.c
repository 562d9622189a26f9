/* Pools: shape inference and geometry. */
#include "ops/nn/pool.h"

/* ksize and strides from the last two inputs; *KNOWN false where they are not constant. */
static tn_error *infer_inputs(tn_shape_ctx *c, tn_window_attrs *a, bool *known) {
  int64_t lists[2][TN_MAX_RANK];
  *known = true;
  for (int i = 0; i < 2; i++) {
    int n;
    TN_TRY(tn_shape_vector_value(c, c->n_inputs - 2 + i, &n, lists[i]));
    if (n >= 0 && n != a->spatial + 2)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%s must hold %d values, it has %d", i ? "strides" : "ksize",
                            a->spatial + 2, n);
    if (n < 0) *known = false;
  }
  if (*known) tn_window_set_pool(a, lists[0], lists[1]);
  return NULL;
}

tn_error *tn_pool_shape(tn_shape_ctx *c, int spatial, bool average, bool inputs) {
  tn_window_attrs a;
  tn_shape image;
  bool known = true;
  int64_t sizes[TN_WINDOW_DIMS];
  TN_TRY(tn_shape_with_rank(c, 0, spatial + 2, &image));
  TN_TRY(tn_window_read(c->node, spatial, &a));
  if (inputs) TN_TRY(infer_inputs(c, &a, &known));
  if (!known) return NULL;
  for (int d = 0; d < TN_WINDOW_DIMS; d++) {
    sizes[d] = 1;
    if (d >= TN_WINDOW_DIMS - spatial)
      TN_TRY(tn_window_infer(c->node, &a, d, image.dims[tn_window_axis(&a, d)], a.kernel[d], &sizes[d]));
  }
  int64_t channels = image.dims[tn_window_channel(&a)];
  if (!average) {
    const tn_window_attrs depth = {.padding = a.padding == TN_PADDING_SAME ? TN_PADDING_SAME : TN_PADDING_VALID,
                                   .stride = {a.depth_stride},
                                   .dilation = {1}};
    TN_TRY(tn_window_infer(c->node, &depth, 0, channels, a.depth_kernel, &channels));
  }
  c->out[0] = tn_window_shape(&a, image.dims[0], sizes, channels);
  return NULL;
}

tn_error *tn_pool_grad_shape(tn_shape_ctx *c, int spatial) { return tn_shape_with_rank(c, 0, spatial + 2, &c->out[0]); }

tn_error *tn_pool_grad_grad_shape(tn_shape_ctx *c, int spatial, bool inputs) {
  tn_shape merged;
  TN_TRY(tn_pool_shape(c, spatial, false, inputs));
  TN_TRY(tn_shape_merge(c, &c->in[0], &c->in[2], &merged));
  return tn_shape_merge(c, &c->in[1], &c->out[0], &merged);
}

tn_error *tn_pool_sizes_shape(tn_shape_ctx *c, int spatial) {
  tn_shape sizes;
  TN_TRY(tn_shape_from_value(c, 0, &sizes));
  if (sizes.rank < 0) sizes = tn_shape_unknown_of_rank(spatial + 2);
  if (sizes.rank != spatial + 2)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%d sizes expected, got %s", spatial + 2, TN_SHAPE_STR(&sizes));
  c->out[0] = sizes;
  return NULL;
}

/* ksize and strides: attributes, or the last two inputs. */
static tn_error *read_attrs(const tn_prepare *p, int spatial, tn_window_attrs *a) {
  TN_TRY(tn_window_read(p->node, spatial, a));
  if (!tn_node_attr(p->node, "ksize")) {
    int64_t lists[2][TN_MAX_RANK];
    for (int i = 0; i < 2; i++) {
      int n;
      TN_TRY(tn_prepare_ints(p, p->n_inputs - 2 + i, TN_MAX_RANK, &n, lists[i]));
      if (n != spatial + 2)
        return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must hold %d values, it has %d", i ? "strides" : "ksize",
                                 spatial + 2, n);
    }
    tn_window_set_pool(a, lists[0], lists[1]);
  }
  for (int d = 0; d < TN_WINDOW_DIMS; d++)
    if (a->kernel[d] <= 0 || a->kernel[d] > INT32_MAX || a->stride[d] <= 0 || a->stride[d] > INT32_MAX)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "ksize and strides must be positive");
  if (a->batch_kernel != 1 || a->batch_stride != 1)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "pooling is not supported on the batch dimension");
  return NULL;
}

/* The depth window: pooling over channels alone, in whole windows. */
static tn_error *check_depth(const tn_prepare *p, tn_pool_kind kind, const tn_window_attrs *a, const tn_window *w) {
  if (a->depth_kernel == 1 && a->depth_stride == 1) return NULL;
  if ((kind != TN_POOL_MAX && kind != TN_POOL_MAX_ARG) || a->spatial != 2)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "pooling is not supported on the depth dimension");
  if (a->depth_kernel <= 0 || a->depth_stride <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "ksize and strides must be positive");
  if (w->kernel[1] != 1 || w->kernel[2] != 1)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "pooling goes over depth or over height and width, not over both");
  if (a->depth_kernel != a->depth_stride || w->in_channels % a->depth_kernel != 0)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED,
                             "a depth window of %lld with stride %lld does not divide %lld channels",
                             (long long)a->depth_kernel, (long long)a->depth_stride, (long long)w->in_channels);
  return NULL;
}

static tn_error *expect(const tn_prepare *p, int input, const tn_shape *shape) {
  if (tn_shape_equal(&p->inputs[input].shape, shape)) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d is %s, expected %s", input,
                           TN_SHAPE_STR(&p->inputs[input].shape), TN_SHAPE_STR(shape));
}

/* The inputs that have the shape of the image or of the result, and the outputs. */
static tn_error *check_inputs(tn_prepare *p, tn_pool_kind kind, const tn_shape *image, const tn_shape *result) {
  switch (kind) {
  case TN_POOL_MAX_GRAD:
    TN_TRY(expect(p, 1, result));
    TN_TRY(expect(p, 2, result));
    return tn_prepare_output(p, 0, image);
  case TN_POOL_MAX_GRAD_GRAD:
    TN_TRY(expect(p, 1, result));
    TN_TRY(expect(p, 2, image));
    return tn_prepare_output(p, 0, result);
  case TN_POOL_AVG_GRAD: TN_TRY(expect(p, 1, result)); return tn_prepare_output(p, 0, image);
  case TN_POOL_MAX_ARG: TN_TRY(tn_prepare_output(p, 1, result)); return tn_prepare_output(p, 0, result);
  default: return tn_prepare_output(p, 0, result);
  }
}

tn_error *tn_pool_prepare(tn_prepare *p, tn_pool_kind kind, int spatial, tn_pool *out) {
  tn_window_attrs a;
  tn_pool pool = {.depth = 1};
  tn_shape image = p->inputs[0].shape;
  TN_TRY(read_attrs(p, spatial, &a));
  if (kind == TN_POOL_AVG_GRAD) {
    if (p->inputs[0].shape.rank != 1 || p->inputs[0].shape.dims[0] != spatial + 2)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%d sizes expected, got a tensor %s", spatial + 2,
                               TN_SHAPE_STR(&p->inputs[0].shape));
    TN_TRY(tn_prepare_shape(p, 0, &image));
  }
  TN_TRY(tn_window_place(p->node, &a, &image, &pool.window));
  TN_TRY(check_depth(p, kind, &a, &pool.window));
  pool.depth = a.depth_kernel;
  pool.window.out_channels = pool.window.in_channels / pool.depth;
  if (tn_node_attr(p->node, "include_batch_in_index"))
    pool.batch_index = tn_node_get_bool(p->node, "include_batch_in_index");
  const tn_shape result = tn_window_output(&pool.window);
  TN_TRY(check_inputs(p, kind, &image, &result));
  *out = pool;
  return NULL;
}
