/* ResizeBilinear and its gradient. A row of the result lies between two rows of the image; each of those is first
 * resized along its length, once, and kept for the rows of the result that follow. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "kernel/simd/simd.h"
#include "ops/image/resize.h"

/* A result between pixels INDEX[2 i] and INDEX[2 i + 1], nearer to the second the larger WEIGHT[i] is. */
typedef struct places {
  int32_t *index;
  float *weight;
} places;

typedef struct bilinear {
  tn_resize z;
  places y, x;           /* x counts elements, not pixels, in the forward op */
  int32_t *first, *last; /* of the gradient: the rows of the result that a row of the image takes part in */
  const tn_simd *simd;
  int64_t chunks, row; /* row: floats of a resized row, with room for one vector more */
} bilinear;

static tn_error *places_init(places *p, const tn_resize *z, int64_t in, int64_t out, float scale) {
  p->index = tn_malloc((size_t)out * 2 * sizeof *p->index);
  p->weight = tn_malloc((size_t)out * sizeof *p->weight);
  if (!p->index || !p->weight) return tn_out_of_memory();
  for (int64_t i = 0; i < out; i++) {
    float at = tn_resize_at(z, i, scale), below = floorf(at);
    int64_t lower = (int64_t)below, upper = (int64_t)ceilf(at);
    p->index[2 * i] = (int32_t)(lower > 0 ? lower : 0);
    p->index[2 * i + 1] = (int32_t)(upper < in - 1 ? upper : in - 1);
    p->weight[i] = at - below;
  }
  return NULL;
}

static void destroy(void *state) {
  bilinear *b = state;
  tn_free(b->y.index);
  tn_free(b->y.weight);
  tn_free(b->x.index);
  tn_free(b->x.weight);
  tn_free(b->first);
  tn_free(b->last);
  tn_free(b);
}

static tn_error *init(bilinear *b) {
  TN_TRY(places_init(&b->y, &b->z, b->z.in_height, b->z.out_height, b->z.height_scale));
  return places_init(&b->x, &b->z, b->z.in_width, b->z.out_width, b->z.width_scale);
}

static tn_error *prepare(tn_prepare *p) {
  bilinear *b;
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  tn_resize *z = &b->z;
  TN_TRY(tn_resize_prepare(p, z));
  TN_TRY(init(b));
  if (z->in_width > INT32_MAX / z->channels)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "rows of %lld pixels with %lld channels are too long",
                             (long long)z->in_width, (long long)z->channels);
  for (int64_t i = 0; i < 2 * z->out_width; i++) b->x.index[i] *= (int32_t)z->channels;
  b->simd = tn_simd_active();
  b->row = z->out_width * z->channels + 4;
  b->chunks = tn_chunks(z->batch * z->out_height * b->row, 16384);
  p->scratch = (size_t)(b->chunks * (2 * b->row + z->in_width * z->channels)) * sizeof(float);
  return NULL;
}

/* Of three channels, all pixels but the last few, whose vectors would end behind the row. */
static int64_t resize_row_of_3(const bilinear *b, const void *from, bool bytes, float *to) {
  int64_t n = b->z.out_width;
  while (n > 0 && b->x.index[2 * n - 1] + 4 > b->z.in_width * 3) n--;
  (bytes ? b->simd->between_bytes : b->simd->between_floats)(to, from, b->x.index, b->x.weight, n);
  return n;
}

