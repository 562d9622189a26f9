/* The ops that turn a seed into key, counter and algorithm for the second form of the stateless ops. */
#include "ops/random/random.h"

static tn_error *prepare_key(tn_prepare *p) {
  const tn_shape *seed = &p->inputs[0].shape;
  if (seed->rank != 1 || seed->dims[0] != 2) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "seed must have shape [2], not %s", TN_SHAPE_STR(seed));
  }
  tn_shape key = tn_shape_of(1, (int64_t[]){1}), counter = tn_shape_of(1, (int64_t[]){2}), alg = tn_shape_scalar();
  TN_TRY(tn_prepare_output(p, 0, &key));
  TN_TRY(tn_prepare_output(p, 1, &counter));
  return p->n_outputs > 2 ? tn_prepare_output(p, 2, &alg) : NULL;
}

static tn_error *run_key(tn_run *r) {
  tn_philox g;
  TN_TRY(tn_random_from_seed(r, 0, &g));
  TN_DATA(uint64_t, r->outputs[0])[0] = tn_bits_to_u64(g.key[0], g.key[1]);
  TN_DATA(uint64_t, r->outputs[1])[0] = tn_bits_to_u64(g.counter[0], g.counter[1]);
  TN_DATA(uint64_t, r->outputs[1])[1] = tn_bits_to_u64(g.counter[2], g.counter[3]);
  if (r->n_outputs > 2) TN_DATA(int32_t, r->outputs[2])[0] = 1;
  return NULL;
}

static tn_error *prepare_alg(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_alg(tn_run *r) {
  TN_DATA(int32_t, r->outputs[0])[0] = 1; /* Philox */
  return NULL;
}

static const tn_kernel_def key_kernels[] = {{.name = "reference", .prepare = prepare_key, .run = run_key}, {0}};
static const tn_kernel_def alg_kernels[] = {{.name = "reference", .prepare = prepare_alg, .run = run_alg}, {0}};

static tn_error *shape_key(tn_shape_ctx *c) {
  TN_TRY(tn_random_check_vector(c, 0, 2));
  c->out[0] = tn_shape_of(1, (int64_t[]){1});
  c->out[1] = tn_shape_of(1, (int64_t[]){2});
  if (c->n_outputs > 2) c->out[2] = tn_shape_scalar();
  return NULL;
}

TN_OP(StatelessRandomGetKeyCounter, .inputs = "seed: Tseed", .outputs = "key: uint64, counter: uint64",
      .attrs = "Tseed: indextype = DT_INT64", .doc = "The key and the counter that belong to a seed.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_key, .kernels = key_kernels);

TN_OP(StatelessRandomGetAlg, .inputs = "", .outputs = "alg: int32", .attrs = "",
      .doc = "The number of the generator's algorithm: 1, Philox.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_scalar_out, .kernels = alg_kernels);

TN_OP(StatelessRandomGetKeyCounterAlg, .inputs = "seed: Tseed", .outputs = "key: uint64, counter: uint64, alg: int32",
      .attrs = "Tseed: indextype = DT_INT64", .doc = "Key, counter and algorithm that belong to a seed.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_key, .kernels = key_kernels);
