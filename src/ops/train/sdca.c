/* SdcaOptimizer: one pass over a batch of examples in random order, each of which moves its dual variable and the
 * weights of its features. One thread: the steps depend on each other, and the bits are the same for any number. */
#include "ops/train/sdca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/philox.h"

enum { SEED = 0x5dca }; /* the op has no seed of its own */

typedef struct plan {
  const tn_sdca_loss *loss;
  tn_philox *random;           /* the order of the examples; the session's */
  int sparse, valued, dense;   /* groups of features */
  int weights, sparse_indices; /* the inputs that these begin at */
  int64_t examples;
  float l2, shrinkage;
  double partitions;
  bool adaptive;
} plan;

/* A group of sparse features while it is run: entry K of an example is weight SLOTS[K]. */
typedef struct group {
  const int64_t *begins; /* of each example's entries, and the end */
  const int64_t *slots;
  const float *values; /* NULL: all 1 */
  const float *weights;
  float *deltas;
} group;

typedef struct batch {
  const plan *plan;
  const tn_run *run;
  group *groups;
  float *labels;
  double *norms;  /* squared lengths */
  double *chance; /* of examples to be picked; adaptive only */
  int64_t *order;
} batch;

/* --- prepare --- */

static tn_error *check_dense(const tn_prepare *p, const plan *s, int i) {
  const tn_shape *features = &p->inputs[2 * s->sparse + s->valued + i].shape;
  const tn_shape *weights = &p->inputs[s->sparse_indices + 2 * s->sparse + i].shape;
  if (features->rank != 2) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Dense features at index %d must be rank 2 but is rank %d", i,
                             features->rank);
  }
  if (features->dims[0] != s->examples) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Dense features at index %d have %lld rows for %lld examples", i,
                             (long long)features->dims[0], (long long)s->examples);
  }
  if (features->dims[1] > 0 && features->dims[1] <= tn_shape_elements(weights)) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "More dense features than we have parameters for: %lld",
                           (long long)features->dims[1]);
}

static tn_error *check_shapes(const tn_prepare *p, const plan *s) {
  int64_t labels = tn_shape_elements(&p->inputs[s->weights + 1].shape);
  if (labels != s->examples) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected %lld example labels but got %lld",
                             (long long)s->examples, (long long)labels);
  }
  for (int i = 0; i < s->dense; i++) TN_TRY(check_dense(p, s, i));
  const tn_shape *state = &p->inputs[p->n_inputs - 1].shape;
  if (state->rank == 2 && state->dims[0] == s->examples && state->dims[1] == 4) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected shape [%lld,4] for example_state_data, got %s",
                           (long long)s->examples, TN_SHAPE_STR(state));
}

static tn_error *prepare(tn_prepare *p) {
  plan *s = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->loss = tn_sdca_loss_find(tn_node_get_string(p->node, "loss_type"));
  s->sparse = (int)tn_node_get_int(p->node, "num_sparse_features");
  s->valued = (int)tn_node_get_int(p->node, "num_sparse_features_with_values");
  s->dense = (int)tn_node_get_int(p->node, "num_dense_features");
  s->partitions = (double)tn_node_get_int(p->node, "num_loss_partitions");
  s->l2 = tn_node_get_float(p->node, "l2");
  s->shrinkage = tn_node_get_float(p->node, "l1") / s->l2;
  s->adaptive = tn_node_get_bool(p->node, tn_node_attr(p->node, "adaptive") ? "adaptive" : "adaptative");
  if (s->sparse + s->dense == 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Requires at least one feature to train.");
  }
  if (s->valued > s->sparse) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%d sparse features have values, but there are only %d", s->valued,
                             s->sparse);
  }
  s->weights = 2 * s->sparse + s->valued + s->dense;
  s->sparse_indices = s->weights + 2;
  s->examples = tn_shape_elements(&p->inputs[s->weights].shape);
  TN_TRY(check_shapes(p, s));
  void *random = NULL;
  TN_TRY(tn_prepare_persistent(p, sizeof *s->random, &random));
  s->random = random;
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[p->n_inputs - 1].shape));
  for (int i = 0; i < s->sparse + s->dense; i++) {
    TN_TRY(tn_prepare_output(p, i + 1, &p->inputs[s->sparse_indices + s->sparse + i].shape));
  }
  return NULL;
}

