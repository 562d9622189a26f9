/* Accumulators of rows of gradients. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/combine.h"
#include "ops/state/accumulator.h"

static tn_error *check_shapes(const tn_run *r, const tn_accumulator *a) {
  const tn_shape *indices = &r->inputs[2]->shape, *values = &r->inputs[3]->shape;
  if (indices->rank != 1 || values->rank < 1 || indices->dims[0] != values->dims[0]) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Expected as many rows as indices, but the indices are %s and the values %s",
                         TN_SHAPE_STR(indices), TN_SHAPE_STR(values));
  }
  if (values->dims[0] == 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Must have at least one row of gradients");
  tn_shape row = tn_shape_of(values->rank - 1, values->dims + 1);
  bool fits = a->shape.rank < 0 || a->shape.rank == values->rank;
  for (int i = 1; fits && i < a->shape.rank; i++) fits = a->shape.dims[i] < 0 || a->shape.dims[i] == values->dims[i];
  if (a->count > 0) fits = fits && tn_shape_equal(&row, &a->row);
  if (tn_node_get_bool(r->node, "has_known_shape") && a->shape.rank >= 0) {
    fits = fits && tn_elements(r->inputs[4]) == a->shape.rank;
    for (int i = 0; fits && i < a->shape.rank; i++) {
      fits = a->shape.dims[i] < 0 || a->shape.dims[i] == TN_DATA(const int64_t, r->inputs[4])[i];
    }
  }
  if (fits) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Shape mismatch: expected gradients of %s, got rows of %s",
                       TN_SHAPE_STR(&a->shape), TN_SHAPE_STR(&row));
}

static tn_error *make_room(tn_accumulator *a, size_t bytes) {
  if (!a->places) TN_TRY(tn_map_new(&a->places));
  if (a->n < a->room) return NULL;
  int64_t room = a->room ? 2 * a->room : 16;
  int64_t *indices = tn_realloc(a->indices, (size_t)room * sizeof *indices);
  if (indices) a->indices = indices;
  int64_t *counts = tn_realloc(a->counts, (size_t)room * sizeof *counts);
  if (counts) a->counts = counts;
  char *rows = tn_realloc(a->rows, (size_t)room * bytes + 1);
  if (rows) a->rows = rows;
  if (!indices || !counts || !rows) return tn_out_of_memory();
  a->room = room;
  return NULL;
}

static tn_error *add_row(tn_accumulator *a, int64_t index, const void *row) {
  int64_t n = tn_shape_elements(&a->row);
  size_t bytes = (size_t)n * tn_dtype_size(a->dtype);
  TN_TRY(make_room(a, bytes));
  int64_t place = (int64_t)(intptr_t)tn_map_find_u64(a->places, (uint64_t)index) - 1;
  if (place >= 0) {
    tn_combine_of(TN_COMBINE_ADD, a->dtype)((char *)a->rows + (size_t)place * bytes, row, n);
    a->counts[place]++;
    return NULL;
  }
  TN_TRY(tn_map_put_u64(a->places, (uint64_t)index, (void *)(intptr_t)(a->n + 1)));
  if (bytes) memcpy((char *)a->rows + (size_t)a->n * bytes, row, bytes);
  a->indices[a->n] = index;
  a->counts[a->n++] = 1;
  return NULL;
}

/* With the lock held. */
static tn_error *add(const tn_run *r, tn_accumulator *a) {
  TN_TRY(check_shapes(r, a));
  const tn_tensor *indices = r->inputs[2], *values = r->inputs[3];
  if (!tn_combine_of(TN_COMBINE_ADD, a->dtype)) {
    return tn_run_errorf(r, TN_UNIMPLEMENTED, "%s gradients can't be added", tn_dtype_name(a->dtype));
  }
  a->row = tn_shape_of(values->shape.rank - 1, values->shape.dims + 1);
  size_t bytes = (size_t)tn_shape_elements(&a->row) * tn_dtype_size(a->dtype);
  for (int64_t i = 0; i < tn_elements(indices); i++) {
    TN_TRY(add_row(a, TN_DATA(const int64_t, indices)[i], (const char *)values->data + (size_t)i * bytes));
  }
  tn_accumulator_count(a);
  return NULL;
}

