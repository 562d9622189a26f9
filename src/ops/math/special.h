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

#endif
