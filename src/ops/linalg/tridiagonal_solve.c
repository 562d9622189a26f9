/* TridiagonalSolve: X with A X = B, where A is given by its three diagonals. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/linalg/dense.h"
#include "ops/linalg/tridiagonal.h"

/* --- shapes and gradient --- */

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape diagonals, rhs, batch;
  int64_t n;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &diagonals));
  TN_TRY(tn_shape_at_least_rank(c, 1, 2, &rhs));
  const tn_shape a = tn_matrix_batch(&diagonals), b = tn_matrix_batch(&rhs);
  TN_TRY(tn_shape_merge(c, &a, &b, &batch));
  TN_TRY(tn_dim_merge(c, tn_matrix_dim(&diagonals, 1), tn_matrix_dim(&rhs, 2), &n));
  TN_TRY(tn_dim_merge(c, tn_matrix_dim(&diagonals, 2), 3, &n));
  c->out[0] = rhs;
  return NULL;
}

/* Rows [first, first + 1) of the diagonals. */
static tn_output diagonal(tn_scope *s, tn_output diagonals, int64_t row) {
  return tn_build_rows(s, diagonals, row, row + 1);
}

static tn_output stack(tn_scope *s, tn_output above, tn_output main, tn_output below) {
  return tn_build(s, "ConcatV2", TN_IN(above, main, below, tn_build_scalar(s, TN_INT32, -2)), NULL);
}

/* Rows of X by rows of Y, as a row. */
static tn_output dots(tn_scope *s, tn_output x, tn_output y) {
  return tn_build2(s, "ExpandDims", tn_build_row_dots(s, x, y), tn_build_scalar(s, TN_INT32, -2));
}

/* Not conjugated for complex numbers, as TensorFlow has it. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output d = tn_grad_x(c, 0), x = tn_grad_y(c, 0);
  const tn_output transposed = stack(s, tn_build_shift_left(s, diagonal(s, d, 2)), diagonal(s, d, 1),
                                     tn_build_shift_right(s, diagonal(s, d, 0)));
  const tn_output gb =
      tn_build(s, "TridiagonalSolve", TN_IN(transposed, tn_grad_dense(c, 0)),
               TN_ATTRS(TN_A_SAME(c->node, "partial_pivoting"), TN_A_SAME(c->node, "perturb_singular")));
  const tn_output gd =
      stack(s, dots(s, gb, tn_build_shift_up(s, x)), dots(s, gb, x), dots(s, gb, tn_build_shift_down(s, x)));
  tn_grad_set(c, 0, tn_build1(s, "Neg", gd));
  tn_grad_set(c, 1, gb);
  return NULL;
}

/* --- kernel --- */

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *d = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  if (d->rank < 2 || b->rank != d->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "diagonals and rhs must be matrices of one batch, got %s and %s",
                             TN_SHAPE_STR(d), TN_SHAPE_STR(b));
  for (int i = 0; i < d->rank - 2; i++)
    if (d->dims[i] != b->dims[i])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the batches of diagonals and rhs differ: %s and %s",
                               TN_SHAPE_STR(d), TN_SHAPE_STR(b));
  if (tn_matrix_dim(d, 2) != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Expected diagonals to be provided as a matrix with 3 rows, got %lld rows.",
                             (long long)tn_matrix_dim(d, 2));
  if (tn_matrix_dim(d, 1) != tn_matrix_dim(b, 2))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Expected the same number of left-hand sides and right-hand sides, got %lld and %lld.",
                             (long long)tn_matrix_dim(d, 1), (long long)tn_matrix_dim(b, 2));
  if (tn_node_get_bool(p->node, "perturb_singular") && !tn_node_get_bool(p->node, "partial_pivoting"))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Setting perturb_singular requires also setting partial_pivoting.");
  p->scratch = (size_t)(3 + tn_matrix_dim(b, 1)) * (size_t)tn_matrix_dim(d, 1) * sizeof(tn_z);
  return tn_prepare_output(p, 0, b);
}

/* A[n] x = b[n,m]. While it is solved, row i of the matrix is D[0][i] in column i, then D[1] and D[2] to its right. */
typedef struct banded {
  int64_t n, m;
  tn_z *d[3], *b;
} banded;

