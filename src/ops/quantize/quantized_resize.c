/* QuantizedResizeBilinear: integers between integers, in fixed point, as TensorFlow has it. */
#include <math.h>
#include <string.h>

#include "ops/image/resize.h"
#include "ops/quantize/quantized.h"

/* A result lies between pixels LOWER and UPPER, by LERP of the way. */
typedef struct place {
  int64_t lower, upper;
  float lerp;
} place;

static place place_of(const tn_resize *z, int64_t i, int64_t in, float scale) {
  const float at = tn_resize_at(z, i, scale), below = floorf(at);
  place p = {(int64_t)below, (int64_t)ceilf(at), at - below};
  p.lower = p.lower > 0 ? p.lower : 0;
  p.upper = p.upper < in - 1 ? p.upper : in - 1;
  p.lower = p.lower < p.upper ? p.lower : p.upper;
  return p;
}

static tn_error *prepare(tn_prepare *p) {
  for (int i = 2; i < 4; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar, got shape %s", i == 2 ? "min" : "max",
                               TN_SHAPE_STR(&p->inputs[i].shape));
  tn_resize *z;
  TN_TRY(tn_prepare_state(p, sizeof *z, &z));
  TN_TRY(tn_resize_prepare(p, z));
  return tn_quantized_ranges(p, 1);
}

/* The four pixels around a result: top left, top right, bottom left, bottom right. */
static int64_t between_integers(const int64_t q[4], float x, float y, int bits) {
  const int64_t one = INT64_C(1) << bits, xs = (int64_t)(x * (float)one), ys = (int64_t)(y * (float)one);
  const int64_t top = q[0] * one + (q[1] - q[0]) * xs, bottom = q[2] * one + (q[3] - q[2]) * xs;
  return (top + (bottom - top) / one * ys + one / 2) / one;
}

static float between_floats(const float v[4], float x, float y) {
  const float top = v[0] + (v[1] - v[0]) * x, bottom = v[2] + (v[3] - v[2]) * x;
  return top + (bottom - top) * y;
}

/* One pixel of the result, element OUT on, from pixels at AT. */
static void resize_pixel(const tn_run *r, const int64_t at[4], const place *x, const place *y, int64_t out) {
  const tn_tensor *in = r->inputs[0];
  const int bits = in->dtype == TN_QUINT8 ? 7 : 30;
  const int64_t channels = in->shape.dims[3];
  for (int64_t c = 0; c < channels; c++) {
    if (in->dtype == TN_FLOAT) {
      float v[4];
      for (int k = 0; k < 4; k++) v[k] = TN_DATA(float, in)[at[k] + c];
      TN_DATA(float, r->outputs[0])[out + c] = between_floats(v, x->lerp, y->lerp);
    } else {
      int64_t q[4];
      /* Through float, which rounds large ones: so does TensorFlow. */
      for (int k = 0; k < 4; k++) q[k] = (int64_t)(float)tn_quantized_get(in, at[k] + c);
      tn_quantized_put(r->outputs[0], out + c, between_integers(q, x->lerp, y->lerp, bits));
    }
  }
}

static tn_error *run(tn_run *r) {
  const tn_resize *z = r->state;
  for (int i = 0; i < 2; i++) TN_DATA(float, r->outputs[1 + i])[0] = tn_scalar_at(r, 2 + i);
  if (z->in_height == z->out_height && z->in_width == z->out_width) {
    const size_t size = (size_t)tn_elements(r->inputs[0]) * tn_dtype_size(r->inputs[0]->dtype);
    if (size) memcpy(r->outputs[0]->data, r->inputs[0]->data, size);
    return NULL;
  }
  for (int64_t row = 0; row < z->batch * z->out_height; row++) {
    const place y = place_of(z, row % z->out_height, z->in_height, z->height_scale);
    const int64_t first = row / z->out_height * z->in_height, top = (first + y.lower) * z->in_width,
                  bottom = (first + y.upper) * z->in_width;
    for (int64_t i = 0; i < z->out_width; i++) {
      const place x = place_of(z, i, z->in_width, z->width_scale);
      const int64_t at[] = {(top + x.lower) * z->channels, (top + x.upper) * z->channels,
                            (bottom + x.lower) * z->channels, (bottom + x.upper) * z->channels};
      resize_pixel(r, at, &x, &y, (row * z->out_width + i) * z->channels);
    }
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  TN_TRY(tn_resize_shape(c));
  return tn_quantized_ranges_shape(c, 2, 4);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(QuantizedResizeBilinear, .inputs = "images: T, size: int32, min: float, max: float",
      .outputs = "resized_images: T, out_min: float, out_max: float",
      .attrs = "T: {quint8, qint32, float}; align_corners: bool = false; half_pixel_centers: bool = false",
      .doc = "Images of quantized numbers resized with bilinear interpolation.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1 << 1, .shape = shape, .kernels = kernels);
