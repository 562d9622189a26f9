/* DynamicStitch and ParallelDynamicStitch: rows put together by number. */
#include "ops/array/array.h"

/* Number I's data must have the shape indices[i].shape + REST: returns what is left of it as the rows' shape. */
static tn_error *row_shape(tn_shape_ctx *c, int i, tn_shape *rest) {
  const tn_shape *indices = &c->in[i], *data = &c->in[c->n_inputs / 2 + i];
  if (indices->rank < 0 || data->rank < 0) return NULL;
  tn_shape checked;
  TN_TRY(tn_shape_at_least_rank(c, c->n_inputs / 2 + i, indices->rank, &checked));
  tn_shape prefix = tn_shape_part(data, 0, indices->rank), row = tn_shape_part(data, indices->rank, data->rank);
  TN_TRY(tn_shape_merge(c, &prefix, indices, &prefix));
  return tn_shape_merge(c, rest, &row, rest);
}

/* The largest index of T, not below LEAST. */
static int64_t largest(const tn_tensor *t, int64_t least) {
  for (int64_t i = 0; i < tn_elements(t); i++)
    if (tn_int_at(t, i) > least) least = tn_int_at(t, i);
  return least;
}

static tn_error *stitch_shape(tn_shape_ctx *c) {
  tn_shape rest = tn_shape_unknown();
  int64_t last = -1;
  bool known = true;
  for (int i = 0; i < c->n_inputs / 2; i++) {
    TN_TRY(row_shape(c, i, &rest));
    const tn_tensor *indices = c->value(c, i);
    if (!indices)
      known = false;
    else
      last = largest(indices, last);
  }
  int64_t size = known ? last + 1 : -1;
  tn_shape first = tn_shape_of(1, &size);
  return tn_shape_join(c, &first, &rest, &c->out[0]);
}

static tn_error *stitch_prepare(tn_prepare *p) {
  int n = p->n_inputs / 2;
  const tn_shape *first = &p->inputs[n].shape;
  for (int i = 0; i < n; i++) {
    const tn_shape *indices = &p->inputs[i].shape, *data = &p->inputs[n + i].shape;
    bool good = indices->rank <= data->rank;
    for (int d = 0; good && d < indices->rank; d++) good = indices->dims[d] == data->dims[d];
    if (!good)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "data[%d].shape = %s does not start with indices[%d].shape = %s",
                               i, TN_SHAPE_STR(data), i, TN_SHAPE_STR(indices));
    tn_shape a = tn_shape_part(first, p->inputs[0].shape.rank, first->rank),
             b = tn_shape_part(data, indices->rank, data->rank);
    if (!tn_shape_equal(&a, &b))
      return tn_prepare_errorf(
          p, TN_INVALID_ARGUMENT,
          "Need data[0].shape[%d:] = data[%d].shape[%d:], got data[0].shape = %s, data[%d].shape = %s",
          p->inputs[0].shape.rank, i, indices->rank, TN_SHAPE_STR(first), i, TN_SHAPE_STR(data));
  }
  if (first->rank - p->inputs[0].shape.rank + 1 > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                             first->rank + 1, TN_MAX_RANK);
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* Where two inputs name the same row the last one stays; rows that none names are zero. */
static tn_error *stitch_run(tn_run *r) {
  int n = r->n_inputs / 2;
  int64_t last = -1;
  for (int i = 0; i < n; i++) last = largest(r->inputs[i], last);
  const tn_shape *first = &r->inputs[n]->shape;
  tn_shape row = tn_shape_part(first, r->inputs[0]->shape.rank, first->rank),
           out = tn_shape_of(1, &(int64_t){last + 1});
  for (int d = 0; d < row.rank; d++) out.dims[out.rank++] = row.dims[d];
  TN_TRY(tn_run_allocate(r, 0, &out));
  tn_tensor *merged = r->outputs[0];
  int64_t size = tn_shape_elements(&row);
  TN_TRY(tn_copy_zero(merged->dtype, merged->data, tn_elements(merged)));
  for (int i = 0; i < n; i++) {
    const tn_tensor *indices = r->inputs[i], *data = r->inputs[n + i];
    for (int64_t k = 0; k < tn_elements(indices); k++) {
      int32_t to = TN_DATA(int32_t, indices)[k];
      if (to < 0)
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%d]%s = %d is out of range", i,
                             TN_PLACE_STR(&indices->shape, k), to);
      TN_TRY(tn_copy_elements(merged->dtype, tn_at(merged, to * size), tn_at(data, k * size), size));
    }
  }
  return NULL;
}

static tn_error *stitch_gradient(tn_gradient_ctx *c) {
  int n = c->node->n_inputs / 2;
  tn_output dy = tn_grad_dense(c, 0), axis = tn_build_scalar(c->scope, TN_INT32, 0);
  for (int i = 0; i < n; i++)
    tn_grad_set(c, n + i, tn_build(c->scope, "GatherV2", TN_IN(dy, tn_grad_x(c, i), axis), NULL));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_QUANTIZED3 | TN_BIT(TN_VARIANT),
                                         .prepare = stitch_prepare,
                                         .run = stitch_run},
                                        {0}};

TN_OP(DynamicStitch, .inputs = "indices: N * int32, data: N * T", .outputs = "merged: T",
      .attrs = "N: int >= 1; T: type",
      .doc = "The rows of DATA put where INDICES says; the last one stays where several go to the same place.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = stitch_shape, .gradient = stitch_gradient, .kernels = kernels);

TN_OP(ParallelDynamicStitch, .inputs = "indices: N * int32, data: N * T", .outputs = "merged: T",
      .attrs = "N: int >= 1; T: type", .doc = "DynamicStitch for indices that do not repeat.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = stitch_shape, .gradient = stitch_gradient, .kernels = kernels);
