/* SampleDistortedBoundingBox in its three forms: a random box of wanted size and shape that covers enough of one of the
 * boxes given. Numbers are drawn in TensorFlow's order, so that seeds give its boxes. */
#include <math.h>

#include "ops/image/image.h"
#include "ops/random/random.h"

typedef struct rectangle {
  int32_t x0, y0, x1, y1;
} rectangle;

typedef struct sampling {
  tn_random_state random;
  float area[2], ratio[2], covered;
  int64_t attempts;
  bool whole; /* the image stands for the boxes where there are none */
} sampling;

/* --- set-up --- */

static tn_error *read_range(const tn_node *node, const char *name, float most, float range[2]) {
  const tn_attr *a = tn_node_attr(node, name);
  if (a->n != 2) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s must have two elements, but has %zu", name, a->n);
  for (int i = 0; i < 2; i++) {
    range[i] = a->floats[i];
    if (!(range[i] > 0 && range[i] <= most))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%s must be positive%s, but holds %g", name,
                            most <= 1 ? " and at most 1" : "", (double)range[i]);
  }
  return NULL;
}

static tn_error *check_covered(const tn_node *node, float covered) {
  if (covered >= 0) return NULL;
  return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Min object covered must be non-negative: %g", (double)covered);
}

static tn_error *check_shapes(tn_prepare *p) {
  const tn_shape *size = &p->inputs[0].shape, *boxes = &p->inputs[1].shape;
  if (size->rank != 1 || size->dims[0] != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image_size must contain 3 elements, but is %s",
                             TN_SHAPE_STR(size));
  if (boxes->rank != 3 || boxes->dims[2] != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "boxes must be [batch, n, 4], but are %s", TN_SHAPE_STR(boxes));
  if (p->n_inputs > 2 && p->inputs[2].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "min_object_covered must be 0-D, got shape %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  tn_shape three = tn_shape_of(1, (int64_t[1]){3}), box = tn_shape_of(3, (int64_t[3]){1, 1, 4});
  TN_TRY(tn_prepare_output(p, 0, &three));
  TN_TRY(tn_prepare_output(p, 1, &three));
  return tn_prepare_output(p, 2, &box);
}

static tn_error *prepare(tn_prepare *p) {
  sampling *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  TN_TRY(read_range(p->node, "aspect_ratio_range", INFINITY, s->ratio));
  TN_TRY(read_range(p->node, "area_range", 1, s->area));
  s->attempts = tn_node_get_int(p->node, "max_attempts");
  if (s->attempts <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Max attempts must be positive: %lld", (long long)s->attempts);
  s->whole = tn_node_get_bool(p->node, "use_image_if_no_bounding_boxes");
  if (p->n_inputs == 2) {
    s->covered = tn_node_get_float(p->node, "min_object_covered");
    TN_TRY(check_covered(p->node, s->covered));
  }
  if (p->n_inputs < 4) TN_TRY(tn_random_prepare_state(p, &s->random));
  return check_shapes(p);
}

/* --- sampling --- */

static uint32_t below(tn_philox_stream *g, uint32_t n) {
  if ((n & (n - 1)) == 0) return tn_philox_one(g) & (n - 1);
  const uint32_t limit = UINT32_MAX - UINT32_MAX % n;
  uint32_t word;
  do word = tn_philox_one(g);
  while (word >= limit);
  return word % n;
}

static float area_of(rectangle r) { return (float)((int64_t)(r.x1 - r.x0) * (r.y1 - r.y0)); }

static rectangle common(rectangle a, rectangle b) {
  rectangle c = {a.x0 > b.x0 ? a.x0 : b.x0, a.y0 > b.y0 ? a.y0 : b.y0, a.x1 < b.x1 ? a.x1 : b.x1,
                 a.y1 < b.y1 ? a.y1 : b.y1};
  return c.x0 > c.x1 || c.y0 > c.y1 ? (rectangle){0, 0, 0, 0} : c;
}

static int32_t to_int(float x) { return x < 2147483520.0f ? (int32_t)lrintf(x) : INT32_MAX; }

/* The greatest height whose width, at RATIO, still fits. */
static int32_t greatest_height(float area, float ratio, int32_t width, int32_t height) {
  int32_t most = to_int(sqrtf(area / ratio));
  if (to_int((float)most * ratio) > width) {
    const double fits = ((double)width + 0.5 - (double)0.0000001f) / (double)ratio;
    most = fits < INT32_MAX ? (int32_t)fits : INT32_MAX;
    if (to_int((float)most * ratio) > width) most--;
  }
  return most < height ? most : height;
}

/* A random box of the given ratio of width to height; false if there is none. */
static bool draw(const sampling *s, tn_philox_stream *g, float ratio, int32_t width, int32_t height, rectangle *out) {
  if (width <= 0 || height <= 0 || s->area[0] > s->area[1]) return false;
  const float least = s->area[0] * (float)width * (float)height, most = s->area[1] * (float)width * (float)height;
  const int32_t highest = greatest_height(most, ratio, width, height);
  int32_t h = to_int(sqrtf(least / ratio));
  if (h > highest) h = highest;
  if (h < highest) h += (int32_t)below(g, (uint32_t)(highest - h + 1));
  int32_t w = to_int((float)h * ratio);
  if ((float)((int64_t)w * h) < least) w = to_int((float)++h * ratio);
  if ((float)((int64_t)w * h) > most) w = to_int((float)--h * ratio);
  const float area = (float)((int64_t)w * h);
  if (area < least || area > most || w > width || h > height || w <= 0 || h <= 0) return false;
  out->y0 = h < height ? (int32_t)below(g, (uint32_t)(height - h)) : 0;
  out->x0 = w < width ? (int32_t)below(g, (uint32_t)(width - w)) : 0;
  out->x1 = out->x0 + w;
  out->y1 = out->y0 + h;
  return true;
}

/* Whether CROP covers enough of one of the N boxes. */
static bool covers(rectangle crop, float share, const float *boxes, int64_t n, rectangle image) {
  if (area_of(crop) < 1) return false;
  for (int64_t i = 0; i < (n ? n : 1); i++) {
    const float *b = boxes + 4 * i, w = (float)image.x1, h = (float)image.y1;
    const rectangle box =
        n ? (rectangle){(int32_t)(b[1] * w), (int32_t)(b[0] * h), (int32_t)(b[3] * w), (int32_t)(b[2] * h)} : image;
    if (area_of(box) >= 1 && area_of(common(crop, box)) / area_of(box) >= share) return true;
  }
  return false;
}

static tn_error *read_size(const tn_run *r, int32_t size[2]) {
  const tn_tensor *t = r->inputs[0];
  for (int i = 0; i < 2; i++) {
    int64_t side;
    switch (t->dtype) {
    case TN_UINT8: side = TN_DATA(uint8_t, t)[i]; break;
    case TN_INT8: side = TN_DATA(int8_t, t)[i]; break;
    default: side = tn_index_at(t, i);
    }
    if (side < 0 || side >= INT32_MAX)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "image height and width must be in [0, int32 max), one is %lld",
                           (long long)side);
    size[i] = (int32_t)side;
  }
  return NULL;
}

static tn_error *check_boxes(const tn_run *r, const sampling *s, int64_t n) {
  for (int64_t i = 0; i < 4 * n; i++) {
    const float at = TN_DATA(float, r->inputs[1])[i];
    if (!(at >= 0 && at <= 1))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "All bounding box coordinates must be in [0.0, 1.0]: %g",
                           (double)at);
  }
  if (n == 0 && !s->whole)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you "
                         "wish to not provide any bounding boxes.");
  return NULL;
}

