/* Bucketize, HistogramFixedWidth, LowerBound and UpperBound: where numbers lie among sorted ones. */
#include "ops/array/array.h"

/* Element I as a double. */
static double number(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: return (double)TN_DATA(float, t)[i];
  case TN_DOUBLE: return TN_DATA(double, t)[i];
  case TN_INT32: return TN_DATA(int32_t, t)[i];
  default: return (double)TN_DATA(int64_t, t)[i];
  }
}

/* --- Bucketize --- */

static tn_error *bucketize_prepare(tn_prepare *p) {
  const tn_attr *b = tn_node_attr(p->node, "boundaries");
  for (size_t i = 1; i < b->n; i++)
    if (b->floats[i] < b->floats[i - 1]) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected sorted boundaries");
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *bucketize_run(tn_run *r) {
  const tn_attr *b = tn_node_attr(r->node, "boundaries");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    double x = number(r->inputs[0], i);
    if (r->inputs[0]->dtype != TN_DOUBLE) x = (double)(float)x;
    size_t low = 0, count = b->n;
    while (count > 0) {
      size_t half = count / 2;
      if (x < (double)b->floats[low + half]) {
        count = half;
      } else {
        low += half + 1;
        count -= half + 1;
      }
    }
    TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)low;
  }
  return NULL;
}

/* --- HistogramFixedWidth --- */

static tn_error *histogram_prepare(tn_prepare *p) {
  int64_t bins;
  if (p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "value_range should be a vector of 2 elements, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  if (p->inputs[2].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "nbins should be a scalar, got shape %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  TN_TRY(tn_array_scalar(p, 2, &bins));
  if (bins <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "nbins should be a positive number, but got '%lld'",
                             (long long)bins);
  tn_shape out = tn_shape_of(1, &bins);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *histogram_run(tn_run *r) {
  const tn_tensor *x = r->inputs[0];
  int64_t bins = r->outputs[0]->shape.dims[0];
  double low = number(r->inputs[1], 0), high = number(r->inputs[1], 1), width = high - low;
  if (!(low < high))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "value_range should satisfy value_range[0] < value_range[1], but got '[%g, %g]'", low, high);
  if (x->dtype == TN_FLOAT) width = (double)((float)high - (float)low);
  double step = width / (double)bins;
  TN_TRY(tn_copy_zero(r->outputs[0]->dtype, r->outputs[0]->data, bins));
  for (int64_t i = 0; i < tn_elements(x); i++) {
    double value = number(x, i), above = value > low ? value - low : 0;
    if (x->dtype == TN_FLOAT) above = value > low ? (double)((float)value - (float)low) : 0;
    if (value != value) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "values must not be NaN");
    double at = above / step;
    int64_t bin = at < (double)(bins - 1) ? (int64_t)at : bins - 1;
    tn_int_put(r->outputs[0], bin, tn_int_at(r->outputs[0], bin) + 1);
  }
  return NULL;
}

static tn_error *histogram_shape(tn_shape_ctx *c) {
  tn_shape range, scalar;
  bool known;
  int64_t bins, two;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &range));
  TN_TRY(tn_dim_merge(c, range.dims[0], 2, &two));
  TN_TRY(tn_shape_with_rank(c, 2, 0, &scalar));
  TN_TRY(tn_shape_scalar_value(c, 2, &known, &bins));
  if (known && bins <= 0) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "nbins must be positive");
  c->out[0] = tn_shape_of(1, (int64_t[]){known ? bins : -1});
  return NULL;
}

/* --- LowerBound, UpperBound --- */

#define LESS(T) return TN_DATA(T, a)[i] < TN_DATA(T, b)[j]

