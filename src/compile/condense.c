/* A subgraph whose islands are one item each. */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "compile/frames_static.h"
#include "compile/islands.h"

typedef struct condenser {
  const tn_subgraph *old;
  tn_subgraph *made;
  const int *island; /* per old item */
  int *place;        /* per old item: the new one, -1: it is gone */
  int *capacity;     /* per island: room for inputs, then for outputs */
  tn_raw_edge *edges;
  tn_map *controls; /* (from, to) of control edges at islands */
} condenser;

static bool in_island(const condenser *c, int i) { return c->island[i] >= 0; }

/* The place of VALUE among the values of an island, added if it is new; *NEW tells. */
static tn_error *find_or_add(tn_output **values, int *n, int *capacity, tn_output value, int *at, bool *is_new) {
  for (int i = 0; i < *n; i++) {
    if ((*values)[i].node != value.node || (*values)[i].index != value.index) continue;
    *at = i;
    *is_new = false;
    return NULL;
  }
  if (*n == *capacity) {
    int more = *capacity ? 2 * *capacity : 8;
    tn_output *moved = tn_realloc(*values, (size_t)more * sizeof *moved);
    if (!moved) return tn_out_of_memory();
    *values = moved;
    *capacity = more;
  }
  *at = *n;
  *is_new = true;
  (*values)[(*n)++] = value;
  return NULL;
}

static tn_output output_of(const condenser *c, int i, int output) {
  const tn_item *item = &c->old->items[i];
  return (tn_output){(tn_node *)item->node, item->kind == TN_ITEM_FEED ? item->fed_output : output};
}

/* The number that output OUTPUT of item I has in the new subgraph. */
static tn_error *export(condenser *c, int i, int output, int *out) {
  *out = output;
  if (!in_island(c, i)) return NULL;
  tn_island *island = &c->made->islands[c->island[i]];
  bool is_new = false;
  return find_or_add(&island->outputs, &island->n_outputs, &c->capacity[2 * c->island[i] + 1], output_of(c, i, output),
                     out, &is_new);
}

/* True if only islands take what I makes, and each makes it for itself. */
static bool vanishes(const condenser *c, int i) {
  const tn_item *item = &c->old->items[i];
  if (!tn_item_is_private(item) || item->n_fetches) return false;
  for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
    if (!in_island(c, c->old->edges[e].to)) return false;
  }
  return item->n_edges > 0;
}

/* The items: islands stand where their first member stood. */
static tn_error *place_items(condenser *c, int n_islands) {
  const tn_subgraph *old = c->old;
  tn_subgraph *made = c->made;
  made->items = tn_calloc((size_t)old->n_items + 1, sizeof *made->items);
  made->islands = tn_calloc((size_t)n_islands + 1, sizeof *made->islands);
  int *first = tn_malloc(((size_t)n_islands + 1) * sizeof *first);
  if (!made->items || !made->islands || !first) {
    tn_free(first);
    return tn_out_of_memory();
  }
  memset(first, -1, ((size_t)n_islands + 1) * sizeof *first);
  made->n_islands = n_islands;
  made->n_feeds = old->n_feeds;
  made->blocking = old->blocking;
  made->control_flow = old->control_flow;
  made->refs = old->refs;
  made->aliases = old->aliases;
  tn_error *error = NULL;
  for (int i = 0; i < old->n_items && !error; i++) {
    int island = c->island[i];
    c->place[i] = -1;
    if (vanishes(c, i)) continue;
    if (island >= 0 && first[island] >= 0) {
      c->place[i] = first[island];
    } else {
      c->place[i] = made->n_items;
      tn_item *item = &made->items[made->n_items++];
      *item = old->items[i];
      item->frame = -1;
      item->child_frame = -1;
      item->n_edges = item->n_fetches = item->n_controls = 0;
      if (island >= 0) {
        first[island] = c->place[i];
        *item = (tn_item){.node = item->node, .kind = TN_ITEM_ISLAND, .frame = -1, .child_frame = -1};
        item->island = &made->islands[island];
        item->derefs = old->aliases;
        error = tn_map_new(&made->islands[island].nodes);
      }
    }
    if (island >= 0 && !error) {
      error = tn_map_put_u64(made->islands[island].nodes, (uintptr_t)old->items[i].node, (void *)old->items[i].node);
    }
  }
  tn_free(first);
  return error;
}

static void put_edge(condenser *c, int from, tn_edge edge) { c->edges[c->made->n_edges++] = (tn_raw_edge){from, edge}; }

