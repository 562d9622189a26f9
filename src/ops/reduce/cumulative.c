/* Cumsum and Cumprod along one axis, from either end, with or without the element itself. */
#include <inttypes.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

typedef struct scan_state {
  int64_t outer, n, inner;
  bool exclusive, reverse;
  tn_dtype dtype;
} scan_state;

/* Scans one outer slice of N x INNER elements. */
typedef void (*scan_fn)(const scan_state *s, const void *in, void *out);

#define SCAN(NAME, TYPE, ACC, START, LOAD, STEP, SAVE)                                                                 \
  static void NAME(const scan_state *s, const void *in, void *out) {                                                   \
    const TYPE *x = in;                                                                                                \
    TYPE *y = out;                                                                                                     \
    for (int64_t j = 0; j < s->inner; j++) {                                                                           \
      ACC sum = START;                                                                                                 \
      for (int64_t k = 0; k < s->n; k++) {                                                                             \
        int64_t i = (s->reverse ? s->n - 1 - k : k) * s->inner + j;                                                    \
        ACC next = (ACC)STEP(sum, LOAD(x[i]));                                                                         \
        y[i] = SAVE(s->exclusive ? sum : next);                                                                        \
        sum = next;                                                                                                    \
      }                                                                                                                \
    }                                                                                                                  \
  }
#define PLAIN(v)         (v)
#define ADD(a, b)        ((a) + (b))
#define MULTIPLY(a, b)   ((a) * (b))
#define MULTIPLY16(a, b) ((uint32_t)(a) * (b))
typedef float _Complex complex64;
typedef double _Complex complex128;

