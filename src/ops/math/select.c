/* A choice between two tensors: Select (a condition for each element or each row), SelectV2 (broadcasting). */
#include "graph/shape.h"
#include "kernel/elementwise.h"
#include "kernel/tape.h"
#include "ops/math/grad.h"
#include "ops/math/sized.h"

/* All that is known of an element is its size: 1, 2, 4, 8 or 16 bytes. */
#define SELECT_LOOP(NAME, TYPE)                                                                                        \
  static void NAME(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {               \
    const bool *c = in[0];                                                                                             \
    const TYPE *t = in[1], *e = in[2];                                                                                 \
    TYPE *z = out;                                                                                                     \
    (void)parameter;                                                                                                   \
    for (int64_t i = 0; i < n; i++) z[i] = c[i * step[0]] ? t[i * step[1]] : e[i * step[2]];                           \
  }
SELECT_LOOP(select_1, uint8_t)
SELECT_LOOP(select_2, uint16_t)
SELECT_LOOP(select_4, uint32_t)
SELECT_LOOP(select_8, uint64_t)
SELECT_LOOP(select_16, tn_bytes16)

/* Strings and objects are pointers: first the pointers are chosen, then what they point to is copied. */
static tn_loop_fn loop_of(tn_dtype dtype) {
  switch (tn_dtype_size(dtype)) {
  case 1: return select_1;
  case 2: return select_2;
  case 4: return select_4;
  case 8: return select_8;
  default: return select_16;
  }
}

typedef struct select_state {
  tn_broadcast broadcast;
  tn_loop_fn loop;
} select_state;

static tn_error *new_state(tn_prepare *p, const tn_shape *shape, select_state **out) {
  TN_TRY(tn_prepare_output(p, 0, shape));
  select_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  state->loop = loop_of(p->outputs[0].dtype);
  if (!tn_dtype_is_plain(p->outputs[0].dtype)) p->scratch = (size_t)tn_shape_elements(shape) * sizeof(tn_bytes16);
  *out = state;
  return NULL;
}

static tn_error *select_v2_prepare(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(tn_broadcast_shapes(p->node, 3, p->inputs, &shape));
  select_state *state = NULL;
  TN_TRY(new_state(p, &shape, &state));
  tn_broadcast_init(&state->broadcast, 3, p->inputs, &shape);
  return NULL;
}

/* The condition of Select as a tensor that broadcasts: a vector counts rows. */
static tn_error *select_condition(const tn_prepare *p, tn_shape *out) {
  const tn_shape *c = &p->inputs[0].shape, *t = &p->inputs[1].shape, *e = &p->inputs[2].shape;
  if (!tn_shape_equal(t, e))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "t and e must have the same shape: t is %s and e is %s",
                             TN_SHAPE_STR(t), TN_SHAPE_STR(e));
  *out = *c;
  if (c->rank == 0 || tn_shape_equal(c, t)) return NULL;
  if (c->rank == 1 && t->rank > 0 && c->dims[0] == t->dims[0]) {
    out->rank = t->rank;
    for (int i = 1; i < t->rank; i++) out->dims[i] = 1;
    return NULL;
  }
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                           "condition must be a scalar, a vector with as many elements as t has rows, or have the "
                           "shape of t: condition is %s and t is %s",
                           TN_SHAPE_STR(c), TN_SHAPE_STR(t));
}

static tn_error *select_prepare(tn_prepare *p) {
  tn_tensor inputs[3];
  for (int k = 0; k < 3; k++) inputs[k] = (tn_tensor){.dtype = p->inputs[k].dtype, .shape = p->inputs[k].shape};
  TN_TRY(select_condition(p, &inputs[0].shape));
  select_state *state = NULL;
  TN_TRY(new_state(p, &inputs[1].shape, &state));
  tn_broadcast_init(&state->broadcast, 3, inputs, &inputs[1].shape);
  return NULL;
}

static tn_error *select_run(tn_run *r) {
  const select_state *state = r->state;
  tn_tensor *z = r->outputs[0];
  int64_t n = state->broadcast.elements;
  if (n == 0) return NULL;
  if (tn_dtype_is_plain(z->dtype)) {
    tn_broadcast_run(&state->broadcast, state->loop, 0, r->inputs, z, 0, n);
    return NULL;
  }
  tn_tensor chosen = {.dtype = z->dtype, .shape = z->shape, .data = r->scratch};
  tn_broadcast_run(&state->broadcast, state->loop, 0, r->inputs, &chosen, 0, n);
  return tn_copy_elements(z->dtype, z->data, chosen.data, n);
}

