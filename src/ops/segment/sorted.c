/* SegmentSum, SegmentMean, SegmentProd, SegmentMax, SegmentMin: rows with the same id, which come sorted, are joined.
 */
#include <inttypes.h>

#include "ops/segment/segment.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *data = &p->inputs[0].shape, *ids = &p->inputs[1].shape;
  if (ids->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "segment_ids must be a vector, but is %s", TN_SHAPE_STR(ids));
  if (data->rank < 1 || data->dims[0] != ids->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "segment_ids %s must have one id for every row of data %s",
                             TN_SHAPE_STR(ids), TN_SHAPE_STR(data));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* Allocates the output: as many rows as the last id says. */
static tn_error *allocate(tn_run *r, int64_t *rows, int64_t *width) {
  const tn_tensor *data = r->inputs[0], *ids = r->inputs[1];
  int64_t n = data->shape.dims[0], last = -1;
  for (int64_t i = 0; i < n; i++) {
    int64_t id = tn_index_at(ids, i);
    if (id < 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "segment id %" PRId64 " at %" PRId64 " is negative", id, i);
    if (id < last)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "segment ids are not increasing: %" PRId64 " at %" PRId64 " follows %" PRId64, id, i, last);
    last = id;
  }
  tn_shape shape = data->shape;
  *width = n ? tn_elements(data) / n : 0;
  shape.dims[0] = *rows = last + 1;
  return tn_run_allocate(r, 0, &shape);
}

static tn_error *join(tn_run *r, tn_segment_kind kind, bool mean) {
  int64_t rows, width;
  TN_TRY(allocate(r, &rows, &width));
  const tn_tensor *data = r->inputs[0], *ids = r->inputs[1];
  const tn_segment_type *type = tn_segment_type_of(data->dtype);
  size_t row = (size_t)width * tn_dtype_size(data->dtype);
  char *out = r->outputs[0]->data;
  const char *in = data->data;
  int64_t n = data->shape.dims[0];
  for (int64_t id = 0, i = 0; id < rows; id++, out += row) {
    int64_t first = i;
    while (i < n && tn_index_at(ids, i) == id) i++;
    if (first == i) { /* a gap in the ids */
      (kind == TN_SEGMENT_PROD ? type->one : type->zero)(out, width);
      continue;
    }
    type->fill[kind](out, width);
    for (int64_t k = first; k < i; k++) type->step[kind](out, in + (size_t)k * row, width);
    if (mean) type->scale(out, width, (double)(i - first));
  }
  return NULL;
}

static tn_error *sum_run(tn_run *r) { return join(r, TN_SEGMENT_SUM, false); }
static tn_error *mean_run(tn_run *r) { return join(r, TN_SEGMENT_SUM, true); }
static tn_error *prod_run(tn_run *r) { return join(r, TN_SEGMENT_PROD, false); }
static tn_error *max_run(tn_run *r) { return join(r, TN_SEGMENT_MAX, false); }
static tn_error *min_run(tn_run *r) { return join(r, TN_SEGMENT_MIN, false); }

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape data, ids;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &data));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &ids));
  c->out[0] = data;
  if (data.rank >= 0) c->out[0].dims[0] = -1;
  return NULL;
}

/* --- gradients --- */

static tn_error *sum_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build_gather_rows(c->scope, tn_grad_dense(c, 0), tn_grad_x(c, 1)));
  return NULL;
}

static tn_error *mean_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), ids = tn_grad_x(c, 1), gradient = tn_grad_dense(c, 0);
  tn_output zero = tn_build_scalar(s, TN_INT32, 0), one = tn_build_scalar(s, TN_INT32, 1);
  tn_output rank = tn_build1(s, "Rank", x);
  tn_output rest = tn_build2(s, "Fill", tn_build2(s, "ExpandDims", tn_build2(s, "Sub", rank, one), zero), one);
  tn_output column = tn_build(s, "ConcatV2", TN_IN(tn_build_shape_of(s, ids), rest, zero), TN_ATTRS(TN_A_INT("N", 2)));
  tn_output ones = tn_build2(s, "Fill", column, tn_build_scalar(s, tn_output_dtype(gradient), 1));
  tn_output counts = tn_build2(s, "SegmentSum", ones, ids);
  tn_grad_set(c, 0, tn_build_gather_rows(s, tn_build2(s, "RealDiv", gradient, counts), ids));
  return NULL;
}

