/* TopK and TopKV2: the k largest elements of each row of the last dimension, the first of equals first. */
#include <inttypes.h>
#include <string.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

typedef struct top_state {
  int64_t rows, n, k;
} top_state;

/* Does element I of X come before element J: is it larger, or equal and earlier? A NaN comes before none. */
typedef bool (*before_fn)(const void *x, int64_t i, int64_t j);

#define BEFORE(NAME, TYPE, LOAD)                                                                                       \
  static bool before_##NAME(const void *in, int64_t i, int64_t j) {                                                    \
    const TYPE *x = in;                                                                                                \
    return LOAD(x[i]) > LOAD(x[j]) || (!(LOAD(x[j]) > LOAD(x[i])) && i < j);                                           \
  }
#define PLAIN(v) (v)
BEFORE(float, float, PLAIN)
BEFORE(double, double, PLAIN)
BEFORE(half, uint16_t, tn_half_to_float)
BEFORE(bfloat16, uint16_t, tn_bfloat16_to_float)
BEFORE(int8, int8_t, PLAIN)
BEFORE(uint8, uint8_t, PLAIN)
BEFORE(int16, int16_t, PLAIN)
BEFORE(uint16, uint16_t, PLAIN)
BEFORE(int32, int32_t, PLAIN)
BEFORE(uint32, uint32_t, PLAIN)
BEFORE(int64, int64_t, PLAIN)
BEFORE(uint64, uint64_t, PLAIN)

static const before_fn orders[TN_N_DTYPES] = {
    [TN_FLOAT] = before_float, [TN_DOUBLE] = before_double, [TN_HALF] = before_half,   [TN_BFLOAT16] = before_bfloat16,
    [TN_INT8] = before_int8,   [TN_UINT8] = before_uint8,   [TN_INT16] = before_int16, [TN_UINT16] = before_uint16,
    [TN_INT32] = before_int32, [TN_UINT32] = before_uint32, [TN_INT64] = before_int64, [TN_UINT64] = before_uint64};

static tn_error *check_k(const tn_node *node, const tn_shape *x, int64_t k) {
  if (k < 0) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "need k >= 0, got %" PRId64, k);
  if (x->rank == 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "input must be at least a vector, but is a scalar");
  if (x->rank > 0 && x->dims[x->rank - 1] >= 0 && x->dims[x->rank - 1] < k)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "input must have at least k(=%" PRId64 ") columns, but is %s", k,
                          TN_SHAPE_STR(x));
  return NULL;
}

static tn_error *prepare_k(tn_prepare *p, int64_t k) {
  tn_shape out = p->inputs[0].shape;
  TN_TRY(check_k(p->node, &out, k));
  top_state *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  *state = (top_state){.rows = 1, .n = out.dims[out.rank - 1], .k = k};
  for (int i = 0; i < out.rank - 1; i++) state->rows *= out.dims[i];
  p->scratch = (size_t)(state->rows * (k ? k : 1)) * sizeof(int64_t);
  out.dims[out.rank - 1] = k;
  TN_TRY(tn_prepare_output(p, 0, &out));
  return tn_prepare_output(p, 1, &out);
}

static tn_error *prepare(tn_prepare *p) { return prepare_k(p, tn_node_get_int(p->node, "k")); }

static tn_error *prepare_v2(tn_prepare *p) {
  int n;
  int64_t k;
  TN_TRY(tn_prepare_ints(p, 1, 1, &n, &k));
  if (n != 1 || p->inputs[1].shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "k must be scalar, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  return prepare_k(p, k);
}

/* Restores the heap HEAP[0..n) whose root, the last in order, may have moved down. */
static void sift(int64_t *heap, int64_t n, const void *x, before_fn before) {
  for (int64_t i = 0;;) {
    int64_t last = i, left = 2 * i + 1;
    if (left < n && before(x, heap[last], heap[left])) last = left;
    if (left + 1 < n && before(x, heap[last], heap[left + 1])) last = left + 1;
    if (last == i) return;
    int64_t swap = heap[i];
    heap[i] = heap[last];
    heap[last] = swap;
    i = last;
  }
}

/* The K first of N elements in order, by a heap whose root is the last of those kept. */
static void select_row(const void *x, int64_t n, int64_t k, before_fn before, int64_t *kept) {
  if (!k) return;
  int64_t size = 0;
  for (int64_t i = 0; i < n; i++) {
    if (size < k) { /* bubble up */
      int64_t at = size++;
      for (; at && before(x, kept[(at - 1) / 2], i); at = (at - 1) / 2) kept[at] = kept[(at - 1) / 2];
      kept[at] = i;
    } else if (before(x, i, kept[0])) {
      kept[0] = i;
      sift(kept, k, x, before);
    }
  }
  for (int64_t end = k - 1; end > 0; end--) {
    int64_t last = kept[0];
    kept[0] = kept[end];
    kept[end] = last;
    sift(kept, end, x, before);
  }
}

static void run_row(void *argument, int64_t row) {
  const tn_run *r = argument;
  const top_state *s = r->state;
  const tn_tensor *in = r->inputs[0], *values = r->outputs[0], *indices = r->outputs[1];
  size_t size = tn_dtype_size(in->dtype);
  const char *x = (const char *)in->data + (size_t)(row * s->n) * size;
  int64_t *kept = (int64_t *)r->scratch + row * s->k;
  select_row(x, s->n, s->k, orders[in->dtype], kept);
  for (int64_t i = 0; i < s->k; i++) {
    int64_t at = row * s->k + i;
    memcpy((char *)values->data + (size_t)at * size, x + (size_t)kept[i] * size, size);
    if (indices->dtype == TN_INT64) TN_DATA(int64_t, indices)[at] = kept[i];
    if (indices->dtype == TN_INT32) TN_DATA(int32_t, indices)[at] = (int32_t)kept[i];
    if (indices->dtype == TN_INT16) TN_DATA(int16_t, indices)[at] = (int16_t)kept[i];
  }
}

static tn_error *run(tn_run *r) {
  const top_state *s = r->state;
  tn_parallel(s->rows, run_row, r);
  return NULL;
}

static tn_error *shape_k(tn_shape_ctx *c, bool known, int64_t k) {
  tn_shape x;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &x));
  if (known) TN_TRY(check_k(c->node, &x, k));
  if (x.rank > 0) x.dims[x.rank - 1] = known ? k : -1;
  c->out[0] = c->out[1] = x;
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) { return shape_k(c, true, tn_node_get_int(c->node, "k")); }

