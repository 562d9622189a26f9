/* Frames, iterations and the propagation of values and dead tokens. */
#include "runtime/frames.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

/* One turn of a loop (or the only one of the root frame). */
typedef struct iteration {
  int outstanding_items, outstanding_frames;
  int *pending, *dead;
  tn_tensor *inputs;
} iteration;

/* A value that an Enter gave every iteration, or that waits for its turn. */
typedef struct kept {
  int item;
  tn_tensor value;
  struct kept *next;
} kept;

struct tn_frame {
  int which; /* the static frame */
  tn_frame *parent;
  int64_t parent_iteration;
  tn_frame *next, *children; /* siblings; frames that iterations of this one opened */
  iteration **iterations;    /* a ring of parallel_iterations + 1 */
  int64_t last;              /* the number of the newest iteration */
  int pending_enters, outstanding_iterations;
  kept *invariants, *deferred;
  int *dead_exits;
  int n_dead_exits;
};

static void activate(tn_flow *flow, const tn_item *item, tn_frame *frame, int64_t at, const tn_tensor *outputs,
                     bool dead);

static const tn_static_frame *static_of(const tn_flow *flow, const tn_frame *frame) {
  return &flow->graph->frames[frame->which];
}

static iteration **slot(const tn_flow *flow, const tn_frame *frame, int64_t at) {
  return &frame->iterations[at % (static_of(flow, frame)->parallel_iterations + 1)];
}

static void push(tn_flow *flow, int item, tn_frame *frame, int64_t at, bool dead) {
  if (flow->n_ready == flow->capacity) {
    size_t capacity = flow->capacity ? 2 * flow->capacity : 64;
    tn_ready *ready = tn_realloc(flow->ready, capacity * sizeof *ready);
    if (!ready) {
      flow->failed = true;
      return;
    }
    flow->ready = ready;
    flow->capacity = capacity;
  }
  flow->ready[flow->n_ready++] = (tn_ready){item, dead, frame, at};
}

static iteration *new_iteration(const tn_static_frame *frame) {
  size_t counts = (size_t)frame->n_items + 1;
  iteration *made = tn_calloc(1, sizeof *made);
  if (!made) return NULL;
  made->pending = tn_malloc(counts * sizeof(int));
  made->dead = tn_calloc(counts, sizeof(int));
  made->inputs = tn_calloc((size_t)frame->n_inputs + 1, sizeof *made->inputs);
  if (!made->pending || !made->dead || !made->inputs) {
    tn_free(made->pending);
    tn_free(made->dead);
    tn_free(made->inputs);
    tn_free(made);
    return NULL;
  }
  memcpy(made->pending, frame->pending, (size_t)frame->n_items * sizeof(int));
  return made;
}

static void free_iteration(const tn_static_frame *frame, iteration *it) {
  if (!it) return;
  for (int i = 0; i < frame->n_inputs; i++) tn_tensor_clear(&it->inputs[i]);
  tn_free(it->inputs);
  tn_free(it->pending);
  tn_free(it->dead);
  tn_free(it);
}

static void free_kept(kept *list) {
  while (list) {
    kept *next = list->next;
    tn_tensor_clear(&list->value);
    tn_free(list);
    list = next;
  }
}

/* Frees FRAME and what it opened, without telling anybody. */
static void free_frame(const tn_flow *flow, tn_frame *frame) {
  const tn_static_frame *s = static_of(flow, frame);
  while (frame->children) {
    tn_frame *child = frame->children;
    frame->children = child->next;
    free_frame(flow, child);
  }
  for (int i = 0; frame->iterations && i <= s->parallel_iterations; i++) free_iteration(s, frame->iterations[i]);
  free_kept(frame->invariants);
  free_kept(frame->deferred);
  tn_free(frame->iterations);
  tn_free(frame->dead_exits);
  tn_free(frame);
}

