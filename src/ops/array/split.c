/* Split and SplitV: a tensor cut into pieces along one dimension. */
#include "ops/array/array.h"

#define SPLIT_TYPES (TN_BASIC_STRING | TN_FLOAT8S | TN_OBJECTS | TN_BIT(TN_QUINT8) | TN_BIT(TN_INT4) | TN_BIT(TN_UINT4))

/* Every output a shape of the input's rank, of which only the size along AXIS (-1: none is known) is left open. */
static void open_along(tn_shape_ctx *c, const tn_shape *value, int axis) {
  if (value->rank < 0) return;
  tn_shape out = *value;
  for (int d = 0; d < out.rank; d++)
    if (axis < 0 || d == axis) out.dims[d] = -1;
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = out;
}

/* The axis from value input I: *AXIS -1 if it is not known now. */
static tn_error *static_axis(tn_shape_ctx *c, int input, int rank, int *axis) {
  bool known;
  int64_t value = 0;
  TN_TRY(tn_shape_scalar_value(c, input, &known, &value));
  *axis = -1;
  return known && rank >= 0 ? tn_array_axis(c->node, "split_dim", value, rank, axis) : NULL;
}

/* --- kernels --- */

typedef struct split_state {
  int64_t outer, whole; /* products: before the axis; of it and what comes after */
  int64_t sizes[];      /* of each piece: the product of its axis and what comes after */
} split_state;

/* SIZES along AXIS for every output: sets the shapes and the state. */
static tn_error *cut(tn_prepare *p, const tn_shape *value, int axis, const int64_t *sizes) {
  split_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s + (size_t)p->n_outputs * sizeof s->sizes[0], &s));
  s->outer = tn_span(value, 0, axis);
  s->whole = tn_span(value, axis, value->rank);
  for (int i = 0; i < p->n_outputs; i++) {
    tn_shape out = *value;
    out.dims[axis] = sizes[i];
    s->sizes[i] = tn_span(&out, axis, out.rank);
    TN_TRY(tn_prepare_output(p, i, &out));
  }
  return NULL;
}

static tn_error *run_from(tn_run *r, const tn_tensor *value) {
  const split_state *s = r->state;
  if (!s) return NULL; /* one piece: the input's bytes */
  int64_t offset = 0;
  for (int i = 0; i < r->n_outputs; i++) {
    tn_copy copy;
    tn_copy_init(&copy, value->dtype, 2, (int64_t[2]){s->outer, s->sizes[i]}, (int64_t[2]){s->sizes[i], 1},
                 (int64_t[2]){s->whole, 1});
    TN_TRY(tn_copy_run(&copy, r->outputs[i]->data, tn_at(value, offset)));
    offset += s->sizes[i];
  }
  return NULL;
}

/* The pieces of the gradient, joined again along input AXIS. */
static tn_error *join_gradients(tn_gradient_ctx *c, int value, int axis) {
  int n = c->node->n_outputs;
  if (n == 1) {
    tn_grad_set(c, value, tn_grad_dense(c, 0));
    return NULL;
  }
  tn_output *inputs = tn_malloc(((size_t)n + 2) * sizeof *inputs);
  if (!inputs) return tn_out_of_memory();
  for (int i = 0; i < n; i++) inputs[i] = tn_grad_dense(c, i);
  inputs[n] = tn_grad_x(c, axis);
  inputs[n + 1] = TN_END;
  tn_grad_set(c, value, tn_build(c->scope, "ConcatV2", inputs, NULL));
  tn_free(inputs);
  return NULL;
}

/* --- Split --- */

static tn_error *split_shape(tn_shape_ctx *c) {
  const tn_shape *value = &c->in[1];
  int axis;
  TN_TRY(static_axis(c, 0, value->rank, &axis));
  open_along(c, value, axis);
  if (axis < 0 || value->dims[axis] < 0) return NULL;
  if (value->dims[axis] % c->n_outputs != 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "dimension %d of %s must be evenly divisible by %d", axis,
                          TN_SHAPE_STR(value), c->n_outputs);
  for (int i = 0; i < c->n_outputs; i++) c->out[i].dims[axis] = value->dims[axis] / c->n_outputs;
  return NULL;
}

static tn_error *split_prepare(tn_prepare *p) {
  const tn_shape *value = &p->inputs[1].shape;
  int64_t dim;
  int axis;
  TN_TRY(tn_array_scalar(p, 0, &dim));
  if (p->inputs[0].shape.rank != 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "split_dim must be a scalar");
  TN_TRY(tn_array_axis(p->node, "split_dim", dim, value->rank, &axis));
  if (value->dims[axis] % p->n_outputs != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Number of ways to split should evenly divide the split dimension, but got split_dim %d "
                             "(size = %lld) and num_split %d",
                             axis, (long long)value->dims[axis], p->n_outputs);
  if (p->n_outputs == 1) return tn_prepare_alias(p, 0, 1, value);
  int64_t *sizes = tn_malloc((size_t)p->n_outputs * sizeof *sizes);
  if (!sizes) return tn_out_of_memory();
  for (int i = 0; i < p->n_outputs; i++) sizes[i] = value->dims[axis] / p->n_outputs;
  tn_error *error = cut(p, value, axis, sizes);
  tn_free(sizes);
  return error;
}

