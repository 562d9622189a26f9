/* GraphDef in: what the reader hands to the builder. */
#ifndef TN_GRAPH_GRAPH_DEF_IN_H
#define TN_GRAPH_GRAPH_DEF_IN_H

#include "graph/graph_internal.h"
#include "graph/proto.h"

/* Where an input comes from: a node of the GraphDef, or a tensor of the graph that replaces it. */
typedef struct tn_import_edge {
  const char *text; /* as written */
  const char *name; /* the node */
  int index;        /* -1: a control input */
  const char *arg;  /* in a function's body: the output argument whose element INDEX it is; NULL: INDEX is the output */
  int from;         /* number in the GraphDef; -1 where REPLACED is set */
  tn_output replaced;
} tn_import_edge;

typedef struct tn_import_attr {
  const char *name;
  const char *data; /* an AttrValue */
  size_t size;
} tn_import_attr;

typedef struct tn_import_node {
  const char *name, *op, *device; /* NAME as in the GraphDef, without the prefix */
  size_t n_inputs, n_attrs, input_capacity, attr_capacity;
  tn_import_edge *inputs;
  tn_import_attr *attrs;
  int pending; /* inputs that are not there yet */
  tn_node *node;
} tn_import_node;

typedef struct tn_import {
  tn_graph *graph;
  tn_arena *arena;
  const tn_import_options *options;
  const char *prefix; /* "" or "name/" */
  size_t n, capacity;
  tn_import_node *nodes;
  tn_map *names; /* name: number + 1 */
  int producer, min_consumer;
  const char *library; /* a FunctionDefLibrary, or NULL */
  size_t library_size;
  bool function; /* the body of a function: inputs are written as there */
} tn_import;

/* Reads the bytes into IMPORT. */
tn_error *tn_import_read(tn_import *import, const char *def, size_t size) TN_MUST_USE;
/* Finds where the inputs come from. */
tn_error *tn_import_connect(tn_import *import) TN_MUST_USE;
/* Adds node I, whose inputs are there, to the graph. */
tn_error *tn_import_add(tn_import *import, size_t i) TN_MUST_USE;
/* True for an input of a Merge that comes from a NextIteration of the GraphDef. */
bool tn_import_is_back_edge(const tn_import *import, const tn_import_node *node, const tn_import_edge *edge);
/* The tensor that EDGE, which is no control input and replaced by nothing, brings; its node is there. */
tn_error *tn_import_output(const tn_import *import, const tn_import_edge *edge, tn_output *out) TN_MUST_USE;
/* Reads one NodeDef into IMPORT. */
tn_error *tn_import_read_node(tn_import *import, const tn_wire_field *field) TN_MUST_USE;
/* Finds the inputs of what was read, orders it, and adds it to the graph. */
tn_error *tn_import_nodes(tn_import *import) TN_MUST_USE;

#endif
