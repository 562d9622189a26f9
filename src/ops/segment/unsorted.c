/* UnsortedSegmentSum, Prod, Max, Min: rows are joined by ids in any order; negative ids are dropped. */
#include <inttypes.h>

#include "base/parallel.h"
#include "ops/segment/segment.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *data = &p->inputs[0].shape, *ids = &p->inputs[1].shape;
  bool prefix = ids->rank <= data->rank;
  for (int i = 0; prefix && i < ids->rank; i++) prefix = ids->dims[i] == data->dims[i];
  if (!prefix)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "data.shape = %s does not start with segment_ids.shape = %s",
                             TN_SHAPE_STR(data), TN_SHAPE_STR(ids));
  int n;
  int64_t rows;
  TN_TRY(tn_prepare_ints(p, 2, 1, &n, &rows));
  if (n != 1 || p->inputs[2].shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_segments should be a scalar, not %s",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  if (rows < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_segments %" PRId64 " is negative", rows);
  tn_shape out = {.rank = 1, .dims = {rows}};
  for (int i = ids->rank; i < data->rank; i++) {
    if (out.rank == TN_MAX_RANK)
      return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "the output would have a rank over %d", TN_MAX_RANK);
    out.dims[out.rank++] = data->dims[i];
  }
  return tn_prepare_output(p, 0, &out);
}

typedef struct job {
  const tn_run *r;
  const tn_segment_type *type;
  tn_segment_kind kind;
  int64_t chunks, rows, width, n;
} job;

/* Joins the rows whose id is in chunk CHUNK of the output: every output row has one writer, who goes in input order. */
static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const tn_tensor *data = j->r->inputs[0], *ids = j->r->inputs[1];
  size_t row = (size_t)j->width * tn_dtype_size(data->dtype);
  int64_t begin, end;
  tn_chunk(j->rows, j->chunks, chunk, 1, &begin, &end);
  char *out = j->r->outputs[0]->data;
  const char *in = data->data;
  j->type->fill[j->kind](out + (size_t)begin * row, (end - begin) * j->width);
  for (int64_t i = 0; i < j->n; i++) {
    int64_t id = tn_index_at(ids, i);
    if (id >= begin && id < end) j->type->step[j->kind](out + (size_t)id * row, in + (size_t)i * row, j->width);
  }
}

static tn_error *join(tn_run *r, tn_segment_kind kind) {
  const tn_tensor *data = r->inputs[0], *ids = r->inputs[1], *out = r->outputs[0];
  int64_t rows = out->shape.dims[0], n = tn_elements(ids), width = 1;
  for (int i = 1; i < out->shape.rank; i++) width *= out->shape.dims[i];
  for (int64_t i = 0; i < n; i++)
    if (tn_index_at(ids, i) >= rows)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "segment_ids[%" PRId64 "] = %" PRId64 " is out of range [0, %" PRId64 ")", i,
                           tn_index_at(ids, i), rows);
  int64_t chunks = tn_chunks(n * width, 65536);
  job j = {r, tn_segment_type_of(data->dtype), kind, chunks < 8 ? chunks : 8, rows, width, n};
  tn_parallel(j.chunks, run_chunk, &j);
  return NULL;
}

static tn_error *sum_run(tn_run *r) { return join(r, TN_SEGMENT_SUM); }
static tn_error *prod_run(tn_run *r) { return join(r, TN_SEGMENT_PROD); }
static tn_error *max_run(tn_run *r) { return join(r, TN_SEGMENT_MAX); }
static tn_error *min_run(tn_run *r) { return join(r, TN_SEGMENT_MIN); }

static tn_error *shape(tn_shape_ctx *c) {
  const tn_shape *data = &c->in[0], *ids = &c->in[1];
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 2, 0, &scalar));
  bool known;
  int64_t rows;
  TN_TRY(tn_shape_scalar_value(c, 2, &known, &rows));
  if (known && rows < 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "num_segments %" PRId64 " is negative", rows);
  if (ids->rank < 0 || data->rank < 0) return NULL;
  TN_TRY(tn_shape_at_least_rank(c, 0, ids->rank, &scalar));
  for (int i = 0; i < ids->rank; i++) TN_TRY(tn_dim_merge(c, data->dims[i], ids->dims[i], &(int64_t){0}));
  tn_shape *out = &c->out[0];
  *out = (tn_shape){.rank = 1, .dims = {known ? rows : -1}};
  for (int i = ids->rank; i < data->rank && out->rank < TN_MAX_RANK; i++) out->dims[out->rank++] = data->dims[i];
  return NULL;
}

