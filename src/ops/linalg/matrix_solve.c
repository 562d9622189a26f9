/* MatrixSolve and MatrixTriangularSolve: X with A X = B. */
#include "ops/linalg/dense.h"

static tn_error *common_shape(tn_shape_ctx *c, bool broadcast) {
  tn_shape a, b, batch;
  int64_t rows;
  TN_TRY(tn_square_shape(c, 0, &a));
  TN_TRY(tn_shape_at_least_rank(c, 1, 2, &b));
  const tn_shape a_batch = tn_matrix_batch(&a), b_batch = tn_matrix_batch(&b);
  if (broadcast)
    TN_TRY(tn_shape_broadcast_unknown(c, &a_batch, &b_batch, &batch));
  else
    TN_TRY(tn_shape_merge(c, &a_batch, &b_batch, &batch));
  TN_TRY(tn_dim_merge(c, tn_matrix_dim(&a, 2), tn_matrix_dim(&b, 2), &rows));
  return tn_matrix_shape(c, &batch, rows, tn_matrix_dim(&b, 1), &c->out[0]);
}
static tn_error *shape(tn_shape_ctx *c) { return common_shape(c, false); }
static tn_error *shape_triangular(tn_shape_ctx *c) { return common_shape(c, true); }

/* The gradient of A from those of B and the solution. */
static tn_output gradient_matrix(tn_gradient_ctx *c, tn_output gb, bool adjoint) {
  tn_scope *s = c->scope;
  const tn_output x = tn_grad_y(c, 0);
  const tn_dtype t = tn_dtype_base(c->node->output_types[0]);
  return tn_build1(s, "Neg",
                   adjoint ? tn_build_matmul(s, x, gb, false, true, t) : tn_build_matmul(s, gb, x, false, true, t));
}

static tn_error *gradient(tn_gradient_ctx *c) {
  const bool adjoint = tn_node_get_bool(c->node, "adjoint");
  const tn_output gb = tn_build(c->scope, "MatrixSolve", TN_IN(tn_grad_x(c, 0), tn_grad_dense(c, 0)),
                                TN_ATTRS(TN_A_BOOL("adjoint", !adjoint)));
  tn_grad_set(c, 0, gradient_matrix(c, gb, adjoint));
  tn_grad_set(c, 1, gb);
  return NULL;
}

static tn_error *gradient_triangular(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const bool adjoint = tn_node_get_bool(c->node, "adjoint"), lower = tn_node_get_bool(c->node, "lower");
  const tn_output a = tn_grad_x(c, 0), b = tn_grad_x(c, 1);
  tn_output gb = tn_build(s, "MatrixTriangularSolve", TN_IN(a, tn_grad_dense(c, 0)),
                          TN_ATTRS(TN_A_BOOL("lower", lower), TN_A_BOOL("adjoint", !adjoint)));
  tn_output ga = gradient_matrix(c, gb, adjoint);
  ga = tn_build(s, "MatrixBandPart",
                TN_IN(ga, tn_build_scalar(s, TN_INT64, lower ? -1 : 0), tn_build_scalar(s, TN_INT64, lower ? 0 : -1)),
                NULL);
  tn_build_unbroadcast_batch(s, a, b, &ga, &gb);
  tn_grad_set(c, 0, ga);
  tn_grad_set(c, 1, gb);
  return NULL;
}

/* Both solve one system after the other; the batch geometry is that of a product of A and B. */
static tn_error *common_prepare(tn_prepare *p, bool broadcast) {
  tn_batch_product b, *state;
  TN_TRY(tn_square_check(p, 0));
  TN_TRY(tn_batch_product_prepare(p, false, false, broadcast, &b));
  TN_TRY(tn_prepare_state(p, sizeof b, &state));
  *state = b;
  p->scratch = (size_t)(b.one.m * (b.one.m + b.one.n)) * sizeof(tn_z) + (size_t)b.one.m * sizeof(int64_t);
  return NULL;
}
static tn_error *prepare(tn_prepare *p) { return common_prepare(p, false); }
static tn_error *prepare_triangular(tn_prepare *p) { return common_prepare(p, true); }

