/* The loops of a graph and the conditions inside them, recovered from Enter, Exit, Switch and Merge. */
#include <string.h>

#include "graph/gradients.h"

static bool is_loop_cond(const tn_node *node) { return strcmp(node->op->name, "LoopCond") == 0; }

bool tn_is_loop_switch(const tn_node *node) { return tn_is_switch(node) && is_loop_cond(node->inputs[1].node); }

bool tn_is_loop_merge(const tn_node *node) {
  if (!tn_is_merge(node)) return false;
  for (int i = 0; i < node->n_inputs; i++) {
    if (tn_is_next(node->inputs[i].node) || tn_is_enter(node->inputs[i].node)) return true;
  }
  return false;
}

/* --- frames --- */

tn_frame *tn_frame_of(const tn_gradients *g, const tn_node *node) {
  if (!g->loops) return NULL;
  if ((size_t)node->id < g->n) return g->frame_of[node->id];
  return tn_map_find_u64(g->new_frames, (uint64_t)node->id + 1);
}

tn_error *tn_frame_set(tn_gradients *g, const tn_node *node, tn_frame *frame) {
  return frame ? tn_map_put_u64(g->new_frames, (uint64_t)node->id + 1, frame) : NULL;
}

static tn_error *find_frame(tn_gradients *g, tn_frame *parent, tn_node *enter, tn_frame **out) {
  tn_string name = tn_node_get_string(enter, "frame_name");
  tn_frame *frame = g->frames;
  while (frame && (frame->parent != parent || strcmp(frame->name, name.data) != 0)) frame = frame->next;
  if (!frame) {
    frame = tn_arena_alloc(g->arena, sizeof *frame);
    if (!frame) return tn_out_of_memory();
    frame->parent = parent;
    frame->name = name.data;
    frame->parallel_iterations = tn_node_get_int(enter, "parallel_iterations");
    frame->next = g->frames;
    g->frames = frame;
    TN_TRY(tn_map_new(&frame->values));
    TN_TRY(tn_map_new(&frame->merges));
  }
  *out = frame;
  return tn_list_add(g, &frame->enters, enter);
}

/* The node that says which frame NODE is in: an input that was added before it, else a control input. */
static const tn_node *frame_giver(const tn_node *node) {
  for (int i = 0; i < node->n_inputs; i++) {
    if (node->inputs[i].node->id < node->id) return node->inputs[i].node;
  }
  for (int i = 0; i < node->n_controls && node->n_inputs == 0; i++) {
    if (node->controls[i]->id < node->id) return node->controls[i];
  }
  return NULL;
}

static tn_error *place(tn_gradients *g, tn_node *node, tn_frame **out) {
  const tn_node *giver = frame_giver(node);
  tn_frame *frame = giver ? g->frame_of[giver->id] : NULL;
  if (tn_is_enter(node)) {
    TN_TRY(find_frame(g, frame, node, &frame));
  } else if (tn_is_exit(node)) {
    if (!frame) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "it leaves a loop that it is not in");
    TN_TRY(tn_list_add(g, &frame->exits, node));
    frame = frame->parent;
  } else if (frame && is_loop_cond(node)) {
    frame->cond = node;
  }
  *out = frame;
  return NULL;
}

/* --- guards --- */

/* The condition PRED == BRANCH inside OUTER. */
static tn_error *make_guard(tn_gradients *g, tn_guard *outer, tn_output pred, int branch, tn_guard **out) {
  struct {
    tn_guard *outer;
    int pred, index, branch, unused;
  } key = {outer, pred.node->id, pred.index, branch, 0};
  tn_guard *guard = tn_map_get(g->guards, &key, sizeof key);
  if (!guard) {
    guard = tn_arena_alloc(g->arena, sizeof *guard);
    if (!guard) return tn_out_of_memory();
    *guard = (tn_guard){.outer = outer, .pred = pred, .branch = branch, .depth = outer ? outer->depth + 1 : 1};
    TN_TRY(tn_map_set(g->guards, &key, sizeof key, guard, NULL));
  }
  *out = guard;
  return NULL;
}

