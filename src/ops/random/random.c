/* The shared part of the random ops: generators, parallel fills, shapes. */
#include "ops/random/random.h"

#include "base/parallel.h"

enum { BATCH = 64 }; /* groups that are converted at once */

static void fill_fixed(const tn_random_job *job, int64_t begin, int64_t end) {
  tn_philox g = job->generator;
  tn_philox_skip(&g, (uint64_t)begin);
  size_t bytes = (size_t)job->group * job->element;
  uint32_t bits[4 * BATCH];
  for (int64_t i = begin; i < end; i += BATCH) {
    int64_t m = end - i < BATCH ? end - i : BATCH;
    tn_philox_blocks(&g, bits, m);
    tn_philox_skip(&g, (uint64_t)m);
    int64_t whole = job->n / job->group - i < m ? job->n / job->group - i : m;
    job->convert(job, bits, job->out + (size_t)i * bytes, whole);
    if (whole == m) continue;
    char last[32];
    job->convert(job, bits + 4 * whole, last, 1);
    memcpy(job->out + (size_t)(i + whole) * bytes, last, (size_t)(job->n % job->group) * job->element);
  }
}

static void fill_variable(const tn_random_job *job, int64_t begin, int64_t end) {
  size_t bytes = (size_t)job->group * job->element;
  int64_t whole = job->n / job->group;
  for (int64_t i = begin; i < end; i++) {
    char last[32];
    job->draw(job, i, i < whole ? job->out + (size_t)i * bytes : last);
    if (i >= whole) memcpy(job->out + (size_t)i * bytes, last, (size_t)(job->n % job->group) * job->element);
  }
}

typedef struct split {
  const tn_random_job *job;
  int64_t groups, chunks;
} split;

static void run_chunk(void *argument, int64_t i) {
  const split *s = argument;
  int64_t begin, end;
  tn_chunk(s->groups, s->chunks, i, BATCH, &begin, &end);
  if (begin >= end) return;
  if (s->job->draw) {
    fill_variable(s->job, begin, end);
  } else {
    fill_fixed(s->job, begin, end);
  }
}

void tn_random_fill(tn_random_job *job, const tn_philox *generator, tn_tensor *out) {
  job->generator = *generator;
  job->out = out->data;
  job->n = tn_elements(out);
  split s = {.job = job, .groups = (job->n + job->group - 1) / job->group};
  if (s.groups == 0) return;
  s.chunks = tn_chunks(s.groups, 1024);
  tn_parallel(s.chunks, run_chunk, &s);
}

static int64_t scalar_of(const tn_tensor *t) {
  switch (t->dtype) {
  case TN_INT32: return TN_DATA(const int32_t, t)[0];
  case TN_UINT32: return TN_DATA(const uint32_t, t)[0];
  default: return TN_DATA(const int64_t, t)[0];
  }
}

tn_error *tn_random_range(const tn_run *r, int low_input, tn_random_job *job) {
  const tn_tensor *low = r->inputs[low_input], *high = r->inputs[low_input + 1];
  if (low->shape.rank != 0 || high->shape.rank != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "minval and maxval have to be scalars, got %s and %s",
                         TN_SHAPE_STR(&low->shape), TN_SHAPE_STR(&high->shape));
  }
  int64_t a = scalar_of(low), b = scalar_of(high);
  bool empty = low->dtype == TN_UINT64 ? (uint64_t)a >= (uint64_t)b : a >= b;
  if (empty) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "need minval < maxval, got %lld >= %lld", (long long)a, (long long)b);
  }
  job->low = a;
  job->range = (uint64_t)b - (uint64_t)a;
  return NULL;
}

tn_error *tn_random_prepare_state(tn_prepare *p, tn_random_state *state) {
  state->seed = tn_node_get_int(p->node, "seed");
  state->seed2 = tn_node_get_int(p->node, "seed2");
  state->address = tn_session_state_address(p->session);
  return tn_prepare_persistent(p, sizeof(tn_philox), &state->philox);
}

