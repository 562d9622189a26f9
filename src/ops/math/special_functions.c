/* Special functions that libm lacks. Series and Newton steps on top of libm's erfc, in double precision. */
#include <math.h>

#include "ops/math/special.h"

#define PI 3.14159265358979323846

/* The y > 0 with erfc(y) = q, for 0 < q <= 1: Winitzki's estimate, then Halley's steps. */
static double erfcinv(double q) {
  const double a = 0.147;
  double l = log(q * (2 - q)), b = 2 / (PI * a) + l / 2;
  double y = sqrt(fmax(sqrt(b * b - l / a) - b, 0));
  for (int i = 0; i < 4; i++) {
    double error = (erfc(y) - q) / (-2 / sqrt(PI) * exp(-y * y));
    if (!isfinite(error)) break;
    y -= error / (1 + y * error);
  }
  return y;
}

double tn_erfinv(double x) {
  double size = fabs(x);
  if (!(size <= 1)) return NAN;
  if (size == 1) return copysign(INFINITY, x);
  if (size >= 0.5) return copysign(erfcinv(1 - size), x);
  /* Near 0 the relative error counts, so the steps are on erf itself. */
  double y = size * sqrt(PI) / 2 * (1 + PI / 12 * size * size);
  for (int i = 0; i < 4; i++) {
    double error = (erf(y) - size) / (2 / sqrt(PI) * exp(-y * y));
    y -= error / (1 + y * error);
  }
  return copysign(y, x);
}

double tn_ndtri(double p) {
  if (!(p >= 0 && p <= 1)) return NAN;
  if (p == 0) return -INFINITY;
  if (p == 1) return INFINITY;
  if (p > 0.25 && p < 0.75) return sqrt(2) * tn_erfinv(2 * (p - 0.5));
  return p < 0.5 ? -sqrt(2) * erfcinv(2 * p) : sqrt(2) * erfcinv(2 * (1 - p));
}

double tn_digamma(double x) {
  if (x == INFINITY) return x;
  if (isnan(x) || x == -INFINITY) return NAN;
  if (x <= 0) {
    if (x == floor(x)) return NAN;
    /* Reflection; the angle is reduced first so that it keeps its precision. */
    double part = x - floor(x + 0.5);
    return tn_digamma(1 - x) - PI / tan(PI * part);
  }
  double shift = 0;
  for (; x < 10; x++) shift -= 1 / x;
  double r = 1 / (x * x);
  double series = r * (1. / 12 - r * (1. / 120 - r * (1. / 252 - r * (1. / 240 - r * (1. / 132 - r * 691. / 32760)))));
  return shift + log(x) - 0.5 / x - series;
}

double tn_zeta(double x, double q) {
  /* Numbers of Bernoulli over factorials, B(2k) / (2k)!, for the Euler-Maclaurin sum. */
  static const double bernoulli[] = {1. / 12,           -1. / 720,
                                     1. / 30240,        -1. / 1209600,
                                     1. / 47900160,     -691. / 1307674368e3,
                                     1. / 74724249600., -3617. / 10670622842880e3};
  enum { TERMS = 10, CORRECTIONS = sizeof bernoulli / sizeof *bernoulli };
  if (x == 1) return INFINITY;
  if (!(x > 1)) return NAN;
  if (q <= 0) {
    if (q == floor(q)) return INFINITY;
    /* Far on the left the sum would take forever. */
    if (x != floor(x) || q < -1e6) return NAN;
  }
  double sum = 0, a = q;
  for (int k = 0; k < TERMS || a < TERMS; k++, a++) {
    double term = pow(a, -x);
    sum += term;
    if (fabs(term) < 1e-17 * fabs(sum)) return sum;
  }
  double power = pow(a, -x);
  sum += a * power / (x - 1) + power / 2;
  double factor = x * power / a;
  for (int k = 0; k < CORRECTIONS; k++) {
    double term = bernoulli[k] * factor;
    sum += term;
    if (fabs(term) < 1e-17 * fabs(sum)) break;
    factor *= (x + 2 * k + 1) * (x + 2 * k + 2) / (a * a);
  }
  return sum;
}

double tn_polygamma(double n, double x) {
  if (!(n >= 0) || n != floor(n)) return NAN;
  if (n == 0) return tn_digamma(x);
  double sign = fmod(n, 2) == 0 ? -1 : 1;
  return sign * tgamma(n + 1) * tn_zeta(n + 1, x);
}
