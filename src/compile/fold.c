/* fold: what was computed while shapes were found becomes a constant. */
#include "compile/passes.h"

/* True if every output that is used can be a constant. */
static bool all_constant(const tn_ir_node *node) {
  for (int i = 0; i < node->n_outputs; i++) {
    if (!node->outputs[i].constant) return false;
  }
  return node->n_outputs > 0;
}

tn_error *tn_pass_fold(tn_ir *ir, int *changes) {
  int n = ir->n_nodes;
  for (int i = 0; i < n; i++) {
    tn_ir_node *node = ir->nodes[i];
    if (node->dead || node->kind != TN_IR_KERNEL || node->effect != TN_IR_PURE || !all_constant(node)) continue;
    ++*changes;
    if (node->n_outputs == 1) {
      node->kind = TN_IR_CONST;
      node->n_inputs = 0;
      continue;
    }
    for (int k = 0; k < node->n_outputs; k++) {
      tn_ir_value constant;
      TN_TRY(tn_ir_add_const(ir, node->node->name, node->outputs[k].constant, &constant));
      tn_ir_forward((tn_ir_value){node, k}, constant);
    }
  }
  tn_ir_settle(ir);
  return NULL;
}
