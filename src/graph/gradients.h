/* The insides of reverse-mode differentiation: the walk's state, and the loops that it goes through. */
#ifndef TN_GRAPH_GRADIENTS_H
#define TN_GRAPH_GRADIENTS_H

#include "graph/build.h"
#include "graph/graph_internal.h"

/* A node that runs only where PRED has the value BRANCH, inside OUTER's condition. Equal conditions are one object. */
typedef struct tn_guard {
  struct tn_guard *outer;
  tn_output pred;
  int branch, depth;
} tn_guard;

typedef struct tn_node_list {
  size_t n, capacity;
  tn_node **nodes;
} tn_node_list;

/* A loop: of the graph, or (FORWARD set) one that computes the gradients of a loop, iterating backwards. NULL: no loop.
 */
typedef struct tn_frame {
  struct tn_frame *parent, *next;
  struct tn_frame *forward, *backward; /* the other one of the pair */
  const char *name;
  int64_t parallel_iterations;
  tn_guard *guard; /* what the loop as a whole runs under */
  tn_node *cond;   /* its LoopCond */
  tn_node *body;   /* of a backward loop: what runs in each iteration but the last */
  tn_node *step;   /* the NextIteration of its counter */
  tn_node *count;  /* a forward loop's counter, after adding one */
  tn_output total; /* of a forward loop: how often it went round, after it has ended */
  tn_node *sync;   /* a ControlTrigger before STEP, which waits for nodes that may be dead */
  tn_node_list enters, exits;
  tn_node_list deferred, unused; /* exits that wait until all exits were seen; those that no gradient came to */
  int pending_exits;
  tn_map *values; /* (node, output) from outside: the tn_output that stands for it inside */
  tn_map *merges; /* a loop's Switch: the Merge of the backward loop */
} tn_frame;

typedef struct tn_grad_list {
  int n, capacity;
  tn_gradient_value *values;
} tn_grad_list;

/* What the caller wants. */
typedef struct tn_gradient_request {
  size_t n_ys, n_xs, n_stop;
  const tn_output *ys, *xs, *grad_ys, *stop;
} tn_gradient_request;

typedef struct tn_gradients {
  tn_gradient_request asked;
  tn_graph *graph;
  tn_arena *arena;
  tn_scope scope;
  size_t n;             /* the nodes that there were before */
  uint8_t *between;     /* per node: on a way from an x to a y */
  uint8_t *stop;        /* per node: nothing flows further */
  int *pending;         /* per node: how many gradients are still to come */
  int *exits;           /* per node: how many of these come from an Exit */
  tn_grad_list **grads; /* per node: one list per output, or NULL */
  tn_node_list queue;
  size_t next; /* in QUEUE */
  bool loops;  /* the graph has loops: the fields below count */
  tn_frame *frames;
  tn_frame **frame_of; /* per node, the frame that its outputs live in */
  tn_guard **guard_of; /* per node; a Switch's outputs have one more each */
  tn_map *guards;      /* all there are */
  tn_map *new_frames;  /* the frames of nodes made since: id + 1 to tn_frame */
  tn_frame *current;   /* where new nodes go */
  const tn_node *op;   /* the node whose gradient is being built */
  const char *source;  /* the name scope of all that is built: no other call has it */
  tn_flow_hook hook;
} tn_gradients;

bool tn_node_is(const tn_node *node, const char *op, const char *ref_op);
static inline bool tn_is_switch(const tn_node *n) { return tn_node_is(n, "Switch", "RefSwitch"); }
static inline bool tn_is_merge(const tn_node *n) { return tn_node_is(n, "Merge", "RefMerge"); }
static inline bool tn_is_enter(const tn_node *n) { return tn_node_is(n, "Enter", "RefEnter"); }
static inline bool tn_is_exit(const tn_node *n) { return tn_node_is(n, "Exit", "RefExit"); }
static inline bool tn_is_next(const tn_node *n) { return tn_node_is(n, "NextIteration", "RefNextIteration"); }
bool tn_is_loop_switch(const tn_node *node);
bool tn_is_loop_merge(const tn_node *node);
/* Floating, complex, resource and variant: what gradients flow through. */
bool tn_dtype_trainable(tn_dtype dtype);

