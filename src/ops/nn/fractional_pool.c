/* FractionalMaxPool, FractionalAvgPool and their gradients: windows of one of two lengths, in random order. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/wide.h"
#include "ops/nn/window.h"
#include "ops/random/random.h"

typedef struct fractional {
  int64_t batch, height, width, channels, out_height, out_width;
  bool overlapping;
} fractional;

/* --- sequences: where the windows begin --- */

/* Lengths k and k + 1 shuffled. */
static void random_lengths(tn_philox *g, int64_t in, int64_t out, int64_t *lengths) {
  tn_philox_stream stream = tn_philox_stream_of(g);
  for (int64_t i = 0; i < out; i++) lengths[i] = in / out + (i < in % out);
  for (int64_t i = 0; i + 1 < out; i++) {
    const int64_t j = i + (int64_t)(tn_philox_one(&stream) % (uint32_t)(out - i)), old = lengths[i];
    lengths[i] = lengths[j];
    lengths[j] = old;
  }
  tn_philox_skip(g, (uint64_t)(out + 3) / 4);
}

/* Lengths that follow from one random number. */
static void pseudo_random_lengths(tn_philox *g, int64_t in, int64_t out, int64_t *lengths) {
  const double alpha = (double)in / (double)out;
  const int64_t k = in / out;
  const double first = (double)(k + 2) / alpha - 1, second = (double)(in + 1 - k) / alpha - (double)(out - 1);
  tn_philox_stream stream = tn_philox_stream_of(g);
  const uint32_t low = tn_philox_one(&stream), high = tn_philox_one(&stream);
  const double u = tn_bits_to_double(low, high) * (first < second ? first : second);
  tn_philox_skip(g, 1);
  int64_t before = 1;
  for (int64_t i = 1; i <= out; i++) {
    const int64_t at = i == out ? in + 1 : (int64_t)ceil(alpha * ((double)i + u));
    lengths[i - 1] = at - before;
    before = at;
  }
}

static void sequence(tn_philox *g, int64_t in, int64_t out, bool pseudo, int64_t *starts) {
  int64_t *lengths = starts + 1;
  if (in % out == 0)
    for (int64_t i = 0; i < out; i++) lengths[i] = in / out;
  else if (pseudo)
    pseudo_random_lengths(g, in, out, lengths);
  else
    random_lengths(g, in, out, lengths);
  starts[0] = 0;
  for (int64_t i = 1; i <= out; i++) starts[i] += starts[i - 1];
}

/* Window I: pixels [*BEGIN, *END]. */
static void window(const int64_t *starts, int64_t i, int64_t in, bool overlapping, int64_t *begin, int64_t *end) {
  *begin = starts[i];
  *end = starts[i + 1] - (overlapping ? 0 : 1);
  if (*end > in - 1) *end = in - 1;
}

/* --- pooling --- */

typedef struct job {
  const fractional *f;
  const int64_t *rows, *columns;
  bool integer, mean;
  const void *in, *grad;
  void *out;
} job;

typedef void (*visitor)(const job *j, int64_t to, int64_t image, const int64_t box[4]);

static void visit(const job *j, visitor fn) {
  const fractional *f = j->f;
  for (int64_t i = 0; i < f->batch * f->out_height * f->out_width; i++) {
    int64_t box[4];
    window(j->rows, i / f->out_width % f->out_height, f->height, f->overlapping, &box[0], &box[1]);
    window(j->columns, i % f->out_width, f->width, f->overlapping, &box[2], &box[3]);
    fn(j, i * f->channels, i / f->out_width / f->out_height, box);
  }
}

static int64_t at(const fractional *f, int64_t image, int64_t y, int64_t x) {
  return ((image * f->height + y) * f->width + x) * f->channels;
}

