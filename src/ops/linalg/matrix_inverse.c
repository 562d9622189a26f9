/* MatrixInverse and MatrixDeterminant, by triangular factors. */
#include <string.h>

#include "ops/linalg/dense.h"

static tn_error *gradient_inverse(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const bool adjoint = tn_node_get_bool(c->node, "adjoint");
  const tn_output inverse = tn_grad_y(c, 0);
  const tn_dtype t = tn_dtype_base(c->node->output_types[0]);
  const tn_output right = tn_build_matmul(s, tn_grad_dense(c, 0), inverse, adjoint, !adjoint, t);
  tn_grad_set(c, 0, tn_build1(s, "Neg", tn_build_matmul(s, inverse, right, !adjoint, false, t)));
  return NULL;
}

static tn_error *shape_determinant(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_square_shape(c, 0, &s));
  c->out[0] = tn_matrix_batch(&s);
  return NULL;
}

static tn_error *gradient_determinant(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output y = tn_grad_y(c, 0);
  const tn_output inverse = tn_build(s, "MatrixInverse", TN_IN(tn_grad_x(c, 0)), TN_ATTRS(TN_A_BOOL("adjoint", true)));
  const tn_output last = tn_build_scalar(s, TN_INT32, -1);
  const tn_output factors = tn_build2(s, "Mul", tn_grad_dense(c, 0), y);
  const tn_output spread = tn_build2(s, "ExpandDims", tn_build2(s, "ExpandDims", factors, last), last);
  tn_grad_set(c, 0, tn_build2(s, "Mul", spread, inverse));
  return NULL;
}

/* Scratch: two matrices and the pivots. */
static tn_error *prepare_inverse(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  p->scratch = 2 * tn_dense_scratch(&p->inputs[0]) + (size_t)tn_matrix_dim(&p->inputs[0].shape, 1) * sizeof(int64_t);
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *run_inverse(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  const bool adjoint = tn_node_get_bool(r->node, "adjoint");
  tn_z *a = r->scratch, *b = a + n * n;
  int64_t *pivots = (int64_t *)(b + n * n);
  for (int64_t i = 0; i < count; i++) {
    int sign;
    tn_dense_get(r->inputs[0], i * n * n, n * n, a);
    if (adjoint) tn_dense_adjoint(a, n);
    if (!tn_dense_lu(a, n, pivots, &sign))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "matrix %lld is not invertible", (long long)i);
    memset(b, 0, (size_t)(n * n) * sizeof *b);
    for (int64_t k = 0; k < n; k++) b[k * n + k] = 1;
    tn_dense_lu_solve(a, n, pivots, b, n);
    tn_dense_put(r->outputs[0], i * n * n, n * n, b);
  }
  return NULL;
}

static tn_error *prepare_determinant(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  p->scratch = tn_dense_scratch(&p->inputs[0]) + (size_t)tn_matrix_dim(&p->inputs[0].shape, 1) * sizeof(int64_t);
  const tn_shape batch = tn_matrix_batch(&p->inputs[0].shape);
  return tn_prepare_output(p, 0, &batch);
}

static tn_error *run_determinant(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  tn_z *a = r->scratch;
  int64_t *pivots = (int64_t *)(a + n * n);
  for (int64_t i = 0; i < count; i++) {
    int sign;
    tn_dense_get(r->inputs[0], i * n * n, n * n, a);
    (void)tn_dense_lu(a, n, pivots, &sign);
    tn_z product = sign;
    for (int64_t k = 0; k < n; k++) product *= a[k * n + k];
    tn_dense_put(r->outputs[0], i, 1, &product);
  }
  return NULL;
}

static const tn_kernel_def kernels_inverse[] = {
    {.name = "reference", .prepare = prepare_inverse, .run = run_inverse},
    {0},
};
static const tn_kernel_def kernels_determinant[] = {
    {.name = "reference", .prepare = prepare_determinant, .run = run_determinant},
    {0},
};

TN_OP(MatrixInverse, .doc = "The inverses of square matrices, or of their adjoints.", .inputs = "input: T",
      .outputs = "output: T", .attrs = "adjoint: bool = false; T: {double, float, half, complex64, complex128}",
      .shape = tn_square_unchanged, .gradient = gradient_inverse, .kernels = kernels_inverse);

TN_OP(MatrixDeterminant, .doc = "The determinants of square matrices.", .inputs = "input: T", .outputs = "output: T",
      .attrs = "T: {half, float, double, complex64, complex128}", .shape = shape_determinant,
      .gradient = gradient_determinant, .kernels = kernels_determinant);
