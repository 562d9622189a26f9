/* Questions that passes ask of the plan graph. */
#include <string.h>

#include "base/alloc.h"
#include "compile/ir.h"

static void count_or_put(tn_ir_uses *uses, const tn_ir_node *used, tn_ir_use use, bool put) {
  if (put) uses->uses[uses->first[used->id]] = use;
  uses->first[used->id]++;
}

/* Counts the uses of each node (PUT false), or puts them where FIRST says and moves that on. */
static void each_use(const tn_ir *ir, tn_ir_uses *uses, bool put) {
  for (int i = 0; i < ir->n_nodes; i++) {
    tn_ir_node *node = ir->nodes[i];
    if (node->dead) continue;
    for (int k = 0; k < node->n_inputs; k++) {
      count_or_put(uses, node->inputs[k].node, (tn_ir_use){node, k, node->inputs[k].index}, put);
    }
    for (int k = 0; k < node->n_controls; k++) count_or_put(uses, node->controls[k], (tn_ir_use){node, -1, -1}, put);
  }
  for (size_t i = 0; i < ir->n_fetches; i++) {
    tn_ir_value fetch = ir->fetches[i];
    if (fetch.node) count_or_put(uses, fetch.node, (tn_ir_use){NULL, (int)i, fetch.index}, put);
  }
}

tn_error *tn_ir_uses_of(const tn_ir *ir, tn_ir_uses *out) {
  tn_ir_uses uses = {.first = tn_calloc((size_t)ir->n_nodes + 1, sizeof *uses.first)};
  if (!uses.first) return tn_out_of_memory();
  each_use(ir, &uses, false);
  int total = 0;
  for (int i = 0; i <= ir->n_nodes; i++) {
    int n = i < ir->n_nodes ? uses.first[i] : 0;
    uses.first[i] = total;
    total += n;
  }
  uses.uses = tn_malloc(((size_t)total + 1) * sizeof *uses.uses);
  if (!uses.uses) {
    tn_free(uses.first);
    return tn_out_of_memory();
  }
  each_use(ir, &uses, true);
  /* Every first has moved to the next one's place: move them back. */
  for (int i = ir->n_nodes; i > 0; i--) uses.first[i] = uses.first[i - 1];
  uses.first[0] = 0;
  *out = uses;
  return NULL;
}

void tn_ir_uses_clear(tn_ir_uses *uses) {
  tn_free(uses->first);
  tn_free(uses->uses);
  *uses = (tn_ir_uses){0};
}

int tn_ir_count_uses(const tn_ir_uses *uses, tn_ir_value value) {
  int n = 0;
  for (int i = uses->first[value.node->id]; i < uses->first[value.node->id + 1]; i++) {
    if (uses->uses[i].output == value.index) n++;
  }
  return n;
}

static bool reaches(const tn_ir *ir, const tn_ir_node *to, const tn_ir_node *from, const tn_ir_node **stack,
                    unsigned char *seen) {
  int n = 0;
  (void)ir;
  stack[n++] = to;
  seen[to->id] = 1;
  while (n) {
    const tn_ir_node *node = stack[--n];
    if (node == from) return true;
    for (int k = 0; k < node->n_inputs + node->n_controls; k++) {
      const tn_ir_node *next = k < node->n_inputs ? node->inputs[k].node : node->controls[k - node->n_inputs];
      if (seen[next->id]) continue;
      seen[next->id] = 1;
      stack[n++] = next;
    }
  }
  return false;
}

bool tn_ir_depends(const tn_ir *ir, const tn_ir_node *to, const tn_ir_node *from) {
  size_t room = (size_t)ir->n_nodes + 1;
  const tn_ir_node **stack = tn_malloc(room * sizeof *stack);
  unsigned char *seen = tn_calloc(room, 1);
  /* Without memory to find out, say what forbids most. */
  bool found = !stack || !seen || reaches(ir, to, from, stack, seen);
  tn_free(stack);
  tn_free(seen);
  return found;
}

bool tn_ir_is(const tn_ir_node *node, const char *op) {
  return node->kind == TN_IR_KERNEL && strcmp(node->node->op->name, op) == 0;
}

bool tn_ir_is_filled_with(tn_ir_value value, double x) {
  const tn_tensor *t = tn_ir_out(value)->constant;
  if (!t) return false;
  int64_t n = tn_elements(t);
  for (int64_t i = 0; i < n; i++) {
    double element;
    switch (t->dtype) {
    case TN_FLOAT: element = TN_DATA(float, t)[i]; break;
    case TN_DOUBLE: element = TN_DATA(double, t)[i]; break;
    case TN_INT32: element = TN_DATA(int32_t, t)[i]; break;
    case TN_INT64: element = (double)TN_DATA(int64_t, t)[i]; break;
    case TN_HALF: element = tn_half_to_float(TN_DATA(uint16_t, t)[i]); break;
    case TN_BFLOAT16: element = tn_bfloat16_to_float(TN_DATA(uint16_t, t)[i]); break;
    default: return false;
    }
    if (!(element == x)) return false;
  }
  return n > 0;
}