#define POOL(NAME, TYPE)                                                                                               \
  static void pool_##NAME(const job *j, int64_t to, int64_t image, const int64_t box[4]) {                             \
    const fractional *f = j->f;                                                                                        \
    const TYPE *in = j->in;                                                                                            \
    TYPE *out = (TYPE *)j->out + to;                                                                                   \
    const TYPE count = (TYPE)((box[1] - box[0] + 1) * (box[3] - box[2] + 1));                                          \
    for (int64_t c = 0; c < f->channels; c++) {                                                                        \
      TYPE best = in[at(f, image, box[0], box[2]) + c], sum = 0;                                                       \
      for (int64_t y = box[0]; y <= box[1]; y++)                                                                       \
        for (int64_t x = box[2]; x <= box[3]; x++) {                                                                   \
          const TYPE value = in[at(f, image, y, x) + c];                                                               \
          if (value > best) best = value;                                                                              \
          sum += value;                                                                                                \
        }                                                                                                              \
      out[c] = j->mean ? sum / count : best;                                                                           \
    }                                                                                                                  \
  }                                                                                                                    \
  /* The greatest gets all of the gradient, the first of equal ones. */                                                \
  static void back_max_##NAME(const job *j, int64_t from, int64_t image, const int64_t box[4]) {                       \
    const fractional *f = j->f;                                                                                        \
    const TYPE *in = j->in, *grad = (const TYPE *)j->grad + from;                                                      \
    for (int64_t c = 0; c < f->channels; c++) {                                                                        \
      int64_t best = at(f, image, box[0], box[2]) + c;                                                                 \
      for (int64_t y = box[0]; y <= box[1]; y++)                                                                       \
        for (int64_t x = box[2]; x <= box[3]; x++)                                                                     \
          if (in[at(f, image, y, x) + c] > in[best]) best = at(f, image, y, x) + c;                                    \
      ((TYPE *)j->out)[best] += grad[c];                                                                               \
    }                                                                                                                  \
  }
POOL(real, double)
POOL(integer, int64_t)

/* All get the same share, in double whatever the dtype. */
static void back_mean(const job *j, int64_t from, int64_t image, const int64_t box[4]) {
  const fractional *f = j->f;
  const double count = (double)((box[1] - box[0] + 1) * (box[3] - box[2] + 1));
  for (int64_t y = box[0]; y <= box[1]; y++)
    for (int64_t x = box[2]; x <= box[3]; x++)
      for (int64_t c = 0; c < f->channels; c++) {
        const double g =
            j->integer ? (double)((const int64_t *)j->grad)[from + c] : ((const double *)j->grad)[from + c];
        ((double *)j->out)[at(f, image, y, x) + c] += g / count;
      }
}

/* --- the forward ops --- */

typedef struct state {
  fractional f;
  int64_t seed, seed2;
  bool pseudo;
} state;

static tn_error *read_ratio(const tn_node *node, float ratio[4]) {
  const tn_attr *a = tn_node_attr(node, "pooling_ratio");
  if (a->n != 4)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "pooling_ratio field must specify 4 dimensions, not %zu", a->n);
  for (int i = 0; i < 4; i++) {
    ratio[i] = a->floats[i];
    if (!(ratio[i] >= 1))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "pooling_ratio cannot be smaller than 1, got: %g",
                            (double)ratio[i]);
  }
  if (ratio[0] != 1 || ratio[3] != 1)
    return tn_node_errorf(node, TN_UNIMPLEMENTED,
                          "Fractional pooling is not yet supported on the batch nor channel dimension.");
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape;
  float ratio[4];
  state *t;
  TN_TRY(tn_prepare_state(p, sizeof *t, &t));
  TN_TRY(read_ratio(p->node, ratio));
  if (s->rank != 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must have rank 4, but is %s", TN_SHAPE_STR(s));
  t->seed = tn_node_get_int(p->node, "seed");
  t->seed2 = tn_node_get_int(p->node, "seed2");
  t->pseudo = tn_node_get_bool(p->node, "pseudo_random");
  if (!tn_node_get_bool(p->node, "deterministic") && (t->seed || t->seed2))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Both seed and seed2 should be 0 if deterministic is false.");
  t->f = (fractional){s->dims[0], s->dims[1], s->dims[2], s->dims[3], 0, 0, tn_node_get_bool(p->node, "overlapping")};
  t->f.out_height = (int64_t)floorf((float)s->dims[1] / ratio[1]);
  t->f.out_width = (int64_t)floorf((float)s->dims[2] / ratio[2]);
  if (t->f.out_height <= 0 || t->f.out_width <= 0 || t->f.height > INT32_MAX || t->f.width > INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "images of %s leave nothing, or are too large", TN_SHAPE_STR(s));
  tn_shape out = tn_shape_of(4, (int64_t[4]){t->f.batch, t->f.out_height, t->f.out_width, t->f.channels});
  tn_shape rows = tn_shape_of(1, (int64_t[1]){t->f.out_height + 1});
  tn_shape columns = tn_shape_of(1, (int64_t[1]){t->f.out_width + 1});
  TN_TRY(tn_prepare_output(p, 0, &out));
  TN_TRY(tn_prepare_output(p, 1, &rows));
  p->scratch = tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) +
               tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->outputs[0]));
  return tn_prepare_output(p, 2, &columns);
}

