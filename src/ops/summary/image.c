/* ImageSummary: images as PNG files; floats are scaled to bytes, and what is not finite gets a colour of its own. */
#include <math.h>

#include "io/png.h"
#include "ops/summary/summary.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *x = &p->inputs[1].shape;
  if (p->inputs[0].shape.rank != 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tag must be a scalar");
  bool fits = x->rank == 4 && (x->dims[3] == 1 || x->dims[3] == 3 || x->dims[3] == 4);
  if (!fits)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tensor must be 4-D with last dim 1, 3, or 4, not %s",
                             TN_SHAPE_STR(x));
  if (x->dims[1] == 0 || x->dims[2] == 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input tensor must have non-zero dims, found %s", TN_SHAPE_STR(x));
  const tn_tensor *bad = tn_node_get_tensor(p->node, "bad_color");
  if (bad->dtype != TN_UINT8 || bad->shape.rank != 1 || bad->shape.dims[0] < x->dims[3])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "bad_color must have a uint8 for each of %lld channels",
                             (long long)x->dims[3]);
  p->scratch = (size_t)(x->dims[1] * x->dims[2] * x->dims[3]);
  return tn_summary_prepare(p, 0);
}

static bool finite_pixel(const tn_tensor *t, int64_t at, int64_t depth) {
  for (int64_t i = 0; i < depth; i++)
    if (!isfinite(tn_real_at(t, at + i))) return false;
  return true;
}

/* How TensorFlow rounds on the way: to the tensor's own dtype after each step. */
static double rounded(tn_dtype dtype, double x) {
  if (dtype == TN_DOUBLE) return x;
  return dtype == TN_FLOAT ? (double)(float)x : (double)tn_half_to_float(tn_float_to_half((float)x));
}

typedef struct scaling {
  double scale, offset;
} scaling;

/* Images with negative values have zero in the middle, others at the bottom. */
static scaling scaling_of(const tn_tensor *t, int64_t first, int64_t pixels, int64_t depth) {
  float least = INFINITY, most = -INFINITY;
  for (int64_t i = 0; i < pixels; i++) {
    if (!finite_pixel(t, first + i * depth, depth)) continue;
    for (int64_t c = 0; c < depth; c++) {
      float x = (float)tn_real_at(t, first + i * depth + c);
      least = x < least ? x : least;
      most = x > most ? x : most;
    }
  }
  float top = least < 0 ? fmaxf(fabsf(least), fabsf(most)) : most;
  float scale = top < 1e-6f ? 0.0f : (least < 0 ? 127.0f : 255.0f) / top;
  return (scaling){rounded(t->dtype, (double)scale), least < 0 ? 128 : 0};
}

static void to_bytes(const tn_run *r, int64_t first, int64_t pixels, int64_t depth, uint8_t *out) {
  const tn_tensor *t = r->inputs[1];
  const uint8_t *bad = tn_node_get_tensor(r->node, "bad_color")->data;
  scaling s = scaling_of(t, first, pixels, depth);
  for (int64_t i = 0; i < pixels; i++) {
    bool finite = finite_pixel(t, first + i * depth, depth);
    for (int64_t c = 0; c < depth; c++) {
      double x = finite ? rounded(t->dtype, tn_real_at(t, first + i * depth + c) * s.scale) : 0;
      out[i * depth + c] = finite ? (uint8_t)(int)rounded(t->dtype, x + s.offset) : bad[c];
    }
  }
}

static tn_error *add_image(const tn_run *r, int64_t i, tn_str *out) {
  const tn_shape *x = &r->inputs[1]->shape;
  int64_t pixels = x->dims[1] * x->dims[2], depth = x->dims[3], first = i * pixels * depth;
  const void *bytes = (const uint8_t *)r->inputs[1]->data + first;
  if (r->inputs[1]->dtype != TN_UINT8) {
    to_bytes(r, first, pixels, depth, r->scratch);
    bytes = r->scratch;
  }
  size_t image = tn_proto_begin(out, 4);
  for (int d = 0; d < 3; d++) tn_wire_put_int(out, (uint32_t)d + 1, x->dims[d + 1]);
  size_t png = tn_proto_begin(out, 4);
  TN_TRY(tn_png_encode(bytes, TN_UINT8, x->dims + 1, -1, out));
  tn_proto_end(out, png);
  tn_proto_end(out, image);
  return NULL;
}

static tn_error *run(tn_run *r) {
  int64_t limit = tn_node_get_int(r->node, "max_images"), n = r->inputs[1]->shape.dims[0];
  tn_str out = {0};
  tn_error *error = NULL;
  for (int64_t i = 0; i < n && i < limit && !error; i++) {
    size_t mark = tn_summary_begin_numbered(&out, *tn_strings_of(r->inputs[0]), "image", i, limit);
    error = add_image(r, i, &out);
    if (!error) tn_proto_end(&out, mark);
  }
  return tn_summary_finish(r, &out, error);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(ImageSummary, .inputs = "tag: string, tensor: T", .outputs = "summary: string",
      .attrs = "max_images: int >= 1 = 3; T: {uint8, float, half, double} = DT_FLOAT; bad_color: tensor = "
               "DT_UINT8[255, 0, 0, 255]",
      .doc = "A serialised Summary with images.", .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out,
      .kernels = kernels);
