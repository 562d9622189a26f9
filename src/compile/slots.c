/* Slots: one for every value of a plan, and which of them share bytes by being the same. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "compile/emit.h"

#define FOREVER INT32_MAX

int tn_emit_root(const tn_emit *e, int slot) {
  while (e->plan->slots[slot].root != slot) slot = e->plan->slots[slot].root;
  return slot;
}

static int slot_of(const tn_emit *e, tn_ir_value value) { return e->first_slot[value.node->id] + value.index; }

/* A slot for output I of NODE. */
static void add_slot(tn_emit *e, const tn_ir_node *node, int i, tn_slot_kind kind) {
  tn_plan *plan = e->plan;
  const tn_ir_output *output = &node->outputs[i];
  bool handle = tn_dtype_is_ref(output->dtype);
  size_t size = handle ? sizeof(void *) : tn_dtype_size(output->dtype);
  plan->slots[plan->n_slots] = (tn_plan_slot){.kind = kind,
                                              .root = plan->n_slots,
                                              .dtype = output->dtype,
                                              .shape = output->shape,
                                              .bytes = (size_t)tn_shape_elements(&output->shape) * size};
  plan->n_slots++;
}

static tn_slot_kind kind_of(const tn_ir_node *node, int i) {
  switch (node->kind) {
  case TN_IR_FEED: return TN_SLOT_FEED;
  case TN_IR_CONST:
  case TN_IR_HANDLE: return TN_SLOT_CONST;
  case TN_IR_READ: return TN_SLOT_BOUND;
  case TN_IR_KERNEL: break;
  }
  return tn_dtype_is_ref(node->outputs[i].dtype) ? TN_SLOT_LOOSE : TN_SLOT_ARENA;
}

/* Slots of all outputs of all live nodes. */
static tn_error *make_slots(tn_emit *e) {
  size_t room = 1;
  for (int i = 0; i < e->ir->n_nodes; i++) room += (size_t)e->ir->nodes[i]->n_outputs;
  e->plan->slots = tn_calloc(room, sizeof *e->plan->slots);
  e->lives = tn_calloc(room, sizeof *e->lives);
  e->first_slot = tn_malloc(((size_t)e->ir->n_nodes + 1) * sizeof *e->first_slot);
  if (!e->plan->slots || !e->lives || !e->first_slot) return tn_out_of_memory();
  for (int i = 0; i < e->ir->n_nodes; i++) {
    const tn_ir_node *node = e->ir->nodes[i];
    e->first_slot[i] = node->dead ? -1 : e->plan->n_slots;
    for (int k = 0; !node->dead && k < node->n_outputs; k++) {
      add_slot(e, node, k, kind_of(node, k));
      tn_plan_slot *slot = &e->plan->slots[e->plan->n_slots - 1];
      /* Constants that no pass folded: an arena holds plain bytes only. */
      if (slot->kind == TN_SLOT_ARENA && !tn_dtype_is_plain(slot->dtype)) e->ir->refused = "an output holds strings";
      slot->index = node->feed;
      slot->tensor = node->kind == TN_IR_CONST ? node->outputs[k].constant : node->handle;
    }
  }
  return NULL;
}

