/* Dilation2D and its gradients: each result is the greatest sum of a pixel in its window and the filter there. */
#include <string.h>

#include "kernel/wide.h"
#include "ops/image/image.h"
#include "ops/nn/window.h"

static tn_error *read_attrs(const tn_node *node, tn_window_attrs *a) {
  static const char *const names[2] = {"strides", "rates"};
  *a = (tn_window_attrs){.spatial = 2};
  for (int d = 0; d < TN_WINDOW_DIMS; d++) a->kernel[d] = a->stride[d] = a->dilation[d] = 1;
  int64_t *lists[2] = {a->stride, a->dilation};
  for (int k = 0; k < 2; k++) {
    const int64_t *values;
    size_t n = tn_node_get_ints(node, names[k], &values);
    if (n != 4) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s must have 4 values, but has %zu", names[k], n);
    if (values[0] != 1 || values[3] != 1)
      return tn_node_errorf(node, TN_UNIMPLEMENTED, "%s must be 1 in the batch and depth dimensions", names[k]);
    for (int d = 0; d < 2; d++) {
      if (values[1 + d] < 1 || values[1 + d] > INT32_MAX)
        return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s must be positive, but holds %lld", names[k],
                              (long long)values[1 + d]);
      lists[k][1 + d] = values[1 + d];
    }
  }
  a->batch_kernel = a->batch_stride = a->batch_dilation = 1;
  a->depth_kernel = a->depth_stride = a->depth_dilation = 1;
  a->padding = tn_node_string_is(node, "padding", "SAME") ? TN_PADDING_SAME : TN_PADDING_VALID;
  return NULL;
}

static tn_error *place(tn_prepare *p, tn_window **out) {
  const tn_shape *image = &p->inputs[0].shape, *filter = &p->inputs[1].shape;
  tn_window_attrs a;
  tn_window *w;
  TN_TRY(read_attrs(p->node, &a));
  if (image->rank != 4 || filter->rank != 3 || filter->dims[2] != image->dims[3])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "input [batch, height, width, depth] and filter [height, width, depth] are needed, not %s "
                             "and %s",
                             TN_SHAPE_STR(image), TN_SHAPE_STR(filter));
  a.kernel[1] = filter->dims[0];
  a.kernel[2] = filter->dims[1];
  TN_TRY(tn_prepare_state(p, sizeof *w, &w));
  TN_TRY(tn_window_place(p->node, &a, image, w));
  w->out_channels = w->in_channels;
  for (int i = 0; i < p->n_inputs; i++) p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i]));
  *out = w;
  return NULL;
}

static tn_error *finish(tn_prepare *p, const tn_shape *out) {
  TN_TRY(tn_prepare_output(p, 0, out));
  p->scratch += tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0])) + 64;
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  tn_window *w;
  TN_TRY(place(p, &w));
  tn_shape out = tn_window_output(w);
  return finish(p, &out);
}

