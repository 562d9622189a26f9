/* Backward loops: their counters, and how values of the forward loop reach them: entered, copied or remembered on
 * stacks. */
#include <stdlib.h>
#include <string.h>

#include "graph/gradients.h"

static bool op_is(const tn_node *node, const char *op) { return strcmp(node->op->name, op) == 0; }

static void keep_error(tn_gradients *g, tn_error *error) {
  if (g->scope.error) {
    tn_error_free(error);
  } else {
    g->scope.error = error;
  }
}

static tn_error *sticky(const tn_gradients *g) { return g->scope.error ? tn_error_copy(g->scope.error) : NULL; }

/* --- adding nodes as they are --- */

tn_output tn_loop_raw(tn_gradients *g, tn_frame *frame, const char *op, const tn_output *inputs,
                      const tn_named_attr *attrs, tn_node *control) {
  if (g->scope.error) return TN_NONE;
  tn_flow_hook *hook = g->graph->flow;
  g->graph->flow = NULL;
  tn_node_builder *b = tn_node_begin(g->graph, op, NULL);
  for (; b && inputs->index != -2; inputs++) tn_node_input(b, *inputs);
  for (; b && attrs && attrs->name; attrs++) tn_builder_attr(b, attrs->name, &attrs->value);
  if (b && control) tn_node_control(b, control);
  tn_node *node = NULL;
  tn_error *error = tn_node_finish(b, &node);
  g->graph->flow = hook;
  if (!error) error = tn_frame_set(g, node, frame);
  if (error) {
    keep_error(g, error);
    return TN_NONE;
  }
  return (tn_output){node, node->n_outputs > 0 ? 0 : -1};
}

tn_output tn_loop_enter(tn_gradients *g, tn_frame *frame, tn_output value, bool constant) {
  tn_attr name = {.kind = TN_ATTR_STRING, .string = {(char *)frame->name, strlen(frame->name)}};
  tn_output enter = tn_loop_raw(g, frame, "Enter", TN_IN(value),
                                TN_ATTRS({"frame_name", name}, TN_A_BOOL("is_constant", constant),
                                         TN_A_INT("parallel_iterations", frame->parallel_iterations)),
                                NULL);
  /* The variables of backward loops keep their shapes. */
  if (!g->scope.error) enter.node->output_shapes[0] = tn_output_shape(value);
  return enter;
}

/* Where the outermost loop that FRAME's gradient goes back through is run: in no frame, or, where the gradient was
 * asked for inside a loop, in that one. *BEFORE is a node there. */
static tn_frame *home_of(const tn_frame *frame, tn_node **before) {
  if (frame->forward) frame = frame->forward;
  while (frame->parent && frame->parent->backward) frame = frame->parent;
  *before = frame->parent ? frame->enters.nodes[0]->inputs[0].node : NULL;
  return frame->parent;
}

tn_output tn_loop_number(tn_gradients *g, tn_frame *frame, tn_dtype dtype, int32_t value, tn_node *before) {
  tn_tensor *tensor = NULL;
  keep_error(g, tn_tensor_new(dtype, 0, NULL, &tensor));
  if (tensor && dtype == TN_INT32) *(int32_t *)tensor->data = value;
  if (tensor && dtype == TN_FLOAT) *(float *)tensor->data = (float)value;
  const tn_output output = tn_loop_raw(g, frame, "Const", TN_NO_INPUTS,
                                       TN_ATTRS(TN_A_TYPE("dtype", dtype), TN_A_TENSOR("value", tensor)), before);
  tn_tensor_free(tensor);
  return output;
}

/* An integer in the home of FRAME. */
static tn_output home_number(tn_gradients *g, const tn_frame *frame, int32_t value) {
  tn_node *before;
  tn_frame *home = home_of(frame, &before);
  return tn_loop_number(g, home, TN_INT32, value, before);
}

static void join(tn_gradients *g, tn_node *before, tn_node *after) {
  if (!g->scope.error) keep_error(g, tn_graph_join(g->graph, before, after));
}

/* The counter of FRAME waits for NODE, which may turn out to be dead: hence the ControlTrigger between them. */
static void wait_for(tn_gradients *g, tn_frame *frame, tn_node *node) {
  if (g->scope.error) return;
  if (frame->sync) {
    join(g, node, frame->sync);
    return;
  }
  tn_output sync = tn_loop_raw(g, frame, "ControlTrigger", TN_NO_INPUTS, NULL, node);
  if (g->scope.error) return;
  frame->sync = sync.node;
  join(g, frame->sync, frame->step);
}

