/* ResizeArea: each pixel is the mean of the area that it covers in the image, parts of pixels counted in part. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "ops/image/resize.h"

/* Pixels [start, end); the first and the last may count in part. */
typedef struct span {
  int64_t start, end;
  float first, last;
} span;

typedef struct area {
  tn_resize z;
  span *x;
  int64_t chunks;
  float scale;
} area;

static void destroy(void *state) {
  area *a = state;
  tn_free(a->x);
  tn_free(a);
}

/* How much of pixel I lies in [low, high). */
static float share(int64_t i, float low, float high, float scale) {
  const float at = (float)i, next = (float)(i + 1);
  if (at < low) return next > high ? scale : next - low;
  return next > high ? high - at : 1.0f;
}

static tn_error *prepare(tn_prepare *p) {
  area *a;
  TN_TRY(tn_prepare_state(p, sizeof *a, &a));
  tn_resize *z = &a->z;
  TN_TRY(tn_resize_prepare(p, z));
  a->x = tn_malloc((size_t)z->out_width * sizeof *a->x);
  if (!a->x) return tn_out_of_memory();
  /* A single pixel has no corners to align. */
  if (z->in_height == 1) z->height_scale = tn_resize_scale(1, z->out_height, false);
  if (z->in_width == 1) z->width_scale = tn_resize_scale(1, z->out_width, false);
  for (int64_t i = 0; i < z->out_width; i++) {
    const float low = (float)i * z->width_scale, high = (float)(i + 1) * z->width_scale;
    span *s = &a->x[i];
    s->start = (int64_t)floorf(low);
    s->end = (int64_t)ceilf(high);
    s->first = share(s->start, low, high, z->width_scale);
    s->last = share(s->end - 1, low, high, z->width_scale);
  }
  a->scale = (float)(1.0 / (z->height_scale * z->width_scale));
  a->chunks = tn_chunks(z->batch * z->in_height * z->in_width * z->channels, 16384);
  p->scratch = (size_t)(a->chunks * z->in_width * z->channels) * sizeof(float);
  return NULL;
}

/* Adds row FROM, which counts WEIGHT, to the pixels of TO. */
static void add_row(const area *a, const float *from, float weight, float *to) {
  const int64_t channels = a->z.channels, width = a->z.in_width;
  for (int64_t i = 0; i < a->z.out_width; i++) {
    const span *s = &a->x[i];
    for (int64_t c = 0; c < channels; c++) {
      float sum = from[tn_resize_bound(s->start, width) * channels + c] * s->first;
      if (s->start + 1 != s->end) {
        for (int64_t x = s->start + 1; x < s->end - 1; x++) sum += from[tn_resize_bound(x, width) * channels + c];
        sum += from[tn_resize_bound(s->end - 1, width) * channels + c] * s->last;
      }
      to[i * channels + c] += sum * weight;
    }
  }
}

typedef struct job {
  const area *a;
  const tn_tensor *in;
  float *out, *scratch;
} job;

static void run_chunk(void *argument, int64_t i) {
  const job *j = argument;
  const area *a = j->a;
  const tn_resize *z = &a->z;
  const int64_t length = z->in_width * z->channels, out_length = z->out_width * z->channels;
  float *room = j->scratch + i * length;
  int64_t begin, end;
  tn_chunk(z->batch * z->out_height, a->chunks, i, 1, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const int64_t y = row % z->out_height, first = row / z->out_height * z->in_height;
    const float low = (float)y * z->height_scale, high = (float)(y + 1) * z->height_scale;
    float *to = j->out + row * out_length;
    memset(to, 0, (size_t)out_length * sizeof *to);
    for (int64_t from = (int64_t)floorf(low); from < (int64_t)ceilf(high); from++)
      add_row(a,
              tn_image_floats(j->in->dtype, j->in->data, (first + tn_resize_bound(from, z->in_height)) * length, length,
                              room),
              share(from, low, high, z->height_scale), to);
    for (int64_t k = 0; k < out_length; k++) to[k] *= a->scale;
  }
}

static tn_error *run(tn_run *r) {
  const area *a = r->state;
  job j = {a, r->inputs[0], r->outputs[0]->data, r->scratch};
  tn_parallel(a->chunks, run_chunk, &j);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_RESIZE_TYPES, .prepare = prepare, .run = run, .destroy = destroy}, {0}};

TN_OP(ResizeArea, .inputs = "images: T, size: int32", .outputs = "resized_images: float",
      .attrs = "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}; "
               "align_corners: bool = false",
      .doc = "Images resized to SIZE, each pixel the mean of the area that it covers.", .value_inputs = 1 << 1,
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_resize_shape, .kernels = kernels);
