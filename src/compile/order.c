/* order: each node just before its value is needed, and updates of variables after everything that doesn't need them.
 */
#include "base/alloc.h"
#include "compile/passes.h"
#include "compile/plan.h"

static bool runs(const tn_ir_node *node) { return node->kind == TN_IR_KERNEL || node->kind == TN_IR_READ; }

/* True if NODE changes a variable, so that who reads it should come first. */
static bool updates(const tn_ir_node *node) {
  if (node->effect != TN_IR_ACTS) return false;
  for (int i = 0; i < node->n_inputs; i++) {
    if (node->inputs[i].node->kind == TN_IR_HANDLE) return true;
  }
  return false;
}

/* What must wait for an update, as bytes by id: it is found along the order, which has inputs first. */
static void mark_late(tn_ir_node *const *order, int n, unsigned char *late) {
  for (int i = 0; i < n; i++) {
    tn_ir_node *node = order[i];
    late[node->id] = updates(node);
    for (int k = 0; k < node->n_inputs; k++) late[node->id] |= late[node->inputs[k].node->id];
    for (int k = 0; k < node->n_controls; k++) late[node->id] |= late[node->controls[k]->id];
  }
}

/* The sorted nodes, the early ones first. */
static tn_error *early_first(tn_ir_node *const *sorted, int n, int ids, tn_ir_node **out) {
  unsigned char *late = tn_calloc((size_t)ids + 1, 1);
  if (!late) return tn_out_of_memory();
  mark_late(sorted, n, late);
  int at = 0;
  for (int wave = 0; wave < 2; wave++) {
    for (int i = 0; i < n; i++) {
      if (late[sorted[i]->id] == wave) out[at++] = sorted[i];
    }
  }
  tn_free(late);
  return NULL;
}

/* The number of places in which two orders of the same N nodes differ. */
static int differences(tn_ir_node *const *a, tn_ir_node *const *b, int n) {
  int count = 0;
  for (int i = 0; i < n; i++) count += a[i] != b[i];
  return count;
}

tn_error *tn_plan_order(tn_ir *ir, const char *disabled, tn_ir_node ***order, int *n) {
  tn_ir_node **sorted = NULL, **better = NULL;
  int count = 0, kept = 0;
  TN_TRY(tn_ir_sort(ir, &sorted, &count));
  tn_error *error = NULL;
  if (!tn_pass_disabled(disabled, "order")) {
    better = tn_malloc(((size_t)count + 1) * sizeof *better);
    error = better ? early_first(sorted, count, ir->n_nodes, better) : tn_out_of_memory();
    if (!error) tn_pass_count("order", differences(sorted, better, count));
  }
  if (error) {
    tn_free(sorted);
    tn_free(better);
    return error;
  }
  if (better) {
    tn_free(sorted);
    sorted = better;
  }
  for (int i = 0; i < count; i++) {
    if (runs(sorted[i])) sorted[kept++] = sorted[i];
  }
  *order = sorted;
  *n = kept;
  return NULL;
}