/* The gradient goes in equal parts to the rows' elements that equal the extremum. */
static tn_error *extremum_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), ids = tn_grad_x(c, 1), gradient = tn_grad_dense(c, 0);
  tn_output hits = tn_build2(s, "Equal", x, tn_build_gather_rows(s, tn_grad_y(c, 0), ids));
  tn_output n = tn_build2(s, "SegmentSum", tn_build_cast(s, hits, tn_output_dtype(gradient)), ids);
  tn_output spread = tn_build_gather_rows(s, tn_build2(s, "RealDiv", gradient, n), ids);
  tn_grad_set(c, 0, tn_build(s, "SelectV2", TN_IN(hits, spread, tn_build1(s, "ZerosLike", x)), NULL));
  return NULL;
}

/* The product of the others: with one zero in a segment only that zero gets a gradient, with two nothing does. */
static tn_error *prod_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), ids = tn_grad_x(c, 1), gradient = tn_grad_dense(c, 0);
  tn_output is_zero = tn_build2(s, "Equal", x, tn_build_scalar(s, tn_output_dtype(x), 0));
  tn_output n_zeros = tn_build2(s, "SegmentSum", tn_build_cast(s, is_zero, TN_INT32), ids);
  tn_output many = tn_build2(s, "Greater", n_zeros, tn_build_scalar(s, TN_INT32, 1));
  gradient = tn_build(s, "SelectV2", TN_IN(many, tn_build1(s, "ZerosLike", gradient), gradient), NULL);
  tn_output others = tn_build(s, "SelectV2", TN_IN(is_zero, tn_build1(s, "OnesLike", x), x), NULL);
  tn_output product = tn_build_gather_rows(s, tn_build2(s, "SegmentProd", others, ids), ids);
  tn_output divided = tn_build2(s, "RealDiv", tn_build_gather_rows(s, tn_grad_y(c, 0), ids), others);
  tn_output partial = tn_build(s, "SelectV2", TN_IN(is_zero, product, divided), NULL);
  tn_grad_set(c, 0, tn_build2(s, "Mul", tn_build_gather_rows(s, gradient, ids), partial));
  return NULL;
}

#define KERNELS(NAME, TYPES, RUN)                                                                                      \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TYPES, .prepare = prepare, .run = RUN}, {0}}
KERNELS(sum_kernels, TN_NUMBERS, sum_run);
KERNELS(mean_kernels, TN_NUMBERS, mean_run);
KERNELS(prod_kernels, TN_NUMBERS, prod_run);
KERNELS(max_kernels, TN_REALS, max_run);
KERNELS(min_kernels, TN_REALS, min_run);

TN_OP(SegmentSum, .inputs = "data: T, segment_ids: Tindices", .outputs = "output: T",
      .attrs = "T: numbertype; Tindices: indextype", .doc = "Sums the rows of each segment; ids come sorted.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape, .gradient = sum_gradient, .kernels = sum_kernels);

TN_OP(SegmentMean, .inputs = "data: T, segment_ids: Tindices", .outputs = "output: T",
      .attrs = "T: numbertype; Tindices: indextype", .doc = "The mean of the rows of each segment; ids come sorted.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape, .gradient = mean_gradient, .kernels = mean_kernels);

TN_OP(SegmentProd, .inputs = "data: T, segment_ids: Tindices", .outputs = "output: T",
      .attrs = "T: numbertype; Tindices: indextype", .doc = "Multiplies the rows of each segment; ids come sorted.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape, .gradient = prod_gradient, .kernels = prod_kernels);

TN_OP(SegmentMax, .inputs = "data: T, segment_ids: Tindices", .outputs = "output: T",
      .attrs = "T: realnumbertype; Tindices: indextype",
      .doc = "The maximum of the rows of each segment; ids come sorted.", .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape,
      .gradient = extremum_gradient, .kernels = max_kernels);

TN_OP(SegmentMin, .inputs = "data: T, segment_ids: Tindices", .outputs = "output: T",
      .attrs = "T: realnumbertype; Tindices: indextype",
      .doc = "The minimum of the rows of each segment; ids come sorted.", .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape,
      .gradient = extremum_gradient, .kernels = min_kernels);
