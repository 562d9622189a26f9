/* Bessel functions, modified ones, and integrals of exponentials and chirps, in double precision. */
#include <complex.h>
#include <math.h>

#include "ops/math/special.h"

#define PI    3.14159265358979323846
#define EULER 0.57721566490153286061

/* I_n(x) e^-|x| for n 0 or 1. The series has terms of one sign; far out the asymptotic one is exact to the last bit. */
static double scaled_i(int n, double x) {
  double a = fabs(x), sum = 1, term = 1;
  if (a <= 30) {
    double q = a * a / 4;
    for (int k = 1; k < 200 && term > sum * 1e-18; k++) {
      term *= q / (k * (double)(k + n));
      sum += term;
    }
    sum *= exp(-a) * (n ? a / 2 : 1);
  } else {
    for (int k = 1; k < 60 && fabs(term) > 1e-18; k++) {
      double odd = 2 * k - 1;
      term *= -(4.0 * n - odd * odd) / (k * 8 * a);
      sum += term;
    }
    sum /= sqrt(2 * PI * a);
  }
  return n && x < 0 ? -sum : sum;
}

double tn_bessel_i0e(double x) { return isinf(x) ? 0 : scaled_i(0, x); }
double tn_bessel_i1e(double x) { return isinf(x) ? copysign(0, x) : scaled_i(1, x); }
double tn_bessel_i0(double x) { return isinf(x) ? INFINITY : scaled_i(0, x) * exp(fabs(x)); }
double tn_bessel_i1(double x) { return isinf(x) ? x : scaled_i(1, x) * exp(fabs(x)); }

/* K_n(x) e^x, the integral of e^(x - x cosh t) cosh(n t) over t >= 0: the trapezoidal rule is exact to the last bit
 * once the step is small enough for the width of the peak and for the strip in which the integrand is analytic. */
static double scaled_k(int n, double x) {
  if (isnan(x)) return x;
  if (x <= 0) return INFINITY;
  if (isinf(x)) return 0;
  double h = fmin(0.2, 0.35 / sqrt(x)), sum = 0.5;
  for (int i = 1; i < 6000; i++) {
    double t = i * h, half = sinh(t / 2), down = 2 * x * half * half;
    sum += exp(-down) * (n ? cosh(t) : 1);
    if (down > 45 + t) break;
  }
  return sum * h;
}

double tn_bessel_k0e(double x) { return scaled_k(0, x); }
double tn_bessel_k1e(double x) { return scaled_k(1, x); }
double tn_bessel_k0(double x) { return isinf(x) && x > 0 ? 0 : scaled_k(0, x) * exp(-x); }
double tn_bessel_k1(double x) { return isinf(x) && x > 0 ? 0 : scaled_k(1, x) * exp(-x); }

/* Rybicki's sum of e^-(x - n h)^2 / n over odd n, in pairs of n and -n. */
double tn_dawson(double x) {
  enum { H_INVERSE = 5 };
  const double h = 1.0 / H_INVERSE;
  double a = fabs(x), sum = 0;
  if (isnan(x)) return x;
  if (a > 12) {
    double q = 1 / (2 * a * a), term = 1;
    for (int k = 1; k < 20; k++) {
      sum += term;
      term *= (2 * k - 1) * q;
    }
    return copysign(sum / (2 * a), x);
  }
  for (int n = 1; n * h < a + 8; n += 2) {
    sum += n * h < 30 && 2 * a * n * h < 1 ? exp(-a * a - n * n * h * h) * 2 * sinh(2 * a * n * h) / n
                                           : (exp(-(a - n * h) * (a - n * h)) - exp(-(a + n * h) * (a + n * h))) / n;
  }
  return copysign(sum / sqrt(PI), x);
}

/* Ei(x) for x > 0. */
double tn_expint(double x) {
  if (isnan(x) || x < 0) return NAN;
  if (x == 0) return -INFINITY;
  if (isinf(x)) return x;
  double sum = 0, term = 1;
  if (x < 40) {
    for (int k = 1; k < 400; k++) {
      term *= x / k;
      sum += term / k;
      if (term / k < 1e-18 * sum) break;
    }
    return EULER + log(x) + sum;
  }
  for (int k = 1; k < 60 && term > 1e-18; k++) {
    sum += term;
    term *= k / x;
  }
  return exp(x) / x * sum;
}

/* C(x) + i S(x), the integral of e^(i pi t^2 / 2): by its series, or as an error function's continued fraction. */
static double complex fresnel(double x) {
  double a = fabs(x);
  double complex value;
  if (isinf(a)) {
    value = 0.5 + 0.5 * I;
  } else if (a < 2.5) {
    double complex power = a, step = I * (PI / 2 * a * a);
    value = a;
    for (int k = 1; k < 100; k++) {
      power *= step / k;
      value += power / (2 * k + 1);
    }
  } else {
    double complex z = sqrt(PI) / 2 * (1 - I) * a, fraction = z;
    for (int k = 120; k > 0; k--) fraction = z + k / 2.0 / fraction;
    /* -z * z, but with the whole turns of the angle taken out exactly. */
    double turns = fmod(a * a, 4);
    double complex bell = cos(PI / 2 * turns) + I * sin(PI / 2 * turns);
    value = (1 + I) / 2 * (1 - bell / (sqrt(PI) * fraction));
  }
  return x < 0 ? -value : value;
}

double tn_fresnel_cos(double x) { return isnan(x) ? x : creal(fresnel(x)); }
double tn_fresnel_sin(double x) { return isnan(x) ? x : cimag(fresnel(x)); }

/* The dilogarithm of Y <= 1, brought into [0, 1/2], where its series is quick. */
static double dilogarithm(double y) {
  double sum = 0, power = 1;
  if (y == 1) return PI * PI / 6;
  if (y < -1) return -PI * PI / 6 - log(-y) * log(-y) / 2 - dilogarithm(1 / y);
  if (y < 0) return -dilogarithm(y / (y - 1)) - log1p(-y) * log1p(-y) / 2;
  if (y > 0.5) return PI * PI / 6 - log(y) * log1p(-y) - dilogarithm(1 - y);
  for (int k = 1; k < 70; k++) {
    power *= y;
    sum += power / ((double)k * k);
  }
  return sum;
}

double tn_spence(double x) { return isnan(x) || x < 0 ? NAN : isinf(x) ? -INFINITY : dilogarithm(1 - x); }
