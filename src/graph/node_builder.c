/* Describing a node part by part, and adding it to the graph once all of it is checked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph/attr_arena.h"
#include "graph/function.h"
#include "graph/graph_internal.h"

/* Errors of BUILDER stick: the first one is what tn_node_finish returns. */
static bool usable(const tn_node_builder *b) { return b && !b->error; }

static void fail(tn_node_builder *b, tn_error *error) {
  if (b->error) {
    tn_error_free(error);
  } else {
    b->error = error;
  }
}

tn_error *tn_builder_errorf(const tn_node_builder *b, tn_code code, const char *format, ...) {
  char message[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  const char *scope = b->exact ? "" : tn_graph_name_scope(b->graph);
  return tn_errorf(code, "%s '%s%s%s': %s", b->op, scope, scope[0] ? "/" : "", b->name, message);
}

tn_node_builder *tn_node_begin(tn_graph *graph, const char *op, const char *name) {
  tn_arena *arena = NULL;
  tn_error *error = tn_arena_new(&arena);
  if (error) {
    tn_error_free(error);
    return NULL;
  }
  tn_node_builder *b = tn_arena_alloc(arena, sizeof *b);
  if (!b) {
    tn_arena_free(arena);
    return NULL;
  }
  b->graph = graph;
  b->arena = arena;
  b->spec = (tn_device_spec){.replica = -1, .task = -1, .index = -1};
  b->op = tn_arena_strdup(arena, op ? op : "");
  size_t size = name ? strlen(name) : 0;
  b->exact = size > 0 && name[size - 1] == '/';
  /* Names may not begin with '_', as internal ops do. */
  const char *own = b->op ? b->op + strspn(b->op, "_") : NULL;
  b->name = size == 0 ? own : tn_arena_strndup(arena, name, b->exact ? size - 1 : size);
  if (!b->op || !b->name) b->error = tn_out_of_memory();
  return b;
}

/* The array of N elements of SIZE bytes with room for one more; NULL (and a failed builder) without memory. */
static void *room(tn_node_builder *b, void *array, size_t n, size_t *capacity, size_t size) {
  if (n < *capacity) return array;
  size_t larger = *capacity ? 2 * *capacity : 4;
  void *copy = tn_arena_alloc(b->arena, larger * size);
  if (!copy) {
    fail(b, tn_out_of_memory());
    return NULL;
  }
  if (n > 0) memcpy(copy, array, n * size);
  *capacity = larger;
  return copy;
}

void tn_node_input(tn_node_builder *b, tn_output input) {
  if (!usable(b)) return;
  if (!input.node || input.node->graph != b->graph) {
    fail(b, tn_builder_errorf(b, TN_INVALID_ARGUMENT, "input %zu is not a tensor of this graph", b->n_inputs));
    return;
  }
  if (input.index < 0 || input.index >= input.node->n_outputs) {
    fail(b, tn_builder_errorf(b, TN_INVALID_ARGUMENT, "input %zu: %s '%s' has no output %d, only %d", b->n_inputs,
                              input.node->op->name, input.node->name, input.index, input.node->n_outputs));
    return;
  }
  tn_output *inputs = room(b, b->inputs, b->n_inputs, &b->input_capacity, sizeof *inputs);
  if (!inputs) return;
  b->inputs = inputs;
  b->inputs[b->n_inputs++] = input;
}

void tn_node_control(tn_node_builder *b, tn_node *node) {
  if (!usable(b)) return;
  if (!node || node->graph != b->graph) {
    fail(b, tn_builder_errorf(b, TN_INVALID_ARGUMENT, "a control input is not a node of this graph"));
    return;
  }
  for (size_t i = 0; i < b->n_controls; i++) {
    if (b->controls[i] == node) return;
  }
  tn_node **controls = room(b, b->controls, b->n_controls, &b->control_capacity, sizeof *controls);
  if (!controls) return;
  b->controls = controls;
  b->controls[b->n_controls++] = node;
}

void tn_node_device(tn_node_builder *b, const char *device) {
  if (!usable(b)) return;
  tn_error *error = tn_device_parse(device, &b->spec);
  if (error) fail(b, tn_error_context(error, "%s '%s'", b->op, b->name));
}

/* --- attributes --- */

void tn_builder_attr(tn_node_builder *b, const char *name, const tn_attr *value) {
  if (!usable(b)) return;
  for (size_t i = 0; i < b->n_attrs; i++) {
    if (strcmp(b->attrs[i].name, name) == 0) {
      fail(b, tn_builder_errorf(b, TN_INVALID_ARGUMENT, "attribute '%.100s' is given twice", name));
      return;
    }
  }
  tn_named_attr *attrs = room(b, b->attrs, b->n_attrs, &b->attr_capacity, sizeof *attrs);
  if (!attrs) return;
  b->attrs = attrs;
  tn_named_attr *attr = &b->attrs[b->n_attrs];
  attr->name = tn_arena_strdup(b->arena, name);
  tn_error *error = attr->name ? tn_attr_copy_to(b->arena, value, &attr->value) : tn_out_of_memory();
  if (error) {
    fail(b, error);
    return;
  }
  b->n_attrs++;
}

void tn_node_attr_int(tn_node_builder *b, const char *name, int64_t value) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_INT, .i = value});
}

