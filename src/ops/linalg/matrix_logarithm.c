/* MatrixLogarithm: L with exp(L) = A, by Schur's form, roots and Padé's approximant (Al-Mohy and Higham 2012). */
#include <math.h>
#include <string.h>

#include "ops/linalg/dense.h"

enum {
  ROOTS = 100, /* of any matrix that has a logarithm: its elements' exponents halve each time */
  NODES = 7
};

/* Padé's approximant of degree 7 of log(1 + x), as the sum of weight * x / (1 + node * x): the rule of Gauss and
 * Legendre on [0, 1]. It is exact to doubles for norms below NEAR. */
static const double NODE[NODES] = {0.5,
                                   0.5 + 0.4058451513773972 / 2,
                                   0.5 - 0.4058451513773972 / 2,
                                   0.5 + 0.7415311855993945 / 2,
                                   0.5 - 0.7415311855993945 / 2,
                                   0.5 + 0.9491079123427585 / 2,
                                   0.5 - 0.9491079123427585 / 2};
static const double WEIGHT[NODES] = {0.4179591836734694 / 2, 0.3818300505051189 / 2, 0.3818300505051189 / 2,
                                     0.2797053914892766 / 2, 0.2797053914892766 / 2, 0.1294849661688697 / 2,
                                     0.1294849661688697 / 2};
static const double NEAR = 0.26;

/* The largest sum of absolute values of a row of T - 1. */
static double distance_from_one(const tn_z *t, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) {
    double sum = 0;
    for (int64_t j = i; j < n; j++) sum += cabs(t[i * n + j] - (i == j));
    if (!(sum <= most)) most = sum;
  }
  return most;
}

/* OUT += WEIGHT (1 + NODE X)^-1 X, all upper triangular; COLUMN is scratch. */
static void add_term(const tn_z *x, int64_t n, int k, tn_z *column, tn_z *out) {
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = j; i >= 0; i--) {
      tn_z rest = x[i * n + j];
      for (int64_t l = i + 1; l <= j; l++) rest -= NODE[k] * x[i * n + l] * column[l];
      column[i] = rest / (1 + NODE[k] * x[i * n + i]);
      out[i * n + j] += WEIGHT[k] * column[i];
    }
  }
}

/* OUT = log(T), both upper triangular; T and ROOT are used up. False where it has none. */
static bool log_of_triangle(tn_z *t, int64_t n, tn_z *root, tn_z *out) {
  int halvings = 0;
  memset(out, 0, (size_t)(n * n) * sizeof *out);
  for (int64_t i = 0; i < n; i++) out[i * n + i] = clog(t[i * n + i]);
  for (; !(distance_from_one(t, n) < NEAR); halvings++) {
    if (halvings == ROOTS) return false;
    tn_dense_triangle_root(t, n, root);
    memcpy(t, root, (size_t)(n * n) * sizeof *t);
  }
  memset(root, 0, (size_t)(n * n) * sizeof *root);
  for (int64_t i = 0; i < n; i++) t[i * n + i] -= 1;
  for (int k = 0; k < NODES; k++) add_term(t, n, k, root + n * n, root);
  /* The diagonal is known better. */
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) out[i * n + j] = root[i * n + j] * ldexp(1, halvings);
  return true;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  const int64_t n = tn_matrix_dim(&p->inputs[0].shape, 1);
  p->scratch = (size_t)(4 * n * n + n) * sizeof(tn_z);
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *run(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  tn_z *t = r->scratch, *q = t + n * n, *log = q + n * n, *half = log + n * n;
  for (int64_t m = 0; m < count; m++) {
    tn_dense_get(r->inputs[0], m * n * n, n * n, t);
    if (tn_dense_schur(t, n, q) && log_of_triangle(t, n, half, log)) {
      tn_dense_multiply(n, q, log, false, half);
      tn_dense_multiply(n, half, q, true, log);
    } else {
      for (int64_t i = 0; i < n * n; i++) log[i] = (tn_z)NAN + NAN * I;
    }
    tn_dense_put(r->outputs[0], m * n * n, n * n, log);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(MatrixLogarithm, .inputs = "input: T", .outputs = "output: T", .attrs = "T: {complex64, complex128}",
      .doc = "The principal logarithms of square matrices.", .shape = tn_square_unchanged,
      .flags = TN_OP_GRADIENT_UNREGISTERED, .kernels = kernels);
