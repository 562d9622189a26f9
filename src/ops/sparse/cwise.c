/* SparseSoftmax, SparseDenseCwiseAdd, Mul and Div, SparseTensorDenseAdd: element by element. */
#include <math.h>

#include "kernel/combine.h"
#include "ops/sparse/sparse.h"

/* --- SparseSoftmax: over the last dimension --- */

static tn_error *softmax_prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  if (p->inputs[2].shape.dims[0] < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input should have rank >= 2, but received rank: %lld",
                             (long long)p->inputs[2].shape.dims[0]);
  p->scratch = tn_wide_scratch(p->inputs[1].dtype, p->inputs[1].shape.dims[0]) * 2 + 64;
  return tn_prepare_output(p, 0, &p->inputs[1].shape);
}

static tn_error *softmax_run(tn_run *r) {
  tn_coo x = tn_coo_of(r, 0);
  char *scratch = r->scratch;
  TN_TRY(tn_coo_check(r, &x));
  const double *in = tn_wide_in(x.values, &scratch);
  double *out = tn_wide_out(r->outputs[0], &scratch);
  for (int64_t begin = 0, end; begin < x.n; begin = end) {
    double top = in[begin], sum = 0;
    for (end = begin + 1; end < x.n && !tn_coo_compare(tn_coo_row(&x, begin), tn_coo_row(&x, end), x.rank - 1); end++)
      top = in[end] > top ? in[end] : top;
    for (int64_t i = begin; i < end; i++) sum += out[i] = exp(in[i] - top);
    for (int64_t i = begin; i < end; i++) out[i] /= sum;
  }
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

static tn_error *softmax_shape(tn_shape_ctx *c) {
  tn_shape indices, shape;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &indices));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &c->out[0]));
  return tn_shape_with_rank(c, 2, 1, &shape);
}

/* (g - sum(g y)) y, where the sum is a dense tensor that broadcasts. */
static tn_error *softmax_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output indices = tn_grad_x(c, 0), shape = tn_grad_x(c, 2), y = tn_grad_y(c, 0), g = tn_grad_dense(c, 0);
  tn_output sum =
      tn_build(s, "SparseReduceSum",
               TN_IN(indices, tn_build2(s, "Mul", y, g), shape, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1})),
               TN_ATTRS(TN_A_BOOL("keep_dims", true)));
  tn_output rest = tn_build(s, "SparseDenseCwiseAdd", TN_IN(indices, g, shape, tn_build1(s, "Neg", sum)), NULL);
  tn_grad_set(c, 1, tn_build2(s, "Mul", rest, y));
  return NULL;
}

/* --- with a dense tensor that broadcasts to the sparse one's shape --- */

static tn_error *cwise_prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  const tn_shape *dense = &p->inputs[3].shape;
  const int64_t *dims = TN_DATA(int64_t, &p->inputs[2]), rank = p->inputs[2].shape.dims[0];
  bool fits = dense->rank <= rank;
  for (int d = 0; fits && d < dense->rank; d++)
    fits = dense->dims[d] == 1 || dense->dims[d] == dims[rank - dense->rank + d];
  if (!fits)
    return tn_prepare_errorf(
        p, TN_INVALID_ARGUMENT,
        "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible dense shape %s",
        TN_SHAPE_STR(dense));
  return tn_prepare_output(p, 0, &p->inputs[1].shape);
}

typedef enum operation { ADD, MUL, DIV } operation;

typedef union wide {
  double real;
  int64_t integer;
  double complex z;
} wide;

static wide apply(operation op, tn_wide kind, wide a, wide b) {
  switch (kind) {
  case TN_WIDE_REAL: return (wide){.real = op == ADD ? a.real + b.real : op == MUL ? a.real * b.real : a.real / b.real};
  case TN_WIDE_COMPLEX: return (wide){.z = op == ADD ? a.z + b.z : op == MUL ? a.z * b.z : a.z / b.z};
  default: break;
  }
  if (op == DIV) return (wide){.integer = b.integer == 0 ? 0 : b.integer == -1 ? -a.integer : a.integer / b.integer};
  return (wide){.integer = (int64_t)(op == ADD ? (uint64_t)a.integer + (uint64_t)b.integer
                                               : (uint64_t)a.integer * (uint64_t)b.integer)};
}

