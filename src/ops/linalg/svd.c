/* Svd: singular values and vectors, by Jacobi's rotations of columns. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/array/array.h"
#include "ops/linalg/dense.h"

enum { MAX_SWEEPS = 60 };

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  if (in->rank < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input tensor must have rank >= 2, got %s", TN_SHAPE_STR(in));
  const int64_t m = tn_matrix_dim(in, 2), n = tn_matrix_dim(in, 1), least = m < n ? m : n, most = m < n ? n : m;
  const bool full = tn_node_get_bool(p->node, "full_matrices"), vectors = tn_node_get_bool(p->node, "compute_uv");
  tn_shape s = *in, u = *in, v = *in, none = tn_shape_of(1, &(int64_t){0});
  s.dims[--s.rank - 1] = least;
  u.dims[u.rank - 1] = full ? m : least;
  v.dims[v.rank - 2] = n;
  v.dims[v.rank - 1] = full ? n : least;
  p->scratch = (size_t)(2 * most * most + 2 * least * least + least) * sizeof(tn_z);
  TN_TRY(tn_prepare_output(p, 0, &s));
  TN_TRY(tn_prepare_output(p, 1, vectors ? &u : &none));
  return tn_prepare_output(p, 2, vectors ? &v : &none);
}

/* Matrices are kept by columns: column I of A at A + I * ROWS. */
static tn_z dot(const tn_z *x, const tn_z *y, int64_t n) {
  tn_z sum = 0;
  for (int64_t i = 0; i < n; i++) sum += conj(x[i]) * y[i];
  return sum;
}

static void turn(tn_z *x, tn_z *y, int64_t n, double c, tn_z s) {
  for (int64_t i = 0; i < n; i++) {
    const tn_z a = x[i], b = y[i];
    x[i] = c * a - conj(s) * b;
    y[i] = s * a + c * b;
  }
}

/* Makes the N columns of A (M rows) orthogonal; V takes the same rotations. */
static void orthogonalise(tn_z *a, tn_z *v, int64_t m, int64_t n) {
  for (int64_t i = 0; i < n * n; i++) v[i] = i % n == i / n;
  bool again = true;
  for (int sweep = 0; sweep < MAX_SWEEPS && again; sweep++) {
    again = false;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n; j++) {
        tn_z *x = a + i * m, *y = a + j * m;
        const tn_z cross = dot(x, y, m);
        const double size = cabs(cross), xx = creal(dot(x, x, m)), yy = creal(dot(y, y, m));
        if (!(size > 1e-15 * sqrt(xx * yy)) || size < DBL_MIN) continue;
        again = true;
        const double tau = (yy - xx) / (2 * size);
        const double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau)), c = 1 / sqrt(1 + t * t);
        const tn_z s = t * c * cross / size;
        turn(x, y, m, c, s);
        turn(v + i * n, v + j * n, n, c, s);
      }
  }
}

static void swap(tn_z *x, tn_z *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const tn_z t = x[i];
    x[i] = y[i];
    y[i] = t;
  }
}

/* Column K of U made a unit vector orthogonal to those before it, from the first axis that allows it. */
static void complete(tn_z *u, int64_t m, int64_t k) {
  for (int64_t axis = 0; axis < m; axis++) {
    tn_z *x = u + k * m;
    for (int64_t i = 0; i < m; i++) x[i] = i == axis;
    for (int pass = 0; pass < 2; pass++)
      for (int64_t j = 0; j < k; j++) {
        const tn_z part = dot(u + j * m, x, m);
        for (int64_t i = 0; i < m; i++) x[i] -= part * u[j * m + i];
      }
    const double size = sqrt(creal(dot(x, x, m)));
    if (size < 0.5 / sqrt((double)m)) continue;
    for (int64_t i = 0; i < m; i++) x[i] /= size;
    return;
  }
}

/* Sizes of the columns of A, largest first, into S; A becomes orthonormal, V follows. */
static void normalise(tn_z *a, tn_z *v, tn_z *s, int64_t m, int64_t n) {
  for (int64_t i = 0; i < n; i++) s[i] = sqrt(creal(dot(a + i * m, a + i * m, m)));
  for (int64_t i = 0; i < n; i++) {
    int64_t best = i;
    for (int64_t j = i + 1; j < n; j++)
      if (creal(s[j]) > creal(s[best])) best = j;
    if (best == i) continue;
    swap(a + i * m, a + best * m, m);
    swap(v + i * n, v + best * n, n);
    swap(s + i, s + best, 1);
  }
  for (int64_t i = 0; i < n; i++) {
    const double size = creal(s[i]);
    if (size > DBL_MIN && size > 1e-300)
      for (int64_t k = 0; k < m; k++) a[i * m + k] /= size;
    else
      complete(a, m, i);
  }
}