/* --- the examples --- */

/* Where each example's entries of sparse group G begin; they come in the order of the examples. */
static void find_begins(const tn_tensor *example_of, int64_t examples, int64_t *begins) {
  const int64_t *of = example_of->data;
  int64_t n = tn_elements(example_of), at = 0;
  for (int64_t i = 0; i < examples; i++) {
    begins[i] = at;
    while (at < n && of[at] == i) at++;
  }
  begins[examples] = at;
}

/* The weights that the entries are of. SEEN is room for a number per weight. */
static tn_error *find_slots(const batch *b, int g, const tn_map *known, int64_t *slots, int64_t *seen) {
  const int64_t *features = b->run->inputs[b->plan->sparse + g]->data, *begins = b->groups[g].begins;
  for (int64_t i = 0; i < b->plan->examples; i++) {
    for (int64_t k = begins[i]; k < begins[i + 1]; k++) {
      uintptr_t slot = (uintptr_t)tn_map_find_u64(known, (uint64_t)features[k]);
      if (slot == 0) {
        return tn_run_errorf(b->run, TN_INVALID_ARGUMENT, "Found sparse feature indices out of valid range: %lld",
                             (long long)features[k]);
      }
      slots[k] = (int64_t)slot - 1;
      if (seen[slots[k]] == i + 1) {
        return tn_run_errorf(b->run, TN_INVALID_ARGUMENT, "Duplicate index in sparse vector.");
      }
      seen[slots[k]] = i + 1;
    }
  }
  return NULL;
}

static tn_error *map_weights(const tn_tensor *indices, tn_map *known) {
  for (int64_t j = 0; j < tn_elements(indices); j++) {
    TN_TRY(tn_map_put_u64(known, (uint64_t)TN_DATA(const int64_t, indices)[j], (void *)(uintptr_t)(j + 1)));
  }
  return NULL;
}

static tn_error *check_lengths(const batch *b, int g, const tn_tensor *indices, const tn_tensor *weights) {
  const plan *s = b->plan;
  int64_t n = tn_elements(b->run->inputs[g]), features = tn_elements(b->run->inputs[s->sparse + g]);
  if (features != n) {
    return tn_run_errorf(b->run, TN_INVALID_ARGUMENT,
                         "Found mismatched example_indices and feature_indices: %lld vs %lld", (long long)n,
                         (long long)features);
  }
  if (g < s->valued && tn_elements(b->run->inputs[2 * s->sparse + g]) != n) {
    return tn_run_errorf(b->run, TN_INVALID_ARGUMENT, "sparse_feature_values %d has %lld elements, expected %lld", g,
                         (long long)tn_elements(b->run->inputs[2 * s->sparse + g]), (long long)n);
  }
  if (tn_elements(indices) == tn_elements(weights)) return NULL;
  return tn_run_errorf(b->run, TN_INVALID_ARGUMENT, "sparse_indices %d has %lld elements, its weights %lld", g,
                       (long long)tn_elements(indices), (long long)tn_elements(weights));
}

static tn_error *read_group(const batch *b, int g) {
  const plan *s = b->plan;
  group *to = &b->groups[g];
  const tn_tensor *indices = b->run->inputs[s->sparse_indices + g],
                  *weights = b->run->inputs[s->sparse_indices + s->sparse + g];
  TN_TRY(check_lengths(b, g, indices, weights));
  int64_t n = tn_elements(b->run->inputs[g]);
  int64_t *begins = tn_malloc((size_t)(s->examples + 1 + n) * sizeof *begins);
  if (!begins) return tn_out_of_memory();
  to->begins = begins;
  to->slots = begins + s->examples + 1;
  to->values = g < s->valued ? b->run->inputs[2 * s->sparse + g]->data : NULL;
  to->weights = weights->data;
  to->deltas = b->run->outputs[1 + g]->data;
  find_begins(b->run->inputs[g], s->examples, begins);
  tn_map *known = NULL;
  TN_TRY(tn_map_new(&known));
  int64_t *seen = tn_calloc((size_t)tn_elements(indices) + 1, sizeof *seen);
  tn_error *error = seen ? map_weights(indices, known) : tn_out_of_memory();
  if (!error) error = find_slots(b, g, known, begins + s->examples + 1, seen);
  tn_free(seen);
  tn_map_free(known);
  return error;
}

