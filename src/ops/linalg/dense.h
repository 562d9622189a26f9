/* Dense solvers for batches of small matrices. One plain implementation, in complex double, serves all dtypes. */
#ifndef TN_OPS_LINALG_DENSE_H
#define TN_OPS_LINALG_DENSE_H

#include <complex.h>

#include "ops/linalg/matrix.h"

typedef double complex tn_z;

/* Bytes of scratch for the elements of T as complex doubles. */
size_t tn_dense_scratch(const tn_tensor *t);
/* N elements of T from element AT on, to complex doubles and back (real parts where T is real). */
void tn_dense_get(const tn_tensor *t, int64_t at, int64_t n, tn_z *out);
void tn_dense_put(tn_tensor *t, int64_t at, int64_t n, const tn_z *in);

/* A[n,n] into its factors in place with partial pivoting; PIVOTS[i] is the row that was swapped with row i. *SIGN: of
 * the permutation. False where a pivot is 0. */
bool tn_dense_lu(tn_z *a, int64_t n, int64_t *pivots, int *sign);
/* B[n,m] = A^-1 B from such factors. */
void tn_dense_lu_solve(const tn_z *a, int64_t n, const int64_t *pivots, tn_z *b, int64_t m);
/* A = conjugate transpose of A[n,n], in place. */
void tn_dense_adjoint(tn_z *a, int64_t n);
/* OUT[n,n] = A B, or A B^H. */
void tn_dense_multiply(int64_t n, const tn_z *a, const tn_z *b, bool adjoint, tn_z *out);

/* --- functions of matrices --- */
/* T[n,n] becomes the upper triangle Q^H T Q, and Q is unitary. False where it does not converge, as with NaN. */
bool tn_dense_schur(tn_z *t, int64_t n, tn_z *q);
/* R with R R = T, both upper triangular. */
void tn_dense_triangle_root(const tn_z *t, int64_t n, tn_z *r);

/* --- shapes --- */
/* Input I as square matrices: the last two dimensions merged. */
tn_error *tn_square_shape(tn_shape_ctx *c, int i, tn_shape *out) TN_MUST_USE;
/* Output 0 has the shape of input 0, square matrices. */
tn_error *tn_square_unchanged(tn_shape_ctx *c) TN_MUST_USE;
/* INVALID_ARGUMENT unless input I holds square matrices. */
tn_error *tn_square_check(const tn_prepare *p, int i) TN_MUST_USE;
/* Number of matrices in T, and rows and columns of each. */
int64_t tn_matrices(const tn_tensor *t, int64_t *rows, int64_t *columns);

#endif
