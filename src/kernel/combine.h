/* Updating elements with others: what scatters and padding gradients do at each place. */
#ifndef TN_KERNEL_COMBINE_H
#define TN_KERNEL_COMBINE_H

#include "tensor/tensor.h"

typedef enum tn_combine {
  TN_COMBINE_SET,
  TN_COMBINE_ADD,
  TN_COMBINE_SUB,
  TN_COMBINE_MIN,
  TN_COMBINE_MAX,
  TN_COMBINE_KINDS
} tn_combine;

/* Takes up N elements of SOURCE into TARGET. */
typedef void (*tn_combine_fn)(void *target, const void *source, int64_t n);

/* NULL where DTYPE cannot do it: nothing but SET for other than numbers (ADD is "or" for bool), no order of complex
 * numbers. SET is for plain elements. 16-bit floats round after every step. */
tn_combine_fn tn_combine_of(tn_combine kind, tn_dtype dtype);

#endif
