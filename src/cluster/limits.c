/* Limits on what sessions may bring, and ops that are not for everybody. */
#include "cluster/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "graph/function.h"
#include "graph/graph_internal.h"

/* --- reading --- */

static const struct {
  const char *word, *what;
  uint32_t flag;
} grants[] = {{"checkpoints", "reads or writes checkpoints", TN_OP_CHECKPOINT},
              {"files", "reads or writes files", TN_OP_FILES},
              {"code", "calls code of the process", TN_OP_CODE}};

enum { GRANTS = sizeof grants / sizeof *grants };

static tn_error *read_allow(const char *text, uint32_t *out) {
  uint32_t allowed = 0;
  for (const char *at = text; *at;) {
    size_t size = strcspn(at, ",");
    bool known = size == 4 && strncmp(at, "none", size) == 0;
    for (int i = 0; i < GRANTS; i++) {
      if (strlen(grants[i].word) != size || strncmp(at, grants[i].word, size) != 0) continue;
      allowed |= grants[i].flag;
      known = true;
    }
    if (!known) {
      return tn_errorf(TN_INVALID_ARGUMENT, "TENON_ALLOW: '%.*s' is none of none, checkpoints, files, code",
                       (int)(size < 40 ? size : 40), at);
    }
    at += size + (at[size] == ',');
  }
  *out = allowed;
  return NULL;
}

static tn_error *read_size(const char *name, size_t given, size_t most, size_t *out) {
  const char *text = getenv(name);
  size_t size = given;
  if (!size && text && *text) {
    size = tn_parse_size(text);
    if (!size) return tn_errorf(TN_INVALID_ARGUMENT, "%s is '%.40s'; expected a size such as 512M or 2G", name, text);
  }
  *out = size && size < most ? size : most;
  return NULL;
}

tn_error *tn_limits_read(const tn_server_options *options, tn_limits *out) {
  tn_limits limits;
  const char *allow = options->allow ? options->allow : getenv("TENON_ALLOW");
  TN_TRY(read_size("TENON_MESSAGE_LIMIT", options->message_limit, INT32_MAX, &limits.message));
  TN_TRY(read_size("TENON_GRAPH_LIMIT", options->graph_limit, INT32_MAX, &limits.graph));
  TN_TRY(read_size("TENON_SESSION_MEMORY", options->session_memory, SIZE_MAX, &limits.memory));
  TN_TRY(read_allow(allow ? allow : "checkpoints", &limits.allow));
  *out = limits;
  return NULL;
}

/* --- checking --- */

tn_error *tn_limits_add_graph(const tn_limits *limits, size_t size, size_t *used) {
  if (size > limits->graph || *used > limits->graph - size) {
    return tn_errorf(TN_RESOURCE_EXHAUSTED,
                     "the session's graph would have %zu bytes with the %zu that came; the limit is %zu (--graph-limit "
                     "or TENON_GRAPH_LIMIT of the server)",
                     *used + size, size, limits->graph);
  }
  *used += size;
  return NULL;
}

/* Ops that name a file where they are asked to, and otherwise need none. */
static bool names_no_file(const tn_node *node) {
  const tn_attr *vocabulary = tn_node_attr(node, "vocab_file"), *stream = tn_node_attr(node, "output_stream");
  if (vocabulary && vocabulary->kind == TN_ATTR_STRING) return vocabulary->string.size == 0;
  if (stream && stream->kind == TN_ATTR_STRING)
    return stream->string.size < 7 || strncmp(stream->string.data, "file://", 7) != 0;
  if (strncmp(node->op->name, "CacheDataset", 12) != 0) return false;
  /* A cache without a file is in memory. */
  tn_tensor *name = NULL;
  tn_error *error = tn_output_constant(tn_node_input_at(node, 1), &name);
  bool empty = !error && name && tn_tensor_dtype(name) == TN_STRING && tn_tensor_elements(name) == 1 &&
               ((const tn_string *)tn_tensor_data(name))->size == 0;
  tn_error_free(error);
  tn_tensor_free(name);
  return empty;
}

static tn_error *check_node(const tn_limits *limits, const tn_node *node) {
  uint32_t needs = node->op->flags & (TN_OP_CHECKPOINT | TN_OP_FILES | TN_OP_CODE) & ~limits->allow;
  if (!needs || names_no_file(node)) return NULL;
  for (int i = 0; i < GRANTS; i++) {
    if (!(needs & grants[i].flag)) continue;
    return tn_errorf(TN_PERMISSION_DENIED,
                     "%s '%s' %s: this task does not do that for clients of other processes, unless it is started with "
                     "--allow %s or TENON_ALLOW=%s",
                     node->op->name, node->name, grants[i].what, grants[i].word, grants[i].word);
  }
  return NULL;
}

static tn_error *check_nodes(const tn_limits *limits, const tn_graph *graph, tn_map *seen);

/* The function called NAME, if there is one that was not looked at. */
static tn_error *check_function(const tn_limits *limits, tn_library *library, const char *name, tn_map *seen) {
  tn_function *function = tn_map_find(seen, name) ? NULL : tn_library_find(library, name);
  const tn_function_body *body = NULL;
  if (!function) return NULL;
  TN_TRY(tn_map_put(seen, name, function));
  TN_TRY(tn_function_get_body(function, &body));
  return tn_error_context(check_nodes(limits, body->graph, seen), "function '%s'", function->name);
}

/* What NODE calls: what its attributes name, or its type. A library holds functions of all steps, not of this one only.
 */
static tn_error *check_callees(const tn_limits *limits, tn_library *library, const tn_node *node, tn_map *seen) {
  TN_TRY(check_function(limits, library, node->op->name, seen));
  for (int i = 0; i < node->n_attrs; i++) {
    const tn_attr *attr = &node->attrs[i].value;
    if (attr->kind != TN_ATTR_FUNC) continue;
    if (!attr->is_list) TN_TRY(check_function(limits, library, attr->string.data, seen));
    for (size_t k = 0; attr->is_list && k < attr->n; k++) {
      TN_TRY(check_function(limits, library, attr->strings[k].data, seen));
    }
  }
  return NULL;
}

static tn_error *check_nodes(const tn_limits *limits, const tn_graph *graph, tn_map *seen) {
  for (size_t i = 0, n = tn_graph_n_nodes(graph); i < n; i++) {
    const tn_node *node = tn_graph_node(graph, i);
    TN_TRY(check_node(limits, node));
    TN_TRY(check_callees(limits, graph->library, node, seen));
  }
  return NULL;
}

tn_error *tn_limits_check_ops(const tn_limits *limits, const tn_graph *graph) {
  tn_map *seen = NULL;
  TN_TRY(tn_map_new(&seen));
  tn_error *error = check_nodes(limits, graph, seen);
  tn_map_free(seen);
  return error;
}
