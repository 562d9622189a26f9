/* Samples of gamma and Poisson distributions: each output draws, by rejection, from 256 blocks of its own. */
#include <math.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "ops/random/random.h"

/* Draws of doubles, two at a time; TensorFlow gives the second one out first. */
typedef struct draws {
  tn_philox generator;
  double uniform[2], normal[2];
  int uniforms, normals;
} draws;

static double draw_uniform(draws *d) {
  if (d->uniforms == 0) {
    uint32_t bits[4];
    tn_philox_next(&d->generator, bits);
    d->uniform[0] = tn_bits_to_double(bits[0], bits[1]);
    d->uniform[1] = tn_bits_to_double(bits[2], bits[3]);
    d->uniforms = 2;
  }
  return d->uniform[--d->uniforms];
}

static double draw_normal(draws *d) {
  if (d->normals == 0) {
    uint32_t bits[4];
    tn_philox_next(&d->generator, bits);
    tn_box_muller_double(bits, d->normal);
    d->normals = 2;
  }
  return d->normal[--d->normals];
}

/* Marsaglia and Tsang's method; for alpha < 1 with alpha + 1 and a power of a uniform number. */
static double gamma_sample(draws *d, double alpha) {
  if (alpha == 1.0) return -log1p(-draw_uniform(d));
  bool small = alpha < 1;
  double shift = alpha + (small ? 2.0 / 3 : -1.0 / 3), scale = 1.0 / 3 / sqrt(shift);
  for (;;) {
    double x = draw_normal(d), v = 1 + scale * x;
    if (v <= 0) continue;
    v = v * v * v;
    double u = draw_uniform(d);
    if (!(u < 1 - 0.0331 * (x * x) * (x * x)) && !(log(u) < 0.5 * x * x + shift * (1 - v + log(v)))) continue;
    double result = shift * v;
    return small ? result * pow(draw_uniform(d), 1 / alpha) : result;
  }
}

/* Knuth's method, for small rates: products of uniform numbers. */
static double poisson_small(draws *d, double rate, double highest) {
  double end = exp(-rate), product = 1;
  for (double x = 0;; x += 1) {
    product *= draw_uniform(d);
    if (product <= end && x <= highest) return x;
  }
}

/* Hoermann's transformed rejection, for the others. */
static double poisson_large(draws *d, double rate, double highest) {
  double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b, inverse = 1.1239 + 1.1328 / (b - 3.4);
  for (;;) {
    double u = draw_uniform(d) - 0.5, v = draw_uniform(d), shifted = 0.5 - fabs(u);
    double k = floor((2 * a / shifted + b) * u + rate + 0.43);
    if (k > highest) continue;
    if (shifted >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
    if (k < 0 || (shifted < 0.013 && v > shifted)) continue;
    double s = log(v * inverse / (a / (shifted * shifted) + b));
    int sign; /* lgamma itself would write a global one */
    if (s <= -rate + k * log(rate) - lgamma_r(k + 1, &sign)) return k;
  }
}

static double highest_of(tn_dtype dtype) {
  switch (dtype) {
  case TN_HALF: return 65504;
  case TN_FLOAT: return 0x1.fffffep127;
  case TN_DOUBLE: return 0x1.fffffffffffffp1023;
  case TN_INT32: return INT32_MAX;
  default: return 0x1p63;
  }
}

/* A rate that is not finite has no samples: NaN, which integers show as 0 (TensorFlow would try for ever). */
static double poisson_sample(draws *d, double rate, double highest) {
  if (!isfinite(rate)) return NAN;
  return rate < 10 ? poisson_small(d, rate, highest) : poisson_large(d, rate, highest);
}

static double get(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_HALF: return (double)tn_half_to_float(TN_DATA(const uint16_t, t)[i]);
  case TN_BFLOAT16: return (double)tn_bfloat16_to_float(TN_DATA(const uint16_t, t)[i]);
  case TN_FLOAT: return (double)TN_DATA(const float, t)[i];
  case TN_DOUBLE: return TN_DATA(const double, t)[i];
  case TN_INT32: return TN_DATA(const int32_t, t)[i];
  default: return (double)TN_DATA(const int64_t, t)[i];
  }
}

static void put(const tn_tensor *t, int64_t i, double x) {
  bool none = isnan(x);
  switch (t->dtype) {
  case TN_HALF: TN_DATA(uint16_t, t)[i] = tn_float_to_half((float)x); break;
  case TN_BFLOAT16: TN_DATA(uint16_t, t)[i] = tn_float_to_bfloat16((float)x); break;
  case TN_FLOAT: TN_DATA(float, t)[i] = (float)x; break;
  case TN_DOUBLE: TN_DATA(double, t)[i] = x; break;
  case TN_INT32: TN_DATA(int32_t, t)[i] = none ? 0 : (int32_t)x; break;
  default: TN_DATA(int64_t, t)[i] = none ? 0 : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
  }
}

typedef struct job {
  const tn_tensor *parameters, *out;
  tn_philox generator;
  int64_t n_parameters, n_samples, chunks;
  double highest;
  bool gamma;
} job;

static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  int64_t begin, end;
  tn_chunk(j->n_parameters * j->n_samples, j->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    int64_t parameter = i / j->n_samples, sample = i % j->n_samples;
    double x = get(j->parameters, parameter);
    draws d = {.generator = j->generator};
    tn_philox_skip(&d.generator, 256 * (uint64_t)i);
    put(j->out, sample * j->n_parameters + parameter,
        j->gamma ? gamma_sample(&d, x) : poisson_sample(&d, x, j->highest));
  }
}

