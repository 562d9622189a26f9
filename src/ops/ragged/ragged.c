/* Checks of nested row splits. */
#include "ops/ragged/ragged.h"

/* SPLITS belong to N values (or rows of splits). */
static tn_error *check_one(const tn_run *r, const tn_tensor *splits, int64_t n) {
  int64_t last = tn_elements(splits) - 1;
  if (splits->shape.rank != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid ragged splits: ragged splits must be rank 1 but is rank %d",
                         splits->shape.rank);
  }
  if (last < 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Invalid ragged splits: ragged splits must have at least one splits, but is empty");
  }
  if (tn_index_at(splits, 0) != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Invalid ragged splits: first element of ragged splits must be 0 but is %lld",
                         (long long)tn_index_at(splits, 0));
  }
  for (int64_t i = 1; i <= last; i++) {
    if (tn_index_at(splits, i) < tn_index_at(splits, i - 1)) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Invalid ragged splits: ragged splits must be monotonically increasing, but "
                           "ragged_splits[%lld]=%lld is smaller than row_splits[%lld]=%lld",
                           (long long)i, (long long)tn_index_at(splits, i), (long long)i - 1,
                           (long long)tn_index_at(splits, i - 1));
    }
  }
  if (tn_index_at(splits, last) != n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Invalid ragged splits: last element of ragged splits must be the number of ragged values "
                         "(%lld) but is %lld",
                         (long long)n, (long long)tn_index_at(splits, last));
  }
  return NULL;
}

tn_error *tn_splits_check(const tn_run *r, int first, int n, int64_t values) {
  for (int i = first + n - 1; i >= first; i--) {
    TN_TRY(check_one(r, r->inputs[i], values));
    values = tn_splits_rows(r->inputs[i]);
  }
  return NULL;
}

tn_error *tn_splits_shape(tn_shape_ctx *c, int i) {
  tn_shape splits;
  return tn_shape_with_rank(c, i, 1, &splits);
}
