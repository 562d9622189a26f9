/* ResizeBicubic and its gradient: each pixel from four by four neighbours, whose weights come from a table as fine as
 * TensorFlow's. First four rows become one, then four pixels of that. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "ops/image/resize.h"

enum { STEPS = 1 << 10 };

/* Four neighbours of a place, each at most at the edge. */
typedef struct four {
  float weight[4];
  int32_t index[4];
} four;

typedef struct bicubic {
  tn_resize z;
  four *y, *x;
  int32_t *first, *last; /* of the gradient */
  int64_t chunks;
} bicubic;

static void destroy(void *state) {
  bicubic *b = state;
  tn_free(b->y);
  tn_free(b->x);
  tn_free(b->first);
  tn_free(b->last);
  tn_free(b);
}

/* The weight of a pixel that is between 0 and 1, and between 1 and 2 away, in steps. */
static float near_weight(double a, int64_t step) {
  float x = (float)((double)step / STEPS);
  return (float)(((a + 2) * x - (a + 3)) * x * x + 1);
}
static float far_weight(double a, int64_t step) {
  float x = (float)((double)step / STEPS);
  x = (float)(x + 1.0);
  return (float)(((a * x - 5 * a) * x + 8 * a) * x - 4 * a);
}

/* With half-pixel centers, what lies outside has no weight, and the others make up for it. */
static void leave_out(four *f, int64_t first) {
  float sum = 0;
  for (int k = 0; k < 4; k++) {
    if (f->index[k] != first + k) f->weight[k] = 0;
    sum += f->weight[k];
  }
  if (fabsf(sum) < 1000.0f * 1.17549435e-38f) return;
  const float by = 1.0f / sum;
  for (int k = 0; k < 4; k++) f->weight[k] *= by;
}

static tn_error *places(const tn_resize *z, int64_t in, int64_t out, float scale, four **result) {
  const double a = z->half_pixel_centers ? -0.5 : -0.75;
  four *f = *result = tn_malloc((size_t)out * sizeof *f);
  if (!f) return tn_out_of_memory();
  for (int64_t i = 0; i < out; i++, f++) {
    float at = tn_resize_at(z, i, scale);
    int64_t below = (int64_t)floorf(at), step = lrintf((at - (float)below) * STEPS);
    const float weights[4] = {far_weight(a, step), near_weight(a, step), near_weight(a, STEPS - step),
                              far_weight(a, STEPS - step)};
    for (int k = 0; k < 4; k++) {
      f->weight[k] = weights[k];
      f->index[k] = (int32_t)tn_resize_bound(below - 1 + k, in);
    }
    if (z->half_pixel_centers) leave_out(f, below - 1);
  }
  return NULL;
}

static tn_error *init(bicubic *b) {
  TN_TRY(places(&b->z, b->z.in_height, b->z.out_height, b->z.height_scale, &b->y));
  return places(&b->z, b->z.in_width, b->z.out_width, b->z.width_scale, &b->x);
}

static tn_error *prepare(tn_prepare *p) {
  bicubic *b;
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  TN_TRY(tn_resize_prepare(p, &b->z));
  TN_TRY(init(b));
  b->chunks = tn_chunks(tn_elements(&p->outputs[0]), 16384);
  p->scratch = (size_t)(b->chunks * 5 * b->z.in_width * b->z.channels) * sizeof(float);
  return NULL;
}

typedef struct job {
  const bicubic *b;
  const tn_tensor *in;
  float *out, *scratch;
} job;

static void blend_rows(const float *const rows[4], const float weight[4], int64_t n, float *to) {
  for (int64_t i = 0; i < n; i++)
    to[i] = rows[0][i] * weight[0] + rows[1][i] * weight[1] + rows[2][i] * weight[2] + rows[3][i] * weight[3];
}

static void blend_columns(const bicubic *b, const float *from, float *to) {
  const int64_t channels = b->z.channels;
  for (int64_t x = 0; x < b->z.out_width; x++) {
    const four *f = &b->x[x];
    const float *p[4];
    for (int k = 0; k < 4; k++) p[k] = from + f->index[k] * channels;
    for (int64_t c = 0; c < channels; c++)
      to[x * channels + c] =
          p[0][c] * f->weight[0] + p[1][c] * f->weight[1] + p[2][c] * f->weight[2] + p[3][c] * f->weight[3];
  }
}

static void run_chunk(void *argument, int64_t i) {
  const job *j = argument;
  const bicubic *b = j->b;
  const tn_resize *z = &b->z;
  const int64_t length = z->in_width * z->channels;
  float *room = j->scratch + i * 5 * length;
  int64_t begin, end;
  tn_chunk(z->batch * z->out_height, b->chunks, i, 1, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const four *f = &b->y[row % z->out_height];
    const float *rows[4];
    for (int k = 0; k < 4; k++)
      rows[k] = tn_image_floats(j->in->dtype, j->in->data, (row / z->out_height * z->in_height + f->index[k]) * length,
                                length, room + k * length);
    blend_rows(rows, f->weight, length, room + 4 * length);
    blend_columns(b, room + 4 * length, j->out + row * z->out_width * z->channels);
  }
}

