/* Finding islands. Items are grouped by their loop, by what decides whether they are dead, by what they wait for, and
 * by how many items that must run alone lie before them. A path that leaves such a group can't come back: it would pass
 * an item that runs alone, which raises the count, or one that more conditions decide, which its successors inherit. */
#include "compile/islands.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

#define SMALLEST 4 /* items that an island is worth having for */

/* A set of conditions, sorted. Equal sets are one object. */
typedef struct condition_set {
  int n;
  int atoms[];
} condition_set;

typedef struct finder {
  const tn_subgraph *g;
  tn_arena *arena;
  tn_map *atoms; /* what decides -> number, from 1 */
  tn_map *sets;  /* the atoms -> condition_set */
  const condition_set *empty;
  const condition_set **of; /* per item: what decides whether it is dead */
  int *level;
  int *order;      /* items, each after what it takes, back edges left out */
  tn_raw_edge *in; /* edges by the item that they enter: TO holds that, FROM the other */
  int *first_in;
} finder;

/* --- sets --- */

static tn_error *intern(finder *f, int n, const int *atoms, const condition_set **out) {
  const condition_set *found = n ? tn_map_get(f->sets, atoms, (size_t)n * sizeof *atoms) : f->empty;
  if (!found) {
    condition_set *made = tn_arena_alloc(f->arena, sizeof *made + (size_t)n * sizeof *atoms);
    if (!made) return tn_out_of_memory();
    made->n = n;
    memcpy(made->atoms, atoms, (size_t)n * sizeof *atoms);
    TN_TRY(tn_map_set(f->sets, atoms, (size_t)n * sizeof *atoms, made, NULL));
    found = made;
  }
  *out = found;
  return NULL;
}

/* The union of two sets; LEAVE_OUT, an atom or 0, is not in it. */
static tn_error *unite(finder *f, const condition_set *a, const condition_set *b, int leave_out,
                       const condition_set **out) {
  if (a == b && !leave_out) {
    *out = a;
    return NULL;
  }
  int *atoms = tn_malloc(((size_t)a->n + (size_t)b->n + 1) * sizeof *atoms);
  if (!atoms) return tn_out_of_memory();
  int n = 0;
  for (int i = 0, k = 0; i < a->n || k < b->n;) {
    int next = k == b->n || (i < a->n && a->atoms[i] <= b->atoms[k]) ? a->atoms[i] : b->atoms[k];
    if (i < a->n && a->atoms[i] == next) i++;
    if (k < b->n && b->atoms[k] == next) k++;
    if (next != leave_out) atoms[n++] = next;
  }
  tn_error *error = intern(f, n, atoms, out);
  tn_free(atoms);
  return error;
}

/* What an atom stands for. */
typedef struct atom_key {
  int kind; /* 0: branch C of the predicate that is output B of item A; 1: loop A runs; 2: loop A has ended; 3: Merge A;
             * 4: A, which may have to wait, has run: who comes after it must not keep others waiting, since one of
             * these may be what A waits for */
  int a, b, c;
} atom_key;

static tn_error *with_atom(finder *f, const condition_set *set, atom_key key, const condition_set **out) {
  intptr_t atom = (intptr_t)tn_map_get(f->atoms, &key, sizeof key);
  if (!atom) {
    atom = (intptr_t)tn_map_size(f->atoms) + 1;
    TN_TRY(tn_map_set(f->atoms, &key, sizeof key, (void *)atom, NULL));
  }
  int number = (int)atom;
  const condition_set *one = NULL;
  TN_TRY(intern(f, 1, &number, &one));
  return unite(f, set, one, 0, out);
}

/* The conditions of output OUTPUT of item I: a Switch's outputs differ. */
static tn_error *conditions_of(finder *f, int i, int output, const condition_set **out) {
  const tn_item *item = &f->g->items[i];
  *out = f->of[i];
  if (item->kind != TN_ITEM_SWITCH || output < 0) return NULL;
  for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
    if (f->in[e].edge.to_input == 1) {
      return with_atom(f, f->of[i], (atom_key){0, f->in[e].from, f->in[e].edge.from_output, output}, out);
    }
  }
  return NULL;
}

