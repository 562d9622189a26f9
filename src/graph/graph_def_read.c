/* GraphDef in: from bytes to a list of nodes whose inputs are names. */
#include <string.h>

#include "graph/graph_def_in.h"

static tn_error *add_input(tn_import *import, tn_import_node *node, const tn_wire_field *field) {
  tn_import_edge *inputs =
      tn_arena_room(import->arena, node->inputs, node->n_inputs, &node->input_capacity, sizeof *inputs);
  if (!inputs) return tn_out_of_memory();
  node->inputs = inputs;
  tn_import_edge *edge = &inputs[node->n_inputs];
  *edge = (tn_import_edge){.from = -1};
  TN_TRY(tn_proto_get_text(import->arena, field, &edge->text));
  node->n_inputs++;
  return NULL;
}

/* An entry of the map of attributes. */
static tn_error *add_attr(tn_import *import, tn_import_node *node, const tn_wire_field *entry) {
  TN_TRY(tn_proto_check(entry, TN_WIRE_BYTES));
  tn_import_attr attr = {.name = "", .data = ""};
  tn_wire_in in = tn_wire_bytes(entry->data, entry->size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number == 1) TN_TRY(tn_proto_get_text(import->arena, &field, &attr.name));
    if (field.number != 2) continue;
    TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
    attr.data = field.data;
    attr.size = field.size;
  }
  tn_import_attr *attrs = tn_arena_room(import->arena, node->attrs, node->n_attrs, &node->attr_capacity, sizeof *attrs);
  if (!attrs) return tn_out_of_memory();
  node->attrs = attrs;
  for (size_t i = 0; i < node->n_attrs; i++) {
    if (strcmp(attrs[i].name, attr.name) != 0) continue;
    attrs[i] = attr;
    return NULL;
  }
  attrs[node->n_attrs++] = attr;
  return NULL;
}

static tn_error *read_fields(tn_import *import, const tn_wire_field *bytes, tn_import_node *node) {
  tn_wire_in in = tn_wire_bytes(bytes->data, bytes->size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    switch (field.number) {
    case 1: TN_TRY(tn_proto_get_text(import->arena, &field, &node->name)); break;
    case 2: TN_TRY(tn_proto_get_text(import->arena, &field, &node->op)); break;
    case 3: TN_TRY(add_input(import, node, &field)); break;
    case 4: TN_TRY(tn_proto_get_text(import->arena, &field, &node->device)); break;
    case 5: TN_TRY(add_attr(import, node, &field)); break;
    default: break;
    }
  }
}

tn_error *tn_import_read_node(tn_import *import, const tn_wire_field *field) {
  TN_TRY(tn_proto_check(field, TN_WIRE_BYTES));
  if (import->n >= INT32_MAX) return tn_errorf(TN_INVALID_ARGUMENT, "the GraphDef has too many nodes");
  tn_import_node *nodes = tn_arena_room(import->arena, import->nodes, import->n, &import->capacity, sizeof *nodes);
  if (!nodes) return tn_out_of_memory();
  import->nodes = nodes;
  tn_import_node *node = &nodes[import->n];
  *node = (tn_import_node){.name = "", .op = "", .device = ""};
  TN_TRY(tn_error_context(read_fields(import, field, node), "node %zu '%.200s'", import->n, node->name));
  bool internal = node->name[0] == '_' && import->options && import->options->internal_names;
  if (!tn_name_valid(node->name + internal)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "node %zu: '%.200s' is not a valid name", import->n, node->name);
  }
  if (tn_map_find(import->names, node->name)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the GraphDef has two nodes called '%.200s'", node->name);
  }
  import->n++;
  return tn_map_put(import->names, node->name, (void *)(uintptr_t)import->n);
}

static tn_error *read_versions(tn_import *import, const tn_wire_field *bytes) {
  TN_TRY(tn_proto_check(bytes, TN_WIRE_BYTES));
  tn_wire_in in = tn_wire_bytes(bytes->data, bytes->size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.type != TN_WIRE_VARINT) continue;
    int value = field.value > INT32_MAX ? INT32_MAX : (int)field.value;
    if (field.number == 1) import->producer = value;
    if (field.number == 2) import->min_consumer = value;
    if (field.number == 3 && value == TN_GRAPH_DEF_VERSION) {
      return tn_errorf(TN_INVALID_ARGUMENT, "the GraphDef disallows consumers of version %d", value);
    }
  }
  if (import->min_consumer <= TN_GRAPH_DEF_VERSION) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "the GraphDef needs a consumer of version %d, this is %d", import->min_consumer,
                   TN_GRAPH_DEF_VERSION);
}

static tn_error *read_library(tn_import *import, const tn_wire_field *bytes) {
  TN_TRY(tn_proto_check(bytes, TN_WIRE_BYTES));
  import->library = bytes->data;
  import->library_size = bytes->size;
  return NULL;
}

tn_error *tn_import_read(tn_import *import, const char *def, size_t size) {
  tn_wire_in in = tn_wire_bytes(def, size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    switch (field.number) {
    case 1: TN_TRY(tn_import_read_node(import, &field)); break;
    case 2: TN_TRY(read_library(import, &field)); break;
    case 4: TN_TRY(read_versions(import, &field)); break;
    default: break;
    }
  }
}
