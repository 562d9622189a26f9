/* ScaleAndTranslate and its gradient: images resampled by a kernel function, first down the columns, then along the
 * rows. Every pixel of the result is a weighted sum of a span of pixels. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "ops/image/resize.h"

/* Along one side: result I is the sum of pixels START[i] to START[i] + SIZE, each times its weight. */
typedef struct spans {
  int64_t n, size;
  int32_t *start;
  float *weight; /* [n, size] */
} spans;

typedef struct scaling {
  int64_t batch, height, width, channels, out_height, out_width;
  spans y, x;
} scaling;

/* --- kernel functions, of the distance --- */

typedef struct sampler {
  const char *name;
  float radius;
  float (*weight)(float radius, float distance);
} sampler;

static float lanczos(float radius, float x) {
  const float pi = 3.14159265359f;
  if (x > radius) return 0;
  if (x <= 1e-3f) return 1;
  return radius * sinf(pi * x) * sinf(pi * x / radius) / (pi * pi * x * x);
}
static float gaussian(float radius, float x) {
  const float sigma = radius / 3.0f;
  return x >= radius ? 0 : (float)exp((double)(-x * x) / (2.0 * (double)sigma * (double)sigma));
}
static float box(float radius, float x) {
  (void)radius;
  return x < 0.5f ? 1.0f : x == 0.5f ? 0.5f : 0;
}
static float triangle(float radius, float x) {
  (void)radius;
  return x < 1 ? 1 - x : 0;
}
static float keys(float radius, float x) {
  (void)radius;
  if (x >= 2) return 0;
  if (x >= 1) return ((-0.5f * x + 2.5f) * x - 4.0f) * x + 2.0f;
  return ((1.5f * x - 2.5f) * x) * x + 1.0f;
}
static float mitchell(float radius, float x) {
  (void)radius;
  if (x >= 2) return 0;
  if (x >= 1) return (((-7.0f / 18.0f) * x + 2.0f) * x - 10.0f / 3.0f) * x + 16.0f / 9.0f;
  return (((7.0f / 6.0f) * x - 2.0f) * x) * x + 8.0f / 9.0f;
}

static const sampler samplers[] = {
    {"lanczos1", 1, lanczos}, {"lanczos3", 3, lanczos},  {"lanczos5", 5, lanczos}, {"gaussian", 1.5f, gaussian},
    {"box", 1, box},          {"triangle", 1, triangle}, {"keyscubic", 2, keys},   {"mitchellcubic", 2, mitchell},
    {NULL, 0, NULL}};

/* --- spans --- */

static tn_error *spans_new(spans *s, int64_t n, int64_t size) {
  *s = (spans){.n = n, .size = size};
  if (size > 0 && n > INT64_MAX / 8 / size) return tn_out_of_memory();
  s->start = tn_calloc((size_t)n + 1, sizeof *s->start);
  s->weight = tn_calloc((size_t)(n * size) + 1, sizeof *s->weight);
  return s->start && s->weight ? NULL : tn_out_of_memory();
}

static void spans_clear(spans *s) {
  tn_free(s->start);
  tn_free(s->weight);
}

static int64_t clamp(float x, int64_t high) { return x < 0 ? 0 : x > (float)high ? high : (int64_t)x; }

typedef struct mapping {
  const sampler *sampler;
  float scale, translation;
  bool antialias;
} mapping;

/* N results from IN pixels. */
static tn_error *spans_of(const mapping *m, int64_t n, int64_t in, spans *s) {
  const float inverse = (float)(1.0 / (double)m->scale), shift = -inverse * m->translation;
  const float wide = m->antialias && inverse > 1 ? inverse : 1, narrow = 1.0f / wide, reach = m->sampler->radius * wide;
  const float size = 2 * ceilf(reach) + 1;
  TN_TRY(spans_new(s, n, size < (float)in ? (int64_t)size : in));
  for (int64_t i = 0; i < n; i++) {
    const float at = ((float)i + 0.5f) * inverse + shift;
    if (!(at >= 0 && at <= (float)in)) continue;
    const int64_t first = clamp(ceilf(at - reach - 0.5f), in - 1);
    int64_t end = clamp(floorf(at + reach - 0.5f), in - 1) + 1;
    if (end - first > s->size) end = first + s->size;
    float *weight = s->weight + i * s->size, sum = 0;
    for (int64_t k = first; k < end; k++) {
      const float distance = (float)k + 0.5f - at;
      weight[k - first] = m->sampler->weight(m->sampler->radius, fabsf(distance * narrow));
      sum += weight[k - first];
    }
    const float by = fabsf(sum) >= 1000.0f * 1.17549435e-38f ? 1.0f / sum : 0;
    for (int64_t k = first; k < end; k++) weight[k - first] *= by;
    s->start[i] = (int32_t)first;
  }
  return NULL;
}

