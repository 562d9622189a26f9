/* Rows in random order. */
#include "ops/random/random.h"

typedef struct shuffling {
  tn_random_state random; /* unused by the stateless form */
} shuffling;

static tn_error *prepare_common(tn_prepare *p) {
  const tn_shape *shape = &p->inputs[0].shape;
  /* The order of the rows. */
  if (shape->rank > 0 && tn_elements(&p->inputs[0]) > 1) p->scratch = (size_t)shape->dims[0] * sizeof(int64_t);
  return tn_prepare_output(p, 0, shape);
}

static tn_error *prepare(tn_prepare *p) {
  shuffling *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  TN_TRY(tn_random_prepare_state(p, &state->random));
  return prepare_common(p);
}

static bool trivial(const tn_tensor *x) { return x->shape.rank == 0 || x->shape.dims[0] <= 1 || tn_elements(x) <= 1; }

/* The place, from I on, whose row comes to place I. */
static int64_t pick(tn_philox_stream *s, int64_t i, int64_t rows) {
  return i + (int64_t)(tn_philox_one(s) % (uint32_t)(rows - i));
}

/* Rows that are plain elements of 4 or 8 bytes are swapped where they are. */
#define SWAP_ALL(T)                                                                                                    \
  static void swap_##T(T *rows, int64_t n, tn_philox_stream *s) {                                                      \
    for (int64_t i = 0; i < n - 1; i++) {                                                                              \
      int64_t j = pick(s, i, n);                                                                                       \
      T swapped = rows[i];                                                                                             \
      rows[i] = rows[j];                                                                                               \
      rows[j] = swapped;                                                                                               \
    }                                                                                                                  \
  }
SWAP_ALL(uint32_t)
SWAP_ALL(uint64_t)

/* Every place gets one of the rows from there on; the words of the generator choose in the order of the places. */
static tn_error *shuffle(tn_run *r, const tn_philox *g) {
  const tn_tensor *x = r->inputs[0];
  int64_t rows = x->shape.dims[0], width = tn_elements(x) / rows, *order = r->scratch;
  tn_philox_stream s = tn_philox_stream_of(g);
  size_t bytes = (size_t)width * tn_dtype_size(x->dtype);
  if (tn_dtype_is_plain(x->dtype) && (bytes == 4 || bytes == 8)) {
    memcpy(r->outputs[0]->data, x->data, bytes * (size_t)rows);
    if (bytes == 4) {
      swap_uint32_t(r->outputs[0]->data, rows, &s);
    } else {
      swap_uint64_t(r->outputs[0]->data, rows, &s);
    }
    return NULL;
  }
  for (int64_t i = 0; i < rows; i++) order[i] = i;
  swap_uint64_t((uint64_t *)order, rows, &s);
  for (int64_t i = 0; i < rows; i++) {
    TN_TRY(tn_copy_elements(x->dtype, (char *)r->outputs[0]->data + (size_t)i * bytes,
                            (const char *)x->data + (size_t)order[i] * bytes, width));
  }
  return NULL;
}

static tn_error *copy(tn_run *r) {
  return tn_copy_elements(r->inputs[0]->dtype, r->outputs[0]->data, r->inputs[0]->data, tn_elements(r->inputs[0]));
}

static tn_error *run(tn_run *r) {
  const shuffling *state = r->state;
  if (trivial(r->inputs[0])) return copy(r);
  uint64_t words = (uint64_t)r->inputs[0]->shape.dims[0] - 1;
  tn_philox g = tn_random_take(&state->random, (words + 3) / 4);
  return shuffle(r, &g);
}

static tn_error *run_stateless(tn_run *r) {
  tn_philox g;
  TN_TRY(tn_random_from_key(r, 1, &g));
  return trivial(r->inputs[0]) ? copy(r) : shuffle(r, &g);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def stateless_kernels[] = {
    {.name = "reference", .prepare = prepare_common, .run = run_stateless}, {0}};

static tn_error *shape_stateless(tn_shape_ctx *c) {
  tn_shape vector, scalar;
  TN_TRY(tn_random_check_vector(c, 1, 1));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &vector));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &scalar));
  c->out[0] = c->in[0];
  return NULL;
}

TN_OP(RandomShuffle, .inputs = "value: T", .outputs = "output: T", .attrs = "seed: int = 0; seed2: int = 0; T: type",
      .doc = "The rows of its input in random order.", .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT,
      .shape = tn_shape_unchanged, .kernels = kernels);

TN_OP(StatelessShuffle, .inputs = "value: T, key: uint64, counter: uint64, alg: int32", .outputs = "output: T",
      .attrs = "T: type", .doc = "The rows of its input in an order that is a function of key and counter.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_stateless, .kernels = stateless_kernels);