static void write(const tn_tensor *t, int i, int64_t value) {
  switch (tn_dtype_size(t->dtype)) {
  case 1: TN_DATA(int8_t, t)[i] = (int8_t)value; break;
  case 2: TN_DATA(int16_t, t)[i] = (int16_t)value; break;
  case 4: TN_DATA(int32_t, t)[i] = (int32_t)value; break;
  default: TN_DATA(int64_t, t)[i] = value;
  }
}

static tn_error *run(tn_run *r) {
  const sampling *s = r->state;
  const float *boxes = TN_DATA(float, r->inputs[1]);
  const int64_t n = tn_elements(r->inputs[1]) / 4;
  const float covered = r->n_inputs > 2 ? *TN_DATA(float, r->inputs[2]) : s->covered;
  int32_t size[2];
  tn_philox g;
  TN_TRY(read_size(r, size));
  TN_TRY(check_covered(r->node, covered));
  TN_TRY(check_boxes(r, s, n));
  if (r->n_inputs == 4)
    TN_TRY(tn_random_from_seed(r, 3, &g));
  else
    g = tn_random_take(&s->random, (uint64_t)s->attempts);
  tn_philox_stream stream = tn_philox_stream_of(&g);
  const rectangle image = {0, 0, size[1], size[0]};
  rectangle crop = image, tried = {0, 0, 0, 0};
  for (int64_t i = 0; i < s->attempts; i++) {
    const float ratio = tn_bits_to_float(tn_philox_one(&stream)) * (s->ratio[1] - s->ratio[0]) + s->ratio[0];
    if (draw(s, &stream, ratio, size[1], size[0], &tried) && covers(tried, covered, boxes, n, image)) {
      crop = tried;
      break;
    }
  }
  const int64_t begin[3] = {crop.y0, crop.x0, 0}, extent[3] = {crop.y1 - crop.y0, crop.x1 - crop.x0, -1};
  for (int i = 0; i < 3; i++) {
    write(r->outputs[0], i, begin[i]);
    write(r->outputs[1], i, extent[i]);
  }
  float *box = TN_DATA(float, r->outputs[2]);
  box[0] = (float)crop.y0 / (float)size[0];
  box[1] = (float)crop.x0 / (float)size[1];
  box[2] = (float)crop.y1 / (float)size[0];
  box[3] = (float)crop.x1 / (float)size[1];
  return NULL;
}

