/* fuse_elementwise: trees of elementwise nodes become one node of _Fused, which walks over memory once. A group has one
 * shape; what is smaller comes in from outside and is broadcast. Its last node may reduce the innermost dimensions. The
 * micro-operations are those of the nodes' own kernels, and reductions go in the same order, so the bits stay the same.
 */
#include <string.h>

#include "base/alloc.h"
#include "compile/passes.h"
#include "graph/build.h"
#include "kernel/tape.h"

typedef struct fuser {
  tn_ir *ir;
  tn_ir_uses uses;
  tn_ir_node **order; /* all nodes, each after its inputs */
  int n;
  int *position; /* in ORDER, by id */
  int *group_of; /* by id: the number of the group that the node is in, 0 for none */
  int n_ids, n_groups;
} fuser;

/* Nodes that become one: members[0] is the last of them. */
typedef struct group {
  tn_ir_node *members[TN_TAPE_MAX_OPS];
  int n, number;
  tn_shape full; /* of what is computed for each element */
  int reduced;   /* how many innermost dimensions members[0] reduces; 0 if it does not reduce */
  tn_tape tape;
  tn_ir_value inputs[TN_TAPE_MAX_INPUTS];
  tn_ir_value outputs[TN_TAPE_MAX_OUTPUTS];
} group;

static bool is_tape_dtype(tn_dtype dtype) { return dtype == TN_FLOAT || dtype == TN_BOOL; }

static const struct {
  const char *op;
  tn_tape_reduce reduce;
} reducing[] = {{"Sum", TN_TAPE_SUM},
                {"Mean", TN_TAPE_MEAN},
                {"Max", TN_TAPE_MAX},
                {"Min", TN_TAPE_MIN},
                {"BiasAddGrad", TN_TAPE_COLUMNS}};

static tn_tape_reduce reduce_of(const tn_ir_node *node) {
  for (size_t i = 0; i < sizeof reducing / sizeof *reducing; i++)
    if (tn_ir_is(node, reducing[i].op)) return reducing[i].reduce;
  return TN_TAPE_NO_REDUCE;
}

/* How many of the node's inputs are data; the rest only say shapes. */
static int data_inputs(const tn_ir_node *node) {
  return tn_ir_is(node, "BroadcastTo") || reduce_of(node) ? 1 : node->n_inputs;
}

/* With the channels last, a bias broadcasts as any row does. */
static bool channels_last(const tn_ir_node *node, const tn_shape *shape) {
  return tn_node_string_is(node->node, "data_format", "NHWC") || shape->rank == 2;
}

/* The micro-operation of NODE, TN_MICRO_NONE if it has none. */
static tn_micro micro_of(const tn_ir_node *node) {
  if (tn_ir_is(node, "AddN")) return TN_MICRO_ADD;
  if (tn_ir_is(node, "BroadcastTo")) return TN_MICRO_COPY;
  if (tn_ir_is(node, "Cast")) return node->outputs[0].dtype == TN_BOOL ? TN_MICRO_TO_BOOL : TN_MICRO_COPY;
  if (tn_ir_is(node, "BiasAdd")) return channels_last(node, &node->outputs[0].shape) ? TN_MICRO_ADD : TN_MICRO_NONE;
  return (tn_micro)node->node->op->micro;
}

static bool is_fusable(const tn_ir_node *node) {
  if (node->kind != TN_IR_KERNEL || node->dead || node->effect != TN_IR_PURE || node->n_outputs != 1) return false;
  const tn_ir_output *out = &node->outputs[0];
  if (micro_of(node) == TN_MICRO_NONE || !is_tape_dtype(out->dtype) || out->constant) return false;
  if (tn_shape_elements(&out->shape) == 0) return false;
  /* A condition may also count rows, which is not broadcasting. */
  const tn_shape *first = &tn_ir_out(node->inputs[0])->shape;
  if (tn_ir_is(node, "Select") && first->rank != 0 && !tn_shape_equal(first, &out->shape)) return false;
  for (int i = 0; i < data_inputs(node); i++) {
    const tn_ir_output *in = tn_ir_out(node->inputs[i]);
    tn_shape joined;
    bool loads = is_tape_dtype(in->dtype) || (in->dtype == TN_INT32 && tn_ir_is(node, "Cast"));
    if (!loads || !tn_shape_broadcast(&in->shape, &out->shape, &joined)) return false;
    if (!tn_shape_equal(&joined, &out->shape)) return false;
  }
  return true;
}