tn_philox tn_random_take(const tn_random_state *state, uint64_t blocks) {
  bool addressed = atomic_load_explicit(&state->address->given, memory_order_relaxed) && (state->seed || state->seed2);
  if (!addressed) return tn_philox_reserve(state->philox, state->seed, state->seed2, blocks);
  /* The seeds are those of the op and the address, mixed. */
  tn_philox mixer = tn_philox_stateless((uint64_t)state->seed, (uint64_t)state->seed2);
  for (int i = 0; i < 2; i++) {
    mixer.counter[2 * i] ^= (uint32_t)state->address->words[i];
    mixer.counter[2 * i + 1] ^= (uint32_t)(state->address->words[i] >> 32);
  }
  uint32_t mixed[4];
  tn_philox_next(&mixer, mixed);
  uint64_t seed = (uint64_t)mixed[1] << 32 | mixed[0], seed2 = (uint64_t)mixed[3] << 32 | mixed[2];
  return tn_philox_reserve(state->philox, (int64_t)seed, (int64_t)(seed2 | 1), blocks);
}

tn_error *tn_random_prepare_shape(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(tn_prepare_shape(p, 0, &shape));
  return tn_prepare_output(p, 0, &shape);
}

tn_error *tn_random_prepare(tn_prepare *p) {
  tn_random_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  TN_TRY(tn_random_prepare_state(p, state));
  return tn_random_prepare_shape(p);
}

tn_error *tn_random_from_seed(const tn_run *r, int i, tn_philox *out) {
  const tn_tensor *seed = r->inputs[i];
  if (seed->shape.rank != 1 || seed->shape.dims[0] != 2) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "seed must have shape [2], not %s", TN_SHAPE_STR(&seed->shape));
  }
  uint64_t words[2];
  for (int j = 0; j < 2; j++) {
    switch (seed->dtype) {
    case TN_INT32: words[j] = (uint64_t)(int64_t)TN_DATA(const int32_t, seed)[j]; break;
    case TN_UINT32: words[j] = TN_DATA(const uint32_t, seed)[j]; break;
    default: words[j] = TN_DATA(const uint64_t, seed)[j];
    }
  }
  *out = tn_philox_stateless(words[0], words[1]);
  return NULL;
}

tn_error *tn_random_from_key(const tn_run *r, int i, tn_philox *out) {
  const tn_tensor *key = r->inputs[i], *counter = r->inputs[i + 1], *alg = r->inputs[i + 2];
  if (alg->shape.rank != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "alg must be of shape [], not %s", TN_SHAPE_STR(&alg->shape));
  }
  int32_t algorithm = TN_DATA(const int32_t, alg)[0];
  if (algorithm != 1 && algorithm != 3) { /* Philox, or the best one, which is Philox */
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "unsupported algorithm %d, expected 1 (Philox) or 3 (automatic)",
                         algorithm);
  }
  if (key->shape.rank != 1 || key->shape.dims[0] != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "key must have shape [1], not %s", TN_SHAPE_STR(&key->shape));
  }
  if (counter->shape.rank != 1 || counter->shape.dims[0] < 2) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "counter must be a vector of at least 2 elements, not %s",
                         TN_SHAPE_STR(&counter->shape));
  }
  uint64_t k = TN_DATA(const uint64_t, key)[0], low = TN_DATA(const uint64_t, counter)[0];
  uint64_t high = TN_DATA(const uint64_t, counter)[1];
  *out = (tn_philox){{(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)},
                     {(uint32_t)k, (uint32_t)(k >> 32)}};
  return NULL;
}

tn_error *tn_random_check_vector(tn_shape_ctx *c, int i, int64_t n) {
  tn_shape vector;
  int64_t size;
  TN_TRY(tn_shape_with_rank(c, i, 1, &vector));
  return vector.rank == 1 ? tn_dim_merge(c, vector.dims[0], n, &size) : NULL;
}

static tn_error *scalars_from(tn_shape_ctx *c, int first) {
  tn_shape scalar;
  for (int i = first; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  return tn_shape_from_value(c, 0, &c->out[0]);
}

tn_error *tn_random_shape(tn_shape_ctx *c) { return scalars_from(c, 1); }

tn_error *tn_random_shape_stateless(tn_shape_ctx *c) {
  TN_TRY(tn_random_check_vector(c, 1, 2));
  return scalars_from(c, 2);
}

tn_error *tn_random_shape_v2(tn_shape_ctx *c) {
  tn_shape vector;
  TN_TRY(tn_random_check_vector(c, 1, 1));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &vector));
  return scalars_from(c, 3);
}