/* The operations with their operands, and outputs that are inputs. */
static tn_error *make_ops(tn_emit *e) {
  tn_plan *plan = e->plan;
  size_t room = 1;
  for (int i = 0; i < e->n; i++) room += (size_t)(e->order[i]->n_inputs + e->order[i]->n_outputs);
  plan->ops = tn_calloc((size_t)e->n + 1, sizeof *plan->ops);
  plan->operands = tn_malloc(room * sizeof *plan->operands);
  if (!plan->ops || !plan->operands) return tn_out_of_memory();
  for (int i = 0; i < e->n; i++) {
    const tn_ir_node *node = e->order[i];
    tn_plan_op *op = &plan->ops[plan->n_ops++];
    *op = (tn_plan_op){.kind = node->kind == TN_IR_READ ? TN_PLAN_READ : TN_PLAN_KERNEL,
                       .node = node->node,
                       .kernel = e->kernels[i],
                       .variable = node->variable,
                       .n_inputs = node->n_inputs,
                       .n_outputs = node->n_outputs,
                       .first = plan->n_operands};
    for (int k = 0; k < node->n_inputs; k++) plan->operands[plan->n_operands++] = slot_of(e, node->inputs[k]);
    for (int k = 0; k < node->n_outputs; k++) {
      int slot = e->first_slot[node->id] + k;
      plan->operands[plan->n_operands++] = slot;
      int alias = op->kernel ? op->kernel->alias[k] : -1;
      bool makes_reference = alias < 0 && tn_dtype_is_ref(node->outputs[k].dtype) && !op->kernel->dynamic[k];
      if (makes_reference) e->ir->refused = "a kernel makes a reference when it runs";
      if (alias < 0) continue;
      int root = tn_emit_root(e, slot_of(e, node->inputs[alias]));
      plan->slots[slot].root = root;
      plan->slots[slot].kind = plan->slots[root].kind;
    }
  }
  return NULL;
}

/* When each root is made and last needed. What is fetched is needed to the end. */
static tn_error *make_lifetimes(tn_emit *e) {
  tn_plan *plan = e->plan;
  for (int i = 0; i < plan->n_slots; i++) e->lives[i] = (tn_lifetime){0, -1, false};
  for (int i = 0; i < plan->n_ops; i++) {
    const tn_plan_op *op = &plan->ops[i];
    for (int k = 0; k < op->n_inputs; k++) e->lives[tn_emit_root(e, plan->operands[op->first + k])].to = i;
    for (int k = op->n_inputs; k < op->n_inputs + op->n_outputs; k++) {
      int slot = plan->operands[op->first + k], root = tn_emit_root(e, slot);
      if (root == slot) e->lives[root].from = i;
      e->lives[root].to = i;
    }
  }
  plan->n_fetches = e->ir->n_fetches;
  plan->fetches = tn_malloc((plan->n_fetches + 1) * sizeof *plan->fetches);
  if (!plan->fetches) return tn_out_of_memory();
  for (size_t i = 0; i < plan->n_fetches; i++) {
    plan->fetches[i] = e->ir->fetches[i].node ? slot_of(e, e->ir->fetches[i]) : -1;
    if (plan->fetches[i] < 0) continue;
    tn_lifetime *life = &e->lives[tn_emit_root(e, plan->fetches[i])];
    life->fetched = true;
    life->to = FOREVER;
  }
  return NULL;
}

/* True if operation I may change V. */
static bool changes(const tn_emit *e, int i, const tn_variable *v) {
  const tn_ir_node *node = e->order[i];
  if (node->effect != TN_IR_ACTS) return false;
  for (int k = 0; k < node->n_inputs; k++) {
    if (node->inputs[k].node->kind == TN_IR_HANDLE && node->inputs[k].node->variable == v) return true;
  }
  return false;
}

/* A read is bound in place: then it needs no operation. But where the variable is changed before it, or between it and
 * the last use of its value, the read copies. */
static void settle_reads(tn_emit *e) {
  tn_plan *plan = e->plan;
  for (int i = 0; i < plan->n_ops; i++) {
    tn_plan_op *op = &plan->ops[i];
    if (op->kind != TN_PLAN_READ) continue;
    int slot = plan->operands[op->first];
    bool copied = false;
    for (int q = 0; q < plan->n_ops && e->order[i]->effect != TN_IR_PURE && !copied; q++) {
      copied = q != i && q <= e->lives[slot].to && changes(e, q, op->variable);
    }
    if (copied && !tn_dtype_is_plain(plan->slots[slot].dtype))
      e->ir->refused = "a variable of strings is read and changed";
    plan->slots[slot].kind = copied ? TN_SLOT_ARENA : TN_SLOT_BOUND;
  }
}

tn_error *tn_emit_slots(tn_emit *e) {
  TN_TRY(make_slots(e));
  TN_TRY(make_ops(e));
  TN_TRY(make_lifetimes(e));
  settle_reads(e);
  return NULL;
}