static void wait(tn_gradients *g, tn_frame *frame, tn_node *node, const tn_guard *guard) {
  if (guard) {
    wait_for(g, frame, node);
  } else {
    join(g, node, frame->step);
  }
}

bool tn_loop_finish_first(tn_gradients *g, const tn_node *node) {
  tn_frame *frame = tn_frame_of(g, node);
  if (!frame || !frame->backward) return false;
  tn_guard *guard = g->guard_of[node->id];
  wait(g, frame, (tn_node *)node, guard);
  return true;
}

/* --- values from elsewhere --- */

tn_output *tn_loop_known(const tn_frame *frame, tn_output output) {
  int key[2] = {output.node->id, output.index};
  return tn_map_get(frame->values, key, sizeof key);
}

tn_output tn_loop_keep(tn_gradients *g, tn_frame *frame, tn_output output, tn_output value) {
  if (g->scope.error) return TN_NONE;
  int key[2] = {output.node->id, output.index};
  tn_output *copy = tn_arena_alloc(g->arena, sizeof *copy);
  tn_error *error = copy ? tn_map_set(frame->values, key, sizeof key, copy, NULL) : tn_out_of_memory();
  if (error) {
    keep_error(g, error);
    return TN_NONE;
  }
  *copy = value;
  return value;
}

/* The Enter that makes OUTPUT the same in every iteration of its loop, if it is so. */
const tn_node *tn_loop_invariant(tn_output output) {
  const tn_node *node = output.node;
  while (tn_is_switch(node) || tn_node_is(node, "Identity", "RefIdentity")) {
    if (tn_is_loop_switch(node)) return NULL;
    node = node->inputs[0].node;
  }
  return tn_is_enter(node) && tn_node_get_bool(node, "is_constant") ? node : NULL;
}

/* Pushes each iteration's VALUE of the forward loop FRAME on a new stack, whose handle it returns. */
static tn_output remember(tn_gradients *g, tn_frame *frame, tn_output value) {
  tn_dtype type = tn_dtype_base(tn_output_dtype(value));
  tn_node *before;
  tn_frame *home = home_of(frame, &before);
  tn_output any_size = tn_loop_number(g, home, TN_INT32, -1, before);
  tn_output stack = tn_loop_raw(g, home, "StackV2", TN_IN(any_size), TN_ATTRS(TN_A_TYPE("elem_type", type)), NULL);
  tn_output entered = tn_loop_map(g, frame, stack);
  /* The next push comes after the counter has been raised, which comes after this one. */
  tn_output push = tn_loop_raw(g, frame, "StackPushV2", TN_IN(entered, value), NULL, frame->count);
  tn_guard *guard = NULL;
  if (!g->scope.error) keep_error(g, tn_guard_of(g, value, &guard));
  if (g->scope.error) return TN_NONE;
  wait(g, frame, push.node, guard);
  return stack;
}

/* STACK as it is seen where GUARD holds in the backward loop FRAME: dead elsewhere, so that nothing is popped there. */
static tn_output guarded(tn_gradients *g, tn_frame *frame, tn_output stack, const tn_guard *guard) {
  const tn_guard *chain[64];
  int n = 0;
  for (; guard && n < 64; guard = guard->outer) chain[n++] = guard;
  if (guard && !g->scope.error) {
    keep_error(g, tn_errorf(TN_UNIMPLEMENTED, "gradients of more than 64 nested conditions in a loop"));
  }
  while (n-- > 0 && !g->scope.error) {
    tn_output pred = tn_loop_map(g, frame, chain[n]->pred);
    tn_output chosen = tn_loop_raw(g, frame, "Switch", TN_IN(stack, pred), NULL, NULL);
    stack = tn_nth(chosen, chain[n]->branch);
  }
  return stack;
}

/* What was pushed last. */
static tn_output recall(tn_gradients *g, tn_frame *frame, tn_output stack, tn_output value) {
  tn_guard *guard = NULL;
  if (!g->scope.error) keep_error(g, tn_guard_of(g, value, &guard));
  tn_output handle = guarded(g, frame, tn_loop_map(g, frame, stack), guard);
  tn_dtype type = tn_dtype_base(tn_output_dtype(value));
  /* Stack and predicate may both be invariants, which are there once more than the loop runs. */
  tn_output pop =
      tn_loop_raw(g, frame, "StackPopV2", TN_IN(handle), TN_ATTRS(TN_A_TYPE("elem_type", type)), frame->body);
  if (g->scope.error) return TN_NONE;
  pop.node->output_shapes[0] = tn_output_shape(value);
  if (type == TN_RESOURCE && value.node->handles) pop.node->handles[0] = value.node->handles[value.index];
  wait_for(g, frame, pop.node);
  return pop;
}

