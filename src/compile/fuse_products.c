/* fuse_products: a product of matrices takes over what follows it: a bias and a rectifier, or the update of a variable
 * by gradient descent whose gradient it is. The kernel does the same arithmetic on sums that are still in registers, so
 * the bits stay the same. */
#include "base/alloc.h"
#include "compile/passes.h"
#include "graph/build.h"
#include "kernel/gemm.h"

typedef struct fuser {
  tn_ir *ir;
  tn_ir_uses uses;
} fuser;

static bool is_product(const tn_ir_node *node) {
  return !node->dead && tn_ir_is(node, "MatMul") && node->effect == TN_IR_PURE && node->outputs[0].dtype == TN_FLOAT &&
         !node->outputs[0].constant && tn_shape_elements(&node->outputs[0].shape) > 0 &&
         tn_shape_elements(&tn_ir_out(node->inputs[0])->shape) > 0;
}

/* The one use of NODE's output; NULL if there are more, or it is fetched. */
static const tn_ir_use *only_use(const fuser *f, const tn_ir_node *node) {
  const tn_ir_use *found = NULL;
  for (int i = f->uses.first[node->id]; i < f->uses.first[node->id + 1]; i++) {
    const tn_ir_use *use = &f->uses.uses[i];
    if (found || !use->user || use->input < 0) return NULL;
    found = use;
  }
  return found;
}

static bool is_used(const fuser *f, const tn_ir_node *node) {
  for (int i = 0; i < node->n_outputs; i++)
    if (tn_ir_count_uses(&f->uses, (tn_ir_value){(tn_ir_node *)node, i})) return true;
  return false;
}

/* --- the update of a variable --- */

static bool is_update(const fuser *f, const tn_ir_node *product, const tn_ir_use *use) {
  const tn_ir_node *node = use->user;
  if (!tn_ir_is(node, "ApplyGradientDescent") && !tn_ir_is(node, "ResourceApplyGradientDescent")) return false;
  if (use->input != 2 || is_used(f, node) || tn_ir_out(node->inputs[1])->shape.rank != 0) return false;
  const tn_shape *a = &tn_ir_out(product->inputs[0])->shape;
  if (a->dims[!tn_node_get_bool(product->node, "transpose_a")] > TN_GEMM_BLOCK) return false;
  return node->inputs[0].node->kind == TN_IR_HANDLE && node->inputs[0].node->variable;
}

static tn_error *fuse_update(fuser *f, tn_ir_node *product, tn_ir_node *update) {
  const tn_ir_value inputs[] = {update->inputs[0], product->inputs[0], product->inputs[1], update->inputs[1]};
  tn_dtype types[] = {tn_ir_out(inputs[0])->dtype, TN_FLOAT, TN_FLOAT, TN_FLOAT};
  const tn_named_attr attrs[] = {TN_A_TYPE("T", TN_FLOAT),
                                 {"operands", {.kind = TN_ATTR_TYPE, .is_list = true, .n = 4, .types = types}},
                                 TN_A_BOOL("transpose_a", tn_node_get_bool(product->node, "transpose_a")),
                                 TN_A_BOOL("transpose_b", tn_node_get_bool(product->node, "transpose_b")),
                                 {NULL, {0}}};
  const tn_ir_new spec = {
      .op = "_ProductUpdate", .name = update->node->name, .n_inputs = 4, .inputs = inputs, .attrs = attrs};
  tn_ir_node *fused = NULL;
  TN_TRY(tn_ir_add(f->ir, &spec, &fused));
  TN_TRY(tn_ir_take_over(f->ir, update, fused));
  return tn_ir_remove(f->ir, update);
}

/* --- a bias, and a rectifier --- */

/* True if USE adds a row to each row of the product: *BIAS. */
static bool is_bias(const tn_ir_node *product, const tn_ir_use *use, tn_ir_value *bias) {
  const tn_ir_node *node = use->user;
  const bool either = tn_ir_is(node, "AddV2") || tn_ir_is(node, "Add");
  if (!either && !(tn_ir_is(node, "BiasAdd") && use->input == 0)) return false;
  *bias = node->inputs[1 - use->input];
  const tn_shape *row = &tn_ir_out(*bias)->shape, *full = &product->outputs[0].shape;
  return node->effect == TN_IR_PURE && row->rank == 1 && row->dims[0] == full->dims[1] && bias->node != product;
}

/* PRODUCT and what follows it up to LAST become one node, which also takes WITH. */
static tn_error *fuse_end(fuser *f, const tn_ir_node *product, tn_ir_node *last, tn_ir_value with, bool relu) {
  tn_ir_node *fused = NULL;
  const tn_ir_value inputs[] = {product->inputs[0], product->inputs[1], with};
  const tn_named_attr attrs[] = {TN_A_TYPE("T", TN_FLOAT),
                                 TN_A_BOOL("transpose_a", tn_node_get_bool(product->node, "transpose_a")),
                                 TN_A_BOOL("transpose_b", tn_node_get_bool(product->node, "transpose_b")),
                                 TN_A_BOOL("relu", relu),
                                 TN_A_BOOL("gated", tn_ir_is(last, "ReluGrad")),
                                 {NULL, {0}}};
  const tn_ir_new spec = {.op = "_FusedMatMul",
                          .name = last->node->name,
                          .n_inputs = 3,
                          .inputs = inputs,
                          .attrs = attrs,
                          .n_outputs = 1,
                          .dtypes = (const tn_dtype[]){TN_FLOAT}};
  TN_TRY(tn_ir_add(f->ir, &spec, &fused));
  tn_ir_replace(f->ir, (tn_ir_value){last, 0}, (tn_ir_value){fused, 0});
  return NULL;
}

static tn_error *fuse_bias(fuser *f, const tn_ir_node *product, tn_ir_node *sum, tn_ir_value bias) {
  const tn_ir_use *use = only_use(f, sum);
  const bool relu = use && tn_ir_is(use->user, "Relu") && use->user->effect == TN_IR_PURE;
  return fuse_end(f, product, relu ? use->user : sum, bias, relu);
}

/* --- the gradient of a rectifier --- */

static bool is_gate(const tn_ir_node *product, const tn_ir_use *use) {
  const tn_ir_node *node = use->user;
  return tn_ir_is(node, "ReluGrad") && use->input == 0 && node->effect == TN_IR_PURE &&
         tn_shape_equal(&tn_ir_out(node->inputs[1])->shape, &product->outputs[0].shape);
}

static tn_error *fuse_all(fuser *f, int n, int *changes) {
  for (int i = 0; i < n; i++) {
    tn_ir_node *node = f->ir->nodes[i];
    const tn_ir_use *use = is_product(node) ? only_use(f, node) : NULL;
    tn_ir_value bias;
    if (!use) continue;
    if (is_update(f, node, use))
      TN_TRY(fuse_update(f, node, use->user));
    else if (is_bias(node, use, &bias))
      TN_TRY(fuse_bias(f, node, use->user, bias));
    else if (is_gate(node, use))
      TN_TRY(fuse_end(f, node, use->user, use->user->inputs[1], false));
    else
      continue;
    ++*changes;
  }
  return NULL;
}

tn_error *tn_pass_fuse_products(tn_ir *ir, int *changes) {
  fuser f = {.ir = ir};
  tn_error *error = tn_ir_uses_of(ir, &f.uses);
  if (!error) error = fuse_all(&f, ir->n_nodes, changes);
  tn_ir_uses_clear(&f.uses);
  return error;
}
