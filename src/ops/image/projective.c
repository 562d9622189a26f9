/* ImageProjectiveTransformV2 and V3: where each pixel comes from is a projective function of its place. */
#include <math.h>
#include <string.h>

#include "ops/image/resize.h"

typedef enum fill { CONSTANT, REFLECT, WRAP, NEAREST } fill;

typedef struct projection {
  int64_t batch, height, width, channels, out_height, out_width;
  bool bilinear, shared; /* SHARED: one transform for all images */
  fill fill;
} projection;

static tn_error *read_modes(const tn_node *node, projection *z) {
  static const char *const fills[4] = {"CONSTANT", "REFLECT", "WRAP", "NEAREST"};
  z->bilinear = tn_node_string_is(node, "interpolation", "BILINEAR");
  if (!z->bilinear && !tn_node_string_is(node, "interpolation", "NEAREST"))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Invalid interpolation. Supported types: NEAREST, BILINEAR");
  for (int i = 0; i < 4; i++) {
    if (!tn_node_string_is(node, "fill_mode", fills[i])) continue;
    z->fill = (fill)i;
    return NULL;
  }
  return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                        "Invalid fill_mode. Supported types: REFLECT, WRAP, CONSTANT, NEAREST");
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape, *t = &p->inputs[1].shape;
  projection *z;
  int n;
  int64_t size[2];
  TN_TRY(tn_prepare_state(p, sizeof *z, &z));
  TN_TRY(read_modes(p->node, z));
  if (s->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input images must have rank 4, but are %s", TN_SHAPE_STR(s));
  if (t->rank != 2 || t->dims[1] != 8 || (t->dims[0] != s->dims[0] && t->dims[0] != 1))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input transform should be num_images x 8 or 1 x 8, but is %s",
                             TN_SHAPE_STR(t));
  if (p->inputs[2].shape.rank != 1 || p->inputs[2].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output shape must have two elements, but is %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  TN_TRY(tn_prepare_ints(p, 2, 2, &n, size));
  if (size[0] <= 0 || size[1] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output dimensions must be positive, but are [%lld,%lld]",
                             (long long)size[0], (long long)size[1]);
  z->batch = s->dims[0];
  z->height = s->dims[1];
  z->width = s->dims[2];
  z->channels = s->dims[3];
  z->out_height = size[0];
  z->out_width = size[1];
  z->shared = t->dims[0] == 1;
  tn_shape out = tn_shape_of(4, (int64_t[4]){z->batch, size[0], size[1], z->channels});
  return tn_prepare_output(p, 0, &out);
}

/* --- places outside --- */

static float clamp(float x, int64_t n) { return x < 0 ? 0 : x > (float)(n - 1) ? (float)(n - 1) : x; }

/* As if the image stood mirrored beside itself. */
static float reflect(float x, int64_t n) {
  const float twice = (float)(2 * n);
  if (x < 0) {
    if (n <= 1) return 0;
    if (x < twice) x = twice * truncf(-x / twice) + x;
    x = x < -(float)n ? x + twice : -x - 1;
  } else if (x > (float)(n - 1)) {
    if (n <= 1) return 0;
    x -= twice * truncf(x / twice);
    if (x >= (float)n) x = twice - x - 1;
  }
  return clamp(x, n);
}

/* As if it stood beside itself. */
static float wrap(float x, int64_t n) {
  if (x < 0) {
    if (n <= 1) return 0;
    x += (float)n * (truncf(-x / (float)(n - 1)) + 1);
  } else if (x > (float)(n - 1)) {
    if (n <= 1) return 0;
    x -= (float)n * truncf(x / (float)(n - 1));
  }
  return clamp(x, n);
}

static float mapped(fill fill, float x, int64_t n) {
  switch (fill) {
  case REFLECT: return reflect(x, n);
  case WRAP: return wrap(x, n);
  case NEAREST: return clamp(x, n);
  default: return x;
  }
}

/* --- running --- */

typedef struct job {
  const projection *z;
  const tn_tensor *in, *out;
  const float *transforms;
  float outside;
} job;

