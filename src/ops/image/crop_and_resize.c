/* CropAndResize and its gradients: boxes cut out of images and resized to one size. */
#include <math.h>
#include <string.h>

#include "ops/image/image.h"

/* Sizes of images and crops. */
typedef struct crop {
  int64_t batch, height, width, depth, boxes, crop_height, crop_width;
  bool nearest;
  float outside;
} crop;

/* Along one side of a crop: from pixel START on, STEP pixels each. */
typedef struct line {
  float start, step;
} line;

static line line_of(float low, float high, int64_t side, int64_t n) {
  if (n <= 1) return (line){(float)(0.5 * (low + high) * (double)(side - 1)), 0};
  return (line){low * (float)(side - 1), (high - low) * (float)(side - 1) / (float)(n - 1)};
}
static inline float line_at(line l, int64_t i) { return l.start + (float)i * l.step; }
static inline bool inside(float at, int64_t side) { return at >= 0 && at <= (float)(side - 1); }

/* --- checks --- */

static tn_error *check_boxes(tn_prepare *p, int input, crop *c) {
  const tn_shape *boxes = &p->inputs[input].shape, *index = &p->inputs[input + 1].shape;
  if (tn_shape_elements(boxes) == 0 && tn_shape_elements(index) == 0) return NULL;
  if (boxes->rank != 2 || boxes->dims[1] != 4 || index->rank != 1 || index->dims[0] != boxes->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "boxes [n, 4] and box_index [n] are needed, not %s and %s",
                             TN_SHAPE_STR(boxes), TN_SHAPE_STR(index));
  c->boxes = boxes->dims[0];
  return NULL;
}

