/* What the ragged ops share: nested row splits, each a vector that begins with 0 and never falls. */
#ifndef TN_OPS_RAGGED_RAGGED_H
#define TN_OPS_RAGGED_RAGGED_H

#include "ops/array/array.h"

/* The number of rows that SPLITS, a vector of at least one element, makes. */
static inline int64_t tn_splits_rows(const tn_tensor *splits) { return tn_elements(splits) - 1; }

/* INVALID_ARGUMENT unless the N inputs from FIRST on are vectors of at least one element, each begins with 0, never
 * falls and ends with the number of rows of the next one, the last one with VALUES, the number of values. */
tn_error *tn_splits_check(const tn_run *r, int first, int n, int64_t values) TN_MUST_USE;
/* The size of an element of DTYPE times the sizes past the first dimension: how much one row of VALUES holds. */
static inline int64_t tn_row_elements(const tn_tensor *values) {
  return tn_span(&values->shape, 1, values->shape.rank);
}
/* Shape function: input I is a vector. */
tn_error *tn_splits_shape(tn_shape_ctx *c, int i) TN_MUST_USE;

#endif