/* How many innermost dimensions NODE reduces, if it is a reduction of floats over just these; else 0. */
static int reduced_dims(const tn_ir_node *node) {
  if (node->kind != TN_IR_KERNEL || node->effect != TN_IR_PURE || !reduce_of(node)) return 0;
  const tn_ir_output *in = tn_ir_out(node->inputs[0]);
  if (reduce_of(node) == TN_TAPE_COLUMNS)
    return in->dtype == TN_FLOAT && channels_last(node, &in->shape) && tn_shape_elements(&in->shape) > 0;
  const tn_tensor *axes = tn_ir_out(node->inputs[1])->constant;
  if (in->dtype != TN_FLOAT || !axes || tn_shape_elements(&in->shape) == 0) return 0;
  int64_t n = tn_elements(axes);
  uint32_t mask = 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t axis = axes->dtype == TN_INT32 ? TN_DATA(int32_t, axes)[i] : TN_DATA(int64_t, axes)[i];
    mask |= (uint32_t)1 << (axis < 0 ? axis + in->shape.rank : axis);
  }
  uint32_t innermost = (((uint32_t)1 << n) - 1) << (in->shape.rank - n);
  return n > 0 && n <= in->shape.rank && mask == innermost ? (int)n : 0;
}

static int group_of(const fuser *f, const tn_ir_node *node) { return node->id < f->n_ids ? f->group_of[node->id] : 0; }
static bool is_member(const fuser *f, const group *g, const tn_ir_node *node) { return group_of(f, node) == g->number; }

/* --- the tape of a group --- */

/* A constant all of whose elements are one number needs no memory. */
static bool is_number(tn_ir_value value, float *out) {
  const tn_tensor *t = tn_ir_out(value)->constant;
  if (!t || tn_elements(t) < 1) return false;
  if (t->dtype == TN_BOOL) {
    *out = TN_DATA(bool, t)[0];
    return tn_elements(t) == 1;
  }
  if (t->dtype != TN_FLOAT) return false;
  *out = TN_DATA(float, t)[0];
  return tn_elements(t) == 1 || (*out != 0 && tn_ir_is_filled_with(value, (double)*out));
}

static bool add_input(const fuser *f, group *g, tn_ir_value value) {
  float number;
  if (is_member(f, g, value.node) || is_number(value, &number)) return true;
  for (int i = 0; i < g->tape.n_inputs; i++)
    if (g->inputs[i].node == value.node && g->inputs[i].index == value.index) return true;
  if (g->tape.n_inputs == TN_TAPE_MAX_INPUTS) return false;
  g->tape.input_types[g->tape.n_inputs] = (uint8_t)tn_ir_out(value)->dtype;
  g->inputs[g->tape.n_inputs++] = value;
  return true;
}

/* Adds a step; returns the number of its value, or -1 if there is no room. */
static int add_step(group *g, tn_micro micro, const int *operands, float imm) {
  if (g->tape.n_ops == TN_TAPE_MAX_OPS) return -1;
  tn_tape_op *op = &g->tape.ops[g->tape.n_ops];
  *op = (tn_tape_op){.micro = (uint8_t)micro, .imm = imm};
  for (int k = 0; k < tn_micro_operands(micro); k++) {
    if (operands[k] < 0) return -1;
    op->operand[k] = (uint8_t)operands[k];
  }
  return g->tape.n_inputs + g->tape.n_ops++;
}

static int number_of(const fuser *f, group *g, tn_ir_value value) {
  float number;
  if (is_member(f, g, value.node)) return (int)value.node->mark;
  for (int i = 0; i < g->tape.n_inputs; i++)
    if (g->inputs[i].node == value.node && g->inputs[i].index == value.index) return i;
  if (!is_number(value, &number)) return -1;
  return add_step(g, TN_MICRO_CONST, NULL, number);
}

