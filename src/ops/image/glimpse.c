/* ExtractGlimpse and V2: windows of images around given places; what is outside is noise. */
#include <math.h>
#include <string.h>

#include "kernel/philox.h"
#include "ops/image/resize.h"

typedef enum noise { UNIFORM, GAUSSIAN, ZERO } noise;

typedef struct glimpse {
  int64_t height, width, depth, out_height, out_width;
  bool centered, normalized, second;
  noise noise;
} glimpse;

static tn_error *read_noise(const tn_node *node, noise *out) {
  bool uniform = tn_node_get_bool(node, "uniform_noise"), named = tn_node_get_string(node, "noise").size > 0;
  if (uniform && named && !tn_node_string_is(node, "noise", "uniform"))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "The uniform_noise and noise could not be specified at the same time");
  if (!named)
    *out = uniform ? UNIFORM : GAUSSIAN;
  else if (tn_node_string_is(node, "noise", "uniform"))
    *out = UNIFORM;
  else if (tn_node_string_is(node, "noise", "gaussian"))
    *out = GAUSSIAN;
  else if (tn_node_string_is(node, "noise", "zero"))
    *out = ZERO;
  else
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "The noise could only be uniform, gaussian, or zero");
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape, *size = &p->inputs[1].shape, *at = &p->inputs[2].shape;
  glimpse *g;
  int n;
  int64_t sides[2];
  TN_TRY(tn_prepare_state(p, sizeof *g, &g));
  TN_TRY(read_noise(p->node, &g->noise));
  if (s->rank != 4 || size->rank != 1 || size->dims[0] != 2 || at->rank != 2 || at->dims[0] != s->dims[0] ||
      at->dims[1] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "input [batch, height, width, depth], size [2] and offsets [batch, 2] are needed, not %s, "
                             "%s and %s",
                             TN_SHAPE_STR(s), TN_SHAPE_STR(size), TN_SHAPE_STR(at));
  TN_TRY(tn_prepare_ints(p, 1, 2, &n, sides));
  if (sides[0] < 0 || sides[1] < 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the size [%lld,%lld] is negative", (long long)sides[0],
                             (long long)sides[1]);
  g->height = s->dims[1];
  g->width = s->dims[2];
  g->depth = s->dims[3];
  g->out_height = sides[0];
  g->out_width = sides[1];
  g->centered = tn_node_get_bool(p->node, "centered");
  g->normalized = tn_node_get_bool(p->node, "normalized");
  g->second = strcmp(p->node->op->name, "ExtractGlimpseV2") == 0;
  tn_shape out = tn_shape_of(4, (int64_t[4]){s->dims[0], sides[0], sides[1], s->dims[3]});
  return tn_prepare_output(p, 0, &out);
}

/* The first pixel of a window of N pixels at OFFSET of a side of SIDE. */
static int64_t first_of(const glimpse *g, float offset, int64_t side, int64_t n) {
  float at = offset;
  if (g->normalized) at *= (float)side;
  if (g->second) {
    if (g->centered && g->normalized) at = at / 2.0f + (float)side / 2.0f - (float)n / 2.0f;
    if (g->centered && !g->normalized) at += (float)side / 2.0f;
  } else {
    if (g->centered) at = at / 2.0f + (float)side / 2.0f;
    at -= (float)n / 2.0f;
  }
  if (at > 1e15f) return (int64_t)1e15;
  return at > -1e15f ? (int64_t)at : -(int64_t)1e15;
}

typedef struct job {
  const glimpse *g;
  const float *in, *offsets;
  float *out;
} job;

