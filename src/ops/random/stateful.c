/* Random ops that keep their generator between steps: uniform, normal, truncated normal, integers. */
#include "base/parallel.h"
#include "ops/random/random.h"

/* TensorFlow takes 256 blocks for each output, whatever is used. */
static tn_error *fill(tn_run *r, tn_random_job *job) {
  const tn_random_state *state = r->state;
  tn_philox g = tn_random_take(state, (uint64_t)tn_elements(r->outputs[0]) * 256);
  tn_random_fill(job, &g, r->outputs[0]);
  return NULL;
}

static tn_error *run(tn_run *r, tn_random_kind kind) {
  tn_random_job job;
  TN_TRY(tn_random_job_of(&job, kind, r->outputs[0]->dtype));
  return fill(r, &job);
}

static tn_error *run_uniform(tn_run *r) { return run(r, TN_RANDOM_UNIFORM); }
static tn_error *run_normal(tn_run *r) { return run(r, TN_RANDOM_NORMAL); }
static tn_error *run_truncated(tn_run *r) { return run(r, TN_RANDOM_TRUNCATED); }

static void uniform_chunk(void *argument, int64_t i) {
  const tn_random_job *job = argument;
  int64_t groups = job->n / 4, begin, end;
  tn_chunk(groups, tn_chunks(groups, 4096), i, 16, &begin, &end);
  tn_philox g = job->generator;
  tn_philox_skip(&g, (uint64_t)begin);
  tn_philox_uniform(&g, (float *)job->out + 4 * begin, end - begin);
}

/* Straight from the generator's vectors to floats. */
static tn_error *run_uniform_vector(tn_run *r) {
  tn_tensor *out = r->outputs[0];
  tn_random_job job = {.out = out->data, .n = tn_elements(out)};
  job.generator = tn_random_take(r->state, (uint64_t)job.n * 256);
  if (job.n >= 4) tn_parallel(tn_chunks(job.n / 4, 4096), uniform_chunk, &job);
  if (job.n % 4 == 0) return NULL;
  float last[4];
  tn_philox_skip(&job.generator, (uint64_t)(job.n / 4));
  tn_philox_uniform(&job.generator, last, 1);
  memcpy((float *)job.out + job.n / 4 * 4, last, (size_t)(job.n % 4) * sizeof(float));
  return NULL;
}

static tn_error *run_int(tn_run *r) {
  tn_random_job job;
  TN_TRY(tn_random_job_of(&job, TN_RANDOM_INT, r->outputs[0]->dtype));
  if (tn_elements(r->outputs[0]) == 0) return NULL;
  TN_TRY(tn_random_range(r, 1, &job));
  return fill(r, &job);
}

static const tn_kernel_def uniform_kernels[] = {
    {.name = "vector",
     .types = TN_BIT(TN_FLOAT),
     .type_attr = "dtype",
     .prepare = tn_random_prepare,
     .run = run_uniform_vector},
    {.name = "reference", .types = TN_FLOATS, .type_attr = "dtype", .prepare = tn_random_prepare, .run = run_uniform},
    {0}};
static const tn_kernel_def normal_kernels[] = {
    {.name = "reference", .types = TN_FLOATS, .type_attr = "dtype", .prepare = tn_random_prepare, .run = run_normal},
    {0}};
static const tn_kernel_def truncated_kernels[] = {
    {.name = "reference", .types = TN_FLOATS, .type_attr = "dtype", .prepare = tn_random_prepare, .run = run_truncated},
    {0}};
static const tn_kernel_def int_kernels[] = {{.name = "reference",
                                             .types = TN_BIT(TN_INT32) | TN_BIT(TN_INT64),
                                             .type_attr = "Tout",
                                             .prepare = tn_random_prepare,
                                             .run = run_int},
                                            {0}};

TN_OP(RandomUniform, .inputs = "shape: T", .outputs = "output: dtype",
      .attrs = "seed: int = 0; seed2: int = 0; dtype: floattype; T: indextype",
      .doc = "Random numbers, uniform in [0, 1).", .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .value_inputs = 1,
      .shape = tn_random_shape, .kernels = uniform_kernels);

TN_OP(RandomStandardNormal, .inputs = "shape: T", .outputs = "output: dtype",
      .attrs = "seed: int = 0; seed2: int = 0; dtype: floattype; T: indextype",
      .doc = "Random numbers of the standard normal distribution.", .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape, .kernels = normal_kernels);

TN_OP(TruncatedNormal, .inputs = "shape: T", .outputs = "output: dtype",
      .attrs = "seed: int = 0; seed2: int = 0; dtype: floattype; T: indextype",
      .doc = "Random normal numbers; those beyond two standard deviations are drawn again.",
      .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .value_inputs = 1, .shape = tn_random_shape,
      .kernels = truncated_kernels);

TN_OP(RandomUniformInt, .inputs = "shape: T, minval: Tout, maxval: Tout", .outputs = "output: Tout",
      .attrs = "seed: int = 0; seed2: int = 0; Tout: indextype; T: indextype",
      .doc = "Random integers, uniform in [minval, maxval).", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1, .shape = tn_random_shape, .kernels = int_kernels);