static tn_error *check_image(tn_prepare *p, const tn_shape *s, crop *c) {
  if (s->rank != 4) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image must be 4-D, but is %s", TN_SHAPE_STR(s));
  *c = (crop){.batch = s->dims[0], .height = s->dims[1], .width = s->dims[2], .depth = s->dims[3]};
  c->nearest = tn_node_string_is(p->node, "method", "nearest");
  if (c->height <= 0 || c->width <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image dimensions must be positive, but are %s", TN_SHAPE_STR(s));
  return NULL;
}

static tn_error *check_index(const tn_run *r, int input, const crop *c) {
  for (int64_t i = 0; i < c->boxes; i++) {
    int32_t image = TN_DATA(int32_t, r->inputs[input])[i];
    if (image < 0 || image >= c->batch)
      return tn_run_errorf(r, TN_OUT_OF_RANGE, "box_index has values outside [0, %lld): %d", (long long)c->batch,
                           image);
  }
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  crop *c;
  int n;
  int64_t size[2];
  TN_TRY(tn_prepare_state(p, sizeof *c, &c));
  TN_TRY(check_image(p, &p->inputs[0].shape, c));
  TN_TRY(check_boxes(p, 1, c));
  if (p->inputs[3].shape.rank != 1 || p->inputs[3].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "crop_size must have two elements, but is %s",
                             TN_SHAPE_STR(&p->inputs[3].shape));
  TN_TRY(tn_prepare_ints(p, 3, 2, &n, size));
  if (size[0] <= 0 || size[1] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "crop dimensions must be positive, but are [%lld,%lld]",
                             (long long)size[0], (long long)size[1]);
  c->crop_height = size[0];
  c->crop_width = size[1];
  c->outside = tn_node_get_float(p->node, "extrapolation_value");
  tn_shape out = tn_shape_of(4, (int64_t[4]){c->boxes, size[0], size[1], c->depth});
  return tn_prepare_output(p, 0, &out);
}

/* --- cropping --- */

typedef struct job {
  const crop *c;
  const tn_tensor *image;
  const float *boxes, *grads;
  const int32_t *index;
  void *out;
} job;

enum { PIECE = 64 }; /* channels that are converted at once */

/* The place of a pixel between four: the elements at which they begin, and how near it is to the right and the lower
 * ones. */
typedef struct between {
  int64_t corner[4];
  float across, down;
} between;

static between between_of(const crop *c, int64_t image, float y, float x) {
  const int64_t base = image * c->height, left = (int64_t)floorf(x), right = (int64_t)ceilf(x);
  const int64_t top = (base + (int64_t)floorf(y)) * c->width, bottom = (base + (int64_t)ceilf(y)) * c->width;
  return (between){
      {(top + left) * c->depth, (top + right) * c->depth, (bottom + left) * c->depth, (bottom + right) * c->depth},
      x - (float)left,
      y - floorf(y)};
}

/* Channels [AT, AT + N) of a pixel between four. */
static void blend(const job *j, const between *b, int64_t at, int64_t n, float *to) {
  float room[4][PIECE];
  const float *p[4];
  for (int k = 0; k < 4; k++) p[k] = tn_image_floats(j->image->dtype, j->image->data, b->corner[k] + at, n, room[k]);
  for (int64_t i = 0; i < n; i++) {
    const float top = p[0][i] + (p[1][i] - p[0][i]) * b->across, bottom = p[2][i] + (p[3][i] - p[2][i]) * b->across;
    to[at + i] = top + (bottom - top) * b->down;
  }
}

static void crop_pixel(const job *j, int64_t image, float y, float x, float *to) {
  const crop *c = j->c;
  if (c->nearest) {
    const int64_t at = ((image * c->height + (int64_t)roundf(y)) * c->width + (int64_t)roundf(x)) * c->depth;
    const float *from = tn_image_floats(j->image->dtype, j->image->data, at, c->depth, to);
    if (from != to) memcpy(to, from, (size_t)c->depth * sizeof *to);
    return;
  }
  const between b = between_of(c, image, y, x);
  for (int64_t at = 0; at < c->depth; at += PIECE) blend(j, &b, at, c->depth - at < PIECE ? c->depth - at : PIECE, to);
}

static void crop_row(void *argument, int64_t row) {
  const job *j = argument;
  const crop *c = j->c;
  const int64_t b = row / c->crop_height, length = c->crop_width * c->depth;
  const float *box = j->boxes + 4 * b;
  const float y = line_at(line_of(box[0], box[2], c->height, c->crop_height), row % c->crop_height);
  const line across = line_of(box[1], box[3], c->width, c->crop_width);
  float *to = (float *)j->out + row * length;
  for (int64_t i = 0; i < c->crop_width; i++, to += c->depth) {
    const float x = line_at(across, i);
    if (inside(y, c->height) && inside(x, c->width))
      crop_pixel(j, j->index[b], y, x, to);
    else
      for (int64_t k = 0; k < c->depth; k++) to[k] = c->outside;
  }
}

static tn_error *run(tn_run *r) {
  const crop *c = r->state;
  TN_TRY(check_index(r, 2, c));
  job j = {c, r->inputs[0], r->inputs[1]->data, NULL, r->inputs[2]->data, r->outputs[0]->data};
  tn_image_rows(c->boxes * c->crop_height, c->crop_width * c->depth * 2, crop_row, &j);
  return NULL;
}

/* --- the gradient of the image: each image collects from its boxes in order --- */

static tn_error *prepare_grads(tn_prepare *p, int boxes, crop *c) {
  const tn_shape *g = &p->inputs[0].shape;
  TN_TRY(check_boxes(p, boxes, c));
  if (g->rank != 4 || g->dims[1] <= 0 || g->dims[2] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "grads must be 4-D with positive sides, but are %s",
                             TN_SHAPE_STR(g));
  if (g->dims[0] != c->boxes || g->dims[3] != c->depth)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "grads %s have not the boxes or the depth of the image",
                             TN_SHAPE_STR(g));
  c->crop_height = g->dims[1];
  c->crop_width = g->dims[2];
  return NULL;
}

