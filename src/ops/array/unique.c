/* Unique, UniqueV2, UniqueWithCounts and UniqueWithCountsV2: each different slice once, in the order of appearance. */
#include "ops/array/hash.h"

static tn_error *vector_shape(tn_shape_ctx *c) {
  tn_shape x;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &x));
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = i == 1 ? c->in[0] : tn_shape_unknown_of_rank(1);
  return NULL;
}

/* The axis from a vector with one number, or none (then x must be a vector itself). *AXIS -1: not known. */
static tn_error *axis_of(const tn_node *node, const tn_tensor *t, int rank, int *axis) {
  int64_t n = tn_elements(t);
  if (t->shape.rank != 1 || n > 1)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "axis does not support input tensors with more than one element: its shape is %s",
                          TN_SHAPE_STR(&t->shape));
  if (n == 1) return tn_array_axis(node, "axis", tn_int_at(t, 0), rank, axis);
  if (rank != 1) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "unique expects a 1D vector.");
  *axis = 0;
  return NULL;
}

static tn_error *axis_shape(tn_shape_ctx *c) {
  const tn_shape *x = &c->in[0];
  const tn_tensor *t = c->value(c, 1);
  for (int i = 1; i < c->n_outputs; i++) c->out[i] = tn_shape_unknown_of_rank(1);
  if (x->rank < 0) return NULL;
  c->out[0] = tn_shape_unknown_of_rank(x->rank);
  if (!t) return NULL;
  int axis = 0;
  TN_TRY(axis_of(c->node, t, x->rank, &axis));
  c->out[1].dims[0] = x->dims[axis];
  return NULL;
}

typedef struct unique_state {
  int axis;
  int64_t outer, n, inner;
} unique_state;

static tn_error *prepare(tn_prepare *p, int axis) {
  const tn_shape *x = &p->inputs[0].shape;
  unique_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  *s = (unique_state){axis, tn_span(x, 0, axis), x->dims[axis], tn_span(x, axis + 1, x->rank)};
  p->scratch = tn_slots_size(s->n) + ((size_t)s->n + 1) * 2 * sizeof(int64_t);
  for (int i = 0; i < p->n_outputs; i++)
    if (i != 1) tn_prepare_dynamic(p, i);
  tn_shape idx = tn_shape_of(1, &s->n);
  return tn_prepare_output(p, 1, &idx);
}

static tn_error *vector_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "unique expects a 1D vector, got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  return prepare(p, 0);
}

static tn_error *axis_prepare(tn_prepare *p) {
  int axis = 0;
  TN_TRY(axis_of(p->node, &p->inputs[1], p->inputs[0].shape.rank, &axis));
  return prepare(p, axis);
}

/* Scratch: the table, then for each item its number among the unique ones, then the first item of each of those. */
static tn_error *unique_run(tn_run *r) {
  const unique_state *s = r->state;
  const tn_tensor *x = r->inputs[0];
  tn_items items = {x, s->outer, s->n, s->inner};
  tn_slots slots;
  tn_slots_init(&slots, s->n, r->scratch);
  int64_t *number = (int64_t *)((char *)r->scratch + tn_slots_size(s->n)), *first = number + s->n, count = 0;
  for (int64_t i = 0; i < s->n; i++) {
    int64_t found = tn_slots_find(&slots, &items, &items, i, true);
    number[i] = found >= 0 ? number[found] : count;
    if (found < 0) first[count++] = i;
    tn_int_put(r->outputs[1], i, number[i]);
  }
  tn_shape out = x->shape;
  out.dims[s->axis] = count;
  TN_TRY(tn_run_allocate(r, 0, &out));
  for (int64_t o = 0; o < s->outer; o++)
    for (int64_t i = 0; i < count; i++)
      TN_TRY(tn_copy_elements(x->dtype, tn_at(r->outputs[0], (o * count + i) * s->inner),
                              tn_at(x, (o * s->n + first[i]) * s->inner), s->inner));
  if (r->n_outputs < 3) return NULL;
  tn_shape counts = tn_shape_of(1, &count);
  TN_TRY(tn_run_allocate(r, 2, &counts));
  for (int64_t i = 0; i < count; i++) tn_int_put(r->outputs[2], i, 0);
  for (int64_t i = 0; i < s->n; i++) tn_int_put(r->outputs[2], number[i], tn_int_at(r->outputs[2], number[i]) + 1);
  return NULL;
}

#define UNIQUE_TYPES (TN_REALS | TN_BIT(TN_BOOL) | TN_BIT(TN_STRING))

static const tn_kernel_def vector_kernels[] = {
    {.name = "reference", .types = UNIQUE_TYPES, .type_attr = "T", .prepare = vector_prepare, .run = unique_run}, {0}};
static const tn_kernel_def axis_kernels[] = {
    {.name = "reference", .types = UNIQUE_TYPES, .type_attr = "T", .prepare = axis_prepare, .run = unique_run}, {0}};

TN_OP(Unique, .inputs = "x: T", .outputs = "y: T, idx: out_idx", .attrs = "T: type; out_idx: indextype = DT_INT32",
      .doc = "The different elements in the order of appearance, and for each element its place among them.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = vector_shape, .kernels = vector_kernels);

TN_OP(UniqueWithCounts, .inputs = "x: T", .outputs = "y: T, idx: out_idx, count: out_idx",
      .attrs = "T: type; out_idx: indextype = DT_INT32",
      .doc = "The different elements, each element's place among them, and how often each occurs.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = vector_shape, .kernels = vector_kernels);

TN_OP(UniqueV2, .inputs = "x: T, axis: Taxis", .outputs = "y: T, idx: out_idx",
      .attrs = "T: type; Taxis: indextype = DT_INT64; out_idx: indextype = DT_INT32",
      .doc = "The different slices along AXIS in the order of appearance, and for each slice its place among them.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 1, .shape = axis_shape,
      .kernels = axis_kernels);

TN_OP(UniqueWithCountsV2, .inputs = "x: T, axis: Taxis", .outputs = "y: T, idx: out_idx, count: out_idx",
      .attrs = "T: type; Taxis: indextype = DT_INT64; out_idx: indextype = DT_INT32",
      .doc = "The different slices along AXIS, each slice's place among them, and how often each occurs.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 1, .shape = axis_shape,
      .kernels = axis_kernels);
