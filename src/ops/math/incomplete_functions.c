/* The incomplete gamma and beta functions, in double precision. */
#include <float.h>
#include <math.h>

#include "ops/math/special.h"

enum { ROUNDS = 20000 };

static double log_gamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

/* x^a e^-x / Gamma(a) */
static double gamma_factor(double a, double x) { return exp(a * log(x) - x - log_gamma(a)); }

/* P(a, x), quick where x is not much larger than a. */
static double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int k = 1; k < ROUNDS && term > sum * DBL_EPSILON / 4; k++) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * gamma_factor(a, x);
}

/* One step of Lentz's method: it never divides by zero. */
static double away_from_zero(double x) { return fabs(x) < 1e-300 ? 1e-300 : x; }

/* 1 - P(a, x), quick where x is larger than a. */
static double gamma_fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / away_from_zero(b), value = d;
  for (int i = 1; i < ROUNDS; i++) {
    double an = -i * (i - a);
    b += 2;
    d = 1 / away_from_zero(an * d + b);
    c = away_from_zero(b + an / c);
    value *= c * d;
    if (fabs(c * d - 1) < DBL_EPSILON) break;
  }
  return value * gamma_factor(a, x);
}

double tn_igamma(double a, double x) {
  if (isnan(a) || isnan(x) || a <= 0 || x < 0) return NAN;
  if (x == 0 || isinf(a)) return isinf(a) && isinf(x) ? NAN : 0;
  if (isinf(x)) return 1;
  return x > 1 && x > a ? 1 - gamma_fraction(a, x) : gamma_series(a, x);
}

double tn_igammac(double a, double x) {
  if (isnan(a) || isnan(x) || a <= 0 || x < 0) return NAN;
  if (x == 0 || isinf(a)) return isinf(a) && isinf(x) ? NAN : 1;
  if (isinf(x)) return 0;
  return x > 1 && x > a ? gamma_fraction(a, x) : 1 - gamma_series(a, x);
}

/* P stays the same while the sample moves with alpha: dP/da = -dP/dx dx/da. */
double tn_igamma_grad_a(double a, double x) {
  if (isnan(a) || isnan(x) || a <= 0 || x < 0) return NAN;
  if (x == 0) return 0;
  return -tn_gamma_sample_grad(a, x) * gamma_factor(a, x) / x;
}

/* The continued fraction of the incomplete beta function, for x below the mean. */
static double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m < ROUNDS; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    value *= c * d;
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    value *= c * d;
    if (fabs(c * d - 1) < DBL_EPSILON) break;
  }
  return value;
}

double tn_betainc(double a, double b, double x) {
  if (isnan(a) || isnan(b) || isnan(x) || a <= 0 || b <= 0 || x < 0 || x > 1) return NAN;
  if (x == 0 || x == 1) return x;
  double factor = exp(a * log(x) + b * log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
  if (x < (a + 1) / (a + b + 2)) return factor * beta_fraction(a, b, x) / a;
  return 1 - factor * beta_fraction(b, a, 1 - x) / b;
}
