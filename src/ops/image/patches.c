/* ExtractImagePatches and ExtractVolumePatches: the windows of images as rows of channels. */
#include <string.h>

#include "ops/image/image.h"
#include "ops/nn/window.h"

static tn_error *read_lists(const tn_node *node, int spatial, tn_window_attrs *a) {
  static const char *const names[3] = {"ksizes", "strides", "rates"};
  *a = (tn_window_attrs){.spatial = spatial};
  for (int d = 0; d < TN_WINDOW_DIMS; d++) a->kernel[d] = a->stride[d] = a->dilation[d] = 1;
  int64_t *lists[3] = {a->kernel, a->stride, a->dilation};
  for (int k = 0; k < (spatial == 2 ? 3 : 2); k++) {
    const int64_t *values;
    size_t n = tn_node_get_ints(node, names[k], &values);
    if (n != (size_t)spatial + 2)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s must have %d values, but has %zu", names[k], spatial + 2, n);
    if (values[0] != 1 || values[spatial + 1] != 1)
      return tn_node_errorf(node, TN_UNIMPLEMENTED, "%s must be 1 in the batch and depth dimensions", names[k]);
    for (int d = 0; d < spatial; d++) {
      if (values[1 + d] < 1 || values[1 + d] > INT32_MAX)
        return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s must be positive, but holds %lld", names[k],
                              (long long)values[1 + d]);
      lists[k][TN_WINDOW_DIMS - spatial + d] = values[1 + d];
    }
  }
  a->batch_kernel = a->batch_stride = a->batch_dilation = 1;
  a->depth_kernel = a->depth_stride = a->depth_dilation = 1;
  a->padding = tn_node_string_is(node, "padding", "SAME") ? TN_PADDING_SAME : TN_PADDING_VALID;
  return NULL;
}

static tn_error *prepare(tn_prepare *p, int spatial) {
  tn_window_attrs a;
  tn_window *w;
  const tn_shape *s = &p->inputs[0].shape;
  TN_TRY(read_lists(p->node, spatial, &a));
  if (s->rank != spatial + 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be %d-dimensional, but is %s", spatial + 2,
                             TN_SHAPE_STR(s));
  TN_TRY(tn_prepare_state(p, sizeof *w, &w));
  TN_TRY(tn_window_place(p->node, &a, s, w));
  w->out_channels = w->in_channels * w->kernel[0] * w->kernel[1] * w->kernel[2];
  tn_shape out = tn_window_output(w);
  return tn_prepare_output(p, 0, &out);
}

typedef struct job {
  const tn_window *w;
  const char *in;
  char *out;
  int64_t pixel; /* its bytes */
} job;

/* The pixel of the image at POSITION; NULL outside. */
static const char *pixel_at(const job *j, int64_t batch, const int64_t position[TN_WINDOW_DIMS]) {
  int64_t at = batch;
  for (int d = 0; d < TN_WINDOW_DIMS; d++) {
    if (position[d] < 0 || position[d] >= j->w->in[d]) return NULL;
    at = at * j->w->in[d] + position[d];
  }
  return j->in + at * j->pixel;
}

static void extract(void *argument, int64_t i) {
  const job *j = argument;
  const tn_window *w = j->w;
  const int64_t place[TN_WINDOW_DIMS] = {i / (w->out[2] * w->out[1]) % w->out[0], i / w->out[2] % w->out[1],
                                         i % w->out[2]};
  const int64_t batch = i / (w->out[2] * w->out[1] * w->out[0]);
  const int64_t *k = w->kernel;
  char *to = j->out + i * k[0] * k[1] * k[2] * j->pixel;
  int64_t position[TN_WINDOW_DIMS];
  for (int64_t m = 0; m < k[0] * k[1] * k[2]; m++, to += j->pixel) {
    const int64_t at[TN_WINDOW_DIMS] = {m / (k[2] * k[1]), m / k[2] % k[1], m % k[2]};
    for (int d = 0; d < TN_WINDOW_DIMS; d++)
      position[d] = place[d] * w->stride[d] + at[d] * w->dilation[d] - w->before[d];
    const char *from = pixel_at(j, batch, position);
    if (from)
      memcpy(to, from, (size_t)j->pixel);
    else
      memset(to, 0, (size_t)j->pixel);
  }
}

static tn_error *run(tn_run *r) {
  const tn_window *w = r->state;
  if (tn_elements(r->outputs[0]) == 0) return NULL;
  job j = {w, r->inputs[0]->data, r->outputs[0]->data, w->in_channels * (int64_t)tn_dtype_size(r->inputs[0]->dtype)};
  tn_image_rows(w->batch * w->out[0] * w->out[1] * w->out[2], w->out_channels, extract, &j);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c, int spatial) {
  tn_window_attrs a;
  tn_shape s;
  int64_t out[TN_WINDOW_DIMS] = {1, 1, 1}, channels = -1;
  TN_TRY(read_lists(c->node, spatial, &a));
  TN_TRY(tn_shape_with_rank(c, 0, spatial + 2, &s));
  if (s.rank < 0) s = tn_shape_unknown_of_rank(spatial + 2);
  for (int d = TN_WINDOW_DIMS - spatial; d < TN_WINDOW_DIMS; d++)
    TN_TRY(tn_window_infer(c->node, &a, d, s.dims[tn_window_axis(&a, d)], a.kernel[d], &out[d]));
  if (s.dims[spatial + 1] >= 0) channels = s.dims[spatial + 1] * a.kernel[0] * a.kernel[1] * a.kernel[2];
  c->out[0] = tn_window_shape(&a, s.dims[0], out, channels);
  return NULL;
}