/* --- conditions and levels along the order --- */

/* A Merge of the two branches of one condition is as alive as that condition was. */
static tn_error *merge_conditions(finder *f, int i, const condition_set **out) {
  const condition_set *a = NULL, *b = NULL;
  for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
    const tn_raw_edge *edge = &f->in[e];
    if (edge->edge.to_input > 1) return with_atom(f, f->empty, (atom_key){3, i, 0, 0}, out);
    if (edge->edge.to_input == 0) TN_TRY(conditions_of(f, edge->from, edge->edge.from_output, &a));
    if (edge->edge.to_input == 1) TN_TRY(conditions_of(f, edge->from, edge->edge.from_output, &b));
  }
  for (int x = 0; a && b && a->n == b->n && x < a->n; x++) {
    const condition_set *left = NULL, *right = NULL;
    TN_TRY(unite(f, a, a, a->atoms[x], &left));
    for (int y = 0; y < b->n; y++) {
      TN_TRY(unite(f, b, b, b->atoms[y], &right));
      if (left == right && a->atoms[x] != b->atoms[y]) {
        *out = left;
        return NULL;
      }
    }
  }
  return with_atom(f, f->empty, (atom_key){3, i, 0, 0}, out);
}

static bool is_loop_merge(const finder *f, int i) {
  for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
    if (f->g->items[f->in[e].from].kind == TN_ITEM_NEXT_ITERATION) return true;
  }
  return false;
}

static tn_error *find_conditions(finder *f, int i) {
  const tn_item *item = &f->g->items[i];
  const condition_set *set = f->empty;
  if (item->kind == TN_ITEM_EXIT) return with_atom(f, f->empty, (atom_key){2, item->frame, 0, 0}, &f->of[i]);
  if (item->kind == TN_ITEM_MERGE && is_loop_merge(f, i)) {
    return with_atom(f, f->empty, (atom_key){1, item->frame, 0, 0}, &f->of[i]);
  }
  if (item->kind == TN_ITEM_MERGE) return merge_conditions(f, i, &f->of[i]);
  if (item->kind == TN_ITEM_TRIGGER) return with_atom(f, f->empty, (atom_key){3, i, 0, 0}, &f->of[i]);
  for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
    const condition_set *from = NULL;
    const tn_item *producer = &f->g->items[f->in[e].from];
    if (producer->kind == TN_ITEM_ENTER && f->in[e].edge.from_output >= 0) {
      TN_TRY(with_atom(f, f->empty, (atom_key){1, producer->child_frame, 0, 0}, &from));
    } else {
      TN_TRY(conditions_of(f, f->in[e].from, f->in[e].edge.from_output, &from));
    }
    if (producer->blocking) TN_TRY(with_atom(f, from, (atom_key){4, f->in[e].from, 0, 0}, &from));
    TN_TRY(unite(f, set, from, 0, &set));
  }
  f->of[i] = set;
  return NULL;
}

/* --- which items may be in an island --- */

bool tn_item_is_constant(const tn_item *item) {
  return item->kind == TN_ITEM_KERNEL && !item->n_inputs && strcmp(item->node->op->name, "Const") == 0;
}

bool tn_item_is_private(const tn_item *item) {
  if (item->kind != TN_ITEM_KERNEL || item->n_inputs || item->n_controls) return false;
  return tn_item_is_constant(item) || tn_hands_out_handle(item->node);
}

static bool is_handle(tn_dtype dtype) { return tn_dtype_is_ref(dtype) || dtype == TN_RESOURCE; }

