/* Places: which output overwrites which input, what gets a buffer of its own, where the rest lies in the arena. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "compile/emit.h"
#include "compile/passes.h"

/* True if operand K of OP is the only input with root ROOT, and no output took that root yet. */
static bool sole_user(const tn_emit *e, const tn_plan_op *op, int k, int root) {
  for (int i = 0; i < op->n_inputs + op->n_outputs; i++) {
    if (i != k && tn_emit_root(e, e->plan->operands[op->first + i]) == root) return false;
  }
  return true;
}

/* Lets output K of operation I overwrite INPUT, if that ends here. */
static bool overwrite_input(tn_emit *e, int i, int k, int input) {
  tn_plan *plan = e->plan;
  const tn_plan_op *op = &plan->ops[i];
  int slot = plan->operands[op->first + op->n_inputs + k], from = plan->operands[op->first + input];
  int root = tn_emit_root(e, from);
  tn_plan_slot *out = &plan->slots[slot];
  if (out->root != slot || out->kind != TN_SLOT_ARENA || plan->slots[root].kind != TN_SLOT_ARENA) return false;
  if (e->lives[root].to != i || e->lives[root].fetched || !sole_user(e, op, input, root)) return false;
  if (out->bytes != plan->slots[from].bytes || out->bytes != plan->slots[root].bytes) return false;
  out->root = root;
  e->lives[root].to = e->lives[slot].to;
  e->lives[root].fetched = e->lives[slot].fetched;
  return true;
}

/* The first of the inputs that the kernel names for output K. */
static bool overwrite(tn_emit *e, int i, int k) {
  const tn_kernel *kernel = e->plan->ops[i].kernel;
  for (int choice = 0; kernel; choice++) {
    int input = tn_kernel_overwrites(kernel, k, choice);
    if (input < 0) return false;
    if (overwrite_input(e, i, k, input)) return true;
  }
  return false;
}

static int overwrite_all(tn_emit *e) {
  int n = 0;
  for (int i = 0; i < e->plan->n_ops; i++) {
    for (int k = 0; k < e->plan->ops[i].n_outputs; k++) n += overwrite(e, i, k);
  }
  return n;
}

/* The arena: one piece for each root that lies in it, and one for the scratch memory of each operation. */
static tn_error *lay_out(tn_emit *e, bool share) {
  tn_plan *plan = e->plan;
  size_t room = (size_t)plan->n_slots + (size_t)plan->n_ops + 1;
  tn_interval *pieces = tn_calloc(room, sizeof *pieces);
  if (!pieces) return tn_out_of_memory();
  int n = 0;
  for (int i = 0; i < plan->n_slots; i++) {
    const tn_plan_slot *slot = &plan->slots[i];
    if (slot->root == i && slot->kind == TN_SLOT_ARENA) {
      pieces[n++] = (tn_interval){e->lives[i].from, e->lives[i].to, slot->bytes, 0};
    }
  }
  for (int i = 0; i < plan->n_ops; i++) {
    pieces[n++] = (tn_interval){i, i, plan->ops[i].kernel ? plan->ops[i].kernel->scratch : 0, 0};
  }
  tn_error *error = tn_plan_memory(pieces, n, share, &plan->arena);
  n = 0;
  for (int i = 0; i < plan->n_slots; i++) {
    if (plan->slots[i].root == i && plan->slots[i].kind == TN_SLOT_ARENA) plan->slots[i].offset = pieces[n++].offset;
  }
  for (int i = 0; i < plan->n_ops; i++) plan->ops[i].scratch = pieces[n++].offset;
  tn_free(pieces);
  return error;
}

static int by_address(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)((const tn_plan_variable *)a)->variable,
            y = (uintptr_t)((const tn_plan_variable *)b)->variable;
  return (x > y) - (x < y);
}

/* Reads that are bound need no operation; all that are of one variable share a slot. */
static tn_error *bind_variables(tn_emit *e) {
  tn_plan *plan = e->plan;
  plan->variables = tn_calloc((size_t)plan->n_ops + 1, sizeof *plan->variables);
  plan->pinned = tn_calloc((size_t)plan->n_ops + 1, sizeof *plan->pinned);
  if (!plan->variables || !plan->pinned) return tn_out_of_memory();
  int kept = 0;
  for (int i = 0; i < plan->n_ops; i++) {
    tn_plan_op op = plan->ops[i];
    int slot = plan->operands[op.first];
    if (op.kind != TN_PLAN_READ || plan->slots[slot].kind != TN_SLOT_BOUND) {
      plan->ops[kept++] = op;
      continue;
    }
    size_t v = 0;
    while (v < plan->n_variables && plan->variables[v].variable != op.variable) v++;
    if (v < plan->n_variables) {
      plan->slots[slot].root = plan->variables[v].slot;
      continue;
    }
    tn_object_ref(&op.variable->object);
    plan->variables[plan->n_variables++] = (tn_plan_variable){op.variable, plan->slots[slot].shape, slot};
  }
  plan->n_ops = kept;
  qsort(plan->variables, plan->n_variables, sizeof *plan->variables, by_address);
  for (size_t i = 0; i < plan->n_variables; i++) plan->pinned[i] = plan->variables[i].variable;
  return NULL;
}

/* What an instance has to set up for each step. */
static tn_error *list_moving(tn_emit *e) {
  tn_plan *plan = e->plan;
  size_t room = (size_t)plan->n_slots + 1;
  plan->fed = tn_malloc(room * sizeof *plan->fed);
  plan->outputs = tn_malloc(room * sizeof *plan->outputs);
  plan->patched = tn_malloc(room * sizeof *plan->patched);
  plan->loose = tn_malloc(room * sizeof *plan->loose);
  if (!plan->fed || !plan->outputs || !plan->patched || !plan->loose) return tn_out_of_memory();
  for (int i = 0; i < plan->n_slots; i++) {
    tn_plan_slot *slot = &plan->slots[i];
    slot->root = tn_emit_root(e, i);
    tn_slot_kind kind = plan->slots[slot->root].kind;
    if (slot->root == i) {
      if (kind == TN_SLOT_FEED) plan->fed[plan->n_fed++] = i;
      if (kind == TN_SLOT_OUTPUT) plan->outputs[plan->n_outputs++] = i;
      if (kind == TN_SLOT_LOOSE) plan->loose[plan->n_loose++] = i;
    } else if (kind == TN_SLOT_FEED || kind == TN_SLOT_BOUND || kind == TN_SLOT_OUTPUT) {
      plan->patched[plan->n_patched++] = i;
    } else if (kind == TN_SLOT_LOOSE) {
      e->ir->refused = "a reference is handed on twice";
    }
  }
  return NULL;
}

tn_error *tn_emit_memory(tn_emit *e) {
  tn_plan *plan = e->plan;
  bool share = !tn_pass_disabled(e->disabled, "memory");
  if (share) tn_pass_count("memory", overwrite_all(e));
  for (int i = 0; i < plan->n_slots; i++) {
    tn_plan_slot *slot = &plan->slots[i];
    if (slot->root == i && slot->kind == TN_SLOT_ARENA && e->lives[i].fetched) slot->kind = TN_SLOT_OUTPUT;
  }
  TN_TRY(lay_out(e, share));
  TN_TRY(bind_variables(e));
  return list_moving(e);
}
