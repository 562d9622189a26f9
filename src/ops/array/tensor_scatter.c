/* TensorScatterUpdate, Add, Sub, Min and Max, and ScatterNdNonAliasingAdd: a tensor with some slices updated. */
#include "ops/array/scatter.h"

static tn_error *scatter_shape(tn_shape_ctx *c) {
  tn_shape indices, updates;
  TN_TRY(tn_shape_at_least_rank(c, 1, 1, &indices));
  TN_TRY(tn_shape_at_least_rank(c, 2, 1, &updates));
  TN_TRY(tn_nd_check_updates(c, &c->in[0], &indices, &updates));
  c->out[0] = c->in[0];
  return NULL;
}

static tn_error *prepare(tn_prepare *p, tn_combine kind) {
  TN_TRY(tn_scatter_prepare(p, 1, &p->inputs[0].shape, kind));
  tn_prepare_in_place(p, 0, 0);
  return NULL;
}
static tn_error *update_prepare(tn_prepare *p) { return prepare(p, TN_COMBINE_SET); }
static tn_error *add_prepare(tn_prepare *p) { return prepare(p, TN_COMBINE_ADD); }
static tn_error *no_alias_prepare(tn_prepare *p) { return prepare(p, TN_COMBINE_ADD); }
static tn_error *sub_prepare(tn_prepare *p) { return prepare(p, TN_COMBINE_SUB); }
static tn_error *min_prepare(tn_prepare *p) { return prepare(p, TN_COMBINE_MIN); }
static tn_error *max_prepare(tn_prepare *p) { return prepare(p, TN_COMBINE_MAX); }

static tn_error *scatter_run(tn_run *r) {
  tn_tensor *out = r->outputs[0];
  if (out->data != r->inputs[0]->data)
    TN_TRY(tn_copy_dense(out->dtype, out->data, r->inputs[0]->data, tn_elements(out)));
  return tn_scatter_apply(r, 1, 2);
}

/* --- gradients --- */

static tn_output policy(tn_gradient_ctx *c, const char *op, const tn_output *inputs) {
  return tn_build(c->scope, op, inputs, TN_ATTRS(TN_A_SAME(c->node, "bad_indices_policy")));
}

/* What was overwritten gets nothing; the updates get what is at their places. */
static tn_error *update_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), indices = tn_grad_x(c, 1), updates = policy(c, "GatherNd", TN_IN(dy, indices));
  tn_grad_set(c, 0,
              policy(c, "TensorScatterUpdate", TN_IN(dy, indices, tn_build1(c->scope, "ZerosLike", tn_grad_x(c, 2)))));
  tn_grad_set(c, 2, updates);
  return NULL;
}

static tn_error *add_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build1(c->scope, "Identity", dy));
  tn_grad_set(c, 2, policy(c, "GatherNd", TN_IN(dy, tn_grad_x(c, 1))));
  return NULL;
}

static tn_error *sub_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build1(c->scope, "Identity", dy));
  tn_grad_set(c, 2, tn_build1(c->scope, "Neg", policy(c, "GatherNd", TN_IN(dy, tn_grad_x(c, 1)))));
  return NULL;
}

/* Every element that equals the result gets its share of the gradient, split evenly where several do. */
static tn_error *extreme_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output dy = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), indices = tn_grad_x(c, 1), updates = tn_grad_x(c, 2),
            y = tn_grad_y(c, 0);
  if (s->error) return NULL;
  tn_dtype dtype = tn_output_dtype(dy);
  tn_output kept = tn_build_cast(s, tn_build2(s, "Equal", y, x), dtype);
  tn_output taken = tn_build_cast(s, tn_build2(s, "Equal", updates, policy(c, "GatherNd", TN_IN(y, indices))), dtype);
  tn_output number = policy(c, "TensorScatterAdd", TN_IN(kept, indices, taken));
  tn_output share = tn_build2(s, "RealDiv", dy, tn_build2(s, "Maximum", number, tn_build1(s, "OnesLike", number)));
  tn_grad_set(c, 0, tn_build2(s, "Mul", kept, share));
  tn_grad_set(c, 2, tn_build2(s, "Mul", taken, policy(c, "GatherNd", TN_IN(share, indices))));
  return NULL;
}

/* --- the ops --- */

static bool known_indices(const tn_prepare *p) {
  return p->inputs[1].dtype == TN_INT32 || p->inputs[1].dtype == TN_INT64;
}

#define KERNELS(NAME, TYPES)                                                                                           \
  static const tn_kernel_def NAME##_kernels[] = {{.name = "reference",                                                 \
                                                  .types = (TYPES),                                                    \
                                                  .type_attr = "T",                                                    \
                                                  .supports = known_indices,                                           \
                                                  .prepare = NAME##_prepare,                                           \
                                                  .run = scatter_run},                                                 \
                                                 {0}};
KERNELS(update, TN_BASIC_STRING)
KERNELS(add, TN_NUMBERS)
KERNELS(sub, TN_NUMBERS)
KERNELS(no_alias, TN_BASIC)
KERNELS(min, TN_REALS)
KERNELS(max, TN_REALS)

TN_OP(TensorScatterUpdate, .inputs = "tensor: T, indices: Tindices, updates: T", .outputs = "output: T",
      .attrs = "T: type; Tindices: {int16, int32, int64, uint16}; bad_indices_policy: string = ''",
      .doc = "TENSOR with the slices that INDICES names replaced by UPDATES.", .shape = scatter_shape,
      .gradient = update_gradient, .kernels = update_kernels);

TN_OP(TensorScatterAdd, .inputs = "tensor: T, indices: Tindices, updates: T", .outputs = "output: T",
      .attrs = "T: type; Tindices: indextype; bad_indices_policy: string = ''",
      .doc = "TENSOR with UPDATES added to the slices that INDICES names.", .shape = scatter_shape,
      .gradient = add_gradient, .kernels = add_kernels);

TN_OP(TensorScatterSub, .inputs = "tensor: T, indices: Tindices, updates: T", .outputs = "output: T",
      .attrs = "T: type; Tindices: indextype; bad_indices_policy: string = ''",
      .doc = "TENSOR with UPDATES subtracted from the slices that INDICES names.", .shape = scatter_shape,
      .gradient = sub_gradient, .kernels = sub_kernels);

TN_OP(TensorScatterMin, .inputs = "tensor: T, indices: Tindices, updates: T", .outputs = "output: T",
      .attrs = "T: type; Tindices: indextype; bad_indices_policy: string = ''",
      .doc = "TENSOR with the minimum of itself and UPDATES in the slices that INDICES names.", .shape = scatter_shape,
      .gradient = extreme_gradient, .kernels = min_kernels);

TN_OP(TensorScatterMax, .inputs = "tensor: T, indices: Tindices, updates: T", .outputs = "output: T",
      .attrs = "T: type; Tindices: indextype; bad_indices_policy: string = ''",
      .doc = "TENSOR with the maximum of itself and UPDATES in the slices that INDICES names.", .shape = scatter_shape,
      .gradient = extreme_gradient, .kernels = max_kernels);

TN_OP(ScatterNdNonAliasingAdd, .inputs = "input: T, indices: Tindices, updates: T", .outputs = "output: T",
      .attrs = "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, "
               "qint16, quint16, uint16, complex128, half, uint32, uint64, bool}; Tindices: indextype; "
               "bad_indices_policy: string = ''",
      .doc = "INPUT with UPDATES added to the slices that INDICES names.", .shape = scatter_shape,
      .gradient = add_gradient, .kernels = no_alias_kernels);
