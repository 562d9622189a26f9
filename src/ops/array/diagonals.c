/* Finding diagonals in matrices and moving them. */
#include "ops/array/diagonals.h"

#include <string.h>

static bool has_attr(const tn_node *node, const char *name) {
  for (int i = 0; i < node->schema->n_attrs; i++)
    if (strcmp(node->schema->attrs[i].name, name) == 0) return true;
  return false;
}

tn_error *tn_diagonals_of(const tn_node *node, const tn_tensor *k, tn_diagonals *d) {
  *d = (tn_diagonals){0};
  if (has_attr(node, "align")) {
    d->right_above = tn_node_string_is(node, "align", "RIGHT_LEFT") || tn_node_string_is(node, "align", "RIGHT_RIGHT");
    d->right_below = tn_node_string_is(node, "align", "LEFT_RIGHT") || tn_node_string_is(node, "align", "RIGHT_RIGHT");
  }
  if (!k) return NULL;
  int64_t n = tn_elements(k);
  if (k->shape.rank > 1 || n < 1 || n > 2)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "diag_index must be a scalar or vector with one or two elements, got shape %s",
                          TN_SHAPE_STR(&k->shape));
  d->lower = tn_int_at(k, 0);
  d->upper = tn_int_at(k, n - 1);
  if (d->lower > d->upper)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "lower_diag_index must not be larger than upper_diag_index: %lld > %lld", (long long)d->lower,
                          (long long)d->upper);
  return NULL;
}

/* The length of diagonal I. */
static int64_t length_of(const tn_diagonals *d, int64_t i) {
  int64_t down = d->rows + (i < 0 ? i : 0), right = d->columns - (i > 0 ? i : 0), n = down < right ? down : right;
  return n > 0 ? n : 0;
}

tn_error *tn_diagonals_measure(const tn_node *node, tn_diagonals *d) {
  int64_t ends[2] = {d->lower, d->upper};
  for (int i = 0; i < 2; i++)
    if (ends[i] != 0 && (ends[i] <= -d->rows || ends[i] >= d->columns))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "diagonal %lld is out of bound: it must be between %lld and %lld", (long long)ends[i],
                            (long long)-d->rows, (long long)d->columns);
  int64_t down = d->rows + (d->upper < 0 ? d->upper : 0), right = d->columns - (d->lower > 0 ? d->lower : 0);
  d->longest = down < right ? down : right;
  return NULL;
}

tn_shape tn_diagonals_shape(const tn_diagonals *d, const tn_shape *batch) {
  tn_shape shape = *batch;
  if (d->lower != d->upper) shape.dims[shape.rank++] = tn_diagonals_count(d);
  shape.dims[shape.rank++] = d->longest;
  return shape;
}

tn_error *tn_diagonals_copy(const tn_diagonals *d, const tn_tensor *matrix, const tn_tensor *diagonal, bool to_matrix) {
  int64_t inside[2] = {d->rows * d->columns, d->columns + 1}, packed[2] = {tn_diagonals_count(d) * d->longest, 1};
  for (int64_t i = d->upper; i >= d->lower; i--) {
    int64_t dims[2] = {d->batch, length_of(d, i)};
    bool right = (i < 0 || d->right_above) && (i > 0 || d->right_below);
    void *at = tn_at(diagonal, (d->upper - i) * d->longest + (right ? d->longest - dims[1] : 0));
    void *in = tn_at(matrix, i >= 0 ? i : -i * d->columns);
    tn_copy copy;
    tn_copy_init(&copy, matrix->dtype, 2, dims, to_matrix ? inside : packed, to_matrix ? packed : inside);
    TN_TRY(tn_copy_run(&copy, to_matrix ? in : at, to_matrix ? at : in));
  }
  return NULL;
}