static tn_frame *new_frame(const tn_flow *flow, int which, tn_frame *parent, int64_t parent_iteration) {
  const tn_static_frame *s = &flow->graph->frames[which];
  tn_frame *frame = tn_calloc(1, sizeof *frame);
  if (!frame) return NULL;
  frame->which = which;
  frame->parent = parent;
  frame->parent_iteration = parent_iteration;
  frame->pending_enters = s->n_enters;
  frame->outstanding_iterations = 1;
  frame->iterations = tn_calloc((size_t)s->parallel_iterations + 1, sizeof *frame->iterations);
  frame->dead_exits = tn_malloc(((size_t)s->n_items + 1) * sizeof *frame->dead_exits);
  if (frame->iterations) frame->iterations[0] = new_iteration(s);
  if (!frame->dead_exits || !frame->iterations || !frame->iterations[0]) {
    free_frame(flow, frame);
    return NULL;
  }
  return frame;
}

tn_error *tn_flow_init(tn_flow *flow, const tn_subgraph *graph) {
  *flow = (tn_flow){.graph = graph};
  flow->root = new_frame(flow, 0, NULL, 0);
  if (!flow->root) return tn_out_of_memory();
  iteration *it = flow->root->iterations[0];
  for (int i = 0; i < graph->n_items; i++) {
    const tn_item *item = &graph->items[i];
    if (item->n_inputs || item->n_controls) continue;
    it->outstanding_items++;
    if (item->kind != TN_ITEM_FEED) push(flow, i, flow->root, 0, false);
  }
  if (!flow->failed) return NULL;
  tn_flow_clear(flow);
  return tn_out_of_memory();
}

void tn_flow_clear(tn_flow *flow) {
  if (flow->root) free_frame(flow, flow->root);
  tn_free(flow->ready);
  *flow = (tn_flow){0};
}

tn_tensor *tn_flow_inputs(const tn_flow *flow, const tn_ready *ready) {
  return &(*slot(flow, ready->frame, ready->iteration))->inputs[flow->graph->items[ready->item].first_input];
}

static uint64_t frame_id(const tn_flow *flow, const tn_frame *frame) {
  if (!frame->parent) return 0;
  const tn_static_frame *s = static_of(flow, frame);
  uint64_t outer[2] = {frame_id(flow, frame->parent), (uint64_t)frame->parent_iteration};
  return tn_hash(s->name, s->name_size, tn_hash(outer, sizeof outer, 0));
}

uint64_t tn_flow_frame_id(const tn_flow *flow, const tn_ready *ready) { return frame_id(flow, ready->frame); }

/* A token reached input INPUT of the Merge TO. Returns whether that can run now; *LIVE: its value is to be kept. */
static bool reach_merge(const tn_item *from, const tn_item *to, iteration *it, bool control, bool *live, bool *dead) {
  int *pending = &it->pending[to->local], *dead_inputs = &it->dead[to->local];
  if (control) {
    *live = false;
    *pending -= 2;
    *dead = *dead_inputs == to->n_inputs;
    return *pending == 0 || (*pending == 1 && *dead);
  }
  if (*live) {
    /* Only the first live input counts. */
    *live = (*pending & 1) != 0;
    bool ready = *pending == 1;
    *pending &= ~1;
    *dead = false;
    return ready;
  }
  ++*dead_inputs;
  /* A dead Enter kills the whole loop: the back edge will never bring anything. */
  *dead = *dead_inputs == to->n_inputs || from->kind == TN_ITEM_ENTER;
  return *pending == 1 && *dead;
}