static void swap(tn_z *x, tn_z *y) {
  const tn_z t = *x;
  *x = *y;
  *y = t;
}

/* Swaps rows I and I + 1; BELOW is the element of row I + 1 in column I, which is swapped too. */
static void swap_rows(const banded *s, int64_t i, tn_z *below) {
  swap(&s->d[0][i], below);
  swap(&s->d[1][i], &s->d[0][i + 1]);
  swap(&s->d[2][i], &s->d[1][i + 1]);
  for (int64_t j = 0; j < s->m; j++) swap(&s->b[i * s->m + j], &s->b[(i + 1) * s->m + j]);
}

/* Eliminates below the diagonal. SUB[i] is left of the diagonal in row i. LEAST: what smaller pivots are replaced by, 0
 * for none. False where a pivot is 0. */
static bool eliminate(const banded *s, const tn_z *sub, bool pivoting, double least) {
  for (int64_t i = 0; i < s->n; i++) {
    tn_z below = i + 1 < s->n ? sub[i + 1] : 0;
    s->d[2][i] = 0;
    if (pivoting && cabs(below) > cabs(s->d[0][i])) swap_rows(s, i, &below);
    tn_z *pivot = &s->d[0][i];
    if (cabs(*pivot) < least) *pivot = least;
    if (*pivot == 0) return false;
    if (i + 1 == s->n) break;
    const tn_z factor = below / *pivot;
    s->d[0][i + 1] -= factor * s->d[1][i];
    s->d[1][i + 1] -= factor * s->d[2][i];
    for (int64_t j = 0; j < s->m; j++) s->b[(i + 1) * s->m + j] -= factor * s->b[i * s->m + j];
  }
  return true;
}

static void substitute(const banded *s) {
  for (int64_t i = s->n - 1; i >= 0; i--)
    for (int64_t j = 0; j < s->m; j++) {
      tn_z rest = s->b[i * s->m + j];
      for (int64_t k = 1; k < 3 && i + k < s->n; k++) rest -= s->d[k][i] * s->b[(i + k) * s->m + j];
      s->b[i * s->m + j] = rest / s->d[0][i];
    }
}

static tn_error *run(tn_run *r) {
  banded s;
  const bool pivoting = tn_node_get_bool(r->node, "partial_pivoting");
  const bool perturbed = tn_node_get_bool(r->node, "perturb_singular");
  const tn_dtype dtype = r->inputs[0]->dtype;
  const double epsilon = dtype == TN_FLOAT || dtype == TN_COMPLEX64 ? (double)FLT_EPSILON : DBL_EPSILON;
  const int64_t count = tn_matrices(r->inputs[1], &s.n, &s.m);
  /* The three diagonals as they are given: the one below serves as SUB. */
  tn_z *diagonals = r->scratch, *sub = diagonals + 2 * s.n;
  s.b = diagonals + 3 * s.n;
  for (int64_t i = 0; i < count && s.n > 0; i++) {
    tn_dense_get(r->inputs[0], i * 3 * s.n, 3 * s.n, diagonals);
    tn_dense_get(r->inputs[1], i * s.n * s.m, s.n * s.m, s.b);
    double most = 0;
    for (int64_t j = 0; j < 3 * s.n && perturbed; j++) most = fmax(most, cabs(diagonals[j]));
    s.d[1] = diagonals;
    s.d[0] = diagonals + s.n;
    s.d[1][s.n - 1] = 0;
    /* Row i's fill-in takes the place of its own element below, which has been read by then. */
    s.d[2] = sub;
    if (eliminate(&s, sub, pivoting, most * epsilon)) {
      substitute(&s);
    } else {
      for (int64_t j = 0; j < s.n * s.m; j++) s.b[j] = (tn_z)NAN + (tn_dtype_is_complex(dtype) ? NAN * I : 0);
    }
    tn_dense_put(r->outputs[0], i * s.n * s.m, s.n * s.m, s.b);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(
    TridiagonalSolve, .inputs = "diagonals: T, rhs: T", .outputs = "output: T",
    .attrs = "partial_pivoting: bool = true; perturb_singular: bool = false; T: {double, float, complex64, complex128}",
    .doc = "Solves systems of linear equations whose matrices have three diagonals.", .shape = shape,
    .gradient = gradient, .kernels = kernels);