static bool inside(const projection *z, float y, float x) {
  return y >= 0 && y < (float)z->height && x >= 0 && x < (float)z->width;
}

static int64_t element(const projection *z, int64_t image, float y, float x) {
  return ((image * z->height + (int64_t)y) * z->width + (int64_t)x) * z->channels;
}

static float read_one(const job *j, int64_t image, float y, float x, int64_t c) {
  float room;
  if (!inside(j->z, y, x)) return j->outside;
  return *tn_image_floats(j->in->dtype, j->in->data, element(j->z, image, y, x) + c, 1, &room);
}

static void write_one(const tn_tensor *t, int64_t at, float value) {
  switch (t->dtype) {
  case TN_FLOAT: TN_DATA(float, t)[at] = value; break;
  case TN_DOUBLE: TN_DATA(double, t)[at] = (double)value; break;
  case TN_UINT8: TN_DATA(uint8_t, t)[at] = (uint8_t)(int64_t)value; break;
  case TN_INT32: TN_DATA(int32_t, t)[at] = (int32_t)value; break;
  case TN_INT64: TN_DATA(int64_t, t)[at] = (int64_t)value; break;
  case TN_HALF: TN_DATA(uint16_t, t)[at] = tn_float_to_half(value); break;
  default: TN_DATA(uint16_t, t)[at] = tn_float_to_bfloat16(value);
  }
}

static void fill_pixel(const job *j, int64_t to) {
  for (int64_t c = 0; c < j->z->channels; c++) write_one(j->out, to + c, j->outside);
}

static void nearest(const job *j, int64_t image, float y, float x, int64_t to) {
  const size_t size = tn_dtype_size(j->in->dtype);
  y = roundf(y);
  x = roundf(x);
  if (inside(j->z, y, x))
    memcpy((char *)j->out->data + (size_t)to * size,
           (const char *)j->in->data + (size_t)element(j->z, image, y, x) * size, (size_t)j->z->channels * size);
  else
    fill_pixel(j, to);
}

static void bilinear(const job *j, int64_t image, float y, float x, int64_t to) {
  const float top = floorf(y), left = floorf(x), bottom = top + 1, right = left + 1;
  for (int64_t c = 0; c < j->z->channels; c++) {
    const float above = (right - x) * read_one(j, image, top, left, c) + (x - left) * read_one(j, image, top, right, c);
    const float below =
        (right - x) * read_one(j, image, bottom, left, c) + (x - left) * read_one(j, image, bottom, right, c);
    write_one(j->out, to + c, (bottom - y) * above + (y - top) * below);
  }
}

static void transform_row(void *argument, int64_t row) {
  const job *j = argument;
  const projection *z = j->z;
  const int64_t image = row / z->out_height;
  const float y = (float)(row % z->out_height), *t = j->transforms + (z->shared ? 0 : 8 * image);
  for (int64_t i = 0; i < z->out_width; i++) {
    const int64_t to = (row * z->out_width + i) * z->channels;
    const float x = (float)i, by = t[6] * x + t[7] * y + 1.0f;
    const float from_x = mapped(z->fill, (t[0] * x + t[1] * y + t[2]) / by, z->width);
    const float from_y = mapped(z->fill, (t[3] * x + t[4] * y + t[5]) / by, z->height);
    if (by == 0 || !(fabsf(from_x) < 1e9f && fabsf(from_y) < 1e9f))
      fill_pixel(j, to);
    else if (z->bilinear)
      bilinear(j, image, from_y, from_x, to);
    else
      nearest(j, image, from_y, from_x, to);
  }
}

static tn_error *run(tn_run *r) {
  const projection *z = r->state;
  if (r->n_inputs > 3 && r->inputs[3]->shape.rank != 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "fill_value must be a scalar, but is %s",
                         TN_SHAPE_STR(&r->inputs[3]->shape));
  job j = {z, r->inputs[0], r->outputs[0], r->inputs[1]->data, r->n_inputs > 3 ? *TN_DATA(float, r->inputs[3]) : 0};
  if (tn_elements(r->outputs[0]) > 0)
    tn_image_rows(z->batch * z->out_height, z->out_width * z->channels * 8, transform_row, &j);
  return NULL;
}