static void activate(tn_flow *flow, const tn_item *item, tn_frame *frame, int64_t at, const tn_tensor *outputs,
                     bool dead) {
  iteration *it = *slot(flow, frame, at);
  for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
    const tn_edge *edge = &flow->graph->edges[e];
    const tn_item *to = &flow->graph->items[edge->to];
    bool control = edge->to_input < 0;
    bool live = !control && outputs[edge->from_output].dtype != TN_INVALID;
    bool ready = false, to_dead = false;
    if (to->kind == TN_ITEM_MERGE) {
      ready = reach_merge(item, to, it, control, &live, &to_dead);
    } else {
      if (dead || (!control && !live)) it->dead[to->local]++;
      ready = --it->pending[to->local] == 0;
      to_dead = it->dead[to->local] > 0 && to->kind != TN_ITEM_TRIGGER;
    }
    if (live) tn_tensor_set(&it->inputs[to->first_input + edge->to_input], &outputs[edge->from_output]);
    if (ready) {
      it->outstanding_items++;
      push(flow, edge->to, frame, at, to_dead);
    }
  }
}

static void activate_kept(tn_flow *flow, const kept *k, tn_frame *frame, int64_t at) {
  activate(flow, &flow->graph->items[k->item], frame, at, &k->value, k->value.dtype == TN_INVALID);
}

static kept *new_kept(tn_flow *flow, int item, const tn_tensor *value) {
  kept *k = tn_calloc(1, sizeof *k);
  if (!k) {
    flow->failed = true;
    return NULL;
  }
  k->item = item;
  if (value->dtype != TN_INVALID) tn_tensor_set(&k->value, value);
  return k;
}

/* Starts the next iteration of FRAME with what waited for it. */
static bool next_iteration(tn_flow *flow, tn_frame *frame) {
  iteration *made = new_iteration(static_of(flow, frame));
  if (!made) {
    flow->failed = true;
    return false;
  }
  frame->last++;
  frame->n_dead_exits = 0; /* those were not the loop's last turn */
  *slot(flow, frame, frame->last) = made;
  frame->outstanding_iterations++;
  kept *deferred = frame->deferred;
  frame->deferred = NULL;
  for (kept *k = deferred; k; k = k->next) activate_kept(flow, k, frame, frame->last);
  free_kept(deferred);
  for (kept *k = frame->invariants; k; k = k->next) activate_kept(flow, k, frame, frame->last);
  return true;
}

static bool iteration_done(const tn_flow *flow, const tn_frame *frame, int64_t at) {
  const iteration *it = *slot(flow, frame, at);
  if (!it || it->outstanding_items || it->outstanding_frames) return false;
  return at == 0 ? frame->pending_enters == 0 : !*slot(flow, frame, at - 1);
}

/* Drops the iterations from AT on that are done, and FRAME itself with the last; then the same in its parent. */
static void clean_up(tn_flow *flow, tn_frame *frame, int64_t at) {
  while (frame) {
    while (at <= frame->last && iteration_done(flow, frame, at)) {
      free_iteration(static_of(flow, frame), *slot(flow, frame, at));
      *slot(flow, frame, at) = NULL;
      frame->outstanding_iterations--;
      at++;
      if (frame->deferred && !next_iteration(flow, frame)) return;
    }
    if (frame->pending_enters || frame->outstanding_iterations) return;
    tn_frame *parent = frame->parent;
    at = frame->parent_iteration;
    if (!parent) {
      flow->root = NULL;
    } else {
      tn_tensor nothing[1] = {{0}};
      for (int i = 0; i < frame->n_dead_exits; i++) {
        activate(flow, &flow->graph->items[frame->dead_exits[i]], parent, at, nothing, true);
      }
      tn_frame **link = &parent->children;
      while (*link != frame) link = &(*link)->next;
      *link = frame->next;
      (*slot(flow, parent, at))->outstanding_frames--;
    }
    free_frame(flow, frame);
    frame = parent;
  }
}

static tn_frame *child_of(tn_flow *flow, tn_frame *frame, int64_t at, int which) {
  for (tn_frame *child = frame->children; child; child = child->next) {
    if (child->which == which && child->parent_iteration == at) return child;
  }
  tn_frame *made = new_frame(flow, which, frame, at);
  if (!made) {
    flow->failed = true;
    return NULL;
  }
  made->next = frame->children;
  frame->children = made;
  (*slot(flow, frame, at))->outstanding_frames++;
  return made;
}

