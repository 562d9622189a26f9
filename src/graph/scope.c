/* What later nodes take up from the graph: unique names, name, device and control scopes, seeds. */
#include <ctype.h>
#include <string.h>

#include "graph/graph_internal.h"

/* The seed that stands for the graph's when only the op has one, as TensorFlow chose it. */
#define DEFAULT_GRAPH_SEED 87654321
#define MAX_SEED           2147483647

/* --- names --- */

static bool scope_char(char c) { return isalnum((unsigned char)c) || (c && strchr("_.\\/>-", c)); }

static bool valid_scope(const char *name) {
  while (scope_char(*name)) name++;
  return *name == 0;
}

bool tn_name_valid(const char *name) {
  return (isalnum((unsigned char)name[0]) || name[0] == '.') && valid_scope(name + 1);
}

/* Names that differ in case only count as the same. */
static tn_error *lower_case(const char *name, char **out) {
  char *lower = tn_strdup(name);
  if (!lower) return tn_out_of_memory();
  for (char *p = lower; *p; p++) *p = (char)tolower((unsigned char)*p);
  *out = lower;
  return NULL;
}

static uintptr_t uses_of(const tn_graph *graph, const char *key) { return (uintptr_t)tn_map_find(graph->names, key); }

const char *tn_graph_name_scope(const tn_graph *graph) {
  return graph->n_name_scopes > 0 ? graph->name_scopes[graph->n_name_scopes - 1] : "";
}

static tn_error *join_scope(const tn_graph *graph, const char *name, char **out) {
  tn_str text = {0};
  const char *scope = tn_graph_name_scope(graph);
  if (scope[0]) tn_str_addf(&text, "%s/", scope);
  tn_str_add(&text, name);
  return tn_str_take(&text, out, NULL);
}

/* The number that makes NAME (whose lower-case form is KEY) unique; 0 if it is so already. */
static tn_error *find_suffix(const tn_graph *graph, const char *key, uintptr_t *out) {
  uintptr_t i = uses_of(graph, key);
  for (; i > 0; i++) {
    tn_str text = {0};
    char *candidate;
    tn_str_addf(&text, "%s_%ju", key, (uintmax_t)i);
    TN_TRY(tn_str_take(&text, &candidate, NULL));
    bool taken = uses_of(graph, candidate) > 0;
    tn_free(candidate);
    if (!taken) break;
  }
  *out = i;
  return NULL;
}

tn_error *tn_graph_choose_name(tn_graph *graph, const char *name, tn_arena *arena, const char **out) {
  char *full, *key = NULL;
  TN_TRY(join_scope(graph, name, &full));
  uintptr_t suffix = 0;
  tn_error *error = lower_case(full, &key);
  if (!error) error = find_suffix(graph, key, &suffix);
  tn_str text = {0};
  char *unique = NULL;
  tn_str_add(&text, full);
  if (suffix > 0) tn_str_addf(&text, "_%ju", (uintmax_t)suffix);
  if (!error) error = tn_str_take(&text, &unique, NULL);
  const char *kept = error ? NULL : tn_arena_strdup(arena, unique);
  if (!error && !kept) error = tn_out_of_memory();
  if (!error) *out = kept;
  tn_str_clear(&text);
  tn_free(unique);
  tn_free(key);
  tn_free(full);
  return error;
}

/* Counts one more use of NAME; with MARK only the first one. */
static tn_error *count_use(tn_graph *graph, const char *name, bool mark) {
  char *key;
  TN_TRY(lower_case(name, &key));
  uintptr_t now = uses_of(graph, key);
  tn_error *error = mark && now > 0 ? NULL : tn_map_put(graph->names, key, (void *)(now + 1));
  tn_free(key);
  return error;
}

tn_error *tn_graph_take_name(tn_graph *graph, const char *asked, const char *name) {
  if (!asked) return count_use(graph, name, true);
  char *full;
  TN_TRY(join_scope(graph, asked, &full));
  bool suffixed = strcmp(full, name) != 0;
  tn_error *error = count_use(graph, full, false);
  if (!error && suffixed) error = count_use(graph, name, true);
  tn_free(full);
  return error;
}