static tn_error *image_prepare(tn_prepare *p) {
  crop *c;
  tn_shape image;
  TN_TRY(tn_prepare_state(p, sizeof *c, &c));
  if (p->inputs[3].shape.rank != 1 || p->inputs[3].shape.dims[0] != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image_size must have four elements, but is %s",
                             TN_SHAPE_STR(&p->inputs[3].shape));
  TN_TRY(tn_prepare_shape(p, 3, &image));
  TN_TRY(check_image(p, &image, c));
  TN_TRY(prepare_grads(p, 1, c));
  return tn_prepare_output(p, 0, &image);
}

static void add(const job *j, tn_dtype dtype, int64_t at, float value) {
  if (dtype == TN_FLOAT)
    ((float *)j->out)[at] += value;
  else if (dtype == TN_DOUBLE)
    ((double *)j->out)[at] += (double)value;
  else
    ((uint16_t *)j->out)[at] =
        tn_float_to_half(tn_half_to_float(((uint16_t *)j->out)[at]) + tn_half_to_float(tn_float_to_half(value)));
}

static void add_pixel(const job *j, tn_dtype dtype, int64_t image, const float place[2], const float *g) {
  const crop *c = j->c;
  if (c->nearest) {
    const int64_t y = (int64_t)roundf(place[0]), x = (int64_t)roundf(place[1]);
    for (int64_t k = 0; k < c->depth; k++) add(j, dtype, ((image * c->height + y) * c->width + x) * c->depth + k, g[k]);
    return;
  }
  const between b = between_of(c, image, place[0], place[1]);
  for (int64_t k = 0; k < c->depth; k++) {
    const float above = (1 - b.down) * g[k], below = b.down * g[k];
    add(j, dtype, b.corner[0] + k, (1 - b.across) * above);
    add(j, dtype, b.corner[1] + k, b.across * above);
    add(j, dtype, b.corner[2] + k, (1 - b.across) * below);
    add(j, dtype, b.corner[3] + k, b.across * below);
  }
}

static void collect(void *argument, int64_t image) {
  const job *j = argument;
  const crop *c = j->c;
  const tn_dtype dtype = j->image->dtype;
  for (int64_t b = 0; b < c->boxes; b++) {
    if (j->index[b] != image) continue;
    const float *box = j->boxes + 4 * b, *g = j->grads + b * c->crop_height * c->crop_width * c->depth;
    const line down = line_of(box[0], box[2], c->height, c->crop_height);
    const line across = line_of(box[1], box[3], c->width, c->crop_width);
    for (int64_t y = 0; y < c->crop_height; y++) {
      for (int64_t x = 0; x < c->crop_width; x++, g += c->depth) {
        const float place[2] = {line_at(down, y), line_at(across, x)};
        if (inside(place[0], c->height) && inside(place[1], c->width)) add_pixel(j, dtype, image, place, g);
      }
    }
  }
}

static tn_error *image_run(tn_run *r) {
  const crop *c = r->state;
  tn_tensor *out = r->outputs[0];
  TN_TRY(check_index(r, 2, c));
  memset(out->data, 0, (size_t)tn_elements(out) * tn_dtype_size(out->dtype));
  job j = {c, out, r->inputs[1]->data, r->inputs[0]->data, r->inputs[2]->data, out->data};
  tn_image_rows(c->batch, INT32_MAX, collect, &j);
  return NULL;
}

/* --- the gradient of the boxes --- */

static tn_error *boxes_prepare(tn_prepare *p) {
  crop *c;
  TN_TRY(tn_prepare_state(p, sizeof *c, &c));
  TN_TRY(check_image(p, &p->inputs[1].shape, c));
  TN_TRY(prepare_grads(p, 2, c));
  tn_shape out = tn_shape_of(2, (int64_t[2]){c->boxes, 4});
  return tn_prepare_output(p, 0, &out);
}