/* Row Y of all images, resized along its length; ROOM is for its elements as floats. */
static void resize_row(const bilinear *b, const tn_tensor *in, int64_t y, float *room, float *to) {
  const int64_t channels = b->z.channels, length = b->z.in_width * channels;
  const bool bytes = channels == 3 && in->dtype == TN_UINT8;
  int64_t i = bytes ? resize_row_of_3(b, TN_DATA(uint8_t, in) + y * length, true, to) : 0;
  if (bytes && i == b->z.out_width) return;
  const int64_t first = bytes ? b->x.index[2 * i] : 0; /* no earlier element is needed */
  const float *from = tn_image_floats(in->dtype, in->data, y * length + first, length - first, room) - first;
  if (channels == 3 && !bytes) i = resize_row_of_3(b, from, false, to);
  for (; i < b->z.out_width; i++) {
    const float *left = from + b->x.index[2 * i], *right = from + b->x.index[2 * i + 1], weight = b->x.weight[i];
    for (int64_t c = 0; c < channels; c++) to[i * channels + c] = left[c] + (right[c] - left[c]) * weight;
  }
}

typedef struct job {
  const bilinear *b;
  const tn_tensor *in;
  float *out, *scratch;
} job;

/* Row Y of image N, resized along its length, in one of the two SLOTS. */
static const float *resized(const job *j, float *slots, int64_t held[2], int64_t y, int64_t keep) {
  const bilinear *b = j->b;
  int slot = held[0] == y ? 0 : held[1] == y ? 1 : held[0] == keep ? 1 : 0;
  if (held[slot] != y) {
    resize_row(b, j->in, y, slots + 2 * b->row, slots + slot * b->row);
    held[slot] = y;
  }
  return slots + slot * b->row;
}

static void run_chunk(void *argument, int64_t i) {
  const job *j = argument;
  const bilinear *b = j->b;
  const tn_resize *z = &b->z;
  const int64_t length = z->out_width * z->channels;
  float *slots = j->scratch + i * (2 * b->row + z->in_width * z->channels);
  int64_t begin, end, held[2] = {-1, -1};
  tn_chunk(z->batch * z->out_height, b->chunks, i, 1, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const int64_t y = row % z->out_height, first = row / z->out_height * z->in_height;
    const int64_t low = first + b->y.index[2 * y], high = first + b->y.index[2 * y + 1];
    const float *top = resized(j, slots, held, low, high), *bottom = resized(j, slots, held, high, low);
    b->simd->between_rows(j->out + row * length, top, bottom, b->y.weight[y], length);
  }
}

static void copy_chunk(void *argument, int64_t i) {
  const job *j = argument;
  const bilinear *b = j->b;
  int64_t begin, end, n = tn_elements(j->in);
  tn_chunk(n, b->chunks, i, 1, &begin, &end);
  const float *from = tn_image_floats(j->in->dtype, j->in->data, begin, end - begin, j->out + begin);
  if (from != j->out + begin) memcpy(j->out + begin, from, (size_t)(end - begin) * sizeof *from);
}

static tn_error *run(tn_run *r) {
  const bilinear *b = r->state;
  job j = {b, r->inputs[0], r->outputs[0]->data, r->scratch};
  bool same = b->z.in_height == b->z.out_height && b->z.in_width == b->z.out_width;
  tn_parallel(b->chunks, same ? copy_chunk : run_chunk, &j);
  return NULL;
}

/* --- the gradient: each row of the image collects from the rows of the result, in their order --- */

static tn_error *grad_prepare(tn_prepare *p) {
  bilinear *b;
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  TN_TRY(tn_resize_prepare_grad(p, &b->z));
  TN_TRY(init(b));
  b->first = tn_malloc((size_t)b->z.in_height * sizeof *b->first);
  b->last = tn_malloc((size_t)b->z.in_height * sizeof *b->last);
  if (!b->first || !b->last) return tn_out_of_memory();
  tn_resize_ranges(b->y.index, b->z.out_height, 2, b->z.in_height, b->first, b->last);
  if (p->outputs[0].dtype != TN_DOUBLE && p->outputs[0].dtype != TN_FLOAT)
    p->scratch = (size_t)(tn_elements(&p->outputs[0])) * sizeof(float);
  return NULL;
}

