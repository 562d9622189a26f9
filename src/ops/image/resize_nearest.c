/* ResizeNearestNeighbor and its gradient: pixels are moved as they are, and added up on the way back. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "ops/image/resize.h"

enum { MAX_SIDE = 1 << 24 }; /* places are floats */

typedef struct nearest {
  tn_resize z;
  int32_t *y, *x;        /* which pixel stands for each of the result's */
  int32_t *first, *last; /* of the gradient */
  int64_t chunks, pixel; /* pixel: its bytes */
} nearest;

static void destroy(void *state) {
  nearest *n = state;
  tn_free(n->y);
  tn_free(n->x);
  tn_free(n->first);
  tn_free(n->last);
  tn_free(n);
}

static tn_error *places(const tn_resize *z, int64_t in, int64_t out, float scale, int32_t **index) {
  *index = tn_malloc((size_t)out * sizeof **index);
  if (!*index) return tn_out_of_memory();
  for (int64_t i = 0; i < out; i++) {
    float at = ((float)i + (z->half_pixel_centers ? 0.5f : 0)) * scale;
    (*index)[i] = (int32_t)tn_resize_bound((int64_t)(z->align_corners ? roundf(at) : floorf(at)), in);
  }
  return NULL;
}

static tn_error *init(tn_prepare *p, nearest *n) {
  const tn_resize *z = &n->z;
  if (z->in_height >= MAX_SIDE || z->in_width >= MAX_SIDE)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "nearest neighbor requires max height & width of 2^24");
  TN_TRY(places(z, z->in_height, z->out_height, z->height_scale, &n->y));
  return places(z, z->in_width, z->out_width, z->width_scale, &n->x);
}

static tn_error *prepare(tn_prepare *p) {
  nearest *n;
  TN_TRY(tn_prepare_state(p, sizeof *n, &n));
  TN_TRY(tn_resize_prepare(p, &n->z));
  TN_TRY(init(p, n));
  n->pixel = n->z.channels * (int64_t)tn_dtype_size(p->inputs[0].dtype);
  n->chunks = tn_chunks(tn_elements(&p->outputs[0]), 16384);
  return NULL;
}

/* Copies of a constant size become a few moves. */
#define COPY_ROW(BYTES)                                                                                                \
  case BYTES:                                                                                                          \
    for (int64_t i = 0; i < width; i++) memcpy(to + i * BYTES, from + (int64_t)x[i] * BYTES, BYTES);                   \
    break

static void copy_row(const nearest *n, const char *from, char *to) {
  const int32_t *x = n->x;
  const int64_t width = n->z.out_width;
  switch (n->pixel) {
    COPY_ROW(1);
    COPY_ROW(2);
    COPY_ROW(3);
    COPY_ROW(4);
    COPY_ROW(6);
    COPY_ROW(8);
    COPY_ROW(12);
    COPY_ROW(16);
  default:
    for (int64_t i = 0; i < width; i++) memcpy(to + i * n->pixel, from + (int64_t)x[i] * n->pixel, (size_t)n->pixel);
  }
}

typedef struct job {
  const nearest *n;
  const char *in;
  char *out;
} job;

static void run_chunk(void *argument, int64_t i) {
  const job *j = argument;
  const nearest *n = j->n;
  const tn_resize *z = &n->z;
  const int64_t row = z->out_width * n->pixel;
  int64_t begin, end, before = -1;
  tn_chunk(z->batch * z->out_height, n->chunks, i, 1, &begin, &end);
  for (int64_t k = begin; k < end; k++) {
    int64_t from = k / z->out_height * z->in_height + n->y[k % z->out_height];
    char *to = j->out + k * row;
    if (from == before)
      memcpy(to, to - row, (size_t)row);
    else
      copy_row(n, j->in + from * z->in_width * n->pixel, to);
    before = from;
  }
}

static tn_error *run(tn_run *r) {
  const nearest *n = r->state;
  job j = {n, r->inputs[0]->data, r->outputs[0]->data};
  tn_parallel(n->chunks, run_chunk, &j);
  return NULL;
}

/* --- the gradient --- */

static tn_error *grad_prepare(tn_prepare *p) {
  nearest *n;
  const tn_shape *g = &p->inputs[0].shape;
  int count;
  int64_t size[2];
  TN_TRY(tn_prepare_state(p, sizeof *n, &n));
  if (g->rank != 4 || p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "a gradient of 4 dimensions and a size of two elements are needed, not %s and %s",
                             TN_SHAPE_STR(g), TN_SHAPE_STR(&p->inputs[1].shape));
  TN_TRY(tn_prepare_ints(p, 1, 2, &count, size));
  if (size[0] <= 0 || size[1] <= 0 || g->dims[1] <= 0 || g->dims[2] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the size [%lld,%lld] must be positive, as that of %s",
                             (long long)size[0], (long long)size[1], TN_SHAPE_STR(g));
  bool corners = tn_node_get_bool(p->node, "align_corners");
  n->z = (tn_resize){.batch = g->dims[0],
                     .channels = g->dims[3],
                     .in_height = size[0],
                     .in_width = size[1],
                     .out_height = g->dims[1],
                     .out_width = g->dims[2],
                     .height_scale = tn_resize_scale(size[0], g->dims[1], corners),
                     .width_scale = tn_resize_scale(size[1], g->dims[2], corners),
                     .align_corners = corners,
                     .half_pixel_centers = tn_node_get_bool(p->node, "half_pixel_centers")};
  TN_TRY(init(p, n));
  n->first = tn_malloc((size_t)size[0] * sizeof *n->first);
  n->last = tn_malloc((size_t)size[0] * sizeof *n->last);
  if (!n->first || !n->last) return tn_out_of_memory();
  tn_resize_ranges(n->y, n->z.out_height, 1, size[0], n->first, n->last);
  tn_shape out = tn_shape_of(4, (int64_t[4]){g->dims[0], size[0], size[1], g->dims[3]});
  return tn_prepare_output(p, 0, &out);
}