/* A constant of the forward loop is cheaper made again. */
static tn_output copy_constant(tn_gradients *g, tn_frame *frame, tn_output value) {
  return tn_loop_raw(g, frame, "Const", TN_NO_INPUTS,
                     TN_ATTRS(TN_A_SAME(value.node, "dtype"), TN_A_SAME(value.node, "value")), frame->body);
}

/* VALUE of the forward loop in its backward loop FRAME. */
static tn_output forward_value(tn_gradients *g, tn_frame *frame, tn_output value) {
  const tn_node *enter = tn_loop_invariant(value);
  if (enter) {
    tn_output outside = tn_loop_map(g, frame->parent, enter->inputs[0]);
    return g->scope.error ? TN_NONE : tn_loop_enter(g, frame, outside, true);
  }
  if (op_is(value.node, "Const")) return copy_constant(g, frame, value);
  return recall(g, frame, remember(g, frame->forward, value), value);
}

tn_output tn_loop_map(tn_gradients *g, tn_frame *frame, tn_output output) {
  if (g->scope.error || !frame || !output.node) return output;
  tn_frame *from = tn_frame_of(g, output.node);
  if (from == frame) return output;
  tn_output *known = tn_loop_known(frame, output);
  if (known) return *known;
  tn_output value;
  if (from && from == frame->forward) {
    value = forward_value(g, frame, output);
  } else {
    tn_output outside = tn_loop_map(g, frame->parent, output);
    if (g->scope.error) return TN_NONE;
    if (tn_frame_of(g, outside.node) != frame->parent) {
      keep_error(g, tn_node_errorf(output.node, TN_UNIMPLEMENTED,
                                   "its value inside a loop is needed for a gradient outside of that loop"));
      return TN_NONE;
    }
    value = tn_loop_enter(g, frame, outside, true);
  }
  return tn_loop_keep(g, frame, output, value);
}

/* --- what is done to every node that a gradient function builds --- */

/* True if B's inputs say nothing of when it should run: an op of invariants would run once more than the loop does. */
static bool is_free(const tn_gradients *g, const tn_node_builder *b) {
  if (b->n_controls > 0) return false;
  for (size_t i = 0; i < b->n_inputs; i++) {
    const tn_node *from = b->inputs[i].node;
    if (!tn_is_enter(from) || !tn_node_get_bool(from, "is_constant") || tn_frame_of(g, from) != g->current)
      return false;
  }
  return true;
}

static tn_error *rewrite(void *state, tn_node_builder *b) {
  tn_gradients *g = state;
  if (!g->current) return NULL;
  for (size_t i = 0; i < b->n_inputs; i++) {
    b->inputs[i] = tn_loop_map(g, g->current, b->inputs[i]);
    if (g->scope.error) return tn_error_copy(g->scope.error);
  }
  if (!is_free(g, b)) return NULL;
  if (g->current->body) {
    tn_node_control(b, g->current->body);
  } else if (g->op && tn_frame_of(g, g->op) == g->current) {
    tn_node_control(b, (tn_node *)g->op);
  }
  return NULL;
}

static tn_error *added(void *state, tn_node *node) {
  tn_gradients *g = state;
  return tn_frame_set(g, node, g->current);
}

void tn_loops_start(tn_gradients *g) {
  g->hook = (tn_flow_hook){.rewrite = rewrite, .added = added, .state = g};
  g->graph->flow = &g->hook;
}

/* --- counters --- */

tn_error *tn_loop_close(tn_gradients *g, tn_frame *frame, tn_node *merge, tn_output value) {
  tn_output inside = tn_loop_map(g, frame, value);
  tn_output next = tn_loop_raw(g, frame, "NextIteration", TN_IN(inside), NULL, NULL);
  if (g->scope.error) return sticky(g);
  return tn_graph_set_back_edge(g->graph, merge, 1, next);
}

/* Merge(Enter(INITIAL)) in FRAME. */
static tn_output loop_variable(tn_gradients *g, tn_frame *frame, tn_output initial) {
  tn_output enter = tn_loop_enter(g, frame, initial, false);
  return tn_loop_raw(g, frame, "Merge", TN_IN(enter, enter), NULL, NULL);
}

