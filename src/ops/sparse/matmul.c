/* SparseTensorDenseMatMul: a sparse matrix times a dense one. */
#include <complex.h>

#include "ops/linalg/matrix.h"
#include "ops/sparse/sparse.h"

/* One element of A, times a row (or column) of B, onto a row of the result. */
typedef struct row_job {
  int64_t n, step; /* elements, and how far apart they lie in B */
  bool conjugate_a, conjugate_b;
} row_job;

#define ROW(NAME, T, CONJ)                                                                                             \
  static void row_##NAME(const row_job *j, const void *value, const void *b, void *out) {                              \
    T a = *(const T *)value, *y = out;                                                                                 \
    const T *x = b;                                                                                                    \
    if (j->conjugate_a) a = CONJ(a);                                                                                   \
    if (j->step == 1 && !j->conjugate_b)                                                                               \
      for (int64_t i = 0; i < j->n; i++) y[i] += a * x[i];                                                             \
    else                                                                                                               \
      for (int64_t i = 0; i < j->n; i++) y[i] += a * (j->conjugate_b ? CONJ(x[i * j->step]) : x[i * j->step]);         \
  }
#define SAME(x) (x)
ROW(float, float, SAME)
ROW(double, double, SAME)
ROW(int32, uint32_t, SAME)
ROW(complex64, float complex, conjf)
ROW(complex128, double complex, conj)

static void row_bfloat16(const row_job *j, const void *value, const void *b, void *out) {
  uint16_t *y = out;
  float a = tn_bfloat16_to_float(*(const uint16_t *)value);
  for (int64_t i = 0; i < j->n; i++)
    y[i] =
        tn_float_to_bfloat16(tn_bfloat16_to_float(y[i]) + a * tn_bfloat16_to_float(((const uint16_t *)b)[i * j->step]));
}

typedef void (*row_fn)(const row_job *j, const void *value, const void *b, void *out);
static const row_fn rows[TN_N_DTYPES] = {
    [TN_FLOAT] = row_float,         [TN_DOUBLE] = row_double,         [TN_INT32] = row_int32,
    [TN_COMPLEX64] = row_complex64, [TN_COMPLEX128] = row_complex128, [TN_BFLOAT16] = row_bfloat16};

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *b = &p->inputs[3].shape;
  bool adjoint_a = tn_node_get_bool(p->node, "adjoint_a"), adjoint_b = tn_node_get_bool(p->node, "adjoint_b");
  TN_TRY(tn_coo_prepare(p, 0));
  if (p->inputs[2].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tensor 'a_shape' must have 2 elements");
  if (b->rank != 2) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tensor 'b' is not a matrix: %s", TN_SHAPE_STR(b));
  const int64_t *a = TN_DATA(int64_t, &p->inputs[2]);
  if (a[0] < 0 || a[1] < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Tensor 'a_shape' must not be negative");
  int64_t inner = a[!adjoint_a], inner_b = b->dims[adjoint_b];
  if (inner != inner_b)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Cannot multiply A and B because inner dimension does not match: %lld vs. %lld",
                             (long long)inner, (long long)inner_b);
  tn_shape out = tn_shape_of(2, (int64_t[]){a[adjoint_a], b->dims[!adjoint_b]});
  return tn_prepare_output(p, 0, &out);
}