static tn_error *prepare_back(tn_prepare *p, int like) {
  tn_window *w;
  TN_TRY(place(p, &w));
  tn_shape out = tn_window_output(w);
  if (!tn_shape_equal(&out, &p->inputs[2].shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "out_backprop must be %s, but is %s", TN_SHAPE_STR(&out),
                             TN_SHAPE_STR(&p->inputs[2].shape));
  return finish(p, &p->inputs[like].shape);
}

static tn_error *prepare_back_input(tn_prepare *p) { return prepare_back(p, 0); }
static tn_error *prepare_back_filter(tn_prepare *p) { return prepare_back(p, 1); }

/* One place of the result: which element of the image and of the filter make the greatest sum. */
typedef struct found {
  int64_t pixel, weight;
  bool any;
  double real;
  int64_t integer;
} found;

typedef struct job {
  const tn_window *w;
  tn_dtype dtype;
  bool integer;
  const void *image, *filter;
} job;

static float rounded(tn_dtype dtype, double x) {
  if (dtype == TN_HALF) return tn_half_to_float(tn_float_to_half((float)x));
  if (dtype == TN_BFLOAT16) return tn_bfloat16_to_float(tn_float_to_bfloat16((float)x));
  return (float)x;
}

static void consider(const job *j, int64_t pixel, int64_t weight, found *f) {
  if (j->integer) {
    const int64_t sum =
        (int64_t)((uint64_t)((const int64_t *)j->image)[pixel] + (uint64_t)((const int64_t *)j->filter)[weight]);
    if (f->any && sum <= f->integer) return;
    f->integer = sum;
  } else {
    double sum = ((const double *)j->image)[pixel] + ((const double *)j->filter)[weight];
    if (j->dtype != TN_DOUBLE) sum = (double)rounded(j->dtype, sum);
    if (f->any && !(sum > f->real)) return;
    f->real = sum;
  }
  f->any = true;
  f->pixel = pixel;
  f->weight = weight;
}

static found look(const job *j, int64_t batch, const int64_t at[2], int64_t c) {
  const tn_window *w = j->w;
  found f = {.pixel = -1};
  for (int64_t m = 0; m < w->kernel[1]; m++) {
    const int64_t y = at[0] * w->stride[1] + m * w->dilation[1] - w->before[1];
    if (y < 0 || y >= w->in[1]) continue;
    for (int64_t n = 0; n < w->kernel[2]; n++) {
      const int64_t x = at[1] * w->stride[2] + n * w->dilation[2] - w->before[2];
      if (x < 0 || x >= w->in[2]) continue;
      consider(j, ((batch * w->in[1] + y) * w->in[2] + x) * w->in_channels + c,
               (m * w->kernel[2] + n) * w->in_channels + c, &f);
    }
  }
  return f;
}

typedef enum kind { FORWARD, BACK_INPUT, BACK_FILTER } kind;

static void visit(const job *j, kind k, const void *grad, void *out) {
  const tn_window *w = j->w;
  const int64_t n = w->batch * w->out[1] * w->out[2] * w->in_channels;
  for (int64_t i = 0; i < n; i++) {
    const int64_t c = i % w->in_channels, place = i / w->in_channels;
    const found f =
        look(j, place / (w->out[1] * w->out[2]), (int64_t[2]){place / w->out[2] % w->out[1], place % w->out[2]}, c);
    if (!f.any) continue;
    const int64_t to = k == FORWARD ? i : k == BACK_INPUT ? f.pixel : f.weight;
    if (j->integer)
      ((int64_t *)out)[to] = k == FORWARD ? f.integer : ((int64_t *)out)[to] + ((const int64_t *)grad)[i];
    else
      ((double *)out)[to] = k == FORWARD ? f.real : ((double *)out)[to] + ((const double *)grad)[i];
  }
}

static tn_error *run_kind(tn_run *r, kind k) {
  char *scratch = r->scratch;
  tn_dtype dtype = r->inputs[0]->dtype;
  job j = {.w = r->state, .dtype = dtype, .integer = tn_wide_of(dtype) == TN_WIDE_INT};
  j.image = tn_wide_in(r->inputs[0], &scratch);
  j.filter = tn_wide_in(r->inputs[1], &scratch);
  const void *grad = k == FORWARD ? NULL : tn_wide_in(r->inputs[2], &scratch);
  void *out = tn_wide_out(r->outputs[0], &scratch);
  memset(out, 0, (size_t)tn_elements(r->outputs[0]) * tn_wide_size(tn_wide_of(dtype)));
  visit(&j, k, grad, out);
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

static tn_error *run(tn_run *r) { return run_kind(r, FORWARD); }
static tn_error *run_back_input(tn_run *r) { return run_kind(r, BACK_INPUT); }
static tn_error *run_back_filter(tn_run *r) { return run_kind(r, BACK_FILTER); }

static tn_error *shape(tn_shape_ctx *c) {
  tn_window_attrs a;
  tn_shape image, filter;
  int64_t out[TN_WINDOW_DIMS] = {1, 1, 1}, depth;
  TN_TRY(read_attrs(c->node, &a));
  TN_TRY(tn_shape_with_rank(c, 0, 4, &image));
  TN_TRY(tn_shape_with_rank(c, 1, 3, &filter));
  if (image.rank < 0) image = tn_shape_unknown_of_rank(4);
  if (filter.rank < 0) filter = tn_shape_unknown_of_rank(3);
  TN_TRY(tn_dim_merge(c, image.dims[3], filter.dims[2], &depth));
  bool known = image.dims[1] >= 0 && image.dims[2] >= 0 && filter.dims[0] >= 0 && filter.dims[1] >= 0;
  for (int d = 1; d < 3; d++) {
    out[d] = -1;
    if (known) TN_TRY(tn_window_infer(c->node, &a, d, image.dims[d], filter.dims[d - 1], &out[d]));
  }
  c->out[0] = tn_window_shape(&a, image.dims[0], out, depth);
  return NULL;
}

static tn_error *shape_like_filter(tn_shape_ctx *c) {
  c->out[0] = c->in[1];
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  static const char *const ops[2] = {"Dilation2DBackpropInput", "Dilation2DBackpropFilter"};
  for (int i = 0; i < 2; i++)
    tn_grad_set(
        c, i,
        tn_build(c->scope, ops[i], TN_IN(tn_grad_x(c, 0), tn_grad_x(c, 1), tn_grad_dense(c, 0)),
                 TN_ATTRS(TN_A_SAME(c->node, "strides"), TN_A_SAME(c->node, "rates"), TN_A_SAME(c->node, "padding"))));
  return NULL;
}

#define KERNELS(NAME, PREPARE, RUN)                                                                                    \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TN_REALS, .prepare = PREPARE, .run = RUN}, {0}}
KERNELS(kernels, prepare, run);
KERNELS(input_kernels, prepare_back_input, run_back_input);
KERNELS(filter_kernels, prepare_back_filter, run_back_filter);

#define ATTRS "T: realnumbertype; strides: list(int) >= 4; rates: list(int) >= 4; padding: {'SAME', 'VALID'}"

TN_OP(Dilation2D, .inputs = "input: T, filter: T", .outputs = "output: T", .attrs = ATTRS,
      .doc = "The greatest sums of pixels in a window and a filter.", .shape = shape, .gradient = gradient,
      .kernels = kernels);

TN_OP(Dilation2DBackpropInput, .inputs = "input: T, filter: T, out_backprop: T", .outputs = "in_backprop: T",
      .attrs = ATTRS, .doc = "The gradient of Dilation2D with respect to the image.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unchanged, .kernels = input_kernels);

TN_OP(Dilation2DBackpropFilter, .inputs = "input: T, filter: T, out_backprop: T", .outputs = "filter_backprop: T",
      .attrs = ATTRS, .doc = "The gradient of Dilation2D with respect to the filter.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_like_filter, .kernels = filter_kernels);
