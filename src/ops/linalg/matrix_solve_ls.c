/* MatrixSolveLs: the X that makes |A X - B|^2 + l2_regularizer |X|^2 least, or the smallest X with A X = B. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/linalg/dense.h"

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape a, b, batch, scalar;
  int64_t rows;
  TN_TRY(tn_shape_with_rank(c, 2, 0, &scalar));
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &a));
  TN_TRY(tn_shape_at_least_rank(c, 1, 2, &b));
  const tn_shape a_batch = tn_matrix_batch(&a), b_batch = tn_matrix_batch(&b);
  TN_TRY(tn_shape_merge(c, &a_batch, &b_batch, &batch));
  TN_TRY(tn_dim_merge(c, tn_matrix_dim(&a, 2), tn_matrix_dim(&b, 2), &rows));
  return tn_matrix_shape(c, &batch, tn_matrix_dim(&a, 1), tn_matrix_dim(&b, 1), &c->out[0]);
}

/* --- gradient --- */

typedef struct ls_graph {
  tn_scope *s;
  tn_dtype t;
} ls_graph;

static tn_output product(const ls_graph *g, tn_output x, tn_output y, bool adjoint_x, bool adjoint_y) {
  return tn_build_matmul(g->s, x, y, adjoint_x, adjoint_y, g->t);
}

/* A^H A + l2, or A A^H + l2. */
static tn_output gramian(const ls_graph *g, tn_output a, tn_output l2, bool deep) {
  const tn_output gram = product(g, a, a, deep, !deep);
  const tn_output diagonal = tn_build1(g->s, "MatrixDiagPart", gram);
  const tn_output ridge = tn_build2(g->s, "AddV2", diagonal, tn_build_cast(g->s, l2, g->t));
  return tn_build2(g->s, "MatrixSetDiag", gram, ridge);
}

/* Transposed, not conjugated, as TensorFlow has it for complex matrices too. */
static tn_output transposed(const ls_graph *g, tn_output x) {
  return tn_build(g->s, "Einsum", TN_IN(x), TN_ATTRS(TN_A_INT("N", 1), TN_A_STRING("equation", "...ij->...ji")));
}

/* At least as many rows as columns. */
static void gradient_deep(const ls_graph *g, tn_gradient_ctx *c) {
  tn_scope *s = g->s;
  const tn_output a = tn_grad_x(c, 0), b = tn_grad_x(c, 1), x = tn_grad_y(c, 0);
  const tn_output z = tn_build2(s, "MatrixSolve", gramian(g, a, tn_grad_x(c, 2), true), tn_grad_dense(c, 0));
  const tn_output xz = product(g, x, z, false, true);
  const tn_output both = tn_build2(s, "AddV2", xz, transposed(g, xz));
  tn_grad_set(c, 0, tn_build2(s, "Sub", product(g, b, z, false, true), product(g, a, both, false, false)));
  tn_grad_set(c, 1, product(g, a, z, false, false));
}

static void gradient_wide(const ls_graph *g, tn_gradient_ctx *c) {
  tn_scope *s = g->s;
  const tn_output a = tn_grad_x(c, 0), grad = tn_grad_dense(c, 0), gram = gramian(g, a, tn_grad_x(c, 2), false);
  const tn_output gb = tn_build2(s, "MatrixSolve", gram, product(g, a, grad, false, false));
  const tn_output y = tn_build2(s, "MatrixSolve", gram, tn_grad_x(c, 1));
  const tn_output first = product(g, gb, product(g, y, a, true, false), false, false);
  const tn_output rest = tn_build2(s, "Sub", grad, product(g, a, gb, true, false));
  tn_grad_set(c, 0, tn_build2(s, "Sub", product(g, y, rest, false, true), first));
  tn_grad_set(c, 1, gb);
}

