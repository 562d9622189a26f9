/* Reductions over any axes: the walk over memory is here, what happens to the elements is a tn_reducer. */
#ifndef TN_KERNEL_REDUCE_H
#define TN_KERNEL_REDUCE_H

#include "kernel/kernel.h"

/* How one dtype is reduced. Accumulators are ACC_SIZE bytes each (at most TN_REDUCER_MAX_ACC), in arrays of N. */
#define TN_REDUCER_MAX_ACC 16
typedef struct tn_reducer {
  size_t acc_size;
  void (*init)(void *acc, int64_t n);
  void (*row)(void *acc, const void *in, int64_t n);      /* one accumulator takes up N adjacent elements */
  void (*column)(void *acc, const void *in, int64_t n);   /* accumulator j takes up element j */
  void (*merge)(void *acc, const void *other, int64_t n); /* accumulator j takes up accumulator j of OTHER */
  void (*store)(void *out, const void *acc, int64_t n, int64_t count); /* COUNT: how many elements each one took */
} tn_reducer;

/* A prepared reduction. Chunks and their order follow from the shape alone, so the bits don't depend on the threads. */
typedef struct tn_reduction {
  const tn_reducer *reducer;
  size_t element; /* bytes of an input element */
  size_t out_element;
  int n_kept, n_reduced; /* collapsed dimensions of each kind, outermost first; the kept ones without INNER */
  int64_t kept_dims[TN_MAX_RANK], kept_strides[TN_MAX_RANK];
  int64_t reduced_dims[TN_MAX_RANK], reduced_strides[TN_MAX_RANK];
  int64_t outer, inner, count; /* products: outer kept, innermost kept (1 where a reduced one is innermost), reduced */
  int64_t run;                 /* adjacent reduced elements (1 where a kept dimension is innermost) */
  int64_t blocks, chunks;      /* of the inner dimension; of the reduced range */
} tn_reduction;

/* Prepares the reduction of SHAPE over the axes in the bit mask AXES. */
void tn_reduction_init(tn_reduction *reduction, const tn_shape *shape, uint32_t axes, const tn_reducer *reducer);
/* Scratch bytes that running needs. */
size_t tn_reduction_scratch(const tn_reduction *reduction);
void tn_reduction_run(const tn_reduction *reduction, const void *in, void *out, void *scratch);

/* The axes of value input INPUT as a bit mask over RANK dimensions. INVALID_ARGUMENT: out of range, or twice the same.
 */
tn_error *tn_prepare_axes(const tn_prepare *p, int input, int rank, uint32_t *out) TN_MUST_USE;
/* SHAPE without (KEEP: with size 1 instead of) the dimensions in AXES. */
tn_shape tn_reduced_shape(const tn_shape *shape, uint32_t axes, bool keep);

#endif