/* What one pixel of the crop says of where it lies: the slopes of the image there, times its gradient. */
static void slopes(const job *j, int64_t image, const float place[2], const float *g, float *out) {
  const between b = between_of(j->c, image, place[0], place[1]);
  out[0] = out[1] = 0;
  for (int64_t k = 0; k < j->c->depth; k++) {
    float room[4], p[4];
    for (int m = 0; m < 4; m++) p[m] = *tn_image_floats(j->image->dtype, j->image->data, b.corner[m] + k, 1, &room[m]);
    out[0] += ((1 - b.across) * (p[2] - p[0]) + b.across * (p[3] - p[1])) * g[k];
    out[1] += ((1 - b.down) * (p[1] - p[0]) + b.down * (p[3] - p[2])) * g[k];
  }
}

/* Along one side: how far its two ends move the pixel that is I of N. */
static void spread(float slope, int64_t i, int64_t n, int64_t side, float *low, float *high) {
  const float ratio = n > 1 ? (float)(side - 1) / (float)(n - 1) : 0;
  *low += slope * (n > 1 ? (float)(side - 1) - (float)i * ratio : 0.5f * (float)(side - 1));
  *high += slope * (n > 1 ? (float)i * ratio : 0.5f * (float)(side - 1));
}

static void box_grad(void *argument, int64_t b) {
  const job *j = argument;
  const crop *c = j->c;
  const float *box = j->boxes + 4 * b, *g = j->grads + b * c->crop_height * c->crop_width * c->depth;
  const line down = line_of(box[0], box[2], c->height, c->crop_height);
  const line across = line_of(box[1], box[3], c->width, c->crop_width);
  float *out = (float *)j->out + 4 * b;
  memset(out, 0, 4 * sizeof *out);
  for (int64_t y = 0; y < c->crop_height; y++) {
    for (int64_t x = 0; x < c->crop_width; x++, g += c->depth) {
      const float place[2] = {line_at(down, y), line_at(across, x)};
      float slope[2];
      if (!inside(place[0], c->height) || !inside(place[1], c->width)) continue;
      slopes(j, j->index[b], place, g, slope);
      spread(slope[0], y, c->crop_height, c->height, &out[0], &out[2]);
      spread(slope[1], x, c->crop_width, c->width, &out[1], &out[3]);
    }
  }
}

static tn_error *boxes_run(tn_run *r) {
  const crop *c = r->state;
  TN_TRY(check_index(r, 3, c));
  job j = {c, r->inputs[1], r->inputs[2]->data, r->inputs[0]->data, r->inputs[3]->data, r->outputs[0]->data};
  tn_image_rows(c->boxes, c->crop_height * c->crop_width * c->depth, box_grad, &j);
  return NULL;
}

/* --- shapes and gradients --- */

/* *N is the number of boxes. */
static tn_error *boxes_shape(tn_shape_ctx *c, int input, int64_t *n) {
  tn_shape boxes, index;
  int64_t four;
  *n = -1;
  TN_TRY(tn_shape_with_rank(c, input, 2, &boxes));
  TN_TRY(tn_shape_with_rank(c, input + 1, 1, &index));
  if (boxes.rank == 2) TN_TRY(tn_dim_merge(c, boxes.dims[1], 4, &four));
  return tn_dim_merge(c, boxes.rank == 2 ? boxes.dims[0] : -1, index.rank == 1 ? index.dims[0] : -1, n);
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape image, size;
  int64_t n, two, values[TN_MAX_RANK];
  int known;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &image));
  TN_TRY(boxes_shape(c, 1, &n));
  TN_TRY(tn_shape_with_rank(c, 3, 1, &size));
  if (size.rank == 1) TN_TRY(tn_dim_merge(c, size.dims[0], 2, &two));
  TN_TRY(tn_shape_vector_value(c, 3, &known, values));
  c->out[0] = tn_shape_of(4, (int64_t[4]){n, known == 2 ? values[0] : -1, known == 2 ? values[1] : -1,
                                          image.rank == 4 ? image.dims[3] : -1});
  for (int i = 1; i < 3; i++)
    if (c->out[0].dims[i] < -1)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "crop dimensions must be positive, but one is %lld",
                            (long long)c->out[0].dims[i]);
  return NULL;
}

