/* Cholesky: the lower triangular L with L L^H = A. */
#include <math.h>

#include "ops/linalg/dense.h"

static tn_output half(tn_scope *s, tn_output x) {
  const tn_dtype t = tn_dtype_base(tn_output_dtype(x));
  return tn_build2(s, "Mul", x, tn_build_scalar(s, t, 0.5));
}

static tn_output band(tn_scope *s, tn_output x, int lower, int upper) {
  return tn_build(s, "MatrixBandPart",
                  TN_IN(x, tn_build_scalar(s, TN_INT64, lower), tn_build_scalar(s, TN_INT64, upper)), NULL);
}

/* L^-H (P + P^H) L^-1 / 2 where P is the lower triangle of L^H G with half its diagonal. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output l = tn_grad_y(c, 0);
  if (s->error) return NULL;
  const tn_dtype t = tn_dtype_base(tn_output_dtype(l));
  const tn_output inverse = tn_build1(s, "MatrixInverse", l),
                  middle = tn_build_matmul(s, l, tn_grad_dense(c, 0), true, false, t);
  const tn_output p = tn_build2(s, "Sub", band(s, middle, -1, 0), half(s, band(s, middle, 0, 0)));
  const tn_output a = tn_build_matmul(s, tn_build_matmul(s, inverse, p, true, false, t), inverse, false, false, t);
  const tn_output b = tn_build_matmul(s, tn_build_matmul(s, inverse, p, true, true, t), inverse, false, false, t);
  tn_grad_set(c, 0, half(s, tn_build2(s, "AddV2", a, b)));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  p->scratch = tn_dense_scratch(&p->inputs[0]);
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

/* In place from the lower triangle; false where A is not positive definite. */
static bool factor(tn_z *a, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    double pivot = creal(a[j * n + j]);
    for (int64_t k = 0; k < j; k++) pivot -= creal(a[j * n + k] * conj(a[j * n + k]));
    if (!(pivot > 0)) return false;
    pivot = sqrt(pivot);
    a[j * n + j] = pivot;
    for (int64_t i = j + 1; i < n; i++) {
      for (int64_t k = 0; k < j; k++) a[i * n + j] -= a[i * n + k] * conj(a[j * n + k]);
      a[i * n + j] /= pivot;
      a[j * n + i] = 0;
    }
  }
  return true;
}

static tn_error *run(tn_run *r) {
  int64_t n, columns;
  tn_z *a = r->scratch;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  for (int64_t i = 0; i < count; i++) {
    tn_dense_get(r->inputs[0], i * n * n, n * n, a);
    /* TensorFlow gives not-a-number in the lower triangle. */
    if (!factor(a, n))
      for (int64_t e = 0; e < n * n; e++) a[e] = e % n <= e / n ? NAN : 0;
    tn_dense_put(r->outputs[0], i * n * n, n * n, a);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

TN_OP(Cholesky, .doc = "The Cholesky factors of Hermitian positive definite matrices.", .inputs = "input: T",
      .outputs = "output: T", .attrs = "T: {double, float, half, complex64, complex128}", .shape = tn_square_unchanged,
      .gradient = gradient, .kernels = kernels);