/* --- the gradient: patches of an image of pixel numbers say where each value came from --- */

static tn_output ints(tn_scope *s, int n, const int64_t *values) { return tn_build_ints(s, TN_INT32, n, values); }

static tn_output part(tn_scope *s, tn_output vector, int64_t begin, int64_t n) {
  return tn_build(s, "Slice", TN_IN(vector, ints(s, 1, &begin), ints(s, 1, &n)), NULL);
}

static tn_output concat(tn_scope *s, tn_output a, tn_output b) {
  return tn_build(s, "ConcatV2", TN_IN(a, b, tn_build_scalar(s, TN_INT32, 0)), NULL);
}

static tn_output product(tn_scope *s, tn_output x) {
  return tn_build(s, "Prod", TN_IN(x, ints(s, 1, (int64_t[]){0})), NULL);
}

static tn_output range(tn_scope *s, tn_output first, tn_output end) {
  return tn_build(s, "Range", TN_IN(first, end, tn_build_scalar(s, TN_INT32, 1)), NULL);
}

static tn_output patches_of(tn_gradient_ctx *c, int spatial, tn_output image) {
  if (spatial == 3)
    return tn_build(
        c->scope, "ExtractVolumePatches", TN_IN(image),
        TN_ATTRS(TN_A_SAME(c->node, "ksizes"), TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "padding")));
  return tn_build(c->scope, "ExtractImagePatches", TN_IN(image),
                  TN_ATTRS(TN_A_SAME(c->node, "ksizes"), TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "rates"),
                           TN_A_SAME(c->node, "padding")));
}

static tn_error *gradient(tn_gradient_ctx *c, int spatial) {
  tn_scope *s = c->scope;
  const int64_t one = 1, minus = -1;
  tn_output shape = tn_build_shape_of(s, tn_grad_x(c, 0)), sizes = part(s, shape, 1, spatial);
  tn_output batch = part(s, shape, 0, 1), depth = part(s, shape, spatial + 1, 1);
  tn_output first = tn_build_scalar(s, TN_INT32, 1);
  tn_output count = tn_build2(s, "AddV2", product(s, sizes), first); /* number 0 is the padding */
  tn_output numbers =
      tn_build2(s, "Reshape", range(s, first, count), concat(s, concat(s, ints(s, 1, &one), sizes), ints(s, 1, &one)));
  tn_output where = patches_of(c, spatial, numbers);
  tn_output places = product(s, tn_build_shape_of(s, where));
  tn_output per_image = tn_build(s, "ExpandDims", TN_IN(places, tn_build_scalar(s, TN_INT32, 0)), NULL);
  tn_output values = tn_build2(s, "Reshape", tn_grad_dense(c, 0), concat(s, concat(s, batch, per_image), depth));
  values = tn_build2(s, "Transpose", values, ints(s, 3, (int64_t[]){1, 0, 2}));
  where = tn_build2(s, "Reshape", where, ints(s, 1, &minus));
  tn_output sums = tn_build(s, "UnsortedSegmentSum", TN_IN(values, where, count), NULL);
  sums = tn_build(s, "Slice", TN_IN(sums, ints(s, 3, (int64_t[]){1, 0, 0}), ints(s, 3, (int64_t[]){-1, -1, -1})), NULL);
  sums = tn_build2(s, "Transpose", sums, ints(s, 3, (int64_t[]){1, 0, 2}));
  tn_grad_set(c, 0, tn_build2(s, "Reshape", sums, shape));
  return NULL;
}

static tn_error *image_prepare(tn_prepare *p) { return prepare(p, 2); }
static tn_error *image_shape(tn_shape_ctx *c) { return shape(c, 2); }
static tn_error *image_gradient(tn_gradient_ctx *c) { return gradient(c, 2); }
static tn_error *volume_prepare(tn_prepare *p) { return prepare(p, 3); }
static tn_error *volume_shape(tn_shape_ctx *c) { return shape(c, 3); }
static tn_error *volume_gradient(tn_gradient_ctx *c) { return gradient(c, 3); }

static const tn_kernel_def image_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = image_prepare, .run = run}, {0}};
static const tn_kernel_def volume_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = volume_prepare, .run = run}, {0}};

TN_OP(ExtractImagePatches, .inputs = "images: T", .outputs = "patches: T",
      .attrs =
          "ksizes: list(int) >= 4; strides: list(int) >= 4; rates: list(int) >= 4; "
          "T: {bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, "
          "complex128, bool}; padding: {'SAME', 'VALID'}",
      .doc = "The windows of images, the pixels of each as channels.", .shape = image_shape, .gradient = image_gradient,
      .kernels = image_kernels);

TN_OP(ExtractVolumePatches, .inputs = "input: T", .outputs = "patches: T",
      .attrs = "ksizes: list(int) >= 5; strides: list(int) >= 5; T: realnumbertype; padding: {'SAME', 'VALID'}",
      .doc = "The windows of volumes, the pixels of each as channels.", .shape = volume_shape,
      .gradient = volume_gradient, .kernels = volume_kernels);
