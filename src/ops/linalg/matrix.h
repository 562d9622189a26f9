/* What the matrix ops share: shapes of batches of matrices, and products in wide elements. */
#ifndef TN_OPS_LINALG_MATRIX_H
#define TN_OPS_LINALG_MATRIX_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/wide.h"

/* --- shapes [..., rows, columns]; unknown ranks and dimensions allowed --- */
/* Dimension FROM_END (1: the last) or -1. */
int64_t tn_matrix_dim(const tn_shape *shape, int from_end);
/* All but the last two dimensions; unknown for unknown rank. */
tn_shape tn_matrix_batch(const tn_shape *shape);
/* BATCH + [rows, columns]: unknown for unknown rank; INVALID_ARGUMENT if the rank gets too large. */
tn_error *tn_matrix_shape(const tn_shape_ctx *c, const tn_shape *batch, int64_t rows, int64_t columns,
                          tn_shape *out) TN_MUST_USE;

/* --- products --- */
/* C[m,n] = A[m,k] B[k,n]; C is dense, the others have strides in elements, so transposes are free to say. */
typedef struct tn_product {
  int64_t m, n, k;
  int64_t a_row, a_col, b_row, b_col;
  bool conjugate_a, conjugate_b;
} tn_product;
/* The plain product over wide elements. */
void tn_product_reference(tn_wide wide, const tn_product *p, const void *a, const void *b, void *c);

/* A batch of products whose batch dimensions broadcast. */
typedef struct tn_batch_product {
  tn_product one;
  bool transpose_a, transpose_b;
  int64_t count;
  int rank; /* of the batch dimensions of the result */
  int64_t dims[TN_MAX_RANK], a_step[TN_MAX_RANK], b_step[TN_MAX_RANK];
} tn_batch_product;
/* Checks the shapes of inputs 0 and 1, sets the shape of output 0 and fills *OUT. */
tn_error *tn_batch_product_prepare(tn_prepare *p, bool transpose_a, bool transpose_b, bool broadcast,
                                   tn_batch_product *out) TN_MUST_USE;
/* The first elements of A and B that product I of the batch takes. */
void tn_batch_product_offsets(const tn_batch_product *b, int64_t i, int64_t *a_offset, int64_t *b_offset);

/* --- gradients --- */
/* op(x) op(y) as a BatchMatMulV2 node (V3 where the dtypes differ: the result has dtype T). */
tn_output tn_build_matmul(tn_scope *s, tn_output x, tn_output y, bool adjoint_x, bool adjoint_y, tn_dtype t);
/* Sums GX and GY back to the shapes of X and Y, whose dimensions but the last two were broadcast. */
void tn_build_unbroadcast_batch(tn_scope *s, tn_output x, tn_output y, tn_output *gx, tn_output *gy);

#endif