/* The same the other way round: what each of IN pixels gets from the results. */
static tn_error *spans_turn(const spans *s, int64_t in, spans *out) {
  int32_t *first = tn_malloc((size_t)(in + 1) * sizeof *first), *last = tn_malloc((size_t)(in + 1) * sizeof *last);
  tn_error *error = first && last ? NULL : tn_out_of_memory();
  int64_t size = 0;
  for (int64_t k = 0; k < in && !error; k++) first[k] = 0, last[k] = -1;
  for (int64_t i = 0; i < s->n * s->size && !error; i++) {
    const int64_t k = s->start[i / s->size] + i % s->size;
    if (s->weight[i] == 0 || k >= in) continue;
    if (last[k] < 0) first[k] = (int32_t)(i / s->size);
    last[k] = (int32_t)(i / s->size);
    if (last[k] - first[k] + 1 > size) size = last[k] - first[k] + 1;
  }
  if (!error) error = spans_new(out, in, size);
  for (int64_t k = 0; k < in && !error; k++) out->start[k] = first[k];
  for (int64_t i = 0; i < s->n * s->size && !error; i++) {
    const int64_t k = s->start[i / s->size] + i % s->size;
    if (s->weight[i] != 0 && k < in) out->weight[k * size + i / s->size - first[k]] += s->weight[i];
  }
  tn_free(first);
  tn_free(last);
  return error;
}

/* --- running --- */

typedef struct job {
  const scaling *z;
  const tn_tensor *in;
  float *middle, *out; /* [batch, out_height, width, channels], and the result */
} job;

static void add_scaled(float *to, const float *from, float by, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] += by * from[i];
}

/* A row of the result before it is resampled along its length; then it is. */
static void resample(void *argument, int64_t row) {
  const job *j = argument;
  const scaling *z = j->z;
  const int64_t length = z->width * z->channels, i = row % z->out_height, image = row / z->out_height * z->height;
  float *middle = j->middle + row * 2 * length, *out = j->out + row * z->out_width * z->channels;
  memset(middle, 0, (size_t)length * sizeof *middle);
  for (int64_t k = 0; k < z->y.size && z->y.start[i] + k < z->height; k++) {
    const float *from =
        tn_image_floats(j->in->dtype, j->in->data, (image + z->y.start[i] + k) * length, length, middle + length);
    add_scaled(middle, from, z->y.weight[i * z->y.size + k], length);
  }
  memset(out, 0, (size_t)(z->out_width * z->channels) * sizeof *out);
  for (int64_t x = 0; x < z->out_width; x++)
    for (int64_t k = 0; k < z->x.size && z->x.start[x] + k < z->width; k++)
      add_scaled(out + x * z->channels, middle + (z->x.start[x] + k) * z->channels, z->x.weight[x * z->x.size + k],
                 z->channels);
}

static tn_error *run(tn_run *r) {
  const scaling *z = r->state;
  if (tn_elements(r->outputs[0]) == 0) return NULL;
  job j = {z, r->inputs[0], r->scratch, r->outputs[0]->data};
  tn_image_rows(z->batch * z->out_height, (z->width + z->out_width) * z->channels * 4, resample, &j);
  return NULL;
}

/* --- set-up --- */

static void destroy(void *state) {
  scaling *z = state;
  spans_clear(&z->y);
  spans_clear(&z->x);
  tn_free(z);
}

static tn_error *read_pair(tn_prepare *p, int i, float pair[2]) {
  if (p->inputs[i].shape.rank != 1 || p->inputs[i].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must have two elements, but is %s",
                             p->node->schema->inputs[i].name, TN_SHAPE_STR(&p->inputs[i].shape));
  memcpy(pair, p->inputs[i].data, 2 * sizeof *pair);
  return NULL;
}

static tn_error *read_mappings(tn_prepare *p, mapping m[2]) {
  float scale[2], translation[2];
  const sampler *s = samplers;
  while (s->name && !tn_node_string_is(p->node, "kernel_type", s->name)) s++;
  if (!s->name) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Unrecognized kernel type");
  TN_TRY(read_pair(p, 2, scale));
  TN_TRY(read_pair(p, 3, translation));
  if (!(scale[0] > 0 && scale[1] > 0))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Scale must be greater than zero, but is [%g,%g]",
                             (double)scale[0], (double)scale[1]);
  for (int i = 0; i < 2; i++) m[i] = (mapping){s, scale[i], translation[i], tn_node_get_bool(p->node, "antialias")};
  return NULL;
}

