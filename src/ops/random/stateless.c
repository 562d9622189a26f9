/* Random ops whose numbers are a function of a seed given as input (first form), or of key, counter and algorithm
 * (second form). */
#include "ops/random/random.h"

static tn_error *run(tn_run *r, tn_random_kind kind, bool keyed) {
  tn_random_job job;
  tn_philox g;
  TN_TRY(tn_random_job_of(&job, kind, r->outputs[0]->dtype));
  TN_TRY(keyed ? tn_random_from_key(r, 1, &g) : tn_random_from_seed(r, 1, &g));
  int n_generator = keyed ? 3 : 1;
  if (r->n_inputs > 1 + n_generator) TN_TRY(tn_random_range(r, 1 + n_generator, &job));
  tn_random_fill(&job, &g, r->outputs[0]);
  return NULL;
}

static tn_error *run_uniform(tn_run *r) { return run(r, TN_RANDOM_UNIFORM, false); }
static tn_error *run_uniform_v2(tn_run *r) { return run(r, TN_RANDOM_UNIFORM, true); }
static tn_error *run_normal(tn_run *r) { return run(r, TN_RANDOM_NORMAL, false); }
static tn_error *run_normal_v2(tn_run *r) { return run(r, TN_RANDOM_NORMAL, true); }
static tn_error *run_truncated(tn_run *r) { return run(r, TN_RANDOM_TRUNCATED, false); }
static tn_error *run_truncated_v2(tn_run *r) { return run(r, TN_RANDOM_TRUNCATED, true); }
static tn_error *run_int(tn_run *r) { return run(r, TN_RANDOM_INT, false); }
static tn_error *run_int_v2(tn_run *r) { return run(r, TN_RANDOM_INT, true); }

#define INTS (TN_BIT(TN_INT32) | TN_BIT(TN_INT64) | TN_BIT(TN_UINT32) | TN_BIT(TN_UINT64))
static const tn_kernel_def uniform_kernels[] = {{.name = "reference",
                                                 .types = TN_FLOATS,
                                                 .type_attr = "dtype",
                                                 .prepare = tn_random_prepare_shape,
                                                 .run = run_uniform},
                                                {0}};
static const tn_kernel_def uniform_v2_kernels[] = {{.name = "reference",
                                                    .types = TN_FLOATS,
                                                    .type_attr = "dtype",
                                                    .prepare = tn_random_prepare_shape,
                                                    .run = run_uniform_v2},
                                                   {0}};
static const tn_kernel_def normal_kernels[] = {{.name = "reference",
                                                .types = TN_FLOATS,
                                                .type_attr = "dtype",
                                                .prepare = tn_random_prepare_shape,
                                                .run = run_normal},
                                               {0}};
static const tn_kernel_def normal_v2_kernels[] = {{.name = "reference",
                                                   .types = TN_FLOATS,
                                                   .type_attr = "dtype",
                                                   .prepare = tn_random_prepare_shape,
                                                   .run = run_normal_v2},
                                                  {0}};
static const tn_kernel_def truncated_kernels[] = {{.name = "reference",
                                                   .types = TN_FLOATS,
                                                   .type_attr = "dtype",
                                                   .prepare = tn_random_prepare_shape,
                                                   .run = run_truncated},
                                                  {0}};
static const tn_kernel_def truncated_v2_kernels[] = {{.name = "reference",
                                                      .types = TN_FLOATS,
                                                      .type_attr = "dtype",
                                                      .prepare = tn_random_prepare_shape,
                                                      .run = run_truncated_v2},
                                                     {0}};
static const tn_kernel_def int_kernels[] = {
    {.name = "reference", .types = INTS, .type_attr = "dtype", .prepare = tn_random_prepare_shape, .run = run_int},
    {0}};
static const tn_kernel_def int_v2_kernels[] = {
    {.name = "reference", .types = INTS, .type_attr = "dtype", .prepare = tn_random_prepare_shape, .run = run_int_v2},
    {0}};

