/* Unpack: a tensor taken apart along one dimension. */
#include "ops/array/array.h"

static tn_error *unpack_shape(tn_shape_ctx *c) {
  const tn_shape *in = &c->in[0];
  if (in->rank < 0) return NULL;
  int axis;
  TN_TRY(tn_array_axis(c->node, "axis", tn_node_get_int(c->node, "axis"), in->rank, &axis));
  int64_t size;
  TN_TRY(tn_dim_merge(c, in->dims[axis], c->n_outputs, &size));
  tn_shape out = tn_shape_part(in, 0, axis);
  for (int i = axis + 1; i < in->rank; i++) out.dims[out.rank++] = in->dims[i];
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = out;
  return NULL;
}

typedef struct unpack_state {
  int64_t outer, inner;
} unpack_state;

static tn_error *unpack_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  int axis;
  TN_TRY(tn_array_axis(p->node, "axis", tn_node_get_int(p->node, "axis"), in->rank, &axis));
  if (in->dims[axis] != p->n_outputs)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input shape axis %d must equal %d, got shape %s", axis,
                             p->n_outputs, TN_SHAPE_STR(in));
  unpack_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->outer = tn_span(in, 0, axis);
  s->inner = tn_span(in, axis + 1, in->rank);
  tn_shape out = tn_shape_part(in, 0, axis);
  for (int i = axis + 1; i < in->rank; i++) out.dims[out.rank++] = in->dims[i];
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &out));
  return NULL;
}

static tn_error *unpack_run(tn_run *r) {
  const unpack_state *s = r->state;
  for (int i = 0; i < r->n_outputs; i++) {
    tn_copy copy;
    tn_copy_init(&copy, r->inputs[0]->dtype, 2, (int64_t[2]){s->outer, s->inner}, (int64_t[2]){s->inner, 1},
                 (int64_t[2]){s->inner * r->n_outputs, 1});
    TN_TRY(tn_copy_run(&copy, r->outputs[i]->data, tn_at(r->inputs[0], i * s->inner)));
  }
  return NULL;
}

static tn_error *unpack_gradient(tn_gradient_ctx *c) {
  int n = c->node->n_outputs;
  if (n == 0) return NULL;
  tn_output *inputs = tn_malloc(((size_t)n + 1) * sizeof *inputs);
  if (!inputs) return tn_out_of_memory();
  for (int i = 0; i < n; i++) inputs[i] = tn_grad_dense(c, i);
  inputs[n] = TN_END;
  tn_grad_set(c, 0, tn_build(c->scope, "Pack", inputs, TN_ATTRS(TN_A_SAME(c->node, "axis"))));
  tn_free(inputs);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_FLOAT8S | TN_OBJECTS,
                                         .prepare = unpack_prepare,
                                         .run = unpack_run},
                                        {0}};

TN_OP(Unpack, .inputs = "value: T", .outputs = "output: num * T", .attrs = "num: int >= 0; T: type; axis: int = 0",
      .doc = "The slices of the input along dimension AXIS.", .shape = unpack_shape, .gradient = unpack_gradient,
      .kernels = kernels);