static tn_error *cwise(tn_run *r, operation op) {
  tn_coo x = tn_coo_of(r, 0);
  const tn_tensor *dense = r->inputs[3];
  tn_dtype dtype = dense->dtype;
  tn_wide kind = tn_wide_of(dtype);
  TN_TRY(tn_coo_check(r, &x));
  for (int64_t i = 0; i < x.n; i++) {
    int64_t flat = 0;
    for (int d = 0; d < dense->shape.rank; d++) {
      int64_t size = dense->shape.dims[d];
      flat = flat * size + (size == 1 ? 0 : tn_coo_row(&x, i)[x.rank - dense->shape.rank + d]);
    }
    wide a = {.z = 0}, b = {.z = 0};
    tn_widen(dtype, tn_at(x.values, i), 1, &a);
    tn_widen(dtype, tn_at(dense, flat), 1, &b);
    if (op == DIV && kind == TN_WIDE_INT && b.integer == 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Integer division by zero");
    a = apply(op, kind, a, b);
    tn_narrow(dtype, &a, 1, tn_at(r->outputs[0], i));
  }
  return NULL;
}

static tn_error *add_run(tn_run *r) { return cwise(r, ADD); }
static tn_error *mul_run(tn_run *r) { return cwise(r, MUL); }
static tn_error *div_run(tn_run *r) { return cwise(r, DIV); }

static tn_error *cwise_shape(tn_shape_ctx *c) {
  tn_shape indices;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &indices));
  c->out[0] = tn_shape_of(1, indices.dims);
  return NULL;
}

/* The dense tensor's elements at the places of the sparse ones: *PLACES in it, *SHAPE as int64. */
static tn_output broadcast_values(tn_gradient_ctx *c, tn_output *places, tn_output *shape) {
  tn_scope *s = c->scope;
  tn_output dense = tn_grad_x(c, 3), full = tn_grad_x(c, 2), zero = tn_build_scalar(s, TN_INT32, 0);
  *shape = tn_build_cast(s, tn_build_shape_of(s, dense), TN_INT64);
  tn_output added = tn_build2(s, "Sub", tn_build1(s, "Size", full), tn_build1(s, "Size", *shape));
  added = tn_build2(s, "ExpandDims", added, zero);
  tn_output ones = tn_build2(s, "Fill", added, tn_build_scalar(s, TN_INT64, 1));
  tn_output whole = tn_build(s, "ConcatV2", TN_IN(ones, *shape, zero), TN_ATTRS(TN_A_INT("N", 2)));
  tn_output scaled = tn_build2(s, "FloorDiv", tn_grad_x(c, 0), tn_build2(s, "FloorDiv", full, whole));
  tn_output begin = tn_build(s, "ConcatV2", TN_IN(tn_build_ints(s, TN_INT32, 1, &(int64_t){0}), added, zero),
                             TN_ATTRS(TN_A_INT("N", 2)));
  *places = tn_build(s, "Slice", TN_IN(scaled, begin, tn_build_ints(s, TN_INT32, 2, (int64_t[]){-1, -1})), NULL);
  return tn_build2(s, "GatherNd", dense, *places);
}

static void set_cwise(tn_gradient_ctx *c, tn_output dx, tn_output dy, tn_output places, tn_output shape) {
  tn_output zeros = tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 3));
  tn_grad_set(c, 1, dx);
  tn_grad_set(c, 3, tn_build(c->scope, "SparseTensorDenseAdd", TN_IN(places, dy, shape, zeros), NULL));
}

static tn_error *mul_gradient(tn_gradient_ctx *c) {
  tn_output places, shape, g = tn_grad_dense(c, 0), y = broadcast_values(c, &places, &shape);
  set_cwise(c, tn_build2(c->scope, "Mul", g, y), tn_build2(c->scope, "Mul", g, tn_grad_x(c, 1)), places, shape);
  return NULL;
}

static tn_error *div_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output places, shape, g = tn_grad_dense(c, 0), y = broadcast_values(c, &places, &shape);
  tn_output slope = tn_build2(s, "RealDiv", tn_build1(s, "Neg", tn_grad_x(c, 1)), tn_build1(s, "Square", y));
  set_cwise(c, tn_build2(s, "RealDiv", g, y), tn_build2(s, "Mul", g, slope), places, shape);
  return NULL;
}

/* --- SparseTensorDenseAdd --- */

