/* SparseSegmentSum, Mean, SqrtN: segments of gathered rows, in one go; and their gradients' ops. */
#include <inttypes.h>
#include <math.h>

#include "ops/segment/segment.h"

typedef enum weighting { PLAIN, MEAN, SQRT_N } weighting;

static double divisor_of(weighting w, int64_t n) { return w == PLAIN ? 1 : w == MEAN ? (double)n : sqrt((double)n); }

static tn_error *check(tn_prepare *p) {
  const tn_shape *data = &p->inputs[0].shape, *indices = &p->inputs[1].shape, *ids = &p->inputs[2].shape;
  if (indices->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "indices should be a vector, not %s", TN_SHAPE_STR(indices));
  if (ids->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "segment_ids should be a vector, not %s", TN_SHAPE_STR(ids));
  if (indices->dims[0] != ids->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "segment_ids %s and indices %s should have the same size",
                             TN_SHAPE_STR(ids), TN_SHAPE_STR(indices));
  if (data->rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "data should have rows, but is a scalar");
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(check(p));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* Checks ids and indices; *ROWS is one more than the last id. */
static tn_error *check_values(tn_run *r, int64_t limit, int64_t *rows) {
  const tn_tensor *indices = r->inputs[1], *ids = r->inputs[2];
  int64_t last = -1;
  for (int64_t i = 0; i < ids->shape.dims[0]; i++) {
    int64_t id = tn_index_at(ids, i), index = tn_index_at(indices, i);
    if (id < 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "segment ids must be >= 0, but %" PRId64 " is at %" PRId64, id, i);
    if (id < last) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "segment ids are not increasing at %" PRId64, i);
    if (index < 0 || index >= limit)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%" PRId64 "] == %" PRId64 " out of range [0, %" PRId64 ")",
                           i, index, limit);
    last = id;
  }
  *rows = last + 1;
  return NULL;
}

static tn_error *join(tn_run *r, weighting w) {
  const tn_tensor *data = r->inputs[0], *indices = r->inputs[1], *ids = r->inputs[2];
  int64_t rows, n = ids->shape.dims[0], width = 1;
  TN_TRY(check_values(r, data->shape.dims[0], &rows));
  tn_shape shape = data->shape;
  for (int i = 1; i < shape.rank; i++) width *= shape.dims[i];
  shape.dims[0] = rows;
  TN_TRY(tn_run_allocate(r, 0, &shape));
  const tn_segment_type *type = tn_segment_type_of(data->dtype);
  size_t row = (size_t)width * tn_dtype_size(data->dtype);
  char *out = r->outputs[0]->data;
  const char *in = data->data;
  for (int64_t id = 0, i = 0; id < rows; id++, out += row) {
    type->zero(out, width);
    int64_t first = i;
    for (; i < n && tn_index_at(ids, i) == id; i++)
      type->step[TN_SEGMENT_SUM](out, in + (size_t)tn_index_at(indices, i) * row, width);
    if (i > first && w != PLAIN) type->scale(out, width, divisor_of(w, i - first));
  }
  return NULL;
}

static tn_error *sum_run(tn_run *r) { return join(r, PLAIN); }
static tn_error *mean_run(tn_run *r) { return join(r, MEAN); }
static tn_error *sqrt_n_run(tn_run *r) { return join(r, SQRT_N); }

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape data, indices, ids, merged;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &data));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &indices));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &ids));
  TN_TRY(tn_shape_merge(c, &indices, &ids, &merged));
  c->out[0] = data;
  if (data.rank >= 0) c->out[0].dims[0] = -1;
  return NULL;
}

/* --- the gradients' ops: row INDICES[i] of the output takes up a share of row SEGMENT_IDS[i] of the gradient --- */

