/* The gradients of tensor arrays: where the arrays for gradients are made, and in which order they are used. */
#include <string.h>

#include "graph/gradients.h"

tn_output tn_build_after(tn_scope *s, tn_output x, tn_node *node) {
  if (s->error) return TN_NONE;
  s->error = tn_graph_push_control(s->graph, 1, &node);
  if (s->error) return TN_NONE;
  tn_output out = tn_build1(s, "Identity", x);
  tn_graph_pop_control(s->graph);
  return out;
}

/* True if HANDLE is that of an array that can't grow: then its gradients' array can be made at any time. */
static bool is_fixed(tn_output handle) {
  const tn_node *node = handle.node;
  while (tn_is_enter(node) || tn_is_switch(node) || tn_node_is(node, "Identity", "RefIdentity")) {
    node = node->inputs[0].node;
  }
  if (tn_node_is(node, "TensorArrayGradV3", "TensorArrayGradWithShape")) return true;
  return strcmp(node->op->name, "TensorArrayV3") == 0 && !tn_node_get_bool(node, "dynamic_size");
}

/* The key under which a backward loop knows the gradients' array of HANDLE. */
static tn_output key_of(tn_output handle) { return (tn_output){handle.node, -1 - handle.index}; }

/* Makes the array outside of the loops that HANDLE, of the forward loop FRAME, is the same in, and enters it into the
 * backward loop. AFTER: what it has to wait for; none where the caller is in that loop itself. */
static tn_output hoist(tn_gradients *g, tn_frame *frame, const char *type, tn_output handle, tn_output after) {
  tn_frame *back = tn_frame_backward(frame);
  const tn_node *enter = frame && frame->backward ? tn_loop_invariant(handle) : NULL;
  if (g->scope.error) return TN_NONE;
  tn_attr source = {.kind = TN_ATTR_STRING, .string = {(char *)g->source, strlen(g->source)}};
  if (!enter) {
    tn_output inside = tn_loop_map(g, back, handle), ended = tn_loop_map(g, back, after);
    tn_output flow = tn_loop_number(g, back, TN_FLOAT, 0, back ? inside.node : NULL);
    if (g->scope.error) return TN_NONE;
    return tn_loop_raw(g, back, type, TN_IN(inside, flow), TN_ATTRS({"source", source}), ended.node);
  }
  tn_output *known = tn_loop_known(back, key_of(handle));
  if (known) return *known;
  tn_output outside = hoist(g, frame->parent, type, enter->inputs[0], frame->total);
  if (g->scope.error) return TN_NONE;
  return tn_loop_keep(g, back, key_of(handle), tn_loop_enter(g, back, outside, true));
}

tn_output tn_grad_array(tn_gradient_ctx *c, const char *type, tn_output handle, tn_output flow) {
  tn_gradients *g = c->driver;
  if (c->scope->error) return TN_NONE;
  tn_frame *frame = tn_frame_of(g, c->node);
  if (frame && frame->backward && tn_loop_invariant(handle) && is_fixed(handle)) {
    return hoist(g, frame, type, handle, TN_NONE);
  }
  tn_attr source = {.kind = TN_ATTR_STRING, .string = {(char *)g->source, strlen(g->source)}};
  return tn_build(c->scope, type, TN_IN(handle, flow), TN_ATTRS({"source", source}));
}

tn_output tn_grad_array_after(tn_gradient_ctx *c, tn_output flow) {
  if (c->scope->error || tn_loop_finish_first(c->driver, c->node)) return flow;
  return tn_build_after(c->scope, flow, (tn_node *)c->node);
}

tn_output tn_grad_array_flow(tn_gradient_ctx *c, tn_output flow) {
  if (c->scope->error || !tn_loop_finish_first(c->driver, c->node)) return flow;
  /* All of the loop has run when its gradients do: any other flow would have to be remembered for nothing. */
  return tn_loop_invariant(flow) ? flow : tn_build_scalar(c->scope, TN_FLOAT, 0);
}
