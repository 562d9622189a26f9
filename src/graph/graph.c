/* Graphs: life, the table of nodes, edges between nodes that exist. */
#include <string.h>

#include "base/thread.h"
#include "graph/attr_arena.h"
#include "graph/function.h"
#include "graph/graph_internal.h"

tn_error *tn_mutex_init_recursive(pthread_mutex_t *mutex) {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes) != 0) return tn_out_of_memory();
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  int failed = pthread_mutex_init(mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return failed ? tn_out_of_memory() : NULL;
}

/* LIBRARY NULL: a new one. */
static tn_error *new_graph(tn_library *library, tn_graph **out) {
  tn_graph *graph = tn_calloc(1, sizeof *graph);
  if (!graph) return tn_out_of_memory();
  tn_error *error = tn_mutex_init_recursive(&graph->mutex);
  if (error) {
    tn_free(graph);
    return error;
  }
  atomic_init(&graph->refs, 1);
  graph->producer = TN_GRAPH_DEF_VERSION;
  graph->library = library;
  graph->borrows_library = library != NULL;
  error = tn_arena_new(&graph->arena);
  if (!error) error = tn_map_new(&graph->nodes);
  if (!error) error = tn_map_new(&graph->names);
  if (!error) error = tn_map_new(&graph->gradients);
  if (!error && !library) error = tn_library_new(&graph->library);
  if (error) {
    tn_graph_free(graph);
    return error;
  }
  *out = graph;
  return NULL;
}

tn_error *tn_graph_new(tn_graph **out) { return new_graph(NULL, out); }
tn_error *tn_graph_new_in(tn_library *library, tn_graph **out) { return new_graph(library, out); }

tn_graph *tn_graph_ref(tn_graph *graph) {
  atomic_fetch_add_explicit(&graph->refs, 1, memory_order_relaxed);
  return graph;
}

static void drop_node(tn_node *node) {
  for (int i = 0; i < node->n_attrs; i++) tn_attr_drop_tensors(&node->attrs[i].value);
}

void tn_graph_free(tn_graph *graph) {
  if (!graph || atomic_fetch_sub_explicit(&graph->refs, 1, memory_order_acq_rel) > 1) return;
  for (size_t i = 0; i < tn_graph_n_nodes(graph); i++) drop_node(tn_graph_node(graph, i));
  for (int i = 0; i < TN_GRAPH_BLOCKS; i++) tn_free(atomic_load(&graph->blocks[i]));
  tn_graph_free_scopes(graph);
  if (!graph->borrows_library) tn_library_unref(graph->library);
  if (graph->nodes) tn_map_free(graph->nodes);
  if (graph->names) tn_map_free(graph->names);
  if (graph->gradients) tn_map_free(graph->gradients);
  if (graph->arena) tn_arena_free(graph->arena);
  pthread_mutex_destroy(&graph->mutex);
  tn_free(graph);
}

/* The lock guards what is behind the pointer, so a caller that only looks may take it as well. */
void tn_graph_lock(const tn_graph *graph) { tn_lock(&((tn_graph *)graph)->mutex); }
void tn_graph_unlock(const tn_graph *graph) { tn_unlock(&((tn_graph *)graph)->mutex); }

uint64_t tn_graph_version(const tn_graph *graph) { return atomic_load_explicit(&graph->version, memory_order_acquire); }

void tn_graph_changed(tn_graph *graph) { atomic_fetch_add_explicit(&graph->version, 1, memory_order_acq_rel); }

/* --- the table of nodes --- */

/* Splits id I into a block and a place in it. */
static int find_block(size_t i, size_t *place) {
  int block = 63 - __builtin_clzll((unsigned long long)(i / TN_GRAPH_FIRST_BLOCK + 1));
  *place = i - (((size_t)TN_GRAPH_FIRST_BLOCK << block) - TN_GRAPH_FIRST_BLOCK);
  return block;
}

size_t tn_graph_n_nodes(const tn_graph *graph) { return atomic_load_explicit(&graph->n_nodes, memory_order_acquire); }

tn_node *tn_graph_node(const tn_graph *graph, size_t i) {
  if (i >= tn_graph_n_nodes(graph)) return NULL;
  size_t place;
  int block = find_block(i, &place);
  return atomic_load_explicit(&graph->blocks[block], memory_order_acquire)[place];
}

