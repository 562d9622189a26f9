/* Schur's form of complex matrices, by the QR algorithm, and what functions of matrices do with it. */
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

bool tn_dense_schur(tn_z *t, int64_t n, tn_z *q) {
  schur whole = {n, t, q}, *h = &whole;
  memset(q, 0, (size_t)(n * n) * sizeof *q);
  for (int64_t i = 0; i < n; i++) q[i * n + i] = 1;
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

/* By columns, each from its diagonal up. */
void tn_dense_triangle_root(const tn_z *t, int64_t n, tn_z *r) {
  memset(r, 0, (size_t)(n * n) * sizeof *r);
  for (int64_t j = 0; j < n; j++) {
    r[j * n + j] = csqrt(t[j * n + j]);
    for (int64_t i = j - 1; i >= 0; i--) {
      tn_z rest = t[i * n + j];
      for (int64_t k = i + 1; k < j; k++) rest -= r[i * n + k] * r[k * n + j];
      if (rest != 0) r[i * n + j] = rest / (r[i * n + i] + r[j * n + j]);
    }
  }
}

void tn_dense_multiply(int64_t n, const tn_z *a, const tn_z *b, bool adjoint, tn_z *out) {
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < n; j++) {
      tn_z sum = 0;
      for (int64_t k = 0; k < n; k++) sum += a[i * n + k] * (adjoint ? conj(b[j * n + k]) : b[k * n + j]);
      out[i * n + j] = sum;
    }
  }
}