static tn_error *run(tn_run *r) {
  const tn_tensor *indices = r->inputs[0], *values = r->inputs[1], *b = r->inputs[3];
  tn_tensor *out = r->outputs[0];
  bool adjoint_a = tn_node_get_bool(r->node, "adjoint_a"), adjoint_b = tn_node_get_bool(r->node, "adjoint_b");
  const int64_t *dims = TN_DATA(int64_t, r->inputs[2]), width = b->shape.dims[1];
  row_job job = {out->shape.dims[1], adjoint_b ? width : 1, adjoint_a, adjoint_b};
  TN_TRY(tn_copy_zero(out->dtype, out->data, tn_elements(out)));
  for (int64_t i = 0; i < indices->shape.dims[0]; i++) {
    int64_t at[2] = {tn_int_at(indices, 2 * i), tn_int_at(indices, 2 * i + 1)};
    for (int d = 0; d < 2; d++)
      if (at[d] < 0 || at[d] >= dims[d])
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index[%lld,%d] = %lld is out of bounds (>= %lld)", (long long)i,
                             d, (long long)at[d], (long long)dims[d]);
    int64_t m = at[adjoint_a], k = at[!adjoint_a];
    rows[out->dtype](&job, tn_at(values, i), tn_at(b, adjoint_b ? k : k * width), tn_at(out, m * job.n));
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape a, b, unused;
  TN_TRY(tn_shape_from_value(c, 2, &a));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &unused));
  if (a.rank >= 0 && a.rank != 2)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "a_shape must have 2 elements, not %d", a.rank);
  if (a.rank < 0) a = tn_shape_unknown_of_rank(2);
  TN_TRY(tn_shape_with_rank(c, 3, 2, &b));
  bool adjoint_a = tn_node_get_bool(c->node, "adjoint_a"), adjoint_b = tn_node_get_bool(c->node, "adjoint_b");
  if (b.rank < 0) b = tn_shape_unknown_of_rank(2);
  int64_t inner;
  TN_TRY(tn_dim_merge(c, a.dims[!adjoint_a], b.dims[adjoint_b], &inner));
  c->out[0] = tn_shape_of(2, (int64_t[]){a.dims[adjoint_a], b.dims[!adjoint_b]});
  return NULL;
}

/* The places of A's elements in dimension COLUMN. */
static tn_output column(tn_scope *s, tn_output indices, int column) {
  tn_output at = tn_build_scalar(s, TN_INT32, column), axis = tn_build_scalar(s, TN_INT32, 1);
  return tn_build(s, "GatherV2", TN_IN(indices, at, axis), NULL);
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  bool adjoint_a = tn_node_get_bool(c->node, "adjoint_a"), adjoint_b = tn_node_get_bool(c->node, "adjoint_b");
  tn_output indices = tn_grad_x(c, 0), b = tn_grad_x(c, 3), g = tn_grad_dense(c, 0);
  tn_dtype t = tn_dtype_base(tn_output_dtype(g));
  tn_output db = tn_build(s, "SparseTensorDenseMatMul", TN_IN(indices, tn_grad_x(c, 1), tn_grad_x(c, 2), g),
                          TN_ATTRS(TN_A_BOOL("adjoint_a", !adjoint_a)));
  tn_output swap = tn_build_ints(s, TN_INT32, 2, (int64_t[]){1, 0}), zero = tn_build_scalar(s, TN_INT32, 0);
  if (adjoint_b) db = tn_build2(s, tn_dtype_is_complex(t) ? "ConjugateTranspose" : "Transpose", db, swap);
  if (adjoint_b) b = tn_build2(s, "Transpose", b, swap);
  tn_output rows = column(s, indices, adjoint_a), columns = column(s, indices, !adjoint_a);
  tn_output x = tn_build(s, "GatherV2", TN_IN(g, rows, zero), NULL);
  tn_output y = tn_build(s, "GatherV2", TN_IN(b, columns, zero), NULL);
  tn_output axis_x = tn_build_scalar(s, TN_INT32, adjoint_a ? -1 : -2),
            axis_y = tn_build_scalar(s, TN_INT32, adjoint_a == adjoint_b ? -2 : -1);
  /* One product of two vectors for each element; see TensorFlow's four cases. */
  if (adjoint_a && !adjoint_b) axis_y = axis_x;
  if (!adjoint_a && adjoint_b) axis_y = tn_build_scalar(s, TN_INT32, -1);
  x = tn_build2(s, "ExpandDims", x, axis_x);
  y = tn_build2(s, "ExpandDims", y, axis_y);
  tn_output da = tn_build_matmul(s, x, y, adjoint_a, adjoint_a == adjoint_b, t);
  tn_grad_set(c, 1, tn_build2(s, "Reshape", da, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1})));
  tn_grad_set(c, 3, db);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference",
     .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_INT32) | TN_COMPLEXES | TN_BIT(TN_BFLOAT16),
     .type_attr = "T",
     .prepare = prepare,
     .run = run},
    {0}};

TN_OP(SparseTensorDenseMatMul, .inputs = "a_indices: Tindices, a_values: T, a_shape: int64, b: T",
      .outputs = "product: T",
      .attrs = "T: type; Tindices: indextype = DT_INT64; adjoint_a: bool = false; adjoint_b: bool = false",
      .doc = "The product of a sparse matrix and a dense one.", .value_inputs = 1 << 2, .shape = shape,
      .gradient = gradient, .kernels = kernels);
