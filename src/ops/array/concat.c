/* Concat and ConcatV2: tensors joined along one dimension. */
#include "ops/array/concat.h"

tn_concat_inputs tn_concat_v1(const tn_node *node) { return (tn_concat_inputs){1, node->n_inputs - 1, 0}; }
tn_concat_inputs tn_concat_v2(const tn_node *node) {
  return (tn_concat_inputs){0, node->n_inputs - 1, node->n_inputs - 1};
}

/* --- shapes --- */

/* Without the axis only the rank can be known. */
static tn_error *shape_without_axis(tn_shape_ctx *c, tn_concat_inputs where) {
  int rank = -1;
  for (int i = where.first; i < where.first + where.n; i++) {
    tn_shape shape;
    if (c->in[i].rank < 0) continue;
    if (rank < 0)
      rank = c->in[i].rank;
    else
      TN_TRY(tn_shape_with_rank(c, i, rank, &shape));
    TN_TRY(tn_shape_at_least_rank(c, i, 1, &shape));
  }
  if (rank >= 0) c->out[0] = tn_shape_unknown_of_rank(rank);
  return NULL;
}

static tn_error *shape_along(tn_shape_ctx *c, tn_concat_inputs where, int64_t axis) {
  tn_shape out = tn_shape_unknown();
  int64_t sum = 0;
  for (int i = where.first; i < where.first + where.n; i++) {
    tn_shape shape = c->in[i];
    if (shape.rank < 0) {
      sum = -1;
      continue;
    }
    int at;
    TN_TRY(tn_array_axis(c->node, "the axis", axis, shape.rank, &at));
    if (sum >= 0 && __builtin_add_overflow(sum, shape.dims[at] < 0 ? 0 : shape.dims[at], &sum))
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the sizes along the axis overflow");
    if (shape.dims[at] < 0) sum = -1;
    shape.dims[at] = -1;
    TN_TRY(tn_shape_merge(c, &out, &shape, &out));
  }
  if (out.rank >= 0) out.dims[axis < 0 ? axis + out.rank : axis] = sum;
  c->out[0] = out;
  return NULL;
}

tn_error *tn_concat_shape(tn_shape_ctx *c, tn_concat_inputs where) {
  bool known;
  int64_t axis;
  TN_TRY(tn_shape_scalar_value(c, where.axis, &known, &axis));
  return known ? shape_along(c, where, axis) : shape_without_axis(c, where);
}

static tn_error *concat_v1_shape(tn_shape_ctx *c) { return tn_concat_shape(c, tn_concat_v1(c->node)); }
static tn_error *concat_v2_shape(tn_shape_ctx *c) { return tn_concat_shape(c, tn_concat_v2(c->node)); }

/* --- kernels --- */

static tn_error *check_value(tn_prepare *p, tn_concat_inputs where, int i, int axis) {
  const tn_shape *first = &p->inputs[where.first].shape, *shape = &p->inputs[where.first + i].shape;
  bool same = first->rank == shape->rank;
  for (int d = 0; same && d < first->rank; d++) same = d == axis || first->dims[d] == shape->dims[d];
  if (!same)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Dimensions of inputs should match but for the axis %d: shape[0] = %s vs. shape[%d] = %s",
                             axis, TN_SHAPE_STR(first), i, TN_SHAPE_STR(shape));
  return NULL;
}

tn_error *tn_concat_prepare(tn_prepare *p, tn_concat_inputs where) {
  int64_t value;
  int axis;
  TN_TRY(tn_array_scalar(p, where.axis, &value));
  tn_shape out = p->inputs[where.first].shape;
  TN_TRY(tn_array_axis(p->node, "the axis", value, out.rank, &axis));
  tn_concat *s;
  TN_TRY(tn_prepare_state(p, sizeof *s + (size_t)where.n * sizeof s->sizes[0], &s));
  s->where = where;
  s->outer = tn_span(&out, 0, axis);
  out.dims[axis] = 0;
  for (int i = 0; i < where.n; i++) {
    const tn_shape *shape = &p->inputs[where.first + i].shape;
    TN_TRY(check_value(p, where, i, axis));
    if (__builtin_add_overflow(out.dims[axis], shape->dims[axis], &out.dims[axis]))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the sizes along the axis overflow");
    s->sizes[i] = tn_span(shape, axis, shape->rank);
  }
  s->inner = tn_span(&out, axis, out.rank);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *concat_v1_prepare(tn_prepare *p) { return tn_concat_prepare(p, tn_concat_v1(p->node)); }
static tn_error *concat_v2_prepare(tn_prepare *p) { return tn_concat_prepare(p, tn_concat_v2(p->node)); }

static tn_error *concat_run(tn_run *r) {
  const tn_concat *s = r->state;
  int64_t offset = 0;
  for (int i = 0; i < s->where.n; i++) {
    tn_copy copy;
    tn_copy_init(&copy, r->outputs[0]->dtype, 2, (int64_t[2]){s->outer, s->sizes[i]}, (int64_t[2]){s->inner, 1},
                 (int64_t[2]){s->sizes[i], 1});
    TN_TRY(tn_copy_run(&copy, tn_at(r->outputs[0], offset), r->inputs[s->where.first + i]->data));
    offset += s->sizes[i];
  }
  return NULL;
}

static tn_error *concat_v1_gradient(tn_gradient_ctx *c) { return tn_concat_gradient(c, tn_concat_v1(c->node)); }
static tn_error *concat_v2_gradient(tn_gradient_ctx *c) { return tn_concat_gradient(c, tn_concat_v2(c->node)); }

#define CONCAT_TYPES (TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED5 | TN_OBJECTS)

static const tn_kernel_def v1_kernels[] = {
    {.name = "reference", .types = CONCAT_TYPES, .prepare = concat_v1_prepare, .run = concat_run}, {0}};
static const tn_kernel_def v2_kernels[] = {
    {.name = "reference", .types = CONCAT_TYPES, .type_attr = "T", .prepare = concat_v2_prepare, .run = concat_run},
    {0}};

TN_OP(Concat, .inputs = "concat_dim: int32, values: N * T", .outputs = "output: T", .attrs = "N: int >= 2; T: type",
      .doc = "The values joined along dimension CONCAT_DIM.", .value_inputs = 1 << 0, .shape = concat_v1_shape,
      .gradient = concat_v1_gradient, .kernels = v1_kernels);

TN_OP(ConcatV2, .inputs = "values: N * T, axis: Tidx", .outputs = "output: T",
      .attrs = "N: int >= 2; T: type; Tidx: indextype = DT_INT32", .doc = "The values joined along dimension AXIS.",
      .value_inputs = 1 << 1, .shape = concat_v2_shape, .gradient = concat_v2_gradient, .kernels = v2_kernels);