static tn_error *back_prepare(tn_prepare *p) {
  TN_TRY(check(p));
  int n;
  int64_t rows;
  TN_TRY(tn_prepare_ints(p, 3, 1, &n, &rows));
  if (n != 1 || p->inputs[3].shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output_dim0 should be a scalar, not %s",
                             TN_SHAPE_STR(&p->inputs[3].shape));
  tn_shape out = p->inputs[0].shape;
  out.dims[0] = rows;
  if (rows < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output_dim0 %" PRId64 " is negative", rows);
  p->scratch = (size_t)p->inputs[0].shape.dims[0] * sizeof(int64_t);
  return tn_prepare_output(p, 0, &out);
}

/* y[j] += x[j] / divisor, in the width of the dtype's arithmetic. */
static void add_scaled(tn_dtype dtype, void *out, const void *in, int64_t n, double divisor) {
  for (int64_t j = 0; j < n; j++) {
    switch (dtype) {
    case TN_FLOAT: ((float *)out)[j] += (float)((double)((const float *)in)[j] / divisor); break;
    case TN_DOUBLE: ((double *)out)[j] += ((const double *)in)[j] / divisor; break;
    case TN_HALF: {
      uint16_t *y = (uint16_t *)out + j;
      *y = tn_float_to_half(tn_half_to_float(*y) + tn_half_to_float(((const uint16_t *)in)[j]) / (float)divisor);
      break;
    }
    default: {
      uint16_t *y = (uint16_t *)out + j;
      *y = tn_float_to_bfloat16(tn_bfloat16_to_float(*y) +
                                tn_bfloat16_to_float(((const uint16_t *)in)[j]) / (float)divisor);
      break;
    }
    }
  }
}

static tn_error *back(tn_run *r, weighting w) {
  const tn_tensor *gradient = r->inputs[0], *indices = r->inputs[1], *ids = r->inputs[2], *out = r->outputs[0];
  int64_t segments = gradient->shape.dims[0], n = ids->shape.dims[0], width = 1, *counts = r->scratch;
  for (int i = 1; i < out->shape.rank; i++) width *= out->shape.dims[i];
  size_t row = (size_t)width * tn_dtype_size(out->dtype);
  for (int64_t i = 0; i < segments; i++) counts[i] = 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t id = tn_index_at(ids, i), index = tn_index_at(indices, i);
    if (id < 0 || id >= segments)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Segment id %" PRId64 " out of range [0, %" PRId64 ")", id,
                           segments);
    if (index < 0 || index >= out->shape.dims[0])
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Index %" PRId64 " out of range [0, %" PRId64 ")", index,
                           out->shape.dims[0]);
    counts[id]++;
  }
  tn_segment_type_of(out->dtype)->zero(out->data, out->shape.dims[0] * width);
  for (int64_t i = 0; i < n; i++) {
    int64_t id = tn_index_at(ids, i);
    add_scaled(out->dtype, (char *)out->data + (size_t)tn_index_at(indices, i) * row,
               (const char *)gradient->data + (size_t)id * row, width, divisor_of(w, counts[id]));
  }
  return NULL;
}

static tn_error *back_sum_run(tn_run *r) { return back(r, PLAIN); }
static tn_error *back_mean_run(tn_run *r) { return back(r, MEAN); }
static tn_error *back_sqrt_n_run(tn_run *r) { return back(r, SQRT_N); }

static tn_error *back_shape(tn_shape_ctx *c) {
  tn_shape gradient, indices, other;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &gradient));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &indices));
  TN_TRY(tn_shape_merge(c, &c->in[2], &indices, &other));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &other));
  bool known;
  int64_t rows;
  TN_TRY(tn_shape_scalar_value(c, 3, &known, &rows));
  c->out[0] = gradient;
  if (known && rows < 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "output_dim0 %" PRId64 " is negative", rows);
  if (gradient.rank >= 0) c->out[0].dims[0] = known ? rows : -1;
  return NULL;
}

/* --- gradients --- */

static tn_output rows_of(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  return tn_build(
      s, "GatherV2",
      TN_IN(tn_build_shape_of(s, tn_grad_x(c, 0)), tn_build_scalar(s, TN_INT32, 0), tn_build_scalar(s, TN_INT32, 0)),
      NULL);
}

