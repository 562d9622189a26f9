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

static tn_matmul_options options(const tn_prepare *p) {
  return (tn_matmul_options){.transpose_a = tn_node_get_bool(p->node, "adj_x"),
                             .transpose_b = tn_node_get_bool(p->node, "adj_y"),
                             .conjugate = true};
}
static tn_matmul_options options_broadcast(const tn_prepare *p) {
  tn_matmul_options o = options(p);
  o.broadcast = true;
  return o;
}

TN_MATMUL_KERNELS(kernels, options, "T");
TN_MATMUL_KERNELS(kernels_v2, options_broadcast, "T");
TN_MATMUL_KERNELS(kernels_v3, options_broadcast, "Tout");

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
