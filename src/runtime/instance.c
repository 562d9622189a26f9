/* Making and freeing the instances of plans. */
#include "runtime/instance.h"

#include <string.h>

#include "base/account.h"
#include "base/alloc.h"
#include "base/str.h"
#include "runtime/live.h"

/* Fills the slots that never move. */
static void set_slots(tn_instance *in) {
  const tn_plan *plan = in->plan;
  for (int i = 0; i < plan->n_slots; i++) {
    const tn_plan_slot *slot = &plan->slots[i], *root = &plan->slots[slot->root];
    tn_tensor *t = &in->slots[i];
    t->dtype = slot->dtype;
    t->shape = slot->shape;
    if (root->kind == TN_SLOT_ARENA) t->data = in->arena + root->offset;
    if (root->kind == TN_SLOT_CONST) {
      t->data = root->tensor->data;
      t->buffer = root->tensor->buffer; /* the plan's */
    }
  }
}

static void set_runs(tn_instance *in) {
  const tn_plan *plan = in->plan;
  for (int i = 0; i < plan->n_operands; i++) in->operands[i] = &in->slots[plan->operands[i]];
  for (int i = 0; i < plan->n_ops; i++) {
    const tn_plan_op *op = &plan->ops[i];
    in->runs[i] = (tn_run){.node = op->node,
                           .n_inputs = op->n_inputs,
                           .n_outputs = op->n_outputs,
                           .inputs = (const tn_tensor *const *)in->operands + op->first,
                           .outputs = in->operands + op->first + op->n_inputs,
                           .state = op->kernel ? op->kernel->state : NULL,
                           .scratch = in->arena + op->scratch,
                           .step = &in->step};
  }
}

tn_error *tn_name_largest_slots(tn_error *error, const tn_plan *plan, bool arena) {
  tn_ranking ranking = {0};
  for (int i = 0; i < plan->n_ops; i++) {
    const tn_plan_op *op = &plan->ops[i];
    for (int k = 0; k < op->n_outputs; k++) {
      const tn_plan_slot *slot = &plan->slots[plan->operands[op->first + op->n_inputs + k]];
      tn_ranked piece = {slot->bytes, slot, slot->dtype, slot->shape, op->node, k};
      tn_slot_kind kind = arena ? TN_SLOT_ARENA : TN_SLOT_OUTPUT;
      if (plan->slots[slot->root].kind == kind) tn_rank(&ranking, &piece);
    }
  }
  return tn_name_ranked(error, &ranking);
}

tn_error *tn_instance_new(tn_plan *plan, tn_instance **out) {
  tn_instance *in = tn_calloc(1, sizeof *in);
  if (!in) return tn_out_of_memory();
  in->plan = tn_plan_ref(plan);
  in->slots = tn_calloc((size_t)plan->n_slots + 1, sizeof *in->slots);
  in->runs = tn_calloc((size_t)plan->n_ops + 1, sizeof *in->runs);
  in->operands = tn_calloc((size_t)plan->n_operands + 1, sizeof *in->operands);
  in->versions = tn_calloc(plan->n_variables + 1, sizeof *in->versions);
  void *arena = NULL;
  tn_error *error = NULL;
  if (!in->slots || !in->runs || !in->operands || !in->versions) {
    error = tn_out_of_memory();
  } else if (plan->arena) {
    error = tn_account_charge(plan->arena, &in->account);
    if (!error) error = tn_alloc_aligned(plan->arena, &arena);
    if (error) error = tn_name_largest_slots(error, plan, true);
  }
  in->arena = arena;
  if (error) {
    tn_instance_free(in);
    return error;
  }
  set_slots(in);
  set_runs(in);
  *out = in;
  return NULL;
}

void tn_instance_free(tn_instance *in) {
  if (!in) return;
  tn_plan *plan = in->plan;
  for (size_t i = 0; in->versions && i < plan->n_variables; i++) {
    if (in->versions[i]) {
      tn_variable_unbind(plan->variables[i].variable, &in->slots[plan->variables[i].slot], in->versions[i]);
    }
  }
  if (in->arena) tn_free_aligned(in->arena, plan->arena);
  tn_account_discharge(in->account, plan->arena);
  tn_free(in->slots);
  tn_free(in->runs);
  tn_free(in->operands);
  tn_free(in->versions);
  tn_free(in);
  tn_plan_unref(plan);
}
