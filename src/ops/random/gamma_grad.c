/* How a gamma sample moves with alpha, by the series and the continued fraction of the incomplete gamma function. */
#include <float.h>
#include <math.h>

#include "graph/shape.h"
#include "kernel/elementwise.h"
#include "ops/math/special.h"

enum { ROUNDS = 2000 };

/* P(alpha, x) as a power series, and its derivative by alpha on the way. */
static double by_series(double alpha, double x) {
  double r = alpha, c = 1, sum = 1, dc = 0, dsum = 0;
  for (int i = 0; i < ROUNDS; i++) {
    r += 1;
    double term = x / r;
    dc = term * dc - x / (r * r) * c;
    dsum += dc;
    c *= term;
    sum += c;
    if (fabs(dc) <= DBL_EPSILON * fabs(dsum)) break;
  }
  return -(dsum + sum * (log(x) - tn_digamma(alpha + 1))) * x / alpha;
}

/* Numerators and denominators of two convergents, with their derivatives by alpha. */
typedef struct convergent {
  double p, q, dp, dq;
} convergent;

static void shrink(convergent *c) {
  c->p *= DBL_EPSILON;
  c->q *= DBL_EPSILON;
  c->dp *= DBL_EPSILON;
  c->dq *= DBL_EPSILON;
}

/* 1 - P(alpha, x) as a continued fraction, and its derivative by alpha on the way. */
static double by_fraction(double alpha, double x) {
  double y = 1 - alpha, z = x + y + 1;
  convergent old = {1, x, 0, 0}, last = {x + 1, z * x, 0, -x};
  double value = last.p / last.q, slope = (last.dp - value * last.dq) / last.q;
  for (int i = 1; i <= ROUNDS; i++) {
    y += 1;
    z += 2;
    double yc = y * i;
    convergent next = {last.p * z - old.p * yc, last.q * z - old.q * yc, last.dp * z - last.p - old.dp * yc + old.p * i,
                       last.dq * z - last.q - old.dq * yc + old.q * i};
    old = last;
    last = next;
    double before = slope;
    if (last.q != 0) {
      value = last.p / last.q;
      slope = (last.dp - value * last.dq) / last.q;
      if (fabs(slope - before) <= DBL_EPSILON) break;
    }
    if (fabs(last.p) > 1 / DBL_EPSILON) {
      shrink(&old);
      shrink(&last);
    }
  }
  return (slope + value * (log(x) - tn_digamma(alpha))) * x;
}

double tn_gamma_sample_grad(double alpha, double x) {
  if (x == 0) return 0;
  if (!(x > 0) || !(alpha > 0)) return NAN;
  return x > 1 && x > alpha ? by_fraction(alpha, x) : by_series(alpha, x);
}

#define LOOP(T)                                                                                                        \
  static void T##_loop(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {           \
    (void)parameter;                                                                                                   \
    const T *alpha = in[0], *x = in[1];                                                                                \
    for (int64_t i = 0; i < n; i++)                                                                                    \
      ((T *)out)[i] = (T)tn_gamma_sample_grad((double)alpha[i * step[0]], (double)x[i * step[1]]);                     \
  }
LOOP(float)
LOOP(double)

static const tn_loop_row rows[] = {{TN_FLOAT, float_loop}, {TN_DOUBLE, double_loop}, {0}};

static tn_error *prepare(tn_prepare *p) { return tn_elementwise_prepare(p, rows, 0, NULL); }

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE), .prepare = prepare, .run = tn_elementwise_run},
    {0}};

TN_OP(RandomGammaGrad, .inputs = "alpha: T, sample: T", .outputs = "output: T", .attrs = "T: {float, double}",
      .doc = "The derivative of a gamma sample by its alpha.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_broadcast_binary, .kernels = kernels);
