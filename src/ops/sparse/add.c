/* SparseAdd with its gradient, SparseSparseMaximum and SparseSparseMinimum: two sparse tensors, merged. */
#include "ops/sparse/sparse.h"

/* A walk over two sorted lists of places: -1, 0, 1 as the next place is in A, both or B. */
typedef struct merge {
  tn_coo a, b;
  int64_t i, j;
} merge;

static bool next(merge *m, int *side) {
  if (m->i >= m->a.n && m->j >= m->b.n) return false;
  if (m->i >= m->a.n)
    *side = 1;
  else if (m->j >= m->b.n)
    *side = -1;
  else
    *side = tn_coo_compare(tn_coo_row(&m->a, m->i), tn_coo_row(&m->b, m->j), m->a.rank);
  return true;
}

static void step(merge *m, int side) {
  m->i += side <= 0;
  m->j += side >= 0;
}

/* The joined value of a place, in wide elements. */
typedef union value {
  double real;
  int64_t integer;
  double complex z;
} value;

static value wide_at(const tn_tensor *t, int64_t i) {
  value v = {.z = 0};
  tn_widen(t->dtype, tn_at(t, i), 1, &v);
  return v;
}

typedef value (*join_fn)(tn_wide wide, value a, value b);

static value sum(tn_wide wide, value a, value b) {
  if (wide == TN_WIDE_REAL) return (value){.real = a.real + b.real};
  if (wide == TN_WIDE_INT) return (value){.integer = (int64_t)((uint64_t)a.integer + (uint64_t)b.integer)};
  return (value){.z = a.z + b.z};
}
static value larger(tn_wide wide, value a, value b) {
  if (wide == TN_WIDE_REAL) return a.real > b.real ? a : b;
  return a.integer > b.integer ? a : b;
}
static value smaller(tn_wide wide, value a, value b) {
  if (wide == TN_WIDE_REAL) return a.real < b.real ? a : b;
  return a.integer < b.integer ? a : b;
}

/* The value at the walk's place; what is absent counts as zero (a sum leaves it out). */
static value join(const merge *m, int side, join_fn fn) {
  tn_wide wide = tn_wide_of(m->a.values->dtype);
  value zero = {.z = 0};
  return fn(wide, side <= 0 ? wide_at(m->a.values, m->i) : zero, side >= 0 ? wide_at(m->b.values, m->j) : zero);
}

/* The walk's value as an element of OUT, and whether its size is at least THRESHOLD. */
static bool put(tn_dtype dtype, value v, double threshold, void *out) {
  tn_narrow(dtype, &v, 1, out);
  value rounded = {.z = 0};
  tn_widen(dtype, out, 1, &rounded);
  switch (tn_wide_of(dtype)) {
  case TN_WIDE_REAL: return threshold <= (rounded.real < 0 ? -rounded.real : rounded.real);
  case TN_WIDE_INT: return threshold <= (double)(rounded.integer < 0 ? -rounded.integer : rounded.integer);
  default: return threshold <= cabs(rounded.z);
  }
}

/* Writes the joined tensor, or only counts its elements. */
static int64_t write(const tn_run *r, const merge *from, join_fn fn, double threshold, bool store) {
  merge m = *from;
  int side = 0;
  int64_t n = 0;
  tn_dtype dtype = m.a.values->dtype;
  for (char element[16]; next(&m, &side); step(&m, side)) {
    bool large = put(dtype, join(&m, side, fn), threshold, element);
    if (side == 0 && !large) continue; /* what only one of them has stays */
    if (store) {
      memcpy(tn_at(r->outputs[1], n), element, tn_dtype_size(dtype));
      memcpy(TN_DATA(int64_t, r->outputs[0]) + n * m.a.rank, side <= 0 ? tn_coo_row(&m.a, m.i) : tn_coo_row(&m.b, m.j),
             (size_t)m.a.rank * sizeof(int64_t));
    }
    n++;
  }
  return n;
}

static tn_error *join_all(tn_run *r, join_fn fn, double threshold) {
  merge m = {.a = tn_coo_of(r, 0), .b = tn_coo_of(r, 3)};
  for (int d = 0; d < m.a.rank; d++)
    if (m.a.dims[d] != m.b.dims[d])
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Operands' shapes do not match: got %lld and %lld in dimension %d",
                           (long long)m.a.dims[d], (long long)m.b.dims[d], d);
  int64_t n = write(r, &m, fn, threshold, false);
  TN_TRY(tn_sparse_matrix(r, 0, n, m.a.rank));
  TN_TRY(tn_sparse_vector(r, 1, n));
  write(r, &m, fn, threshold, true);
  if (r->n_outputs > 2) {
    TN_TRY(tn_sparse_vector(r, 2, m.a.rank));
    memcpy(r->outputs[2]->data, m.a.dims, (size_t)m.a.rank * sizeof(int64_t));
  }
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  TN_TRY(tn_coo_prepare(p, 3));
  if (p->inputs[2].shape.dims[0] != p->inputs[5].shape.dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Ranks of input tensors must match, but saw ranks: %lld and %lld",
                             (long long)p->inputs[2].shape.dims[0], (long long)p->inputs[5].shape.dims[0]);
  if (p->n_inputs > 6 && p->inputs[6].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "The magnitude threshold must be a scalar: got shape %s",
                             TN_SHAPE_STR(&p->inputs[6].shape));
  tn_sparse_all_dynamic(p);
  return NULL;
}