#define ADD_PIXELS(TYPE, SUM)                                                                                          \
  do {                                                                                                                 \
    const TYPE *from = (const TYPE *)grad + at;                                                                        \
    TYPE *to = (TYPE *)out + place;                                                                                    \
    for (int64_t x = 0; x < z->out_width; x++)                                                                         \
      for (int64_t c = 0; c < z->channels; c++) {                                                                      \
        const TYPE a = to[n->x[x] * z->channels + c], b = from[x * z->channels + c];                                   \
        to[n->x[x] * z->channels + c] = (TYPE)(SUM);                                                                   \
      }                                                                                                                \
  } while (0);                                                                                                         \
  break

/* Adds the row of GRAD that begins at element AT to the row of OUT at PLACE. */
static void add_row(const nearest *n, tn_dtype dtype, const void *grad, int64_t at, void *out, int64_t place) {
  const tn_resize *z = &n->z;
  switch (dtype) {
  case TN_UINT8:
  case TN_INT8: ADD_PIXELS(uint8_t, a + b);
  case TN_INT32: ADD_PIXELS(uint32_t, a + b);
  case TN_FLOAT: ADD_PIXELS(float, a + b);
  case TN_DOUBLE: ADD_PIXELS(double, a + b);
  case TN_HALF: ADD_PIXELS(uint16_t, tn_float_to_half(tn_half_to_float(a) + tn_half_to_float(b)));
  default: ADD_PIXELS(uint16_t, tn_float_to_bfloat16(tn_bfloat16_to_float(a) + tn_bfloat16_to_float(b)));
  }
}

typedef struct grad_job {
  const nearest *n;
  const tn_tensor *grad, *out;
} grad_job;

static void grad_row(void *argument, int64_t row) {
  const grad_job *j = argument;
  const nearest *n = j->n;
  const tn_resize *z = &n->z;
  const int64_t y = row % z->in_height, length = z->in_width * z->channels,
                size = (int64_t)tn_dtype_size(j->out->dtype);
  memset((char *)j->out->data + row * length * size, 0, (size_t)(length * size));
  const int64_t first = row / z->in_height * z->out_height;
  for (int64_t i = n->first[y]; i <= n->last[y]; i++)
    add_row(n, j->out->dtype, j->grad->data, (first + i) * z->out_width * z->channels, j->out->data, row * length);
}

static tn_error *grad_run(tn_run *r) {
  const nearest *n = r->state;
  grad_job j = {n, r->inputs[0], r->outputs[0]};
  tn_image_rows(n->z.batch * n->z.in_height, n->z.in_width * n->z.channels, grad_row, &j);
  return NULL;
}

/* The size of the images: a constant where it is known. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_output images = tn_grad_x(c, 0), size;
  const tn_shape *s = &images.node->output_shapes[images.index];
  if (s->rank == 4 && s->dims[1] >= 0 && s->dims[2] >= 0)
    size = tn_build_ints(c->scope, TN_INT32, 2, s->dims + 1);
  else
    size = tn_build(c->scope, "Slice",
                    TN_IN(tn_build_shape_of(c->scope, images), tn_build_ints(c->scope, TN_INT32, 1, (int64_t[]){1}),
                          tn_build_ints(c->scope, TN_INT32, 1, (int64_t[]){2})),
                    NULL);
  tn_grad_set(c, 0,
              tn_build(c->scope, "ResizeNearestNeighborGrad", TN_IN(tn_grad_dense(c, 0), size),
                       TN_ATTRS(TN_A_SAME(c->node, "align_corners"), TN_A_SAME(c->node, "half_pixel_centers"))));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_RESIZE_TYPES, .prepare = prepare, .run = run, .destroy = destroy}, {0}};
static const tn_kernel_def grad_kernels[] = {
    {.name = "reference",
     .types = TN_FLOATS | TN_BIT(TN_UINT8) | TN_BIT(TN_INT8) | TN_BIT(TN_INT32),
     .prepare = grad_prepare,
     .run = grad_run,
     .destroy = destroy},
    {0}};

TN_OP(ResizeNearestNeighbor, .inputs = "images: T, size: int32", .outputs = "resized_images: T",
      .attrs = "T: {int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16}; "
               "align_corners: bool = false; half_pixel_centers: bool = false",
      .doc = "Images resized to SIZE, each pixel that of the image that lies nearest.", .value_inputs = 1 << 1,
      .shape = tn_resize_shape, .gradient = gradient, .kernels = kernels);

TN_OP(ResizeNearestNeighborGrad, .inputs = "grads: T, size: int32", .outputs = "output: T",
      .attrs = "T: {uint8, int8, int32, half, float, double, bfloat16}; align_corners: bool = false; "
               "half_pixel_centers: bool = false",
      .doc = "The gradient of ResizeNearestNeighbor.", .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 1,
      .shape = tn_resize_shape, .kernels = grad_kernels);