static const tn_tensor *dense_features(const batch *b, int i) {
  return b->run->inputs[2 * b->plan->sparse + b->plan->valued + i];
}
static const float *dense_weights(const batch *b, int i) {
  return b->run->inputs[b->plan->sparse_indices + 2 * b->plan->sparse + i]->data;
}
static float *dense_deltas(const batch *b, int i) { return b->run->outputs[1 + b->plan->sparse + i]->data; }

static double value_of(const group *g, int64_t k) { return g->values ? (double)g->values[k] : 1; }

static double squared_norm(const batch *b, int64_t i) {
  double sum = 0;
  for (int g = 0; g < b->plan->sparse; g++) {
    const group *from = &b->groups[g];
    for (int64_t k = from->begins[i]; k < from->begins[i + 1]; k++) sum += value_of(from, k) * value_of(from, k);
  }
  for (int g = 0; g < b->plan->dense; g++) {
    int64_t n = dense_features(b, g)->shape.dims[1];
    const float *x = TN_DATA(const float, dense_features(b, g)) + i * n;
    for (int64_t k = 0; k < n; k++) sum += (double)x[k] * x[k];
  }
  return sum;
}

static tn_error *read_examples(const batch *b) {
  const tn_tensor *labels = b->run->inputs[b->plan->weights + 1];
  for (int g = 0; g < b->plan->sparse; g++) TN_TRY(read_group(b, g));
  for (int64_t i = 0; i < b->plan->examples; i++) {
    b->labels[i] = TN_DATA(const float, labels)[i];
    if (!tn_sdca_label(b->plan->loss, &b->labels[i])) {
      return tn_run_errorf(b->run, TN_INVALID_ARGUMENT, "Only %s are supported by %s. Found example with label: %g",
                           b->plan->loss->binary ? "labels of 0.0 or 1.0" : "non-negative labels", b->plan->loss->name,
                           (double)b->labels[i]);
    }
    b->norms[i] = squared_norm(b, i);
  }
  return NULL;
}

/* --- one example --- */

static double shrink(const plan *s, float weight) {
  float left = fabsf(weight) - s->shrinkage;
  if (isnan(left)) return (double)left;
  return left > 0 ? (double)copysignf(left, weight) : 0;
}

/* What the model says of example I: with the weights as they came (*BEFORE), and as they are now. */
static tn_sdca_example look(const batch *b, int64_t i, double *before) {
  const plan *s = b->plan;
  double now = 0, then = 0;
  for (int g = 0; g < s->sparse; g++) {
    const group *from = &b->groups[g];
    for (int64_t k = from->begins[i]; k < from->begins[i + 1]; k++) {
      float weight = from->weights[from->slots[k]], delta = from->deltas[from->slots[k]];
      then += value_of(from, k) * shrink(s, weight);
      now += value_of(from, k) * shrink(s, weight + delta * (float)s->partitions);
    }
  }
  for (int g = 0; g < s->dense; g++) {
    int64_t n = dense_features(b, g)->shape.dims[1];
    const float *x = TN_DATA(const float, dense_features(b, g)) + i * n;
    const float *weights = dense_weights(b, g), *deltas = dense_deltas(b, g);
    for (int64_t k = 0; k < n; k++) {
      then += (double)x[k] * shrink(s, weights[k]);
      now += (double)x[k] * shrink(s, weights[k] + deltas[k] * (float)s->partitions);
    }
  }
  *before = then;
  return (tn_sdca_example){.partitions = s->partitions,
                           .label = (double)b->labels[i],
                           .weight = (double)TN_DATA(const float, b->run->inputs[s->weights])[i],
                           .dual = (double)TN_DATA(const float, b->run->outputs[0])[4 * i],
                           .wx = now,
                           .norm = b->norms[i] / (double)s->l2};
}

static void move(const batch *b, int64_t i, double step) {
  for (int g = 0; g < b->plan->sparse; g++) {
    const group *to = &b->groups[g];
    for (int64_t k = to->begins[i]; k < to->begins[i + 1]; k++) {
      float *delta = &to->deltas[to->slots[k]];
      *delta = (float)((double)*delta + value_of(to, k) * step);
    }
  }
  for (int g = 0; g < b->plan->dense; g++) {
    int64_t n = dense_features(b, g)->shape.dims[1];
    const float *x = TN_DATA(const float, dense_features(b, g)) + i * n;
    float *deltas = dense_deltas(b, g);
    for (int64_t k = 0; k < n; k++) deltas[k] += x[k] * (float)step;
  }
}