static tn_error *split_run(tn_run *r) { return run_from(r, r->inputs[1]); }
static tn_error *split_gradient(tn_gradient_ctx *c) { return join_gradients(c, 1, 0); }

static const tn_kernel_def split_kernels[] = {
    {.name = "reference", .types = SPLIT_TYPES, .prepare = split_prepare, .run = split_run}, {0}};

TN_OP(Split, .inputs = "split_dim: int32, value: T", .outputs = "output: num_split * T",
      .attrs = "num_split: int >= 1; T: type", .doc = "The input cut into NUM_SPLIT equal pieces along SPLIT_DIM.",
      .value_inputs = 1 << 0, .shape = split_shape, .gradient = split_gradient, .kernels = split_kernels);

/* --- SplitV --- */

/* Fills in the one -1 among the sizes, and checks that they add up to DIM (-1: not known). */
static tn_error *check_sizes(const tn_node *node, int64_t dim, int n, int64_t *sizes) {
  int open = -1;
  int64_t sum = 0;
  for (int i = 0; i < n; i++) {
    if (sizes[i] == -1 && open < 0) {
      open = i;
    } else if (sizes[i] < 0) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "size_splits[%d] is %lld: sizes must be >= 0, and only one may be -1", i,
                            (long long)sizes[i]);
    } else if (__builtin_add_overflow(sum, sizes[i], &sum)) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the sizes overflow");
    }
  }
  if (dim < 0) return NULL;
  if (open >= 0 ? sum > dim : sum != dim)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the sizes of the pieces add up to %lld, expected %s%lld",
                          (long long)sum, open >= 0 ? "at most " : "", (long long)dim);
  if (open >= 0) sizes[open] = dim - sum;
  return NULL;
}

static tn_error *check_count(const tn_node *node, const tn_tensor *sizes, int n) {
  if (tn_elements(sizes) == n) return NULL;
  return tn_node_errorf(node, TN_INVALID_ARGUMENT, "size_splits has %lld elements, expected num_split = %d",
                        (long long)tn_elements(sizes), n);
}

/* The sizes as an array to be freed. */
static tn_error *read_sizes(const tn_node *node, const tn_tensor *t, int64_t dim, int64_t **out) {
  int n = (int)tn_elements(t);
  int64_t *sizes = tn_malloc(((size_t)n + 1) * sizeof *sizes);
  if (!sizes) return tn_out_of_memory();
  for (int i = 0; i < n; i++) sizes[i] = tn_int_at(t, i);
  tn_error *error = check_sizes(node, dim, n, sizes);
  if (error)
    tn_free(sizes);
  else
    *out = sizes;
  return error;
}

static tn_error *split_v_shape(tn_shape_ctx *c) {
  const tn_shape *value = &c->in[0];
  const tn_tensor *t = c->value(c, 1);
  int axis;
  if (value->rank == 0) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Can't split scalars");
  TN_TRY(static_axis(c, 2, value->rank, &axis));
  open_along(c, value, axis);
  if (!t || value->rank < 0) return NULL;
  TN_TRY(check_count(c->node, t, c->n_outputs));
  if (axis < 0) return NULL;
  int64_t *sizes = NULL;
  TN_TRY(read_sizes(c->node, t, value->dims[axis], &sizes));
  for (int i = 0; i < c->n_outputs; i++) c->out[i].dims[axis] = sizes[i];
  tn_free(sizes);
  return NULL;
}

static tn_error *split_v_prepare(tn_prepare *p) {
  const tn_shape *value = &p->inputs[0].shape;
  int64_t dim;
  int axis;
  if (p->inputs[1].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "size_splits must be a vector, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  TN_TRY(check_count(p->node, &p->inputs[1], p->n_outputs));
  TN_TRY(tn_array_scalar(p, 2, &dim));
  TN_TRY(tn_array_axis(p->node, "split_dim", dim, value->rank, &axis));
  int64_t *sizes = NULL;
  TN_TRY(read_sizes(p->node, &p->inputs[1], value->dims[axis], &sizes));
  tn_error *error = p->n_outputs == 1 ? tn_prepare_alias(p, 0, 0, value) : cut(p, value, axis, sizes);
  tn_free(sizes);
  return error;
}

static tn_error *split_v_run(tn_run *r) { return run_from(r, r->inputs[0]); }
static tn_error *split_v_gradient(tn_gradient_ctx *c) { return join_gradients(c, 0, 2); }

static const tn_kernel_def split_v_kernels[] = {
    {.name = "reference", .types = SPLIT_TYPES, .prepare = split_v_prepare, .run = split_v_run}, {0}};

TN_OP(SplitV, .inputs = "value: T, size_splits: Tlen, split_dim: int32", .outputs = "output: num_split * T",
      .attrs = "num_split: int >= 1; T: type; Tlen: {int8, int32, int64} = DT_INT64",
      .doc = "The input cut along SPLIT_DIM into pieces of SIZE_SPLITS (one may be -1: the rest).",
      .value_inputs = 1 << 1 | 1 << 2, .shape = split_v_shape, .gradient = split_v_gradient,
      .kernels = split_v_kernels);
