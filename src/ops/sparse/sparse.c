/* Sparse tensors as the ops get them. */
#include "ops/sparse/sparse.h"

#include <stdlib.h>

tn_error *tn_coo_prepare(const tn_prepare *p, int first) {
  const tn_shape *indices = &p->inputs[first].shape, *values = &p->inputs[first + 1].shape,
                 *shape = &p->inputs[first + 2].shape;
  if (indices->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input indices should be a matrix but received shape %s",
                             TN_SHAPE_STR(indices));
  if (values->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input values should be a vector but received shape %s",
                             TN_SHAPE_STR(values));
  if (shape->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input shape should be a vector but received shape %s",
                             TN_SHAPE_STR(shape));
  if (indices->dims[0] != values->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there are %lld indices but %lld values",
                             (long long)indices->dims[0], (long long)values->dims[0]);
  if (indices->dims[1] != shape->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "indices have %lld columns but the shape has %lld dimensions",
                             (long long)indices->dims[1], (long long)shape->dims[0]);
  return NULL;
}

tn_error *tn_coo_shape(tn_shape_ctx *c, int first) {
  tn_shape indices, values, shape;
  int64_t unused;
  TN_TRY(tn_shape_with_rank(c, first, 2, &indices));
  TN_TRY(tn_shape_with_rank(c, first + 1, 1, &values));
  TN_TRY(tn_shape_with_rank(c, first + 2, 1, &shape));
  TN_TRY(tn_dim_merge(c, indices.dims[0], values.dims[0], &unused));
  return tn_dim_merge(c, indices.dims[1], shape.dims[0], &unused);
}

tn_coo tn_coo_of(const tn_run *r, int first) {
  const tn_tensor *indices = r->inputs[first];
  return (tn_coo){indices->data, indices->shape.dims[0], (int)indices->shape.dims[1], r->inputs[first + 1],
                  r->inputs[first + 2]->data};
}

tn_error *tn_coo_check(const tn_run *r, const tn_coo *x) {
  for (int64_t i = 0; i < x->n; i++)
    for (int d = 0; d < x->rank; d++) {
      int64_t at = tn_coo_row(x, i)[d];
      if (at < 0 || at >= x->dims[d])
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%lld,%d] = %lld is out of bounds: need 0 <= index < %lld",
                             (long long)i, d, (long long)at, (long long)x->dims[d]);
    }
  return NULL;
}

int tn_coo_compare(const int64_t *a, const int64_t *b, int rank) {
  for (int d = 0; d < rank; d++)
    if (a[d] != b[d]) return a[d] < b[d] ? -1 : 1;
  return 0;
}

typedef struct by_place {
  const int64_t *at;
  int rank;
} by_place;

static int compare(const void *a, const void *b, void *argument) {
  const by_place *by = argument;
  int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
  int order = tn_coo_compare(by->at + i * by->rank, by->at + j * by->rank, by->rank);
  return order ? order : (i > j) - (i < j);
}

tn_error *tn_coo_order(const int64_t *at, int64_t n, int rank, int64_t **out) {
  int64_t *order = tn_malloc(((size_t)n + 1) * sizeof *order);
  if (!order) return tn_out_of_memory();
  bool sorted = true;
  for (int64_t i = 0; i < n; i++) {
    order[i] = i;
    sorted = sorted && (i == 0 || tn_coo_compare(at + (i - 1) * rank, at + i * rank, rank) <= 0);
  }
  if (!sorted) qsort_r(order, (size_t)n, sizeof *order, compare, &(by_place){at, rank});
  *out = order;
  return NULL;
}

tn_error *tn_sparse_matrix(tn_run *r, int i, int64_t rows, int64_t columns) {
  tn_shape shape = tn_shape_of(2, (int64_t[]){rows, columns});
  return tn_run_allocate(r, i, &shape);
}

tn_error *tn_sparse_vector(tn_run *r, int i, int64_t n) {
  tn_shape shape = tn_shape_of(1, &n);
  return tn_run_allocate(r, i, &shape);
}

void tn_sparse_all_dynamic(tn_prepare *p) {
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
}