static tn_error *shape_v2(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  bool known;
  int64_t k;
  TN_TRY(tn_shape_scalar_value(c, 1, &known, &k));
  return shape_k(c, known, k);
}

/* The gradient of each value goes to the place that it came from. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), indices = tn_build_cast(s, tn_grad_y(c, 1), TN_INT32),
            in_shape = tn_build_shape_of(s, x);
  tn_output zero = tn_build_scalar(s, TN_INT32, 0), one = tn_build_scalar(s, TN_INT32, 1);
  tn_output minus = tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1}),
            first = tn_build_ints(s, TN_INT32, 1, (int64_t[]){0});
  tn_output out_shape = tn_build_shape_of(s, indices), last = tn_build2(s, "Sub", tn_build1(s, "Size", in_shape), one);
  tn_output n = tn_build(s, "GatherV2", TN_IN(in_shape, last, zero), NULL);
  tn_output k = tn_build(s, "GatherV2", TN_IN(out_shape, last, zero), NULL);
  /* The number of rows comes from the input: K may be 0. */
  tn_output before = tn_build(s, "Slice", TN_IN(in_shape, first, tn_build2(s, "ExpandDims", last, zero)), NULL);
  tn_output rows = tn_build2(s, "Prod", before, first);
  tn_output flat = tn_build2(s, "Reshape", indices, tn_build(s, "Pack", TN_IN(rows, k), NULL));
  tn_output starts =
      tn_build(s, "Range", TN_IN(zero, tn_build2(s, "Mul", rows, n), tn_build2(s, "Maximum", n, one)), NULL);
  starts = tn_build2(s, "ExpandDims", starts, tn_build_scalar(s, TN_INT32, -1));
  tn_output places = tn_build2(s, "Reshape", tn_build2(s, "AddV2", flat, starts), minus);
  places = tn_build2(s, "ExpandDims", places, tn_build_scalar(s, TN_INT32, -1));
  tn_output values = tn_build2(s, "Reshape", tn_grad_dense(c, 0), minus);
  tn_output total = tn_build2(s, "ExpandDims", tn_build2(s, "Prod", in_shape, first), zero);
  tn_output scattered = tn_build(s, "ScatterNd", TN_IN(places, values, total), NULL);
  tn_grad_set(c, 0, tn_build2(s, "Reshape", scattered, in_shape));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .types = TN_REALS, .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def kernels_v2[] = {{.name = "reference", .types = TN_REALS, .prepare = prepare_v2, .run = run},
                                           {0}};

TN_OP(TopK, .inputs = "input: T", .outputs = "values: T, indices: int32",
      .attrs = "k: int >= 0; sorted: bool = true; T: realnumbertype",
      .doc = "The k largest elements of each row, and where they are.", .shape = shape, .gradient = gradient,
      .kernels = kernels);

TN_OP(TopKV2, .inputs = "input: T, k: Tk", .outputs = "values: T, indices: index_type",
      .attrs = "sorted: bool = true; T: realnumbertype; Tk: {int16, int32, int64} = DT_INT32; index_type: {int16, "
               "int32, int64} = "
               "DT_INT32",
      .doc = "The k largest elements of each row, and where they are.", .value_inputs = 1 << 1, .shape = shape_v2,
      .gradient = gradient, .kernels = kernels_v2);
