/* When a backward loop can begin: all exits of the forward loop have a gradient, zeros where nothing came. */
#include "graph/gradients.h"

static bool trainable(const tn_node *exit) { return tn_dtype_trainable(exit->output_types[0]); }

static tn_error *add_zeros(tn_gradients *g, tn_node *exit) {
  tn_output output = {exit, 0};
  g->op = exit;
  g->current = tn_frame_backward(tn_frame_of(g, exit));
  tn_gradient_value value = {.values = tn_grad_zeros(g, &g->scope, output)};
  if (g->scope.error) return tn_error_copy(g->scope.error);
  return value.values.node ? tn_grads_add(g, output, &value) : NULL;
}

static bool is_queued(const tn_gradients *g, const tn_node *node) {
  for (size_t i = 0; i < g->queue.n; i++) {
    if (g->queue.nodes[i] == node) return true;
  }
  return false;
}

/* The exits of FRAME that no node on the way uses. */
static tn_error *unused_of(tn_gradients *g, tn_frame *frame) {
  tn_node_list *unused = &frame->unused;
  for (size_t i = 0; i < frame->exits.n; i++) {
    tn_node *exit = frame->exits.nodes[i];
    if (g->pending[exit->id] != 0) continue;
    frame->pending_exits--;
    if (!is_queued(g, exit)) TN_TRY(tn_list_add(g, unused, exit));
  }
  if (frame->pending_exits > 0) return NULL;
  for (size_t i = 0; i < unused->n; i++) {
    if (!trainable(unused->nodes[i])) continue;
    TN_TRY(add_zeros(g, unused->nodes[i]));
    TN_TRY(tn_list_add(g, &g->queue, unused->nodes[i]));
  }
  return NULL;
}

tn_error *tn_loops_unused_exits(tn_gradients *g) {
  for (tn_frame *frame = g->frames; frame; frame = frame->next) {
    if (frame->backward) TN_TRY(unused_of(g, frame));
  }
  return NULL;
}

tn_error *tn_loop_exit_ready(tn_gradients *g, tn_node *exit) {
  tn_frame *frame = tn_frame_of(g, exit->inputs[0].node);
  TN_TRY(tn_list_add(g, &frame->deferred, exit));
  if (--frame->pending_exits > 0) return NULL;
  bool any = false;
  for (size_t i = 0; i < frame->deferred.n; i++) {
    tn_node *node = frame->deferred.nodes[i];
    if (tn_grads_any(g, node)) {
      any = true;
      TN_TRY(tn_list_add(g, &g->queue, node));
    } else {
      TN_TRY(tn_list_add(g, &frame->unused, node));
    }
  }
  for (size_t i = 0; i < frame->unused.n; i++) {
    tn_node *node = frame->unused.nodes[i];
    if (any && trainable(node)) TN_TRY(add_zeros(g, node));
    TN_TRY(tn_list_add(g, &g->queue, node));
  }
  return NULL;
}

/* Closes MERGE of the backward loop FRAME with zeros if nothing else has. */
static tn_error *close_with_zeros(tn_gradients *g, tn_frame *frame, tn_node *merge) {
  if (tn_is_next(merge->inputs[1].node)) return NULL;
  tn_output cond = {frame->cond, 0}, value = {merge, 0};
  tn_output chosen = tn_loop_raw(g, frame, "Switch", TN_IN(value, cond), NULL, NULL);
  tn_output zeros = tn_loop_raw(g, frame, "ZerosLike", TN_IN(tn_nth(chosen, 1)), NULL, NULL);
  return tn_loop_close(g, frame, merge, zeros);
}

tn_error *tn_loops_finish(tn_gradients *g) {
  for (tn_frame *frame = g->frames; frame; frame = frame->next) {
    if (!frame->forward) continue;
    for (size_t i = 0; i < g->n; i++) {
      tn_node *merge = tn_map_find_u64(frame->merges, i + 1);
      if (merge) TN_TRY(close_with_zeros(g, frame, merge));
    }
  }
  return NULL;
}