static tn_error *gradient_with(tn_gradient_ctx *c, const char *op) {
  tn_grad_set(c, 0,
              tn_build(c->scope, op, TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2), rows_of(c)), NULL));
  return NULL;
}

static tn_error *sum_gradient(tn_gradient_ctx *c) {
  if (tn_dtype_is_floating(tn_output_dtype(tn_grad_x(c, 0)))) return gradient_with(c, "SparseSegmentSumGrad");
  tn_output spread = tn_build_gather_rows(c->scope, tn_grad_dense(c, 0), tn_grad_x(c, 2));
  tn_grad_set(c, 0, tn_build(c->scope, "UnsortedSegmentSum", TN_IN(spread, tn_grad_x(c, 1), rows_of(c)), NULL));
  return NULL;
}
static tn_error *mean_gradient(tn_gradient_ctx *c) { return gradient_with(c, "SparseSegmentMeanGrad"); }
static tn_error *sqrt_n_gradient(tn_gradient_ctx *c) { return gradient_with(c, "SparseSegmentSqrtNGrad"); }

#define KERNELS(NAME, TYPES, PREPARE, RUN)                                                                             \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TYPES, .prepare = PREPARE, .run = RUN}, {0}}
KERNELS(sum_kernels, TN_REALS, prepare, sum_run);
KERNELS(mean_kernels, TN_FLOATS, prepare, mean_run);
KERNELS(sqrt_n_kernels, TN_FLOATS, prepare, sqrt_n_run);
KERNELS(back_sum_kernels, TN_FLOATS, back_prepare, back_sum_run);
KERNELS(back_mean_kernels, TN_FLOATS, back_prepare, back_mean_run);
KERNELS(back_sqrt_n_kernels, TN_FLOATS, back_prepare, back_sqrt_n_run);

#define INPUTS      "data: T, indices: Tidx, segment_ids: Tsegmentids"
#define BACK_INPUTS "grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: int32"
#define INDEX_ATTRS "; Tidx: indextype = DT_INT32; Tsegmentids: indextype = DT_INT32"

TN_OP(SparseSegmentSum, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: realnumbertype" INDEX_ATTRS "; sparse_gradient: bool = false",
      .doc = "Sums the gathered rows of each segment.", .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape,
      .gradient = sum_gradient, .kernels = sum_kernels);

TN_OP(SparseSegmentMean, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: floattype" INDEX_ATTRS "; sparse_gradient: bool = false",
      .doc = "The mean of the gathered rows of each segment.", .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape,
      .gradient = mean_gradient, .kernels = mean_kernels);

TN_OP(SparseSegmentSqrtN, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: floattype" INDEX_ATTRS "; sparse_gradient: bool = false",
      .doc = "The sum of the gathered rows of each segment over the root of their number.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape, .gradient = sqrt_n_gradient, .kernels = sqrt_n_kernels);

TN_OP(SparseSegmentSumGrad, .inputs = BACK_INPUTS, .outputs = "output: T", .attrs = "T: floattype" INDEX_ATTRS,
      .doc = "The gradient of SparseSegmentSum.", .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 3,
      .shape = back_shape, .kernels = back_sum_kernels);

TN_OP(SparseSegmentMeanGrad, .inputs = BACK_INPUTS, .outputs = "output: T", .attrs = "T: floattype" INDEX_ATTRS,
      .doc = "The gradient of SparseSegmentMean.", .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 3,
      .shape = back_shape, .kernels = back_mean_kernels);

TN_OP(SparseSegmentSqrtNGrad, .inputs = BACK_INPUTS, .outputs = "output: T", .attrs = "T: floattype" INDEX_ATTRS,
      .doc = "The gradient of SparseSegmentSqrtN.", .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 3,
      .shape = back_shape, .kernels = back_sqrt_n_kernels);
