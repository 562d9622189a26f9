/* What may be changed about a node that exists: its device and its attributes; and reading one attribute. */
#include <string.h>

#include "graph/attr_arena.h"
#include "graph/graph_internal.h"
#include "graph/proto.h"

size_t tn_graph_name_uses(const tn_graph *graph, const char *name) {
  char *key = tn_strdup(name);
  if (!key) return 0;
  for (char *p = key; *p; p++) {
    if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
  }
  size_t uses = (size_t)(uintptr_t)tn_map_find(graph->names, key);
  tn_free(key);
  return uses;
}

tn_error *tn_node_set_device(tn_node *node, const char *device) {
  tn_device_spec spec = {.replica = -1, .task = -1, .index = -1};
  TN_TRY(tn_device_parse(device, &spec));
  char text[TN_DEVICE_TEXT];
  const char *kept = tn_arena_strdup(node->graph->arena, tn_device_text(&spec, text));
  if (!kept) return tn_out_of_memory();
  tn_graph_lock(node->graph);
  node->device = kept;
  tn_graph_changed(node->graph);
  tn_graph_unlock(node->graph);
  return NULL;
}

tn_error *tn_node_attr_to_def(const tn_node *node, const char *name, char **out, size_t *size) {
  tn_graph_lock(node->graph);
  const tn_attr *attr = tn_node_attr(node, name);
  tn_str text = {0};
  tn_error *error = attr ? tn_proto_put_attr(&text, 1, attr)
                         : tn_node_errorf(node, TN_NOT_FOUND, "no attribute named '%.100s'", name);
  tn_graph_unlock(node->graph);
  if (error) {
    tn_str_clear(&text);
    return error;
  }
  return tn_str_take(&text, out, size);
}

/* The place of attribute NAME in NODE, made if it is not there. */
static tn_error *place(tn_node *node, const char *name, tn_named_attr **out) {
  for (int i = 0; i < node->n_attrs; i++) {
    if (strcmp(node->attrs[i].name, name) != 0) continue;
    *out = &node->attrs[i];
    return NULL;
  }
  tn_arena *arena = node->graph->arena;
  size_t n = (size_t)node->n_attrs;
  tn_named_attr *larger = tn_arena_alloc(arena, (n + 1) * sizeof *larger);
  if (!larger) return tn_out_of_memory();
  if (n > 0) memcpy(larger, node->attrs, n * sizeof *larger);
  larger[n] = (tn_named_attr){.name = tn_arena_strdup(arena, name)};
  if (!larger[n].name) return tn_out_of_memory();
  node->attrs = larger;
  node->n_attrs++;
  *out = &larger[n];
  return NULL;
}

static tn_error *set_attr(tn_node *node, const char *name, const tn_attr *value) {
  tn_named_attr *slot;
  tn_attr copy;
  TN_TRY(tn_attr_copy_to(node->graph->arena, value, &copy));
  tn_error *error = place(node, name, &slot);
  if (error) {
    tn_attr_drop_tensors(&copy);
    return error;
  }
  tn_attr_drop_tensors(&slot->value);
  slot->value = copy;
  tn_graph_changed(node->graph);
  return NULL;
}

tn_error *tn_node_set_attr_def(tn_node *node, const char *name, const char *value, size_t size) {
  if (name[0] != '_') {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "attribute '%.100s' can't be changed: only those that begin with '_'", name);
  }
  tn_attr attr;
  TN_TRY(tn_error_context(tn_proto_get_attr(value, size, &attr), "attribute '%.100s'", name));
  tn_graph_lock(node->graph);
  tn_error *error = set_attr(node, name, &attr);
  tn_graph_unlock(node->graph);
  tn_attr_clear(&attr);
  return error;
}
