/* Candidate samplers: classes drawn from ranges by several distributions, each with how often it was to be expected. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/thread.h"
#include "io/file.h"
#include "ops/random/random.h"

/* The alias method's tables: class I with PROBABILITY[i], else OTHER[i]. */
typedef struct alias_table {
  int64_t n;
  float *weights, *probability, total;
  int32_t *other;
} alias_table;

typedef struct sampler {
  tn_random_state random;
  int64_t range, n, n_true;
  bool unique;
  double log_range;
  alias_table alias;
  int64_t leaves;  /* of the tree of weights: a power of two */
  int32_t *counts; /* the tree, heap order: what training has added to the weights, which are 1 at first */
} sampler;

typedef struct draw {
  sampler *s;
  tn_philox_stream stream;
} draw;

/* --- numbers, as TensorFlow draws them --- */

static uint64_t word64(tn_philox_stream *s) {
  uint32_t low = tn_philox_one(s);
  return tn_bits_to_u64(low, tn_philox_one(s));
}

static uint64_t uniform64(tn_philox_stream *s, uint64_t n) {
  if ((n & (n - 1)) == 0) return word64(s) & (n - 1);
  uint64_t reject = UINT64_MAX % n + 1, x;
  do x = word64(s);
  while (x < reject);
  return x % n;
}

static uint32_t uniform32(tn_philox_stream *s, uint32_t n) {
  if ((n & (n - 1)) == 0) return tn_philox_one(s) & (n - 1);
  uint32_t reject = UINT32_MAX % n + 1, x;
  do x = tn_philox_one(s);
  while (x < reject);
  return x % n;
}

/* --- distributions --- */

static int64_t sample_uniform(draw *d) { return (int64_t)uniform64(&d->stream, (uint64_t)d->s->range); }
static float probability_uniform(const sampler *s, int64_t i) {
  (void)i;
  return (float)(1.0 / (double)s->range);
}

static int64_t sample_log_uniform(draw *d) {
  uint32_t x0 = tn_philox_one(&d->stream), x1 = tn_philox_one(&d->stream);
  return ((int64_t)exp(tn_bits_to_double(x0, x1) * d->s->log_range) - 1) % d->s->range;
}
static float probability_log_uniform(const sampler *s, int64_t i) {
  return (float)(log(((double)i + 2.0) / ((double)i + 1.0)) / s->log_range);
}

/* Guards the trees of all samplers that learn. */
static pthread_mutex_t counts_mutex = PTHREAD_MUTEX_INITIALIZER;

/* The weight of tree node NODE, whose subtree covers WIDTH leaves from FIRST on. */
static int64_t weight_of(const sampler *s, int64_t node, int64_t first, int64_t width) {
  int64_t own = s->range - first < width ? s->range - first : width;
  return (own > 0 ? own : 0) + s->counts[node];
}

static int64_t sample_unigram(draw *d) {
  const sampler *s = d->s;
  int64_t place = uniform32(&d->stream, (uint32_t)weight_of(s, 1, 0, s->leaves)), node = 1, first = 0;
  for (int64_t width = s->leaves / 2; width > 0; width /= 2) {
    int64_t left = weight_of(s, 2 * node, first, width);
    node *= 2;
    if (place >= left) {
      place -= left;
      first += width;
      node++;
    }
  }
  return first;
}
static float probability_unigram(const sampler *s, int64_t i) {
  if (i < 0 || i >= s->range) return 0;
  return (float)weight_of(s, s->leaves + i, i, 1) / (float)weight_of(s, 1, 0, s->leaves);
}

static void learn(sampler *s, const tn_tensor *classes) {
  for (int64_t i = 0; i < tn_elements(classes); i++) {
    int64_t class = TN_DATA(int64_t, classes)[i];
    if (weight_of(s, 1, 0, s->leaves) >= INT32_MAX) return;
    for (int64_t node = s->leaves + class; node > 0; node /= 2) s->counts[node]++;
  }
}

static int64_t sample_alias(draw *d) {
  float r = tn_bits_to_float(tn_philox_one(&d->stream));
  uint32_t i = uniform32(&d->stream, (uint32_t)d->s->alias.n);
  return r < d->s->alias.probability[i] ? (int64_t)i : d->s->alias.other[i];
}
static float probability_alias(const sampler *s, int64_t i) {
  return i < 0 || i >= s->alias.n ? 0 : s->alias.weights[i] / s->alias.total;
}

/* --- one batch --- */

typedef struct distribution {
  int64_t (*sample)(draw *d);
  float (*probability)(const sampler *s, int64_t i);
} distribution;