static tn_error *run(tn_run *r, bool gamma) {
  const tn_random_state *state = r->state;
  job j = {.parameters = r->inputs[1], .out = r->outputs[0], .gamma = gamma};
  int64_t n = tn_elements(j.out);
  if (n == 0) return NULL;
  j.n_parameters = tn_elements(j.parameters);
  j.n_samples = n / j.n_parameters;
  j.highest = highest_of(j.out->dtype);
  j.generator = tn_random_take(state, (uint64_t)n * 256);
  j.chunks = tn_chunks(n, 256);
  tn_parallel(j.chunks, run_chunk, &j);
  return NULL;
}

static tn_error *run_gamma(tn_run *r) { return run(r, true); }
static tn_error *run_poisson(tn_run *r) { return run(r, false); }

/* The samples' shape, then the parameters'. */
static tn_error *prepare(tn_prepare *p) {
  tn_random_state *state;
  tn_shape shape;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  TN_TRY(tn_random_prepare_state(p, state));
  TN_TRY(tn_prepare_shape(p, 0, &shape));
  const tn_shape *parameters = &p->inputs[1].shape;
  if (shape.rank + parameters->rank > TN_MAX_RANK) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have %d dimensions, at most %d are possible",
                             shape.rank + parameters->rank, TN_MAX_RANK);
  }
  for (int i = 0; i < parameters->rank; i++) shape.dims[shape.rank++] = parameters->dims[i];
  return tn_prepare_output(p, 0, &shape);
}

#define OUTPUTS (TN_BIT(TN_HALF) | TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE))
static const tn_kernel_def gamma_kernels[] = {
    {.name = "reference", .types = OUTPUTS, .type_attr = "T", .prepare = prepare, .run = run_gamma}, {0}};
static const tn_kernel_def poisson_kernels[] = {{.name = "reference",
                                                 .types = OUTPUTS | TN_BIT(TN_INT32) | TN_BIT(TN_INT64),
                                                 .type_attr = "dtype",
                                                 .prepare = prepare,
                                                 .run = run_poisson},
                                                {0}};

static tn_error *shape_samples(tn_shape_ctx *c) {
  tn_shape shape;
  TN_TRY(tn_shape_from_value(c, 0, &shape));
  if (shape.rank < 0 || c->in[1].rank < 0) return NULL;
  if (shape.rank + c->in[1].rank > TN_MAX_RANK) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the result would have %d dimensions, at most %d are possible",
                          shape.rank + c->in[1].rank, TN_MAX_RANK);
  }
  for (int i = 0; i < c->in[1].rank; i++) shape.dims[shape.rank++] = c->in[1].dims[i];
  c->out[0] = shape;
  return NULL;
}

/* The samples' dimensions are summed over: those before alpha's. */
static tn_error *gradient_gamma(tn_gradient_ctx *c) {
  if (!tn_grad_has(c, 0)) return NULL;
  tn_scope *s = c->scope;
  tn_shape shape = tn_output_shape(tn_grad_x(c, 0));
  tn_output slope = tn_build2(s, "RandomGammaGrad", tn_grad_x(c, 1), tn_grad_y(c, 0)), axes;
  if (shape.rank == 1 && shape.dims[0] >= 0 && shape.dims[0] <= TN_MAX_RANK) {
    axes = tn_build_ints(s, TN_INT32, (int)shape.dims[0], (int64_t[]){0, 1, 2, 3, 4, 5, 6, 7});
  } else {
    tn_output count = tn_build1(s, "Size", tn_grad_x(c, 0));
    axes = tn_build(s, "Range", TN_IN(tn_build_scalar(s, TN_INT32, 0), count, tn_build_scalar(s, TN_INT32, 1)), NULL);
  }
  tn_grad_set(c, 1, tn_build_sum(s, tn_build2(s, "Mul", tn_grad_dense(c, 0), slope), axes, false));
  return NULL;
}

TN_OP(RandomGamma, .inputs = "shape: S, alpha: T", .outputs = "output: T",
      .attrs = "seed: int = 0; seed2: int = 0; S: indextype; T: {half, float, double}",
      .doc = "Samples of gamma distributions, a batch of them for each alpha.", .flags = TN_OP_STATEFUL,
      .value_inputs = 1, .shape = shape_samples, .gradient = gradient_gamma, .kernels = gamma_kernels);

TN_OP(RandomPoisson, .inputs = "shape: S, rate: dtype", .outputs = "output: dtype",
      .attrs = "seed: int = 0; seed2: int = 0; S: indextype; dtype: {half, float, double}",
      .doc = "Samples of Poisson distributions, a batch of them for each rate (first form).",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1, .shape = shape_samples,
      .kernels = poisson_kernels);

TN_OP(RandomPoissonV2, .inputs = "shape: S, rate: R", .outputs = "output: dtype",
      .attrs = "seed: int = 0; seed2: int = 0; S: indextype; R: {half, float, double, int32, int64} = DT_DOUBLE; "
               "dtype: {half, float, double, int32, int64} = DT_INT64",
      .doc = "Samples of Poisson distributions, a batch of them for each rate.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1, .shape = shape_samples,
      .kernels = poisson_kernels);
