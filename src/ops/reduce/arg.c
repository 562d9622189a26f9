/* ArgMax and ArgMin: the first index of the extremum along one axis; a NaN never wins against what came before it. */
#include <inttypes.h>
#include <math.h>

#include "base/parallel.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

typedef struct arg_state {
  int64_t outer, n, inner;
  bool smallest;
  tn_dtype dtype, index;
} arg_state;

/* Puts the index of the extremum of N elements, INNER apart from each other, into *BEST. */
typedef int64_t (*find_fn)(const void *x, int64_t n, int64_t inner, bool smallest);

#define FIND(NAME, TYPE, ACC, LOAD)                                                                                    \
  static int64_t find_##NAME(const void *in, int64_t n, int64_t inner, bool smallest) {                                \
    const TYPE *x = in;                                                                                                \
    int64_t best = 0;                                                                                                  \
    ACC value = LOAD(x[0]);                                                                                            \
    for (int64_t i = 1; i < n; i++) {                                                                                  \
      ACC v = LOAD(x[i * inner]);                                                                                      \
      if (smallest ? v < value : v > value) {                                                                          \
        value = v;                                                                                                     \
        best = i;                                                                                                      \
      }                                                                                                                \
    }                                                                                                                  \
    return best;                                                                                                       \
  }
#define PLAIN(v) (v)
FIND(float, float, float, PLAIN)
FIND(double, double, double, PLAIN)
FIND(half, uint16_t, float, tn_half_to_float)
FIND(bfloat16, uint16_t, float, tn_bfloat16_to_float)
FIND(int8, int8_t, int8_t, PLAIN)
FIND(uint8, uint8_t, uint8_t, PLAIN)
FIND(int16, int16_t, int16_t, PLAIN)
FIND(uint16, uint16_t, uint16_t, PLAIN)
FIND(int32, int32_t, int32_t, PLAIN)
FIND(uint32, uint32_t, uint32_t, PLAIN)
FIND(int64, int64_t, int64_t, PLAIN)
FIND(uint64, uint64_t, uint64_t, PLAIN)

static const find_fn finders[TN_N_DTYPES] = {
    [TN_FLOAT] = find_float, [TN_DOUBLE] = find_double, [TN_HALF] = find_half,   [TN_BFLOAT16] = find_bfloat16,
    [TN_INT8] = find_int8,   [TN_UINT8] = find_uint8,   [TN_INT16] = find_int16, [TN_UINT16] = find_uint16,
    [TN_INT32] = find_int32, [TN_UINT32] = find_uint32, [TN_INT64] = find_int64, [TN_UINT64] = find_uint64,
    [TN_BOOL] = find_uint8};

static tn_error *prepare(tn_prepare *p, bool smallest) {
  const tn_shape *x = &p->inputs[0].shape;
  int n;
  int64_t axis;
  TN_TRY(tn_prepare_ints(p, 1, 1, &n, &axis));
  if (n != 1 || p->inputs[1].shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dimension must be a scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  int64_t d = axis < 0 ? axis + x->rank : axis;
  if (d < 0 || d >= x->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dimension %" PRId64 " is not in [-%d,%d)", axis, x->rank,
                             x->rank);
  if (!x->dims[d])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dimension %" PRId64 " of %s is empty", axis, TN_SHAPE_STR(x));
  arg_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  *state = (arg_state){.outer = 1,
                       .n = x->dims[d],
                       .inner = 1,
                       .smallest = smallest,
                       .dtype = p->inputs[0].dtype,
                       .index = p->outputs[0].dtype};
  tn_shape out = {.rank = 0};
  for (int i = 0; i < x->rank; i++) {
    if (i < d) state->outer *= x->dims[i];
    if (i > d) state->inner *= x->dims[i];
    if (i != d) out.dims[out.rank++] = x->dims[i];
  }
  return tn_prepare_output(p, 0, &out);
}

static tn_error *argmax_prepare(tn_prepare *p) { return prepare(p, false); }
static tn_error *argmin_prepare(tn_prepare *p) { return prepare(p, true); }

static void store(void *out, tn_dtype dtype, int64_t i, int64_t value) {
  switch (dtype) {
  case TN_INT64: ((int64_t *)out)[i] = value; break;
  case TN_INT32: ((int32_t *)out)[i] = (int32_t)value; break;
  default: ((int16_t *)out)[i] = (int16_t)value; break; /* int16 and uint16 have the same bits here */
  }
}

typedef struct job {
  const tn_run *r;
  int64_t chunks;
} job;

static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const arg_state *s = j->r->state;
  const char *x = j->r->inputs[0]->data;
  size_t size = tn_dtype_size(s->dtype);
  int64_t begin, end;
  tn_chunk(s->outer * s->inner, j->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    const char *from = x + (size_t)(i / s->inner * s->n * s->inner + i % s->inner) * size;
    store(j->r->outputs[0]->data, s->index, i, finders[s->dtype](from, s->n, s->inner, s->smallest));
  }
}

static tn_error *run(tn_run *r) {
  const arg_state *s = r->state;
  job j = {r, tn_chunks(s->outer * s->n * s->inner, 16384)};
  tn_parallel(j.chunks, run_chunk, &j);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape dimension, *out = &c->out[0];
  TN_TRY(tn_shape_with_rank(c, 1, 0, &dimension));
  const tn_shape *x = &c->in[0];
  bool known;
  int64_t axis;
  TN_TRY(tn_shape_scalar_value(c, 1, &known, &axis));
  if (x->rank < 0) return NULL;
  if (x->rank <= 1) {
    *out = tn_shape_scalar();
    return NULL;
  }
  if (!known) {
    *out = tn_shape_unknown_of_rank(x->rank - 1);
    return NULL;
  }
  int64_t d = axis < 0 ? axis + x->rank : axis;
  if (d < 0 || d >= x->rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "dimension %" PRId64 " is not in [-%d,%d)", axis, x->rank,
                          x->rank);
  *out = tn_shape_scalar();
  for (int i = 0; i < x->rank; i++)
    if (i != d) out->dims[out->rank++] = x->dims[i];
  return NULL;
}

#define ARG_TYPES (TN_REALS | TN_BIT(TN_BOOL))
static const tn_kernel_def argmax_kernels[] = {
    {.name = "reference", .types = ARG_TYPES, .prepare = argmax_prepare, .run = run}, {0}};
static const tn_kernel_def argmin_kernels[] = {
    {.name = "reference", .types = ARG_TYPES, .prepare = argmin_prepare, .run = run}, {0}};

#define TYPES                                                                                                          \
  "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8, quint8, qint32, "  \
  "qint16, quint16, bool}"

TN_OP(ArgMax, .inputs = "input: T, dimension: Tidx", .outputs = "output: output_type",
      .attrs = "T: " TYPES
               "; Tidx: {int16, int32, int64} = DT_INT32; output_type: {int16, uint16, int32, int64} = DT_INT64",
      .doc = "The index of the largest element along a dimension; the first of equals.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1 << 1, .shape = shape, .kernels = argmax_kernels);

TN_OP(ArgMin, .inputs = "input: T, dimension: Tidx", .outputs = "output: output_type",
      .attrs = "T: " TYPES "; Tidx: indextype = DT_INT32; output_type: indextype = DT_INT64",
      .doc = "The index of the smallest element along a dimension; the first of equals.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1 << 1, .shape = shape, .kernels = argmin_kernels);