/* --- shapes --- */

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape size, boxes, one;
  int64_t n;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &size));
  TN_TRY(tn_shape_with_rank(c, 1, 3, &boxes));
  if (size.rank == 1) TN_TRY(tn_dim_merge(c, size.dims[0], 3, &n));
  if (boxes.rank == 3) TN_TRY(tn_dim_merge(c, boxes.dims[2], 4, &n));
  if (c->n_inputs > 2) TN_TRY(tn_shape_with_rank(c, 2, 0, &one));
  if (c->n_inputs > 3) TN_TRY(tn_random_check_vector(c, 3, 2));
  c->out[0] = c->out[1] = tn_shape_of(1, (int64_t[1]){3});
  c->out[2] = tn_shape_of(3, (int64_t[3]){1, 1, 4});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

#define RANGES                                                                                                         \
  "aspect_ratio_range: list(float) = [0.75, 1.33]; area_range: list(float) = [0.05, 1]; max_attempts: int = 100; "     \
  "use_image_if_no_bounding_boxes: bool = false"

TN_OP(SampleDistortedBoundingBox, .inputs = "image_size: T, bounding_boxes: float",
      .outputs = "begin: T, size: T, bboxes: float",
      .attrs = "T: {uint8, int8, int16, int32, int64}; seed: int = 0; seed2: int = 0; "
               "min_object_covered: float = 0.100000001; " RANGES,
      .doc = "A random box in the image that covers enough of one of the boxes.",
      .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .shape = shape, .kernels = kernels);

TN_OP(SampleDistortedBoundingBoxV2, .inputs = "image_size: T, bounding_boxes: float, min_object_covered: float",
      .outputs = "begin: T, size: T, bboxes: float",
      .attrs = "T: {uint8, int8, int16, int32, int64}; seed: int = 0; seed2: int = 0; " RANGES,
      .doc = "A random box in the image that covers enough of one of the boxes; how much is an input.",
      .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .shape = shape, .kernels = kernels);

TN_OP(StatelessSampleDistortedBoundingBox,
      .inputs = "image_size: T, bounding_boxes: float, min_object_covered: float, seed: Tseed",
      .outputs = "begin: T, size: T, bboxes: float",
      .attrs = "T: {uint8, int8, int16, int32, int64}; Tseed: indextype; " RANGES,
      .doc = "A box in the image that is a function of the seed and covers enough of one of the boxes.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
