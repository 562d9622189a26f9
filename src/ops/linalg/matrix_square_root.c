/* MatrixSquareRoot: R with R R = A, by Schur's form of A (Björck and Hammarling 1983). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/linalg/dense.h"

enum { ITERATIONS = 60 }; /* for each eigenvalue */

/* Square matrices of N rows: T = Q^H A Q becomes triangular, Q stays unitary. */
typedef struct schur {
  int64_t n;
  tn_z *t, *q;
} schur;

/* Rows I and J of T, and columns of T and Q, turned by the unitary [c, s; -conj(s), c]. */
static void turn(schur *h, int64_t i, int64_t j, double c, tn_z s) {
  const int64_t n = h->n;
  tn_z *t = h->t;
  for (int64_t k = 0; k < n; k++) {
    const tn_z x = t[i * n + k], y = t[j * n + k];
    t[i * n + k] = c * x + s * y;
    t[j * n + k] = c * y - conj(s) * x;
  }
  tn_z *both[2] = {t, h->q};
  for (int m = 0; m < 2; m++) {
    for (int64_t k = 0; k < n; k++) {
      const tn_z x = both[m][k * n + i], y = both[m][k * n + j];
      both[m][k * n + i] = c * x + conj(s) * y;
      both[m][k * n + j] = c * y - s * x;
    }
  }
}

/* The turn that makes y 0 in (x, y). */
static void turn_away(tn_z x, tn_z y, double *c, tn_z *s) {
  const double a = cabs(x), b = cabs(y), r = hypot(a, b);
  *c = 1;
  *s = 0;
  if (b == 0) return;
  *c = a / r;
  *s = a == 0 ? conj(y) / b : x / a * conj(y) / r;
}

static void to_hessenberg(schur *h) {
  const int64_t n = h->n;
  for (int64_t column = 0; column + 2 < n; column++) {
    for (int64_t row = n - 1; row > column + 1; row--) {
      double c;
      tn_z s;
      turn_away(h->t[(row - 1) * n + column], h->t[row * n + column], &c, &s);
      turn(h, row - 1, row, c, s);
      h->t[row * n + column] = 0;
    }
  }
}

/* The eigenvalue of the 2 x 2 block that ends in row LAST which is nearer to its last element. */
static tn_z shift(const schur *h, int64_t last) {
  const int64_t n = h->n;
  const tn_z a = h->t[(last - 1) * n + last - 1], b = h->t[(last - 1) * n + last], c = h->t[last * n + last - 1],
             d = h->t[last * n + last];
  const tn_z half = (a + d) / 2, root = csqrt((a - d) * (a - d) / 4 + b * c);
  return cabs(half + root - d) < cabs(half - root - d) ? half + root : half - root;
}

/* One step of the QR algorithm on rows FIRST to LAST: the bulge that the shift makes is chased down. */
static void chase(schur *h, int64_t first, int64_t last, tn_z mu) {
  const int64_t n = h->n;
  tn_z x = h->t[first * n + first] - mu, y = h->t[(first + 1) * n + first];
  for (int64_t k = first; k < last; k++) {
    double c;
    tn_z s;
    turn_away(x, y, &c, &s);
    turn(h, k, k + 1, c, s);
    if (k > first) h->t[(k + 1) * n + k - 1] = 0;
    if (k + 1 == last) return;
    x = h->t[(k + 1) * n + k];
    y = h->t[(k + 2) * n + k];
  }
}

/* False where it does not converge, as with NaN. */
static bool to_triangle(schur *h) {
  const int64_t n = h->n;
  double norm = 0;
  for (int64_t i = 0; i < n * n; i++) norm = fmax(norm, cabs(h->t[i]));
  to_hessenberg(h);
  int tries = 0;
  for (int64_t last = n - 1; last > 0;) {
    int64_t first = last;
    for (; first > 0; first--) {
      tn_z *below = &h->t[first * n + first - 1];
      double near = cabs(h->t[(first - 1) * n + first - 1]) + cabs(h->t[first * n + first]);
      if (!(cabs(*below) <= DBL_EPSILON * (near > 0 ? near : norm))) continue;
      *below = 0;
      break;
    }
    if (first == last) {
      last--;
      tries = 0;
      continue;
    }
    if (++tries > ITERATIONS) return false;
    /* An unusual shift now and then leaves a cycle. */
    tn_z mu = tries % 10 == 0 ? h->t[last * n + last] + cabs(h->t[last * n + last - 1]) : shift(h, last);
    chase(h, first, last, mu);
  }
  return true;
}

/* R R = T, upper triangular; by diagonals from the main one. */
static void root_of_triangle(const schur *h, tn_z *r) {
  const int64_t n = h->n;
  memset(r, 0, (size_t)(n * n) * sizeof *r);
  for (int64_t j = 0; j < n; j++) {
    r[j * n + j] = csqrt(h->t[j * n + j]);
    for (int64_t i = j - 1; i >= 0; i--) {
      tn_z rest = h->t[i * n + j];
      for (int64_t k = i + 1; k < j; k++) rest -= r[i * n + k] * r[k * n + j];
      if (rest != 0) r[i * n + j] = rest / (r[i * n + i] + r[j * n + j]);
    }
  }
}

/* OUT = A B, or A B^H. */
static void multiply(int64_t n, const tn_z *a, const tn_z *b, bool adjoint, tn_z *out) {
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < n; j++) {
      tn_z sum = 0;
      for (int64_t k = 0; k < n; k++) sum += a[i * n + k] * (adjoint ? conj(b[j * n + k]) : b[k * n + j]);
      out[i * n + j] = sum;
    }
  }
}

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
    schur h = {n, t, q};
    tn_dense_get(r->inputs[0], m * n * n, n * n, t);
    memset(q, 0, (size_t)(n * n) * sizeof *q);
    for (int64_t i = 0; i < n; i++) q[i * n + i] = 1;
    bool found = to_triangle(&h);
    if (found) {
      root_of_triangle(&h, root);
      multiply(n, q, root, false, half);
      multiply(n, half, q, true, root);
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
