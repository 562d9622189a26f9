/* The insides of a graph, for the files of this folder. */
#ifndef TN_GRAPH_GRAPH_INTERNAL_H
#define TN_GRAPH_GRAPH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "graph/device.h"
#include "graph/shape.h"

/* Nodes hang in blocks that never move, block B with 64 << B of them, so that others may look while one thread adds. */
#define TN_GRAPH_BLOCKS      25
#define TN_GRAPH_FIRST_BLOCK 64

/* GraphDef's version number that we write, and the newest that we say we understand. */
#define TN_GRAPH_DEF_VERSION 2474

/* Later nodes run after NODES, but for those that depend already on one of the nodes made in this scope (SEEN). */
typedef struct tn_control_scope {
  bool clear; /* the scopes outside this one don't count */
  size_t n;
  tn_node **nodes;
  tn_map *seen;
} tn_control_scope;

typedef struct tn_device_scope {
  bool clear;
  tn_device_spec spec;
} tn_device_scope;

/* A user's gradient function. */
typedef struct tn_user_gradient {
  tn_user_gradient_fn fn;
  void *argument;
} tn_user_gradient;

/* What is done to every new node while gradients of loops are built: REWRITE may replace inputs and add controls. */
typedef struct tn_flow_hook {
  tn_error *(*rewrite)(void *state, tn_node_builder *builder);
  tn_error *(*added)(void *state, tn_node *node);
  void *state;
} tn_flow_hook;

struct tn_graph {
  atomic_int refs;
  pthread_mutex_t mutex; /* recursive; held while nodes that exist change and while the name map does */
  tn_arena *arena;
  _Atomic(tn_node **) blocks[TN_GRAPH_BLOCKS];
  atomic_size_t n_nodes;
  atomic_uint_fast64_t version;
  tn_map *nodes; /* name: node */
  tn_map *names; /* lower-case name: how often it was asked for */
  size_t n_name_scopes, n_device_scopes, n_control_scopes;
  char **name_scopes;
  tn_device_scope *device_scopes;
  tn_control_scope *control_scopes;
  bool has_seed;
  int64_t seed, seed_uses;
  tn_map *gradients; /* name: tn_user_gradient */
  tn_flow_hook *flow;
  int producer, min_consumer;
  struct tn_library *library;
  bool borrows_library; /* a function's body: the library owns it */
};

struct tn_node_builder {
  tn_graph *graph;
  tn_arena *arena; /* everything below */
  const char *op, *name, *device;
  tn_device_spec spec;
  bool exact;        /* NAME is the whole name, and must be free */
  bool from_def;     /* no inference from inputs; attributes that the op lacks are dropped */
  bool wrong_shapes; /* the shape function may fail */
  size_t n_inputs, input_capacity, n_controls, control_capacity, n_attrs, attr_capacity;
  tn_output *inputs;
  tn_node **controls;
  tn_named_attr *attrs;
  tn_error *error;
};

/* A graph that is the body of a function of LIBRARY. */
tn_error *tn_graph_new_in(struct tn_library *library, tn_graph **out) TN_MUST_USE;
tn_error *tn_mutex_init_recursive(pthread_mutex_t *mutex) TN_MUST_USE;

/* Appends NODE (its id and place). The graph is unchanged on an error. */
tn_error *tn_graph_append(tn_graph *graph, tn_node *node) TN_MUST_USE;
/* Drops the nodes from N on, as if they had never been added. */
void tn_graph_truncate(tn_graph *graph, size_t n);
void tn_graph_changed(tn_graph *graph);
/* Adds a control edge that certainly closes no cycle. */
tn_error *tn_graph_join(tn_graph *graph, tn_node *before, tn_node *after) TN_MUST_USE;

/* The name that a node asking for NAME gets under the present name scope, in ARENA; not taken yet. */
tn_error *tn_graph_choose_name(tn_graph *graph, const char *name, tn_arena *arena, const char **out) TN_MUST_USE;
/* Takes NAME, which tn_graph_choose_name made from ASKED (NULL: it was given whole). */
tn_error *tn_graph_take_name(tn_graph *graph, const char *asked, const char *name) TN_MUST_USE;
bool tn_name_valid(const char *name);
void tn_graph_free_scopes(tn_graph *graph);
/* The device of a new node that itself asks for SPEC. */
void tn_graph_scoped_device(const tn_graph *graph, const tn_device_spec *spec, tn_device_spec *out);
/* Adds what the control scopes say to BUILDER; notes NODE in them once it exists. */
void tn_builder_add_scope_controls(tn_node_builder *builder);
tn_error *tn_graph_note_in_scopes(tn_graph *graph, tn_node *node) TN_MUST_USE;

/* An error that begins "Op 'name': " before the node exists. */
tn_error *tn_builder_errorf(const tn_node_builder *b, tn_code code, const char *format, ...)
    TN_PRINTF(3, 4) TN_MUST_USE;
/* Sets an attribute from VALUE, of which it makes a copy. */
void tn_builder_attr(tn_node_builder *builder, const char *name, const tn_attr *value);
/* Resolves the attributes of NODE (op and schema are set) from the builder's and the inputs, and checks all. */
tn_error *tn_builder_resolve(const tn_node_builder *b, tn_node *node) TN_MUST_USE;
/* The number of flattened values of ARG by the attributes of NODE. */
int tn_node_arg_count(const tn_node *node, const tn_arg_def *arg);
/* The dtype of element I of ARG. */
tn_dtype tn_node_arg_type(const tn_node *node, const tn_arg_def *arg, int i);
/* Runs NODE's shape function and sets its output shapes and handles, which exist already. */
tn_error *tn_node_infer_shapes(tn_node *node) TN_MUST_USE;

#endif