static bool less(const tn_tensor *a, int64_t i, const tn_tensor *b, int64_t j) {
  switch (a->dtype) {
  case TN_FLOAT: LESS(float);
  case TN_DOUBLE: LESS(double);
  case TN_INT8: LESS(int8_t);
  case TN_UINT8: LESS(uint8_t);
  case TN_INT16: LESS(int16_t);
  case TN_UINT16: LESS(uint16_t);
  case TN_INT32: LESS(int32_t);
  case TN_UINT32: LESS(uint32_t);
  case TN_INT64: LESS(int64_t);
  case TN_UINT64: LESS(uint64_t);
  case TN_HALF: return tn_half_to_float(TN_DATA(uint16_t, a)[i]) < tn_half_to_float(TN_DATA(uint16_t, b)[j]);
  default: return tn_bfloat16_to_float(TN_DATA(uint16_t, a)[i]) < tn_bfloat16_to_float(TN_DATA(uint16_t, b)[j]);
  }
}

static tn_error *bound_prepare(tn_prepare *p) {
  const tn_shape *sorted = &p->inputs[0].shape, *values = &p->inputs[1].shape;
  if (sorted->rank != 2 || values->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sorted_inputs and values must be matrices, got %s and %s",
                             TN_SHAPE_STR(sorted), TN_SHAPE_STR(values));
  if (sorted->dims[0] != values->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Leading dim_size of both tensors must match: %s and %s",
                             TN_SHAPE_STR(sorted), TN_SHAPE_STR(values));
  return tn_prepare_output(p, 0, values);
}

static tn_error *bound(tn_run *r, bool upper) {
  const tn_tensor *sorted = r->inputs[0], *values = r->inputs[1];
  int64_t n = sorted->shape.dims[1], m = values->shape.dims[1];
  for (int64_t i = 0; i < tn_elements(values); i++) {
    int64_t first = i / m * n, low = 0, count = n;
    while (count > 0) {
      int64_t half = count / 2, at = first + low + half;
      if (upper ? !less(values, i, sorted, at) : less(sorted, at, values, i)) {
        low += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    tn_int_put(r->outputs[0], i, low);
  }
  return NULL;
}

static tn_error *lower_run(tn_run *r) { return bound(r, false); }
static tn_error *upper_run(tn_run *r) { return bound(r, true); }

static tn_error *bound_shape(tn_shape_ctx *c) {
  c->out[0] = c->in[1];
  return NULL;
}

static const tn_kernel_def bucketize_kernels[] = {
    {.name = "reference", .prepare = bucketize_prepare, .run = bucketize_run}, {0}};
static const tn_kernel_def histogram_kernels[] = {
    {.name = "reference", .prepare = histogram_prepare, .run = histogram_run}, {0}};
static const tn_kernel_def lower_kernels[] = {
    {.name = "reference", .types = TN_REALS, .type_attr = "T", .prepare = bound_prepare, .run = lower_run}, {0}};
static const tn_kernel_def upper_kernels[] = {
    {.name = "reference", .types = TN_REALS, .type_attr = "T", .prepare = bound_prepare, .run = upper_run}, {0}};

TN_OP(Bucketize, .inputs = "input: T", .outputs = "output: int32",
      .attrs = "T: {int32, int64, float, double}; boundaries: list(float)",
      .doc = "The number of BOUNDARIES that are not larger, for each element.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = bucketize_kernels);

TN_OP(HistogramFixedWidth, .inputs = "values: T, value_range: T, nbins: int32", .outputs = "out: dtype",
      .attrs = "T: {int32, int64, float, double}; dtype: indextype = DT_INT32",
      .doc = "How many values lie in each of NBINS equal parts of a range; what lies outside counts at the ends.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 2, .shape = histogram_shape,
      .kernels = histogram_kernels);

TN_OP(LowerBound, .inputs = "sorted_inputs: T, values: T", .outputs = "output: out_type",
      .attrs = "T: type; out_type: indextype = DT_INT32",
      .doc = "The first place in each sorted row at which a value can be put.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = bound_shape, .kernels = lower_kernels);

TN_OP(UpperBound, .inputs = "sorted_inputs: T, values: T", .outputs = "output: out_type",
      .attrs = "T: type; out_type: indextype = DT_INT32",
      .doc = "The last place in each sorted row at which a value can be put.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = bound_shape, .kernels = upper_kernels);
