/* The loops of a graph, for the gradients that go through them. */
#include "graph/gradients.h"
tn_error *tn_frames_find(tn_gradients *g) {
  g->loops = false;
  return NULL;
}
tn_frame *tn_frame_of(const tn_gradients *g, const tn_node *node) {
  (void)g;
  (void)node;
  return NULL;
}
void tn_frames_free(tn_gradients *g) { (void)g; }
tn_error *tn_loops_prepare(tn_gradients *g) {
  (void)g;
  return NULL;
}
tn_error *tn_loops_unused_exits(tn_gradients *g) {
  (void)g;
  return NULL;
}
tn_error *tn_loops_finish(tn_gradients *g) {
  (void)g;
  return NULL;
}
tn_error *tn_loop_exit_ready(tn_gradients *g, tn_node *exit) { return tn_list_add(g, &g->queue, exit); }
tn_output tn_loop_raw(tn_gradients *g, tn_frame *frame, const char *op, const tn_output *inputs,
                      const tn_named_attr *attrs, tn_node *control) {
  (void)frame;
  (void)control;
  return tn_build(&g->scope, op, inputs, attrs);
}
