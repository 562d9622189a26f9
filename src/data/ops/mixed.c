/* Datasets by chance and by choice: RandomDataset, SamplingDataset, DirectedInterleaveDataset. */
#include "base/alloc.h"
#include "data/source.h"
#include "kernel/philox.h"

typedef struct chance {
  tn_source base;
  int64_t seed, seed2;
  float rate;
} chance;

typedef struct chances {
  tn_cursor base;
  tn_philox_stream stream;
} chances;

/* TensorFlow's rule: two zeros stand for seeds that nobody chose. */
static tn_error *take_seeds(tn_run *r, chance *s, int argument) {
  TN_TRY(tn_run_int(r, argument, &s->seed));
  TN_TRY(tn_run_int(r, argument + 1, &s->seed2));
  if (s->seed || s->seed2) return NULL;
  tn_philox fresh = {{0}, {0}};
  fresh = tn_philox_reserve(&fresh, 0, 0, 1);
  uint32_t block[4];
  tn_philox_next(&fresh, block);
  s->seed = (int64_t)tn_bits_to_u64(block[0], block[1]);
  s->seed2 = (int64_t)tn_bits_to_u64(block[2], block[3]);
  return NULL;
}

static void start(tn_cursor *c) {
  const chance *s = (const chance *)c->source;
  tn_philox p = tn_philox_seeded((uint64_t)s->seed, (uint64_t)s->seed2);
  ((chances *)c)->stream = tn_philox_stream_of(&p);
}

static tn_error *make_random(tn_run *r, tn_source *s) { return take_seeds(r, (chance *)s, 0); }

static int64_t endless(const tn_source *s) {
  (void)s;
  return TN_SIZE_INFINITE;
}

static tn_error *open_random(tn_cursor *c, tn_step *step) {
  (void)step;
  start(c);
  return NULL;
}

static tn_error *next_random(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step, (void)end;
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_tensor_init(out, TN_INT64, &scalar));
  *TN_DATA(int64_t, out) = tn_philox_one(&((chances *)c)->stream);
  return NULL;
}

static const tn_source_kind random_kind = {"RandomDataset", sizeof(chance), sizeof(chances), 0,   make_random, NULL,
                                           endless,         open_random,    next_random,     NULL};

/* --- sampling --- */

static tn_error *make_sampling(tn_run *r, tn_source *s) {
  ((chance *)s)->rate = *TN_DATA(float, tn_run_argument(r, 1));
  return take_seeds(r, (chance *)s, 2);
}

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static tn_error *open_sampling(tn_cursor *c, tn_step *step) {
  start(c);
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static tn_error *next_sampled(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  for (;;) {
    TN_TRY(tn_cursor_next(c->input, step, out, end));
    if (*end) return NULL;
    if (tn_bits_to_float(tn_philox_one(&((chances *)c)->stream)) < ((const chance *)c->source)->rate) return NULL;
    tn_element_clear(c->source->n, out);
  }
}

static const tn_source_kind sampling_kind = {
    "SamplingDataset", sizeof(chance), sizeof(chances), 1,   make_sampling, NULL,
    unknown,           open_sampling,  next_sampled,    NULL};

/* --- interleaving by a dataset of numbers --- */

typedef struct directed {
  tn_source base;
  bool stops; /* at the first input that ends */
} directed;

typedef struct directing {
  tn_cursor base; /* INPUT gives the numbers */
  int n, open;
  tn_cursor **inputs;
} directing;

static tn_error *make_directed(tn_run *r, tn_source *s) {
  ((directed *)s)->stops = tn_node_get_bool(r->node, "stop_on_empty_dataset");
  const tn_source *selector = s->inputs[0];
  if (selector->n == 1 && selector->types[0] == TN_INT64) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "The selector input must be a dataset of scalar int64 elements.");
}

static tn_error *open_directed(tn_cursor *c, tn_step *step) {
  directing *d = (directing *)c;
  d->n = c->source->n_inputs - 1;
  d->inputs = tn_calloc((size_t)d->n + 1, sizeof(tn_cursor *));
  if (!d->inputs) return tn_out_of_memory();
  for (int i = 0; i < d->n; i++) TN_TRY(tn_cursor_open(c->source->inputs[i + 1], step, &d->inputs[i]));
  d->open = d->n;
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static void close_directed(tn_cursor *c) {
  directing *d = (directing *)c;
  for (int i = 0; d->inputs && i < d->n; i++) tn_cursor_close(d->inputs[i]);
  tn_free(d->inputs);
}

static tn_error *next_directed(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  directing *d = (directing *)c;
  while (d->open > 0) {
    tn_tensor number = {0};
    TN_TRY(tn_cursor_next(c->input, step, &number, end));
    if (*end) return NULL;
    int64_t i = tn_elements(&number) == 1 ? *TN_DATA(int64_t, &number) : -1;
    tn_tensor_clear(&number);
    if (i < 0 || i >= d->n) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Selector index out of range: %lld >= %d", (long long)i, d->n);
    }
    if (!d->inputs[i]) continue;
    TN_TRY(tn_cursor_next(d->inputs[i], step, out, end));
    if (!*end) return NULL;
    if (((const directed *)c->source)->stops) return NULL;
    *end = false;
    tn_cursor_close(d->inputs[i]);
    d->inputs[i] = NULL;
    d->open--;
  }
  *end = true;
  return NULL;
}

static const tn_source_kind directed_kind = {"DirectedInterleaveDataset",
                                             sizeof(directed),
                                             sizeof(directing),
                                             2,
                                             make_directed,
                                             NULL,
                                             unknown,
                                             open_directed,
                                             next_directed,
                                             close_directed};

TN_SOURCE_KERNELS(random, random_kind);
TN_SOURCE_KERNELS(sampling, sampling_kind);
TN_SOURCE_KERNELS(directed, directed_kind);

TN_OP(RandomDataset, .inputs = "seed: int64, seed2: int64", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "Random numbers of 32 bits, without an end.",
      .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = random_kernels);

TN_OP(SamplingDataset, .inputs = "input_dataset: variant, rate: float, seed: int64, seed2: int64",
      .outputs = "handle: variant", .attrs = TN_SOURCE_ATTRS, .doc = "Each element with probability rate.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = sampling_kernels);

TN_OP(DirectedInterleaveDataset, .inputs = "selector_input_dataset: variant, data_input_datasets: N * variant",
      .outputs = "handle: variant", .attrs = TN_SOURCE_ATTRS "; N: int >= 1; stop_on_empty_dataset: bool = false",
      .doc = "An element of the input that each number of the selector names.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = directed_kernels);
