/* Making plans: kernels are prepared for the shapes that the plan graph ends with, and everything gets its place. */
#include "compile/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "compile/emit.h"
#include "compile/import.h"
#include "compile/passes.h"

tn_plan *tn_plan_ref(tn_plan *plan) {
  atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
  return plan;
}

void tn_plan_unref(tn_plan *plan) {
  if (!plan || atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) != 1) return;
  for (int i = 0; i < plan->n_ops; i++) tn_kernel_unref(plan->ops[i].kernel);
  for (size_t i = 0; i < plan->n_variables; i++) tn_object_unref(&plan->variables[i].variable->object);
  tn_free(plan->feeds);
  tn_free(plan->slots);
  tn_free(plan->ops);
  tn_free(plan->operands);
  tn_free(plan->variables);
  tn_free(plan->pinned);
  tn_free(plan->fed);
  tn_free(plan->outputs);
  tn_free(plan->patched);
  tn_free(plan->loose);
  tn_free(plan->fetches);
  tn_ir_free(plan->ir);
  tn_free(plan->refused);
  tn_free(plan);
}

/* True if KERNEL has an output that it allocates itself. */
static bool allocates(const tn_kernel *kernel) {
  for (int i = 0; i < kernel->n_outputs; i++) {
    if (kernel->dynamic[i] && !tn_dtype_is_ref(kernel->outputs[i].dtype)) return true;
  }
  return false;
}

/* The kernel that will run NODE. */
static tn_error *prepare(const tn_ir *ir, const tn_ir_node *node, tn_kernel **out) {
  size_t n = (size_t)node->n_inputs + 1;
  tn_tensor *inputs = tn_calloc(n, sizeof *inputs);
  tn_variable **variables = tn_calloc(n, sizeof *variables);
  tn_error *error = inputs && variables ? NULL : tn_out_of_memory();
  for (int i = 0; i < node->n_inputs && !error; i++) {
    const tn_ir_output *input = tn_ir_out(node->inputs[i]);
    inputs[i].dtype = input->dtype;
    inputs[i].shape = input->shape;
    inputs[i].data = input->constant ? input->constant->data : NULL;
    if (node->inputs[i].node->kind == TN_IR_HANDLE) variables[i] = node->inputs[i].node->variable;
  }
  tn_kernel_request request = {.node = node->node,
                               .n_inputs = node->n_inputs,
                               .inputs = inputs,
                               .variables = variables,
                               .session = ir->session,
                               .threads = ir->threads};
  if (!error) error = tn_kernel_new(&request, out);
  tn_free(inputs);
  tn_free(variables);
  return error;
}

/* A pure node whose values are known but whose kernel can't run without allocating becomes a constant, fold or not. */
static tn_error *settle(tn_emit *e, tn_ir_node *node, tn_kernel *kernel) {
  bool constant = node->effect == TN_IR_PURE && node->n_outputs == 1 && node->outputs[0].constant;
  if (constant) {
    node->kind = TN_IR_CONST;
    node->n_inputs = 0;
  } else {
    e->ir->refused = "a kernel allocates its output when it runs";
  }
  tn_kernel_unref(kernel);
  return NULL;
}

static tn_error *prepare_all(tn_emit *e) {
  int kept = 0;
  for (int i = 0; i < e->n && !e->ir->refused; i++) {
    tn_ir_node *node = e->order[i];
    tn_kernel *kernel = NULL;
    if (node->kind == TN_IR_KERNEL) {
      TN_TRY(prepare(e->ir, node, &kernel));
      if (allocates(kernel)) {
        TN_TRY(settle(e, node, kernel));
        continue;
      }
    }
    e->order[kept] = node;
    e->kernels[kept++] = kernel;
  }
  e->n = kept;
  return NULL;
}

static tn_error *copy_feeds(tn_plan *plan, const tn_plan_request *request) {
  size_t n = request->signature->n_feeds;
  plan->n_feeds = (int)n;
  plan->feeds = tn_calloc(n + 1, sizeof *plan->feeds);
  if (!plan->feeds) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) {
    plan->feeds[i].dtype = request->feeds[i]->dtype;
    plan->feeds[i].shape = request->feeds[i]->shape;
  }
  return NULL;
}

static tn_error *emit(tn_emit *e) {
  TN_TRY(tn_plan_order(e->ir, e->disabled, &e->order, &e->n));
  e->kernels = tn_calloc((size_t)e->n + 1, sizeof *e->kernels);
  if (!e->kernels) return tn_out_of_memory();
  TN_TRY(prepare_all(e));
  if (e->ir->refused) return NULL;
  TN_TRY(tn_emit_slots(e));
  return e->ir->refused ? NULL : tn_emit_memory(e);
}