static tn_error *image_grad_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_from_value(c, 3, &s));
  if (s.rank >= 0 && s.rank != 4)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "image_size must have four elements, but has %d", s.rank);
  c->out[0] = s.rank < 0 ? tn_shape_unknown_of_rank(4) : s;
  return NULL;
}

static tn_error *boxes_grad_shape(tn_shape_ctx *c) {
  c->out[0] = c->in[2];
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_output image = tn_grad_x(c, 0), boxes = tn_grad_x(c, 1), index = tn_grad_x(c, 2), g = tn_grad_dense(c, 0);
  const tn_shape *s = &image.node->output_shapes[image.index];
  tn_dtype dtype = tn_node_get_type(c->node, "T");
  if (dtype == TN_FLOAT || dtype == TN_HALF || dtype == TN_DOUBLE) {
    tn_output size =
        tn_shape_known(s) ? tn_build_ints(c->scope, TN_INT32, 4, s->dims) : tn_build_shape_of(c->scope, image);
    tn_grad_set(c, 0,
                tn_build(c->scope, "CropAndResizeGradImage", TN_IN(g, boxes, index, size),
                         TN_ATTRS(TN_A_TYPE("T", dtype), TN_A_SAME(c->node, "method"))));
  }
  tn_grad_set(c, 1, tn_build(c->scope, "CropAndResizeGradBoxes", TN_IN(g, image, boxes, index), NULL));
  return NULL;
}

#define TYPES                                                                                                          \
  TN_BIT(TN_UINT8) | TN_BIT(TN_UINT16) | TN_BIT(TN_INT8) | TN_BIT(TN_INT16) | TN_BIT(TN_INT32) | TN_BIT(TN_INT64) |    \
      TN_BIT(TN_HALF) | TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE)

static const tn_kernel_def kernels[] = {{.name = "reference", .types = TYPES, .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def image_kernels[] = {{.name = "reference",
                                               .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF) | TN_BIT(TN_DOUBLE),
                                               .prepare = image_prepare,
                                               .run = image_run},
                                              {0}};
static const tn_kernel_def boxes_kernels[] = {
    {.name = "reference", .types = TYPES, .prepare = boxes_prepare, .run = boxes_run}, {0}};

TN_OP(CropAndResize, .inputs = "image: T, boxes: float, box_ind: int32, crop_size: int32", .outputs = "crops: float",
      .attrs = "T: {uint8, uint16, int8, int16, int32, int64, half, float, double}; "
               "method: {'bilinear', 'nearest'} = 'bilinear'; extrapolation_value: float = 0.0",
      .doc = "Boxes of images, each resized to CROP_SIZE.", .value_inputs = 1 << 3, .shape = shape,
      .gradient = gradient, .kernels = kernels);

TN_OP(CropAndResizeGradImage, .inputs = "grads: float, boxes: float, box_ind: int32, image_size: int32",
      .outputs = "output: T", .attrs = "T: {float, half, double}; method: {'bilinear', 'nearest'} = 'bilinear'",
      .doc = "The gradient of CropAndResize with respect to the images.", .value_inputs = 1 << 3,
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = image_grad_shape, .kernels = image_kernels);

TN_OP(CropAndResizeGradBoxes, .inputs = "grads: float, image: T, boxes: float, box_ind: int32",
      .outputs = "output: float",
      .attrs = "T: {uint8, uint16, int8, int16, int32, int64, half, float, double}; method: {'bilinear'} = 'bilinear'",
      .doc = "The gradient of CropAndResize with respect to the boxes.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = boxes_grad_shape, .kernels = boxes_kernels);
