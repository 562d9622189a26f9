/* RGBToHSV, HSVToRGB, AdjustHue and AdjustSaturation: three channels, pixel by pixel. */
#include <math.h>

#include "kernel/wide.h"
#include "ops/image/image.h"

typedef struct pixels {
  int64_t n; /* pixels, in rows of ROW */
  const void *in;
  void *out;
  float amount;
} pixels;

enum { ROW = 256 };

/* --- between the two --- */

#define CONVERSIONS(TYPE, MAX, MIN, ABS)                                                                               \
  static void to_hsv_##TYPE(const TYPE *p, TYPE *q) {                                                                  \
    const TYPE r = p[0], g = p[1], b = p[2], v = MAX(r, MAX(g, b)), range = v - MIN(r, MIN(g, b));                     \
    const TYPE norm = 1 / range * ((TYPE)1 / 6);                                                                       \
    TYPE h = r == v ? norm * (g - b) : g == v ? norm * (b - r) + (TYPE)2 / 6 : norm * (r - g) + (TYPE)4 / 6;           \
    if (!(range > 0)) h = 0;                                                                                           \
    q[0] = h < 0 ? h + 1 : h;                                                                                          \
    q[1] = v > 0 ? range / v : 0;                                                                                      \
    q[2] = v;                                                                                                          \
  }                                                                                                                    \
  static void to_rgb_##TYPE(const TYPE *p, TYPE *q) {                                                                  \
    const TYPE dh = p[0] * 6, s = p[1], v = p[2], rest = 1 - s;                                                        \
    const TYPE r = MIN(MAX(ABS(dh - 3) - 1, 0), 1), g = MIN(MAX(2 - ABS(dh - 2), 0), 1);                               \
    const TYPE b = MIN(MAX(2 - ABS(dh - 4), 0), 1);                                                                    \
    q[0] = (rest + s * r) * v;                                                                                         \
    q[1] = (rest + s * g) * v;                                                                                         \
    q[2] = (rest + s * b) * v;                                                                                         \
  }                                                                                                                    \
  static void to_hsv_row_##TYPE(void *argument, int64_t row) {                                                         \
    const pixels *all = argument;                                                                                      \
    for (int64_t i = row * ROW; i < (row + 1) * ROW && i < all->n; i++)                                                \
      to_hsv_##TYPE((const TYPE *)all->in + 3 * i, (TYPE *)all->out + 3 * i);                                          \
  }                                                                                                                    \
  static void to_rgb_row_##TYPE(void *argument, int64_t row) {                                                         \
    const pixels *all = argument;                                                                                      \
    for (int64_t i = row * ROW; i < (row + 1) * ROW && i < all->n; i++)                                                \
      to_rgb_##TYPE((const TYPE *)all->in + 3 * i, (TYPE *)all->out + 3 * i);                                          \
  }

CONVERSIONS(float, fmaxf, fminf, fabsf)
CONVERSIONS(double, fmax, fmin, fabs)

/* --- adjusting --- */

/* The hue from 0 to 6, and the largest and the smallest colour. */
static float hue_of(const float *p, float *low, float *high) {
  const float r = p[0], g = p[1], b = p[2];
  float middle;
  int sector;
  if (r < g) {
    sector = b < r ? 1 : b > g ? 3 : 2;
    *high = b > g ? b : g;
    *low = b < r ? b : r;
    middle = b < r ? r : b > g ? g : b;
  } else {
    sector = b < g ? 0 : b > r ? 4 : 5;
    *high = b > r ? b : r;
    *low = b < g ? b : g;
    middle = b < g ? g : b > r ? r : b;
  }
  if (*high == *low) return 0;
  const float ratio = (middle - *low) / (*high - *low);
  return (float)sector + (sector % 2 == 0 ? ratio : 1 - ratio);
}

static void adjust_hue(const float *p, float amount, float *q) {
  /* Where the largest, the smallest and the middle colour go, for each sector of the circle. */
  static const unsigned char places[6][3] = {{0, 2, 1}, {1, 2, 0}, {1, 0, 2}, {2, 0, 1}, {2, 1, 0}, {0, 1, 2}};
  float low, high, h = hue_of(p, &low, &high) + amount * 6;
  h -= 6 * floorf(h / 6);
  if (!(h >= 0)) h = 0;
  const int sector = h < 5 ? (int)h : 5;
  float ratio = h - (float)sector;
  if (sector % 2) ratio = 1 - ratio;
  q[places[sector][0]] = high;
  q[places[sector][1]] = low;
  q[places[sector][2]] = low + ratio * (high - low);
}