tn_error *tn_graph_unique_name(tn_graph *graph, const char *name, char **out) {
  tn_arena *arena;
  const char *unique = NULL;
  TN_TRY(tn_arena_new(&arena));
  tn_error *error = tn_graph_choose_name(graph, name, arena, &unique);
  char *copy = error ? NULL : tn_strdup(unique);
  if (!error && !copy) error = tn_out_of_memory();
  if (!error) error = tn_graph_take_name(graph, name, unique);
  tn_arena_free(arena);
  if (error) {
    tn_free(copy);
    return error;
  }
  *out = copy;
  return NULL;
}

/* Makes room for one more scope of SIZE bytes after N. */
static tn_error *grow(void **scopes, size_t n, size_t size) {
  void *larger = tn_realloc(*scopes, (n + 1) * size);
  if (!larger) return tn_out_of_memory();
  *scopes = larger;
  return NULL;
}

/* The whole name of the scope that NAME opens; "" is the root, a '/' at the end names a scope that exists. */
static tn_error *scope_name(tn_graph *graph, const char *name, char **out) {
  size_t size = name ? strlen(name) : 0;
  if (size == 0 || name[size - 1] == '/') {
    *out = tn_strndup(size > 0 ? name : "", size > 0 ? size - 1 : 0);
    return *out ? NULL : tn_out_of_memory();
  }
  bool valid = tn_graph_name_scope(graph)[0] ? valid_scope(name) : tn_name_valid(name);
  if (!valid) return tn_errorf(TN_INVALID_ARGUMENT, "'%.200s' is not a valid scope name", name);
  return tn_graph_unique_name(graph, name, out);
}

tn_error *tn_graph_push_name_scope(tn_graph *graph, const char *name) {
  void *scopes = graph->name_scopes;
  TN_TRY(grow(&scopes, graph->n_name_scopes, sizeof *graph->name_scopes));
  graph->name_scopes = scopes;
  TN_TRY(scope_name(graph, name, &graph->name_scopes[graph->n_name_scopes]));
  graph->n_name_scopes++;
  return NULL;
}

void tn_graph_pop_name_scope(tn_graph *graph) {
  if (graph->n_name_scopes > 0) tn_free(graph->name_scopes[--graph->n_name_scopes]);
}

/* --- devices --- */

tn_error *tn_graph_push_device(tn_graph *graph, const char *device) {
  tn_device_scope scope = {.clear = device == NULL};
  TN_TRY(tn_device_parse(device, &scope.spec));
  void *scopes = graph->device_scopes;
  TN_TRY(grow(&scopes, graph->n_device_scopes, sizeof scope));
  graph->device_scopes = scopes;
  graph->device_scopes[graph->n_device_scopes++] = scope;
  return NULL;
}

void tn_graph_pop_device(tn_graph *graph) {
  if (graph->n_device_scopes > 0) graph->n_device_scopes--;
}

void tn_graph_scoped_device(const tn_graph *graph, const tn_device_spec *spec, tn_device_spec *out) {
  size_t first = graph->n_device_scopes;
  while (first > 0 && !graph->device_scopes[first - 1].clear) first--;
  tn_device_spec merged = {.replica = -1, .task = -1, .index = -1};
  for (size_t i = first; i < graph->n_device_scopes; i++) tn_device_merge(&merged, &graph->device_scopes[i].spec);
  tn_device_merge(&merged, spec);
  *out = merged;
}

/* --- control --- */

