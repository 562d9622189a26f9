/* Pruning: from the fetches and targets back to what they need. */
#include "compile/subgraph.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "compile/frames_static.h"
#include "compile/islands.h"

/* The state of the search. */
typedef struct search {
  const tn_step_signature *signature;
  tn_subgraph *graph;
  tn_map *found; /* node -> its item's index + 1 */
  tn_map *fed;   /* (node, output) -> feed's index + 1 */
  int item_capacity;
  size_t edge_capacity;
  tn_raw_edge *edges;
} search;

/* A key for output I of NODE, -1 for the node: pointers are aligned, but indices are not bounded, so both go in. */
typedef struct output_key {
  const tn_node *node;
  int64_t index;
} output_key;

static int fed_index(const search *s, const tn_node *node, int index) {
  output_key key = {node, index};
  return (int)(intptr_t)tn_map_get(s->fed, &key, sizeof key) - 1;
}

static tn_item_kind kind_of(const tn_node *node) {
  static const struct {
    const char *op;
    tn_item_kind kind;
  } kinds[] = {{"Switch", TN_ITEM_SWITCH},
               {"Merge", TN_ITEM_MERGE},
               {"Enter", TN_ITEM_ENTER},
               {"Exit", TN_ITEM_EXIT},
               {"NextIteration", TN_ITEM_NEXT_ITERATION},
               {"LoopCond", TN_ITEM_PASS},
               {"ControlTrigger", TN_ITEM_TRIGGER},
               {"_Send", TN_ITEM_SEND},
               {"_HostSend", TN_ITEM_SEND},
               {"_Recv", TN_ITEM_RECV},
               {"_HostRecv", TN_ITEM_RECV}};
  if (!(node->op->flags & TN_OP_CONTROL_FLOW)) return TN_ITEM_KERNEL;
  const char *name = node->op->name;
  if (strncmp(name, "Ref", 3) == 0) name += 3;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(name, kinds[i].op) == 0) return kinds[i].kind;
  }
  return TN_ITEM_KERNEL;
}

static tn_error *add_item(search *s, tn_item item, int *out) {
  tn_subgraph *g = s->graph;
  if (g->n_items == s->item_capacity) {
    int capacity = s->item_capacity ? 2 * s->item_capacity : 64;
    tn_item *items = tn_realloc(g->items, (size_t)capacity * sizeof *items);
    if (!items) return tn_out_of_memory();
    g->items = items;
    s->item_capacity = capacity;
  }
  *out = g->n_items;
  g->items[g->n_items++] = item;
  return NULL;
}

static tn_error *add_edge(search *s, int from, tn_edge edge) {
  if ((size_t)s->graph->n_edges == s->edge_capacity) {
    size_t capacity = s->edge_capacity ? 2 * s->edge_capacity : 128;
    tn_raw_edge *edges = tn_realloc(s->edges, capacity * sizeof *edges);
    if (!edges) return tn_out_of_memory();
    s->edges = edges;
    s->edge_capacity = capacity;
  }
  s->edges[s->graph->n_edges++] = (tn_raw_edge){from, edge};
  return NULL;
}

static bool may_deref(const tn_node *node) {
  for (int i = 0; i < node->n_inputs; i++) {
    const tn_output *input = &node->inputs[i];
    if (input->node && tn_dtype_is_ref(input->node->output_types[input->index]) &&
        !tn_dtype_is_ref(node->input_types[i])) {
      return true;
    }
  }
  return false;
}