static tn_error *draw_unique(draw *d, const distribution *by, int64_t *out, int64_t *tries) {
  tn_map *seen;
  TN_TRY(tn_map_new(&seen));
  tn_error *error = NULL;
  for (int64_t n = 0; n < d->s->n && !error;) {
    int64_t class = by->sample(d);
    ++*tries;
    if (tn_map_find_u64(seen, (uint64_t) class)) continue;
    error = tn_map_put_u64(seen, (uint64_t) class, seen);
    out[n++] = class;
  }
  tn_map_free(seen);
  return error;
}

static float expected(float p, int64_t n, int64_t tries) {
  return tries == n ? p * (float)n : -expm1f((float)tries * log1pf(-p));
}

static tn_error *check_classes(const tn_run *r) {
  const sampler *s = r->state;
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    int64_t class = TN_DATA(int64_t, r->inputs[0])[i];
    if (class < 0 || class >= s->range)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "`true_candidate` out of range [0, %lld), received %lld",
                           (long long)s->range, (long long)class);
  }
  return NULL;
}

static tn_error *run_by(tn_run *r, const distribution *by) {
  sampler *s = r->state;
  TN_TRY(check_classes(r));
  int64_t *out = TN_DATA(int64_t, r->outputs[0]), tries = 0;
  draw d = {.s = s};
  tn_philox g = tn_random_take(&s->random, ((uint64_t)s->n * 2048 + 3) / 4);
  d.stream = tn_philox_stream_of(&g);
  if (s->unique) {
    TN_TRY(draw_unique(&d, by, out, &tries));
  } else {
    for (; tries < s->n; tries++) out[tries] = by->sample(&d);
  }
  for (int64_t i = 0; i < s->n; i++)
    TN_DATA(float, r->outputs[2])[i] = expected(by->probability(s, out[i]), s->n, tries);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) TN_DATA(float, r->outputs[1])
  [i] = expected(by->probability(s, TN_DATA(int64_t, r->inputs[0])[i]), s->n, tries);
  return NULL;
}

static tn_error *run_uniform(tn_run *r) { return run_by(r, &(distribution){sample_uniform, probability_uniform}); }
static tn_error *run_log_uniform(tn_run *r) {
  return run_by(r, &(distribution){sample_log_uniform, probability_log_uniform});
}
static tn_error *run_alias(tn_run *r) { return run_by(r, &(distribution){sample_alias, probability_alias}); }
static tn_error *run_learned(tn_run *r) {
  tn_lock(&counts_mutex);
  tn_error *error = run_by(r, &(distribution){sample_unigram, probability_unigram});
  if (!error) learn(r->state, r->inputs[0]);
  tn_unlock(&counts_mutex);
  return error;
}

static tn_error *run_all(tn_run *r) {
  const sampler *s = r->state;
  TN_TRY(check_classes(r));
  for (int64_t i = 0; i < s->n; i++) {
    TN_DATA(int64_t, r->outputs[0])[i] = i;
    TN_DATA(float, r->outputs[2])[i] = 1;
  }
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) TN_DATA(float, r->outputs[1])[i] = 1;
  return NULL;
}

/* --- set-up --- */

static tn_error *outputs(tn_prepare *p, sampler *s, int64_t range) {
  const tn_shape *classes = &p->inputs[0].shape;
  s->n = tn_node_get_int(p->node, "num_sampled");
  s->n_true = tn_node_get_int(p->node, "num_true");
  s->unique = tn_node_get_bool(p->node, "unique");
  s->range = range;
  s->log_range = log1p((double)range);
  if (classes->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "true_classes must be a matrix, got shape %s",
                             TN_SHAPE_STR(classes));
  if (classes->dims[1] != s->n_true)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "true_classes must have num_true columns, expected: %lld was: %lld", (long long)s->n_true,
                             (long long)classes->dims[1]);
  if (s->unique && s->n > range)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the range %lld is too small for %lld different classes",
                             (long long)range, (long long)s->n);
  tn_shape sampled = tn_shape_of(1, &s->n);
  TN_TRY(tn_prepare_output(p, 0, &sampled));
  TN_TRY(tn_prepare_output(p, 1, classes));
  return tn_prepare_output(p, 2, &sampled);
}

static tn_error *range_prepare(tn_prepare *p) {
  sampler *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  TN_TRY(tn_random_prepare_state(p, &s->random));
  return outputs(p, s, tn_node_get_int(p->node, "range_max"));
}

static tn_error *all_prepare(tn_prepare *p) {
  sampler *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  return outputs(p, s, tn_node_get_int(p->node, "num_sampled"));
}

/* The generator and the tree live in one block of the session, which is made zeroed. */
static tn_error *learned_prepare(tn_prepare *p) {
  sampler *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  int64_t range = tn_node_get_int(p->node, "range_max");
  if (range >= INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "range_max %lld is too large", (long long)range);
  for (s->leaves = 1; s->leaves < range;) s->leaves *= 2;
  char *block;
  TN_TRY(tn_prepare_persistent(p, sizeof(tn_philox) + (size_t)s->leaves * 2 * sizeof(int32_t), &block));
  s->random = (tn_random_state){(tn_philox *)(void *)block, tn_node_get_int(p->node, "seed"),
                                tn_node_get_int(p->node, "seed2"), tn_session_state_address(p->session)};
  s->counts = (int32_t *)(void *)(block + sizeof(tn_philox));
  return outputs(p, s, range);
}

