/* Special functions that libm lacks, in double precision. */
#ifndef TN_OPS_MATH_SPECIAL_H
#define TN_OPS_MATH_SPECIAL_H

/* The inverse of erf; infinite at -1 and 1, NaN outside. */
double tn_erfinv(double x);
/* The quantile function of the normal distribution; infinite at 0 and 1, NaN outside. */
double tn_ndtri(double p);
/* The derivative of lgamma; NaN at its poles. */
double tn_digamma(double x);
/* Hurwitz's zeta function: the sum of (k + q)**-x over k >= 0. */
double tn_zeta(double x, double q);
/* The derivative of order N (a whole number >= 0, else NaN) of digamma. */
double tn_polygamma(double n, double x);

/* Modified Bessel functions; those with an e are times exp(-|x|), or exp(x) for K. K is infinite up to 0. */
double tn_bessel_i0(double x);
double tn_bessel_i0e(double x);
double tn_bessel_i1(double x);
double tn_bessel_i1e(double x);
double tn_bessel_k0(double x);
double tn_bessel_k0e(double x);
double tn_bessel_k1(double x);
double tn_bessel_k1e(double x);
/* Dawson's integral. */
double tn_dawson(double x);
/* The exponential integral; -infinity at 0, NaN below. */
double tn_expint(double x);
/* Fresnel's integrals of cos and sin of pi t^2 / 2. */
double tn_fresnel_cos(double x);
double tn_fresnel_sin(double x);
/* The integral of log(t) / (1 - t) from 1 to x; NaN below 0. */
double tn_spence(double x);

/* The regularised incomplete gamma function P(a, x), 1 - P, and the derivative of P by a; NaN where a <= 0 or x < 0. */
double tn_igamma(double a, double x);
double tn_igammac(double a, double x);
double tn_igamma_grad_a(double a, double x);
/* How a gamma sample X moves with alpha. */
double tn_gamma_sample_grad(double alpha, double x);
/* The regularised incomplete beta function; NaN unless a, b > 0 and 0 <= x <= 1. */
double tn_betainc(double a, double b, double x);

#endif