/* The item of NODE, made if it is new. */
static tn_error *item_of(search *s, const tn_node *node, int *out) {
  int found = (int)(intptr_t)tn_map_find_u64(s->found, (uintptr_t)node) - 1;
  if (found >= 0) {
    *out = found;
    return NULL;
  }
  tn_item item = {.node = node,
                  .kind = kind_of(node),
                  .n_inputs = node->n_inputs,
                  .n_outputs = node->n_outputs,
                  .child_frame = -1,
                  .frame = -1,
                  .blocking = (node->op->flags & TN_OP_BLOCKING) != 0,
                  .derefs = may_deref(node)};
  if (item.kind == TN_ITEM_ENTER) item.constant_enter = tn_node_get_bool(node, "is_constant");
  TN_TRY(add_item(s, item, out));
  s->graph->blocking |= item.blocking;
  s->graph->control_flow |= (node->op->flags & (TN_OP_CONTROL_FLOW | TN_OP_CALLS)) != 0;
  for (int i = 0; i < node->n_outputs; i++) s->graph->refs |= tn_dtype_is_ref(node->output_types[i]);
  return tn_map_put_u64(s->found, (uintptr_t)node, (void *)(intptr_t)(*out + 1));
}

/* The edges into item I. The items that it needs are added at the end, where the loop over items will come to them. */
static tn_error *reach_inputs(search *s, int i) {
  const tn_node *node = s->graph->items[i].node;
  for (int k = 0; k < node->n_inputs; k++) {
    tn_output input = node->inputs[k];
    if (!input.node) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "input %d is not connected", k);
    int from = fed_index(s, input.node, input.index);
    if (from < 0) TN_TRY(item_of(s, input.node, &from));
    TN_TRY(add_edge(s, from, (tn_edge){input.index, i, k}));
    if (s->graph->items[from].kind == TN_ITEM_FEED) s->edges[s->graph->n_edges - 1].edge.from_output = 0;
  }
  for (int k = 0; k < node->n_controls; k++) {
    const tn_node *before = node->controls[k];
    if (s->signature->within && !tn_map_find_u64(s->signature->within, (uintptr_t)before)) continue;
    bool placeholder = strncmp(before->op->name, "Placeholder", 11) == 0;
    int from = placeholder ? fed_index(s, before, 0) : -1;
    if (from < 0) TN_TRY(item_of(s, before, &from));
    TN_TRY(add_edge(s, from, (tn_edge){-1, i, -1}));
    s->graph->items[i].n_controls++;
  }
  return NULL;
}

static tn_error *add_feeds(search *s) {
  for (size_t i = 0; i < s->signature->n_feeds; i++) {
    tn_output feed = s->signature->feeds[i];
    output_key key = {feed.node, feed.index};
    if (tn_map_get(s->fed, &key, sizeof key)) {
      return tn_errorf(TN_INVALID_ARGUMENT, "Endpoint \"%s:%d\" fed more than once.", feed.node->name, feed.index);
    }
    int at = 0;
    TN_TRY(add_item(
        s, (tn_item){.node = feed.node, .kind = TN_ITEM_FEED, .n_outputs = 1, .frame = -1, .fed_output = feed.index},
        &at));
    TN_TRY(tn_map_set(s->fed, &key, sizeof key, (void *)(intptr_t)(at + 1), NULL));
  }
  s->graph->n_feeds = s->graph->n_items;
  return NULL;
}

/* Everything that the fetches and targets need. */
static tn_error *reach(search *s) {
  const tn_step_signature *signature = s->signature;
  int at = 0;
  for (size_t i = 0; i < signature->n_fetches; i++) {
    tn_output fetch = signature->fetches[i];
    if (fetch.index < 0 || fed_index(s, fetch.node, fetch.index) < 0) TN_TRY(item_of(s, fetch.node, &at));
  }
  for (size_t i = 0; i < signature->n_targets; i++) TN_TRY(item_of(s, signature->targets[i], &at));
  for (int i = s->graph->n_feeds; i < s->graph->n_items; i++) TN_TRY(reach_inputs(s, i));
  return NULL;
}