TN_OP(StatelessRandomUniform, .inputs = "shape: T, seed: Tseed", .outputs = "output: dtype",
      .attrs = "dtype: floattype = DT_FLOAT; T: indextype = DT_INT32; Tseed: indextype = DT_INT64",
      .doc = "Numbers uniform in [0, 1), a function of the seed.", .flags = TN_OP_NO_GRADIENT, .value_inputs = 1,
      .shape = tn_random_shape_stateless, .kernels = uniform_kernels);

TN_OP(StatelessRandomUniformV2, .inputs = "shape: Tshape, key: uint64, counter: uint64, alg: int32",
      .outputs = "output: dtype", .attrs = "dtype: floattype = DT_FLOAT; Tshape: indextype = DT_INT32",
      .doc = "Numbers uniform in [0, 1), a function of key and counter.", .flags = TN_OP_NO_GRADIENT, .value_inputs = 1,
      .shape = tn_random_shape_v2, .kernels = uniform_v2_kernels);

TN_OP(StatelessRandomNormal, .inputs = "shape: T, seed: Tseed", .outputs = "output: dtype",
      .attrs = "dtype: floattype = DT_FLOAT; T: indextype = DT_INT32; Tseed: indextype = DT_INT64",
      .doc = "Numbers of the standard normal distribution, a function of the seed.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_stateless, .kernels = normal_kernels);

TN_OP(StatelessRandomNormalV2, .inputs = "shape: Tshape, key: uint64, counter: uint64, alg: int32",
      .outputs = "output: dtype", .attrs = "dtype: floattype = DT_FLOAT; Tshape: indextype = DT_INT32",
      .doc = "Numbers of the standard normal distribution, a function of key and counter.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_v2, .kernels = normal_v2_kernels);

TN_OP(StatelessTruncatedNormal, .inputs = "shape: T, seed: Tseed", .outputs = "output: dtype",
      .attrs = "dtype: floattype = DT_FLOAT; T: indextype = DT_INT32; Tseed: indextype = DT_INT64",
      .doc = "Normal numbers within two standard deviations, a function of the seed.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_stateless, .kernels = truncated_kernels);

TN_OP(StatelessTruncatedNormalV2, .inputs = "shape: Tshape, key: uint64, counter: uint64, alg: int32",
      .outputs = "output: dtype", .attrs = "dtype: floattype = DT_FLOAT; Tshape: indextype = DT_INT32",
      .doc = "Normal numbers within two standard deviations, a function of key and counter.",
      .flags = TN_OP_NO_GRADIENT, .value_inputs = 1, .shape = tn_random_shape_v2, .kernels = truncated_v2_kernels);

TN_OP(StatelessRandomUniformInt, .inputs = "shape: T, seed: Tseed, minval: dtype, maxval: dtype",
      .outputs = "output: dtype", .attrs = "dtype: indextype; T: indextype; Tseed: indextype = DT_INT64",
      .doc = "Integers uniform in [minval, maxval), a function of the seed.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_stateless, .kernels = int_kernels);

TN_OP(StatelessRandomUniformIntV2,
      .inputs = "shape: Tshape, key: uint64, counter: uint64, alg: int32, minval: dtype, maxval: dtype",
      .outputs = "output: dtype", .attrs = "dtype: {int32, int64, uint32, uint64}; Tshape: indextype = DT_INT32",
      .doc = "Integers uniform in [minval, maxval), a function of key and counter.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_v2, .kernels = int_v2_kernels);

TN_OP(StatelessRandomUniformFullInt, .inputs = "shape: T, seed: Tseed", .outputs = "output: dtype",
      .attrs = "dtype: {int32, int64, uint32, uint64} = DT_UINT64; T: indextype = DT_INT32; Tseed: {int32, int64, "
               "uint32, uint64} = DT_INT64",
      .doc = "Integers of the dtype's whole range, a function of the seed.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_stateless, .kernels = int_kernels);

TN_OP(StatelessRandomUniformFullIntV2, .inputs = "shape: Tshape, key: uint64, counter: uint64, alg: int32",
      .outputs = "output: dtype",
      .attrs = "dtype: {int32, int64, uint32, uint64} = DT_UINT64; Tshape: indextype = DT_INT32",
      .doc = "Integers of the dtype's whole range, a function of key and counter.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1, .shape = tn_random_shape_v2, .kernels = int_v2_kernels);