static tn_error *condense_control(condenser *c, int from, int to) {
  int key[2] = {c->place[from], c->place[to]};
  if (key[0] == key[1]) return NULL;
  if (in_island(c, from) || in_island(c, to)) {
    if (tn_map_get(c->controls, key, sizeof key)) return NULL;
    TN_TRY(tn_map_set(c->controls, key, sizeof key, c, NULL));
  }
  put_edge(c, key[0], (tn_edge){-1, key[1], -1});
  c->made->items[key[1]].n_controls++;
  return NULL;
}

static tn_error *condense_edge(condenser *c, int from, const tn_edge *edge) {
  int to = edge->to, output = 0, input = edge->to_input;
  if (in_island(c, to) && (c->island[from] == c->island[to] || tn_item_is_private(&c->old->items[from]))) return NULL;
  bool known = in_island(c, to) && tn_item_is_constant(&c->old->items[from]);
  if (edge->to_input < 0 || known) return condense_control(c, from, to);
  TN_TRY(export(c, from, edge->from_output, &output));
  if (in_island(c, to)) {
    tn_island *island = &c->made->islands[c->island[to]];
    bool is_new = false;
    TN_TRY(find_or_add(&island->inputs, &island->n_inputs, &c->capacity[2 * c->island[to]],
                       output_of(c, from, edge->from_output), &input, &is_new));
    if (!is_new) return NULL;
  }
  put_edge(c, c->place[from], (tn_edge){output, c->place[to], input});
  return NULL;
}

static tn_error *condense_fetches(condenser *c) {
  const tn_subgraph *old = c->old;
  tn_subgraph *made = c->made;
  int total = 0;
  for (int i = 0; i < old->n_items; i++) {
    total += old->items[i].n_fetches;
    if (old->items[i].n_fetches) made->items[c->place[i]].n_fetches += old->items[i].n_fetches;
  }
  made->fetches = tn_malloc(((size_t)total + 1) * sizeof *made->fetches);
  if (!made->fetches) return tn_out_of_memory();
  int at = 0;
  for (int i = 0; i < made->n_items; i++) {
    made->items[i].first_fetch = at;
    at += made->items[i].n_fetches;
    made->items[i].n_fetches = 0;
  }
  for (int i = 0; i < old->n_items; i++) {
    for (int k = old->items[i].first_fetch; k < old->items[i].first_fetch + old->items[i].n_fetches; k++) {
      tn_item *item = &made->items[c->place[i]];
      tn_fetch_of *fetch = &made->fetches[item->first_fetch + item->n_fetches++];
      fetch->fetch = old->fetches[k].fetch;
      TN_TRY(export(c, i, old->fetches[k].output, &fetch->output));
    }
  }
  return NULL;
}

static tn_error *condense(condenser *c, int n_islands) {
  const tn_subgraph *old = c->old;
  c->place = tn_malloc(((size_t)old->n_items + 1) * sizeof *c->place);
  c->edges = tn_malloc(((size_t)old->n_edges + 1) * sizeof *c->edges);
  c->capacity = tn_calloc(2 * (size_t)n_islands + 2, sizeof *c->capacity);
  if (!c->place || !c->edges || !c->capacity) return tn_out_of_memory();
  TN_TRY(tn_map_new(&c->controls));
  TN_TRY(place_items(c, n_islands));
  for (int i = 0; i < old->n_items; i++) {
    const tn_item *item = &old->items[i];
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      TN_TRY(condense_edge(c, i, &old->edges[e]));
    }
  }
  TN_TRY(condense_fetches(c));
  for (int i = 0; i < c->made->n_items; i++) {
    tn_item *item = &c->made->items[i];
    if (item->kind != TN_ITEM_ISLAND) continue;
    item->n_inputs = item->island->n_inputs;
    item->n_outputs = item->island->n_outputs;
  }
  TN_TRY(tn_subgraph_set_edges(c->made, c->edges));
  return tn_find_frames(c->made);
}

tn_error *tn_subgraph_condense(const tn_subgraph *subgraph, tn_subgraph **out) {
  int *island = NULL, n = 0;
  TN_TRY(tn_find_islands(subgraph, &island, &n));
  condenser c = {.old = subgraph, .made = tn_calloc(1, sizeof(tn_subgraph)), .island = island};
  tn_error *error = c.made ? condense(&c, n) : tn_out_of_memory();
  tn_map_free(c.controls);
  tn_free(c.place);
  tn_free(c.edges);
  tn_free(c.capacity);
  tn_free(island);
  if (error) {
    tn_subgraph_free(c.made);
    return error;
  }
  *out = c.made;
  return NULL;
}