static void enter(tn_flow *flow, const tn_ready *ready, const tn_item *item, const tn_tensor *output) {
  tn_frame *child = child_of(flow, ready->frame, ready->iteration, item->child_frame);
  if (!child) return;
  child->pending_enters--;
  if (!item->constant_enter) {
    activate(flow, item, child, 0, output, ready->dead);
  } else {
    kept *k = new_kept(flow, ready->item, output);
    if (!k) return;
    k->next = child->invariants;
    child->invariants = k;
    /* Iteration 0 can't end before the last Enter came, so none of these has been dropped. */
    for (int64_t at = 0; at <= child->last; at++) activate_kept(flow, k, child, at);
  }
  if (child->pending_enters == 0) clean_up(flow, child, 0);
}

static void go_round(tn_flow *flow, const tn_ready *ready, const tn_item *item, const tn_tensor *output) {
  tn_frame *frame = ready->frame;
  if (ready->dead) return; /* a loop ends here */
  if (ready->iteration == frame->last) {
    if (frame->outstanding_iterations == static_of(flow, frame)->parallel_iterations) {
      kept *k = new_kept(flow, ready->item, output);
      if (!k) return;
      k->next = frame->deferred;
      frame->deferred = k;
      return;
    }
    if (!next_iteration(flow, frame)) return;
  }
  activate(flow, item, frame, ready->iteration + 1, output, false);
}

void tn_flow_propagate(tn_flow *flow, const tn_ready *ready, const tn_tensor *outputs) {
  const tn_item *item = &flow->graph->items[ready->item];
  tn_frame *frame = ready->frame;
  iteration *it = *slot(flow, frame, ready->iteration);
  for (int i = 0; i < item->n_inputs; i++) tn_tensor_clear(&it->inputs[item->first_input + i]);
  if (item->kind == TN_ITEM_ENTER) {
    enter(flow, ready, item, outputs);
  } else if (item->kind == TN_ITEM_NEXT_ITERATION) {
    go_round(flow, ready, item, outputs);
  } else if (item->kind == TN_ITEM_EXIT) {
    if (!ready->dead) {
      activate(flow, item, frame->parent, frame->parent_iteration, outputs, false);
    } else if (ready->iteration == frame->last && frame->n_dead_exits < static_of(flow, frame)->n_items) {
      frame->dead_exits[frame->n_dead_exits++] = ready->item;
    }
  } else {
    activate(flow, item, frame, ready->iteration, outputs, ready->dead);
  }
  if (flow->failed) return;
  if (--it->outstanding_items == 0) clean_up(flow, frame, ready->iteration);
}

void tn_flow_feed(tn_flow *flow, int i, tn_tensor *value) {
  tn_ready ready = {i, false, flow->root, 0};
  tn_flow_propagate(flow, &ready, value);
}

static void visit_frame(const tn_flow *flow, const tn_frame *frame,
                        void (*visit)(void *argument, const tn_item *consumer, int input, const tn_tensor *value),
                        void *argument) {
  const tn_static_frame *s = static_of(flow, frame);
  for (int r = 0; r <= s->parallel_iterations; r++) {
    const iteration *it = frame->iterations[r];
    for (int i = 0; it && i < flow->graph->n_items; i++) {
      const tn_item *item = &flow->graph->items[i];
      for (int k = 0; item->frame == frame->which && k < item->n_inputs; k++) {
        const tn_tensor *value = &it->inputs[item->first_input + k];
        if (value->dtype != TN_INVALID) visit(argument, item, k, value);
      }
    }
  }
  for (const tn_frame *child = frame->children; child; child = child->next) visit_frame(flow, child, visit, argument);
}

void tn_flow_visit(const tn_flow *flow,
                   void (*visit)(void *argument, const tn_item *consumer, int input, const tn_tensor *value),
                   void *argument) {
  if (flow->root) visit_frame(flow, flow->root, visit, argument);
}
