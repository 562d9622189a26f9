/* MatrixSquareRoot: R with R R = A, by Schur's form of A (Björck and Hammarling 1983). */
#include <math.h>

#include "ops/linalg/dense.h"

/* A real matrix with a negative eigenvalue that has no partner has no real root: all of it is NaN. */
static bool is_real(int64_t n, const tn_z *r) {
  double real = 0, imaginary = 0;
  for (int64_t i = 0; i < n * n; i++) {
    real = fmax(real, fabs(creal(r[i])));
    imaginary = fmax(imaginary, fabs(cimag(r[i])));
  }
  return imaginary <= 1e-6 * real;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  const int64_t n = tn_matrix_dim(&p->inputs[0].shape, 1);
  p->scratch = (size_t)(4 * n * n) * sizeof(tn_z);
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *run(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  const bool real = tn_wide_of(r->inputs[0]->dtype) == TN_WIDE_REAL;
  tn_z *t = r->scratch, *q = t + n * n, *root = q + n * n, *half = root + n * n;
  for (int64_t m = 0; m < count; m++) {
    tn_dense_get(r->inputs[0], m * n * n, n * n, t);
    const bool found = tn_dense_schur(t, n, q);
    if (found) {
      tn_dense_triangle_root(t, n, root);
      tn_dense_multiply(n, q, root, false, half);
      tn_dense_multiply(n, half, q, true, root);
    }
    if (!found || (real && !is_real(n, root)))
      for (int64_t i = 0; i < n * n; i++) root[i] = (tn_z)NAN + NAN * I;
    tn_dense_put(r->outputs[0], m * n * n, n * n, root);
  }
  return NULL;
}

/* --- gradient --- */

static tn_output transposed(tn_scope *s, tn_output x) {
  return tn_build(s, "Einsum", TN_IN(x), TN_ATTRS(TN_A_INT("N", 1), TN_A_STRING("equation", "...ij->...ji")));
}

/* The Kronecker products of matrices, in SHAPE. */
static tn_output kronecker(tn_scope *s, tn_output a, tn_output b, tn_output shape) {
  const tn_output left = tn_build2(s, "ExpandDims", tn_build2(s, "ExpandDims", a, tn_build_scalar(s, TN_INT32, -1)),
                                   tn_build_scalar(s, TN_INT32, -3));
  const tn_output right = tn_build2(s, "ExpandDims", tn_build2(s, "ExpandDims", b, tn_build_scalar(s, TN_INT32, -2)),
                                    tn_build_scalar(s, TN_INT32, -4));
  return tn_build2(s, "Reshape", tn_build2(s, "Mul", left, right), shape);
}

/* A = R R, so dA = R dR + dR R: a linear system for dR, with (I x R' + R x I) as its matrix where x is Kronecker's
 * product. Transposed even if complex, as TensorFlow has it. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output r = tn_grad_y(c, 0), shape = tn_build1(s, "Shape", r), rank = tn_build1(s, "Shape", shape);
  const tn_output zero = tn_build_ints(s, TN_INT32, 1, (int64_t[]){0}),
                  one = tn_build_ints(s, TN_INT32, 1, (int64_t[]){1}),
                  two = tn_build_ints(s, TN_INT32, 1, (int64_t[]){2}), axis = tn_build_scalar(s, TN_INT32, 0);
  const tn_output batch = tn_build(s, "Slice", TN_IN(shape, zero, tn_build2(s, "Sub", rank, two)), NULL);
  const tn_output order = tn_build(s, "Slice", TN_IN(shape, tn_build2(s, "Sub", rank, one), one), NULL);
  const tn_output square = tn_build2(s, "Mul", order, order);
  const tn_output matrix = tn_build(s, "ConcatV2", TN_IN(batch, square, square, axis), TN_ATTRS(TN_A_INT("N", 3)));
  const tn_output vector = tn_build(s, "ConcatV2", TN_IN(batch, square, one, axis), TN_ATTRS(TN_A_INT("N", 3)));
  const tn_output eye = tn_build1(s, "MatrixDiag", tn_build1(s, "OnesLike", tn_build1(s, "MatrixDiagPart", r)));
  const tn_output system =
      tn_build2(s, "AddV2", kronecker(s, eye, transposed(s, r), matrix), kronecker(s, r, eye, matrix));
  const tn_output right = tn_build2(s, "Reshape", transposed(s, tn_grad_dense(c, 0)), vector);
  const tn_output solved = tn_build2(s, "MatrixSolve", system, right);
  tn_grad_set(c, 0, transposed(s, tn_build2(s, "Reshape", solved, shape)));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(MatrixSquareRoot, .inputs = "input: T", .outputs = "output: T",
      .attrs = "T: {double, float, half, complex64, complex128}",
      .doc = "The matrices whose products with themselves are the inputs.", .shape = tn_square_unchanged,
      .gradient = gradient, .kernels = kernels);
