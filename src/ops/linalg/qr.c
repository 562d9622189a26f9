/* Qr: A = Q R by Householder reflections. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/linalg/dense.h"

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape a;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &a));
  const tn_shape batch = tn_matrix_batch(&a);
  const int64_t m = tn_matrix_dim(&a, 2), n = tn_matrix_dim(&a, 1);
  const int64_t least = m == 0 || n == 0 ? 0 : m < 0 || n < 0 ? -1 : m < n ? m : n;
  const bool full = tn_node_get_bool(c->node, "full_matrices");
  TN_TRY(tn_matrix_shape(c, &batch, m, full ? m : least, &c->out[0]));
  return tn_matrix_shape(c, &batch, full ? m : least, n, &c->out[1]);
}

/* --- the gradient --- */

typedef struct qr_graph {
  tn_scope *s;
  tn_dtype t;
  int rank;
} qr_graph;

static tn_output product(const qr_graph *g, tn_output a, tn_output b, bool adjoint_a, bool adjoint_b) {
  return tn_build_matmul(g->s, a, b, adjoint_a, adjoint_b, g->t);
}

static tn_output adjoint(const qr_graph *g, tn_output x) {
  int64_t order[TN_MAX_RANK];
  for (int i = 0; i < g->rank; i++) order[i] = i;
  order[g->rank - 1] = g->rank - 2;
  order[g->rank - 2] = g->rank - 1;
  return tn_build2(g->s, tn_dtype_is_complex(g->t) ? "ConjugateTranspose" : "Transpose", x,
                   tn_build_ints(g->s, TN_INT32, g->rank, order));
}

static tn_output band(const qr_graph *g, tn_output x, int lower, int upper) {
  return tn_build(g->s, "MatrixBandPart",
                  TN_IN(x, tn_build_scalar(g->s, TN_INT64, lower), tn_build_scalar(g->s, TN_INT64, upper)), NULL);
}

/* X R^-H for an upper triangular R. */
static tn_output divide(const qr_graph *g, tn_output x, tn_output r) {
  return adjoint(g,
                 tn_build(g->s, "MatrixTriangularSolve", TN_IN(r, adjoint(g, x)), TN_ATTRS(TN_A_BOOL("lower", false))));
}

/* For at least as many rows as columns. */
static tn_output gradient_deep(const qr_graph *g, tn_output q, tn_output r, tn_output dq, tn_output dr) {
  tn_scope *s = g->s;
  const tn_output qdq = product(g, q, dq, true, false), rdr = product(g, r, dr, false, true);
  const tn_output skew =
      tn_build2(s, "AddV2", tn_build2(s, "Sub", qdq, adjoint(g, qdq)), tn_build2(s, "Sub", rdr, adjoint(g, rdr)));
  const tn_output inner = tn_build2(s, "AddV2", dr, divide(g, band(g, skew, -1, 0), r));
  const tn_output outside = divide(g, tn_build2(s, "Sub", dq, product(g, q, qdq, false, false)), r);
  const tn_output sum = tn_build2(s, "AddV2", product(g, q, inner, false, false), outside);
  if (!tn_dtype_is_complex(g->t)) return sum;
  /* The imaginary part of the diagonal of rdr - qdq^H. */
  const tn_output diagonal = band(g, tn_build2(s, "Sub", rdr, adjoint(g, qdq)), 0, 0);
  const tn_output real = tn_build_cast(
      s, tn_build(s, "Real", TN_IN(diagonal), TN_ATTRS(TN_A_TYPE("Tout", g->t == TN_COMPLEX64 ? TN_FLOAT : TN_DOUBLE))),
      g->t);
  const tn_output correction = product(g, q, adjoint(g, tn_build2(s, "Sub", diagonal, real)), false, false);
  return tn_build2(s, "AddV2", sum, divide(g, correction, r));
}

/* Columns [BEGIN, END) of matrices; END -1: to the last. */
static tn_output columns(const qr_graph *g, tn_output x, int64_t begin, int64_t end) {
  int64_t from[TN_MAX_RANK] = {0}, to[TN_MAX_RANK] = {0}, step[TN_MAX_RANK];
  const int last = g->rank - 1;
  for (int i = 0; i < g->rank; i++) step[i] = 1;
  from[last] = begin;
  to[last] = end;
  const int64_t all = (1 << last) - 1;
  return tn_build(g->s, "StridedSlice",
                  TN_IN(x, tn_build_ints(g->s, TN_INT32, g->rank, from), tn_build_ints(g->s, TN_INT32, g->rank, to),
                        tn_build_ints(g->s, TN_INT32, g->rank, step)),
                  TN_ATTRS(TN_A_INT("begin_mask", all), TN_A_INT("end_mask", end < 0 ? all | 1 << last : all)));
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output q = tn_grad_y(c, 0), r = tn_grad_y(c, 1), dq = tn_grad_dense(c, 0), dr = tn_grad_dense(c, 1);
  const tn_shape q_shape = tn_output_shape(q), r_shape = tn_output_shape(r);
  const int64_t rows = tn_matrix_dim(&q_shape, 2), n = tn_matrix_dim(&r_shape, 1);
  if (rows < 0 || n < 0 || tn_matrix_dim(&r_shape, 2) < 0)
    return tn_node_errorf(c->node, TN_UNIMPLEMENTED, "the gradient needs known numbers of rows and columns, r is %s",
                          TN_SHAPE_STR(&r_shape));
  if (tn_matrix_dim(&r_shape, 2) > n && rows == tn_matrix_dim(&q_shape, 1))
    return tn_node_errorf(c->node, TN_UNIMPLEMENTED, "no gradient for full matrices with more rows than columns");
  const qr_graph g = {s, tn_dtype_base(c->node->output_types[0]), q_shape.rank};
  if (rows >= n) {
    tn_grad_set(c, 0, gradient_deep(&g, q, r, dq, dr));
    return NULL;
  }
  /* A = [X, Y] with X square, R = [U, V]. */
  const tn_output y = columns(&g, tn_grad_x(c, 0), rows, -1), dv = columns(&g, dr, rows, -1);
  const tn_output dx =
      gradient_deep(&g, q, columns(&g, r, 0, rows), tn_build2(s, "AddV2", dq, product(&g, y, dv, false, true)),
                    columns(&g, dr, 0, rows));
  tn_grad_set(
      c, 0,
      tn_build(s, "ConcatV2", TN_IN(dx, product(&g, q, dv, false, false), tn_build_scalar(s, TN_INT32, -1)), NULL));
  return NULL;
}

