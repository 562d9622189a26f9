/* Strided copies of boxes of elements: what most ops that move bytes boil down to. */
#ifndef TN_KERNEL_COPY_H
#define TN_KERNEL_COPY_H

#include "tensor/tensor.h"

#define TN_COPY_MAX_RANK (2 * TN_MAX_RANK + 4)

/* A box of elements that is read with one set of strides and written with another. Made by tn_copy_init. */
typedef struct tn_copy {
  tn_dtype dtype;
  bool plain;
  int64_t size; /* bytes of one element; several neighbours may have been joined into one */
  int rank;
  int64_t dims[TN_COPY_MAX_RANK];
  int64_t to[TN_COPY_MAX_RANK]; /* strides in elements of SIZE bytes, outermost first */
  int64_t from[TN_COPY_MAX_RANK];
  int64_t total; /* elements in the box */
} tn_copy;

/* Describes the copy and simplifies it: dimensions that lie densely in both are joined. Strides count elements of
 * DTYPE; FROM strides may be 0 (repeat) or negative (reverse). No two places of the target may coincide. RANK <=
 * TN_COPY_MAX_RANK. */
void tn_copy_init(tn_copy *c, tn_dtype dtype, int rank, const int64_t *dims, const int64_t *to, const int64_t *from);
/* Does the copy on as many threads as it deserves; TO and FROM point at the first element. It can fail only for dtypes
 * whose elements are not plain bytes. The regions must not overlap. */
tn_error *tn_copy_run(const tn_copy *c, void *to, const void *from) TN_MUST_USE;
/* The strides, in elements, of a dense array of RANK dimensions. */
void tn_copy_strides(int rank, const int64_t *dims, int64_t *strides);

/* N elements from SOURCE to TARGET, on several threads if that pays. */
tn_error *tn_copy_dense(tn_dtype dtype, void *target, const void *source, int64_t n) TN_MUST_USE;
/* Sets N elements to *VALUE. */
tn_error *tn_copy_fill(tn_dtype dtype, void *target, const void *value, int64_t n) TN_MUST_USE;
/* Sets N elements to zero (strings: empty; objects: none). */
tn_error *tn_copy_zero(tn_dtype dtype, void *target, int64_t n) TN_MUST_USE;

#endif
