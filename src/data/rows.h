/* Rows of tensors along dimension 0: taken out, and put together again. */
#ifndef TN_DATA_ROWS_H
#define TN_DATA_ROWS_H

#include "tensor/tensor.h"

/* Row I of T, which shares its bytes. */
tn_error *tn_row_of(const tn_tensor *t, int64_t i, tn_tensor *out) TN_MUST_USE;
/* Copies ROW, of the shape of T's rows, to row I of T. MOVE: strings and objects are taken over where nobody else
 * holds them. */
tn_error *tn_row_set(tn_tensor *t, int64_t i, tn_tensor *row) TN_MUST_USE;
/* SHAPE with N rows. INVALID_ARGUMENT where the rank is too large. */
tn_error *tn_shape_of_rows(const tn_shape *shape, int64_t n, tn_shape *out) TN_MUST_USE;
/* The first N rows of T, sharing its bytes. */
void tn_rows_first(tn_tensor *t, int64_t n);

#endif
