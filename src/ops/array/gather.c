/* Gather and GatherV2: slices of a tensor chosen by index. */
#include "ops/array/gather.h"

static tn_error *too_many_dims(const tn_node *node, int rank) {
  return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported", rank,
                        TN_MAX_RANK);
}

/* --- Gather --- */

static tn_error *gather_shape(tn_shape_ctx *c) {
  tn_shape params;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &params));
  if (params.rank < 0) return NULL;
  tn_shape rest = tn_shape_part(&params, 1, params.rank);
  return tn_shape_join(c, &c->in[1], &rest, &c->out[0]);
}

/* The output of taking INDICES (but for its BATCH first dimensions) along AXIS. */
static tn_error *gather_output(tn_prepare *p, int axis, int batch) {
  const tn_shape *params = &p->inputs[0].shape, *indices = &p->inputs[1].shape;
  int rank = params->rank - 1 + indices->rank - batch;
  if (rank > TN_MAX_RANK) return too_many_dims(p->node, rank);
  tn_shape out = tn_shape_part(params, 0, axis);
  for (int i = batch; i < indices->rank; i++) out.dims[out.rank++] = indices->dims[i];
  for (int i = axis + 1; i < params->rank; i++) out.dims[out.rank++] = params->dims[i];
  tn_gather_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->batch = tn_span(params, 0, batch);
  s->outer = tn_span(params, batch, axis);
  s->size = params->dims[axis];
  s->inner = tn_span(params, axis + 1, params->rank);
  s->count = tn_span(indices, batch, indices->rank);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *gather_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank < 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "params must be at least 1 dimensional");
  return gather_output(p, 0, 0);
}

#define GATHER_TYPES (TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED5 | TN_OBJECTS)

static const tn_kernel_def gather_kernels[] = {{.name = "reference",
                                                .types = GATHER_TYPES,
                                                .type_attr = "Tparams",
                                                .prepare = gather_prepare,
                                                .run = tn_gather_run},
                                               {0}};

TN_OP(Gather, .inputs = "params: Tparams, indices: Tindices", .outputs = "output: Tparams",
      .attrs = "validate_indices: bool = true; Tparams: type; Tindices: indextype",
      .doc = "The rows of PARAMS that INDICES name.", .shape = gather_shape, .gradient = tn_gather_gradient,
      .kernels = gather_kernels);

/* --- GatherV2 --- */

/* The attribute batch_dims, counted from the end of INDICES if negative; *KNOWN false if the rank that needs is
 * unknown. */
static tn_error *batch_dims(const tn_node *node, int indices_rank, bool *known, int *out) {
  int64_t value = tn_node_get_int(node, "batch_dims");
  *known = indices_rank >= 0 || value >= 0;
  if (!*known) return NULL;
  if (indices_rank >= 0 && (value < -indices_rank || value > indices_rank))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Expected batch_dims in the range [-%d, %d], but got %lld",
                          indices_rank, indices_rank, (long long)value);
  if (value > TN_MAX_RANK) return too_many_dims(node, (int)(value < 1000 ? value : 1000));
  *out = (int)(value < 0 ? value + indices_rank : value);
  return NULL;
}

static tn_error *v2_shape(tn_shape_ctx *c) {
  tn_shape params, scalar;
  bool known, batch_known;
  int64_t axis;
  int batch = 0;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &params));
  TN_TRY(tn_shape_with_rank(c, 2, 0, &scalar));
  TN_TRY(batch_dims(c->node, c->in[1].rank, &batch_known, &batch));
  TN_TRY(tn_shape_scalar_value(c, 2, &known, &axis));
  if (params.rank < 0 || !batch_known) return NULL;
  if (!known) {
    if (c->in[1].rank >= 0 && params.rank - 1 + c->in[1].rank - batch <= TN_MAX_RANK)
      c->out[0] = tn_shape_unknown_of_rank(params.rank - 1 + c->in[1].rank - batch);
    return NULL;
  }
  int at;
  TN_TRY(tn_array_axis(c->node, "axis", axis, params.rank, &at));
  if (c->in[1].rank < 0) return NULL;
  tn_shape out = tn_shape_part(&params, 0, at), indices = tn_shape_part(&c->in[1], batch, c->in[1].rank);
  tn_shape rest = tn_shape_part(&params, at + 1, params.rank);
  TN_TRY(tn_shape_join(c, &out, &indices, &out));
  return tn_shape_join(c, &out, &rest, &c->out[0]);
}

static tn_error *v2_prepare(tn_prepare *p) {
  const tn_shape *params = &p->inputs[0].shape, *indices = &p->inputs[1].shape;
  int64_t value;
  int axis, batch;
  bool known;
  if (params->rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "params must be at least 1 dimensional");
  TN_TRY(tn_array_scalar(p, 2, &value));
  if (p->inputs[2].shape.rank != 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "axis must be scalar");
  TN_TRY(tn_array_axis(p->node, "axis", value, params->rank, &axis));
  TN_TRY(batch_dims(p->node, indices->rank, &known, &batch));
  if (batch >= params->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "batch_dims (%d) must be less than rank(params) (%d).", batch,
                             params->rank);
  if (axis < batch)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "batch_dims (%d) must be less than or equal to axis (%d).", batch,
                             axis);
  for (int i = 0; i < batch; i++)
    if (params->dims[i] != indices->dims[i])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "params.shape[%d]: %lld should be equal to indices.shape[%d]: %lld", i,
                               (long long)params->dims[i], i, (long long)indices->dims[i]);
  return gather_output(p, axis, batch);
}

static const tn_kernel_def v2_kernels[] = {
    {.name = "reference", .types = GATHER_TYPES, .type_attr = "Tparams", .prepare = v2_prepare, .run = tn_gather_run},
    {0}};

TN_OP(GatherV2, .inputs = "params: Tparams, indices: Tindices, axis: Taxis", .outputs = "output: Tparams",
      .attrs = "batch_dims: int = 0; Tparams: type; Tindices: {int16, int32, int64}; Taxis: indextype",
      .doc = "The slices of PARAMS along AXIS that INDICES name, batch by batch over the first BATCH_DIMS dimensions.",
      .value_inputs = 1 << 2, .shape = v2_shape, .gradient = tn_gather_v2_gradient, .kernels = v2_kernels);
