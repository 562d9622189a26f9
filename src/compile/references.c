/* Making explicit what references mean: which variable each handle is, who reads it, and who changes it. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "compile/import.h"

/* The state of this step. */
typedef struct resolving {
  tn_ir *ir;
  tn_map *written; /* objects that a node of the step changes */
  tn_map *reads;   /* variables that are only read: the one READ node of each */
} resolving;

static bool is_handle(tn_dtype dtype) { return tn_dtype_is_ref(dtype) || dtype == TN_RESOURCE; }

/* The HANDLE node behind VALUE: ops that give a reference give back the first one they took. NULL: not known. */
static tn_ir_node *handle_behind(tn_ir_value value) {
  for (int steps = 0; steps < 1000; steps++) {
    tn_ir_node *node = value.node;
    if (node->kind == TN_IR_HANDLE) return node;
    if (node->kind != TN_IR_KERNEL) return NULL;
    int k = 0;
    while (k < node->n_inputs && !is_handle(tn_ir_out(node->inputs[k])->dtype)) k++;
    if (k == node->n_inputs) return NULL;
    if (!tn_dtype_is_ref(node->outputs[value.index].dtype) && strcmp(node->node->op->name, "Identity") != 0)
      return NULL;
    value = node->inputs[k];
  }
  return NULL;
}

/* Input K of NODE is a handle: it comes straight from the HANDLE node, and after whoever handed it on. */
static tn_error *resolve_handle(resolving *r, tn_ir_node *node, int k) {
  tn_ir_value from = node->inputs[k];
  tn_ir_node *handle = handle_behind(from);
  if (!handle) {
    r->ir->refused = "a handle is computed in the step";
    return NULL;
  }
  if (handle != from.node) TN_TRY(tn_ir_add_control(r->ir, from.node, node));
  node->inputs[k] = (tn_ir_value){handle, 0};
  if (node->node->op->flags & TN_OP_READ_ONLY) return NULL;
  return tn_map_put_u64(r->written, (uintptr_t)handle->object, handle);
}

/* An op that only hands a handle on. */
static bool passes_on(const tn_ir_node *node) {
  return node->n_inputs == 1 && node->n_outputs == 1 && is_handle(node->outputs[0].dtype) &&
         (tn_ir_is(node, "Identity") || tn_ir_is(node, "RefIdentity"));
}

static tn_error *resolve_handles(resolving *r) {
  for (int i = 0; i < r->ir->n_nodes && !r->ir->refused; i++) {
    tn_ir_node *node = r->ir->nodes[i];
    if (node->kind != TN_IR_KERNEL || passes_on(node)) continue;
    for (int k = 0; k < node->n_inputs && !r->ir->refused; k++) {
      if (is_handle(tn_ir_out(node->inputs[k])->dtype) && is_handle(node->node->input_types[k])) {
        TN_TRY(resolve_handle(r, node, k));
      }
    }
  }
  return NULL;
}

/* Fills READ as the read of HANDLE's variable. */
static tn_error *set_read(resolving *r, tn_ir_node *read, const tn_ir_node *handle) {
  if (!handle || !handle->variable) {
    r->ir->refused = "something that is no variable is read";
    return NULL;
  }
  tn_tensor value = {0};
  tn_error *error = tn_variable_read(handle->variable, &value);
  if (error) {
    tn_error_free(error);
    r->ir->refused = "a variable has no value yet";
    r->ir->refused_for_now = true;
    return NULL;
  }
  read->variable = handle->variable;
  read->outputs[0] = (tn_ir_output){.dtype = value.dtype, .shape = value.shape, .constant = NULL};
  tn_tensor_clear(&value);
  if (tn_map_find_u64(r->written, (uintptr_t)handle->object)) read->effect = TN_IR_READS;
  return NULL;
}

/* A READ node for VALUE, a reference that USER (NULL: a fetch) takes as a value. It reads when USER would run. */
static tn_error *add_read(resolving *r, tn_ir_value value, tn_ir_node *user, tn_ir_value *out) {
  tn_ir_node *handle = handle_behind(value);
  tn_ir_node *read = handle ? tn_map_find_u64(r->reads, (uintptr_t)handle->object) : NULL;
  if (!read) {
    TN_TRY(tn_ir_new_node(r->ir, TN_IR_READ, value.node->node, 0, &read));
    TN_TRY(set_read(r, read, handle));
    if (r->ir->refused) return NULL;
    if (read->effect == TN_IR_PURE) TN_TRY(tn_map_put_u64(r->reads, (uintptr_t)handle->object, read));
  }
  *out = (tn_ir_value){read, 0};
  if (read->effect == TN_IR_PURE) return NULL;
  if (value.node != handle) TN_TRY(tn_ir_add_control(r->ir, value.node, read));
  for (int k = 0; user && k < user->n_controls; k++) TN_TRY(tn_ir_add_control(r->ir, user->controls[k], read));
  for (int k = 0; user && k < user->n_inputs; k++) {
    tn_ir_node *other = user->inputs[k].node;
    bool same = other == value.node || (other->kind == TN_IR_READ && other->variable == read->variable);
    if (!same) TN_TRY(tn_ir_add_control(r->ir, other, read));
  }
  return NULL;
}

/* A ReadVariableOp becomes a READ node where it stands. */
static tn_error *turn_into_read(resolving *r, tn_ir_node *node) {
  tn_ir_node *handle = handle_behind(node->inputs[0]);
  if (handle && handle->variable && handle->variable->dtype != node->outputs[0].dtype) {
    r->ir->refused = "a variable is read as another type";
    return NULL;
  }
  node->kind = TN_IR_READ;
  node->n_inputs = 0;
  return set_read(r, node, handle);
}