static tn_error *dense_add_prepare(tn_prepare *p) {
  const tn_shape *b = &p->inputs[3].shape;
  TN_TRY(tn_coo_prepare(p, 0));
  bool same = b->rank == p->inputs[2].shape.dims[0];
  for (int d = 0; same && d < b->rank; d++) same = tn_int_at(&p->inputs[2], d) == b->dims[d];
  if (!same)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Dimensions do not match: the dense tensor is %s",
                             TN_SHAPE_STR(b));
  tn_prepare_in_place(p, 0, 3);
  return tn_prepare_output(p, 0, b);
}

static tn_error *dense_add_run(tn_run *r) {
  const tn_tensor *indices = r->inputs[0], *values = r->inputs[1], *b = r->inputs[3];
  tn_tensor *out = r->outputs[0];
  tn_combine_fn add = tn_combine_of(TN_COMBINE_ADD, out->dtype);
  if (out->data != b->data) TN_TRY(tn_copy_dense(b->dtype, out->data, b->data, tn_elements(b)));
  for (int64_t i = 0; i < indices->shape.dims[0]; i++) {
    int64_t flat = 0;
    for (int d = 0; d < b->shape.rank; d++) {
      int64_t at = tn_int_at(indices, i * b->shape.rank + d);
      if (at < 0 || at >= b->shape.dims[d])
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Sparse tensor has an invalid index on dimension %d: %lld", d,
                             (long long)at);
      flat = flat * b->shape.dims[d] + at;
    }
    add(tn_at(out, flat), tn_at(values, i), 1);
  }
  return NULL;
}

static tn_error *dense_add_shape(tn_shape_ctx *c) {
  c->out[0] = c->in[3];
  return NULL;
}

static tn_error *dense_add_gradient(tn_gradient_ctx *c) {
  tn_output g = tn_grad_dense(c, 0);
  tn_grad_set(c, 1, tn_build2(c->scope, "GatherNd", g, tn_grad_x(c, 0)));
  tn_grad_set(c, 3, g);
  return NULL;
}

static const tn_kernel_def softmax_kernels[] = {{.name = "reference",
                                                 .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_HALF),
                                                 .prepare = softmax_prepare,
                                                 .run = softmax_run},
                                                {0}};
static const tn_kernel_def add_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = cwise_prepare, .run = add_run}, {0}};
static const tn_kernel_def mul_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = cwise_prepare, .run = mul_run}, {0}};
static const tn_kernel_def div_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = cwise_prepare, .run = div_run}, {0}};
static const tn_kernel_def dense_add_kernels[] = {
    {.name = "reference",
     .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_SIGNED | TN_COMPLEXES,
     .type_attr = "T",
     .prepare = dense_add_prepare,
     .run = dense_add_run},
    {0}};

TN_OP(SparseSoftmax, .inputs = "sp_indices: int64, sp_values: T, sp_shape: int64", .outputs = "output: T",
      .attrs = "T: {half, float, double}",
      .doc = "The softmax of the elements that are there, along the last dimension.", .shape = softmax_shape,
      .gradient = softmax_gradient, .kernels = softmax_kernels);

TN_OP(SparseDenseCwiseAdd, .inputs = "sp_indices: int64, sp_values: T, sp_shape: int64, dense: T",
      .outputs = "output: T", .attrs = "T: numbertype",
      .doc = "The sums of sparse elements and those of a dense tensor at their places.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 2, .shape = cwise_shape, .kernels = add_kernels);

TN_OP(SparseDenseCwiseMul, .inputs = "sp_indices: int64, sp_values: T, sp_shape: int64, dense: T",
      .outputs = "output: T", .attrs = "T: numbertype",
      .doc = "The products of sparse elements and those of a dense tensor at their places.", .value_inputs = 1 << 2,
      .shape = cwise_shape, .gradient = mul_gradient, .kernels = mul_kernels);

TN_OP(SparseDenseCwiseDiv, .inputs = "sp_indices: int64, sp_values: T, sp_shape: int64, dense: T",
      .outputs = "output: T", .attrs = "T: numbertype",
      .doc = "The quotients of sparse elements and those of a dense tensor at their places.", .value_inputs = 1 << 2,
      .shape = cwise_shape, .gradient = div_gradient, .kernels = div_kernels);

TN_OP(SparseTensorDenseAdd, .inputs = "a_indices: Tindices, a_values: T, a_shape: Tindices, b: T",
      .outputs = "output: T", .attrs = "T: numbertype; Tindices: indextype", .doc = "A dense tensor plus a sparse one.",
      .value_inputs = 1 << 2, .shape = dense_add_shape, .gradient = dense_add_gradient, .kernels = dense_add_kernels);
