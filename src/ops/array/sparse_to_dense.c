/* SparseToDense: single elements put into a tensor of a default value. */
#include "ops/array/array.h"

static tn_error *to_dense_shape(tn_shape_ctx *c) {
  tn_shape scalar, vector;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &vector));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &scalar));
  return tn_shape_from_value(c, 1, &c->out[0]);
}

typedef struct to_dense_state {
  int depth;
  int64_t count, strides[TN_MAX_RANK];
  bool validate;
} to_dense_state;

static tn_error *to_dense_prepare(tn_prepare *p) {
  const tn_shape *indices = &p->inputs[0].shape, *values = &p->inputs[2].shape;
  tn_shape out;
  if (indices->rank > 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "sparse_indices should be a scalar, vector, or matrix, got shape %s",
                             TN_SHAPE_STR(indices));
  if (p->inputs[1].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output_shape must be rank 1, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  TN_TRY(tn_prepare_shape(p, 1, &out));
  int64_t count = indices->rank > 0 ? indices->dims[0] : 1, depth = indices->rank > 1 ? indices->dims[1] : 1;
  if (out.rank != depth)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "output_shape has incorrect number of elements: %d should be: %lld", out.rank,
                             (long long)depth);
  if (values->rank > 1 || (values->rank == 1 && values->dims[0] != count))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sparse_values has incorrect shape %s, should be [] or [%lld]",
                             TN_SHAPE_STR(values), (long long)count);
  if (p->inputs[3].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "default_value should be a scalar.");
  to_dense_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->depth = (int)depth;
  s->count = count;
  s->validate = tn_node_get_bool(p->node, "validate_indices");
  tn_copy_strides(out.rank, out.dims, s->strides);
  return tn_prepare_output(p, 0, &out);
}

/* The element that row I of the indices names; rows must go up if that is to be validated. */
static tn_error *place_of(tn_run *r, int64_t i, int64_t *last, int64_t *out) {
  const to_dense_state *s = r->state;
  int64_t place = 0;
  for (int d = 0; d < s->depth; d++) {
    int64_t index = tn_int_at(r->inputs[0], i * s->depth + d), size = r->outputs[0]->shape.dims[d];
    if (index < 0 || index >= size)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%lld,%d] = %lld is out of bounds: need 0 <= index < %lld",
                           (long long)i, d, (long long)index, (long long)size);
    place += index * s->strides[d];
  }
  if (s->validate && place <= *last)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%lld] is %s", (long long)i,
                         place == *last ? "repeated" : "out of order");
  *last = *out = place;
  return NULL;
}

static tn_error *to_dense_run(tn_run *r) {
  const to_dense_state *s = r->state;
  tn_tensor *out = r->outputs[0];
  int64_t last = -1, place = 0;
  TN_TRY(tn_copy_fill(out->dtype, out->data, r->inputs[3]->data, tn_elements(out)));
  for (int64_t i = 0; i < s->count; i++) {
    TN_TRY(place_of(r, i, &last, &place));
    TN_TRY(
        tn_copy_elements(out->dtype, tn_at(out, place), tn_at(r->inputs[2], r->inputs[2]->shape.rank == 0 ? 0 : i), 1));
  }
  return NULL;
}

/* The values get what is at their places, the default what is left. */
static tn_error *to_dense_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output dy = tn_grad_dense(c, 0);
  tn_output at = tn_build2(s, "GatherNd", dy, tn_grad_x(c, 0));
  tn_output all = tn_build2(s, "Reshape", dy, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
  tn_output flat = tn_build2(s, "Reshape", at, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
  tn_output axes = tn_build_ints(s, TN_INT32, 1, &(int64_t){0});
  tn_output sum = tn_build_sum(s, flat, axes, false);
  tn_grad_set(c, 2, at);
  tn_grad_set(c, 3, tn_build2(s, "Sub", tn_build_sum(s, all, axes, false), sum));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference",
     .types = TN_BASIC_STRING | TN_BIT(TN_QINT8) | TN_BIT(TN_QUINT8) | TN_BIT(TN_QINT16) | TN_BIT(TN_QUINT16),
     .type_attr = "T",
     .prepare = to_dense_prepare,
     .run = to_dense_run},
    {0}};

TN_OP(SparseToDense, .inputs = "sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T",
      .outputs = "dense: T", .attrs = "validate_indices: bool = true; T: type; Tindices: indextype",
      .doc = "A tensor of OUTPUT_SHAPE that holds DEFAULT_VALUE but SPARSE_VALUES at SPARSE_INDICES.",
      .value_inputs = 1 << 1, .shape = to_dense_shape, .gradient = to_dense_gradient, .kernels = kernels);
