/* BatchMatMul, V2 and V3: products of batches of matrices, adjoint where asked; V2 and V3 broadcast the batches. */
#include "ops/linalg/matmul.h"

static tn_error *common_shape(tn_shape_ctx *c, bool broadcast) {
  tn_shape x, y, batch;
  int64_t inner;
  TN_TRY(tn_shape_at_least_rank(c, 0, 2, &x));
  TN_TRY(tn_shape_at_least_rank(c, 1, 2, &y));
  const bool ax = tn_node_get_bool(c->node, "adj_x"), ay = tn_node_get_bool(c->node, "adj_y");
  TN_TRY(tn_dim_merge(c, tn_matrix_dim(&x, ax ? 2 : 1), tn_matrix_dim(&y, ay ? 1 : 2), &inner));
  const tn_shape x_batch = tn_matrix_batch(&x), y_batch = tn_matrix_batch(&y);
  if (broadcast)
    TN_TRY(tn_shape_broadcast_unknown(c, &x_batch, &y_batch, &batch));
  else
    TN_TRY(tn_shape_merge(c, &x_batch, &y_batch, &batch));
  return tn_matrix_shape(c, &batch, tn_matrix_dim(&x, ax ? 1 : 2), tn_matrix_dim(&y, ay ? 2 : 1), &c->out[0]);
}

static tn_error *shape_equal(tn_shape_ctx *c) { return common_shape(c, false); }
static tn_error *shape_broadcast(tn_shape_ctx *c) { return common_shape(c, true); }

static void common_gradient(tn_gradient_ctx *c, tn_output *gx, tn_output *gy) {
  const bool ax = tn_node_get_bool(c->node, "adj_x"), ay = tn_node_get_bool(c->node, "adj_y");
  const tn_output x = tn_grad_x(c, 0), y = tn_grad_x(c, 1), g = tn_grad_dense(c, 0);
  const tn_dtype xt = c->node->input_types[0], yt = c->node->input_types[1];
  tn_scope *s = c->scope;
  *gx = ax ? tn_build_matmul(s, y, g, ay, true, xt) : tn_build_matmul(s, g, y, false, !ay, xt);
  *gy = ay ? tn_build_matmul(s, g, x, true, ax, yt) : tn_build_matmul(s, x, g, !ax, false, yt);
}

static tn_error *gradient_equal(tn_gradient_ctx *c) {
  tn_output gx, gy;
  common_gradient(c, &gx, &gy);
  tn_grad_set(c, 0, gx);
  tn_grad_set(c, 1, gy);
  return NULL;
}

static tn_error *gradient_broadcast(tn_gradient_ctx *c) {
  tn_output gx, gy;
  common_gradient(c, &gx, &gy);
  tn_build_unbroadcast_batch(c->scope, tn_grad_x(c, 0), tn_grad_x(c, 1), &gx, &gy);
  tn_grad_set(c, 0, gx);
  tn_grad_set(c, 1, gy);
  return NULL;
}

static tn_error *prepare(tn_prepare *p, bool broadcast) {
  tn_batch_product b, *state;
  const tn_wide wide = tn_wide_of(p->outputs[0].dtype);
  if (tn_wide_of(p->inputs[0].dtype) != wide || tn_wide_of(p->inputs[1].dtype) != wide)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "no product of %s and %s as %s", tn_dtype_name(p->inputs[0].dtype),
                             tn_dtype_name(p->inputs[1].dtype), tn_dtype_name(p->outputs[0].dtype));
  const bool ax = tn_node_get_bool(p->node, "adj_x"), ay = tn_node_get_bool(p->node, "adj_y");
  TN_TRY(tn_batch_product_prepare(p, ax, ay, broadcast, &b));
  b.one.conjugate_a = ax;
  b.one.conjugate_b = ay;
  TN_TRY(tn_prepare_state(p, sizeof b, &state));
  *state = b;
  p->scratch = tn_matmul_reference_scratch(p);
  return NULL;
}

static tn_error *prepare_equal(tn_prepare *p) { return prepare(p, false); }
static tn_error *prepare_broadcast(tn_prepare *p) { return prepare(p, true); }

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare_equal, .run = tn_matmul_reference},
    {0},
};
static const tn_kernel_def kernels_v2[] = {
    {.name = "reference", .prepare = prepare_broadcast, .run = tn_matmul_reference},
    {0},
};
static const tn_kernel_def kernels_v3[] = {
    {.name = "reference", .type_attr = "Tout", .prepare = prepare_broadcast, .run = tn_matmul_reference},
    {0},
};

TN_OP(BatchMatMul, .doc = "The products of two batches of matrices with equal batch dimensions, adjoint where asked.",
      .inputs = "x: T, y: T", .outputs = "output: T",
      .attrs = "T: {bfloat16, half, float, double, int32, int64, complex64, complex128}; adj_x: bool = false; "
               "adj_y: bool = false; grad_x: bool = false; grad_y: bool = false",
      .shape = shape_equal, .gradient = gradient_equal, .kernels = kernels);

TN_OP(BatchMatMulV2,
      .doc = "The products of two batches of matrices whose batch dimensions broadcast, adjoint where asked.",
      .inputs = "x: T, y: T", .outputs = "output: T",
      .attrs = "T: {bfloat16, half, float, double, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, "
               "complex128}; "
               "adj_x: bool = false; adj_y: bool = false; grad_x: bool = false; grad_y: bool = false",
      .shape = shape_broadcast, .gradient = gradient_broadcast, .kernels = kernels_v2);

TN_OP(BatchMatMulV3, .doc = "BatchMatMulV2 with a dtype of its own for each input and the output.",
      .inputs = "x: Ta, y: Tb", .outputs = "output: Tout",
      .attrs = "Ta: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128}; "
               "Tb: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128}; "
               "Tout: {bfloat16, half, float, double, int16, int32, int64, complex64, complex128}; "
               "adj_x: bool = false; adj_y: bool = false; grad_x: bool = false; grad_y: bool = false",
      .shape = shape_broadcast, .gradient = gradient_broadcast, .kernels = kernels_v3);