/* Whatever kernels are left belong to no plan. */
static void end_emit(tn_emit *e) {
  bool taken = e->plan->n_ops > 0;
  for (int i = 0; e->kernels && i < e->n && !taken; i++) tn_kernel_unref(e->kernels[i]);
  tn_free(e->order);
  tn_free(e->kernels);
  tn_free(e->first_slot);
  tn_free(e->lives);
}

static void dump(const tn_plan *plan) {
  if (!tn_dump_wanted("plan")) return;
  fprintf(stderr, "--- plan: %s%s, %d ops, %d slots, %zu bytes, %zu variables\n", plan->refused ? "none: " : "static",
          plan->refused ? plan->refused : "", plan->n_ops, plan->n_slots, plan->arena, plan->n_variables);
  for (int i = 0; i < plan->n_ops; i++) {
    const tn_plan_op *op = &plan->ops[i];
    fprintf(stderr, "%4d %s/%s '%s' (", i, op->kernel ? op->node->op->name : "read",
            op->kernel ? op->kernel->def->name : "", op->node->name);
    for (int k = 0; k < op->n_inputs + op->n_outputs; k++) {
      const tn_plan_slot *slot = &plan->slots[plan->operands[op->first + k]];
      const char *mark = k == op->n_inputs ? ") -> " : k ? ", " : "";
      fprintf(stderr, "%s%s%s@%c%zu", mark, tn_dtype_name(slot->dtype), TN_SHAPE_STR(&slot->shape),
              "ACFBOL"[plan->slots[slot->root].kind], plan -> slots[slot->root].offset);
    }
    fprintf(stderr, "%s\n", op->n_outputs ? "" : ")");
  }
}

static tn_error *make(tn_plan *plan, const tn_plan_request *request) {
  TN_TRY(copy_feeds(plan, request));
  plan->epoch = tn_resources_epoch(tn_session_state_resources(request->session));
  tn_ir_source source = {.subgraph = request->subgraph,
                         .signature = request->signature,
                         .feeds = request->feeds,
                         .session = request->session,
                         .threads = request->threads};
  TN_TRY(tn_ir_import(&source, &plan->ir));
  if (!plan->ir->refused) TN_TRY(tn_run_passes(plan->ir, request->disabled));
  if (plan->ir->refused) return NULL;
  tn_emit e = {.ir = plan->ir, .plan = plan, .disabled = request->disabled};
  tn_error *error = emit(&e);
  end_emit(&e);
  return error;
}

/* A plan that is none needs nothing but the reason. */
static tn_error *become_refused(tn_plan *plan) {
  plan->refused = tn_strdup(plan->ir->refused);
  plan->refused_for_now = plan->ir->refused_for_now;
  if (!plan->refused) return tn_out_of_memory();
  for (int i = 0; i < plan->n_ops; i++) tn_kernel_unref(plan->ops[i].kernel);
  plan->n_ops = 0;
  tn_ir_free(plan->ir);
  plan->ir = NULL;
  return NULL;
}

/* Constants that were only steps on the way to others go. */
static tn_error *drop_unused(tn_plan *plan) {
  tn_map *used = NULL;
  TN_TRY(tn_map_new(&used));
  tn_error *error = NULL;
  for (int i = 0; i < plan->n_slots && !error; i++) {
    if (plan->slots[i].tensor) error = tn_map_put_u64(used, (uintptr_t)plan->slots[i].tensor, plan);
  }
  int kept = 0;
  for (int i = 0; i < plan->ir->n_kept && !error; i++) {
    tn_tensor *tensor = plan->ir->kept[i];
    if (tn_map_find_u64(used, (uintptr_t)tensor)) {
      plan->ir->kept[kept++] = tensor;
    } else {
      tn_tensor_free(tensor);
    }
  }
  if (!error) plan->ir->n_kept = kept;
  tn_map_free(used);
  return error;
}

tn_error *tn_plan_new(const tn_plan_request *request, tn_plan **out) {
  tn_plan *plan = tn_calloc(1, sizeof *plan);
  if (!plan) return tn_out_of_memory();
  atomic_init(&plan->refs, 1);
  tn_error *error = make(plan, request);
  if (error) {
    tn_plan_unref(plan);
    return error;
  }
  error = plan->ir->refused ? become_refused(plan) : drop_unused(plan);
  if (error) {
    tn_plan_unref(plan);
    return error;
  }
  dump(plan);
  *out = plan;
  return NULL;
}