/* --- the kernel --- */

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape;
  if (s->rank < 2) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "matrices expected, got %s", TN_SHAPE_STR(s));
  const int64_t m = tn_matrix_dim(s, 2), n = tn_matrix_dim(s, 1), least = m < n ? m : n;
  const int64_t inner = tn_node_get_bool(p->node, "full_matrices") ? m : least;
  tn_shape q = *s, r = *s;
  q.dims[q.rank - 1] = inner;
  r.dims[r.rank - 2] = inner;
  TN_TRY(tn_prepare_output(p, 0, &q));
  TN_TRY(tn_prepare_output(p, 1, &r));
  p->scratch = (size_t)(m * n + m * m + m) * sizeof(tn_z);
  return NULL;
}

/* The reflection I - TAU V V^H, with V[0] = 1 in X[0..n) (STEP apart), that makes X a multiple of the first axis; X[0]
 * becomes that. */
static tn_z reflect(tn_z *x, int64_t n, int64_t step) {
  double tail = 0;
  for (int64_t i = 1; i < n; i++) tail += creal(x[i * step] * conj(x[i * step]));
  const tn_z first = x[0];
  if (tail <= DBL_MIN && cimag(first) * cimag(first) <= DBL_MIN) {
    for (int64_t i = 1; i < n; i++) x[i * step] = 0;
    return 0;
  }
  double beta = sqrt(creal(first * conj(first)) + tail);
  if (creal(first) >= 0) beta = -beta;
  for (int64_t i = 1; i < n; i++) x[i * step] /= first - beta;
  x[0] = beta;
  return conj((beta - first) / beta);
}

/* A reflection I - TAU V V^H with V in column K of A[m,n], below the diagonal. */
typedef struct reflection {
  const tn_z *a;
  int64_t m, n, k;
  tn_z tau;
} reflection;

/* Applies it to columns [FROM, W) of B[m,w]. */
static void apply(const reflection *f, tn_z *b, int64_t w, int64_t from) {
  const tn_z *a = f->a;
  const int64_t m = f->m, n = f->n, k = f->k;
  for (int64_t j = from; j < w; j++) {
    tn_z dot = b[k * w + j];
    for (int64_t i = k + 1; i < m; i++) dot += conj(a[i * n + k]) * b[i * w + j];
    dot *= f->tau;
    b[k * w + j] -= dot;
    for (int64_t i = k + 1; i < m; i++) b[i * w + j] -= a[i * n + k] * dot;
  }
}

static tn_error *run(tn_run *r) {
  int64_t m, n;
  const int64_t count = tn_matrices(r->inputs[0], &m, &n), least = m < n ? m : n;
  const int64_t inner = r->outputs[1]->shape.dims[r->outputs[1]->shape.rank - 2];
  tn_z *a = r->scratch, *q = a + m * n, *tau = q + m * m;
  for (int64_t c = 0; c < count; c++) {
    tn_dense_get(r->inputs[0], c * m * n, m * n, a);
    for (int64_t k = 0; k < least; k++) {
      tau[k] = reflect(a + k * n + k, m - k, n);
      apply(&(reflection){a, m, n, k, tau[k]}, a, n, k + 1);
    }
    memset(q, 0, (size_t)(m * inner) * sizeof *q);
    for (int64_t i = 0; i < inner; i++) q[i * inner + i] = 1;
    for (int64_t k = least - 1; k >= 0; k--) apply(&(reflection){a, m, n, k, conj(tau[k])}, q, inner, k);
    tn_dense_put(r->outputs[0], c * m * inner, m * inner, q);
    for (int64_t i = 0; i < inner; i++)
      for (int64_t j = 0; j < n && j < i; j++) a[i * n + j] = 0;
    tn_dense_put(r->outputs[1], c * inner * n, inner * n, a);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

TN_OP(Qr, .doc = "Matrices as products of a matrix with orthonormal columns and an upper triangular one.",
      .inputs = "input: T", .outputs = "q: T, r: T",
      .attrs = "full_matrices: bool = false; T: {double, float, half, complex64, complex128}", .shape = shape,
      .gradient = gradient, .kernels = kernels);