#define ALL_TYPES(WHAT, START, STEP, STEP16)                                                                           \
  SCAN(WHAT##_float, float, float, START, PLAIN, STEP, PLAIN)                                                          \
  SCAN(WHAT##_double, double, double, START, PLAIN, STEP, PLAIN)                                                       \
  SCAN(WHAT##_half, uint16_t, float, START, tn_half_to_float, STEP, tn_float_to_half)                                  \
  SCAN(WHAT##_bfloat16, uint16_t, float, START, tn_bfloat16_to_float, STEP, tn_float_to_bfloat16)                      \
  SCAN(WHAT##_8, uint8_t, uint8_t, START, PLAIN, STEP, PLAIN)                                                          \
  SCAN(WHAT##_16, uint16_t, uint16_t, START, PLAIN, STEP16, PLAIN)                                                     \
  SCAN(WHAT##_32, uint32_t, uint32_t, START, PLAIN, STEP, PLAIN)                                                       \
  SCAN(WHAT##_64, uint64_t, uint64_t, START, PLAIN, STEP, PLAIN)                                                       \
  SCAN(WHAT##_complex64, complex64, complex64, START, PLAIN, STEP, PLAIN)                                              \
  SCAN(WHAT##_complex128, complex128, complex128, START, PLAIN, STEP, PLAIN)                                           \
  static const scan_fn WHAT##_table[TN_N_DTYPES] = {[TN_FLOAT] = WHAT##_float,                                         \
                                                    [TN_DOUBLE] = WHAT##_double,                                       \
                                                    [TN_HALF] = WHAT##_half,                                           \
                                                    [TN_BFLOAT16] = WHAT##_bfloat16,                                   \
                                                    [TN_INT8] = WHAT##_8,                                              \
                                                    [TN_UINT8] = WHAT##_8,                                             \
                                                    [TN_INT16] = WHAT##_16,                                            \
                                                    [TN_UINT16] = WHAT##_16,                                           \
                                                    [TN_INT32] = WHAT##_32,                                            \
                                                    [TN_UINT32] = WHAT##_32,                                           \
                                                    [TN_INT64] = WHAT##_64,                                            \
                                                    [TN_UINT64] = WHAT##_64,                                           \
                                                    [TN_COMPLEX64] = WHAT##_complex64,                                 \
                                                    [TN_COMPLEX128] = WHAT##_complex128};
ALL_TYPES(sum, 0, ADD, ADD)
ALL_TYPES(prod, 1, MULTIPLY, MULTIPLY16)

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *x = &p->inputs[0].shape;
  int n;
  int64_t axis;
  TN_TRY(tn_prepare_ints(p, 1, 1, &n, &axis));
  if (n != 1 || p->inputs[1].shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "axis must be a scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  int64_t d = axis < 0 ? axis + x->rank : axis;
  if (d < 0 || d >= x->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "axis %" PRId64 " is not in [-%d,%d)", axis, x->rank, x->rank);
  scan_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  *state = (scan_state){.outer = 1,
                        .n = x->dims[d],
                        .inner = 1,
                        .dtype = p->inputs[0].dtype,
                        .exclusive = tn_node_get_bool(p->node, "exclusive"),
                        .reverse = tn_node_get_bool(p->node, "reverse")};
  for (int i = 0; i < x->rank; i++) {
    if (i < d) state->outer *= x->dims[i];
    if (i > d) state->inner *= x->dims[i];
  }
  return tn_prepare_output(p, 0, x);
}

typedef struct job {
  const tn_run *r;
  scan_fn scan;
} job;

static void run_slice(void *argument, int64_t i) {
  const job *j = argument;
  const scan_state *s = j->r->state;
  size_t offset = (size_t)(i * s->n * s->inner) * tn_dtype_size(s->dtype);
  j->scan(s, (const char *)j->r->inputs[0]->data + offset, (char *)j->r->outputs[0]->data + offset);
}

static tn_error *run_table(tn_run *r, const scan_fn *table) {
  const scan_state *s = r->state;
  job j = {r, table[s->dtype]};
  if (s->outer > 0 && s->n > 0 && s->inner > 0) tn_parallel(s->outer, run_slice, &j);
  return NULL;
}

static tn_error *cumsum_run(tn_run *r) { return run_table(r, sum_table); }
static tn_error *cumprod_run(tn_run *r) { return run_table(r, prod_table); }

/* Sums GRADIENT from the other end. */
static tn_output sum_back(tn_gradient_ctx *c, tn_output gradient) {
  return tn_build(
      c->scope, "Cumsum", TN_IN(gradient, tn_grad_x(c, 1)),
      TN_ATTRS(TN_A_SAME(c->node, "exclusive"), TN_A_BOOL("reverse", !tn_node_get_bool(c->node, "reverse"))));
}

static tn_error *cumsum_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, sum_back(c, tn_grad_dense(c, 0)));
  return NULL;
}

static tn_error *cumprod_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0);
  tn_output product = tn_build(s, "Cumprod", TN_IN(x, tn_grad_x(c, 1)),
                               TN_ATTRS(TN_A_SAME(c->node, "exclusive"), TN_A_SAME(c->node, "reverse")));
  tn_output sum = sum_back(c, tn_build2(s, "Mul", product, tn_grad_dense(c, 0)));
  tn_grad_set(c, 0, tn_build2(s, "DivNoNan", sum, x));
  return NULL;
}

static const tn_kernel_def cumsum_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = prepare, .run = cumsum_run}, {0}};
static const tn_kernel_def cumprod_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = prepare, .run = cumprod_run}, {0}};

TN_OP(Cumsum, .inputs = "x: T, axis: Tidx", .outputs = "out: T",
      .attrs = "exclusive: bool = false; reverse: bool = false; T: numbertype; Tidx: indextype = DT_INT32",
      .doc = "The running sum along an axis.", .value_inputs = 1 << 1, .shape = tn_shape_unchanged,
      .gradient = cumsum_gradient, .kernels = cumsum_kernels);

TN_OP(Cumprod, .inputs = "x: T, axis: Tidx", .outputs = "out: T",
      .attrs = "exclusive: bool = false; reverse: bool = false; T: numbertype; Tidx: indextype = DT_INT32",
      .doc = "The running product along an axis.", .value_inputs = 1 << 1, .shape = tn_shape_unchanged,
      .gradient = cumprod_gradient, .kernels = cumprod_kernels);
