/* DrawBoundingBoxes and V2: the edges of boxes over images. */
#include <math.h>
#include <string.h>

#include "ops/image/image.h"

static const float default_colors[10][4] = {{1, 1, 0, 1},       {0, 0, 1, 1},       {1, 0, 0, 1},    {0, 1, 0, 1},
                                            {0.5f, 0, 0.5f, 1}, {0.5f, 0.5f, 0, 1}, {0.5f, 0, 0, 1}, {0, 0, 0.5f, 1},
                                            {0, 1, 1, 1},       {1, 0, 1, 1}};

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  if (s->rank != 4 || b->rank != 3 || b->dims[2] != 4 || b->dims[0] != s->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "images [batch, height, width, depth] and boxes [batch, n, 4] are needed, not %s and %s",
                             TN_SHAPE_STR(s), TN_SHAPE_STR(b));
  if (s->dims[3] != 1 && s->dims[3] != 3 && s->dims[3] != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA), but images are %s",
                             TN_SHAPE_STR(s));
  if (p->n_inputs == 3 && (p->inputs[2].shape.rank != 2 || p->inputs[2].shape.dims[1] < s->dims[3]))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "colors must be a matrix with a column a channel, but are %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  return tn_prepare_output(p, 0, s);
}

typedef struct canvas {
  tn_dtype dtype;
  char *pixels; /* of one image */
  int64_t height, width, depth;
  float color[4];
} canvas;

static void put(const canvas *v, int64_t y, int64_t x) {
  const int64_t at = (y * v->width + x) * v->depth;
  for (int64_t c = 0; c < v->depth; c++) {
    if (v->dtype == TN_FLOAT)
      ((float *)(void *)v->pixels)[at + c] = v->color[c];
    else
      ((uint16_t *)(void *)v->pixels)[at + c] = tn_float_to_half(v->color[c]);
  }
}

/* The pixel at SHARE of a side; far outside for what is no place. */
static int64_t pixel(float share, int64_t side) {
  const float at = share * (float)(side - 1);
  return at > -1e15f && at < 1e15f ? (int64_t)at : at > 0 ? (int64_t)1e15 : -(int64_t)1e15;
}

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static void draw(const canvas *v, const float *box) {
  const int64_t top = pixel(box[0], v->height), left = pixel(box[1], v->width);
  const int64_t bottom = pixel(box[2], v->height), right = pixel(box[3], v->width);
  if (top > bottom || left > right || top >= v->height || bottom < 0 || left >= v->width || right < 0) return;
  for (int64_t x = at_least(left, 0); x <= at_most(right, v->width - 1); x++) {
    if (top >= 0) put(v, top, x);
    if (bottom < v->height) put(v, bottom, x);
  }
  for (int64_t y = at_least(top, 0); y <= at_most(bottom, v->height - 1); y++) {
    if (left >= 0) put(v, y, left);
    if (right < v->width) put(v, y, right);
  }
}

static void choose(canvas *v, const tn_tensor *colors, int64_t i) {
  bool own = colors && tn_elements(colors) > 0;
  const int64_t columns = own ? colors->shape.dims[1] : 4, n = own ? colors->shape.dims[0] : 10;
  const float *from = own ? TN_DATA(float, colors) : default_colors[0];
  for (int64_t c = 0; c < v->depth; c++) v->color[c] = from[i % n * columns + c];
  if (!own && v->depth == 1) v->color[0] = 1;
}

static tn_error *run(tn_run *r) {
  const tn_tensor *images = r->inputs[0], *boxes = r->inputs[1];
  const int64_t *d = images->shape.dims, n = boxes->shape.dims[1];
  const int64_t size = d[1] * d[2] * d[3] * (int64_t)tn_dtype_size(images->dtype);
  canvas v = {.dtype = images->dtype, .pixels = r->outputs[0]->data, .height = d[1], .width = d[2], .depth = d[3]};
  memcpy(v.pixels, images->data, (size_t)(size * d[0]));
  if (size == 0) return NULL;
  for (int64_t b = 0; b < d[0]; b++, v.pixels += size) {
    for (int64_t i = 0; i < n; i++) {
      choose(&v, r->n_inputs == 3 ? r->inputs[2] : NULL, i);
      draw(&v, TN_DATA(float, boxes) + (b * n + i) * 4);
    }
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape boxes;
  TN_TRY(tn_shape_at_least_rank(c, 0, 3, &c->out[0]));
  if (c->n_inputs == 3) return NULL;
  return tn_shape_with_rank(c, 1, 3, &boxes);
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF), .prepare = prepare, .run = run}, {0}};

TN_OP(DrawBoundingBoxes, .inputs = "images: T, boxes: float", .outputs = "output: T",
      .attrs = "T: {float, half} = DT_FLOAT",
      .doc = "Images with boxes [y0, x0, y1, x1], in shares of the sides, drawn.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape, .kernels = kernels);

TN_OP(DrawBoundingBoxesV2, .inputs = "images: T, boxes: float, colors: float", .outputs = "output: T",
      .attrs = "T: {float, half} = DT_FLOAT", .doc = "Images with boxes drawn in colours of one's own.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