/* Noise as the image has it: between its extremes, or of its channels' means and deviations. */
static void fill(const glimpse *g, const float *image, int64_t number, float *to) {
  const int64_t n = g->height * g->width * g->depth, count = g->out_height * g->out_width * g->depth;
  tn_philox philox = tn_philox_stateless((uint64_t)number, 0x91e10da5c79e7b1dULL);
  tn_philox_stream stream = tn_philox_stream_of(&philox);
  float low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < n; i++) low = fminf(low, image[i]), high = fmaxf(high, image[i]);
  for (int64_t i = 0; i < count && g->noise == UNIFORM; i++)
    to[i] = low + tn_bits_to_float(tn_philox_one(&stream)) * (high - low);
  for (int64_t c = 0; c < g->depth && g->noise == GAUSSIAN; c++) {
    double sum = 0, squares = 0;
    const double pixels = (double)(g->height * g->width);
    for (int64_t i = c; i < n; i += g->depth) sum += image[i], squares += (double)image[i] * image[i];
    const double mean = sum / pixels, deviation = sqrt(fmax(squares / pixels - mean * mean, 0));
    for (int64_t i = c; i < count; i += g->depth) {
      float normal[2];
      tn_box_muller_float(tn_philox_one(&stream), tn_philox_one(&stream), normal);
      to[i] = fmaxf(low, fminf(high, (float)(mean + deviation * normal[0])));
    }
  }
  if (g->noise == ZERO) memset(to, 0, (size_t)count * sizeof *to);
}

static void extract(void *argument, int64_t i) {
  const job *j = argument;
  const glimpse *g = j->g;
  const float *image = j->in + i * g->height * g->width * g->depth;
  float *to = j->out + i * g->out_height * g->out_width * g->depth;
  const int64_t top = first_of(g, j->offsets[2 * i], g->height, g->out_height);
  const int64_t left = first_of(g, j->offsets[2 * i + 1], g->width, g->out_width);
  const int64_t x0 = left < 0 ? -left : 0, x1 = g->width - left < g->out_width ? g->width - left : g->out_width;
  if (top < 0 || left < 0 || top + g->out_height > g->height || left + g->out_width > g->width) fill(g, image, i, to);
  for (int64_t y = 0; y < g->out_height && x0 < x1; y++) {
    if (top + y < 0 || top + y >= g->height) continue;
    memcpy(to + (y * g->out_width + x0) * g->depth, image + ((top + y) * g->width + left + x0) * g->depth,
           (size_t)((x1 - x0) * g->depth) * sizeof *to);
  }
}

static tn_error *run(tn_run *r) {
  const glimpse *g = r->state;
  job j = {g, r->inputs[0]->data, r->inputs[2]->data, r->outputs[0]->data};
  if (tn_elements(r->outputs[0]) == 0) return NULL;
  tn_image_rows(r->inputs[0]->shape.dims[0], g->out_height * g->out_width * g->depth, extract, &j);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s, at;
  int64_t batch, two;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &s));
  TN_TRY(tn_shape_with_rank(c, 2, 2, &at));
  TN_TRY(tn_dim_merge(c, s.rank == 4 ? s.dims[0] : -1, at.rank == 2 ? at.dims[0] : -1, &batch));
  if (at.rank == 2) TN_TRY(tn_dim_merge(c, at.dims[1], 2, &two));
  return tn_resize_sized(c, batch, 1, s.rank == 4 ? s.dims[3] : -1);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

#define ATTRS "centered: bool = true; normalized: bool = true; uniform_noise: bool = true; noise: string = 'uniform'"

TN_OP(ExtractGlimpse, .inputs = "input: float, size: int32, offsets: float", .outputs = "glimpse: float",
      .attrs = ATTRS, .doc = "Windows of images around OFFSETS, noise where they leave the image.",
      .value_inputs = 1 << 1, .flags = TN_OP_NO_GRADIENT, .shape = shape, .kernels = kernels);

TN_OP(ExtractGlimpseV2, .inputs = "input: float, size: int32, offsets: float", .outputs = "glimpse: float",
      .attrs = ATTRS, .doc = "Windows of images; OFFSETS that are neither normalized nor centered are corners.",
      .value_inputs = 1 << 1, .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
