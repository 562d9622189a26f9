/* What one step needs of a graph: the nodes that its fetches and targets reach, laid out for the dynamic executor.
 * Immutable. */
#ifndef TN_COMPILE_SUBGRAPH_H
#define TN_COMPILE_SUBGRAPH_H

#include "graph/graph.h"

/* An attribute of _Recv nodes: how many times at most what they receive went from one part of the step to another.
 * Nodes of different depths must not wait for each other, as those of an island do: that may close a circle. */
#define TN_DEPTH_ATTR "_depth"

/* What is fed, fetched and run. The arrays belong to whoever made them. */
struct tn_map;
typedef struct tn_step_signature {
  size_t n_feeds, n_fetches, n_targets;
  const tn_output *feeds;
  const tn_output *fetches; /* index -1: a target whose fetched value is NULL */
  tn_node *const *targets;
  const struct tn_map
      *within; /* NULL, or the nodes whose control edges count; only looked at while a subgraph is made */
} tn_step_signature;

typedef enum tn_item_kind {
  TN_ITEM_KERNEL,
  TN_ITEM_FEED,
  TN_ITEM_SWITCH,
  TN_ITEM_MERGE,
  TN_ITEM_ENTER,
  TN_ITEM_EXIT,
  TN_ITEM_NEXT_ITERATION,
  TN_ITEM_PASS,    /* LoopCond, or an Identity of a variable's reference: hands its input on */
  TN_ITEM_TRIGGER, /* ControlTrigger: runs even after dead nodes */
  TN_ITEM_SEND,    /* hands its input to the step's rendezvous, also where that is dead */
  TN_ITEM_RECV,    /* waits, without a thread, for what the rendezvous brings */
  TN_ITEM_ISLAND   /* many nodes that run as one, perhaps as a plan */
} tn_item_kind;

/* Nodes that are all dead or all alive, and that wait for nothing but each other once their inputs are there. */
typedef struct tn_island {
  int n_inputs, n_outputs;
  tn_output *inputs, *outputs; /* what comes from elsewhere, constants and handles excepted; what is needed elsewhere */
  struct tn_map *nodes;
} tn_island;

/* An edge from an output of an item (-1: the control output) to an input of another (-1: a control input). */
typedef struct tn_edge {
  int from_output, to, to_input;
} tn_edge;

/* Output OUTPUT of an item is fetch number FETCH. */
typedef struct tn_fetch_of {
  int output, fetch;
} tn_fetch_of;

typedef struct tn_item {
  const tn_node *node; /* of a feed: the node that it stands in for */
  tn_item_kind kind;
  int n_inputs, n_outputs;
  int n_controls; /* control edges that come in */
  int first_edge, n_edges;
  int first_fetch, n_fetches;
  int frame;       /* index of the static frame in which it runs */
  int local;       /* its number within the frame */
  int first_input; /* its first input within the frame's inputs */
  int child_frame; /* of an Enter: the frame that it enters */
  bool constant_enter;
  bool blocking;
  bool derefs;             /* an input may be a reference where the op takes a value */
  bool late;               /* it may run after an update of a variable that it takes the value of */
  int fed_output;          /* of a feed: the output of the node that it stands in for */
  const tn_island *island; /* of an island; owned by the subgraph */
} tn_item;

/* A loop's body, or the graph outside of loops (frame 0, parent -1). */
typedef struct tn_static_frame {
  const char *name; /* points into the graph */
  size_t name_size;
  int parent;
  int n_items, n_inputs;
  int n_enters;
  int parallel_iterations;
  int *pending; /* per item: the count that a new iteration starts with */
} tn_static_frame;

typedef struct tn_subgraph {
  int n_items;
  tn_item *items; /* the feeds come first, in order */
  int n_feeds;
  int n_edges;
  tn_edge *edges;
  tn_fetch_of *fetches;
  int n_frames;
  tn_static_frame *frames;
  int *by_frame;     /* the items of each frame in order of LOCAL, one frame after the other */
  bool control_flow; /* or calls of functions */
  bool blocking, refs;
  bool aliases; /* references go where the ops say that values go */
  int n_islands;
  tn_island *islands;
} tn_subgraph;

/* An edge with the item that it leaves. */
typedef struct tn_raw_edge {
  int from;
  tn_edge edge;
} tn_raw_edge;

/* INVALID_ARGUMENT: something is fed twice, or a loop is malformed. */
tn_error *tn_subgraph_new(const tn_step_signature *signature, tn_subgraph **out) TN_MUST_USE;
void tn_subgraph_free(tn_subgraph *subgraph);
/* The same with islands: parts without control flow, each one item. */
tn_error *tn_subgraph_condense(const tn_subgraph *subgraph, tn_subgraph **out) TN_MUST_USE;
/* Sets the edges of G, its N_EDGES, from EDGES. */
tn_error *tn_subgraph_set_edges(tn_subgraph *g, const tn_raw_edge *edges) TN_MUST_USE;
/* True if NODE only hands out a variable or another resource of the session. */
bool tn_hands_out_handle(const tn_node *node);

#endif