static tn_error *run_pool(tn_run *r, bool mean) {
  const state *t = r->state;
  char *scratch = r->scratch;
  tn_philox none = {0}, g = tn_philox_reserve(&none, t->seed, t->seed2, 0); /* begins anew in each step */
  sequence(&g, t->f.height, t->f.out_height, t->pseudo, r->outputs[1]->data);
  sequence(&g, t->f.width, t->f.out_width, t->pseudo, r->outputs[2]->data);
  job j = {.f = &t->f, .rows = r->outputs[1]->data, .columns = r->outputs[2]->data, .mean = mean};
  j.integer = tn_wide_of(r->inputs[0]->dtype) == TN_WIDE_INT;
  j.in = tn_wide_in(r->inputs[0], &scratch);
  j.out = tn_wide_out(r->outputs[0], &scratch);
  visit(&j, j.integer ? pool_integer : pool_real);
  tn_wide_finish(r->outputs[0], j.out);
  return NULL;
}

static tn_error *run_max(tn_run *r) { return run_pool(r, false); }
static tn_error *run_mean(tn_run *r) { return run_pool(r, true); }

/* --- the gradients --- */

/* The sequences that begin at input I must fit sizes of the image and of the result. */
static tn_error *check_sequence(const tn_run *r, int i, int64_t in) {
  const int64_t *starts = r->inputs[i]->data, n = tn_elements(r->inputs[i]);
  for (int64_t k = 0; k < n; k++)
    if (starts[k] < 0 || (k > 0 && starts[k] <= starts[k - 1]) || (k + 1 < n && starts[k] >= in))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "element %lld of the pooling sequence is %lld, for %lld pixels",
                           (long long)k, (long long)starts[k], (long long)in);
  return NULL;
}

/* IMAGE is the shape of the image, GRAD the number of the input with the gradient; the sequences follow it. */
static tn_error *prepare_back(tn_prepare *p, const tn_shape *image, int grad) {
  const tn_shape *g = &p->inputs[grad].shape, *rows = g + 0;
  fractional *f;
  TN_TRY(tn_prepare_state(p, sizeof *f, &f));
  rows = &p->inputs[grad + 1].shape;
  const tn_shape *columns = &p->inputs[grad + 2].shape;
  if (image->rank != 4 || g->rank != 4 || rows->rank != 1 || columns->rank != 1 || rows->dims[0] != g->dims[1] + 1 ||
      columns->dims[0] != g->dims[2] + 1 || g->dims[0] != image->dims[0] || g->dims[3] != image->dims[3] ||
      tn_shape_elements(g) == 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image %s, gradient %s and sequences %s and %s do not fit",
                             TN_SHAPE_STR(image), TN_SHAPE_STR(g), TN_SHAPE_STR(rows), TN_SHAPE_STR(columns));
  *f = (fractional){image->dims[0],
                    image->dims[1],
                    image->dims[2],
                    image->dims[3],
                    g->dims[1],
                    g->dims[2],
                    tn_node_get_bool(p->node, "overlapping")};
  TN_TRY(tn_prepare_output(p, 0, image));
  p->scratch = (size_t)(tn_elements(&p->outputs[0]) + 8) * sizeof(double);
  for (int i = 0; i <= grad; i++) p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i]));
  return NULL;
}

static tn_error *prepare_max_back(tn_prepare *p) {
  if (!tn_shape_equal(&p->inputs[1].shape, &p->inputs[2].shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "orig_output %s and out_backprop %s differ",
                             TN_SHAPE_STR(&p->inputs[1].shape), TN_SHAPE_STR(&p->inputs[2].shape));
  return prepare_back(p, &p->inputs[0].shape, 2);
}

static tn_error *prepare_mean_back(tn_prepare *p) {
  tn_shape image;
  TN_TRY(tn_prepare_shape(p, 0, &image));
  return prepare_back(p, &image, 1);
}

static tn_error *run_back(tn_run *r, int grad) {
  const fractional *f = r->state;
  char *scratch = r->scratch;
  tn_tensor *out = r->outputs[0];
  TN_TRY(check_sequence(r, grad + 1, f->height));
  TN_TRY(check_sequence(r, grad + 2, f->width));
  job j = {.f = f, .rows = r->inputs[grad + 1]->data, .columns = r->inputs[grad + 2]->data};
  j.integer = tn_wide_of(out->dtype) == TN_WIDE_INT;
  j.grad = tn_wide_in(r->inputs[grad], &scratch);
  if (grad == 2) j.in = tn_wide_in(r->inputs[0], &scratch);
  j.out = scratch;
  memset(j.out, 0, (size_t)tn_elements(out) * sizeof(double));
  visit(&j, grad == 1 ? back_mean : j.integer ? back_max_integer : back_max_real);
  if (grad == 1 && j.integer)
    for (int64_t i = 0; i < tn_elements(out); i++) ((int64_t *)j.out)[i] = (int64_t)((double *)j.out)[i];
  tn_narrow(out->dtype, j.out, tn_elements(out), out->data);
  return NULL;
}

static tn_error *run_max_back(tn_run *r) { return run_back(r, 2); }
static tn_error *run_mean_back(tn_run *r) { return run_back(r, 1); }

/* --- shapes, gradients, records --- */

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s;
  float ratio[4];
  TN_TRY(tn_shape_with_rank(c, 0, 4, &s));
  TN_TRY(read_ratio(c->node, ratio));
  c->out[0] = tn_shape_unknown_of_rank(4);
  for (int i = 0; i < 4 && s.rank == 4; i++)
    if (s.dims[i] >= 0) c->out[0].dims[i] = (int64_t)floorf((float)s.dims[i] / ratio[i]);
  c->out[1] = c->out[2] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static tn_error *max_back_shape(tn_shape_ctx *c) { return tn_shape_with_rank(c, 0, 4, &c->out[0]); }

static tn_error *mean_back_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_from_value(c, 0, &s));
  c->out[0] = s.rank < 0 ? tn_shape_unknown_of_rank(4) : s;
  return NULL;
}