/* --- gradients --- */

static tn_error *sum_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build_gather_drop_negatives(c->scope, tn_grad_dense(c, 0), tn_grad_x(c, 1), NULL, NULL));
  return NULL;
}

static tn_error *extremum_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), ids = tn_grad_x(c, 1), gradient = tn_grad_dense(c, 0), clipped, positive;
  tn_output extremum = tn_build_gather_drop_negatives(s, tn_grad_y(c, 0), ids, &clipped, &positive);
  tn_output hits = tn_build2(s, "LogicalAnd", tn_build2(s, "Equal", x, extremum), positive);
  tn_output n = tn_build(s, "UnsortedSegmentSum",
                         TN_IN(tn_build_cast(s, hits, tn_output_dtype(gradient)), ids, tn_grad_x(c, 2)), NULL);
  tn_output weighted = tn_build2(s, "RealDiv", gradient, n);
  tn_output spread = tn_build_gather_rows(s, weighted, clipped);
  tn_grad_set(c, 0, tn_build(s, "SelectV2", TN_IN(hits, spread, tn_build1(s, "ZerosLike", spread)), NULL));
  return NULL;
}

static tn_error *prod_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), ids = tn_grad_x(c, 1), n = tn_grad_x(c, 2), gradient = tn_grad_dense(c, 0);
  tn_output is_zero = tn_build2(s, "Equal", x, tn_build_scalar(s, tn_output_dtype(x), 0));
  tn_output n_zeros = tn_build(s, "UnsortedSegmentSum", TN_IN(tn_build_cast(s, is_zero, TN_INT32), ids, n), NULL);
  tn_output many = tn_build2(s, "Greater", n_zeros, tn_build_scalar(s, TN_INT32, 1));
  gradient = tn_build(s, "SelectV2", TN_IN(many, tn_build1(s, "ZerosLike", gradient), gradient), NULL);
  tn_output others = tn_build(s, "SelectV2", TN_IN(is_zero, tn_build1(s, "OnesLike", x), x), NULL);
  tn_output product = tn_build(s, "UnsortedSegmentProd", TN_IN(others, ids, n), NULL);
  tn_output clipped = tn_build2(s, "Maximum", ids, tn_build1(s, "ZerosLike", ids));
  tn_output divided = tn_build2(s, "RealDiv", tn_build_gather_rows(s, tn_grad_y(c, 0), clipped), others);
  tn_output partial = tn_build(s, "SelectV2", TN_IN(is_zero, tn_build_gather_rows(s, product, clipped), divided), NULL);
  tn_output spread = tn_build_gather_drop_negatives(s, gradient, ids, NULL, NULL);
  tn_grad_set(c, 0, tn_build2(s, "Mul", spread, partial));
  return NULL;
}

#define KERNELS(NAME, TYPES, RUN)                                                                                      \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TYPES, .prepare = prepare, .run = RUN}, {0}}
KERNELS(sum_kernels, TN_NUMBERS, sum_run);
KERNELS(prod_kernels, TN_NUMBERS, prod_run);
KERNELS(max_kernels, TN_REALS, max_run);
KERNELS(min_kernels, TN_REALS, min_run);

#define INPUTS "data: T, segment_ids: Tindices, num_segments: Tnumsegments"

TN_OP(UnsortedSegmentSum, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: numbertype; Tindices: {int16, int32, int64}; Tnumsegments: indextype = DT_INT32",
      .doc = "Sums the rows of each segment.", .value_inputs = 1 << 2, .shape = shape, .gradient = sum_gradient,
      .kernels = sum_kernels);

TN_OP(UnsortedSegmentProd, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: numbertype; Tindices: indextype; Tnumsegments: indextype = DT_INT32",
      .doc = "Multiplies the rows of each segment.", .value_inputs = 1 << 2, .shape = shape, .gradient = prod_gradient,
      .kernels = prod_kernels);

TN_OP(UnsortedSegmentMax, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: realnumbertype; Tindices: indextype; Tnumsegments: indextype = DT_INT32",
      .doc = "The maximum of the rows of each segment.", .value_inputs = 1 << 2, .shape = shape,
      .gradient = extremum_gradient, .kernels = max_kernels);

TN_OP(UnsortedSegmentMin, .inputs = INPUTS, .outputs = "output: T",
      .attrs = "T: realnumbertype; Tindices: indextype; Tnumsegments: indextype = DT_INT32",
      .doc = "The minimum of the rows of each segment.", .value_inputs = 1 << 2, .shape = shape,
      .gradient = extremum_gradient, .kernels = min_kernels);
