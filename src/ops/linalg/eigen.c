/* SelfAdjointEigV2: eigenvalues and eigenvectors of Hermitian matrices, by Jacobi's rotations. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/array/array.h"
#include "ops/linalg/dense.h"

enum { MAX_SWEEPS = 60 };

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  tn_shape values = p->inputs[0].shape, none = tn_shape_of(1, &(int64_t){0});
  const int64_t n = values.dims[--values.rank];
  p->scratch = (size_t)(3 * n * n + n) * sizeof(tn_z) + (size_t)n * sizeof(int64_t);
  TN_TRY(tn_prepare_output(p, 0, &values));
  return tn_prepare_output(p, 1, tn_node_get_bool(p->node, "compute_v") ? &p->inputs[0].shape : &none);
}

/* Rows and columns I and J of A, and columns of V, turned so that A[i,j] becomes 0. */
static void rotate(tn_z *a, tn_z *v, int64_t n, int64_t i, int64_t j) {
  const double size = cabs(a[i * n + j]);
  const tn_z phase = a[i * n + j] / size;
  const double tau = (creal(a[j * n + j]) - creal(a[i * n + i])) / (2 * size);
  const double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau)), c = 1 / sqrt(1 + t * t);
  const tn_z s = t * c * phase;
  for (int64_t k = 0; k < n; k++) {
    const tn_z x = a[k * n + i], y = a[k * n + j];
    a[k * n + i] = c * x - conj(s) * y;
    a[k * n + j] = s * x + c * y;
  }
  for (int64_t k = 0; k < n; k++) {
    const tn_z x = a[i * n + k], y = a[j * n + k];
    a[i * n + k] = c * x - s * y;
    a[j * n + k] = conj(s) * x + c * y;
  }
  for (int64_t k = 0; k < n; k++) {
    const tn_z x = v[k * n + i], y = v[k * n + j];
    v[k * n + i] = c * x - conj(s) * y;
    v[k * n + j] = s * x + c * y;
  }
}

static void solve(tn_z *a, tn_z *v, int64_t n) {
  double total = 0;
  memset(v, 0, (size_t)(n * n) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i * n + i] = 1;
  for (int64_t i = 0; i < n * n; i++) total += creal(a[i] * conj(a[i]));
  for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    double rest = 0;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n; j++) rest += creal(a[i * n + j] * conj(a[i * n + j]));
    if (!(rest > total * DBL_EPSILON * DBL_EPSILON * 1e-4)) return;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n; j++)
        if (cabs(a[i * n + j]) > DBL_MIN) rotate(a, v, n, i, j);
  }
}

static int by_value(const void *x, const void *y, void *values) {
  const double a = creal(((const tn_z *)values)[*(const int64_t *)x]),
               b = creal(((const tn_z *)values)[*(const int64_t *)y]);
  return (a > b) - (a < b);
}

static tn_error *run(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  const bool vectors = tn_node_get_bool(r->node, "compute_v");
  tn_z *a = r->scratch, *v = a + n * n, *sorted = v + n * n, *values = sorted + n * n;
  int64_t *order = (int64_t *)(values + n);
  for (int64_t m = 0; m < count; m++) {
    tn_dense_get(r->inputs[0], m * n * n, n * n, a);
    for (int64_t i = 0; i < n; i++) {
      a[i * n + i] = creal(a[i * n + i]);
      for (int64_t j = i + 1; j < n; j++) a[i * n + j] = conj(a[j * n + i]); /* the lower triangle counts */
    }
    solve(a, v, n);
    for (int64_t i = 0; i < n; i++) {
      values[i] = creal(a[i * n + i]);
      order[i] = i;
    }
    qsort_r(order, (size_t)n, sizeof *order, by_value, values);
    for (int64_t i = 0; i < n; i++) tn_dense_put(r->outputs[0], m * n + i, 1, &values[order[i]]);
    for (int64_t i = 0; i < n * n; i++) sorted[i] = v[i / n * n + order[i % n]];
    if (vectors) tn_dense_put(r->outputs[1], m * n * n, n * n, sorted);
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_square_shape(c, 0, &s));
  c->out[0] = s.rank < 0 ? s : tn_shape_part(&s, 0, s.rank - 1);
  c->out[1] = tn_node_get_bool(c->node, "compute_v") ? s : tn_shape_of(1, &(int64_t){0});
  return NULL;
}