/* The first COLUMNS columns of X, which has ROWS rows, as rows of OUT from element AT on. */
static void put_columns(tn_tensor *out, int64_t at, const tn_z *x, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) tn_dense_put(out, at + i * columns + j, 1, &x[j * rows + i]);
}

static tn_error *run(tn_run *r) {
  int64_t m, n;
  const int64_t count = tn_matrices(r->inputs[0], &m, &n);
  const bool wide = m < n, full = tn_node_get_bool(r->node, "full_matrices"),
             vectors = tn_node_get_bool(r->node, "compute_uv");
  const int64_t tall = wide ? n : m, least = wide ? m : n;
  tn_z *in = r->scratch, *a = in + tall * tall, *v = a + tall * tall, *s = v + least * least;
  for (int64_t c = 0; c < count; c++) {
    tn_dense_get(r->inputs[0], c * m * n, m * n, in);
    /* Of a wide matrix the adjoint is taken: its columns are the conjugate rows. */
    for (int64_t i = 0; i < m * n; i++) {
      const int64_t row = i / n, column = i % n;
      if (wide)
        a[row * n + column] = conj(in[i]);
      else
        a[column * m + row] = in[i];
    }
    orthogonalise(a, v, tall, least);
    normalise(a, v, s, tall, least);
    tn_dense_put(r->outputs[0], c * least, least, s);
    if (!vectors) continue;
    const int64_t columns = full ? tall : least;
    for (int64_t k = least; k < columns; k++) complete(a, tall, k);
    put_columns(r->outputs[wide ? 2 : 1], c * tall * columns, a, tall, columns);
    put_columns(r->outputs[wide ? 1 : 2], c * least * least, v, least, least);
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape in;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &in));
  const bool full = tn_node_get_bool(c->node, "full_matrices"), vectors = tn_node_get_bool(c->node, "compute_uv");
  c->out[1] = c->out[2] = vectors ? tn_shape_unknown() : tn_shape_of(1, &(int64_t){0});
  if (in.rank < 0) return NULL;
  const int64_t m = tn_matrix_dim(&in, 2), n = tn_matrix_dim(&in, 1), least = m < 0 || n < 0 ? -1 : m < n ? m : n;
  tn_shape s = in, u = in, v = in;
  s.dims[--s.rank - 1] = least;
  u.dims[u.rank - 1] = full ? m : least;
  v.dims[v.rank - 2] = n;
  v.dims[v.rank - 1] = full ? n : least;
  c->out[0] = s;
  if (!vectors) return NULL;
  c->out[1] = u;
  c->out[2] = v;
  return NULL;
}

/* Of the singular values alone: U diag(ds) V^H. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  if (s->error) return NULL;
  const tn_dtype t = tn_dtype_base(tn_output_dtype(tn_grad_x(c, 0)));
  const bool vectors = tn_node_get_bool(c->node, "compute_uv");
  if (vectors && (tn_grad_has(c, 1) || tn_grad_has(c, 2)))
    return tn_node_errorf(c->node, TN_UNIMPLEMENTED,
                          "the gradient of singular vectors is not implemented; that of singular values is");
  tn_output u = tn_grad_y(c, 1), v = tn_grad_y(c, 2);
  if (!vectors || tn_node_get_bool(c->node, "full_matrices")) {
    const tn_output all = tn_build1(s, "Svd", tn_grad_x(c, 0));
    u = tn_nth(all, 1);
    v = tn_nth(all, 2);
  }
  const tn_output ds = tn_build1(s, "MatrixDiag", tn_grad_dense(c, 0));
  tn_grad_set(c, 0, tn_build_matmul(s, u, tn_build_matmul(s, ds, v, false, true, t), false, false, t));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(Svd, .inputs = "input: T", .outputs = "s: T, u: T, v: T",
      .attrs = "compute_uv: bool = true; full_matrices: bool = false; T: {double, float, half, complex64, complex128}",
      .doc = "The singular values of matrices, largest first, and their left and right singular vectors.",
      .shape = shape, .gradient = gradient, .kernels = kernels);
