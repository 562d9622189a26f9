/* ConcatOffset: where each of several tensors begins in their concatenation. */
#include "ops/array/array.h"

static tn_error *concat_offset_shape(tn_shape_ctx *c) {
  for (int i = 1; i < c->n_inputs; i++) {
    tn_shape shape;
    TN_TRY(tn_shape_with_rank(c, i, 1, &shape));
    c->out[i - 1] = c->in[i];
  }
  return NULL;
}

static tn_error *concat_offset_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Concat dim tensor should be a scalar integer, but got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  for (int i = 1; i < p->n_inputs; i++) {
    const tn_shape *shape = &p->inputs[i].shape;
    if (shape->rank != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d should be a vector, but got shape %s", i,
                               TN_SHAPE_STR(shape));
    if (shape->dims[0] != p->inputs[1].shape.dims[0])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d should contain %lld elements, but got %lld", i,
                               (long long)p->inputs[1].shape.dims[0], (long long)shape->dims[0]);
    TN_TRY(tn_prepare_output(p, i - 1, shape));
  }
  return NULL;
}

static tn_error *concat_offset_run(tn_run *r) {
  int rank = (int)tn_elements(r->inputs[1]), axis;
  TN_TRY(tn_array_axis(r->node, "Concat dim", tn_int_at(r->inputs[0], 0), rank, &axis));
  int64_t offset = 0;
  for (int i = 0; i < r->n_outputs; i++) {
    const tn_tensor *sizes = r->inputs[i + 1];
    for (int d = 0; d < rank; d++) {
      if (d != axis && tn_int_at(sizes, d) != tn_int_at(r->inputs[1], d))
        return tn_run_errorf(
            r, TN_INVALID_ARGUMENT,
            "All dimensions except %d must match. Input %d has size %lld and input 0 has size %lld in dimension %d",
            axis, i, (long long)tn_int_at(sizes, d), (long long)tn_int_at(r->inputs[1], d), d);
      tn_int_put(r->outputs[i], d, d == axis ? offset : 0);
    }
    offset += tn_int_at(sizes, axis);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = concat_offset_prepare, .run = concat_offset_run}, {0}};

TN_OP(ConcatOffset, .inputs = "concat_dim: int32, shape: N * shape_type", .outputs = "offset: N * shape_type",
      .attrs = "N: int >= 2; shape_type: indextype = DT_INT32",
      .doc = "Where each of the tensors with these shapes begins in their concatenation.", .flags = TN_OP_NO_GRADIENT,
      .shape = concat_offset_shape, .kernels = kernels);