static void hue_row(void *argument, int64_t row) {
  const pixels *all = argument;
  for (int64_t i = row * ROW; i < (row + 1) * ROW && i < all->n; i++)
    adjust_hue((const float *)all->in + 3 * i, all->amount, (float *)all->out + 3 * i);
}

static void adjust_saturation(const float *p, float amount, float *q) {
  float hsv[3];
  to_hsv_float(p, hsv);
  hsv[1] = fminf(1, fmaxf(0, hsv[1] * amount));
  to_rgb_float(hsv, q);
}

static void saturation_row(void *argument, int64_t row) {
  const pixels *all = argument;
  for (int64_t i = row * ROW; i < (row + 1) * ROW && i < all->n; i++)
    adjust_saturation((const float *)all->in + 3 * i, all->amount, (float *)all->out + 3 * i);
}

/* --- kernels --- */

static void run_rows(pixels *all, const tn_tensor *t, void (*fn)(void *argument, int64_t row)) {
  all->n = tn_elements(t) / 3;
  tn_image_rows((all->n + ROW - 1) / ROW, 3 * ROW * 4, fn, all);
}

static tn_error *prepare_colors(tn_prepare *p, int least) {
  const tn_shape *s = &p->inputs[0].shape;
  if (s->rank < least)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be at least %d-D, but is %s", least, TN_SHAPE_STR(s));
  if (s->dims[s->rank - 1] != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must have 3 channels, but is %s", TN_SHAPE_STR(s));
  return tn_prepare_output(p, 0, s);
}

static tn_error *prepare_convert(tn_prepare *p) {
  tn_dtype dtype = p->inputs[0].dtype;
  TN_TRY(prepare_colors(p, 1));
  if (dtype == TN_HALF || dtype == TN_BFLOAT16) p->scratch = 2 * tn_float_scratch(&p->inputs[0]);
  return NULL;
}

static tn_error *run_convert(tn_run *r, bool to_hsv) {
  const tn_tensor *in = r->inputs[0];
  tn_tensor *out = r->outputs[0];
  pixels all = {.in = in->data, .out = out->data};
  if (in->dtype == TN_DOUBLE) {
    run_rows(&all, in, to_hsv ? to_hsv_row_double : to_rgb_row_double);
    return NULL;
  }
  char *scratch = r->scratch;
  all.in = tn_float_in(in, &scratch);
  all.out = tn_float_out(out, &scratch);
  run_rows(&all, in, to_hsv ? to_hsv_row_float : to_rgb_row_float);
  tn_float_finish(out, all.out);
  return NULL;
}

static tn_error *run_to_hsv(tn_run *r) { return run_convert(r, true); }
static tn_error *run_to_rgb(tn_run *r) { return run_convert(r, false); }

static tn_error *prepare_adjust(tn_prepare *p) {
  if (p->inputs[1].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the amount must be scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  return prepare_colors(p, 3);
}

static tn_error *run_adjust(tn_run *r, void (*fn)(void *argument, int64_t row)) {
  pixels all = {.in = r->inputs[0]->data, .out = r->outputs[0]->data, .amount = *TN_DATA(float, r->inputs[1])};
  run_rows(&all, r->inputs[0], fn);
  return NULL;
}

static tn_error *run_hue(tn_run *r) { return run_adjust(r, hue_row); }
static tn_error *run_saturation(tn_run *r) { return run_adjust(r, saturation_row); }

/* --- shapes --- */

static tn_error *convert_shape(tn_shape_ctx *c) {
  tn_shape s;
  int64_t three;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &s));
  if (s.rank > 0) {
    TN_TRY(tn_dim_merge(c, s.dims[s.rank - 1], 3, &three));
    s.dims[s.rank - 1] = 3;
  }
  c->out[0] = s;
  return NULL;
}

static tn_error *adjust_shape(tn_shape_ctx *c) { return tn_shape_at_least_rank(c, 0, 3, &c->out[0]); }

/* --- the gradient of RGBToHSV --- */

static tn_output channel(tn_scope *s, tn_output x, int64_t i) {
  tn_output last = tn_build_ints(s, TN_INT32, 1, (int64_t[]){i});
  return tn_build(s, "GatherV2", TN_IN(x, last, tn_build_scalar(s, TN_INT32, -1)), NULL);
}