/* The tape knows nothing of rows. */
static bool same_shapes(const tn_prepare *p) {
  const tn_shape *c = &p->inputs[0].shape, *t = &p->inputs[1].shape;
  return (c->rank == 0 || tn_shape_equal(c, t)) && tn_shape_equal(t, &p->inputs[2].shape);
}

#define SELECT_TYPES (TN_NUMBERS | TN_BIT(TN_BOOL) | TN_BIT(TN_STRING) | TN_BIT(TN_RESOURCE) | TN_BIT(TN_VARIANT))
static const tn_kernel_def select_kernels[] = {
    {.name = "vector",
     .types = TN_TAPE_TYPES,
     .supports = same_shapes,
     .prepare = tn_tape_kernel_prepare,
     .run = tn_tape_kernel_run},
    {.name = "reference", .types = SELECT_TYPES, .prepare = select_prepare, .run = select_run},
    {0}};
static const tn_kernel_def select_v2_kernels[] = {
    {.name = "vector", .types = TN_TAPE_TYPES, .prepare = tn_tape_kernel_prepare, .run = tn_tape_kernel_run},
    {.name = "reference", .types = SELECT_TYPES, .prepare = select_v2_prepare, .run = select_run},
    {0}};

static tn_error *select_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), condition = tn_grad_x(c, 0), zeros = grad_op1(s, "ZerosLike", tn_grad_x(c, 1));
  tn_grad_set(c, 1, tn_build(s, "Select", TN_IN(condition, grad, zeros), NULL));
  tn_grad_set(c, 2, tn_build(s, "Select", TN_IN(condition, zeros, grad), NULL));
  return s->error;
}

static tn_error *select_v2_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output grad = tn_grad_dense(c, 0), condition = tn_grad_x(c, 0), zero = grad_const(s, grad, 0);
  tn_output z = tn_grad_y(c, 0);
  tn_output gx = tn_build(s, "SelectV2", TN_IN(condition, grad, zero), NULL);
  tn_output gy = tn_build(s, "SelectV2", TN_IN(condition, zero, grad), NULL);
  tn_grad_set(c, 1, tn_build_unbroadcast(s, gx, tn_grad_x(c, 1), z));
  tn_grad_set(c, 2, tn_build_unbroadcast(s, gy, tn_grad_x(c, 2), z));
  return s->error;
}

static tn_error *select_shape(tn_shape_ctx *c) {
  tn_shape data, ignored;
  TN_TRY(tn_shape_merge(c, &c->in[1], &c->in[2], &data));
  const tn_shape *condition = &c->in[0];
  if (condition->rank > 1 || (condition->rank == 1 && data.rank == 1)) {
    TN_TRY(tn_shape_merge(c, &data, condition, &data));
  } else if (condition->rank == 1 && data.rank == 0) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "condition is a vector, but t is a scalar");
  } else if (condition->rank == 1 && data.rank > 0) {
    tn_shape first = tn_shape_of(1, data.dims);
    TN_TRY(tn_shape_merge(c, &first, condition, &ignored));
    data.dims[0] = ignored.dims[0];
  }
  c->out[0] = data;
  return NULL;
}

static tn_error *select_v2_shape(tn_shape_ctx *c) {
  tn_shape values;
  TN_TRY(tn_shape_broadcast_unknown(c, &c->in[1], &c->in[2], &values));
  return tn_shape_broadcast_unknown(c, &c->in[0], &values, &c->out[0]);
}

#define SELECT .inputs = "condition: bool, t: T, e: T", .outputs = "output: T", .attrs = "T: type"
TN_OP(Select, SELECT, .doc = "t where (or in rows where) condition is true, else e.", .flags = TN_OP_ELEMENTWISE,
      .micro = TN_MICRO_SELECT, .shape = select_shape, .gradient = select_gradient, .kernels = select_kernels);
TN_OP(SelectV2, SELECT, .doc = "t where condition is true, else e; all three broadcast.", .flags = TN_OP_ELEMENTWISE,
      .micro = TN_MICRO_SELECT, .shape = select_v2_shape, .gradient = select_v2_gradient, .kernels = select_v2_kernels);