/* Ops that look at a resource variable's value, and whose kernels take that value in place of the handle as well. */
static bool looks_at_value(const tn_ir_node *node) {
  return tn_ir_is(node, "ResourceGather") || tn_ir_is(node, "ResourceGatherNd") || tn_ir_is(node, "VariableShape");
}

/* READ, what is fetched of a variable that the step changes, comes after all that change it: TensorFlow's fetched
 * references share the variable's buffer, so programs see what an update of the same step left. */
static tn_error *read_last(resolving *r, tn_ir_node *read, const tn_ir_node *handle, int n) {
  for (int i = 0; i < n; i++) {
    tn_ir_node *node = r->ir->nodes[i];
    if (node->kind != TN_IR_KERNEL || passes_on(node) || (node->node->op->flags & TN_OP_READ_ONLY)) continue;
    for (int k = 0; k < node->n_inputs; k++) {
      const tn_ir_node *from = node->inputs[k].node;
      if (from->kind == TN_IR_HANDLE && from->object == handle->object) {
        TN_TRY(tn_ir_add_control(r->ir, node, read));
        break;
      }
    }
  }
  return NULL;
}

static tn_error *make_reads(resolving *r) {
  int n = r->ir->n_nodes; /* the reads themselves come after these */
  for (int i = 0; i < n && !r->ir->refused; i++) {
    tn_ir_node *node = r->ir->nodes[i];
    if (tn_ir_is(node, "ReadVariableOp")) {
      TN_TRY(turn_into_read(r, node));
      continue;
    }
    for (int k = 0; node->kind == TN_IR_KERNEL && k < node->n_inputs && !r->ir->refused; k++) {
      bool reference = tn_dtype_is_ref(tn_ir_out(node->inputs[k])->dtype);
      bool wanted = reference ? !tn_dtype_is_ref(node->node->input_types[k]) : k == 0 && looks_at_value(node);
      if (wanted) {
        TN_TRY(add_read(r, node->inputs[k], node, &node->inputs[k]));
      }
    }
  }
  for (size_t i = 0; i < r->ir->n_fetches && !r->ir->refused; i++) {
    tn_ir_value *fetch = &r->ir->fetches[i];
    if (!fetch->node || !is_handle(tn_ir_out(*fetch)->dtype)) continue;
    if (tn_dtype_is_ref(tn_ir_out(*fetch)->dtype)) {
      tn_ir_node *handle = fetch->node->kind == TN_IR_HANDLE ? fetch->node : NULL;
      TN_TRY(add_read(r, *fetch, NULL, fetch));
      if (handle && !r->ir->refused && fetch->node->effect != TN_IR_PURE) TN_TRY(read_last(r, fetch->node, handle, n));
    } else if (fetch->node->kind != TN_IR_HANDLE) {
      r->ir->refused = "a handle is fetched";
    }
  }
  return NULL;
}

static void set_effects(resolving *r) {
  for (int i = 0; i < r->ir->n_nodes; i++) {
    tn_ir_node *node = r->ir->nodes[i];
    if (node->kind != TN_IR_KERNEL || node->effect == TN_IR_ACTS || passes_on(node)) continue;
    uint32_t flags = node->node->op->flags;
    bool handle = false, changed = false;
    for (int k = 0; k < node->n_inputs; k++) {
      tn_ir_node *from = node->inputs[k].node;
      if (from->kind != TN_IR_HANDLE) continue;
      handle = true;
      changed = changed || tn_map_find_u64(r->written, (uintptr_t)from->object);
    }
    if (flags & TN_OP_READ_ONLY) {
      node->effect = changed ? TN_IR_READS : TN_IR_PURE;
    } else if (handle || (flags & TN_OP_STATEFUL)) {
      node->effect = TN_IR_ACTS;
    }
  }
}

/* True if a read of V in the step expects another shape than SHAPE. */
static bool read_otherwise(const tn_ir *ir, const tn_variable *v, const tn_shape *shape) {
  for (int i = 0; i < ir->n_nodes; i++) {
    const tn_ir_node *node = ir->nodes[i];
    if (node->dead || node->kind != TN_IR_READ || node->variable != v) continue;
    if (!tn_shape_equal(&node->outputs[0].shape, shape)) return true;
  }
  return false;
}

void tn_ir_refuse_reshaping(tn_ir *ir) {
  for (int i = 0; i < ir->n_nodes && !ir->refused; i++) {
    const tn_ir_node *node = ir->nodes[i];
    if (node->dead || (!tn_ir_is(node, "Assign") && !tn_ir_is(node, "AssignVariableOp"))) continue;
    const tn_variable *v = node->inputs[0].node->variable;
    if (v && read_otherwise(ir, v, &tn_ir_out(node->inputs[1])->shape)) {
      ir->refused = "an assignment changes a variable's shape";
    }
  }
}

tn_error *tn_ir_resolve_references(tn_ir *ir) {
  resolving r = {.ir = ir};
  tn_error *error = tn_map_new(&r.written);
  if (!error) error = tn_map_new(&r.reads);
  if (!error) error = resolve_handles(&r);
  if (!error && !ir->refused) error = make_reads(&r);
  if (!error && !ir->refused) set_effects(&r);
  tn_map_free(r.written);
  tn_map_free(r.reads);
  return error;
}