static tn_output adjoint(tn_scope *s, tn_output x) {
  const tn_dtype t = tn_dtype_base(tn_output_dtype(x));
  const tn_output rank = tn_build1(s, "Rank", x), one = tn_build_scalar(s, TN_INT32, 1),
                  two = tn_build_scalar(s, TN_INT32, 2);
  const tn_output zero = tn_build_scalar(s, TN_INT32, 0);
  const tn_output batch = tn_build(s, "Range", TN_IN(zero, tn_build2(s, "Sub", rank, two), one), NULL);
  const tn_output last = tn_build2(s, "ExpandDims", tn_build2(s, "Sub", rank, one), zero),
                  row = tn_build2(s, "ExpandDims", tn_build2(s, "Sub", rank, two), zero);
  const tn_output order = tn_build(s, "ConcatV2", TN_IN(batch, last, row, zero), TN_ATTRS(TN_A_INT("N", 3)));
  return tn_build2(s, tn_dtype_is_complex(t) ? "ConjugateTranspose" : "Transpose", x, order);
}

/* V (diag(de) + F * V^H dV) V^H, folded into the lower triangle, where F[i,j] = 1 / (e_j - e_i). */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output e = tn_grad_y(c, 0);
  if (s->error) return NULL;
  const tn_dtype t = tn_dtype_base(tn_output_dtype(e));
  tn_output v = tn_grad_y(c, 1), middle = tn_build1(s, "MatrixDiag", tn_grad_dense(c, 0));
  if (tn_node_get_bool(c->node, "compute_v")) {
    const tn_output rows = tn_build2(s, "ExpandDims", e, tn_build_scalar(s, TN_INT32, -2)),
                    columns = tn_build2(s, "ExpandDims", e, tn_build_scalar(s, TN_INT32, -1));
    const tn_output gap = tn_build2(s, "Sub", rows, columns);
    const tn_output square = tn_build2(s, "AddV2", tn_build2(s, "Mul", gap, gap), tn_build_scalar(s, t, 1e-20));
    const tn_output f =
        tn_build2(s, "MatrixSetDiag", tn_build2(s, "RealDiv", gap, square), tn_build1(s, "ZerosLike", e));
    const tn_output turn = tn_build_matmul(s, v, tn_grad_dense(c, 1), true, false, t);
    middle = tn_build2(s, "AddV2", middle, tn_build2(s, "Mul", f, turn));
  } else {
    v = tn_nth(tn_build1(s, "SelfAdjointEigV2", tn_grad_x(c, 0)), 1);
  }
  tn_output g = tn_build_matmul(s, v, tn_build_matmul(s, middle, v, false, true, t), false, false, t);
  g = tn_build2(s, "AddV2", g, adjoint(s, g));
  g = tn_build(s, "MatrixBandPart", TN_IN(g, tn_build_scalar(s, TN_INT64, -1), tn_build_scalar(s, TN_INT64, 0)), NULL);
  const tn_output diagonal = tn_build2(s, "Mul", tn_build1(s, "MatrixDiagPart", g), tn_build_scalar(s, t, 0.5));
  tn_grad_set(c, 0, tn_build2(s, "MatrixSetDiag", g, diagonal));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(SelfAdjointEigV2, .inputs = "input: T", .outputs = "e: T, v: T",
      .attrs = "compute_v: bool = true; T: {double, float, half, complex64, complex128}",
      .doc = "The eigenvalues, in ascending order, and eigenvectors of Hermitian matrices.", .shape = shape,
      .gradient = gradient, .kernels = kernels);