tn_error *tn_graph_push_control(tn_graph *graph, size_t n, tn_node *const *nodes) {
  for (size_t i = 0; nodes && i < n; i++) {
    if (!nodes[i] || nodes[i]->graph != graph) {
      return tn_errorf(TN_INVALID_ARGUMENT, "control input %zu is not a node of this graph", i);
    }
  }
  tn_control_scope scope = {.clear = nodes == NULL, .n = nodes ? n : 0};
  void *scopes = graph->control_scopes;
  TN_TRY(grow(&scopes, graph->n_control_scopes, sizeof scope));
  graph->control_scopes = scopes;
  scope.nodes = tn_malloc((scope.n + 1) * sizeof *scope.nodes);
  if (!scope.nodes) return tn_out_of_memory();
  for (size_t i = 0; i < scope.n; i++) scope.nodes[i] = nodes[i];
  tn_error *error = tn_map_new(&scope.seen);
  if (error) {
    tn_free(scope.nodes);
    return error;
  }
  graph->control_scopes[graph->n_control_scopes++] = scope;
  return NULL;
}

void tn_graph_pop_control(tn_graph *graph) {
  if (graph->n_control_scopes == 0) return;
  tn_control_scope *scope = &graph->control_scopes[--graph->n_control_scopes];
  tn_free(scope->nodes);
  tn_map_free(scope->seen);
}

/* True if an input depends on the scope's nodes already, being made in it. */
static bool dominated(const tn_control_scope *scope, const tn_node_builder *b) {
  for (size_t i = 0; i < b->n_inputs; i++) {
    if (tn_map_find_u64(scope->seen, (uint64_t)b->inputs[i].node->id + 1)) return true;
  }
  return false;
}

static bool is_input(const tn_node_builder *b, const tn_node *node) {
  for (size_t i = 0; i < b->n_inputs; i++) {
    if (b->inputs[i].node == node) return true;
  }
  return false;
}

static size_t first_control_scope(const tn_graph *graph) {
  size_t first = graph->n_control_scopes;
  while (first > 0 && !graph->control_scopes[first - 1].clear) first--;
  return first;
}

void tn_builder_add_scope_controls(tn_node_builder *b) {
  const tn_graph *graph = b->graph;
  for (size_t i = first_control_scope(graph); i < graph->n_control_scopes; i++) {
    const tn_control_scope *scope = &graph->control_scopes[i];
    if (dominated(scope, b)) continue;
    for (size_t j = 0; j < scope->n; j++) {
      if (!is_input(b, scope->nodes[j])) tn_node_control(b, scope->nodes[j]);
    }
  }
}

tn_error *tn_graph_note_in_scopes(tn_graph *graph, tn_node *node) {
  for (size_t i = first_control_scope(graph); i < graph->n_control_scopes; i++) {
    TN_TRY(tn_map_put_u64(graph->control_scopes[i].seen, (uint64_t)node->id + 1, node));
  }
  return NULL;
}

void tn_graph_free_scopes(tn_graph *graph) {
  while (graph->n_name_scopes > 0) tn_graph_pop_name_scope(graph);
  while (graph->n_control_scopes > 0) tn_graph_pop_control(graph);
  tn_free(graph->name_scopes);
  tn_free(graph->device_scopes);
  tn_free(graph->control_scopes);
}

/* --- seeds --- */

void tn_graph_set_seed(tn_graph *graph, int64_t seed) {
  graph->has_seed = true;
  graph->seed = seed;
}

/* The remainder that is never negative. */
static int64_t truncate_seed(int64_t seed) {
  int64_t rest = seed % MAX_SEED;
  return rest < 0 ? rest + MAX_SEED : rest;
}

void tn_graph_get_seed(tn_graph *graph, const int64_t *op_seed, int64_t *seed, int64_t *seed2) {
  *seed = *seed2 = 0;
  if (!graph->has_seed && !op_seed) return;
  int64_t first = truncate_seed(graph->has_seed ? graph->seed : DEFAULT_GRAPH_SEED);
  int64_t second = truncate_seed(op_seed ? *op_seed : graph->seed_uses++);
  /* Both zero would mean: seed from the system. */
  if (first == 0 && second == 0) second = MAX_SEED;
  *seed = first;
  *seed2 = second;
}