/* What row FROM of the gradient, weighted, gives to row TO of the image. */
#define COLLECT(TYPE)                                                                                                  \
  static void collect_##TYPE(const bilinear *b, const float *from, float weight, TYPE *to) {                           \
    const int64_t channels = b->z.channels;                                                                            \
    for (int64_t x = 0; x < b->z.out_width; x++, from += channels) {                                                   \
      TYPE *left = to + b->x.index[2 * x] * channels, *right = to + b->x.index[2 * x + 1] * channels;                  \
      const float near = b->x.weight[x], far = 1 - near;                                                               \
      for (int64_t c = 0; c < channels; c++) left[c] += (TYPE)(from[c] * weight * far);                                \
      for (int64_t c = 0; c < channels; c++) right[c] += (TYPE)(from[c] * weight * near);                              \
    }                                                                                                                  \
  }
COLLECT(float)
COLLECT(double)

typedef struct grad_job {
  const bilinear *b;
  const float *grad;
  void *out;
  bool wide;
} grad_job;

static void grad_row(void *argument, int64_t row) {
  const grad_job *j = argument;
  const bilinear *b = j->b;
  const tn_resize *z = &b->z;
  const int64_t y = row % z->in_height, length = z->in_width * z->channels;
  const float *grad = j->grad + row / z->in_height * z->out_height * z->out_width * z->channels;
  size_t size = j->wide ? sizeof(double) : sizeof(float);
  char *to = (char *)j->out + (size_t)(row * length) * size;
  memset(to, 0, (size_t)length * size);
  for (int64_t i = b->first[y]; i <= b->last[y]; i++) {
    for (int k = 0; k < 2; k++) {
      if (b->y.index[2 * i + k] != y) continue;
      const float *from = grad + i * z->out_width * z->channels, weight = b->y.weight[i];
      if (j->wide)
        collect_double(b, from, k ? weight : 1 - weight, (double *)to);
      else
        collect_float(b, from, k ? weight : 1 - weight, (float *)to);
    }
  }
}

static tn_error *grad_run(tn_run *r) {
  const bilinear *b = r->state;
  tn_tensor *out = r->outputs[0];
  bool narrow = out->dtype == TN_HALF || out->dtype == TN_BFLOAT16;
  grad_job j = {b, r->inputs[0]->data, narrow ? r->scratch : out->data, out->dtype == TN_DOUBLE};
  tn_image_rows(b->z.batch * b->z.in_height, b->z.in_width * b->z.channels, grad_row, &j);
  for (int64_t i = 0; i < tn_elements(out) && narrow; i++) TN_DATA(uint16_t, out)
  [i] = out->dtype == TN_HALF ? tn_float_to_half(((float *)j.out)[i]) : tn_float_to_bfloat16(((float *)j.out)[i]);
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) { return tn_resize_gradient(c, "ResizeBilinearGrad", TN_FLOATS); }

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_RESIZE_TYPES, .prepare = prepare, .run = run, .destroy = destroy}, {0}};
static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = TN_FLOATS, .prepare = grad_prepare, .run = grad_run, .destroy = destroy}, {0}};

TN_OP(ResizeBilinear, .inputs = "images: T, size: int32", .outputs = "resized_images: float",
      .attrs = "T: {int8, uint8, int16, uint16, int32, int64, bfloat16, half, float, double, bfloat16}; "
               "align_corners: bool = false; half_pixel_centers: bool = false",
      .doc = "Images resized to SIZE, each pixel between its four neighbours.", .value_inputs = 1 << 1,
      .shape = tn_resize_shape, .gradient = gradient, .kernels = kernels);

TN_OP(ResizeBilinearGrad, .inputs = "grads: float, original_image: T", .outputs = "output: T",
      .attrs = "T: floattype; align_corners: bool = false; half_pixel_centers: bool = false",
      .doc = "The gradient of ResizeBilinear.", .flags = TN_OP_NO_GRADIENT, .shape = tn_resize_grad_shape,
      .kernels = grad_kernels);
