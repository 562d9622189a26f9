/* RaggedRange: a range of numbers for each row. */
#include <math.h>

#include "ops/ragged/ragged.h"

static const char *const names[3] = {"starts", "limits", "deltas"};

/* The rows that three inputs stand for, -1 if it is unknown: vectors are of one size, scalars are used in each row. */
static tn_error *rows_of(tn_shape_ctx *c, int64_t *rows) {
  bool scalars = true;
  *rows = -1;
  for (int i = 0; i < 3; i++) {
    const tn_shape *shape = &c->in[i];
    if (shape->rank > 1) {
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%s must be a scalar or vector, not shape %s", names[i],
                            TN_SHAPE_STR(shape));
    }
    scalars = scalars && shape->rank == 0;
    if (shape->rank == 1) TN_TRY(tn_dim_merge(c, *rows, shape->dims[0], rows));
  }
  if (scalars) *rows = 1;
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  int64_t rows;
  TN_TRY(rows_of(c, &rows));
  if (rows >= 0) rows++;
  c->out[0] = tn_shape_of(1, &rows);
  c->out[1] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  int64_t rows = -1;
  for (int i = 0; i < 3; i++) {
    const tn_shape *in = &p->inputs[i].shape;
    if (in->rank > 1) {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar or vector, not shape %s", names[i],
                               TN_SHAPE_STR(in));
    }
    if (in->rank == 0) continue;
    if (rows >= 0 && rows != in->dims[0]) {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "starts, limits, and deltas must have the same shape");
    }
    rows = in->dims[0];
  }
  rows = rows < 0 ? 2 : rows + 1;
  tn_shape splits = tn_shape_of(1, &rows);
  tn_prepare_dynamic(p, 1);
  return tn_prepare_output(p, 0, &splits);
}

/* Element ROW of input I, the only one of a scalar. */
static double number(const tn_run *r, int i, int64_t row) {
  const tn_tensor *t = r->inputs[i];
  if (t->shape.rank == 0) row = 0;
  switch (t->dtype) {
  case TN_FLOAT: return TN_DATA(float, t)[row];
  case TN_DOUBLE: return TN_DATA(double, t)[row];
  default: return (double)tn_index_at(t, row);
  }
}

static int64_t integer(const tn_run *r, int i, int64_t row) {
  return tn_index_at(r->inputs[i], r->inputs[i]->shape.rank == 0 ? 0 : row);
}

static tn_error *size_of(const tn_run *r, int64_t row, int64_t *out) {
  double start = number(r, 0, row), limit = number(r, 1, row), delta = number(r, 2, row);
  if (delta == 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Requires delta != 0");
  *out = 0;
  if ((delta > 0 && limit < start) || (delta < 0 && limit > start)) return NULL;
  if (!tn_dtype_is_floating(r->outputs[1]->dtype)) {
    uint64_t from = (uint64_t)integer(r, 0, row), to = (uint64_t)integer(r, 1, row), by = (uint64_t)integer(r, 2, row);
    uint64_t span = delta > 0 ? to - from : from - to, step = delta > 0 ? by : 0 - by;
    *out = (int64_t)(span / step + (span % step != 0));
    if (*out >= 0) return NULL;
  } else {
    double size = r->outputs[1]->dtype == TN_DOUBLE ? ceil(fabs((limit - start) / delta))
                                                    : ceilf(fabsf(((float)limit - (float)start) / (float)delta));
    if (size < 9.2e18) {
      *out = (int64_t)size;
      return NULL;
    }
  }
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Requires ((limit - start) / delta) <= %lld", (long long)INT64_MAX);
}

/* Each number is the one before it plus DELTA, in the precision of the type. */
#define FILL(TYPE, VALUE)                                                                                              \
  {                                                                                                                    \
    TYPE value = (TYPE)VALUE(r, 0, row), delta = (TYPE)VALUE(r, 2, row);                                               \
    for (int64_t i = from; i < to; i++, value = (TYPE)(value + delta)) TN_DATA(TYPE, out)[i] = value;                  \
    break;                                                                                                             \
  }

static void fill(const tn_run *r, int64_t row, int64_t from, int64_t to) {
  tn_tensor *out = r->outputs[1];
  switch (out->dtype) {
  case TN_FLOAT: FILL(float, number)
  case TN_DOUBLE: FILL(double, number)
  case TN_INT64: FILL(uint64_t, integer)
  default: FILL(uint32_t, integer)
  }
}

static tn_error *run(tn_run *r) {
  tn_tensor *splits = r->outputs[0];
  int64_t rows = tn_splits_rows(splits), total = 0, most = splits->dtype == TN_INT32 ? INT32_MAX : INT64_MAX;
  tn_int_put(splits, 0, 0);
  for (int64_t row = 0; row < rows; row++) {
    int64_t size;
    TN_TRY(size_of(r, row, &size));
    if (__builtin_add_overflow(total, size, &total) || total > most) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "The total range size overflowed. Consider using int64 instead of "
                           "int32 for row_splits_dtype.");
    }
    tn_int_put(splits, row + 1, total);
  }
  tn_shape all = tn_shape_of(1, &total);
  TN_TRY(tn_run_allocate(r, 1, &all));
  for (int64_t row = 0; row < rows; row++) fill(r, row, tn_index_at(splits, row), tn_index_at(splits, row + 1));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_INDICES, .prepare = prepare, .run = run},
    {0}};

TN_OP(RaggedRange, .inputs = "starts: T, limits: T, deltas: T",
      .outputs = "rt_nested_splits: Tsplits, rt_dense_values: T",
      .attrs = "T: {bfloat16, float, double, int32, int64} = DT_INT32; Tsplits: {int32, int64} = DT_INT64",
      .doc = "For each row the numbers START, START + DELTA, ... before LIMIT.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = shape, .kernels = kernels);