tn_error *tn_subgraph_set_edges(tn_subgraph *g, const tn_raw_edge *edges) {
  g->edges = tn_malloc(((size_t)g->n_edges + 1) * sizeof *g->edges);
  if (!g->edges) return tn_out_of_memory();
  for (int i = 0; i < g->n_edges; i++) g->items[edges[i].from].n_edges++;
  int at = 0;
  for (int i = 0; i < g->n_items; i++) {
    g->items[i].first_edge = at;
    at += g->items[i].n_edges;
    g->items[i].n_edges = 0;
  }
  for (int i = 0; i < g->n_edges; i++) {
    tn_item *from = &g->items[edges[i].from];
    g->edges[from->first_edge + from->n_edges++] = edges[i].edge;
  }
  return NULL;
}

bool tn_hands_out_handle(const tn_node *node) {
  if (node->n_inputs || node->n_outputs != 1 || strcmp(node->op->name, "TemporaryVariable") == 0) return false;
  return tn_dtype_is_ref(node->output_types[0]) || node->output_types[0] == TN_RESOURCE;
}

static int fetched_item(const search *s, tn_output fetch) {
  if (fetch.index < 0) return -1;
  int from = fed_index(s, fetch.node, fetch.index);
  return from >= 0 ? from : (int)(intptr_t)tn_map_find_u64(s->found, (uintptr_t)fetch.node) - 1;
}

static tn_error *lay_out_fetches(search *s) {
  tn_subgraph *g = s->graph;
  const tn_step_signature *signature = s->signature;
  g->fetches = tn_malloc((signature->n_fetches + 1) * sizeof *g->fetches);
  if (!g->fetches) return tn_out_of_memory();
  for (size_t i = 0; i < signature->n_fetches; i++) {
    int from = fetched_item(s, signature->fetches[i]);
    if (from >= 0) g->items[from].n_fetches++;
  }
  int at = 0;
  for (int i = 0; i < g->n_items; i++) {
    g->items[i].first_fetch = at;
    at += g->items[i].n_fetches;
    g->items[i].n_fetches = 0;
  }
  for (size_t i = 0; i < signature->n_fetches; i++) {
    int from = fetched_item(s, signature->fetches[i]);
    if (from < 0) continue;
    tn_item *item = &g->items[from];
    int output = item->kind == TN_ITEM_FEED ? 0 : signature->fetches[i].index;
    g->fetches[item->first_fetch + item->n_fetches++] = (tn_fetch_of){output, (int)i};
  }
  return NULL;
}

static tn_error *build(search *s) {
  TN_TRY(tn_map_new(&s->found));
  TN_TRY(tn_map_new(&s->fed));
  TN_TRY(add_feeds(s));
  TN_TRY(reach(s));
  TN_TRY(tn_subgraph_set_edges(s->graph, s->edges));
  TN_TRY(lay_out_fetches(s));
  TN_TRY(tn_find_frames(s->graph));
  return tn_find_aliases(s->graph);
}

tn_error *tn_subgraph_new(const tn_step_signature *signature, tn_subgraph **out) {
  search s = {.signature = signature, .graph = tn_calloc(1, sizeof(tn_subgraph))};
  if (!s.graph) return tn_out_of_memory();
  tn_error *error = build(&s);
  tn_map_free(s.found);
  tn_map_free(s.fed);
  tn_free(s.edges);
  if (error) {
    tn_subgraph_free(s.graph);
    return error;
  }
  *out = s.graph;
  return NULL;
}

void tn_subgraph_free(tn_subgraph *subgraph) {
  if (!subgraph) return;
  for (int i = 0; i < subgraph->n_frames; i++) tn_free(subgraph->frames[i].pending);
  for (int i = 0; i < subgraph->n_islands; i++) {
    tn_free(subgraph->islands[i].inputs);
    tn_free(subgraph->islands[i].outputs);
    tn_map_free(subgraph->islands[i].nodes);
  }
  tn_free(subgraph->islands);
  tn_free(subgraph->frames);
  tn_free(subgraph->by_frame);
  tn_free(subgraph->items);
  tn_free(subgraph->edges);
  tn_free(subgraph->fetches);
  tn_free(subgraph);
}
