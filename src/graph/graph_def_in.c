/* GraphDef in: connects the nodes, orders them, and adds them to a graph, all or none. */
#include "graph/graph_def_in.h"

#include <string.h>

#include "graph/attr_arena.h"
#include "graph/function.h"

/* --- inputs --- */

/* Splits "name:argument:2", as the bodies of functions have it. */
static bool split_argument(tn_arena *arena, tn_import_edge *edge, const char *colon) {
  const char *first = strchr(edge->text, ':');
  size_t size = (size_t)(colon - first);
  edge->name = tn_arena_strndup(arena, edge->text, (size_t)(first - edge->text));
  edge->arg = tn_arena_strndup(arena, first + 1, size > 0 ? size - 1 : 0);
  return edge->name && edge->arg && edge->name[0];
}

/* Splits "name:2", "name" or "^name"; false for what is none of them. */
static bool split_input(tn_arena *arena, bool function, tn_import_edge *edge) {
  const char *text = edge->text;
  if (text[0] == '^') {
    edge->index = -1;
    edge->name = text + 1;
    return edge->name[0] != 0;
  }
  const char *colon = strrchr(text, ':');
  edge->index = 0;
  edge->name = text;
  if (!colon) return text[0] != 0;
  if (!colon[1] || colon == text) return false;
  for (const char *p = colon + 1; *p; p++) {
    if (*p < '0' || *p > '9' || edge->index > 100000000) return false;
    edge->index = edge->index * 10 + (*p - '0');
  }
  if (function) return split_argument(arena, edge, colon);
  edge->name = tn_arena_strndup(arena, text, (size_t)(colon - text));
  return edge->name != NULL;
}

tn_error *tn_import_output(const tn_import *import, const tn_import_edge *edge, tn_output *out) {
  tn_node *node = import->nodes[edge->from].node;
  *out = (tn_output){node, edge->index};
  if (!edge->arg) return NULL;
  int first = 0;
  for (int i = 0; i < node->schema->n_outputs; i++) {
    const tn_arg_def *arg = &node->schema->outputs[i];
    int count = tn_node_arg_count(node, arg);
    if (strcmp(arg->name, edge->arg) == 0 && edge->index < count) {
      out->index = first + edge->index;
      return NULL;
    }
    first += count;
  }
  return tn_errorf(TN_INVALID_ARGUMENT, "its input '%.200s' does not exist", edge->text);
}

static bool same_tensor(const tn_import_edge *a, const tn_import_edge *b) {
  return a->index == b->index && strcmp(a->name, b->name) == 0;
}

static tn_error *connect(tn_import *import, tn_import_edge *edge, const tn_import_edge *map) {
  if (!split_input(import->arena, import->function, edge)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "'%.200s' is not the name of an input", edge->text);
  }
  for (size_t i = 0; i < import->options->n_inputs; i++) {
    if (!same_tensor(edge, &map[i])) continue;
    edge->replaced = import->options->inputs[i];
    return NULL;
  }
  uintptr_t found = (uintptr_t)tn_map_find(import->names, edge->name);
  tn_node *there = !found && import->options->extends ? tn_graph_find(import->graph, edge->name) : NULL;
  if (there && edge->index < there->n_outputs) {
    edge->replaced = (tn_output){there, edge->index};
    return NULL;
  }
  if (!found) return tn_errorf(TN_INVALID_ARGUMENT, "its input '%.200s' does not exist", edge->text);
  edge->from = (int)(found - 1);
  return NULL;
}

static bool is_op(const char *op, const char *name, const char *ref_name) {
  return strcmp(op, name) == 0 || strcmp(op, ref_name) == 0;
}

bool tn_import_is_back_edge(const tn_import *import, const tn_import_node *node, const tn_import_edge *edge) {
  return edge->from >= 0 && edge->index >= 0 && is_op(node->op, "Merge", "RefMerge") &&
         is_op(import->nodes[edge->from].op, "NextIteration", "RefNextIteration");
}

static tn_error *connect_node(tn_import *import, tn_import_node *node, const tn_import_edge *map) {
  bool controls = false;
  for (size_t i = 0; i < node->n_inputs; i++) {
    tn_import_edge *edge = &node->inputs[i];
    TN_TRY(connect(import, edge, map));
    if (controls && edge->index >= 0) {
      return tn_errorf(TN_INVALID_ARGUMENT, "the data input '%.200s' comes after a control input", edge->text);
    }
    controls = edge->index < 0;
    if (edge->from >= 0 && !tn_import_is_back_edge(import, node, edge)) node->pending++;
  }
  return NULL;
}