tn_error *tn_list_add(tn_gradients *g, tn_node_list *list, tn_node *node) TN_MUST_USE;
tn_error *tn_grads_add(tn_gradients *g, tn_output output, const tn_gradient_value *value) TN_MUST_USE;
bool tn_grads_any(const tn_gradients *g, const tn_node *node);

/* --- sums --- */
/* Adds up what came for OUTPUT, in place; *OUT is none where nothing did. */
tn_error *tn_grads_sum(tn_gradients *g, tn_output output, tn_gradient_value *out) TN_MUST_USE;
/* VALUE as one dense tensor. */
tn_output tn_grad_densify(tn_scope *s, const tn_gradient_value *value);
/* Zeros like OUTPUT, dead where OUTPUT is. G may be NULL. */
tn_output tn_grad_zeros(tn_gradients *g, tn_scope *s, tn_output output);
/* SHAPE filled with VALUE. */
tn_output tn_build_filled(tn_scope *s, tn_dtype dtype, const tn_shape *shape, double value);

/* --- frames --- */
/* Finds the loops of the graph, and the frame and the guard of each node. */
tn_error *tn_frames_find(tn_gradients *g) TN_MUST_USE;
tn_frame *tn_frame_of(const tn_gradients *g, const tn_node *node);
/* *OUT: the innermost condition that OUTPUT depends on, within its frame; NULL: none. */
tn_error *tn_guard_of(tn_gradients *g, tn_output output, tn_guard **out) TN_MUST_USE;
/* Where gradients of a node in FRAME are built: its backward loop, or FRAME itself. */
static inline tn_frame *tn_frame_backward(tn_frame *frame) {
  return frame && frame->backward ? frame->backward : frame;
}
tn_error *tn_frame_set(tn_gradients *g, const tn_node *node, tn_frame *frame) TN_MUST_USE;
void tn_frames_free(tn_gradients *g);

/* --- backward loops --- */
/* Starts rewriting new nodes for the frame that they go to; see tn_gradients.current. */
void tn_loops_start(tn_gradients *g);
/* Makes the backward loops of all loops that a gradient comes out of through an Exit. */
tn_error *tn_loops_prepare(tn_gradients *g) TN_MUST_USE;
/* Adds a node to FRAME as it is: no inputs are replaced. CONTROL may be NULL. */
tn_output tn_loop_raw(tn_gradients *g, tn_frame *frame, const char *op, const tn_output *inputs,
                      const tn_named_attr *attrs, tn_node *control);
/* OUTPUT as FRAME sees it: itself, entered into the loop, or remembered from the forward loop. */
tn_output tn_loop_map(tn_gradients *g, tn_frame *frame, tn_output output);
tn_output tn_loop_enter(tn_gradients *g, tn_frame *frame, tn_output value, bool constant);
/* What FRAME knows OUTPUT, or another key, as; NULL: nothing. And the same kept for later: returns VALUE. */
tn_output *tn_loop_known(const tn_frame *frame, tn_output output);
tn_output tn_loop_keep(tn_gradients *g, tn_frame *frame, tn_output output, tn_output value);
/* A number, DTYPE being int32 or float, in FRAME, where it is made once BEFORE (NULL: nothing) has run. */
tn_output tn_loop_number(tn_gradients *g, tn_frame *frame, tn_dtype dtype, int32_t value, tn_node *before);
/* The Enter that makes OUTPUT the same in every iteration of its loop, if it is so; else NULL. */
const tn_node *tn_loop_invariant(tn_output output);
/* NODE runs before the backward loop of its loop does. False, and nothing is done, where there is none. */
bool tn_loop_finish_first(tn_gradients *g, const tn_node *node);
/* Exits to which no gradient will come: those with y's in the same loop get zeros and go into the queue. */
tn_error *tn_loops_unused_exits(tn_gradients *g) TN_MUST_USE;
/* An exit is ready: it waits for the others of its loop. */
tn_error *tn_loop_exit_ready(tn_gradients *g, tn_node *exit) TN_MUST_USE;
/* Loop variables whose next value does not depend on the one before: their gradient is zero from then on. */
tn_error *tn_loops_finish(tn_gradients *g) TN_MUST_USE;
/* Closes the backward loop's Merge with VALUE. */
tn_error *tn_loop_close(tn_gradients *g, tn_frame *frame, tn_node *merge, tn_output value) TN_MUST_USE;

#endif
