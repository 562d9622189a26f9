/* Diag and DiagPart: tensors on the diagonal of tensors of twice the rank. */
#include "ops/array/array.h"

#define DIAG_TYPES                                                                                                     \
  (TN_BIT(TN_HALF) | TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_INT32) | TN_BIT(TN_INT64) | TN_COMPLEXES)

/* N elements between a dense array and the diagonal of an N x N matrix. */
static tn_error *move_diagonal(const tn_tensor *from, tn_tensor *to, int64_t n, bool spread) {
  tn_copy copy;
  int64_t far = n + 1, near = 1;
  tn_copy_init(&copy, from->dtype, 1, &n, spread ? &far : &near, spread ? &near : &far);
  return tn_copy_run(&copy, to->data, from->data);
}

static tn_error *diag_shape(tn_shape_ctx *c) {
  tn_shape in;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &in));
  return tn_shape_join(c, &in, &in, &c->out[0]);
}

static tn_error *diag_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  if (in->rank < 1 || 2 * in->rank > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input must be of rank 1 to %d, got shape %s", TN_MAX_RANK / 2,
                             TN_SHAPE_STR(in));
  tn_shape out = *in;
  for (int i = 0; i < in->rank; i++) out.dims[out.rank++] = in->dims[i];
  return tn_prepare_output(p, 0, &out);
}

static tn_error *diag_run(tn_run *r) {
  TN_TRY(tn_copy_zero(r->outputs[0]->dtype, r->outputs[0]->data, tn_elements(r->outputs[0])));
  return move_diagonal(r->inputs[0], r->outputs[0], tn_elements(r->inputs[0]), true);
}

static tn_error *diag_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build1(c->scope, "DiagPart", tn_grad_dense(c, 0)));
  return NULL;
}

static const tn_kernel_def diag_kernels[] = {
    {.name = "reference", .types = DIAG_TYPES, .prepare = diag_prepare, .run = diag_run}, {0}};

TN_OP(Diag, .inputs = "diagonal: T", .outputs = "output: T",
      .attrs = "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}",
      .doc = "A tensor of twice the rank with the input on its diagonal.", .shape = diag_shape,
      .gradient = diag_gradient, .kernels = diag_kernels);

static tn_error *part_shape(tn_shape_ctx *c) {
  const tn_shape *in = &c->in[0];
  if (in->rank < 0) return NULL;
  if (in->rank % 2 != 0 || in->rank == 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Input must have even and non-zero rank, input rank is %d",
                          in->rank);
  tn_shape a = tn_shape_part(in, 0, in->rank / 2), b = tn_shape_part(in, in->rank / 2, in->rank);
  return tn_shape_merge(c, &a, &b, &c->out[0]);
}

static tn_error *part_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  tn_shape a = tn_shape_part(in, 0, in->rank / 2), b = tn_shape_part(in, in->rank / 2, in->rank);
  if (in->rank % 2 != 0 || in->rank == 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "The rank of the tensor should be even and positive, got shape %s",
                             TN_SHAPE_STR(in));
  if (!tn_shape_equal(&a, &b))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Invalid shape %s: its two halves differ", TN_SHAPE_STR(in));
  return tn_prepare_output(p, 0, &a);
}

static tn_error *part_run(tn_run *r) {
  return move_diagonal(r->inputs[0], r->outputs[0], tn_elements(r->outputs[0]), false);
}

static tn_error *part_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build1(c->scope, "Diag", tn_grad_dense(c, 0)));
  return NULL;
}

static const tn_kernel_def part_kernels[] = {
    {.name = "reference", .types = DIAG_TYPES, .prepare = part_prepare, .run = part_run}, {0}};

TN_OP(DiagPart, .inputs = "input: T", .outputs = "diagonal: T",
      .attrs = "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}",
      .doc = "The diagonal of a tensor whose shape is some shape twice.", .shape = part_shape,
      .gradient = part_gradient, .kernels = part_kernels);