/* The replaced inputs, split; each must be there. */
static tn_error *read_input_map(tn_import *import, tn_import_edge **out) {
  const tn_import_options *options = import->options;
  tn_import_edge *map = tn_arena_alloc(import->arena, (options->n_inputs + 1) * sizeof *map);
  if (!map) return tn_out_of_memory();
  for (size_t i = 0; i < options->n_inputs; i++) {
    map[i].text = options->input_names[i];
    const tn_node *node = options->inputs[i].node;
    if (!split_input(import->arena, import->function, &map[i])) {
      return tn_errorf(TN_INVALID_ARGUMENT, "'%.200s' is not the name of an input to replace", map[i].text);
    }
    bool exists = node && node->graph == import->graph && options->inputs[i].index < node->n_outputs;
    if (!exists || (map[i].index < 0) != (options->inputs[i].index < 0)) {
      return tn_errorf(TN_INVALID_ARGUMENT, "what replaces input '%.200s' is not such a thing of this graph",
                       map[i].text);
    }
  }
  *out = map;
  return NULL;
}

/* A replacement for something that the GraphDef neither has nor uses is a mistake. */
static tn_error *check_used(const tn_import *import, const tn_import_edge *replacement) {
  if (tn_map_find(import->names, replacement->name)) return NULL;
  for (size_t i = 0; i < import->n; i++) {
    for (size_t j = 0; j < import->nodes[i].n_inputs; j++) {
      if (same_tensor(&import->nodes[i].inputs[j], replacement)) return NULL;
    }
  }
  return tn_errorf(TN_INVALID_ARGUMENT, "the GraphDef has no '%.200s' to replace", replacement->text);
}

tn_error *tn_import_connect(tn_import *import) {
  tn_import_edge *map;
  TN_TRY(read_input_map(import, &map));
  for (size_t i = 0; i < import->n; i++) {
    tn_import_node *node = &import->nodes[i];
    TN_TRY(tn_error_context(connect_node(import, node, map), "%s '%s'", node->op, node->name));
  }
  for (size_t i = 0; i < import->options->n_inputs && !import->function; i++) TN_TRY(check_used(import, &map[i]));
  return NULL;
}

/* --- order: of the nodes that are ready always the one that comes first in the GraphDef --- */

typedef struct ready {
  size_t n;
  size_t *heap;        /* numbers, the smallest first */
  size_t *first, *all; /* the nodes that use node I are all[first[i]] to all[first[i + 1] - 1] */
} ready;

static void push(ready *r, size_t value) {
  size_t at = r->n++;
  for (; at > 0 && r->heap[(at - 1) / 2] > value; at = (at - 1) / 2) r->heap[at] = r->heap[(at - 1) / 2];
  r->heap[at] = value;
}

static size_t pop(ready *r) {
  size_t top = r->heap[0], value = r->heap[--r->n], at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= r->n) break;
    if (child + 1 < r->n && r->heap[child + 1] < r->heap[child]) child++;
    if (r->heap[child] >= value) break;
    r->heap[at] = r->heap[child];
    at = child;
  }
  r->heap[at] = value;
  return top;
}

static bool is_wait(const tn_import *import, const tn_import_node *node, const tn_import_edge *edge) {
  return edge->from >= 0 && !tn_import_is_back_edge(import, node, edge);
}

static tn_error *find_users(const tn_import *import, ready *r) {
  r->heap = tn_arena_alloc(import->arena, (import->n + 1) * sizeof *r->heap);
  r->first = tn_arena_alloc(import->arena, (import->n + 2) * sizeof *r->first);
  if (!r->heap || !r->first) return tn_out_of_memory();
  size_t total = 0;
  for (size_t i = 0; i < import->n; i++) {
    const tn_import_node *node = &import->nodes[i];
    for (size_t j = 0; j < node->n_inputs; j++) {
      if (!is_wait(import, node, &node->inputs[j])) continue;
      r->first[node->inputs[j].from + 2]++;
      total++;
    }
  }
  r->all = tn_arena_alloc(import->arena, (total + 1) * sizeof *r->all);
  if (!r->all) return tn_out_of_memory();
  /* first[i + 1] is where the users of I begin until they are all in place; then it is where they end. */
  for (size_t i = 2; i <= import->n; i++) r->first[i] += r->first[i - 1];
  for (size_t i = 0; i < import->n; i++) {
    const tn_import_node *node = &import->nodes[i];
    for (size_t j = 0; j < node->n_inputs; j++) {
      if (is_wait(import, node, &node->inputs[j])) r->all[r->first[node->inputs[j].from + 1]++] = i;
    }
  }
  return NULL;
}