static bool add_node(const fuser *f, group *g, tn_ir_node *node) {
  int operands[3] = {0}, n = data_inputs(node);
  if (reduce_of(node)) {
    node->mark = number_of(f, g, node->inputs[0]);
    return node->mark >= 0;
  }
  if (tn_ir_is(node, "AddN") && n != 2) {
    int sum = number_of(f, g, node->inputs[0]);
    for (int i = 1; i < n && sum >= 0; i++)
      sum = add_step(g, TN_MICRO_ADD, (int[]){sum, number_of(f, g, node->inputs[i])}, 0);
    if (n == 1) sum = add_step(g, TN_MICRO_COPY, &sum, 0);
    node->mark = sum;
    return sum >= 0;
  }
  for (int i = 0; i < n; i++) operands[i] = number_of(f, g, node->inputs[i]);
  node->mark = add_step(g, micro_of(node), operands, tn_tape_imm(node->node));
  return node->mark >= 0;
}

/* True if somebody outside the group needs the value of NODE. */
static bool is_needed_outside(const fuser *f, const group *g, const tn_ir_node *node) {
  for (int i = f->uses.first[node->id]; i < f->uses.first[node->id + 1]; i++) {
    const tn_ir_use *use = &f->uses.uses[i];
    if (!use->user || use->input < 0 || !is_member(f, g, use->user)) return true;
  }
  return false;
}

/* Writes the program of the members; false if it does not fit a tape. */
static bool write_tape(const fuser *f, group *g) {
  memset(&g->tape, 0, sizeof g->tape);
  /* In the order of the graph. */
  for (int i = 1; i < g->n; i++) {
    tn_ir_node *node = g->members[i];
    int k = i;
    for (; k > 1 && f->position[g->members[k - 1]->id] < f->position[node->id]; k--) g->members[k] = g->members[k - 1];
    g->members[k] = node;
  }
  for (int i = g->n - 1; i >= 0; i--)
    for (int k = 0; k < data_inputs(g->members[i]); k++)
      if (!add_input(f, g, g->members[i]->inputs[k])) return false;
  for (int i = g->n - 1; i >= 0; i--)
    if (!add_node(f, g, g->members[i])) return false;
  for (int i = 0; i < g->n; i++) {
    /* A reduction last: output 0 may lie over more of the inputs than the others may. */
    tn_ir_node *node = g->members[g->reduced ? (i + 1) % g->n : i];
    if (!is_needed_outside(f, g, node)) continue;
    if (g->tape.n_outputs == TN_TAPE_MAX_OUTPUTS) return false;
    g->outputs[g->tape.n_outputs] = (tn_ir_value){node, 0};
    g->tape.outputs[g->tape.n_outputs++] = (tn_tape_output){
        .value = (uint8_t)node->mark, .dtype = (uint8_t)node->outputs[0].dtype, .reduce = (uint8_t)reduce_of(node)};
  }
  return true;
}

/* --- which nodes --- */

/* NODE, an input of a member, can be a member too: it has the group's shape, and who else needs it comes after the
 * group (then no path leads out of the group and back). */
static bool can_join(const fuser *f, const group *g, const tn_ir_node *node) {
  const tn_ir_node *root = g->members[0];
  if (group_of(f, node) || !is_fusable(node)) return false;
  if (!tn_shape_equal(&node->outputs[0].shape, &g->full)) return false;
  for (int i = f->uses.first[node->id]; i < f->uses.first[node->id + 1]; i++) {
    const tn_ir_node *user = f->uses.uses[i].user;
    if (user && !is_member(f, g, user) && f->position[user->id] < f->position[root->id]) return false;
  }
  return true;
}

static bool try_to_add(fuser *f, group *g, tn_ir_node *node) {
  if (g->n == TN_TAPE_MAX_OPS || !can_join(f, g, node)) return false;
  group before = *g;
  g->members[g->n++] = node;
  f->group_of[node->id] = g->number;
  if (write_tape(f, g)) return true;
  f->group_of[node->id] = 0;
  *g = before;
  return false;
}

/* Adds producers until none can be added: one that others need may be free once they are members. */
static void grow(fuser *f, group *g) {
  bool more = true;
  while (more) {
    more = false;
    for (int i = 0; i < g->n; i++)
      for (int k = 0; k < data_inputs(g->members[i]); k++) more |= try_to_add(f, g, g->members[i]->inputs[k].node);
  }
}

