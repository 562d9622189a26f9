/* What the sparse ops share: tensors as lists of places and values, in coordinates. */
#ifndef TN_OPS_SPARSE_SPARSE_H
#define TN_OPS_SPARSE_SPARSE_H

#include <string.h>

#include "kernel/wide.h"
#include "ops/array/array.h"

/* A sparse tensor: N rows of RANK coordinates in AT. */
typedef struct tn_coo {
  const int64_t *at;
  int64_t n;
  int rank;
  const tn_tensor *values;
  const int64_t *dims;
} tn_coo;

/* Checks the shapes of a sparse tensor's three inputs, which begin at FIRST: matrix, vector, vector. */
tn_error *tn_coo_prepare(const tn_prepare *p, int first) TN_MUST_USE;
/* The same for shape functions. */
tn_error *tn_coo_shape(tn_shape_ctx *c, int first) TN_MUST_USE;
tn_coo tn_coo_of(const tn_run *r, int first);
/* INVALID_ARGUMENT unless all coordinates lie inside the dimensions. */
tn_error *tn_coo_check(const tn_run *r, const tn_coo *x) TN_MUST_USE;
static inline const int64_t *tn_coo_row(const tn_coo *x, int64_t i) { return x->at + i * x->rank; }
/* Lexicographically: negative, 0 or positive. */
int tn_coo_compare(const int64_t *a, const int64_t *b, int rank);
/* The N places in lexicographic order, equal ones as they came; free with tn_free. */
tn_error *tn_coo_order(const int64_t *at, int64_t n, int rank, int64_t **out) TN_MUST_USE;
/* Allocates dynamic output I: a matrix of int64, a vector. */
tn_error *tn_sparse_matrix(tn_run *r, int i, int64_t rows, int64_t columns) TN_MUST_USE;
tn_error *tn_sparse_vector(tn_run *r, int i, int64_t n) TN_MUST_USE;
/* Copies element FROM of SOURCE to element TO of TARGET. */
static inline tn_error *tn_sparse_copy(tn_tensor *target, int64_t to, const tn_tensor *source, int64_t from) {
  return tn_copy_elements(target->dtype, tn_at(target, to), tn_at(source, from), 1);
}
/* All outputs are allocated in RUN. */
void tn_sparse_all_dynamic(tn_prepare *p);

#endif
