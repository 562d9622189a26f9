/* Pack: tensors of one shape stacked along a new dimension. */
#include "ops/array/array.h"

static tn_error *pack_axis(const tn_node *node, int rank, int *out) {
  return tn_array_axis(node, "axis", tn_node_get_int(node, "axis"), rank + 1, out);
}

/* SHAPE with a dimension of N put in at AXIS. */
static tn_error *stacked(const tn_node *node, const tn_shape *shape, int64_t n, tn_shape *out) {
  int axis;
  TN_TRY(pack_axis(node, shape->rank, &axis));
  if (shape->rank + 1 > TN_MAX_RANK)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                          shape->rank + 1, TN_MAX_RANK);
  tn_shape result = tn_shape_part(shape, 0, axis);
  result.dims[result.rank++] = n;
  for (int i = axis; i < shape->rank; i++) result.dims[result.rank++] = shape->dims[i];
  *out = result;
  return NULL;
}

static tn_error *pack_shape(tn_shape_ctx *c) {
  tn_shape merged = c->in[0];
  for (int i = 1; i < c->n_inputs; i++) TN_TRY(tn_shape_merge(c, &merged, &c->in[i], &merged));
  return merged.rank < 0 ? NULL : stacked(c->node, &merged, c->n_inputs, &c->out[0]);
}

typedef struct pack_state {
  int64_t outer, inner;
} pack_state;

static tn_error *pack_prepare(tn_prepare *p) {
  const tn_shape *first = &p->inputs[0].shape;
  for (int i = 1; i < p->n_inputs; i++)
    if (!tn_shape_equal(first, &p->inputs[i].shape))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "Shapes of all inputs must match: values[0].shape = %s != values[%d].shape = %s",
                               TN_SHAPE_STR(first), i, TN_SHAPE_STR(&p->inputs[i].shape));
  pack_state *s;
  int axis;
  TN_TRY(pack_axis(p->node, first->rank, &axis));
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->outer = tn_span(first, 0, axis);
  s->inner = tn_span(first, axis, first->rank);
  tn_shape out;
  TN_TRY(stacked(p->node, first, p->n_inputs, &out));
  return p->n_inputs == 1 ? tn_prepare_alias(p, 0, 0, &out) : tn_prepare_output(p, 0, &out);
}

static tn_error *pack_run(tn_run *r) {
  const pack_state *s = r->state;
  if (r->n_inputs == 1) return NULL; /* the output is the input's bytes */
  for (int i = 0; i < r->n_inputs; i++) {
    tn_copy copy;
    tn_copy_init(&copy, r->outputs[0]->dtype, 2, (int64_t[2]){s->outer, s->inner},
                 (int64_t[2]){s->inner * r->n_inputs, 1}, (int64_t[2]){s->inner, 1});
    TN_TRY(tn_copy_run(&copy, tn_at(r->outputs[0], i * s->inner), r->inputs[i]->data));
  }
  return NULL;
}

static tn_error *pack_gradient(tn_gradient_ctx *c) {
  tn_output parts = tn_build(c->scope, "Unpack", TN_IN(tn_grad_dense(c, 0)),
                             TN_ATTRS(TN_A_INT("num", c->node->n_inputs), TN_A_SAME(c->node, "axis")));
  for (int i = 0; i < c->node->n_inputs && !c->scope->error; i++) tn_grad_set(c, i, tn_nth(parts, i));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED5 | TN_OBJECTS,
                                         .prepare = pack_prepare,
                                         .run = pack_run},
                                        {0}};

TN_OP(Pack, .inputs = "values: N * T", .outputs = "output: T", .attrs = "N: int >= 1; T: type; axis: int = 0",
      .doc = "The values stacked along a new dimension AXIS.", .shape = pack_shape, .gradient = pack_gradient,
      .kernels = kernels);