static tn_error *append_locked(tn_graph *graph, tn_node *node) {
  size_t n = tn_graph_n_nodes(graph), place;
  int block = find_block(n, &place);
  if (block >= TN_GRAPH_BLOCKS) return tn_errorf(TN_RESOURCE_EXHAUSTED, "the graph has too many nodes");
  tn_node **nodes = atomic_load_explicit(&graph->blocks[block], memory_order_relaxed);
  if (!nodes) {
    nodes = tn_calloc((size_t)TN_GRAPH_FIRST_BLOCK << block, sizeof *nodes);
    if (!nodes) return tn_out_of_memory();
    atomic_store_explicit(&graph->blocks[block], nodes, memory_order_release);
  }
  TN_TRY(tn_map_put(graph->nodes, node->name, node));
  node->id = (int)n;
  nodes[place] = node;
  atomic_store_explicit(&graph->n_nodes, n + 1, memory_order_release);
  tn_graph_changed(graph);
  return NULL;
}

tn_error *tn_graph_append(tn_graph *graph, tn_node *node) {
  tn_graph_lock(graph);
  tn_error *error = append_locked(graph, node);
  tn_graph_unlock(graph);
  return error;
}

void tn_graph_truncate(tn_graph *graph, size_t n) {
  tn_graph_lock(graph);
  for (size_t i = tn_graph_n_nodes(graph); i > n; i--) {
    tn_node *node = tn_graph_node(graph, i - 1);
    tn_map_remove(graph->nodes, node->name, strlen(node->name));
    drop_node(node);
  }
  atomic_store_explicit(&graph->n_nodes, n, memory_order_release);
  tn_graph_changed(graph);
  tn_graph_unlock(graph);
}

tn_node *tn_graph_find(const tn_graph *graph, const char *name) {
  tn_graph_lock(graph);
  tn_node *node = tn_map_find(graph->nodes, name);
  tn_graph_unlock(graph);
  return node;
}

/* Splits "name:12" at the colon; false for "name:" and "name:x". */
static bool split_index(const char *name, size_t *size, int *index) {
  const char *colon = strrchr(name, ':');
  *size = colon ? (size_t)(colon - name) : strlen(name);
  *index = 0;
  if (!colon) return true;
  if (!colon[1]) return false;
  for (const char *p = colon + 1; *p; p++) {
    if (*p < '0' || *p > '9' || *index > 100000000) return false;
    *index = *index * 10 + (*p - '0');
  }
  return true;
}

tn_error *tn_graph_find_output(const tn_graph *graph, const char *name, tn_output *out) {
  if (name[0] == '^') {
    tn_node *node = tn_graph_find(graph, name + 1);
    if (!node) return tn_errorf(TN_NOT_FOUND, "the graph has no operation '%.300s'", name + 1);
    *out = (tn_output){node, -1};
    return NULL;
  }
  size_t size;
  int index;
  if (!split_index(name, &size, &index)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "'%.300s' is not the name of a tensor: expected name:number", name);
  }
  tn_graph_lock(graph);
  tn_node *node = tn_map_get(graph->nodes, name, size);
  tn_graph_unlock(graph);
  if (!node) return tn_errorf(TN_NOT_FOUND, "the graph has no tensor '%.300s'", name);
  if (index >= node->n_outputs) {
    return tn_errorf(TN_NOT_FOUND, "the graph has no tensor '%.300s': %s '%s' has %d outputs", name, node->op->name,
                     node->name, node->n_outputs);
  }
  *out = (tn_output){node, index};
  return NULL;
}

/* --- edges between nodes that exist --- */

static bool is_op(const tn_node *node, const char *name, const char *ref_name) {
  return strcmp(node->op->name, name) == 0 || strcmp(node->op->name, ref_name) == 0;
}

