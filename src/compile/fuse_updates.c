/* fuse_updates: the dense updates of one optimizer become one sweep, where they take the same scalars and none waits
 * for another. The same arithmetic is done on every element, so the bits are the same. */
#include <string.h>

#include "base/alloc.h"
#include "compile/passes.h"
#include "graph/build.h"
#include "kernel/optimizer.h"

/* Larger ones have work for all threads as they are, and their gradients had better be used while they are in the
 * cache. */
#define MAX_ELEMENTS ((int64_t)1 << 20)

static const struct {
  const char *name; /* of the op, after Apply or ResourceApply */
  tn_optimizer_kind kind;
  const char *flag; /* the attribute that changes the formula, or NULL */
} optimizers[] = {
    {"GradientDescent", TN_GRADIENT_DESCENT, NULL},
    {"ProximalGradientDescent", TN_PROXIMAL_GRADIENT_DESCENT, NULL},
    {"Momentum", TN_MOMENTUM, "use_nesterov"},
    {"KerasMomentum", TN_KERAS_MOMENTUM, "use_nesterov"},
    {"Adam", TN_ADAM, "use_nesterov"},
    {"AdamWithAmsgrad", TN_ADAM_AMSGRAD, NULL},
    {"AdaMax", TN_ADAMAX, NULL},
    {"RMSProp", TN_RMSPROP, NULL},
    {"CenteredRMSProp", TN_CENTERED_RMSPROP, NULL},
    {"Adagrad", TN_ADAGRAD, "update_slots"},
    {"AdagradV2", TN_ADAGRAD_V2, "update_slots"},
    {"ProximalAdagrad", TN_PROXIMAL_ADAGRAD, NULL},
    {"Adadelta", TN_ADADELTA, NULL},
    {"Ftrl", TN_FTRL, "multiply_linear_by_lr"},
    {"FtrlV2", TN_FTRL_V2, "multiply_linear_by_lr"},
    {"AddSign", TN_ADD_SIGN, NULL},
    {"PowerSign", TN_POWER_SIGN, NULL},
};

enum { MAX_INPUTS = TN_OPTIMIZER_SLOTS + 1 + TN_OPTIMIZER_SCALARS };

/* An update that might be fused. */
typedef struct update {
  tn_ir_node *node;
  tn_optimizer_kind kind;
  bool flag;
  tn_dtype dtype;
  int level; /* the largest number of updates on a path that leads here: those of one level don't wait for each other */
  int n_slots, gradient, n_scalars;
  int scalars[TN_OPTIMIZER_SCALARS];
  bool taken;
} update;

/* Tells the inputs apart. False: this is no update to fuse. */
static bool sort_inputs(update *u) {
  const tn_ir_node *node = u->node;
  const tn_op_schema *schema = node->node->schema;
  if (node->n_inputs > MAX_INPUTS || node->n_inputs != schema->n_inputs) return false;
  u->gradient = -1;
  for (int i = 0; i < node->n_inputs; i++) {
    const char *name = schema->inputs[i].name;
    if (schema->inputs[i].is_ref || schema->inputs[i].type == TN_RESOURCE) {
      if (node->inputs[i].node->kind != TN_IR_HANDLE || !node->inputs[i].node->variable || u->n_slots != i)
        return false;
      u->n_slots++;
    } else if (strcmp(name, "grad") == 0 || strcmp(name, "delta") == 0) {
      u->gradient = i;
    } else {
      if (u->n_scalars == TN_OPTIMIZER_SCALARS) return false;
      u->scalars[u->n_scalars++] = i;
    }
  }
  if (u->gradient < 0 || u->n_slots > TN_OPTIMIZER_SLOTS) return false;
  const tn_ir_output *gradient = tn_ir_out(node->inputs[u->gradient]);
  u->dtype = gradient->dtype;
  for (int i = 0; i < u->n_scalars; i++) {
    const tn_ir_output *scalar = tn_ir_out(node->inputs[u->scalars[i]]);
    if (scalar->dtype != u->dtype || scalar->shape.rank != 0) return false;
  }
  return tn_shape_elements(&gradient->shape) <= MAX_ELEMENTS;
}

