/* GraphDef in: one node, from its attributes' bytes to the graph. */
#include <string.h>

#include "graph/attr_arena.h"
#include "graph/graph_def_in.h"

/* PREFIX before the name in ATTR, in place. */
static tn_error *prefix_string(const tn_import *import, tn_string *string, const char *lead) {
  size_t skip = strlen(lead);
  if (string->size < skip || memcmp(string->data, lead, skip) != 0) return NULL;
  tn_str text = {0};
  tn_str_add(&text, lead);
  tn_str_add(&text, import->prefix);
  tn_str_add_bytes(&text, string->data + skip, string->size - skip);
  char *data;
  size_t size;
  TN_TRY(tn_str_take(&text, &data, &size));
  tn_free(string->data);
  *string = (tn_string){data, size};
  return NULL;
}

/* Names of nodes and of loops inside attributes get the prefix as well, or two imports would share their loops. */
static tn_error *prefix_attr(const tn_import *import, const tn_import_node *node, const char *name, tn_attr *attr) {
  if (!import->prefix[0] || attr->kind != TN_ATTR_STRING) return NULL;
  if (attr->is_list && strcmp(name, "_class") == 0) {
    for (size_t i = 0; i < attr->n; i++) TN_TRY(prefix_string(import, &attr->strings[i], "loc:@"));
  }
  bool enter = strcmp(node->op, "Enter") == 0 || strcmp(node->op, "RefEnter") == 0;
  if (!attr->is_list && enter && strcmp(name, "frame_name") == 0) return prefix_string(import, &attr->string, "");
  return NULL;
}

static tn_error *set_attr(const tn_import *import, const tn_import_node *node, const tn_import_attr *from,
                          tn_node_builder *b) {
  tn_attr attr;
  TN_TRY(tn_error_context(tn_proto_get_attr(from->data, from->size, &attr), "attribute '%.100s'", from->name));
  tn_error *error = NULL;
  if (attr.kind == TN_ATTR_NONE && !attr.is_list) {
    error = tn_errorf(TN_INVALID_ARGUMENT, "attribute '%.100s' has no value", from->name);
  }
  if (!error) error = prefix_attr(import, node, from->name, &attr);
  if (!error) tn_builder_attr(b, from->name, &attr);
  tn_attr_clear(&attr);
  return error;
}

/* A Merge is added before the NextIteration that feeds it: until then another input stands in for it. */
static tn_error *stand_in(const tn_import *import, const tn_import_node *node, tn_output *out) {
  for (size_t i = 0; i < node->n_inputs; i++) {
    const tn_import_edge *edge = &node->inputs[i];
    if (edge->index < 0 || tn_import_is_back_edge(import, node, edge)) continue;
    if (edge->from >= 0) return tn_import_output(import, edge, out);
    *out = edge->replaced;
    return NULL;
  }
  return tn_errorf(TN_INVALID_ARGUMENT, "every input comes from a NextIteration");
}

static tn_error *set_inputs(const tn_import *import, const tn_import_node *node, tn_node_builder *b, bool *loop) {
  for (size_t i = 0; i < node->n_inputs; i++) {
    const tn_import_edge *edge = &node->inputs[i];
    tn_output from = edge->replaced;
    if (tn_import_is_back_edge(import, node, edge)) {
      *loop = true;
      TN_TRY(stand_in(import, node, &from));
    } else if (edge->from >= 0) {
      if (edge->index < 0) {
        from = (tn_output){import->nodes[edge->from].node, -1};
      } else {
        TN_TRY(tn_import_output(import, edge, &from));
      }
    }
    if (edge->index < 0) {
      tn_node_control(b, from.node);
    } else {
      tn_node_input(b, from);
    }
  }
  return NULL;
}

static tn_error *describe(const tn_import *import, const tn_import_node *node, tn_node_builder *b, bool *loop) {
  TN_TRY(set_inputs(import, node, b, loop));
  for (size_t i = 0; i < node->n_attrs; i++) {
    if (strcmp(node->attrs[i].name, "_output_shapes") == 0) continue;
    TN_TRY(set_attr(import, node, &node->attrs[i], b));
  }
  tn_node_device(b, node->device);
  return NULL;
}

/* What the writer knew of the shapes. */
static tn_error *refine_shapes(const tn_import_node *from, tn_node *node) {
  for (size_t i = 0; i < from->n_attrs; i++) {
    if (strcmp(from->attrs[i].name, "_output_shapes") != 0) continue;
    tn_attr attr;
    TN_TRY(tn_proto_get_attr(from->attrs[i].data, from->attrs[i].size, &attr));
    tn_error *error = NULL;
    bool shapes = attr.kind == TN_ATTR_SHAPE && attr.is_list;
    for (size_t j = 0; shapes && !error && j < attr.n && j < (size_t)node->n_outputs; j++) {
      error = tn_output_set_shape((tn_output){node, (int)j}, &attr.shapes[j]);
    }
    tn_attr_clear(&attr);
    if (error) return error;
  }
  return NULL;
}

static tn_error *full_name(const tn_import *import, const tn_import_node *node, char **out) {
  tn_str text = {0};
  /* The '/' at the end says that this is the whole name. */
  tn_str_addf(&text, "%s%s/", import->prefix, node->name);
  return tn_str_take(&text, out, NULL);
}

tn_error *tn_import_add(tn_import *import, size_t i) {
  tn_import_node *node = &import->nodes[i];
  char *name;
  TN_TRY(full_name(import, node, &name));
  tn_node_builder *b = tn_node_begin(import->graph, node->op, name);
  tn_free(name);
  if (!b) return tn_out_of_memory();
  b->from_def = true;
  b->wrong_shapes = import->options && import->options->wrong_shapes;
  bool loop = false;
  tn_error *error = b->error ? NULL : describe(import, node, b, &loop);
  if (error && !b->error) {
    b->error = tn_error_context(error, "%s '%s%s'", node->op, import->prefix, node->name);
  } else {
    tn_error_free(error);
  }
  TN_TRY(tn_node_finish(b, &node->node));
  /* What comes back may have another shape than what went in. */
  if (loop) node->node->output_shapes[0] = tn_shape_unknown();
  return refine_shapes(node, node->node);
}
