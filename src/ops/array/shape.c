/* Shape, ShapeN, Size and Rank: what is known about a tensor without looking at its elements. */
#include "ops/array/array.h"

#include <limits.h>

static tn_error *shape_shape(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) {
    int64_t rank = c->in[i].rank; /* -1: a vector of unknown length */
    c->out[i] = tn_shape_of(1, &rank);
  }
  return NULL;
}

/* Sizes that don't fit the output are an error, never a wrong number. */
static tn_error *check_fits(tn_prepare *p, int i, int64_t value) {
  if (p->outputs[i].dtype == TN_INT32 && value > INT_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the size %lld of input %d does not fit an int32",
                             (long long)value, i);
  return NULL;
}

static tn_error *shape_prepare(tn_prepare *p) {
  for (int i = 0; i < p->n_outputs; i++) {
    const tn_shape *shape = &p->inputs[i].shape;
    for (int d = 0; d < shape->rank; d++) TN_TRY(check_fits(p, i, shape->dims[d]));
    int64_t rank = shape->rank;
    tn_shape vector = tn_shape_of(1, &rank);
    TN_TRY(tn_prepare_output(p, i, &vector));
  }
  return NULL;
}

static tn_error *shape_run(tn_run *r) {
  for (int i = 0; i < r->n_outputs; i++)
    for (int d = 0; d < r->inputs[i]->shape.rank; d++) tn_int_put(r->outputs[i], d, r->inputs[i]->shape.dims[d]);
  return NULL;
}

static const tn_kernel_def shape_kernels[] = {{.name = "reference", .prepare = shape_prepare, .run = shape_run}, {0}};

TN_OP(Shape, .inputs = "input: T", .outputs = "output: out_type", .attrs = "T: type; out_type: indextype = DT_INT32",
      .doc = "The shape of the input, as a vector.", .flags = TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT,
      .shape = shape_shape, .kernels = shape_kernels);

TN_OP(ShapeN, .inputs = "input: N * T", .outputs = "output: N * out_type",
      .attrs = "N: int >= 1; T: type; out_type: indextype = DT_INT32", .doc = "The shapes of the inputs, as vectors.",
      .flags = TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT, .shape = shape_shape, .kernels = shape_kernels);

static tn_error *scalar_prepare(tn_prepare *p) {
  TN_TRY(check_fits(p, 0, tn_shape_elements(&p->inputs[0].shape)));
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *size_run(tn_run *r) {
  tn_int_put(r->outputs[0], 0, tn_elements(r->inputs[0]));
  return NULL;
}

static const tn_kernel_def size_kernels[] = {{.name = "reference", .prepare = scalar_prepare, .run = size_run}, {0}};

TN_OP(Size, .inputs = "input: T", .outputs = "output: out_type", .attrs = "T: type; out_type: indextype = DT_INT32",
      .doc = "The number of elements.", .flags = TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out,
      .kernels = size_kernels);

static tn_error *rank_prepare(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *rank_run(tn_run *r) {
  tn_int_put(r->outputs[0], 0, r->inputs[0]->shape.rank);
  return NULL;
}

static const tn_kernel_def rank_kernels[] = {{.name = "reference", .prepare = rank_prepare, .run = rank_run}, {0}};

TN_OP(Rank, .inputs = "input: T", .outputs = "output: int32", .attrs = "T: type", .doc = "The number of dimensions.",
      .flags = TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out, .kernels = rank_kernels);
