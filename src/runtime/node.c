/* Running one item: the executor's own control flow, and kernels. */
#include "runtime/node.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "runtime/program.h"

tn_error *tn_name_node(tn_error *error, const tn_node *node) {
  if (!error || strstr(tn_error_message(error), node->name)) return error;
  return tn_error_context(error, "%s '%s'", node->op->name, node->name);
}

tn_error *tn_deref(const tn_tensor *ref, tn_tensor *out) {
  tn_object *object = tn_elements(ref) > 0 && ref->data ? TN_DATA(tn_object *, ref)[0] : NULL;
  if (object && object->read) {
    tn_tensor value = {0};
    TN_TRY(object->read(object, &value));
    tn_tensor_set(out, &value);
    tn_tensor_clear(&value);
    return NULL;
  }
  if (!object || strcmp(object->type, TN_VARIABLE_TYPE) != 0) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a reference to a %s can't be read as a tensor",
                     object ? object->type : "nothing");
  }
  tn_tensor value = {0};
  TN_TRY(tn_variable_read(tn_variable_of(object), &value));
  tn_tensor_set(out, &value);
  tn_tensor_clear(&value);
  return NULL;
}

static void move(tn_tensor *to, tn_tensor *from) {
  tn_tensor_set(to, from);
  tn_tensor_clear(from);
}

static tn_error *run_switch(const tn_item *item, tn_tensor *inputs, tn_tensor *outputs) {
  if (inputs[1].dtype != TN_BOOL || inputs[1].shape.rank != 0) {
    return tn_node_errorf(item->node, TN_INVALID_ARGUMENT, "the predicate must be a bool scalar; it has shape %s",
                          TN_SHAPE_STR(&inputs[1].shape));
  }
  move(&outputs[TN_DATA(bool, &inputs[1])[0] ? 1 : 0], &inputs[0]);
  return NULL;
}

static tn_error *run_merge(const tn_item *item, tn_tensor *inputs, tn_tensor *outputs) {
  int live = 0;
  while (live < item->n_inputs && inputs[live].dtype == TN_INVALID) live++;
  if (live == item->n_inputs) return tn_node_errorf(item->node, TN_INTERNAL, "no input has a value");
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_tensor_init(&outputs[1], TN_INT32, &scalar));
  TN_DATA(int32_t, &outputs[1])[0] = live;
  move(&outputs[0], &inputs[live]);
  return NULL;
}

bool tn_item_attempts(const tn_item *item) {
  if (!item->blocking) return false;
  const tn_kernel_def *kernels = item->node->op->kernels;
  return kernels && kernels[0].attempts;
}

static tn_error *run_kernel(tn_node_context *context, const tn_item *item, tn_tensor *inputs, tn_tensor *outputs) {
  enum { FEW = 16 };
  const tn_tensor *few[FEW], **pointers = few;
  bool few_forward[FEW], *forward = few_forward;
  size_t n = (size_t)item->n_inputs;
  if (n > FEW) {
    pointers = tn_malloc(n * sizeof *pointers);
    forward = tn_malloc(n * sizeof *forward);
  }
  tn_kernel *kernel = NULL;
  tn_error *error =
      pointers && forward ? tn_kernel_cache_get(context->kernels, item->node, inputs, &kernel) : tn_out_of_memory();
  if (!error) {
    for (size_t i = 0; i < n; i++) {
      pointers[i] = &inputs[i];
      forward[i] = true;
    }
    error = context->waiter
                ? tn_kernel_attempt(kernel, pointers, context->step, context->waiter, outputs, &context->outcome)
                : tn_kernel_run(kernel, pointers, forward, context->step, outputs);
    tn_kernel_unref(kernel);
  }
  if (pointers != few) tn_free(pointers);
  if (forward != few_forward) tn_free(forward);
  return error;
}

static tn_error *run_kind(tn_node_context *context, const tn_item *item, tn_tensor *inputs, tn_tensor *outputs) {
  switch (item->kind) {
  case TN_ITEM_SWITCH: return run_switch(item, inputs, outputs);
  case TN_ITEM_MERGE: return run_merge(item, inputs, outputs);
  case TN_ITEM_ENTER:
  case TN_ITEM_EXIT:
  case TN_ITEM_NEXT_ITERATION:
  case TN_ITEM_PASS: move(&outputs[0], &inputs[0]); return NULL;
  case TN_ITEM_FEED:
  case TN_ITEM_SEND:
  case TN_ITEM_RECV:
  case TN_ITEM_TRIGGER: return NULL;
  case TN_ITEM_KERNEL: return run_kernel(context, item, inputs, outputs);
  case TN_ITEM_ISLAND: break;
  }
  return NULL;
}

/* Notes what the node did. */
static void trace(const tn_node_context *context, const tn_item *item, int64_t start, const tn_tensor *outputs) {
  const tn_tensor *pointers[16];
  int n = item->n_outputs < 16 ? item->n_outputs : 16;
  for (int i = 0; i < n; i++) pointers[i] = &outputs[i];
  tn_trace_add(context->trace, item->node, (int64_t[2]){start, tn_wall_ns()}, n, pointers);
}

tn_error *tn_run_item(tn_node_context *context, const tn_item *item, tn_tensor *inputs, tn_tensor *outputs) {
  if (item->kind == TN_ITEM_ISLAND) {
    for (int i = 0; item->derefs && i < item->n_inputs; i++) {
      if (tn_dtype_is_ref(inputs[i].dtype)) TN_TRY(tn_deref(&inputs[i], &inputs[i]));
    }
    tn_program *island = context->islands[item->island - context->subgraph->islands];
    return tn_program_run_island(island, context->step, context->trace, inputs, outputs);
  }
  int64_t start = context->trace ? tn_wall_ns() : 0;
  for (int i = 0; item->derefs && i < item->n_inputs; i++) {
    if (tn_dtype_is_ref(inputs[i].dtype) && !tn_dtype_is_ref(item->node->input_types[i])) {
      tn_error *error = tn_deref(&inputs[i], &inputs[i]);
      if (error) return tn_name_node(error, item->node);
    }
  }
  tn_error *error = run_kind(context, item, inputs, outputs);
  if (error) return tn_name_node(error, item->node);
  if (context->trace && context->outcome == TN_RUN_DONE) trace(context, item, start, outputs);
  return NULL;
}