static tn_error *gradient(tn_gradient_ctx *c) {
  const ls_graph g = {c->scope, tn_dtype_base(c->node->output_types[0])};
  const tn_shape a = tn_output_shape(tn_grad_x(c, 0));
  const int64_t rows = tn_matrix_dim(&a, 2), columns = tn_matrix_dim(&a, 1);
  if (!tn_node_get_bool(c->node, "fast"))
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Gradient not defined for fast=False");
  if (rows < 0 || columns < 0)
    return tn_node_errorf(c->node, TN_UNIMPLEMENTED, "the gradient needs known numbers of rows and columns, got %s",
                          TN_SHAPE_STR(&a));
  if (rows >= columns)
    gradient_deep(&g, c);
  else
    gradient_wide(&g, c);
  return NULL;
}

/* --- kernel --- */

typedef struct problem {
  int64_t rows, columns, rights; /* A[rows,columns] X[columns,rights] = B[rows,rights] */
  double epsilon;                /* of the op's own precision: what counts as 0 beside 1 */
} problem;

/* A = L L^H in place, the lower triangle. False where A is not positive definite. */
static bool cholesky(tn_z *a, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    double rest = creal(a[j * n + j]);
    for (int64_t k = 0; k < j; k++) rest -= creal(a[j * n + k] * conj(a[j * n + k]));
    if (rest <= 0) return false;
    const double pivot = sqrt(rest);
    a[j * n + j] = pivot;
    for (int64_t i = j + 1; i < n; i++) {
      tn_z sum = a[i * n + j];
      for (int64_t k = 0; k < j; k++) sum -= a[i * n + k] * conj(a[j * n + k]);
      a[i * n + j] = sum / pivot;
    }
  }
  return true;
}

/* B[n,m] = (L L^H)^-1 B. */
static void cholesky_solve(const tn_z *l, int64_t n, tn_z *b, int64_t m) {
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < i; k++)
      for (int64_t j = 0; j < m; j++) b[i * m + j] -= l[i * n + k] * b[k * m + j];
    for (int64_t j = 0; j < m; j++) b[i * m + j] /= creal(l[i * n + i]);
  }
  for (int64_t i = n - 1; i >= 0; i--) {
    for (int64_t k = i + 1; k < n; k++)
      for (int64_t j = 0; j < m; j++) b[i * m + j] -= conj(l[k * n + i]) * b[k * m + j];
    for (int64_t j = 0; j < m; j++) b[i * m + j] /= creal(l[i * n + i]);
  }
}

/* OUT[n,m] = A^H B, A[k,n], B[k,m]. */
static void adjoint_product(const tn_z *a, const tn_z *b, int64_t k, int64_t n, int64_t m, tn_z *out) {
  memset(out, 0, (size_t)(n * m) * sizeof *out);
  for (int64_t l = 0; l < k; l++)
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < m; j++) out[i * m + j] += conj(a[l * n + i]) * b[l * m + j];
}

/* Through the normal equations of the smaller side; GRAM is scratch. False for a matrix without full rank. */
static bool solve_normal(const problem *p, double l2, const tn_z *a, tn_z *b, tn_z *gram, tn_z *x) {
  const int64_t m = p->rows, n = p->columns;
  const bool deep = m >= n;
  const int64_t side = deep ? n : m;
  if (deep) {
    adjoint_product(a, a, m, n, n, gram);
    adjoint_product(a, b, m, n, p->rights, x);
  } else {
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < m; j++) {
        tn_z sum = 0;
        for (int64_t k = 0; k < n; k++) sum += a[i * n + k] * conj(a[j * n + k]);
        gram[i * m + j] = sum;
      }
  }
  for (int64_t i = 0; i < side; i++) gram[i * side + i] += l2;
  if (!cholesky(gram, side)) return false;
  cholesky_solve(gram, side, deep ? x : b, p->rights);
  if (!deep) adjoint_product(a, b, m, n, p->rights, x);
  return true;
}

/* Makes column K of A[m,n] 0 below its diagonal by a reflection of rows [K, m), and does the same to the columns behind
 * it. V[K..m) becomes the reflection's vector, of length 1 or 0. Returns the new element of the diagonal. */