static tn_error *prepare_apply(tn_prepare *p) {
  if (p->inputs[1].shape.rank == 0) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "local_step must be a scalar, but its shape is %s",
                           TN_SHAPE_STR(&p->inputs[1].shape));
}

static tn_error *run_apply(tn_run *r) {
  tn_accumulator *a = NULL;
  bool stale = false;
  TN_TRY(tn_accumulator_hold(r, TN_SPARSE_ACCUMULATOR_TYPE, &a, &stale));
  tn_error *error = stale ? NULL : add(r, a);
  tn_unlock(&a->mutex);
  return error;
}

/* --- taking --- */

typedef struct place {
  int64_t index, at;
} place;

static int by_index(const void *a, const void *b) {
  int64_t x = ((const place *)a)->index, y = ((const place *)b)->index;
  return (x > y) - (x < y);
}

/* The rows in the order of their indices, each divided by the number of gradients that it got. */
static tn_error *fill(tn_run *r, const tn_accumulator *a, const place *order) {
  int64_t n = tn_shape_elements(&a->row);
  size_t bytes = (size_t)n * tn_dtype_size(a->dtype);
  for (int64_t i = 0; i < a->n; i++) {
    char *to = (char *)r->outputs[1]->data + (size_t)i * bytes;
    TN_DATA(int64_t, r->outputs[0])[i] = order[i].index;
    if (bytes) memcpy(to, (const char *)a->rows + (size_t)order[i].at * bytes, bytes);
    if (a->mean) TN_TRY(tn_accumulator_divide(a->dtype, to, n, a->counts[order[i].at]));
  }
  return NULL;
}

/* With the lock held. */
static tn_error *take(tn_run *r, const tn_accumulator *a) {
  tn_shape n = tn_shape_of(1, &a->n), all = a->row, rank;
  memmove(all.dims + 1, a->row.dims, (size_t)a->row.rank * sizeof *all.dims);
  all.dims[0] = a->n;
  all.rank = a->row.rank + 1;
  rank = tn_shape_of(1, &(int64_t){all.rank});
  TN_TRY(tn_run_allocate(r, 0, &n));
  TN_TRY(tn_run_allocate(r, 1, &all));
  TN_TRY(tn_run_allocate(r, 2, &rank));
  for (int i = 0; i < all.rank; i++) TN_DATA(int64_t, r->outputs[2])[i] = all.dims[i];
  TN_DATA(int64_t, r->outputs[2])[0] = a->shape.rank > 0 ? a->shape.dims[0] : -1;
  place *order = tn_malloc(((size_t)a->n + 1) * sizeof *order);
  if (!order) return tn_out_of_memory();
  for (int64_t i = 0; i < a->n; i++) order[i] = (place){a->indices[i], i};
  qsort(order, (size_t)a->n, sizeof *order, by_index);
  tn_error *error = fill(r, a, order);
  tn_free(order);
  return error;
}

static tn_error *prepare_take(tn_prepare *p) {
  for (int i = 0; i < 3; i++) tn_prepare_dynamic(p, i);
  return NULL;
}

static tn_error *run_take(tn_run *r) {
  tn_accumulator *a = NULL;
  TN_TRY(tn_accumulator_wait(r, TN_SPARSE_ACCUMULATOR_TYPE, &a));
  if (!a) return NULL;
  tn_error *error = take(r, a);
  if (!error) tn_accumulator_next(a);
  tn_unlock(&a->mutex);
  return error;
}

static const tn_kernel_def applies[] = {{.name = "reference", .prepare = prepare_apply, .run = run_apply}, {0}};
static const tn_kernel_def takes[] = {{.name = "reference", .prepare = prepare_take, .run = run_take, .attempts = true},
                                      {0}};

TN_OP(SparseAccumulatorApplyGradient,
      .inputs = "handle: Ref(string), local_step: int64, gradient_indices: int64, gradient_values: dtype, "
                "gradient_shape: int64",
      .outputs = "", .attrs = "dtype: numbertype; has_known_shape: bool",
      .doc = "Adds rows of a gradient, unless it is of an old step.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_no_outputs, .kernels = applies);
TN_OP(SparseAccumulatorTakeGradient, .inputs = "handle: Ref(string), num_required: int32",
      .outputs = "indices: int64, values: dtype, shape: int64", .attrs = "dtype: numbertype",
      .doc = "The rows of the gradients, each its mean or sum, once num_required gradients have come.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out,
      .kernels = takes);
