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
  size_t n_library, library_capacity;
  tn_library_item *library; /* DATA points into the bytes */
} tn_import;

/* Reads the bytes into IMPORT. */
tn_error *tn_import_read(tn_import *import, const char *def, size_t size) TN_MUST_USE;
/* Finds where the inputs come from. */
tn_error *tn_import_connect(tn_import *import) TN_MUST_USE;
/* Adds node I, whose inputs are there, to the graph. */
tn_error *tn_import_add(tn_import *import, size_t i) TN_MUST_USE;
/* True for an input of a Merge that comes from a NextIteration of the GraphDef. */
bool tn_import_is_back_edge(const tn_import *import, const tn_import_node *node, const tn_import_edge *edge);
/* Takes the functions of the library over. */
tn_error *tn_import_library(tn_import *import) TN_MUST_USE;

/* ARRAY with room for one more of SIZE bytes, in ARENA; NULL without memory. */
void *tn_arena_room(tn_arena *arena, void *array, size_t n, size_t *capacity, size_t size);

#endif