static tn_z reduce_column(tn_z *a, int64_t m, int64_t n, int64_t k, tn_z *v) {
  double norm = 0, length = 0;
  for (int64_t i = k; i < m; i++) {
    v[i] = a[i * n + k];
    norm = hypot(norm, cabs(v[i]));
    a[i * n + k] = 0;
  }
  const tn_z diagonal = cabs(v[k]) == 0 ? -norm : -v[k] / cabs(v[k]) * norm;
  a[k * n + k] = diagonal;
  v[k] -= diagonal;
  for (int64_t i = k; i < m; i++) length = hypot(length, cabs(v[i]));
  for (int64_t i = k; i < m && length > 0; i++) v[i] /= length;
  for (int64_t j = k + 1; j < n; j++) {
    tn_z dot = 0;
    for (int64_t i = k; i < m; i++) dot += conj(v[i]) * a[i * n + j];
    for (int64_t i = k; i < m; i++) a[i * n + j] -= 2 * dot * v[i];
  }
  return diagonal;
}

/* Rows [K, n) of B[n,m] reflected by V. */
static void reflect(const tn_z *v, int64_t k, int64_t n, tn_z *b, int64_t m) {
  for (int64_t j = 0; j < m; j++) {
    tn_z dot = 0;
    for (int64_t i = k; i < n; i++) dot += conj(v[i]) * b[i * m + j];
    for (int64_t i = k; i < n; i++) b[i * m + j] -= 2 * dot * v[i];
  }
}

/* Swaps the longest of the columns from K on, of rows from K on, to K. */
static void pivot_column(const problem *p, tn_z *a, int64_t k, int64_t *order) {
  const int64_t m = p->rows, n = p->columns;
  int64_t best = k;
  double most = -1;
  for (int64_t j = k; j < n; j++) {
    double norm = 0;
    for (int64_t i = k; i < m; i++) norm = hypot(norm, cabs(a[i * n + j]));
    if (!(norm > most)) continue;
    most = norm;
    best = j;
  }
  const int64_t swapped = order[k];
  order[k] = order[best];
  order[best] = swapped;
  for (int64_t i = 0; i < m && best != k; i++) {
    const tn_z t = a[i * n + k];
    a[i * n + k] = a[i * n + best];
    a[i * n + best] = t;
  }
}

/* A = Q R with the longest columns first, their places in ORDER; B becomes Q^H B. Returns the rank. V holds m elements.
 */
static int64_t factor(const problem *p, tn_z *a, tn_z *b, tn_z *v, int64_t *order) {
  const int64_t m = p->rows, n = p->columns, least = m < n ? m : n;
  double most = 0;
  for (int64_t j = 0; j < n; j++) order[j] = j;
  for (int64_t k = 0; k < least; k++) {
    pivot_column(p, a, k, order);
    const double pivot = cabs(reduce_column(a, m, n, k, v));
    most = fmax(most, pivot);
    if (!(pivot > most * p->epsilon * (double)least)) return k;
    reflect(v, k, m, b, p->rights);
  }
  return least;
}

/* The smallest X[n,w] with R X = C for R[rank,n] in A and C in B: with R^H = Q T it is Q T^-H C. T[n,rank] is followed
 * by the vectors that make Q, as many. */
static void smallest(const problem *p, int64_t rank, const tn_z *a, const tn_z *b, tn_z *t, tn_z *x) {
  tn_z *vectors = t + p->columns * rank;
  const int64_t n = p->columns, w = p->rights;
  for (int64_t i = 0; i < rank; i++)
    for (int64_t j = 0; j < n; j++) t[j * rank + i] = j < i ? 0 : conj(a[i * n + j]);
  for (int64_t k = 0; k < rank; k++) reduce_column(t, n, rank, k, vectors + k * n);
  memset(x, 0, (size_t)(n * w) * sizeof *x);
  for (int64_t i = 0; i < rank; i++) {
    for (int64_t j = 0; j < w; j++) {
      tn_z rest = b[i * w + j];
      for (int64_t k = 0; k < i; k++) rest -= conj(t[k * rank + i]) * x[k * w + j];
      x[i * w + j] = rest / conj(t[i * rank + i]);
    }
  }
  for (int64_t k = rank - 1; k >= 0; k--) reflect(vectors + k * n, k, n, x, w);
}