static tn_error *run_add(tn_run *r) {
  const tn_tensor *t = r->inputs[6];
  value v = wide_at(t, 0);
  return join_all(r, sum, tn_wide_of(t->dtype) == TN_WIDE_REAL ? v.real : (double)v.integer);
}
static tn_error *run_maximum(tn_run *r) { return join_all(r, larger, -1); }
static tn_error *run_minimum(tn_run *r) { return join_all(r, smaller, -1); }

static tn_error *add_shape(tn_shape_ctx *c) {
  tn_shape a;
  TN_TRY(tn_shape_with_rank(c, 2, 1, &a));
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, a.dims[0]});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = a;
  return NULL;
}

static tn_error *pair_shape(tn_shape_ctx *c) {
  c->out[0] = tn_shape_unknown_of_rank(2);
  c->out[1] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static tn_error *add_gradient(tn_gradient_ctx *c) {
  tn_output g = tn_build(c->scope, "SparseAddGrad",
                         TN_IN(tn_grad_dense(c, 1), tn_grad_x(c, 0), tn_grad_x(c, 3), tn_grad_y(c, 0)), NULL);
  tn_grad_set(c, 1, g);
  tn_grad_set(c, 4, tn_nth(g, 1));
  return NULL;
}

/* --- SparseAddGrad --- */

static tn_error *grad_prepare(tn_prepare *p) {
  for (int i = 1; i < 4; i++)
    if (p->inputs[i].shape.rank != 2)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input indices should be matrices but received shape %s",
                               TN_SHAPE_STR(&p->inputs[i].shape));
  if (p->inputs[0].shape.rank != 1 || p->inputs[0].shape.dims[0] != p->inputs[3].shape.dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "# elements of backprop_val_grad and # rows of sum_indices should match: got %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  if (p->inputs[1].shape.dims[1] != p->inputs[2].shape.dims[1] ||
      p->inputs[1].shape.dims[1] != p->inputs[3].shape.dims[1])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "The three indices must have as many columns");
  for (int i = 0; i < 2; i++) {
    tn_shape out = tn_shape_of(1, p->inputs[1 + i].shape.dims);
    TN_TRY(tn_prepare_output(p, i, &out));
  }
  return NULL;
}

static tn_error *grad_run(tn_run *r) {
  int rank = (int)r->inputs[3]->shape.dims[1];
  const int64_t *sums = TN_DATA(int64_t, r->inputs[3]);
  for (int side = 0; side < 2; side++) {
    const tn_tensor *in = r->inputs[1 + side];
    tn_tensor *out = r->outputs[side];
    TN_TRY(tn_copy_zero(out->dtype, out->data, tn_elements(out)));
    for (int64_t i = 0, k = 0; i < in->shape.dims[0] && k < r->inputs[3]->shape.dims[0];) {
      int order = tn_coo_compare(TN_DATA(int64_t, in) + i * rank, sums + k * rank, rank);
      if (order == 0) TN_TRY(tn_sparse_copy(out, i, r->inputs[0], k));
      i += order <= 0;
      k += order >= 0;
    }
  }
  return NULL;
}

static tn_error *grad_shape(tn_shape_ctx *c) {
  for (int i = 0; i < 2; i++) {
    tn_shape indices;
    TN_TRY(tn_shape_with_rank(c, 1 + i, 2, &indices));
    c->out[i] = tn_shape_of(1, indices.dims);
  }
  return NULL;
}

#define ADD_TYPES (TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_SIGNED | TN_COMPLEXES)
static const tn_kernel_def add_kernels[] = {
    {.name = "reference", .types = ADD_TYPES, .type_attr = "T", .prepare = prepare, .run = run_add}, {0}};
static const tn_kernel_def maximum_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = prepare, .run = run_maximum}, {0}};
static const tn_kernel_def minimum_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = prepare, .run = run_minimum}, {0}};
static const tn_kernel_def grad_kernels[] = {
    {.name = "reference", .types = ADD_TYPES, .prepare = grad_prepare, .run = grad_run}, {0}};

TN_OP(SparseAdd,
      .inputs =
          "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64, thresh: Treal",
      .outputs = "sum_indices: int64, sum_values: T, sum_shape: int64", .attrs = "T: numbertype; Treal: realnumbertype",
      .doc = "The sum of two sparse tensors, without elements smaller than THRESH.", .flags = TN_OP_DYNAMIC_SHAPE,
      .shape = add_shape, .gradient = add_gradient, .kernels = add_kernels);

TN_OP(SparseAddGrad, .inputs = "backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64",
      .outputs = "a_val_grad: T, b_val_grad: T", .attrs = "T: numbertype",
      .doc = "The gradients of the values of SparseAdd's operands.", .flags = TN_OP_NO_GRADIENT, .shape = grad_shape,
      .kernels = grad_kernels);

TN_OP(SparseSparseMaximum,
      .inputs = "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64",
      .outputs = "output_indices: int64, output_values: T", .attrs = "T: realnumbertype",
      .doc = "The larger of two sparse tensors' elements; what is absent is zero.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = pair_shape, .kernels = maximum_kernels);

TN_OP(SparseSparseMinimum,
      .inputs = "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64",
      .outputs = "output_indices: int64, output_values: T", .attrs = "T: numbertype",
      .doc = "The smaller of two sparse tensors' elements; what is absent is zero.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = pair_shape, .kernels = minimum_kernels);