/* Closes a counter's loop with its Switch output 1 plus or minus one, and returns what the loop ends with. */
static tn_output count(tn_gradients *g, tn_frame *frame, tn_output merge, const char *op, tn_output one) {
  tn_output chosen = tn_loop_raw(g, frame, "Switch", TN_IN(merge, {frame->cond, 0}), NULL, NULL);
  tn_output changed = tn_loop_raw(g, frame, op, TN_IN(tn_nth(chosen, 1), one), NULL, NULL);
  tn_output next = tn_loop_raw(g, frame, "NextIteration", TN_IN(changed), NULL, NULL);
  if (!g->scope.error) keep_error(g, tn_graph_set_back_edge(g->graph, merge.node, 1, next));
  if (g->scope.error) return TN_NONE;
  frame->count = frame->body = changed.node;
  frame->step = next.node;
  return tn_loop_raw(g, frame->parent, "Exit", TN_IN(tn_nth(chosen, 0)), NULL, NULL);
}

/* Counts the iterations of the forward loop FRAME. */
static tn_output count_forward(tn_gradients *g, tn_frame *frame) {
  tn_frame *parent = frame->parent;
  tn_node *before = parent ? frame->enters.nodes[0]->inputs[0].node : NULL;
  tn_output zero = tn_loop_number(g, parent, TN_INT32, 0, before);
  /* The pushes of one execution of this loop come before those of the next. */
  if (parent && parent->count && !g->scope.error) join(g, parent->count, zero.node);
  tn_output one = tn_loop_map(g, frame, home_number(g, frame, 1));
  tn_output total = count(g, frame, loop_variable(g, frame, zero), "Add", one);
  frame->body = NULL;
  return total;
}

/* Makes the loop that goes back through as many iterations as the forward loop made: TOTAL. */
static tn_error *count_backward(tn_gradients *g, tn_frame *frame, tn_output total) {
  tn_output one = tn_loop_map(g, frame, home_number(g, frame, 1));
  tn_output merge = loop_variable(g, frame, tn_loop_map(g, frame->parent, total));
  tn_output more = tn_loop_raw(g, frame, "GreaterEqual", TN_IN(merge, one), NULL, NULL);
  tn_output cond = tn_loop_raw(g, frame, "LoopCond", TN_IN(more), NULL, NULL);
  if (g->scope.error) return sticky(g);
  frame->cond = cond.node;
  tn_output end = count(g, frame, merge, "Sub", one);
  /* The pops of one execution of this loop come before those of the next. */
  if (!g->scope.error && frame->parent && frame->parent->forward) wait_for(g, frame->parent, end.node);
  return sticky(g);
}

static tn_error *make_backward(tn_gradients *g, tn_frame *frame) {
  if (!frame->cond) {
    return tn_node_errorf(frame->enters.nodes[0], TN_INVALID_ARGUMENT, "its loop '%s' has no LoopCond", frame->name);
  }
  tn_frame *back = tn_arena_alloc(g->arena, sizeof *back);
  if (!back) return tn_out_of_memory();
  char *name;
  TN_TRY(tn_graph_unique_name(g->graph, frame->name, &name));
  back->name = tn_arena_strdup(g->arena, name);
  free(name);
  if (!back->name) return tn_out_of_memory();
  back->forward = frame;
  back->parent = tn_frame_backward(frame->parent);
  back->parallel_iterations = frame->parallel_iterations;
  back->next = g->frames;
  g->frames = back;
  TN_TRY(tn_map_new(&back->values));
  TN_TRY(tn_map_new(&back->merges));
  tn_output total = count_forward(g, frame);
  TN_TRY(sticky(g));
  TN_TRY(count_backward(g, back, total));
  frame->backward = back;
  frame->total = total;
  return NULL;
}

static bool has_exit_between(const tn_gradients *g, const tn_frame *frame) {
  for (size_t i = 0; i < frame->exits.n; i++) {
    if (g->between[frame->exits.nodes[i]->id]) return true;
  }
  return false;
}

/* Outer loops first. */
static tn_error *prepare_loop(tn_gradients *g, tn_frame *frame) {
  if (frame->forward || frame->backward || !has_exit_between(g, frame)) return NULL;
  if (frame->parent) TN_TRY(prepare_loop(g, frame->parent));
  TN_TRY(make_backward(g, frame));
  /* All of its exits take part: the backward loop begins when all of their gradients are there. */
  for (size_t i = 0; i < frame->exits.n; i++) g->between[frame->exits.nodes[i]->id] = 1;
  frame->pending_exits = (int)frame->exits.n;
  return NULL;
}

tn_error *tn_loops_prepare(tn_gradients *g) {
  for (tn_frame *frame = g->frames; frame; frame = frame->next) TN_TRY(prepare_loop(g, frame));
  return NULL;
}