static tn_error *run(tn_run *r) {
  const tn_batch_product *s = r->state;
  const int64_t n = s->one.m, m = s->one.n;
  const bool adjoint = tn_node_get_bool(r->node, "adjoint");
  tn_z *a = r->scratch, *b = a + n * n;
  int64_t *pivots = (int64_t *)(b + n * m);
  for (int64_t i = 0; i < s->count; i++) {
    int sign;
    tn_dense_get(r->inputs[0], i * n * n, n * n, a);
    tn_dense_get(r->inputs[1], i * n * m, n * m, b);
    if (adjoint) tn_dense_adjoint(a, n);
    if (!tn_dense_lu(a, n, pivots, &sign))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "matrix %lld is not invertible", (long long)i);
    tn_dense_lu_solve(a, n, pivots, b, m);
    tn_dense_put(r->outputs[0], i * n * m, n * m, b);
  }
  return NULL;
}

/* X / Y, part by part where Y is real, so that 0 gives infinity and not an undefined complex quotient. */
static tn_z divide(tn_z x, tn_z y) {
  if (cimag(y) != 0) return x / y;
  union {
    double parts[2];
    tn_z whole;
  } out = {{creal(x) / creal(y), cimag(x) == 0 ? 0 : cimag(x) / creal(y)}};
  return out.whole;
}

static void solve_triangular(const tn_z *a, int64_t n, bool lower, tn_z *b, int64_t m) {
  for (int64_t step = 0; step < n; step++) {
    const int64_t i = lower ? step : n - 1 - step;
    for (int64_t k = lower ? 0 : i + 1; k < (lower ? i : n); k++)
      for (int64_t j = 0; j < m; j++) b[i * m + j] -= a[i * n + k] * b[k * m + j];
    for (int64_t j = 0; j < m; j++) b[i * m + j] = divide(b[i * m + j], a[i * n + i]);
  }
}

static tn_error *run_triangular(tn_run *r) {
  const tn_batch_product *s = r->state;
  const int64_t n = s->one.m, m = s->one.n;
  const bool adjoint = tn_node_get_bool(r->node, "adjoint"), lower = tn_node_get_bool(r->node, "lower");
  tn_z *a = r->scratch, *b = a + n * n;
  for (int64_t i = 0; i < s->count; i++) {
    int64_t at, bt;
    tn_batch_product_offsets(s, i, &at, &bt);
    tn_dense_get(r->inputs[0], at, n * n, a);
    tn_dense_get(r->inputs[1], bt, n * m, b);
    if (adjoint) tn_dense_adjoint(a, n);
    solve_triangular(a, n, lower != adjoint, b, m);
    tn_dense_put(r->outputs[0], i * n * m, n * m, b);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};
static const tn_kernel_def kernels_triangular[] = {
    {.name = "reference", .prepare = prepare_triangular, .run = run_triangular},
    {0},
};

TN_OP(MatrixSolve, .doc = "Solves systems of linear equations with square matrices or their adjoints.",
      .inputs = "matrix: T, rhs: T", .outputs = "output: T",
      .attrs = "adjoint: bool = false; T: {double, float, half, complex64, complex128}", .shape = shape,
      .gradient = gradient, .kernels = kernels);

TN_OP(MatrixTriangularSolve, .doc = "Solves systems with triangular matrices or their adjoints; the batches broadcast.",
      .inputs = "matrix: T, rhs: T", .outputs = "output: T",
      .attrs = "lower: bool = true; adjoint: bool = false; T: {bfloat16, double, float, half, complex64, complex128}",
      .shape = shape_triangular, .gradient = gradient_triangular, .kernels = kernels_triangular);
