/* Roll: dimensions turned round by some places. */
#include "ops/array/array.h"

static tn_error *roll_shape(tn_shape_ctx *c) {
  tn_shape at_least;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &at_least));
  for (int i = 1; i < 3; i++)
    if (c->in[i].rank > 1)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "input %d must be a scalar or a 1-D vector", i);
  c->out[0] = c->in[0];
  return NULL;
}

typedef struct roll_state {
  int64_t shift[TN_MAX_RANK]; /* in [0, size) */
} roll_state;

static tn_error *roll_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  const tn_tensor *shifts = &p->inputs[1], *axes = &p->inputs[2];
  if (in->rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be 1-D or higher");
  if (shifts->shape.rank > 1 || axes->shape.rank > 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "shift and axis must be scalars or 1-D vectors. Found: %s and %s",
                             TN_SHAPE_STR(&shifts->shape), TN_SHAPE_STR(&axes->shape));
  if (!tn_shape_equal(&shifts->shape, &axes->shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "shift and axis must have the same size");
  roll_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  for (int64_t i = 0; i < tn_elements(axes); i++) {
    int axis = 0;
    TN_TRY(tn_array_axis(p->node, "axis", tn_int_at(axes, i), in->rank, &axis));
    int64_t size = in->dims[axis] > 0 ? in->dims[axis] : 1, shift = tn_int_at(shifts, i) % size;
    s->shift[axis] = (s->shift[axis] + (shift < 0 ? shift + size : shift)) % size;
  }
  return tn_prepare_output(p, 0, in);
}

/* Each turned dimension falls into two parts that change places: one box for every combination of parts. */
static tn_error *roll_run(tn_run *r) {
  const roll_state *s = r->state;
  const tn_shape *in = &r->inputs[0]->shape;
  int64_t strides[TN_MAX_RANK];
  tn_copy_strides(in->rank, in->dims, strides);
  for (uint32_t parts = 0; parts < 1u << in->rank; parts++) {
    int64_t dims[TN_MAX_RANK], from = 0, to = 0;
    bool any = true;
    for (int i = 0; i < in->rank; i++) {
      bool second = parts >> i & 1; /* the end of the input, which becomes the beginning */
      dims[i] = second ? s->shift[i] : in->dims[i] - s->shift[i];
      any = any && dims[i] > 0;
      from += second ? (in->dims[i] - s->shift[i]) * strides[i] : 0;
      to += second ? 0 : s->shift[i] * strides[i];
    }
    if (!any) continue;
    tn_copy copy;
    tn_copy_init(&copy, r->inputs[0]->dtype, in->rank, dims, strides, strides);
    TN_TRY(tn_copy_run(&copy, tn_at(r->outputs[0], to), tn_at(r->inputs[0], from)));
  }
  return NULL;
}

static tn_error *roll_gradient(tn_gradient_ctx *c) {
  tn_output back = tn_build1(c->scope, "Neg", tn_grad_x(c, 1));
  tn_grad_set(c, 0, tn_build(c->scope, "Roll", TN_IN(tn_grad_dense(c, 0), back, tn_grad_x(c, 2)), NULL));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_OBJECTS,
                                         .type_attr = "T",
                                         .prepare = roll_prepare,
                                         .run = roll_run},
                                        {0}};

TN_OP(Roll, .inputs = "input: T, shift: Tshift, axis: Taxis", .outputs = "output: T",
      .attrs = "T: type; Tshift: indextype; Taxis: indextype",
      .doc = "The input turned round by SHIFT[i] places along AXIS[i].", .value_inputs = 1 << 1 | 1 << 2,
      .shape = roll_shape, .gradient = roll_gradient, .kernels = kernels);
