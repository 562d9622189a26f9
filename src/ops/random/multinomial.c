/* Draws from categorical distributions. */
#include <math.h>

#include "ops/random/random.h"

static tn_error *set_output(tn_prepare *p) {
  const tn_shape *logits = &p->inputs[0].shape, *samples = &p->inputs[1].shape;
  if (logits->rank != 2) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "logits should be a matrix, got shape %s", TN_SHAPE_STR(logits));
  }
  if (samples->rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_samples should be a scalar, got shape %s",
                             TN_SHAPE_STR(samples));
  }
  int32_t n = TN_DATA(const int32_t, &p->inputs[1])[0];
  if (n < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_samples should be nonnegative, got %d", n);
  if (logits->dims[1] < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_classes should be positive, got 0");
  p->scratch = (size_t)logits->dims[1] * sizeof(double);
  tn_shape shape = tn_shape_of(2, (int64_t[]){logits->dims[0], n});
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *prepare(tn_prepare *p) {
  tn_random_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  TN_TRY(tn_random_prepare_state(p, state));
  return set_output(p);
}

static double logit(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: return (double)TN_DATA(const float, t)[i];
  case TN_DOUBLE: return TN_DATA(const double, t)[i];
  case TN_HALF: return (double)tn_half_to_float(TN_DATA(const uint16_t, t)[i]);
  default: return (double)tn_bfloat16_to_float(TN_DATA(const uint16_t, t)[i]);
  }
}

static double lowest(tn_dtype dtype) {
  switch (dtype) {
  case TN_FLOAT: return -0x1.fffffep127;
  case TN_DOUBLE: return -0x1.fffffffffffffp1023;
  case TN_HALF: return -65504;
  default: return -0x1.fep127;
  }
}

/* The sums of the classes' weights so far, which are not normalised; returns the last one. What is not finite weighs
 * nothing. */
static double accumulate(const tn_tensor *logits, int64_t row, double *sums) {
  int64_t classes = logits->shape.dims[1];
  double top = lowest(logits->dtype), total = 0;
  for (int64_t j = 0; j < classes; j++) {
    double x = logit(logits, row * classes + j);
    if (isfinite(x) && x > top) top = x;
  }
  for (int64_t j = 0; j < classes; j++) {
    double x = logit(logits, row * classes + j);
    if (isfinite(x)) total += exp(x - top);
    sums[j] = total;
  }
  return total;
}

/* The first class whose sum is more than WANTED. */
static int64_t find(const double *sums, int64_t classes, double wanted) {
  int64_t low = 0, count = classes;
  while (count > 0) {
    int64_t half = count / 2;
    if (!(wanted < sums[low + half])) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

static tn_error *sample(tn_run *r, const tn_philox *g) {
  const tn_tensor *logits = r->inputs[0];
  tn_tensor *out = r->outputs[0];
  int64_t rows = logits->shape.dims[0], classes = logits->shape.dims[1], n = out->shape.dims[1];
  tn_philox_stream s = tn_philox_stream_of(g);
  for (int64_t row = 0; row < rows && n; row++) {
    double total = accumulate(logits, row, r->scratch);
    for (int64_t i = 0; i < n; i++) {
      uint32_t x0 = tn_philox_one(&s), x1 = tn_philox_one(&s);
      int64_t class = find(r->scratch, classes, tn_bits_to_double(x0, x1) * total);
      if (out->dtype == TN_INT32) {
        TN_DATA(int32_t, out)[row * n + i] = (int32_t) class;
      } else {
        TN_DATA(int64_t, out)[row * n + i] = class;
      }
    }
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  if (tn_elements(r->outputs[0]) == 0) return NULL;
  /* TensorFlow takes 256 blocks for each sample, of which it counts whole fours, twice: doubles need two words. */
  uint64_t rows = (uint64_t)r->inputs[0]->shape.dims[0], n = (uint64_t)r->outputs[0]->shape.dims[1];
  tn_philox g = tn_random_take(r->state, rows * ((n + 3) / 4 * 4 * 2) * 256);
  return sample(r, &g);
}

static tn_error *run_stateless(tn_run *r) {
  tn_philox g;
  TN_TRY(tn_random_from_seed(r, 2, &g));
  return sample(r, &g);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .types = TN_FLOATS, .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def stateless_kernels[] = {
    {.name = "reference", .types = TN_FLOATS, .prepare = set_output, .run = run_stateless}, {0}};

static tn_error *shape_multinomial(tn_shape_ctx *c) {
  tn_shape logits, scalar;
  bool known;
  int64_t n;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &logits));
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  if (c->n_inputs > 2) TN_TRY(tn_random_check_vector(c, 2, 2));
  TN_TRY(tn_shape_scalar_value(c, 1, &known, &n));
  if (known && n < 0) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "num_samples should be nonnegative");
  c->out[0] = tn_shape_of(2, (int64_t[]){logits.rank == 2 ? logits.dims[0] : -1, known ? n : -1});
  return NULL;
}

TN_OP(Multinomial, .inputs = "logits: T, num_samples: int32", .outputs = "output: output_dtype",
      .attrs = "seed: int = 0; seed2: int = 0; T: realnumbertype; output_dtype: indextype = DT_INT64",
      .doc = "Samples classes from distributions given by the logarithms of their weights.",
      .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .value_inputs = 1 << 1, .shape = shape_multinomial,
      .kernels = kernels);

TN_OP(StatelessMultinomial, .inputs = "logits: T, num_samples: int32, seed: Tseed", .outputs = "output: output_dtype",
      .attrs = "T: realnumbertype; Tseed: indextype = DT_INT64; output_dtype: indextype = DT_INT64",
      .doc = "Samples classes from distributions given by logits, a function of the seed.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1 << 1, .shape = shape_multinomial, .kernels = stateless_kernels);