static bool is_update(tn_ir_node *node, update *u) {
  if (node->dead || node->kind != TN_IR_KERNEL) return false;
  const char *name = node->node->op->name;
  if (strncmp(name, "Resource", 8) == 0) name += 8;
  if (strncmp(name, "Apply", 5) != 0) return false;
  for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
    if (strcmp(name + 5, optimizers[i].name) != 0) continue;
    *u = (update){.node = node, .kind = optimizers[i].kind};
    u->flag = optimizers[i].flag && tn_node_get_bool(node->node, optimizers[i].flag);
    return sort_inputs(u);
  }
  return false;
}

/* The level of what comes after NODE: its own, and one more if it is an update. */
static int64_t level_after(const tn_ir_node *node) { return node->mark / 2 + (node->mark & 1); }

/* Levels in the order of N nodes; MARK holds twice the level, and one more for an update. */
static void find_levels(tn_ir_node **order, int n, update *updates, int n_updates) {
  for (int i = 0; i < n; i++) order[i]->mark = 0;
  for (int i = 0; i < n_updates; i++) updates[i].node->mark = 1;
  for (int i = 0; i < n; i++) {
    int64_t level = 0;
    for (int k = 0; k < order[i]->n_inputs; k++) {
      int64_t before = level_after(order[i]->inputs[k].node);
      if (before > level) level = before;
    }
    for (int k = 0; k < order[i]->n_controls; k++) {
      int64_t before = level_after(order[i]->controls[k]);
      if (before > level) level = before;
    }
    order[i]->mark = 2 * level + (order[i]->mark & 1);
  }
  for (int i = 0; i < n_updates; i++) updates[i].level = (int)(updates[i].node->mark / 2);
}

/* True if A and B, which read one variable while the step changes it, come after the same changes: then what A reads
 * will do for B. */
static bool same_read(const tn_ir *ir, const tn_ir_node *a, const tn_ir_node *b) {
  if (a->kind != TN_IR_READ || b->kind != TN_IR_READ || a->variable != b->variable) return false;
  for (int i = 0; i < ir->n_nodes; i++) {
    const tn_ir_node *node = ir->nodes[i];
    bool writes = false;
    if (node->dead || node->effect != TN_IR_ACTS) continue;
    for (int k = 0; k < node->n_inputs && !writes; k++) {
      const tn_ir_node *from = node->inputs[k].node;
      writes = from->kind == TN_IR_HANDLE && from->variable == a->variable;
    }
    if (writes && tn_ir_depends(ir, a, node) != tn_ir_depends(ir, b, node)) return false;
  }
  return true;
}

static bool same_scalar(const tn_ir *ir, tn_ir_value a, tn_ir_value b) {
  if ((a.node == b.node && a.index == b.index) || same_read(ir, a.node, b.node)) return true;
  const tn_tensor *x = tn_ir_out(a)->constant, *y = tn_ir_out(b)->constant;
  return x && y && x->dtype == y->dtype && memcmp(x->data, y->data, tn_dtype_size(x->dtype)) == 0;
}

static bool alike(const tn_ir *ir, const update *a, const update *b) {
  if (a->kind != b->kind || a->flag != b->flag || a->dtype != b->dtype || a->level != b->level) return false;
  if (a->n_slots != b->n_slots || a->n_scalars != b->n_scalars) return false;
  for (int i = 0; i < a->n_scalars; i++) {
    if (!same_scalar(ir, a->node->inputs[a->scalars[i]], b->node->inputs[b->scalars[i]])) return false;
  }
  return true;
}

/* True if A and B change a variable both (or B one twice). */
static bool share_variable(const update *a, const update *b) {
  for (int i = 0; i < a->n_slots; i++) {
    for (int j = 0; j < b->n_slots; j++) {
      bool same = a->node->inputs[i].node->variable == b->node->inputs[j].node->variable;
      if (same && (a != b || i != j)) return true;
    }
  }
  return false;
}

/* The updates that can go with the first, from there on, N of them in GROUP. */
static int gather(const tn_ir *ir, update *updates, int n_updates, int first, update **group) {
  int n = 0;
  for (int i = first; i < n_updates; i++) {
    update *u = &updates[i];
    if (u->taken || !alike(ir, &updates[first], u) || share_variable(u, u)) continue;
    bool apart = true;
    for (int k = 0; k < n && apart; k++) apart = !share_variable(group[k], u);
    if (apart) group[n++] = u;
  }
  return n;
}