static tn_error *add_all(tn_import *import) {
  ready r = {0};
  size_t added = 0;
  TN_TRY(find_users(import, &r));
  for (size_t i = 0; i < import->n; i++) {
    if (import->nodes[i].pending == 0) push(&r, i);
  }
  for (; r.n > 0; added++) {
    size_t i = pop(&r);
    TN_TRY(tn_import_add(import, i));
    for (size_t j = r.first[i]; j < r.first[i + 1]; j++) {
      if (--import->nodes[r.all[j]].pending == 0) push(&r, r.all[j]);
    }
  }
  for (size_t i = 0; added < import->n && i < import->n; i++) {
    const tn_import_node *node = &import->nodes[i];
    if (node->node) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "%s '%s' is part of a cycle, or waits for one", node->op, node->name);
  }
  return NULL;
}

/* Now that all nodes are there, the back edges of loops. */
static tn_error *close_loops(tn_import *import) {
  for (size_t i = 0; i < import->n; i++) {
    const tn_import_node *node = &import->nodes[i];
    for (size_t j = 0; j < node->n_inputs; j++) {
      const tn_import_edge *edge = &node->inputs[j];
      if (!tn_import_is_back_edge(import, node, edge)) continue;
      tn_output value;
      TN_TRY(tn_import_output(import, edge, &value));
      TN_TRY(tn_graph_set_back_edge(import->graph, node->node, (int)j, value));
    }
  }
  return NULL;
}

/* --- the whole --- */

static tn_error *take_names(tn_import *import) {
  for (size_t i = 0; i < import->n; i++) {
    TN_TRY(tn_graph_take_name(import->graph, NULL, import->nodes[i].node->name));
  }
  return NULL;
}

tn_error *tn_import_nodes(tn_import *import) {
  TN_TRY(tn_import_connect(import));
  TN_TRY(add_all(import));
  TN_TRY(close_loops(import));
  return take_names(import);
}

static tn_error *import_locked(tn_import *import, const char *def, size_t size) {
  TN_TRY(tn_import_read(import, def, size));
  /* Functions first: nodes may be calls of them. */
  if (import->library) TN_TRY(tn_library_import(import->graph->library, import->library, import->library_size));
  TN_TRY(tn_import_nodes(import));
  tn_graph *graph = import->graph;
  bool alone = tn_graph_n_nodes(graph) == import->n;
  if (alone || import->producer < graph->producer) graph->producer = import->producer;
  if (import->min_consumer > graph->min_consumer) graph->min_consumer = import->min_consumer;
  return NULL;
}

static tn_error *make_prefix(tn_import *import) {
  const char *prefix = import->options->prefix;
  size_t size = prefix ? strlen(prefix) : 0;
  while (size > 0 && prefix[size - 1] == '/') size--;
  char *copy = tn_arena_alloc(import->arena, size + 2);
  if (!copy) return tn_out_of_memory();
  if (size > 0) {
    memcpy(copy, prefix, size);
    copy[size] = '/';
    if (!tn_name_valid(copy)) return tn_errorf(TN_INVALID_ARGUMENT, "'%.200s' is not a valid prefix", prefix);
  }
  import->prefix = copy;
  return NULL;
}

tn_error *tn_graph_import(tn_graph *graph, const char *def, size_t size, const tn_import_options *options) {
  static const tn_import_options none = {0};
  tn_import import = {.graph = graph, .options = options ? options : &none};
  TN_TRY(tn_arena_new(&import.arena));
  tn_graph_lock(graph);
  size_t before = tn_graph_n_nodes(graph);
  tn_error *error = tn_map_new(&import.names);
  if (!error) error = make_prefix(&import);
  if (!error) error = import_locked(&import, def, size);
  if (error && tn_graph_n_nodes(graph) > before) tn_graph_truncate(graph, before);
  tn_graph_unlock(graph);
  if (import.names) tn_map_free(import.names);
  tn_arena_free(import.arena);
  return tn_error_context(error, "GraphDef");
}