static tn_error *max_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0,
              tn_build(c->scope, "FractionalMaxPoolGrad",
                       TN_IN(tn_grad_x(c, 0), tn_grad_y(c, 0), tn_grad_dense(c, 0), tn_grad_y(c, 1), tn_grad_y(c, 2)),
                       TN_ATTRS(TN_A_SAME(c->node, "overlapping"))));
  return NULL;
}

static tn_error *mean_gradient(tn_gradient_ctx *c) {
  tn_output size = tn_build(c->scope, "Shape", TN_IN(tn_grad_x(c, 0)), TN_ATTRS(TN_A_TYPE("out_type", TN_INT64)));
  tn_grad_set(c, 0,
              tn_build(c->scope, "FractionalAvgPoolGrad",
                       TN_IN(size, tn_grad_dense(c, 0), tn_grad_y(c, 1), tn_grad_y(c, 2)),
                       TN_ATTRS(TN_A_SAME(c->node, "overlapping"))));
  return NULL;
}

#define TYPES TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_INT32) | TN_BIT(TN_INT64)
#define KERNELS(NAME, PREPARE, RUN)                                                                                    \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TYPES, .prepare = PREPARE, .run = RUN}, {0}}
KERNELS(max_kernels, prepare, run_max);
KERNELS(mean_kernels, prepare, run_mean);
KERNELS(max_back_kernels, prepare_max_back, run_max_back);
KERNELS(mean_back_kernels, prepare_mean_back, run_mean_back);

#define OUTPUTS "output: T, row_pooling_sequence: int64, col_pooling_sequence: int64"
#define ATTRS                                                                                                          \
  "pooling_ratio: list(float) >= 4; pseudo_random: bool = false; overlapping: bool = false; "                          \
  "deterministic: bool = false; seed: int = 0; seed2: int = 0; T: {float, double, int32, int64}"
#define BACK_ATTRS "overlapping: bool = false; T: {float, double, int32, int64}"

TN_OP(FractionalMaxPool, .inputs = "value: T", .outputs = OUTPUTS, .attrs = ATTRS,
      .doc = "The greatest of windows of two lengths in random order.", .shape = shape, .gradient = max_gradient,
      .kernels = max_kernels);

TN_OP(FractionalMaxPoolGrad,
      .inputs = "orig_input: T, orig_output: T, out_backprop: T, row_pooling_sequence: int64, "
                "col_pooling_sequence: int64",
      .outputs = "output: T", .attrs = BACK_ATTRS, .doc = "The gradient of FractionalMaxPool.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = max_back_shape, .kernels = max_back_kernels);

TN_OP(FractionalAvgPool, .inputs = "value: T", .outputs = OUTPUTS, .attrs = ATTRS,
      .doc = "The means of windows of two lengths in random order.", .shape = shape, .gradient = mean_gradient,
      .kernels = mean_kernels);

TN_OP(FractionalAvgPoolGrad,
      .inputs = "orig_input_tensor_shape: int64, out_backprop: T, row_pooling_sequence: int64, "
                "col_pooling_sequence: int64",
      .outputs = "output: T", .attrs = BACK_ATTRS, .doc = "The gradient of FractionalAvgPool.", .value_inputs = 1 << 0,
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = mean_back_shape, .kernels = mean_back_kernels);
