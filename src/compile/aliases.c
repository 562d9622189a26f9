/* Values of reference variables that an update of the same step changes while they are under way.
 *
 * In TensorFlow an Identity, a Switch, a Merge and a loop's nodes hand on the variable's own buffer, so what runs after
 * an update sees the new value wherever the variable was read. Here those nodes hand the reference on, where it makes
 * a difference, and each node that takes a value reads the variable when it runs. */
#include <string.h>

#include "base/alloc.h"
#include "compile/islands.h"

typedef struct tracer {
  tn_subgraph *g;
  int *stack;
  int *chain, n_chain; /* the items whose output is the variable's reference or an alias of its value */
  bool *hands_on;      /* per item: it is one of these */
  bool *after;         /* per item: it may run after an update */
  bool *written;       /* per frame: an update runs in that loop */
} tracer;

static bool is_ref_variable(const tn_item *item) {
  return tn_item_is_private(item) && item->n_outputs == 1 && tn_dtype_is_ref(item->node->output_types[0]);
}

/* True if the value that comes into INPUT of ITEM goes out again. */
static bool item_hands_on(const tn_item *item, int input) {
  switch (item->kind) {
  case TN_ITEM_SWITCH: return input == 0;
  case TN_ITEM_MERGE:
  case TN_ITEM_ENTER:
  case TN_ITEM_EXIT:
  case TN_ITEM_NEXT_ITERATION: return true;
  case TN_ITEM_PASS:
  case TN_ITEM_KERNEL:
    return strcmp(item->node->op->name, "Identity") == 0 || strcmp(item->node->op->name, "RefIdentity") == 0;
  default: return false;
  }
}

static bool is_kernel_input(const tn_item *item, int input) {
  return input >= 0 && item->kind != TN_ITEM_ISLAND && item->kind != TN_ITEM_FEED && !item_hands_on(item, input);
}

/* Finds what hands on the reference of item VARIABLE. */
static void follow(tracer *t, int variable) {
  const tn_subgraph *g = t->g;
  for (int i = 0; i < t->n_chain; i++) t->hands_on[t->chain[i]] = false;
  t->n_chain = 0;
  t->chain[t->n_chain++] = variable;
  t->hands_on[variable] = true;
  for (int at = 0; at < t->n_chain; at++) {
    const tn_item *item = &g->items[t->chain[at]];
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      const tn_edge *edge = &g->edges[e];
      bool data = edge->from_output >= 0 && !(item->kind == TN_ITEM_MERGE && edge->from_output == 1);
      if (!data || t->hands_on[edge->to] || !item_hands_on(&g->items[edge->to], edge->to_input)) continue;
      t->hands_on[edge->to] = true;
      t->chain[t->n_chain++] = edge->to;
    }
  }
}

/* Whether an input of ITEM that EDGE brings is a reference, which ITEM may write through. */
static bool may_write(const tn_item *item, const tn_edge *edge) {
  return is_kernel_input(item, edge->to_input) && tn_dtype_is_ref(item->node->input_types[edge->to_input]) &&
         !(item->node->op->flags & TN_OP_READ_ONLY);
}

/* Marks what may run after item FIRST. */
static void mark_after(tracer *t, int first) {
  const tn_subgraph *g = t->g;
  int n = 0;
  t->stack[n++] = first;
  while (n) {
    const tn_item *item = &g->items[t->stack[--n]];
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      int to = g->edges[e].to;
      if (t->after[to]) continue;
      t->after[to] = true;
      t->stack[n++] = to;
    }
  }
}

/* Marks what may run after an update through the references that were followed. */
static void find_later(tracer *t) {
  const tn_subgraph *g = t->g;
  memset(t->after, 0, (size_t)g->n_items);
  memset(t->written, 0, (size_t)g->n_frames);
  for (int i = 0; i < t->n_chain; i++) {
    const tn_item *item = &g->items[t->chain[i]];
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      const tn_edge *edge = &g->edges[e];
      if (edge->from_output < 0 || !may_write(&g->items[edge->to], edge)) continue;
      t->written[g->items[edge->to].frame] = true;
      mark_after(t, edge->to);
    }
  }
  t->written[0] = false; /* outside of loops only edges say what comes later */
}

/* What takes the value late runs on its own and reads it then. Returns whether there is any. */
static bool mark_late(tracer *t) {
  tn_subgraph *g = t->g;
  bool any = false;
  for (int i = 1; i < t->n_chain; i++) {
    const tn_item *item = &g->items[t->chain[i]];
    any = any || t->after[t->chain[i]];
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      tn_item *to = &g->items[g->edges[e].to];
      if (g->edges[e].from_output < 0 || !is_kernel_input(to, g->edges[e].to_input)) continue;
      if (tn_dtype_is_ref(to->node->input_types[g->edges[e].to_input])) continue;
      if (t->after[g->edges[e].to] || t->written[to->frame]) to->late = any = true;
    }
  }
  return any;
}

/* What hands the value on hands on the reference; who takes it reads it. */
static void hand_on_references(tracer *t) {
  tn_subgraph *g = t->g;
  for (int i = 0; i < t->n_chain; i++) {
    tn_item *item = &g->items[t->chain[i]];
    if (item->kind == TN_ITEM_KERNEL && item->n_inputs == 1) item->kind = TN_ITEM_PASS;
    item->derefs = false;
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      if (!t->hands_on[g->edges[e].to]) g->items[g->edges[e].to].derefs = true;
    }
  }
  g->aliases = true;
}

/* True if an update of the step may come before something that runs. */
static bool worth_a_look(const tn_subgraph *g) {
  if (!g->control_flow || !g->refs) return false;
  for (int i = 0; i < g->n_items; i++) {
    const tn_item *item = &g->items[i];
    for (int k = 0; item->kind == TN_ITEM_KERNEL && k < item->n_inputs; k++) {
      if (tn_dtype_is_ref(item->node->input_types[k]) && !(item->node->op->flags & TN_OP_READ_ONLY)) return true;
    }
  }
  return false;
}

tn_error *tn_find_aliases(tn_subgraph *g) {
  if (!worth_a_look(g)) return NULL;
  size_t n = (size_t)g->n_items + 1;
  tracer t = {.g = g,
              .stack = tn_malloc(n * sizeof *t.stack),
              .chain = tn_malloc(n * sizeof *t.chain),
              .hands_on = tn_calloc(n, 1),
              .after = tn_malloc(n),
              .written = tn_malloc((size_t)g->n_frames + 1)};
  tn_error *error = t.stack && t.chain && t.hands_on && t.after && t.written ? NULL : tn_out_of_memory();
  for (int i = 0; i < g->n_items && !error; i++) {
    if (!is_ref_variable(&g->items[i])) continue;
    follow(&t, i);
    find_later(&t);
    if (mark_late(&t)) hand_on_references(&t);
  }
  tn_free(t.stack);
  tn_free(t.chain);
  tn_free(t.hands_on);
  tn_free(t.after);
  tn_free(t.written);
  return error;
}
