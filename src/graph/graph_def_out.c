/* GraphDef, NodeDef and OpDef out. */
#include <string.h>

#include "graph/function.h"
#include "graph/graph_internal.h"
#include "graph/proto.h"

/* Hands OUT's bytes over, or frees them where ERROR is set. */
static tn_error *hand_over(tn_str *text, tn_error *error, char **out, size_t *size) {
  if (error) {
    tn_str_clear(text);
    return error;
  }
  return tn_str_take(text, out, size);
}

tn_error *tn_node_to_def(const tn_node *node, char **out, size_t *size) {
  tn_str text = {0};
  tn_graph_lock(node->graph);
  tn_error *error = tn_proto_node(&text, node);
  tn_graph_unlock(node->graph);
  return hand_over(&text, error, out, size);
}

static tn_error *put_graph(tn_str *text, const tn_graph *graph) {
  for (size_t i = 0, n = tn_graph_n_nodes(graph); i < n; i++) {
    size_t mark = tn_proto_begin(text, 1);
    TN_TRY(tn_proto_node(text, tn_graph_node(graph, i)));
    tn_proto_end(text, mark);
  }
  if (!tn_library_empty(graph->library)) {
    size_t mark = tn_proto_begin(text, 2);
    tn_library_write(graph->library, text);
    tn_proto_end(text, mark);
  }
  size_t mark = tn_proto_begin(text, 4);
  if (graph->producer) tn_wire_put_int(text, 1, graph->producer);
  if (graph->min_consumer) tn_wire_put_int(text, 2, graph->min_consumer);
  tn_proto_end(text, mark);
  return NULL;
}

tn_error *tn_graph_to_def(const tn_graph *graph, char **out, size_t *size) {
  tn_str text = {0};
  tn_graph_lock(graph);
  tn_error *error = put_graph(&text, graph);
  tn_graph_unlock(graph);
  return hand_over(&text, error, out, size);
}

/* --- OpDef --- */

static void put_arg(tn_str *text, uint32_t number, const tn_arg_def *arg) {
  size_t mark = tn_proto_begin(text, number);
  tn_proto_put_string(text, 1, arg->name);
  if (arg->type != TN_INVALID) tn_wire_put_int(text, 3, arg->type);
  if (arg->type_attr) tn_proto_put_string(text, 4, arg->type_attr);
  if (arg->number_attr) tn_proto_put_string(text, 5, arg->number_attr);
  if (arg->type_list_attr) tn_proto_put_string(text, 6, arg->type_list_attr);
  if (arg->is_ref) tn_wire_put_int(text, 16, 1);
  tn_proto_end(text, mark);
}

static void put_allowed(tn_str *text, const tn_attr_def *attr) {
  if (!attr->allowed_types && attr->n_allowed_strings == 0) return;
  size_t value = tn_proto_begin(text, 7), list = tn_proto_begin(text, 1);
  if (attr->allowed_types) {
    size_t packed = tn_proto_begin(text, 6);
    for (int i = 1; i < TN_N_DTYPES; i++) {
      if (attr->allowed_types & TN_BIT(i)) tn_wire_put_varint(text, (uint64_t)i);
    }
    tn_proto_end(text, packed);
  }
  for (size_t i = 0; i < attr->n_allowed_strings; i++) tn_proto_put_string(text, 2, attr->allowed_strings[i]);
  tn_proto_end(text, list);
  tn_proto_end(text, value);
}

static tn_error *put_attr_def(tn_str *text, const tn_attr_def *attr) {
  static const char *const kinds[] = {"", "int", "float", "bool", "string", "type", "shape", "tensor", "func"};
  size_t mark = tn_proto_begin(text, 4);
  tn_proto_put_string(text, 1, attr->name);
  size_t type = tn_proto_begin(text, 2);
  tn_str_addf(text, attr->is_list ? "list(%s)" : "%s", kinds[attr->kind]);
  tn_proto_end(text, type);
  if (attr->has_default) TN_TRY(tn_proto_put_attr(text, 3, &attr->default_value));
  if (attr->has_minimum) {
    tn_wire_put_int(text, 5, 1);
    tn_wire_put_int(text, 6, attr->minimum);
  }
  put_allowed(text, attr);
  tn_proto_end(text, mark);
  return NULL;
}

static tn_error *put_op(tn_str *text, const tn_op_def *op, const tn_op_schema *schema) {
  tn_proto_put_string(text, 1, op->name);
  for (int i = 0; i < schema->n_inputs; i++) put_arg(text, 2, &schema->inputs[i]);
  for (int i = 0; i < schema->n_outputs; i++) put_arg(text, 3, &schema->outputs[i]);
  for (int i = 0; i < schema->n_attrs; i++) TN_TRY(put_attr_def(text, &schema->attrs[i]));
  if (op->doc) tn_proto_put_string(text, 5, op->doc);
  if (op->flags & TN_OP_AGGREGATE) tn_wire_put_int(text, 16, 1);
  if (op->flags & TN_OP_STATEFUL) tn_wire_put_int(text, 17, 1);
  if (op->flags & TN_OP_COMMUTATIVE) tn_wire_put_int(text, 18, 1);
  if (op->flags & TN_OP_ALLOWS_UNINITIALIZED) tn_wire_put_int(text, 19, 1);
  return NULL;
}

tn_error *tn_op_to_def(const char *name, char **out, size_t *size) {
  const tn_op_def *op = tn_op_find(name);
  if (!op) return tn_errorf(TN_NOT_FOUND, "there is no op type '%.200s'", name);
  const tn_op_schema *schema;
  TN_TRY(tn_op_schema_of(op, &schema));
  tn_str text = {0};
  tn_error *error = put_op(&text, op, schema);
  return hand_over(&text, error, out, size);
}