static tn_error *run(tn_run *r) {
  const bicubic *b = r->state;
  job j = {b, r->inputs[0], r->outputs[0]->data, r->scratch};
  tn_parallel(b->chunks, run_chunk, &j);
  return NULL;
}

/* --- the gradient --- */

static tn_error *grad_prepare(tn_prepare *p) {
  bicubic *b;
  TN_TRY(tn_prepare_state(p, sizeof *b, &b));
  TN_TRY(tn_resize_prepare_grad(p, &b->z));
  TN_TRY(init(b));
  const int64_t height = b->z.in_height, n = b->z.out_height;
  int32_t *index = tn_malloc((size_t)n * 4 * sizeof *index);
  b->first = tn_malloc((size_t)height * sizeof *b->first);
  b->last = tn_malloc((size_t)height * sizeof *b->last);
  if (index && b->first && b->last) {
    for (int64_t i = 0; i < n; i++) memcpy(index + 4 * i, b->y[i].index, sizeof b->y[i].index);
    tn_resize_ranges(index, n, 4, height, b->first, b->last);
  }
  tn_free(index);
  return b->first && b->last && index ? NULL : tn_out_of_memory();
}

#define COLLECT(TYPE)                                                                                                  \
  static void collect_##TYPE(const bicubic *b, const float *from, const four *y, int64_t row, TYPE *to) {              \
    const int64_t channels = b->z.channels;                                                                            \
    for (int64_t x = 0; x < b->z.out_width; x++, from += channels)                                                     \
      for (int k = 0; k < 4; k++) {                                                                                    \
        if (y->index[k] != row) continue;                                                                              \
        for (int m = 0; m < 4; m++)                                                                                    \
          for (int64_t c = 0; c < channels; c++)                                                                       \
            to[b->x[x].index[m] * channels + c] += (TYPE)from[c] * y->weight[k] * b->x[x].weight[m];                   \
      }                                                                                                                \
  }
COLLECT(float)
COLLECT(double)

typedef struct grad_job {
  const bicubic *b;
  const float *grad;
  void *out;
  bool wide;
} grad_job;

static void grad_row(void *argument, int64_t row) {
  const grad_job *j = argument;
  const bicubic *b = j->b;
  const tn_resize *z = &b->z;
  const int64_t y = row % z->in_height, length = z->in_width * z->channels;
  const float *grad = j->grad + row / z->in_height * z->out_height * z->out_width * z->channels;
  size_t size = j->wide ? sizeof(double) : sizeof(float);
  char *to = (char *)j->out + (size_t)(row * length) * size;
  memset(to, 0, (size_t)length * size);
  for (int64_t i = b->first[y]; i <= b->last[y]; i++) {
    const float *from = grad + i * z->out_width * z->channels;
    if (j->wide)
      collect_double(b, from, &b->y[i], y, (double *)to);
    else
      collect_float(b, from, &b->y[i], y, (float *)to);
  }
}

static tn_error *grad_run(tn_run *r) {
  const bicubic *b = r->state;
  grad_job j = {b, r->inputs[0]->data, r->outputs[0]->data, r->outputs[0]->dtype == TN_DOUBLE};
  tn_image_rows(b->z.batch * b->z.in_height, b->z.in_width * b->z.channels, grad_row, &j);
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  return tn_resize_gradient(c, "ResizeBicubicGrad", TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE));
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_RESIZE_TYPES, .prepare = prepare, .run = run, .destroy = destroy}, {0}};
static const tn_kernel_def grad_kernels[] = {{.name = "reference",
                                              .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE),
                                              .prepare = grad_prepare,
                                              .run = grad_run,
                                              .destroy = destroy},
                                             {0}};

TN_OP(ResizeBicubic, .inputs = "images: T, size: int32", .outputs = "resized_images: float",
      .attrs = "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}; "
               "align_corners: bool = false; half_pixel_centers: bool = false",
      .doc = "Images resized to SIZE, each pixel a cubic blend of sixteen.", .value_inputs = 1 << 1,
      .shape = tn_resize_shape, .gradient = gradient, .kernels = kernels);

TN_OP(ResizeBicubicGrad, .inputs = "grads: float, original_image: T", .outputs = "output: T",
      .attrs = "T: {float, double}; align_corners: bool = false; half_pixel_centers: bool = false",
      .doc = "The gradient of ResizeBicubic.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_resize_grad_shape,
      .kernels = grad_kernels);