/* One in the channel of each pixel that INDEX names, moved on by BY channels; zero in the others. */
static tn_output mark(tn_scope *s, tn_output index, int by, tn_dtype dtype) {
  tn_output moved = tn_build2(s, "FloorMod", tn_build2(s, "AddV2", index, tn_build_scalar(s, TN_INT64, by)),
                              tn_build_scalar(s, TN_INT64, 3));
  return tn_build(
      s, "OneHot",
      TN_IN(moved, tn_build_scalar(s, TN_INT32, 3), tn_build_scalar(s, dtype, 1), tn_build_scalar(s, dtype, 0)), NULL);
}

static tn_output times(tn_scope *s, tn_output a, tn_output b) { return tn_build2(s, "Mul", a, b); }
static tn_output over(tn_scope *s, tn_output a, tn_output b) { return tn_build2(s, "DivNoNan", a, b); }

static tn_output total(tn_scope *s, tn_output x) { return tn_build_sum(s, x, tn_build_scalar(s, TN_INT32, -1), true); }

/* With V the largest colour, M the smallest and D = V - M: saturation is D / V, and the hue is (next - last) / 6 D plus
 * a constant, where next and last follow the largest in a circle. Of equal colours the first counts as the largest and
 * the last as the smallest. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output p = tn_grad_x(c, 0), g = tn_grad_dense(c, 0);
  const tn_dtype dtype = tn_node_get_type(c->node, "T");
  tn_output axis = tn_build_scalar(s, TN_INT32, -1);
  tn_output first = tn_build2(s, "ArgMax", p, axis);
  tn_output backwards = tn_build2(s, "ReverseV2", p, tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1}));
  tn_output least = tn_build2(s, "Sub", tn_build_scalar(s, TN_INT64, 2), tn_build2(s, "ArgMin", backwards, axis));
  tn_output top = mark(s, first, 0, dtype), low = mark(s, least, 0, dtype);
  tn_output v = total(s, times(s, p, top)), m = total(s, times(s, p, low)), d = tn_build2(s, "Sub", v, m);
  tn_output around = tn_build2(s, "Sub", mark(s, first, 1, dtype), mark(s, first, 2, dtype));
  tn_output hue = over(s, channel(s, g, 0), times(s, d, tn_build_scalar(s, dtype, 6)));
  tn_output turn = over(s, total(s, times(s, p, around)), d), fade = channel(s, g, 1);
  tn_output of_top = tn_build2(s, "AddV2", channel(s, g, 2), over(s, times(s, fade, m), times(s, v, v)));
  of_top = tn_build2(s, "Sub", of_top, times(s, hue, turn));
  tn_output of_low = tn_build2(s, "Sub", times(s, hue, turn), over(s, fade, v));
  tn_output sum = tn_build2(s, "AddV2", times(s, top, of_top), times(s, low, of_low));
  tn_grad_set(c, 0, tn_build2(s, "AddV2", sum, times(s, around, hue)));
  return NULL;
}

#define KERNELS(NAME, TYPES, PREPARE, RUN)                                                                             \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TYPES, .prepare = PREPARE, .run = RUN}, {0}}

KERNELS(to_hsv_kernels, TN_FLOATS, prepare_convert, run_to_hsv);
KERNELS(to_rgb_kernels, TN_FLOATS, prepare_convert, run_to_rgb);
KERNELS(hue_kernels, TN_BIT(TN_FLOAT), prepare_adjust, run_hue);
KERNELS(saturation_kernels, TN_BIT(TN_FLOAT), prepare_adjust, run_saturation);

TN_OP(RGBToHSV, .inputs = "images: T", .outputs = "output: T", .attrs = "T: floattype = DT_FLOAT",
      .doc = "Colours as hue, saturation and value, all from 0 to 1.", .shape = convert_shape, .gradient = gradient,
      .kernels = to_hsv_kernels);

TN_OP(HSVToRGB, .inputs = "images: T", .outputs = "output: T", .attrs = "T: floattype = DT_FLOAT",
      .doc = "Hue, saturation and value as colours.", .flags = TN_OP_NO_GRADIENT, .shape = convert_shape,
      .kernels = to_rgb_kernels);

TN_OP(AdjustHue, .inputs = "images: T, delta: float", .outputs = "output: T", .attrs = "T: {half, float} = DT_FLOAT",
      .doc = "Images with all hues moved by DELTA of the circle.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = adjust_shape, .kernels = hue_kernels);

TN_OP(AdjustSaturation, .inputs = "images: T, scale: float", .outputs = "output: T",
      .attrs = "T: {half, float} = DT_FLOAT", .doc = "Images with all saturations times SCALE.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = adjust_shape, .kernels = saturation_kernels);
