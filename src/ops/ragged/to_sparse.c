/* RaggedTensorToSparse: the coordinates of each value of a ragged tensor. */
#include <string.h>

#include "ops/ragged/ragged.h"

static tn_error *shape(tn_shape_ctx *c) {
  int ragged = c->n_inputs - 1;
  tn_shape values;
  for (int i = 0; i < ragged; i++) TN_TRY(tn_splits_shape(c, i));
  TN_TRY(tn_shape_at_least_rank(c, ragged, 1, &values));
  int64_t n = tn_shape_known(&values) ? tn_shape_elements(&values) : -1;
  int64_t rank = values.rank < 0 ? -1 : ragged + values.rank, places[2] = {n, rank};
  c->out[0] = tn_shape_of(2, places);
  c->out[1] = tn_shape_of(1, &n);
  c->out[2] = tn_shape_of(1, &rank);
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *values = &p->inputs[p->n_inputs - 1].shape;
  if (values->rank < 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Final value of ragged splits must match the length the corresponding ragged values: the "
                             "values are a scalar");
  }
  int64_t n = tn_shape_elements(values), rank = values->rank + p->n_inputs - 1, places[2] = {n, rank};
  if (rank > TN_MAX_RANK) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have rank %lld, at most %d is supported",
                             (long long)rank, TN_MAX_RANK);
  }
  tn_shape indices = tn_shape_of(2, places), sizes = tn_shape_of(1, &rank), flat = tn_shape_of(1, &n);
  TN_TRY(tn_prepare_output(p, 0, &indices));
  TN_TRY(tn_prepare_alias(p, 1, p->n_inputs - 1, &flat));
  return tn_prepare_output(p, 2, &sizes);
}

/* Counts the last coordinate of PLACE up, carrying over the RANK coordinates, whose sizes are DIMS. */
static void count_up(int64_t *place, const int64_t *dims, int rank) {
  for (int d = rank - 1; d >= 0 && ++place[d] == dims[d]; d--) place[d] = 0;
}

/* The coordinates of one value of the last level, and of all elements of it, at TO. */
static int64_t *put(const tn_run *r, const int64_t *place, int64_t *to) {
  const tn_shape *values = &r->inputs[r->n_inputs - 1]->shape;
  int ragged = r->n_inputs - 1, inner = values->rank - 1;
  int64_t rest[TN_MAX_RANK] = {0};
  for (int64_t i = 0; i < tn_span(values, 1, values->rank); i++) {
    memcpy(to, place, (size_t)(ragged + 1) * sizeof *to);
    memcpy(to + ragged + 1, rest, (size_t)inner * sizeof *to);
    count_up(rest, values->dims + 1, inner);
    to += ragged + 1 + inner;
  }
  return to;
}

static tn_error *run(tn_run *r) {
  int ragged = r->n_inputs - 1;
  const tn_tensor *values = r->inputs[ragged];
  TN_TRY(tn_splits_check(r, 0, ragged, values->shape.dims[0]));
  int64_t *to = TN_DATA(int64_t, r->outputs[0]), *dims = TN_DATA(int64_t, r->outputs[2]);
  dims[0] = tn_splits_rows(r->inputs[0]);
  for (int d = 0; d < ragged; d++) {
    dims[d + 1] = 0;
    for (int64_t i = 0; i < tn_splits_rows(r->inputs[d]); i++) {
      int64_t size = tn_index_at(r->inputs[d], i + 1) - tn_index_at(r->inputs[d], i);
      if (size > dims[d + 1]) dims[d + 1] = size;
    }
  }
  for (int d = 1; d < values->shape.rank; d++) dims[ragged + d] = values->shape.dims[d];
  /* ROW[d] is the row of level d that the current value lies in: it only moves forward. */
  int64_t row[TN_MAX_RANK] = {0}, place[TN_MAX_RANK];
  for (int64_t i = 0; i < values->shape.dims[0]; i++) {
    int64_t below = i;
    for (int d = ragged - 1; d >= 0; d--) {
      while (tn_index_at(r->inputs[d], row[d] + 1) <= below) row[d]++;
      place[d + 1] = below - tn_index_at(r->inputs[d], row[d]);
      below = row[d];
    }
    place[0] = below;
    to = put(r, place, to);
  }
  return NULL;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  int values = c->node->n_inputs - 1;
  if (tn_grad_has(c, 1)) tn_grad_set(c, values, tn_grad_reshape_to(c, tn_grad_dense(c, 1), tn_grad_x(c, values)));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(RaggedTensorToSparse, .inputs = "rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: T",
      .outputs = "sparse_indices: int64, sparse_values: T, sparse_dense_shape: int64",
      .attrs = "RAGGED_RANK: int >= 1; T: type; Tsplits: {int32, int64} = DT_INT64",
      .doc = "The ragged tensor as a sparse one, each value at its place.", .shape = shape, .gradient = gradient,
      .kernels = kernels);