static tn_error *replace(tn_ir *ir, update **group, int n, tn_ir_value *inputs, tn_dtype *types) {
  const update *first = group[0];
  int n_inputs = 0;
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < first->n_slots; k++) inputs[n_inputs++] = group[i]->node->inputs[k];
    inputs[n_inputs++] = group[i]->node->inputs[group[i]->gradient];
  }
  for (int i = 0; i < first->n_scalars; i++) inputs[n_inputs++] = first->node->inputs[first->scalars[i]];
  for (int i = 0; i < n_inputs; i++) types[i] = tn_ir_out(inputs[i])->dtype;
  tn_attr operands = {.kind = TN_ATTR_TYPE, .is_list = true, .n = (size_t)n_inputs, .types = types};
  tn_named_attr attrs[] = {TN_A_TYPE("T", first->dtype),
                           {"operands", operands},
                           TN_A_INT("kind", first->kind),
                           TN_A_INT("n", n),
                           TN_A_INT("slots", first->n_slots),
                           TN_A_BOOL("flag", first->flag),
                           {NULL, {0}}};
  tn_ir_new spec = {
      .op = "_FusedUpdates", .name = first->node->node->name, .n_inputs = n_inputs, .inputs = inputs, .attrs = attrs};
  tn_ir_node *fused = NULL;
  TN_TRY(tn_ir_add(ir, &spec, &fused));
  for (int i = 0; i < n; i++) {
    TN_TRY(tn_ir_take_over(ir, group[i]->node, fused));
    TN_TRY(tn_ir_remove(ir, group[i]->node));
    group[i]->taken = true;
  }
  return NULL;
}

static tn_error *fuse_groups(tn_ir *ir, update *updates, int n_updates, int *changes) {
  update **group = tn_malloc(((size_t)n_updates + 1) * sizeof(update *));
  size_t most = (size_t)n_updates * MAX_INPUTS + 1;
  tn_ir_value *inputs = tn_malloc(most * sizeof *inputs);
  tn_dtype *types = tn_malloc(most * sizeof *types);
  tn_error *error = group && inputs && types ? NULL : tn_out_of_memory();
  for (int i = 0; i < n_updates && !error; i++) {
    if (updates[i].taken) continue;
    int n = gather(ir, updates, n_updates, i, group);
    if (n < 2) continue;
    error = replace(ir, group, n, inputs, types);
    ++*changes;
  }
  tn_free(group);
  tn_free(inputs);
  tn_free(types);
  return error;
}

/* True if an output of NODE is used: a reference that somebody fetches, say. */
static bool is_used(const tn_ir_uses *uses, tn_ir_node *node) {
  for (int i = 0; i < node->n_outputs; i++) {
    if (tn_ir_count_uses(uses, (tn_ir_value){node, i})) return true;
  }
  return false;
}

static tn_error *find_updates(tn_ir *ir, update *updates, int *n) {
  tn_ir_uses uses;
  TN_TRY(tn_ir_uses_of(ir, &uses));
  for (int i = 0; i < ir->n_nodes; i++) {
    if (is_update(ir->nodes[i], &updates[*n]) && !is_used(&uses, ir->nodes[i])) ++*n;
  }
  tn_ir_uses_clear(&uses);
  return NULL;
}

tn_error *tn_pass_fuse_updates(tn_ir *ir, int *changes) {
  int n_updates = 0, n = 0;
  tn_ir_node **order = NULL;
  update *updates = tn_malloc(((size_t)ir->n_nodes + 1) * sizeof *updates);
  tn_error *error = updates ? find_updates(ir, updates, &n_updates) : tn_out_of_memory();
  if (!error && n_updates > 1) error = tn_ir_sort(ir, &order, &n);
  if (!error && n_updates > 1) {
    find_levels(order, n, updates, n_updates);
    error = fuse_groups(ir, updates, n_updates, changes);
  }
  tn_free(order);
  tn_free(updates);
  return error;
}