void tn_node_attr_float(tn_node_builder *b, const char *name, float value) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_FLOAT, .f = value});
}

void tn_node_attr_bool(tn_node_builder *b, const char *name, bool value) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_BOOL, .b = value});
}

void tn_node_attr_string(tn_node_builder *b, const char *name, const char *value, size_t size) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_STRING, .string = {(char *)value, size}});
}

void tn_node_attr_type(tn_node_builder *b, const char *name, tn_dtype value) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_TYPE, .type = value});
}

void tn_node_attr_shape(tn_node_builder *b, const char *name, const tn_shape *value) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_SHAPE, .shape = *value});
}

void tn_node_attr_tensor(tn_node_builder *b, const char *name, tn_tensor *value) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_TENSOR, .tensor = value});
}

void tn_node_attr_func(tn_node_builder *b, const char *name, const char *function) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_FUNC, .string = {(char *)function, strlen(function)}});
}

void tn_node_attr_funcs(tn_node_builder *b, const char *name, const tn_string *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_FUNC, .is_list = true, .n = n, .strings = (tn_string *)values});
}

void tn_node_attr_ints(tn_node_builder *b, const char *name, const int64_t *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_INT, .is_list = true, .n = n, .ints = (int64_t *)values});
}

void tn_node_attr_floats(tn_node_builder *b, const char *name, const float *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_FLOAT, .is_list = true, .n = n, .floats = (float *)values});
}

void tn_node_attr_bools(tn_node_builder *b, const char *name, const bool *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_BOOL, .is_list = true, .n = n, .bools = (bool *)values});
}

void tn_node_attr_strings(tn_node_builder *b, const char *name, const tn_string *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_STRING, .is_list = true, .n = n, .strings = (tn_string *)values});
}

void tn_node_attr_types(tn_node_builder *b, const char *name, const tn_dtype *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_TYPE, .is_list = true, .n = n, .types = (tn_dtype *)values});
}

void tn_node_attr_shapes(tn_node_builder *b, const char *name, const tn_shape *values, size_t n) {
  tn_builder_attr(b, name, &(tn_attr){.kind = TN_ATTR_SHAPE, .is_list = true, .n = n, .shapes = (tn_shape *)values});
}

/* --- adding it --- */

static tn_error *choose_name(tn_node_builder *b, const char **out) {
  bool internal = b->from_def && b->name[0] == '_'; /* the reader has looked at these */
  if (!tn_name_valid(b->name + internal)) return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "not a valid node name");
  if (!b->exact) return tn_graph_choose_name(b->graph, b->name, b->graph->arena, out);
  if (tn_graph_find(b->graph, b->name)) return tn_builder_errorf(b, TN_INVALID_ARGUMENT, "the name is in use");
  *out = tn_arena_strdup(b->graph->arena, b->name);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *set_device(const tn_node_builder *b, tn_node *node) {
  tn_device_spec merged = b->spec;
  tn_graph_scoped_device(b->graph, &b->spec, &merged);
  char text[TN_DEVICE_TEXT];
  node->device = tn_arena_strdup(b->graph->arena, tn_device_text(&merged, text));
  return node->device ? NULL : tn_out_of_memory();
}

/* Copies the edges to NODE and gives its outputs their types. */
static tn_error *set_edges(const tn_node_builder *b, tn_node *node) {
  tn_arena *arena = b->graph->arena;
  node->n_inputs = (int)b->n_inputs;
  node->inputs = tn_arena_alloc(arena, (b->n_inputs + 1) * sizeof *node->inputs);
  node->n_controls = (int)b->n_controls;
  node->controls = tn_arena_alloc(arena, (b->n_controls + 1) * sizeof *node->controls);
  if (!node->inputs || !node->controls) return tn_out_of_memory();
  if (b->n_inputs > 0) memcpy(node->inputs, b->inputs, b->n_inputs * sizeof *node->inputs);
  if (b->n_controls > 0) memcpy(node->controls, b->controls, b->n_controls * sizeof(tn_node *));
  return NULL;
}

