/* MatMul: the product of two matrices, either of which may be transposed. */
#include "ops/linalg/matmul.h"

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape a, b;
  int64_t inner;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &a));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &b));
  const bool ta = tn_node_get_bool(c->node, "transpose_a"), tb = tn_node_get_bool(c->node, "transpose_b");
  TN_TRY(tn_dim_merge(c, a.dims[ta ? 0 : 1], b.dims[tb ? 1 : 0], &inner));
  c->out[0] = tn_shape_of(2, (const int64_t[]){a.dims[ta ? 1 : 0], b.dims[tb ? 0 : 1]});
  return NULL;
}

static tn_output product(tn_gradient_ctx *c, tn_output a, tn_output b, bool ta, bool tb) {
  return tn_build(c->scope, "MatMul", TN_IN(a, b),
                  TN_ATTRS(TN_A_BOOL("transpose_a", ta), TN_A_BOOL("transpose_b", tb)));
}

static tn_output conjugate(tn_gradient_ctx *c, tn_output x) {
  return tn_dtype_is_complex(tn_dtype_base(tn_output_dtype(x))) ? tn_build1(c->scope, "Conj", x) : x;
}

static tn_error *gradient(tn_gradient_ctx *c) {
  const bool ta = tn_node_get_bool(c->node, "transpose_a"), tb = tn_node_get_bool(c->node, "transpose_b");
  const tn_output a = conjugate(c, tn_grad_x(c, 0)), b = conjugate(c, tn_grad_x(c, 1)), g = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, ta ? product(c, b, g, tb, true) : product(c, g, b, false, !tb));
  tn_grad_set(c, 1, tb ? product(c, g, a, true, ta) : product(c, a, g, !ta, false));
  return NULL;
}

static tn_matmul_options options(const tn_prepare *p) {
  return (tn_matmul_options){.transpose_a = tn_node_get_bool(p->node, "transpose_a"),
                             .transpose_b = tn_node_get_bool(p->node, "transpose_b"),
                             .matrices = true};
}

TN_MATMUL_KERNELS(kernels, options, "T");

TN_OP(MatMul, .doc = "The product of two matrices, each transposed first where the attributes say so.",
      .inputs = "a: T, b: T", .outputs = "product: T",
      .attrs =
          "transpose_a: bool = false; transpose_b: bool = false; "
          "T: {bfloat16, half, float, double, int32, int64, uint8, uint16, uint32, uint64, complex64, complex128}; "
          "grad_a: bool = false; grad_b: bool = false",
      .shape = shape, .gradient = gradient, .kernels = kernels);