static void train(const batch *b, int64_t i) {
  double before;
  tn_sdca_example e = look(b, i, &before);
  double dual = b->plan->loss->update(&e);
  move(b, i, (dual - e.dual) * e.weight / (double)b->plan->l2);
  float *state = TN_DATA(float, b->run->outputs[0]) + 4 * i;
  state[0] = (float)dual;
  state[1] = (float)b->plan->loss->primal(&e, before);
  state[2] = (float)b->plan->loss->dual(&e);
  state[3] = (float)e.weight;
}

/* --- their order --- */

static void shuffle(int64_t n, int64_t *order, tn_philox_stream *random) {
  for (int64_t i = n - 1; i > 0; i--) {
    uint32_t low = tn_philox_one(random);
    int64_t j = (int64_t)(tn_bits_to_u64(low, tn_philox_one(random)) % (uint64_t)(i + 1)), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

static int by_chance(const void *a, const void *b) {
  const double *const *x = a, *const *y = b;
  if (**x != **y) return **x < **y ? 1 : -1;
  return *x < *y ? -1 : *x > *y;
}

/* The examples in the order of their distance from the optimum, drawn with repetition; each time that one is drawn
 * makes it a tenth as likely (Csiba, Qu and Richtarik 2015). What is left over comes by its distance. SUMS is room for
 * N numbers, COUNT and RANKED for as many. */
static void draw(const batch *b, double *sums, double *again, const double **ranked, tn_philox_stream *random) {
  int64_t n = b->plan->examples, taken = 0, rest = 0;
  double total = 0;
  for (int64_t i = 0; i < n; i++) {
    double before;
    tn_sdca_example e = look(b, i, &before);
    double distance = fabs(e.dual + b->plan->loss->slope(&e));
    b->chance[i] = e.weight * sqrt(b->norms[i] + (double)b->plan->l2 * b->plan->loss->smoothness) * distance;
    sums[i] = total += b->chance[i];
    again[i] = 1;
  }
  for (int64_t misses = 0; taken < n && misses < n && total > 0;) {
    uint32_t low = tn_philox_one(random);
    double wanted = tn_bits_to_double(low, tn_philox_one(random)) * total;
    int64_t i = 0;
    for (int64_t high = n - 1; i < high;) {
      int64_t middle = i + (high - i) / 2;
      if (sums[middle] > wanted) {
        high = middle;
      } else {
        i = middle + 1;
      }
    }
    if ((double)tn_bits_to_float(tn_philox_one(random)) > again[i]) {
      misses++;
      continue;
    }
    again[i] *= 0.1;
    b->order[taken++] = i;
  }
  for (int64_t i = 0; i < n; i++) {
    if (again[i] == 1) ranked[rest++] = &b->chance[i];
  }
  qsort(ranked, (size_t)rest, sizeof *ranked, by_chance);
  for (int64_t i = 0; i < rest && taken < n; i++) b->order[taken++] = ranked[i] - b->chance;
}

static tn_error *put_in_order(const batch *b) {
  int64_t n = b->plan->examples;
  /* No more numbers than this are drawn: two for each example that is moved; three for each draw, at most 2 n. */
  tn_philox generator = tn_philox_reserve(b->plan->random, SEED, 0, (uint64_t)(6 * n + 8) / 4);
  tn_philox_stream random = tn_philox_stream_of(&generator);
  for (int64_t i = 0; i < n; i++) b->order[i] = i;
  if (!b->plan->adaptive) {
    shuffle(n, b->order, &random);
    return NULL;
  }
  double *memory = tn_malloc((size_t)n * (2 * sizeof *memory + sizeof(double *)) + 1);
  if (!memory) return tn_out_of_memory();
  draw(b, memory, memory + n, (const double **)(memory + 2 * n), &random);
  tn_free(memory);
  return NULL;
}

/* --- run --- */

static tn_error *run(tn_run *r) {
  const plan *s = r->state;
  size_t n = (size_t)s->examples;
  batch b = {.plan = s, .run = r};
  const tn_tensor *state = r->inputs[r->n_inputs - 1];
  memcpy(r->outputs[0]->data, state->data, (size_t)tn_elements(state) * sizeof(float));
  for (int i = 1; i < r->n_outputs; i++) {
    memset(r->outputs[i]->data, 0, (size_t)tn_elements(r->outputs[i]) * sizeof(float));
  }
  b.groups = tn_calloc((size_t)s->sparse + 1, sizeof *b.groups);
  b.norms = tn_malloc(n * (2 * sizeof *b.norms + sizeof *b.order + sizeof *b.labels) + 1);
  tn_error *error = b.groups && b.norms ? NULL : tn_out_of_memory();
  if (!error) {
    b.chance = b.norms + n;
    b.order = (int64_t *)(b.chance + n);
    b.labels = (float *)(b.order + n);
    error = read_examples(&b);
  }
  if (!error) error = put_in_order(&b);
  for (int64_t i = 0; !error && i < s->examples; i++) train(&b, b.order[i]);
  for (int g = 0; b.groups && g < s->sparse; g++) tn_free((void *)b.groups[g].begins);
  tn_free(b.groups);
  tn_free(b.norms);
  return error;
}

/* --- SdcaShrinkL1 --- */

static tn_error *shrink_run(tn_run *r) {
  plan s = {.shrinkage = tn_node_get_float(r->node, "l1") / tn_node_get_float(r->node, "l2")};
  for (int i = 0; i < r->n_inputs; i++) {
    tn_variable *v = NULL;
    tn_tensor value;
    TN_TRY(tn_run_variable(r, i, &v));
    TN_TRY(tn_variable_begin(v, &value));
    for (int64_t k = 0; k < tn_elements(&value); k++) {
      TN_DATA(float, &value)[k] = (float)shrink(&s, TN_DATA(float, &value)[k]);
    }
    tn_variable_end(v);
  }
  return NULL;
}

static tn_error *optimizer_shape(tn_shape_ctx *c) {
  int n = c->n_outputs - 1; /* the weights come before the states */
  for (int i = 0; i < n; i++) c->out[1 + i] = c->in[c->n_inputs - 1 - n + i];
  c->out[0] = tn_shape_of(2, (int64_t[2]){-1, 4});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def shrinks[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = shrink_run}, {0}};

#define INPUTS                                                                                                         \
  "sparse_example_indices: num_sparse_features * int64, sparse_feature_indices: num_sparse_features * int64, "         \
  "sparse_feature_values: num_sparse_features_with_values * float, dense_features: num_dense_features * float, "       \
  "example_weights: float, example_labels: float, sparse_indices: num_sparse_features * int64, "                       \
  "sparse_weights: num_sparse_features * float, dense_weights: num_dense_features * float, "                           \
  "example_state_data: float"
#define OUTPUTS                                                                                                        \
  "out_example_state_data: float, out_delta_sparse_weights: num_sparse_features * float, "                             \
  "out_delta_dense_weights: num_dense_features * float"
#define LOSSES "loss_type: {'logistic_loss', 'squared_loss', 'hinge_loss', 'smooth_hinge_loss', 'poisson_loss'}; "
#define SIZES                                                                                                          \
  "num_sparse_features: int >= 0; num_sparse_features_with_values: int >= 0; num_dense_features: int >= 0; "           \
  "l1: float; l2: float; num_loss_partitions: int >= 1; num_inner_iterations: int >= 1"

TN_OP(SdcaOptimizer, .inputs = INPUTS, .outputs = OUTPUTS, .attrs = LOSSES "adaptative: bool = false; " SIZES,
      .doc = "The changes of a linear model's weights and dual variables in one pass of dual coordinate ascent.",
      .flags = TN_OP_NO_GRADIENT, .shape = optimizer_shape, .kernels = kernels);

TN_OP(SdcaOptimizerV2, .inputs = INPUTS, .outputs = OUTPUTS, .attrs = LOSSES "adaptive: bool = false; " SIZES,
      .doc = "SdcaOptimizer.", .flags = TN_OP_NO_GRADIENT, .shape = optimizer_shape, .kernels = kernels);

TN_OP(SdcaShrinkL1, .inputs = "weights: Ref(num_features * float)", .outputs = "",
      .attrs = "num_features: int >= 0; l1: float; l2: float", .doc = "Moves weights towards 0 by l1 / l2, not beyond.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs, .kernels = shrinks);
