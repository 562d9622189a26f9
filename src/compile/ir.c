/* The plan graph: nodes, edges, and keeping them in order while passes change them. */
#include "compile/ir.h"

#include <string.h>

#include "base/alloc.h"

tn_error *tn_ir_new_graph(tn_ir **out) {
  tn_ir *ir = tn_calloc(1, sizeof *ir);
  if (!ir) return tn_out_of_memory();
  tn_error *error = tn_arena_new(&ir->arena);
  if (error) {
    tn_free(ir);
    return error;
  }
  *out = ir;
  return NULL;
}

void tn_ir_free(tn_ir *ir) {
  if (!ir) return;
  for (int i = 0; i < ir->n_kept; i++) tn_tensor_free(ir->kept[i]);
  for (int i = 0; i < ir->n_made; i++) {
    for (int k = 0; k < ir->made[i]->n_attrs; k++) tn_attr_clear(&ir->made[i]->attrs[k].value);
  }
  tn_free(ir->kept);
  tn_free(ir->made);
  tn_free(ir->nodes);
  tn_arena_free(ir->arena);
  tn_free(ir);
}

/* Room for one more in ARRAY, which has N elements of SIZE bytes. */
static tn_error *grow(void *array, int n, int *capacity, size_t size) {
  if (n < *capacity) return NULL;
  void **items = array;
  int more = *capacity ? 2 * *capacity : 64;
  void *moved = tn_realloc(*items, (size_t)more * size);
  if (!moved) return tn_out_of_memory();
  *items = moved;
  *capacity = more;
  return NULL;
}

tn_error *tn_ir_keep(tn_ir *ir, tn_tensor *tensor) {
  tn_error *error = grow(&ir->kept, ir->n_kept, &ir->kept_capacity, sizeof(tn_tensor *));
  if (error) {
    tn_tensor_free(tensor);
    return error;
  }
  ir->kept[ir->n_kept++] = tensor;
  return NULL;
}

tn_error *tn_ir_new_node(tn_ir *ir, tn_ir_kind kind, const tn_node *node, int n_inputs, tn_ir_node **out) {
  int n_outputs = kind == TN_IR_KERNEL ? node->n_outputs : 1;
  TN_TRY(grow(&ir->nodes, ir->n_nodes, &ir->capacity, sizeof(tn_ir_node *)));
  tn_ir_node *made = tn_arena_alloc(ir->arena, sizeof *made);
  tn_ir_value *inputs = tn_arena_alloc(ir->arena, ((size_t)n_inputs + 1) * sizeof *inputs);
  tn_ir_output *outputs = tn_arena_alloc(ir->arena, ((size_t)n_outputs + 1) * sizeof *outputs);
  if (!made || !inputs || !outputs) return tn_out_of_memory();
  made->id = ir->n_nodes;
  made->kind = kind;
  made->node = node;
  made->n_inputs = n_inputs;
  made->inputs = inputs;
  made->n_outputs = n_outputs;
  made->outputs = outputs;
  for (int i = 0; i < n_outputs; i++) {
    if (kind == TN_IR_KERNEL) outputs[i].dtype = node->output_types[i];
    outputs[i].shape = tn_shape_unknown();
  }
  ir->nodes[ir->n_nodes++] = made;
  *out = made;
  return NULL;
}

tn_error *tn_ir_add_const(tn_ir *ir, const char *name, tn_tensor *value, tn_ir_value *out) {
  TN_TRY(tn_ir_keep(ir, tn_tensor_ref(value)));
  tn_node *face = tn_arena_alloc(ir->arena, sizeof *face);
  if (!face) return tn_out_of_memory();
  *face = (tn_node){.name = tn_arena_strdup(ir->arena, name), .device = "", .op = tn_op_find("Const")};
  if (!face->name || !face->op) return tn_out_of_memory();
  tn_ir_node *node = NULL;
  TN_TRY(tn_ir_new_node(ir, TN_IR_CONST, face, 0, &node));
  node->outputs[0] = (tn_ir_output){.dtype = value->dtype, .shape = value->shape, .constant = value};
  *out = (tn_ir_value){node, 0};
  return NULL;
}

static void hand_on_constant(tn_ir_value old, tn_ir_value new_value) {
  tn_ir_output *known = &new_value.node->outputs[new_value.index];
  if (!known->constant) known->constant = tn_ir_out(old)->constant;
}

void tn_ir_forward(tn_ir_value old, tn_ir_value new_value) {
  hand_on_constant(old, new_value);
  old.node->outputs[old.index].forward = new_value;
}

tn_ir_value tn_ir_resolve(tn_ir_value value) {
  while (value.node && tn_ir_out(value)->forward.node) value = tn_ir_out(value)->forward;
  return value;
}

void tn_ir_settle(tn_ir *ir) {
  for (int i = 0; i < ir->n_nodes; i++) {
    tn_ir_node *node = ir->nodes[i];
    for (int k = 0; k < node->n_inputs && !node->dead; k++) node->inputs[k] = tn_ir_resolve(node->inputs[k]);
  }
  for (size_t i = 0; i < ir->n_fetches; i++) ir->fetches[i] = tn_ir_resolve(ir->fetches[i]);
}

void tn_ir_replace(tn_ir *ir, tn_ir_value old, tn_ir_value new_value) {
  hand_on_constant(old, new_value);
  for (int i = 0; i < ir->n_nodes; i++) {
    tn_ir_node *node = ir->nodes[i];
    if (node->dead || node == new_value.node) continue;
    for (int k = 0; k < node->n_inputs; k++) {
      if (node->inputs[k].node == old.node && node->inputs[k].index == old.index) node->inputs[k] = new_value;
    }
  }
  for (size_t i = 0; i < ir->n_fetches; i++) {
    if (ir->fetches[i].node == old.node && ir->fetches[i].index == old.index) ir->fetches[i] = new_value;
  }
}

