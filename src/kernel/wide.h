/* Wide elements: reference kernels compute in double, 64-bit integers or complex double and round once at the end. */
#ifndef TN_KERNEL_WIDE_H
#define TN_KERNEL_WIDE_H

#include <complex.h>

#include "tensor/tensor.h"

typedef enum tn_wide { TN_WIDE_REAL, TN_WIDE_INT, TN_WIDE_COMPLEX } tn_wide;

/* What elements of DTYPE compute in: double; int64_t (all integers, modulo 2^64); double complex. */
tn_wide tn_wide_of(tn_dtype dtype);
size_t tn_wide_size(tn_wide wide);
/* Bytes of scratch (a multiple of 64) that N elements of DTYPE need: 0 where they are wide as they are. */
size_t tn_wide_scratch(tn_dtype dtype, int64_t n);
/* N elements of DTYPE to wide ones, and back (rounded to nearest; integers wrap). */
void tn_widen(tn_dtype dtype, const void *source, int64_t n, void *target);
void tn_narrow(tn_dtype dtype, const void *source, int64_t n, void *target);

/* The elements of T as wide ones: its own bytes, or converted ones at *SCRATCH, which moves on. */
const void *tn_wide_in(const tn_tensor *t, char **scratch);
/* Room for the wide elements of T; tn_wide_finish then converts them into T where that is needed. */
void *tn_wide_out(const tn_tensor *t, char **scratch);
void tn_wide_finish(tn_tensor *t, const void *wide);

/* --- the same for kernels that compute in float: half and bfloat16 convert, floats are used as they lie --- */
static inline bool tn_float_like(tn_dtype dtype) {
  return dtype == TN_FLOAT || dtype == TN_HALF || dtype == TN_BFLOAT16;
}
size_t tn_float_scratch(const tn_tensor *t);
float *tn_float_in(const tn_tensor *t, char **scratch);
float *tn_float_out(const tn_tensor *t, char **scratch);
void tn_float_finish(tn_tensor *t, const float *values);

#endif