static tn_error *check_images(tn_prepare *p, const tn_shape *s) {
  if (s->rank != 4 || s->dims[1] <= 0 || s->dims[2] <= 0 || s->dims[3] <= 0 || s->dims[1] >= INT32_MAX ||
      s->dims[2] >= INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "images must be 4-dimensional and not empty, but are %s",
                             TN_SHAPE_STR(s));
  return NULL;
}

static tn_error *finish(tn_prepare *p, const scaling *z) {
  p->scratch = (size_t)(z->batch * z->out_height * 2 * z->width * z->channels) * sizeof(float);
  tn_shape out = tn_shape_of(4, (int64_t[4]){z->batch, z->out_height, z->out_width, z->channels});
  return tn_prepare_output(p, 0, &out);
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape;
  scaling *z;
  mapping m[2];
  int n;
  int64_t size[2];
  TN_TRY(tn_prepare_state(p, sizeof *z, &z));
  TN_TRY(check_images(p, s));
  if (p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "size must have two elements, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  TN_TRY(tn_prepare_ints(p, 1, 2, &n, size));
  if (size[0] <= 0 || size[1] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output dimensions must be positive, but are [%lld,%lld]",
                             (long long)size[0], (long long)size[1]);
  TN_TRY(read_mappings(p, m));
  z->batch = s->dims[0];
  z->height = s->dims[1];
  z->width = s->dims[2];
  z->channels = s->dims[3];
  z->out_height = size[0];
  z->out_width = size[1];
  TN_TRY(spans_of(&m[0], size[0], s->dims[1], &z->y));
  TN_TRY(spans_of(&m[1], size[1], s->dims[2], &z->x));
  return finish(p, z);
}

static tn_error *grad_prepare(tn_prepare *p) {
  const tn_shape *g = &p->inputs[0].shape, *s = &p->inputs[1].shape;
  scaling *z;
  mapping m[2];
  spans y = {0}, x = {0};
  TN_TRY(tn_prepare_state(p, sizeof *z, &z));
  TN_TRY(check_images(p, g));
  TN_TRY(check_images(p, s));
  TN_TRY(read_mappings(p, m));
  z->batch = g->dims[0];
  z->height = g->dims[1];
  z->width = g->dims[2];
  z->channels = g->dims[3];
  z->out_height = s->dims[1];
  z->out_width = s->dims[2];
  tn_error *error = spans_of(&m[0], z->height, z->out_height, &y);
  if (!error) error = spans_of(&m[1], z->width, z->out_width, &x);
  if (!error) error = spans_turn(&y, z->out_height, &z->y);
  if (!error) error = spans_turn(&x, z->out_width, &z->x);
  spans_clear(&y);
  spans_clear(&x);
  return error ? error : finish(p, z);
}

static tn_error *check_pairs(tn_shape_ctx *c) {
  for (int i = 2; i < 4; i++) {
    tn_shape pair;
    int64_t two;
    TN_TRY(tn_shape_with_rank(c, i, 1, &pair));
    if (pair.rank == 1) TN_TRY(tn_dim_merge(c, pair.dims[0], 2, &two));
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  TN_TRY(check_pairs(c));
  return tn_resize_shape(c);
}

static tn_error *gradient(tn_gradient_ctx *c) {
  if (tn_node_get_type(c->node, "T") != TN_FLOAT) return NULL;
  tn_grad_set(c, 0,
              tn_build(c->scope, "ScaleAndTranslateGrad",
                       TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 0), tn_grad_x(c, 2), tn_grad_x(c, 3)),
                       TN_ATTRS(TN_A_SAME(c->node, "kernel_type"), TN_A_SAME(c->node, "antialias"))));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_RESIZE_TYPES, .prepare = prepare, .run = run, .destroy = destroy}, {0}};
static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_FLOAT), .prepare = grad_prepare, .run = run, .destroy = destroy}, {0}};

TN_OP(ScaleAndTranslate, .inputs = "images: T, size: int32, scale: float, translation: float",
      .outputs = "resized_images: float",
      .attrs = "T: {int8, uint8, int16, uint16, int32, int64, bfloat16, half, float, double}; "
               "kernel_type: string = 'lanczos3'; antialias: bool = true",
      .doc = "Images scaled and moved, resampled by a kernel function.", .value_inputs = 1 << 1 | 1 << 2 | 1 << 3,
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(ScaleAndTranslateGrad, .inputs = "grads: T, original_image: T, scale: float, translation: float",
      .outputs = "output: T", .attrs = "T: {float}; kernel_type: string = 'lanczos3'; antialias: bool = true",
      .doc = "The gradient of ScaleAndTranslate.", .value_inputs = 1 << 2 | 1 << 3,
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_resize_grad_shape, .kernels = grad_kernels);
