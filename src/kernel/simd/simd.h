/* The micro-operations of tapes, compiled once per instruction set, as a table of functions over blocks of floats. */
#ifndef TN_KERNEL_SIMD_SIMD_H
#define TN_KERNEL_SIMD_SIMD_H

#include "base/isa.h"
#include "kernel/tape.h"

/* Z[i] = f(A[i], B[i], C[i]) for i < N. Z may be A, B or C. Nothing needs to be aligned. */
typedef void (*tn_micro_fn)(float *z, const float *a, const float *b, const float *c, int64_t n, float imm);
/* N elements of some dtype to floats, and back. */
typedef void (*tn_load_fn)(float *z, const void *x, int64_t n);
typedef void (*tn_store_fn)(void *z, const float *x, int64_t n);
/* Rows are reduced in TN_SIMD_LANES lanes, whatever the width of a vector is: element i goes to lane i modulo their
 * number. This takes N more elements, a multiple of the number of lanes, into them. */
enum { TN_SIMD_LANES = 32 };
typedef void (*tn_reduce_fn)(float *lanes, const float *x, int64_t n);

typedef struct tn_simd {
  tn_micro_fn micro[TN_N_MICROS];
  tn_load_fn load[TN_N_DTYPES]; /* NULL: not a dtype of tapes */
  tn_store_fn store[TN_N_DTYPES];
  tn_reduce_fn reduce[3]; /* sum, max, min (NaN wins) */
  /* Pixels of three channels, I between those at elements INDEX[2 I] and INDEX[2 I + 1] of ROW, nearer to the second
   * the larger its weight is. Four elements are read of each and written, so one more must be there. */
  void (*between_floats)(float *z, const void *row, const int32_t *index, const float *weight, int64_t n);
  void (*between_bytes)(float *z, const void *row, const int32_t *index, const float *weight, int64_t n);
  /* Z = A + (B - A) * WEIGHT. */
  void (*between_rows)(float *z, const float *a, const float *b, float weight, int64_t n);
} tn_simd;

/* The table of the instruction set in use. */
const tn_simd *tn_simd_active(void);
/* That of ISA; NULL if it was not compiled or the processor lacks it. */
const tn_simd *tn_simd_for(tn_isa isa);

/* Each file of micro-operations fills its part of the table of its instruction set: one function per pair. */
#define TN_SIMD_PARTS(X, ISA)                                                                                          \
  X(unary, ISA) X(smooth, ISA) X(binary, ISA) X(activation, ISA) X(convert, ISA) X(image, ISA)
#define TN_SIMD_DECLARE(PART, ISA) void tn_simd_fill_##PART##_##ISA(tn_simd *table);
TN_SIMD_PARTS(TN_SIMD_DECLARE, generic)
TN_SIMD_PARTS(TN_SIMD_DECLARE, avx2)
TN_SIMD_PARTS(TN_SIMD_DECLARE, avx512)
TN_SIMD_PARTS(TN_SIMD_DECLARE, neon)

#endif