static int depth_of(const tn_guard *guard) { return guard ? guard->depth : 0; }

static tn_guard *deeper(tn_guard *a, tn_guard *b) { return depth_of(b) > depth_of(a) ? b : a; }

/* What A and B have in common. */
static tn_guard *common(tn_guard *a, tn_guard *b) {
  while (a != b) {
    if (depth_of(a) >= depth_of(b)) {
      a = a->outer;
    } else {
      b = b->outer;
    }
  }
  return a;
}

static tn_error *node_guard(tn_gradients *g, const tn_node *node, tn_guard **out);

tn_error *tn_guard_of(tn_gradients *g, tn_output output, tn_guard **out) {
  const tn_node *node = output.node;
  tn_guard *guard;
  if ((size_t)node->id < g->n) {
    guard = g->guard_of[node->id];
  } else {
    TN_TRY(node_guard(g, node, &guard));
  }
  if (tn_is_switch(node) && !tn_is_loop_switch(node)) {
    TN_TRY(make_guard(g, guard, node->inputs[1], output.index, &guard));
  }
  *out = guard;
  return NULL;
}

/* What NODE as a whole runs under: all that its inputs do, but a Merge is alive as soon as one of them is. */
static tn_error *node_guard(tn_gradients *g, const tn_node *node, tn_guard **out) {
  *out = NULL;
  if (tn_is_enter(node) || tn_is_loop_merge(node)) return NULL;
  if (tn_is_exit(node)) {
    const tn_frame *frame = tn_frame_of(g, node->inputs[0].node);
    *out = frame ? frame->guard : NULL;
    return NULL;
  }
  tn_guard *all = NULL;
  for (int i = 0; i < node->n_inputs; i++) {
    tn_guard *one;
    TN_TRY(tn_guard_of(g, node->inputs[i], &one));
    if (tn_is_merge(node)) {
      all = i == 0 ? one : common(all, one);
    } else {
      all = deeper(all, one);
    }
  }
  for (int i = 0; i < node->n_controls; i++) {
    const tn_node *before = node->controls[i];
    if ((size_t)before->id < g->n && before->id < node->id) all = deeper(all, g->guard_of[before->id]);
  }
  *out = all;
  return NULL;
}

static tn_error *scan(tn_gradients *g) {
  for (size_t i = 0; i < g->n; i++) {
    tn_node *node = tn_graph_node(g->graph, i);
    TN_TRY(place(g, node, &g->frame_of[i]));
    TN_TRY(node_guard(g, node, &g->guard_of[i]));
    if (!tn_is_enter(node)) continue;
    tn_guard *guard;
    TN_TRY(tn_guard_of(g, node->inputs[0], &guard));
    g->frame_of[i]->guard = deeper(g->frame_of[i]->guard, guard);
  }
  return NULL;
}

tn_error *tn_frames_find(tn_gradients *g) {
  for (size_t i = 0; i < g->n && !g->loops; i++) g->loops = tn_is_enter(tn_graph_node(g->graph, i));
  if (!g->loops) return NULL;
  g->frame_of = tn_arena_alloc(g->arena, (g->n + 1) * sizeof *g->frame_of);
  g->guard_of = tn_arena_alloc(g->arena, (g->n + 1) * sizeof *g->guard_of);
  if (!g->frame_of || !g->guard_of) return tn_out_of_memory();
  TN_TRY(tn_map_new(&g->new_frames));
  TN_TRY(tn_map_new(&g->guards));
  return scan(g);
}

void tn_frames_free(tn_gradients *g) {
  if (g->loops) g->graph->flow = NULL;
  for (tn_frame *frame = g->frames; frame; frame = frame->next) {
    if (frame->values) tn_map_free(frame->values);
    if (frame->merges) tn_map_free(frame->merges);
  }
  if (g->new_frames) tn_map_free(g->new_frames);
  if (g->guards) tn_map_free(g->guards);
}