tn_error *tn_ir_add_control(tn_ir *ir, tn_ir_node *before, tn_ir_node *node) {
  if (before == node) return NULL;
  for (int i = 0; i < node->n_controls; i++) {
    if (node->controls[i] == before) return NULL;
  }
  /* Room grows by powers of two, in the arena. */
  int n = node->n_controls;
  if ((n & (n - 1)) == 0) {
    tn_ir_node **more = tn_arena_alloc(ir->arena, (size_t)(n ? 2 * n : 1) * sizeof *more);
    if (!more) return tn_out_of_memory();
    if (n) memcpy(more, node->controls, (size_t)n * sizeof *more);
    node->controls = more;
  }
  node->controls[node->n_controls++] = before;
  return NULL;
}

/* Drops BEFORE from the control inputs of NODE; false if it isn't there. */
static bool drop_control(tn_ir_node *node, const tn_ir_node *before) {
  for (int i = 0; i < node->n_controls; i++) {
    if (node->controls[i] != before) continue;
    node->controls[i] = node->controls[--node->n_controls];
    return true;
  }
  return false;
}

tn_error *tn_ir_remove(tn_ir *ir, tn_ir_node *node) {
  node->dead = true;
  if (node->effect == TN_IR_PURE) return NULL;
  for (int i = 0; i < ir->n_nodes; i++) {
    tn_ir_node *user = ir->nodes[i];
    if (user->dead || !drop_control(user, node)) continue;
    for (int k = 0; k < node->n_controls; k++) TN_TRY(tn_ir_add_control(ir, node->controls[k], user));
  }
  return NULL;
}

tn_error *tn_ir_take_over(tn_ir *ir, tn_ir_node *old, tn_ir_node *new_node) {
  for (int k = 0; k < old->n_controls; k++) TN_TRY(tn_ir_add_control(ir, old->controls[k], new_node));
  for (int i = 0; i < ir->n_nodes; i++) {
    tn_ir_node *user = ir->nodes[i];
    if (user->dead || user == new_node || !drop_control(user, old)) continue;
    TN_TRY(tn_ir_add_control(ir, new_node, user));
  }
  drop_control(new_node, old);
  drop_control(new_node, new_node);
  return NULL;
}

tn_error *tn_ir_sweep(tn_ir *ir) {
  tn_ir_node **stack = tn_malloc(((size_t)ir->n_nodes + 1) * sizeof *stack);
  if (!stack) return tn_out_of_memory();
  int n = 0;
  for (int i = 0; i < ir->n_nodes; i++) ir->nodes[i]->mark = 0;
  for (int i = 0; i < ir->n_nodes; i++) {
    tn_ir_node *node = ir->nodes[i];
    if (node->dead || node->effect != TN_IR_ACTS) continue;
    node->mark = 1;
    stack[n++] = node;
  }
  for (size_t i = 0; i < ir->n_fetches; i++) {
    tn_ir_node *node = ir->fetches[i].node;
    if (!node || node->mark) continue;
    node->mark = 1;
    stack[n++] = node;
  }
  while (n) {
    tn_ir_node *node = stack[--n];
    for (int k = 0; k < node->n_inputs; k++) {
      tn_ir_node *input = node->inputs[k].node;
      if (input->mark) continue;
      input->mark = 1;
      stack[n++] = input;
    }
  }
  tn_free(stack);
  for (int i = 0; i < ir->n_nodes; i++) {
    if (!ir->nodes[i]->dead && !ir->nodes[i]->mark) TN_TRY(tn_ir_remove(ir, ir->nodes[i]));
  }
  return NULL;
}

/* One node on its way into the order. */
typedef struct visit {
  tn_ir_node *node;
  int next; /* the input, or after those the control, to look at */
} visit;

/* Puts ROOT into the order after what it needs. mark: 0 not seen, 1 on the stack, 2 in the order. */
static tn_error *visit_from(tn_ir_node *root, visit *stack, tn_ir_node **order, int *n) {
  int depth = 0;
  if (root->mark == 2) return NULL;
  root->mark = 1;
  stack[depth++] = (visit){root, 0};
  while (depth) {
    visit *top = &stack[depth - 1];
    tn_ir_node *node = top->node;
    if (top->next == node->n_inputs + node->n_controls) {
      node->mark = 2;
      order[(*n)++] = node;
      depth--;
      continue;
    }
    tn_ir_node *next =
        top->next < node->n_inputs ? node->inputs[top->next].node : node->controls[top->next - node->n_inputs];
    top->next++;
    if (next->mark == 1) {
      return tn_errorf(TN_INTERNAL, "the plan graph has a cycle through '%s' and '%s'", node->node->name,
                       next->node->name);
    }
    if (next->mark == 2) continue;
    next->mark = 1;
    stack[depth++] = (visit){next, 0};
  }
  return NULL;
}

tn_error *tn_ir_sort(const tn_ir *ir, tn_ir_node ***order, int *n) {
  size_t room = (size_t)ir->n_nodes + 1;
  tn_ir_node **sorted = tn_malloc(room * sizeof *sorted);
  visit *stack = tn_malloc(room * sizeof *stack);
  tn_error *error = sorted && stack ? NULL : tn_out_of_memory();
  int count = 0;
  for (int i = 0; i < ir->n_nodes; i++) ir->nodes[i]->mark = 0;
  for (int i = 0; i < ir->n_nodes && !error; i++) {
    if (!ir->nodes[i]->dead) error = visit_from(ir->nodes[i], stack, sorted, &count);
  }
  tn_free(stack);
  if (error) {
    tn_free(sorted);
    return error;
  }
  *order = sorted;
  *n = count;
  return NULL;
}
