/* Which loop each item of a subgraph belongs to: frames spread from the sources along the edges. */
#include "compile/frames_static.h"

#include <string.h>

#include "base/alloc.h"

static tn_error *add_frame(tn_subgraph *g, tn_static_frame frame, int *out) {
  tn_static_frame *frames = tn_realloc(g->frames, ((size_t)g->n_frames + 1) * sizeof *frames);
  if (!frames) return tn_out_of_memory();
  g->frames = frames;
  *out = g->n_frames;
  frames[g->n_frames++] = frame;
  return NULL;
}

/* The frame that ENTER opens inside frame PARENT. */
static tn_error *frame_entered(tn_subgraph *g, tn_item *enter, int parent) {
  tn_string name = tn_node_get_string(enter->node, "frame_name");
  int parallel = (int)tn_node_get_int(enter->node, "parallel_iterations");
  for (int i = 0; i < g->n_frames && enter->child_frame < 0; i++) {
    tn_static_frame *f = &g->frames[i];
    if (f->parent == parent && f->name_size == name.size &&
        (!name.size || memcmp(f->name, name.data, name.size) == 0)) {
      enter->child_frame = i;
    }
  }
  if (enter->child_frame < 0) {
    tn_static_frame made = {.name = name.data,
                            .name_size = name.size,
                            .parent = parent,
                            .parallel_iterations = parallel > 0 ? parallel < 1024 ? parallel : 1024 : 1};
    TN_TRY(add_frame(g, made, &enter->child_frame));
  }
  g->frames[enter->child_frame].n_enters++;
  return NULL;
}

/* The frame in which the outputs of ITEM are. */
static tn_error *frame_after(tn_subgraph *g, tn_item *item, int *out) {
  *out = item->frame;
  if (item->kind == TN_ITEM_ENTER) {
    TN_TRY(frame_entered(g, item, item->frame));
    *out = item->child_frame;
  } else if (item->kind == TN_ITEM_EXIT) {
    *out = g->frames[item->frame].parent;
    if (*out < 0) return tn_node_errorf(item->node, TN_INVALID_ARGUMENT, "leaves a loop that was never entered");
  }
  return NULL;
}

/* Spreads frames from the items in QUEUE, which has room for all. */
static tn_error *spread(tn_subgraph *g, int *queue, int n) {
  for (int at = 0; at < n; at++) {
    tn_item *item = &g->items[queue[at]];
    int after = 0;
    TN_TRY(frame_after(g, item, &after));
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      tn_item *to = &g->items[g->edges[e].to];
      if (to->frame < 0) {
        to->frame = after;
        queue[n++] = g->edges[e].to;
      } else if (to->frame != after) {
        tn_static_frame *a = &g->frames[to->frame], *b = &g->frames[after];
        return tn_node_errorf(to->node, TN_INVALID_ARGUMENT,
                              "takes inputs from different loops: from '%.*s' and, through '%s', from '%.*s'",
                              (int)a->name_size, a->name ? a->name : "", item->node->name, (int)b->name_size,
                              b->name ? b->name : "");
      }
    }
  }
  if (n == g->n_items) return NULL;
  int i = 0;
  while (g->items[i].frame >= 0) i++;
  return tn_node_errorf(g->items[i].node, TN_INVALID_ARGUMENT, "is part of a cycle that is no loop");
}

/* Numbers the items within their frames and notes the counts that iterations start with. */
static tn_error *number(tn_subgraph *g) {
  g->by_frame = tn_malloc(((size_t)g->n_items + 1) * sizeof *g->by_frame);
  if (!g->by_frame) return tn_out_of_memory();
  int at = 0;
  for (int f = 0; f < g->n_frames; f++) {
    tn_static_frame *frame = &g->frames[f];
    for (int i = 0; i < g->n_items; i++) {
      tn_item *item = &g->items[i];
      if (item->frame != f) continue;
      item->local = frame->n_items++;
      item->first_input = frame->n_inputs;
      frame->n_inputs += item->n_inputs;
      g->by_frame[at++] = i;
    }
    frame->pending = tn_malloc(((size_t)frame->n_items + 1) * sizeof *frame->pending);
    if (!frame->pending) return tn_out_of_memory();
    for (int i = 0; i < frame->n_items; i++) {
      const tn_item *item = &g->items[g->by_frame[at - frame->n_items + i]];
      /* A Merge waits for its control inputs, counted by two, and for one live input, the lowest bit. */
      frame->pending[i] = item->kind == TN_ITEM_MERGE ? 1 + 2 * item->n_controls : item->n_inputs + item->n_controls;
    }
  }
  return NULL;
}

tn_error *tn_find_frames(tn_subgraph *g) {
  int root = 0, n = 0;
  TN_TRY(add_frame(g, (tn_static_frame){.name = "", .parent = -1, .parallel_iterations = 1}, &root));
  int *queue = tn_malloc(((size_t)g->n_items + 1) * sizeof *queue);
  if (!queue) return tn_out_of_memory();
  for (int i = 0; i < g->n_items; i++) {
    if (g->items[i].n_inputs || g->items[i].n_controls) continue;
    g->items[i].frame = root;
    queue[n++] = i;
  }
  tn_error *error = spread(g, queue, n);
  if (!error) error = number(g);
  tn_free(queue);
  return error;
}