/* --- shape and gradient --- */

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &s));
  return tn_resize_sized(c, s.rank == 4 ? s.dims[0] : -1, 2, s.rank == 4 ? s.dims[3] : -1);
}

static tn_output ints(tn_scope *s, int n, const int64_t *values) { return tn_build_ints(s, TN_INT32, n, values); }

/* The inverse transforms: eight numbers and a 1 are a matrix. */
static tn_output inverted(tn_scope *s, tn_output t) {
  const int64_t square[3] = {-1, 3, 3}, flat[2] = {-1, 9}, start[2] = {0, 0}, last[2] = {0, 8}, eight[2] = {-1, 8},
                one[2] = {-1, 1}, around[2] = {-1, 1};
  tn_output column = tn_build(s, "Slice", TN_IN(t, ints(s, 2, start), ints(s, 2, around)), NULL);
  tn_output ones = tn_build1(s, "OnesLike", column);
  tn_output matrix = tn_build(s, "ConcatV2", TN_IN(t, ones, tn_build_scalar(s, TN_INT32, 1)), NULL);
  matrix = tn_build2(s, "Reshape", matrix, ints(s, 3, square));
  matrix = tn_build2(s, "Reshape", tn_build1(s, "MatrixInverse", matrix), ints(s, 2, flat));
  tn_output corner = tn_build(s, "Slice", TN_IN(matrix, ints(s, 2, last), ints(s, 2, one)), NULL);
  matrix = tn_build2(s, "RealDiv", matrix, corner);
  return tn_build(s, "Slice", TN_IN(matrix, ints(s, 2, start), ints(s, 2, eight)), NULL);
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const int64_t one = 1, two = 2;
  tn_output sizes =
      tn_build(s, "Slice", TN_IN(tn_build_shape_of(s, tn_grad_x(c, 0)), ints(s, 1, &one), ints(s, 1, &two)), NULL);
  tn_output back = inverted(s, tn_grad_x(c, 1)), g = tn_grad_dense(c, 0);
  const tn_named_attr *attrs = TN_ATTRS(TN_A_SAME(c->node, "interpolation"), TN_A_SAME(c->node, "fill_mode"));
  if (c->node->n_inputs == 3)
    tn_grad_set(c, 0, tn_build(s, "ImageProjectiveTransformV2", TN_IN(g, back, sizes), attrs));
  else
    tn_grad_set(
        c, 0, tn_build(s, "ImageProjectiveTransformV3", TN_IN(g, back, sizes, tn_build_scalar(s, TN_FLOAT, 0)), attrs));
  return NULL;
}

#define TYPES TN_FLOATS | TN_BIT(TN_UINT8) | TN_BIT(TN_INT32) | TN_BIT(TN_INT64)
static const tn_kernel_def kernels[] = {{.name = "reference", .types = TYPES, .prepare = prepare, .run = run}, {0}};

#define ATTRS                                                                                                          \
  "dtype: {uint8, int32, int64, half, bfloat16, float, double}; interpolation: string; fill_mode: string = 'CONSTANT'"

TN_OP(ImageProjectiveTransformV2, .inputs = "images: dtype, transforms: float, output_shape: int32",
      .outputs = "transformed_images: dtype", .attrs = ATTRS,
      .doc = "Images seen through projective transforms of eight numbers each.", .value_inputs = 1 << 2, .shape = shape,
      .gradient = gradient, .kernels = kernels);

TN_OP(ImageProjectiveTransformV3, .inputs = "images: dtype, transforms: float, output_shape: int32, fill_value: float",
      .outputs = "transformed_images: dtype", .attrs = ATTRS,
      .doc = "Images seen through projective transforms, FILL_VALUE outside.", .value_inputs = 1 << 2, .shape = shape,
      .gradient = gradient, .kernels = kernels);