tn_error *tn_graph_set_back_edge(tn_graph *graph, tn_node *node, int input, tn_output value) {
  if (!node || node->graph != graph || !value.node || value.node->graph != graph) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a back edge must join nodes of one graph");
  }
  if (!is_op(node, "Merge", "RefMerge") || !is_op(value.node, "NextIteration", "RefNextIteration")) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "a back edge goes from a NextIteration to a Merge, not from %s '%s'", value.node->op->name,
                          value.node->name);
  }
  if (input < 0 || input >= node->n_inputs || value.index != 0) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "no input %d or no output %d of '%s'", input, value.index,
                          value.node->name);
  }
  if (is_op(node->inputs[input].node, "NextIteration", "RefNextIteration")) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "input %d has its back edge already, from '%s'", input,
                          node->inputs[input].node->name);
  }
  tn_dtype type = value.node->output_types[0];
  if (tn_dtype_base(type) != tn_dtype_base(node->input_types[input])) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the back edge from '%s' brings %s, expected %s", value.node->name,
                          tn_dtype_name(type), tn_dtype_name(node->input_types[input]));
  }
  tn_graph_lock(graph);
  node->inputs[input] = value;
  tn_graph_changed(graph);
  tn_graph_unlock(graph);
  return NULL;
}

/* One step of the search below: visits FROM unless it was seen. */
static void visit(tn_node *from, uint8_t *seen, tn_node **stack, size_t *n) {
  if (seen[from->id]) return;
  seen[from->id] = 1;
  stack[(*n)++] = from;
}

/* Whether NODE runs after TARGET in one iteration: a search against the edges, but not along back edges of loops. */
static tn_error *depends_on(const tn_graph *graph, tn_node *node, const tn_node *target, bool *out) {
  size_t n_nodes = tn_graph_n_nodes(graph), n = 0;
  uint8_t *seen = tn_calloc(n_nodes, 1);
  tn_node **stack = tn_calloc(n_nodes, sizeof *stack);
  if (!seen || !stack) {
    tn_free(seen);
    tn_free(stack);
    return tn_out_of_memory();
  }
  visit(node, seen, stack, &n);
  while (n > 0) {
    const tn_node *at = stack[--n];
    bool merge = is_op(at, "Merge", "RefMerge");
    for (int i = 0; i < at->n_inputs; i++) {
      tn_node *from = at->inputs[i].node;
      if (merge && is_op(from, "NextIteration", "RefNextIteration")) continue;
      visit(from, seen, stack, &n);
    }
    for (int i = 0; i < at->n_controls; i++) visit(at->controls[i], seen, stack, &n);
  }
  *out = seen[target->id];
  tn_free(seen);
  tn_free(stack);
  return NULL;
}

static bool has_control(const tn_node *node, const tn_node *before) {
  for (int i = 0; i < node->n_controls; i++) {
    if (node->controls[i] == before) return true;
  }
  return false;
}

static tn_error *join_locked(tn_graph *graph, tn_node *before, tn_node *after) {
  tn_node **controls = tn_arena_alloc(graph->arena, (size_t)(after->n_controls + 1) * sizeof *controls);
  if (!controls) return tn_out_of_memory();
  for (int i = 0; i < after->n_controls; i++) controls[i] = after->controls[i];
  controls[after->n_controls] = before;
  after->controls = controls;
  after->n_controls++;
  tn_graph_changed(graph);
  return NULL;
}

tn_error *tn_graph_join(tn_graph *graph, tn_node *before, tn_node *after) {
  tn_graph_lock(graph);
  tn_error *error = has_control(after, before) ? NULL : join_locked(graph, before, after);
  tn_graph_unlock(graph);
  return error;
}

static tn_error *add_control_locked(tn_graph *graph, tn_node *before, tn_node *after) {
  if (has_control(after, before)) return NULL;
  bool cycle;
  TN_TRY(depends_on(graph, before, after, &cycle));
  if (cycle) {
    return tn_node_errorf(after, TN_INVALID_ARGUMENT, "a control edge from '%s' would close a cycle", before->name);
  }
  return join_locked(graph, before, after);
}

tn_error *tn_graph_add_control(tn_graph *graph, tn_node *before, tn_node *after) {
  if (!before || !after || before->graph != graph || after->graph != graph) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a control edge must join nodes of one graph");
  }
  tn_graph_lock(graph);
  tn_error *error = add_control_locked(graph, before, after);
  tn_graph_unlock(graph);
  return error;
}