static bool may_join(const finder *f, int i) {
  const tn_item *item = &f->g->items[i];
  const tn_node *node = item->node;
  const uint32_t never = TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE | TN_OP_CONTROL_FLOW | TN_OP_CALLS | TN_OP_DEBUG;
  if (item->kind != TN_ITEM_KERNEL || (node->op->flags & never) || tn_item_is_private(item) || item->late) return false;
  if (item->n_inputs == 0 && !tn_item_is_constant(item)) return false;
  for (int k = 0; k < node->n_outputs; k++) {
    tn_dtype dtype = node->output_types[k];
    if (tn_dtype_is_ref(dtype)) continue;
    if (!tn_dtype_is_plain(dtype)) return false;
  }
  for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
    const tn_raw_edge *edge = &f->in[e];
    const tn_item *from = &f->g->items[edge->from];
    if (edge->edge.from_output < 0) continue;
    tn_dtype dtype = from->node->output_types[from->kind == TN_ITEM_FEED ? from->fed_output : edge->edge.from_output];
    if ((is_handle(dtype) || !tn_dtype_is_plain(dtype)) && !tn_item_is_private(from)) return false;
  }
  /* A reference that goes to somebody else would have to leave the island. */
  for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
    int output = f->g->edges[e].from_output;
    if (output >= 0 && is_handle(node->output_types[output])) return false;
  }
  for (int k = item->first_fetch; k < item->first_fetch + item->n_fetches; k++) {
    if (is_handle(node->output_types[f->g->fetches[k].output])) return false;
  }
  return true;
}

/* --- order --- */

static tn_error *index_edges(finder *f) {
  const tn_subgraph *g = f->g;
  f->first_in = tn_arena_alloc(f->arena, ((size_t)g->n_items + 2) * sizeof *f->first_in);
  f->in = tn_arena_alloc(f->arena, ((size_t)g->n_edges + 1) * sizeof *f->in);
  if (!f->first_in || !f->in) return tn_out_of_memory();
  for (int e = 0; e < g->n_edges; e++) f->first_in[g->edges[e].to + 2]++;
  for (int i = 0; i < g->n_items; i++) f->first_in[i + 2] += f->first_in[i + 1];
  for (int i = 0; i < g->n_items; i++) {
    for (int e = g->items[i].first_edge; e < g->items[i].first_edge + g->items[i].n_edges; e++) {
      f->in[f->first_in[g->edges[e].to + 1]++] = (tn_raw_edge){i, g->edges[e]};
    }
  }
  return NULL;
}

static tn_error *sort(finder *f) {
  const tn_subgraph *g = f->g;
  size_t room = (size_t)g->n_items + 1;
  int *waiting = tn_arena_alloc(f->arena, room * sizeof *waiting);
  f->order = tn_arena_alloc(f->arena, room * sizeof *f->order);
  if (!waiting || !f->order) return tn_out_of_memory();
  int n = 0;
  for (int i = 0; i < g->n_items; i++) {
    for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
      waiting[i] += g->items[f->in[e].from].kind != TN_ITEM_NEXT_ITERATION;
    }
    if (!waiting[i]) f->order[n++] = i;
  }
  for (int at = 0; at < n; at++) {
    const tn_item *item = &g->items[f->order[at]];
    if (item->kind == TN_ITEM_NEXT_ITERATION) continue;
    for (int e = item->first_edge; e < item->first_edge + item->n_edges; e++) {
      if (--waiting[g->edges[e].to] == 0) f->order[n++] = g->edges[e].to;
    }
  }
  return n == g->n_items ? NULL : tn_errorf(TN_INVALID_ARGUMENT, "the graph has a cycle that is no loop");
}

/* --- groups --- */

typedef struct group_key {
  const condition_set *set;
  int64_t frame, level;
} group_key;

