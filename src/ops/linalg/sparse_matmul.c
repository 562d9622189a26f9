/* SparseMatMul: a product of dense matrices one of which is zero in most places. */
#include <string.h>

#include "ops/array/array.h"
#include "ops/linalg/matrix.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *a = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  if (a->rank != 2 || b->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "a and b must be matrices: a is %s and b is %s", TN_SHAPE_STR(a),
                             TN_SHAPE_STR(b));
  const bool ta = tn_node_get_bool(p->node, "transpose_a"), tb = tn_node_get_bool(p->node, "transpose_b");
  if (a->dims[!ta] != b->dims[tb])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Matrix size incompatible: a: %s, b: %s", TN_SHAPE_STR(a),
                             TN_SHAPE_STR(b));
  p->scratch = (size_t)tn_elements(&p->inputs[1]) * sizeof(float);
  tn_shape out = tn_shape_of(2, (int64_t[]){a->dims[ta], b->dims[!tb]});
  return tn_prepare_output(p, 0, &out);
}

static float number(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_FLOAT ? TN_DATA(float, t)[i] : tn_bfloat16_to_float(TN_DATA(uint16_t, t)[i]);
}

static tn_error *run(tn_run *r) {
  const tn_tensor *a = r->inputs[0], *b = r->inputs[1];
  const bool ta = tn_node_get_bool(r->node, "transpose_a"), tb = tn_node_get_bool(r->node, "transpose_b");
  const int64_t m = r->outputs[0]->shape.dims[0], n = r->outputs[0]->shape.dims[1], k = b->shape.dims[tb];
  float *rows = r->scratch, *out = r->outputs[0]->data;
  for (int64_t i = 0; i < k; i++)
    for (int64_t j = 0; j < n; j++) rows[i * n + j] = number(b, tb ? j * k + i : i * n + j);
  memset(out, 0, (size_t)(m * n) * sizeof *out);
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++) {
      const float x = number(a, ta ? l * m + i : i * k + l);
      if (x == 0) continue;
      for (int64_t j = 0; j < n; j++) out[i * n + j] += x * rows[l * n + j];
    }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape a, b;
  int64_t inner;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &a));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &b));
  const bool ta = tn_node_get_bool(c->node, "transpose_a"), tb = tn_node_get_bool(c->node, "transpose_b");
  TN_TRY(tn_dim_merge(c, a.dims[!ta], b.dims[tb], &inner));
  c->out[0] = tn_shape_of(2, (int64_t[]){a.dims[ta], b.dims[!tb]});
  return NULL;
}

static tn_output product(tn_scope *s, tn_output x, tn_output y, bool tx, bool ty, tn_dtype dtype) {
  return tn_build_cast(
      s, tn_build(s, "SparseMatMul", TN_IN(x, y), TN_ATTRS(TN_A_BOOL("transpose_a", tx), TN_A_BOOL("transpose_b", ty))),
      dtype);
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output a = tn_grad_x(c, 0), b = tn_grad_x(c, 1), g = tn_grad_dense(c, 0);
  if (s->error) return NULL;
  const bool ta = tn_node_get_bool(c->node, "transpose_a"), tb = tn_node_get_bool(c->node, "transpose_b");
  const tn_dtype da = tn_dtype_base(tn_output_dtype(a)), db = tn_dtype_base(tn_output_dtype(b));
  tn_grad_set(c, 0, ta ? product(s, b, g, tb, true, da) : product(s, g, b, false, !tb, da));
  tn_grad_set(c, 1, tb ? product(s, g, a, true, ta, db) : product(s, a, g, !ta, false, db));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(SparseMatMul, .inputs = "a: Ta, b: Tb", .outputs = "product: float",
      .attrs = "transpose_a: bool = false; transpose_b: bool = false; a_is_sparse: bool = false; b_is_sparse: bool = "
               "false; Ta: {float, bfloat16} = DT_FLOAT; Tb: {float, bfloat16} = DT_FLOAT",
      .doc = "The product of two matrices, quick where A is zero in most places.", .shape = shape, .gradient = gradient,
      .kernels = kernels);