static tn_error *replace(fuser *f, group *g) {
  tn_dtype in[TN_TAPE_MAX_INPUTS], out[TN_TAPE_MAX_OUTPUTS];
  tn_shape shapes[TN_TAPE_MAX_OUTPUTS];
  char *text = NULL;
  tn_ir_node *fused = NULL;
  if (!write_tape(f, g)) return tn_errorf(TN_INTERNAL, "a group of elementwise nodes does not fit a tape");
  TN_TRY(tn_tape_to_text(&g->tape, &text));
  for (int i = 0; i < g->tape.n_inputs; i++) in[i] = tn_ir_out(g->inputs[i])->dtype;
  for (int i = 0; i < g->tape.n_outputs; i++) {
    out[i] = tn_ir_out(g->outputs[i])->dtype;
    shapes[i] = tn_ir_out(g->outputs[i])->shape;
  }
  tn_named_attr attrs[] = {
      {"Tin", {.kind = TN_ATTR_TYPE, .is_list = true, .n = (size_t)g->tape.n_inputs, .types = in}},
      {"Tout", {.kind = TN_ATTR_TYPE, .is_list = true, .n = (size_t)g->tape.n_outputs, .types = out}},
      {"shape", {.kind = TN_ATTR_SHAPE, .shape = g->full}},
      {"out_shapes", {.kind = TN_ATTR_SHAPE, .is_list = true, .n = (size_t)g->tape.n_outputs, .shapes = shapes}},
      {"reduced", {.kind = TN_ATTR_INT, .i = g->reduced}},
      {"tape", {.kind = TN_ATTR_STRING, .string = {text, strlen(text)}}},
      {NULL, {0}}};
  tn_ir_new spec = {.op = "_Fused",
                    .name = g->members[0]->node->name,
                    .n_inputs = g->tape.n_inputs,
                    .inputs = g->inputs,
                    .attrs = attrs,
                    .n_outputs = g->tape.n_outputs,
                    .dtypes = out};
  tn_error *error = tn_ir_add(f->ir, &spec, &fused);
  tn_free(text);
  if (error) return error;
  for (int i = 0; i < g->tape.n_outputs; i++) tn_ir_forward(g->outputs[i], (tn_ir_value){fused, i});
  return NULL;
}

/* The groups, from the last node to the first. What was fused lies, in the order, where the group's last node was. */
static tn_error *fuse_all(fuser *f, int *changes) {
  for (int i = f->n - 1; i > 0; i--) {
    tn_ir_node *root = f->order[i];
    int reduced = reduced_dims(root);
    if (group_of(f, root) || (!reduced && !is_fusable(root))) continue;
    group g = {.members = {root}, .n = 1, .number = ++f->n_groups, .reduced = reduced, .full = root->outputs[0].shape};
    f->group_of[root->id] = g.number;
    if (reduced) g.full = tn_ir_out(root->inputs[0])->shape;
    grow(f, &g);
    if (g.n < 2) continue;
    TN_TRY(replace(f, &g));
    for (int k = 0; k < g.n; k++) f->position[g.members[k]->id] = i;
    ++*changes;
  }
  return NULL;
}

tn_error *tn_pass_fuse_elementwise(tn_ir *ir, int *changes) {
  fuser f = {.ir = ir};
  tn_error *error = tn_ir_uses_of(ir, &f.uses);
  if (error) return error;
  TN_TRY_GOTO(error, done, tn_ir_sort(ir, &f.order, &f.n));
  f.position = tn_calloc((size_t)ir->n_nodes + 1, sizeof *f.position);
  f.n_ids = ir->n_nodes;
  f.group_of = tn_calloc((size_t)ir->n_nodes + 1, sizeof *f.group_of);
  error = f.position && f.group_of ? NULL : tn_out_of_memory();
  if (error) goto done;
  for (int i = 0; i < f.n; i++) f.position[f.order[i]->id] = i;
  error = fuse_all(&f, changes);
  tn_ir_settle(ir);
done:
  tn_ir_uses_clear(&f.uses);
  tn_free(f.order);
  tn_free(f.position);
  tn_free(f.group_of);
  return error;
}