/* Row ORDER[i] of X[n,w] becomes what row I is; COLUMN holds n elements. */
static void reorder(const problem *p, const int64_t *order, tn_z *column, tn_z *x) {
  for (int64_t j = 0; j < p->rights; j++) {
    for (int64_t i = 0; i < p->columns; i++) column[order[i]] = x[i * p->rights + j];
    for (int64_t i = 0; i < p->columns; i++) x[i * p->rights + j] = column[i];
  }
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *a = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  if (p->inputs[2].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "l2_regularizer must be scalar, got shape %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  if (a->rank < 2 || b->rank != a->rank || tn_matrix_dim(a, 2) != tn_matrix_dim(b, 2))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input matrix and rhs are incompatible: %s and %s",
                             TN_SHAPE_STR(a), TN_SHAPE_STR(b));
  for (int i = 0; i < a->rank - 2; i++)
    if (a->dims[i] != b->dims[i])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the batches of matrix and rhs differ: %s and %s",
                               TN_SHAPE_STR(a), TN_SHAPE_STR(b));
  problem *state;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  const int64_t m = tn_matrix_dim(a, 2), n = tn_matrix_dim(a, 1), w = tn_matrix_dim(b, 1), least = m < n ? m : n;
  const bool single = p->inputs[0].dtype == TN_FLOAT || p->inputs[0].dtype == TN_COMPLEX64;
  *state = (problem){m, n, w, single ? (double)FLT_EPSILON : DBL_EPSILON};
  /* A, B, X, a line; T and the vectors, or the Gramian. */
  p->scratch = (size_t)(m * n + m * w + n * w + m + n + 2 * n * least) * sizeof(tn_z) + (size_t)n * sizeof(int64_t);
  tn_shape out = *a;
  out.dims[out.rank - 2] = n;
  out.dims[out.rank - 1] = w;
  return tn_prepare_output(p, 0, &out);
}

static tn_error *run(tn_run *r) {
  const problem *p = r->state;
  const int64_t m = p->rows, n = p->columns, w = p->rights;
  const double l2 = TN_DATA(double, r->inputs[2])[0];
  int64_t rows, columns;
  const int64_t count = tn_matrices(r->inputs[0], &rows, &columns);
  if (!(l2 >= 0)) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "l2_regularizer must be >= 0, got %g", l2);
  tn_z *a = r->scratch, *b = a + m * n, *x = b + m * w, *line = x + n * w, *more = line + m + n;
  const int64_t least = m < n ? m : n;
  int64_t *order = (int64_t *)(more + 2 * n * least);
  for (int64_t i = 0; i < count; i++) {
    tn_dense_get(r->inputs[0], i * m * n, m * n, a);
    tn_dense_get(r->inputs[1], i * m * w, m * w, b);
    if (!tn_node_get_bool(r->node, "fast")) {
      const int64_t rank = factor(p, a, b, line, order);
      smallest(p, rank, a, b, more, x);
      reorder(p, order, line, x);
    } else if (!solve_normal(p, l2, a, b, more, x)) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or provide a "
                           "larger l2_regularizer > 0. (matrix %lld)",
                           (long long)i);
    }
    tn_dense_put(r->outputs[0], i * n * w, n * w, x);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference",
     .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_COMPLEX64) | TN_BIT(TN_COMPLEX128),
     .prepare = prepare,
     .run = run},
    {0}};

TN_OP(MatrixSolveLs, .inputs = "matrix: T, rhs: T, l2_regularizer: double", .outputs = "output: T",
      .attrs = "T: {double, float, half, complex64, complex128}; fast: bool = true",
      .doc = "Solves systems of linear equations in the sense of least squares.", .shape = shape, .gradient = gradient,
      .kernels = kernels);
