/* What the gradients of matrices with three diagonals are made of. */
#ifndef TN_OPS_LINALG_TRIDIAGONAL_H
#define TN_OPS_LINALG_TRIDIAGONAL_H

#include "graph/build.h"

/* Rows [BEGIN, END) of matrices. */
tn_output tn_build_rows(tn_scope *s, tn_output x, int64_t begin, int64_t end);
/* Matrices moved by one column or row, a 0 where nothing comes from. */
tn_output tn_build_shift_left(tn_scope *s, tn_output x);
tn_output tn_build_shift_right(tn_scope *s, tn_output x);
tn_output tn_build_shift_up(tn_scope *s, tn_output x);
tn_output tn_build_shift_down(tn_scope *s, tn_output x);
/* The sums of the rows of X * Y, without their dimension. */
tn_output tn_build_row_dots(tn_scope *s, tn_output x, tn_output y);

#endif
