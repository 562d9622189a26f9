/* Transpose and ConjugateTranspose: dimensions in another order. */
#include <string.h>

#include "ops/array/array.h"

/* Checks PERM and makes it non-negative. */
static tn_error *check_perm(const tn_node *node, int rank, int64_t *perm) {
  uint32_t seen = 0;
  for (int i = 0; i < rank; i++) {
    int axis;
    TN_TRY(tn_array_axis(node, "perm", perm[i], rank, &axis));
    perm[i] = axis;
    seen |= 1u << axis;
  }
  for (int i = 0; i < rank; i++)
    if (!(seen >> i & 1)) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%d is missing from perm", i);
  return NULL;
}

static tn_error *transpose_shape(tn_shape_ctx *c) {
  tn_shape vector, input;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &vector));
  const tn_tensor *perm = c->value(c, 1);
  int64_t n = vector.rank == 1 ? vector.dims[0] : -1;
  if (perm) n = tn_elements(perm);
  if (n > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "perm has %lld elements, at most %d are supported",
                          (long long)n, TN_MAX_RANK);
  if (n < 0) n = c->in[0].rank;
  if (n < 0) return NULL;
  if (c->in[0].rank < 0 && n < 2) return NULL; /* a scalar and a vector both take a perm of one element */
  if (c->in[0].rank == 0 && n == 1) n = 0;
  TN_TRY(tn_shape_with_rank(c, 0, (int)n, &input));
  tn_shape out = tn_shape_unknown_of_rank((int)n);
  if (perm) {
    int64_t order[TN_MAX_RANK];
    for (int i = 0; i < n; i++) order[i] = tn_int_at(perm, i);
    TN_TRY(check_perm(c->node, (int)n, order));
    for (int i = 0; i < n; i++) out.dims[i] = input.dims[order[i]];
  }
  c->out[0] = out;
  return NULL;
}

/* True if PERM only moves dimensions of size one about. */
static bool keeps_order(const tn_shape *in, const int64_t *perm) {
  int64_t last = -1;
  for (int i = 0; i < in->rank; i++) {
    if (in->dims[perm[i]] == 1) continue;
    if (perm[i] < last) return false;
    last = perm[i];
  }
  return true;
}

static tn_error *transpose_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  int n;
  int64_t perm[TN_MAX_RANK], strides[TN_MAX_RANK], from[TN_MAX_RANK], to[TN_MAX_RANK];
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &n, perm));
  if (p->inputs[1].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "perm must be rank 1, got shape %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  if (n != in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "transpose expects a vector of size %d. But input(1) is a vector of size %d", in->rank, n);
  TN_TRY(check_perm(p->node, n, perm));
  tn_shape out = *in;
  tn_copy_strides(n, in->dims, strides);
  for (int i = 0; i < n; i++) {
    out.dims[i] = in->dims[perm[i]];
    from[i] = strides[perm[i]];
  }
  bool conjugates = tn_dtype_is_complex(p->inputs[0].dtype) && strcmp(p->node->op->name, "ConjugateTranspose") == 0;
  if (keeps_order(in, perm) && !conjugates) return tn_prepare_alias(p, 0, 0, &out);
  tn_copy *copy;
  TN_TRY(tn_prepare_state(p, sizeof *copy, &copy));
  tn_copy_strides(n, out.dims, to);
  tn_copy_init(copy, p->inputs[0].dtype, n, out.dims, to, from);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *transpose_run(tn_run *r) {
  return r->state ? tn_copy_run(r->state, r->outputs[0]->data, r->inputs[0]->data) : NULL;
}

static tn_error *conjugate_run(tn_run *r) {
  TN_TRY(transpose_run(r));
  int64_t n = tn_elements(r->outputs[0]);
  if (r->outputs[0]->dtype == TN_COMPLEX64)
    for (int64_t i = 0; i < n; i++) TN_DATA(float, r->outputs[0])[2 * i + 1] *= -1;
  else if (r->outputs[0]->dtype == TN_COMPLEX128)
    for (int64_t i = 0; i < n; i++) TN_DATA(double, r->outputs[0])[2 * i + 1] *= -1;
  return NULL;
}

static tn_error *transpose_gradient(tn_gradient_ctx *c) {
  tn_output back = tn_build1(c->scope, "InvertPermutation", tn_grad_x(c, 1));
  tn_grad_set(c, 0, tn_build2(c->scope, c->node->op->name, tn_grad_dense(c, 0), back));
  return NULL;
}

#define TRANSPOSE_TYPES (TN_BASIC_STRING | TN_FLOAT8S | TN_OBJECTS)

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TRANSPOSE_TYPES,
                                         .type_attr = "T",
                                         .prepare = transpose_prepare,
                                         .run = transpose_run},
                                        {0}};
static const tn_kernel_def conjugate_kernels[] = {{.name = "reference",
                                                   .types = TRANSPOSE_TYPES,
                                                   .type_attr = "T",
                                                   .prepare = transpose_prepare,
                                                   .run = conjugate_run},
                                                  {0}};

TN_OP(Transpose, .inputs = "x: T, perm: Tperm", .outputs = "y: T", .attrs = "T: type; Tperm: indextype = DT_INT32",
      .doc = "The input with dimension PERM[i] as its dimension i.", .value_inputs = 1 << 1, .shape = transpose_shape,
      .gradient = transpose_gradient, .kernels = kernels);

TN_OP(ConjugateTranspose, .inputs = "x: T, perm: Tperm", .outputs = "y: T",
      .attrs = "T: type; Tperm: indextype = DT_INT32",
      .doc = "The conjugates of the input's elements with dimension PERM[i] as dimension i.", .value_inputs = 1 << 1,
      .shape = transpose_shape, .gradient = transpose_gradient, .kernels = conjugate_kernels);
