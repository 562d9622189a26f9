/* Bands of diagonals of matrices: what MatrixDiag, MatrixDiagPart and MatrixSetDiag share in their three versions. */
#ifndef TN_OPS_ARRAY_DIAGONALS_H
#define TN_OPS_ARRAY_DIAGONALS_H

#include "ops/array/array.h"

/* Diagonals LOWER to UPPER (0 is the main one, positive ones lie above) of BATCH matrices of ROWS x COLUMNS, packed
 * one after the other from UPPER down, each in a row of LONGEST elements. */
typedef struct tn_diagonals {
  int64_t batch, rows, columns, lower, upper, longest;
  bool right_above, right_below; /* shorter ones stand at the right end of their row */
} tn_diagonals;

/* Reads value input K (a number or a pair), and the attribute align, if the op has them. K NULL: the main diagonal. */
tn_error *tn_diagonals_of(const tn_node *node, const tn_tensor *k, tn_diagonals *d) TN_MUST_USE;
/* Sets LONGEST from rows and columns; INVALID_ARGUMENT if a diagonal lies outside. */
tn_error *tn_diagonals_measure(const tn_node *node, tn_diagonals *d) TN_MUST_USE;
/* Copies the diagonals into (TO_MATRIX) or out of the matrices. */
tn_error *tn_diagonals_copy(const tn_diagonals *d, const tn_tensor *matrix, const tn_tensor *diagonal,
                            bool to_matrix) TN_MUST_USE;
/* The shape of the packed diagonals: BATCH dimensions, the number of diagonals if there are several, LONGEST. */
tn_shape tn_diagonals_shape(const tn_diagonals *d, const tn_shape *batch);
static inline int64_t tn_diagonals_count(const tn_diagonals *d) { return d->upper - d->lower + 1; }

#endif
