/* Geometry, checks and shapes of the resizing ops. */
#include "ops/image/resize.h"

#include <limits.h>
#include <math.h>

float tn_resize_scale(int64_t in, int64_t out, bool align_corners) {
  return align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
}

static tn_error *read_flags(const tn_node *node, tn_resize *z) {
  z->align_corners = tn_node_get_bool(node, "align_corners");
  z->half_pixel_centers = tn_node_attr(node, "half_pixel_centers") && tn_node_get_bool(node, "half_pixel_centers");
  if (z->align_corners && z->half_pixel_centers)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "If half_pixel_centers is True, align_corners must be False.");
  return NULL;
}

static tn_error *check_images(tn_prepare *p, tn_resize *z) {
  const tn_shape *s = &p->inputs[0].shape;
  if (s->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be 4-dimensional, but is %s", TN_SHAPE_STR(s));
  if (s->dims[3] < 1 || s->dims[1] < 1 || s->dims[2] < 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "input image must be of non-zero size with at least one channel, but is %s",
                             TN_SHAPE_STR(s));
  if (s->dims[1] >= INT_MAX || s->dims[2] >= INT_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input sizes must be between 0 and max int32");
  z->batch = s->dims[0];
  z->in_height = s->dims[1];
  z->in_width = s->dims[2];
  z->channels = s->dims[3];
  return NULL;
}

tn_error *tn_resize_prepare(tn_prepare *p, tn_resize *z) {
  int n;
  int64_t size[2];
  TN_TRY(read_flags(p->node, z));
  TN_TRY(check_images(p, z));
  if (p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "size must have two elements, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  TN_TRY(tn_prepare_ints(p, 1, 2, &n, size));
  if (size[0] <= 0 || size[1] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output dimensions must be positive, but are [%lld,%lld]",
                             (long long)size[0], (long long)size[1]);
  z->out_height = size[0];
  z->out_width = size[1];
  z->height_scale = tn_resize_scale(z->in_height, z->out_height, z->align_corners);
  z->width_scale = tn_resize_scale(z->in_width, z->out_width, z->align_corners);
  tn_shape out = tn_shape_of(4, (int64_t[4]){z->batch, size[0], size[1], z->channels});
  return tn_prepare_output(p, 0, &out);
}

tn_error *tn_resize_prepare_grad(tn_prepare *p, tn_resize *z) {
  const tn_shape *g = &p->inputs[0].shape, *x = &p->inputs[1].shape;
  TN_TRY(read_flags(p->node, z));
  if (g->rank != 4 || x->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "gradient and images must be 4-dimensional, but are %s and %s",
                             TN_SHAPE_STR(g), TN_SHAPE_STR(x));
  *z = (tn_resize){g->dims[0], g->dims[3], x->dims[1], x->dims[2],       g->dims[1],
                   g->dims[2], 0,          0,          z->align_corners, z->half_pixel_centers};
  if (z->in_height < 1 || z->in_width < 1 || z->out_height < 1 || z->out_width < 1 || z->in_height >= INT_MAX ||
      z->in_width >= INT_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dimensions must be positive, but are %s and %s", TN_SHAPE_STR(g),
                             TN_SHAPE_STR(x));
  z->height_scale = tn_resize_scale(z->in_height, z->out_height, z->align_corners);
  z->width_scale = tn_resize_scale(z->in_width, z->out_width, z->align_corners);
  tn_shape out = tn_shape_of(4, (int64_t[4]){z->batch, z->in_height, z->in_width, z->channels});
  return tn_prepare_output(p, 0, &out);
}

void tn_resize_ranges(const int32_t *index, int64_t n, int n_index, int64_t pixels, int32_t *first, int32_t *last) {
  for (int64_t i = 0; i < pixels; i++) first[i] = 0, last[i] = -1;
  for (int64_t i = 0; i < n; i++) {
    for (int k = 0; k < n_index; k++) {
      int32_t to = index[i * n_index + k];
      if (last[to] < 0) first[to] = (int32_t)i;
      last[to] = (int32_t)i;
    }
  }
}

tn_error *tn_resize_sized(tn_shape_ctx *c, int64_t batch, int size_input, int64_t channels) {
  tn_shape size;
  int64_t two;
  int n;
  int64_t values[TN_MAX_RANK];
  TN_TRY(tn_shape_with_rank(c, size_input, 1, &size));
  if (size.rank == 1) TN_TRY(tn_dim_merge(c, size.dims[0], 2, &two));
  TN_TRY(tn_shape_vector_value(c, size_input, &n, values));
  c->out[0] = tn_shape_of(4, (int64_t[4]){batch, n == 2 ? values[0] : -1, n == 2 ? values[1] : -1, channels});
  for (int i = 1; i < 3; i++)
    if (n == 2 && values[i - 1] < 0)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the size [%lld,%lld] is negative", (long long)values[0],
                            (long long)values[1]);
  return NULL;
}

tn_error *tn_resize_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &s));
  return tn_resize_sized(c, s.rank == 4 ? s.dims[0] : -1, 1, s.rank == 4 ? s.dims[3] : -1);
}

tn_error *tn_resize_grad_shape(tn_shape_ctx *c) {
  c->out[0] = c->in[1];
  return NULL;
}

tn_error *tn_resize_gradient(tn_gradient_ctx *c, const char *op, tn_dtype_mask types) {
  tn_dtype dtype = tn_node_get_type(c->node, "T");
  if (!(TN_BIT(dtype) & types)) return NULL;
  tn_grad_set(c, 0,
              tn_build(c->scope, op, TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 0)),
                       TN_ATTRS(TN_A_SAME(c->node, "align_corners"), TN_A_SAME(c->node, "half_pixel_centers"))));
  return NULL;
}