/* --- fixed unigrams --- */

static tn_error *add_weight(alias_table *t, int64_t *capacity, float weight) {
  if (t->n == *capacity) {
    int64_t more = *capacity * 2 + 16;
    float *grown = tn_realloc(t->weights, (size_t)more * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    t->weights = grown;
    *capacity = more;
  }
  t->weights[t->n++] = weight;
  return NULL;
}

typedef struct weight_reader {
  const tn_node *node;
  alias_table *table;
  int64_t capacity, word, shards, shard;
  float distortion;
} weight_reader;

static tn_error *next_weight(weight_reader *w, float weight) {
  if (w->word++ % w->shards != w->shard) return NULL;
  weight = powf(weight, w->distortion);
  w->table->total += weight;
  return add_weight(w->table, &w->capacity, weight);
}

/* The last field of each line of TEXT, which ends with a NUL. */
static tn_error *weights_of_text(weight_reader *w, char *text) {
  for (char *line = text, *end; *line; line = end) {
    end = strchrnul(line, '\n');
    char *stop = end;
    if (*end) *end++ = 0;
    while (stop > line && (stop[-1] == '\r' || stop[-1] == ' ')) *--stop = 0;
    if (!*line) continue;
    char *comma = strrchr(line, ','), *field = comma ? comma + 1 : line, *rest;
    float weight = strtof(field, &rest);
    if (rest == field || *rest)
      return tn_node_errorf(w->node, TN_INVALID_ARGUMENT, "Wrong vocabulary format at line: %s", line);
    TN_TRY(next_weight(w, weight));
  }
  return NULL;
}

static tn_error *read_weights(weight_reader *w) {
  const tn_attr *unigrams = tn_node_attr(w->node, "unigrams");
  tn_string file = tn_node_get_string(w->node, "vocab_file");
  if ((file.size > 0) == (unigrams->n > 0))
    return tn_node_errorf(w->node, TN_INVALID_ARGUMENT, "Must provide exactly one of vocab_file and unigrams");
  int64_t reserved = tn_node_get_int(w->node, "num_reserved_ids");
  for (; w->word < reserved; w->word++)
    if (w->word % w->shards == w->shard) TN_TRY(add_weight(w->table, &w->capacity, 0));
  w->word = w->table->n; /* TensorFlow counts on from the weights that this shard has */
  for (size_t i = 0; i < unigrams->n; i++) TN_TRY(next_weight(w, unigrams->floats[i]));
  if (!file.size) return NULL;
  char *path = tn_strndup(file.data, file.size), *text = NULL;
  size_t size;
  if (!path) return tn_out_of_memory();
  tn_error *error = tn_file_read(path, &text, &size);
  if (!error) error = weights_of_text(w, text);
  tn_free(path);
  tn_free(text);
  return error;
}

/* Pairs classes that are rarer than the average with ones that are more frequent, in TensorFlow's order. */
static tn_error *make_alias(alias_table *t) {
  size_t n = (size_t)t->n;
  double *p = tn_malloc(n * sizeof *p), sum = 0;
  int32_t *stack = tn_malloc(2 * n * sizeof *stack), *low = stack,
          *high = stack + 2 * n; /* they grow towards each other */
  t->probability = tn_malloc(n * sizeof *t->probability);
  t->other = tn_malloc(n * sizeof *t->other);
  if (!p || !stack || !t->probability || !t->other) {
    tn_free(p);
    tn_free(stack);
    return tn_out_of_memory();
  }
  for (size_t i = 0; i < n; i++) sum += (double)t->weights[i];
  for (size_t i = 0; i < n; i++) {
    p[i] = (double)(t->weights[i] * (float)t->n) / sum;
    t->other[i] = (int32_t)i;
    if (p[i] < 1.0)
      *low++ = (int32_t)i;
    else
      *--high = (int32_t)i;
  }
  while (low > stack && high < stack + 2 * n) {
    int32_t l = *--low, h = *high++;
    t->other[l] = h;
    p[h] -= 1.0 - p[l];
    if (p[h] < 1.0)
      *low++ = h;
    else
      *--high = h;
  }
  for (size_t i = 0; i < n; i++) t->probability[i] = (float)p[i];
  while (low > stack) t->probability[*--low] = 1;
  while (high < stack + 2 * n) t->probability[*high++] = 1;
  tn_free(p);
  tn_free(stack);
  return NULL;
}

static void fixed_destroy(void *state) {
  sampler *s = state;
  if (!s) return;
  tn_free(s->alias.weights);
  tn_free(s->alias.probability);
  tn_free(s->alias.other);
  tn_free(s);
}

static tn_error *fixed_prepare(tn_prepare *p) {
  sampler *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  TN_TRY(tn_random_prepare_state(p, &s->random));
  weight_reader w = {.node = p->node,
                     .table = &s->alias,
                     .shards = tn_node_get_int(p->node, "num_shards"),
                     .shard = tn_node_get_int(p->node, "shard"),
                     .distortion = tn_node_get_float(p->node, "distortion")};
  int64_t range = tn_node_get_int(p->node, "range_max");
  TN_TRY(read_weights(&w));
  if (s->alias.n != range)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "range is %lld must be equal to weights size %lld",
                             (long long)range, (long long)s->alias.n);
  TN_TRY(make_alias(&s->alias));
  return outputs(p, s, range);
}

