/* Discrete Fourier transforms of any length, in double: mixed radices, and Bluestein's way for large primes. */
#ifndef TN_KERNEL_FFT_H
#define TN_KERNEL_FFT_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

typedef struct tn_fft tn_fft;

/* REAL + i IMAGINARY, whatever they are. */
static inline double complex tn_complex(double real, double imaginary) { return __builtin_complex(real, imaginary); }

/* A plan for N elements, 1 <= N < 2^31; used by many threads at once. */
tn_error *tn_fft_new(int64_t n, tn_fft **out) TN_MUST_USE;
void tn_fft_free(tn_fft *plan);
/* Elements of scratch that a run needs. */
int64_t tn_fft_scratch(const tn_fft *plan);
/* Transforms X in place; INVERSE: with the other sign, and divided by N. */
void tn_fft_run(const tn_fft *plan, double complex *x, bool inverse, double complex *scratch);

#endif