/* Numbers the groups that are large enough. */
static tn_error *number(finder *f, const bool *joins, int *island, int *n) {
  tn_map *groups = NULL;
  int *sizes = tn_calloc((size_t)f->g->n_items + 2, sizeof *sizes);
  tn_error *error = sizes ? tn_map_new(&groups) : tn_out_of_memory();
  for (int i = 0; i < f->g->n_items && !error; i++) {
    island[i] = -1;
    if (!joins[i]) continue;
    group_key key = {f->of[i], f->g->items[i].frame, f->level[i]};
    intptr_t group = (intptr_t)tn_map_get(groups, &key, sizeof key);
    if (!group) {
      group = (intptr_t)tn_map_size(groups) + 1;
      error = tn_map_set(groups, &key, sizeof key, (void *)group, NULL);
    }
    island[i] = (int)group;
    sizes[group]++;
  }
  for (int group = 1; !error && group <= (int)tn_map_size(groups); group++) {
    sizes[group] = sizes[group] >= SMALLEST ? (*n)++ : -1;
  }
  for (int i = 0; i < f->g->n_items && !error; i++) island[i] = island[i] < 0 ? -1 : sizes[island[i]];
  tn_map_free(groups);
  tn_free(sizes);
  return error;
}

/* Levels within one depth of a split step. */
#define LEVELS_OF_DEPTH (1 << 16)

/* -1: it says nothing. */
static int depth_of(const tn_item *item) {
  const tn_attr *attr = tn_node_attr(item->node, TN_DEPTH_ATTR);
  bool good =
      attr && attr->kind == TN_ATTR_INT && !attr->is_list && attr->i >= 0 && attr->i < INT32_MAX / LEVELS_OF_DEPTH;
  return good ? (int)attr->i : -1;
}

/* A step that somebody else split may not say what waits for what: its parts have no islands. */
static bool all_have_depths(const tn_subgraph *g) {
  for (int i = 0; i < g->n_items; i++) {
    if (g->items[i].kind == TN_ITEM_RECV && depth_of(&g->items[i]) < 0) return false;
  }
  return true;
}

static tn_error *find(finder *f, int *island, int *n) {
  size_t room = (size_t)f->g->n_items + 1;
  TN_TRY(tn_map_new(&f->atoms));
  TN_TRY(tn_map_new(&f->sets));
  f->of = tn_arena_alloc(f->arena, room * sizeof *f->of);
  f->level = tn_arena_alloc(f->arena, room * sizeof *f->level);
  bool *joins = tn_arena_alloc(f->arena, room * sizeof *joins);
  f->empty = tn_arena_alloc(f->arena, sizeof *f->empty);
  if (!f->of || !f->level || !joins || !f->empty) return tn_out_of_memory();
  TN_TRY(index_edges(f));
  TN_TRY(sort(f));
  bool depths = all_have_depths(f->g);
  for (int at = 0; at < f->g->n_items; at++) {
    int i = f->order[at];
    TN_TRY(find_conditions(f, i));
    joins[i] = depths && may_join(f, i);
    if (f->g->items[i].kind == TN_ITEM_RECV) f->level[i] = depth_of(&f->g->items[i]) * LEVELS_OF_DEPTH;
    for (int e = f->first_in[i]; e < f->first_in[i + 1]; e++) {
      int from = f->in[e].from;
      const tn_item *item = &f->g->items[from];
      if (item->kind == TN_ITEM_NEXT_ITERATION || tn_item_is_private(item)) continue;
      int level = f->level[from] + !joins[from];
      if (level > f->level[i]) f->level[i] = level;
    }
  }
  return number(f, joins, island, n);
}

tn_error *tn_find_islands(const tn_subgraph *g, int **island, int *n) {
  finder f = {.g = g};
  int *found = tn_malloc(((size_t)g->n_items + 1) * sizeof *found);
  if (!found) return tn_out_of_memory();
  tn_error *error = tn_arena_new(&f.arena);
  *n = 0;
  if (!error) error = find(&f, found, n);
  tn_map_free(f.atoms);
  tn_map_free(f.sets);
  tn_arena_free(f.arena);
  if (error) {
    tn_free(found);
    return error;
  }
  *island = found;
  return NULL;
}
