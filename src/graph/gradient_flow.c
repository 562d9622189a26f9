/* The gradients of Switch, Merge, Enter, Exit and NextIteration. */
#include "graph/gradients.h"

#include <string.h>

static bool is_loop_cond(const tn_node *node) { return strcmp(node->op->name, "LoopCond") == 0; }

bool tn_is_loop_switch(const tn_node *node) { return tn_is_switch(node) && is_loop_cond(node->inputs[1].node); }

bool tn_is_loop_merge(const tn_node *node) {
  if (!tn_is_merge(node)) return false;
  for (int i = 0; i < node->n_inputs; i++) {
    if (tn_is_next(node->inputs[i].node) || tn_is_enter(node->inputs[i].node)) return true;
  }
  return false;
}

static tn_error *done(const tn_gradient_ctx *c) { return c->scope->error ? tn_error_copy(c->scope->error) : NULL; }

tn_error *tn_grad_next_iteration(tn_gradient_ctx *c) {
  c->grad_in[0] = c->grad_out[0];
  return NULL;
}

/* --- conditions --- */

/* Both branches have a gradient, zeros where none comes back; the one that was taken is alive. */
static tn_error *cond_switch(tn_gradient_ctx *c) {
  if (!tn_dtype_trainable(c->node->output_types[0])) return NULL;
  tn_output taken[2] = {tn_grad_dense(c, 0), tn_grad_dense(c, 1)};
  if (!taken[0].node || !taken[1].node) return done(c);
  tn_grad_set(c, 0, tn_build(c->scope, "Merge", TN_IN(taken[0], taken[1]), NULL));
  return done(c);
}

/* Each input gets the gradient if it is the one that the Merge forwarded. */
static tn_error *cond_merge(tn_gradient_ctx *c) {
  tn_output gradient = tn_grad_dense(c, 0);
  for (int i = 0; i < c->node->n_inputs; i++) {
    tn_output chosen = tn_build2(c->scope, "Equal", tn_grad_y(c, 1), tn_build_scalar(c->scope, TN_INT32, i));
    tn_grad_set(c, i, tn_nth(tn_build2(c->scope, "Switch", gradient, chosen), 1));
  }
  return done(c);
}

tn_error *tn_grad_switch(tn_gradient_ctx *c) { return cond_switch(c); }

tn_error *tn_grad_merge(tn_gradient_ctx *c) { return tn_grad_has(c, 0) ? cond_merge(c) : NULL; }

tn_error *tn_grad_exit(tn_gradient_ctx *c) {
  return tn_node_errorf(c->node, TN_UNIMPLEMENTED, "gradients of loops are not there yet");
}

tn_error *tn_grad_enter(tn_gradient_ctx *c) {
  c->grad_in[0] = c->grad_out[0];
  return NULL;
}
