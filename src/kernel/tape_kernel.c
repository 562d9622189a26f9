/* The kernel "vector" of elementwise ops: a tape of their one micro-operation. */
#include "kernel/elementwise.h"
#include "kernel/tape_plan.h"

float tn_tape_imm(const tn_node *node) {
  const tn_attr *attr = tn_node_attr(node, "alpha");
  if (!attr) attr = tn_node_attr(node, "tolerance");
  return attr && attr->kind == TN_ATTR_FLOAT ? attr->f : 0;
}

/* The plan becomes the kernel's state; an input that has the output's shape and size of element may be overwritten. */
static tn_error *keep_plan(tn_prepare *p, const tn_tape *tape, const tn_tensor *inputs, const tn_shape *full) {
  tn_tape_plan *plan = NULL;
  TN_TRY(tn_prepare_output(p, 0, full));
  TN_TRY(tn_tape_plan_new(tape, inputs, full, 0, NULL, &plan));
  p->state = plan;
  tn_prepare_in_place_any(p, tn_shape_elements(full));
  return NULL;
}

tn_error *tn_tape_kernel_prepare_with(tn_prepare *p, const tn_tape *tape) {
  tn_shape full;
  TN_TRY(tn_broadcast_shapes(p->node, p->n_inputs, p->inputs, &full));
  return keep_plan(p, tape, p->inputs, &full);
}

static void one_op(const tn_prepare *p, tn_tape *tape) {
  *tape = (tn_tape){.n_inputs = p->n_inputs, .n_ops = 1, .n_outputs = 1};
  tape->ops[0] = (tn_tape_op){.micro = (uint8_t)p->node->op->micro, .operand = {0, 1, 2}, .imm = tn_tape_imm(p->node)};
  for (int k = 0; k < p->n_inputs; k++) tape->input_types[k] = (uint8_t)tn_dtype_base(p->inputs[k].dtype);
  tape->outputs[0] = (tn_tape_output){.value = (uint8_t)p->n_inputs, .dtype = (uint8_t)p->outputs[0].dtype};
}

tn_error *tn_tape_kernel_prepare(tn_prepare *p) {
  tn_tape tape;
  one_op(p, &tape);
  return tn_tape_kernel_prepare_with(p, &tape);
}

static tn_error *prepare_same(tn_prepare *p, bool shapes) {
  tn_tape tape;
  TN_TRY(tn_prepare_same_size(p, shapes));
  one_op(p, &tape);
  tn_tensor inputs[3];
  for (int k = 0; k < p->n_inputs; k++)
    inputs[k] = (tn_tensor){.dtype = p->inputs[k].dtype, .shape = p->inputs[0].shape};
  return keep_plan(p, &tape, inputs, &p->inputs[0].shape);
}

tn_error *tn_tape_kernel_prepare_same(tn_prepare *p) { return prepare_same(p, true); }
tn_error *tn_tape_kernel_prepare_same_size(tn_prepare *p) { return prepare_same(p, false); }

tn_error *tn_tape_kernel_run(tn_run *r) {
  const void *inputs[TN_TAPE_MAX_INPUTS];
  for (int k = 0; k < r->n_inputs; k++) inputs[k] = r->inputs[k]->data;
  void *outputs[] = {r->outputs[0]->data};
  tn_tape_run(r->state, inputs, outputs, NULL);
  return NULL;
}
