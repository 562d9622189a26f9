/* Nodes: what can be asked of them, and refining an output's shape. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph_internal.h"

const char *tn_node_name(const tn_node *node) { return node->name; }
const char *tn_node_op(const tn_node *node) { return node->op->name; }
const char *tn_node_device_of(const tn_node *node) { return node->device; }
int tn_node_id(const tn_node *node) { return node->id; }
int tn_node_n_inputs(const tn_node *node) { return node->n_inputs; }
int tn_node_n_controls(const tn_node *node) { return node->n_controls; }
int tn_node_n_outputs(const tn_node *node) { return node->n_outputs; }

tn_output tn_node_input_at(const tn_node *node, int i) {
  return i >= 0 && i < node->n_inputs ? node->inputs[i] : (tn_output){NULL, 0};
}

tn_node *tn_node_control_at(const tn_node *node, int i) {
  return i >= 0 && i < node->n_controls ? node->controls[i] : NULL;
}

static bool exists(tn_output output) {
  return output.node && output.index >= 0 && output.index < output.node->n_outputs;
}

tn_dtype tn_output_dtype(tn_output output) {
  return exists(output) ? output.node->output_types[output.index] : TN_INVALID;
}

tn_shape tn_output_shape(tn_output output) {
  return exists(output) ? output.node->output_shapes[output.index] : tn_shape_unknown();
}

/* Merges B into A; false if they don't agree. */
static bool merge_shapes(tn_shape *a, const tn_shape *b) {
  if (b->rank < 0) return true;
  if (a->rank < 0) {
    *a = *b;
    return true;
  }
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++) {
    if (a->dims[i] < 0) a->dims[i] = b->dims[i];
    if (b->dims[i] >= 0 && a->dims[i] != b->dims[i]) return false;
  }
  return true;
}

tn_error *tn_output_set_shape(tn_output output, const tn_shape *shape) {
  if (!exists(output)) return tn_errorf(TN_INVALID_ARGUMENT, "there is no such output");
  tn_shape merged = output.node->output_shapes[output.index];
  if (!merge_shapes(&merged, shape)) {
    return tn_node_errorf(output.node, TN_INVALID_ARGUMENT, "output %d has shape %s, which does not agree with %s",
                          output.index, TN_SHAPE_STR(&merged), TN_SHAPE_STR(shape));
  }
  if (tn_shape_equal(&merged, &output.node->output_shapes[output.index])) return NULL;
  tn_graph_lock(output.node->graph);
  output.node->output_shapes[output.index] = merged;
  tn_graph_changed(output.node->graph);
  tn_graph_unlock(output.node->graph);
  return NULL;
}

/* --- attributes --- */

const tn_attr *tn_node_attr(const tn_node *node, const char *name) {
  for (int i = 0; i < node->n_attrs; i++) {
    if (strcmp(node->attrs[i].name, name) == 0) return &node->attrs[i].value;
  }
  return NULL;
}

/* The attribute if it is of KIND; a zeroed one otherwise. */
static const tn_attr *attr_of(const tn_node *node, const char *name, tn_attr_kind kind, bool is_list) {
  static const tn_attr none = {0};
  const tn_attr *attr = tn_node_attr(node, name);
  return attr && attr->kind == kind && attr->is_list == is_list ? attr : &none;
}

int64_t tn_node_get_int(const tn_node *node, const char *name) { return attr_of(node, name, TN_ATTR_INT, false)->i; }

float tn_node_get_float(const tn_node *node, const char *name) { return attr_of(node, name, TN_ATTR_FLOAT, false)->f; }

bool tn_node_get_bool(const tn_node *node, const char *name) { return attr_of(node, name, TN_ATTR_BOOL, false)->b; }

tn_dtype tn_node_get_type(const tn_node *node, const char *name) {
  return attr_of(node, name, TN_ATTR_TYPE, false)->type;
}

const tn_shape *tn_node_get_shape(const tn_node *node, const char *name) {
  return &attr_of(node, name, TN_ATTR_SHAPE, false)->shape;
}

tn_tensor *tn_node_get_tensor(const tn_node *node, const char *name) {
  return attr_of(node, name, TN_ATTR_TENSOR, false)->tensor;
}

tn_string tn_node_get_string(const tn_node *node, const char *name) {
  const tn_attr *attr = attr_of(node, name, TN_ATTR_STRING, false);
  return attr->string;
}

bool tn_node_string_is(const tn_node *node, const char *name, const char *text) {
  tn_string s = tn_node_get_string(node, name);
  return s.size == strlen(text) && (s.size == 0 || memcmp(s.data, text, s.size) == 0);
}

size_t tn_node_get_ints(const tn_node *node, const char *name, const int64_t **values) {
  const tn_attr *attr = attr_of(node, name, TN_ATTR_INT, true);
  *values = attr->ints;
  return attr->n;
}

/* --- arguments --- */

int tn_node_arg_count(const tn_node *node, const tn_arg_def *arg) {
  if (arg->number_attr) return (int)tn_node_get_int(node, arg->number_attr);
  if (arg->type_list_attr) return (int)attr_of(node, arg->type_list_attr, TN_ATTR_TYPE, true)->n;
  return 1;
}

tn_dtype tn_node_arg_type(const tn_node *node, const tn_arg_def *arg, int i) {
  if (arg->type_attr) return tn_node_get_type(node, arg->type_attr);
  if (arg->type_list_attr) return attr_of(node, arg->type_list_attr, TN_ATTR_TYPE, true)->types[i];
  return arg->type;
}

int tn_node_argument(const tn_node *node, int argument, int *first) {
  int at = 0;
  for (int i = 0; i < argument; i++) at += tn_node_arg_count(node, &node->schema->inputs[i]);
  *first = at;
  return tn_node_arg_count(node, &node->schema->inputs[argument]);
}

tn_error *tn_node_errorf(const tn_node *node, tn_code code, const char *format, ...) {
  char message[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return tn_errorf(code, "%s '%s': %s", node->op->name, node->name, message);
}