static tn_error *sampler_shape(tn_shape_ctx *c) {
  tn_shape classes;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &classes));
  int64_t n = tn_node_get_int(c->node, "num_sampled");
  c->out[0] = c->out[2] = tn_shape_of(1, &n);
  c->out[1] =
      tn_shape_of(2, (int64_t[]){classes.rank == 2 ? classes.dims[0] : -1, tn_node_get_int(c->node, "num_true")});
  return NULL;
}

static const tn_kernel_def uniform_kernels[] = {{.name = "reference", .prepare = range_prepare, .run = run_uniform},
                                                {0}};
static const tn_kernel_def log_uniform_kernels[] = {
    {.name = "reference", .prepare = range_prepare, .run = run_log_uniform}, {0}};
static const tn_kernel_def learned_kernels[] = {{.name = "reference", .prepare = learned_prepare, .run = run_learned},
                                                {0}};
static const tn_kernel_def fixed_kernels[] = {
    {.name = "reference", .prepare = fixed_prepare, .run = run_alias, .destroy = fixed_destroy}, {0}};
static const tn_kernel_def all_kernels[] = {{.name = "reference", .prepare = all_prepare, .run = run_all}, {0}};

TN_OP(UniformCandidateSampler, .inputs = "true_classes: int64",
      .outputs = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
      .attrs =
          "num_true: int >= 1; num_sampled: int >= 1; unique: bool; range_max: int >= 1; seed: int = 0; seed2: int = 0",
      .doc = "Classes drawn uniformly, and how often each and each true class was to be expected.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = sampler_shape, .kernels = uniform_kernels);

TN_OP(LogUniformCandidateSampler, .inputs = "true_classes: int64",
      .outputs = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
      .attrs =
          "num_true: int >= 1; num_sampled: int >= 1; unique: bool; range_max: int >= 1; seed: int = 0; seed2: int = 0",
      .doc = "Classes drawn by Zipf's law (small numbers are frequent), and how often each was to be expected.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = sampler_shape, .kernels = log_uniform_kernels);

TN_OP(LearnedUnigramCandidateSampler, .inputs = "true_classes: int64",
      .outputs = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
      .attrs =
          "num_true: int >= 1; num_sampled: int >= 1; unique: bool; range_max: int >= 1; seed: int = 0; seed2: int = 0",
      .doc = "Classes drawn as often as they were true so far, and how often each was to be expected.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = sampler_shape, .kernels = learned_kernels);

TN_OP(ThreadUnsafeUnigramCandidateSampler, .inputs = "true_classes: int64",
      .outputs = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
      .attrs =
          "num_true: int >= 1; num_sampled: int >= 1; unique: bool; range_max: int >= 1; seed: int = 0; seed2: int = 0",
      .doc = "Classes drawn as often as they were true so far, and how often each was to be expected.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = sampler_shape, .kernels = learned_kernels);

TN_OP(FixedUnigramCandidateSampler, .inputs = "true_classes: int64",
      .outputs = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
      .attrs = "num_true: int >= 1; num_sampled: int >= 1; unique: bool; range_max: int >= 1; vocab_file: string = ''; "
               "distortion: float = 1.0; num_reserved_ids: int = 0; num_shards: int >= 1 = 1; shard: int >= 0 = 0; "
               "unigrams: list(float) = []; seed: int = 0; seed2: int = 0",
      .doc = "Classes drawn by weights from a list or a file, and how often each was to be expected.",
      .flags = TN_OP_FILES | TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = sampler_shape,
      .kernels = fixed_kernels);

TN_OP(AllCandidateSampler, .inputs = "true_classes: int64",
      .outputs = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float",
      .attrs = "num_true: int >= 1; num_sampled: int >= 1; unique: bool; seed: int = 0; seed2: int = 0",
      .doc = "All classes, each expected once.", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .shape = sampler_shape, .kernels = all_kernels);