/* Nothing is known of what comes out. */
static void forget_shapes(tn_node *node) {
  for (int i = 0; i < node->n_outputs; i++) {
    node->output_shapes[i] = tn_shape_unknown();
    if (node->handles) node->handles[i] = (tn_handle_info){.shape = tn_shape_unknown()};
  }
}

static tn_error *set_outputs(tn_node *node) {
  const tn_op_schema *schema = node->schema;
  tn_arena *arena = node->graph->arena;
  for (int i = 0; i < schema->n_outputs; i++) node->n_outputs += tn_node_arg_count(node, &schema->outputs[i]);
  size_t n = (size_t)node->n_outputs;
  node->output_types = tn_arena_alloc(arena, (n + 1) * sizeof *node->output_types);
  node->output_shapes = tn_arena_alloc(arena, (n + 1) * sizeof *node->output_shapes);
  if (!node->output_types || !node->output_shapes) return tn_out_of_memory();
  bool handles = false;
  int at = 0;
  for (int i = 0; i < schema->n_outputs; i++) {
    const tn_arg_def *arg = &schema->outputs[i];
    for (int j = 0, count = tn_node_arg_count(node, arg); j < count; j++, at++) {
      tn_dtype type = tn_node_arg_type(node, arg, j);
      if (arg->is_ref && !tn_dtype_is_ref(type)) type = (tn_dtype)(type + TN_REF);
      node->output_types[at] = type;
      handles |= type == TN_RESOURCE;
    }
  }
  if (handles) {
    node->handles = tn_arena_alloc(arena, n * sizeof *node->handles);
    if (!node->handles) return tn_out_of_memory();
  }
  forget_shapes(node);
  return NULL;
}

static tn_error *run_hook(tn_node_builder *b) {
  tn_flow_hook *hook = b->graph->flow;
  if (!hook || b->from_def) return NULL;
  TN_TRY(hook->rewrite(hook->state, b));
  return b->error ? tn_error_copy(b->error) : NULL;
}

static tn_error *append(tn_node_builder *b, tn_node *node) {
  tn_graph *graph = b->graph;
  /* The names of an imported graph are taken once all of it is there. */
  if (b->from_def) return tn_graph_append(graph, node);
  TN_TRY(tn_graph_take_name(graph, b->exact ? NULL : b->name, node->name));
  TN_TRY(tn_graph_append(graph, node));
  tn_error *error = tn_graph_note_in_scopes(graph, node);
  if (!error && graph->flow) error = graph->flow->added(graph->flow->state, node);
  if (error) tn_graph_truncate(graph, (size_t)node->id);
  return error;
}

static tn_error *infer_shapes(const tn_node_builder *b, tn_node *node) {
  tn_error *error = tn_node_infer_shapes(node);
  if (!error || !b->wrong_shapes || tn_error_code(error) == TN_RESOURCE_EXHAUSTED) return error;
  tn_error_free(error);
  forget_shapes(node);
  return NULL;
}

static tn_error *finish(tn_node_builder *b, tn_node **out) {
  const tn_op_def *op = tn_op_find(b->op);
  const tn_function *function = op ? NULL : tn_library_find(b->graph->library, b->op);
  if (function) op = &function->op;
  if (!op) return tn_builder_errorf(b, TN_NOT_FOUND, "there is no such op type");
  tn_node *node = tn_arena_alloc(b->graph->arena, sizeof *node);
  if (!node) return tn_out_of_memory();
  node->graph = b->graph;
  node->op = op;
  if (function) {
    node->schema = &function->schema;
  } else {
    TN_TRY(tn_op_schema_of(op, &node->schema));
  }
  /* The hook may add nodes, so names come after it. */
  TN_TRY(run_hook(b));
  TN_TRY(choose_name(b, &node->name));
  if (!b->from_def) tn_builder_add_scope_controls(b);
  if (b->error) return tn_error_copy(b->error);
  TN_TRY(tn_builder_resolve(b, node));
  tn_error *error = set_edges(b, node);
  if (!error) error = set_device(b, node);
  if (!error) error = set_outputs(node);
  if (!error) error = infer_shapes(b, node);
  if (!error) error = append(b, node);
  if (error) {
    for (int i = 0; i < node->n_attrs; i++) tn_attr_drop_tensors(&node->attrs[i].value);
    return error;
  }
  *out = node;
  return NULL;
}

tn_error *tn_node_finish(tn_node_builder *b, tn_node **out) {
  if (!b) return tn_out_of_memory();
  tn_node *node = NULL;
  tn_error *error = b->error;
  if (!error) {
    error = finish(b, &node);
    tn_error_free(b->error);
  }
  for (size_t i = 0; i < b->n_attrs; i++) tn_attr_drop_tensors(&b->attrs[i].value);
  tn_arena_free(b->arena);
  if (error) return error;
  if (out) *out = node;
  return NULL;
}
