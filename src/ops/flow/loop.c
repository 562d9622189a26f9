/* Loops: Enter, Exit, NextIteration, LoopCond, and ControlTrigger. The executor runs them itself. */
#include "graph/build.h"
#include "graph/shape.h"

static tn_error *same_shape(tn_shape_ctx *c) {
  c->out[0] = c->in[0];
  if (c->out_handles) c->out_handles[0] = c->in_handles[0];
  return NULL;
}

/* What a loop begins with may have another shape than what it goes on with; who builds the loop knows, and says so. */
static tn_error *enter_shape(tn_shape_ctx *c) {
  TN_TRY(same_shape(c));
  if (!tn_node_get_bool(c->node, "is_constant")) c->out[0] = tn_shape_unknown();
  return NULL;
}

static tn_error *loop_cond_shape(tn_shape_ctx *c) { return tn_shape_with_rank(c, 0, 0, &c->out[0]); }

#define ENTER "T: type; frame_name: string; is_constant: bool = false; parallel_iterations: int = 10"

TN_OP(Enter, .inputs = "data: T", .outputs = "output: T", .attrs = ENTER,
      .doc = "Makes data available in the loop frame_name, in each iteration if is_constant.",
      .flags = TN_OP_CONTROL_FLOW, .shape = enter_shape, .gradient = tn_grad_enter);

TN_OP(RefEnter, .inputs = "data: Ref(T)", .outputs = "output: Ref(T)", .attrs = ENTER,
      .doc = "Enter for references to variables.", .flags = TN_OP_CONTROL_FLOW, .shape = same_shape,
      .gradient = tn_grad_enter);

TN_OP(Exit, .inputs = "data: T", .outputs = "output: T", .attrs = "T: type", .doc = "Hands data out of its loop.",
      .flags = TN_OP_CONTROL_FLOW, .shape = same_shape, .gradient = tn_grad_exit);

TN_OP(RefExit, .inputs = "data: Ref(T)", .outputs = "output: Ref(T)", .attrs = "T: type",
      .doc = "Exit for references to variables.", .flags = TN_OP_CONTROL_FLOW, .shape = same_shape,
      .gradient = tn_grad_exit);

TN_OP(NextIteration, .inputs = "data: T", .outputs = "output: T", .attrs = "T: type",
      .doc = "Makes data available to the next iteration of its loop.", .flags = TN_OP_CONTROL_FLOW,
      .shape = same_shape, .gradient = tn_grad_next_iteration);

TN_OP(RefNextIteration, .inputs = "data: Ref(T)", .outputs = "output: Ref(T)", .attrs = "T: type",
      .doc = "NextIteration for references to variables.", .flags = TN_OP_CONTROL_FLOW, .shape = same_shape,
      .gradient = tn_grad_next_iteration);

TN_OP(LoopCond, .inputs = "input: bool", .outputs = "output: bool", .attrs = "",
      .doc = "The condition under which a loop goes on.", .flags = TN_OP_CONTROL_FLOW | TN_OP_NO_GRADIENT,
      .shape = loop_cond_shape);

TN_OP(ControlTrigger, .inputs = "", .outputs = "", .attrs = "",
      .doc = "Does nothing once its control inputs have run, or turned out to be dead.",
      .flags = TN_OP_CONTROL_FLOW | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs);
