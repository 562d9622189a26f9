/* The plan graph: what compiler passes work on. Made from a step's nodes, with every shape known; docs/compiler.md
 * tells the rules. */
#ifndef TN_COMPILE_IR_H
#define TN_COMPILE_IR_H

#include "base/alloc.h"
#include "compile/subgraph.h"
#include "kernel/prepared.h"

typedef struct tn_ir tn_ir;
typedef struct tn_ir_node tn_ir_node;

typedef enum tn_ir_kind {
  TN_IR_KERNEL, /* runs a kernel of its op */
  TN_IR_FEED,   /* output 0 is fed value number FEED */
  TN_IR_CONST,  /* output 0 has a constant value */
  TN_IR_HANDLE, /* output 0 refers to OBJECT: a variable or another resource */
  TN_IR_READ    /* output 0 is the value of VARIABLE when this runs */
} tn_ir_kind;

/* What running a node does to the world. Only pure nodes may be merged, folded, dropped, repeated or moved freely. */
typedef enum tn_ir_effect {
  TN_IR_PURE,
  TN_IR_READS, /* looks at a variable that this step changes */
  TN_IR_ACTS   /* changes something, or draws random numbers: runs once, and never goes */
} tn_ir_effect;

/* Output INDEX of NODE. */
typedef struct tn_ir_value {
  tn_ir_node *node;
  int index;
} tn_ir_value;

typedef struct tn_ir_output {
  tn_dtype dtype;
  tn_shape shape;      /* known; a scalar for references and handles */
  tn_tensor *constant; /* the value if it is constant, else NULL; owned by the graph */
  tn_ir_value forward; /* what took its place by tn_ir_forward; node NULL: nothing did */
} tn_ir_output;

struct tn_ir_node {
  int id; /* its place in the graph's array; inputs needn't have lower ids */
  tn_ir_kind kind;
  tn_ir_effect effect;
  bool dead;
  const tn_node *node; /* op, name, attributes and types, as kernels see them; its edges are not to be looked at */
  int n_inputs;
  tn_ir_value *inputs;
  int n_controls; /* nodes that run before; only nodes with an effect have them, and only such are in it */
  tn_ir_node **controls;
  int n_outputs;
  tn_ir_output *outputs;
  int feed;
  tn_object *object;     /* of a handle */
  tn_tensor *handle;     /* of a handle: the tensor that kernels get; owned by the graph */
  tn_variable *variable; /* of a handle or a read */
  int64_t mark;          /* for the pass that runs */
};

struct tn_ir {
  tn_arena *arena;
  int n_nodes, capacity;
  tn_ir_node **nodes; /* dead ones stay */
  size_t n_fetches;
  tn_ir_value *fetches; /* node NULL: nothing is handed over */
  tn_session_state *session;
  int threads;
  const char *refused;  /* why there can be no static plan; NULL: nothing speaks against one */
  bool refused_for_now; /* that may change: a variable has no value yet, a node got a bad value */
  int n_kept, kept_capacity;
  tn_tensor **kept; /* constants and handles */
  int n_made, made_capacity;
  tn_node **made; /* nodes that passes made: their attributes are freed with the graph */
};

/* --- for passes --- */

/* A pass: changes IR and adds to *CHANGES how often it did. */
typedef struct tn_pass {
  const char *name;
  tn_error *(*run)(tn_ir *ir, int *changes);
} tn_pass;

/* What tn_ir_add makes. ATTRS ends with a NULL name, and may be NULL; attributes with defaults may be left out. */
typedef struct tn_ir_new {
  const char *op;   /* a registered op; internal ones have names that begin with '_' */
  const char *name; /* for messages; copied */
  int n_inputs;
  const tn_ir_value *inputs;
  const tn_named_attr *attrs;
  int n_outputs;
  const tn_dtype *dtypes; /* of the outputs */
} tn_ir_new;
/* Adds a node. Its output shapes come from preparing its reference kernel, which must therefore take the inputs. Its
 * effect is TN_IR_ACTS if the op is stateful or takes references or resources without being read-only, else pure. */
tn_error *tn_ir_add(tn_ir *ir, const tn_ir_new *spec, tn_ir_node **out) TN_MUST_USE;
/* Adds a constant; the graph takes a reference on VALUE. */
tn_error *tn_ir_add_const(tn_ir *ir, const char *name, tn_tensor *value, tn_ir_value *out) TN_MUST_USE;
/* Everybody who uses OLD (fetches too) uses NEW from now on. Both have the same dtype and shape. */
void tn_ir_replace(tn_ir *ir, tn_ir_value old, tn_ir_value new_value);
/* The same for passes that replace much: users are sent on by tn_ir_settle, all at once, or one by one by
 * tn_ir_resolve. */
void tn_ir_forward(tn_ir_value old, tn_ir_value new_value);
tn_ir_value tn_ir_resolve(tn_ir_value value);
void tn_ir_settle(tn_ir *ir);
/* Adds BEFORE to the control inputs of NODE, if it is not among them. */
tn_error *tn_ir_add_control(tn_ir *ir, tn_ir_node *before, tn_ir_node *node) TN_MUST_USE;
/* Takes NODE, whose outputs nobody uses, out of the graph; who ran after it runs after what it ran after. */
tn_error *tn_ir_remove(tn_ir *ir, tn_ir_node *node) TN_MUST_USE;
/* In place of the node OLD, which acts: NEW_NODE takes over its control edges in both directions. OLD is to be removed
 * then. */
tn_error *tn_ir_take_over(tn_ir *ir, tn_ir_node *old, tn_ir_node *new_node) TN_MUST_USE;
/* Removes pure nodes and reads that nothing needs. Runs after every pass. */
tn_error *tn_ir_sweep(tn_ir *ir) TN_MUST_USE;
/* All live nodes, each after its inputs and controls, in *ORDER (tn_free; *N of them). INTERNAL: a cycle. */
tn_error *tn_ir_sort(const tn_ir *ir, tn_ir_node ***order, int *n) TN_MUST_USE;

/* Who uses each value: USES[FIRST[id]] to USES[FIRST[id + 1]] are the uses of the node with that id. */
typedef struct tn_ir_use {
  tn_ir_node *user; /* NULL: a fetch */
  int input;        /* of USER (-1: as a control input), or the number of the fetch */
  int output;       /* of the node that is used */
} tn_ir_use;
typedef struct tn_ir_uses {
  int *first;
  tn_ir_use *uses;
} tn_ir_uses;
tn_error *tn_ir_uses_of(const tn_ir *ir, tn_ir_uses *out) TN_MUST_USE;
void tn_ir_uses_clear(tn_ir_uses *uses);
/* The number of uses of VALUE as data, fetches included. */
int tn_ir_count_uses(const tn_ir_uses *uses, tn_ir_value value);
/* True if a path leads from FROM to TO: then TO can't be computed before FROM. */
bool tn_ir_depends(const tn_ir *ir, const tn_ir_node *to, const tn_ir_node *from);

/* Shorthand. */
static inline const tn_ir_output *tn_ir_out(tn_ir_value value) { return &value.node->outputs[value.index]; }
static inline tn_ir_value tn_ir_in(const tn_ir_node *node, int i) { return node->inputs[i]; }
bool tn_ir_is(const tn_ir_node *node, const char *op); /* a kernel node of that op */
/* True if every element of a constant floating or integer VALUE equals X. */
bool tn_ir_is_filled_with(tn_ir_value value, double x);

/* --- for the compiler itself --- */
tn_error *tn_ir_new_graph(tn_ir **out) TN_MUST_USE;
void tn_ir_free(tn_ir *ir);
/* A node of KIND with room for its inputs and outputs, all zero. */
tn_error *tn_ir_new_node(tn_ir *ir, tn_ir_kind kind, const tn_node *node, int n_inputs, tn_ir_node **out) TN_MUST_USE;
/* Keeps TENSOR, whose reference it takes over, as long as IR. */
tn_error *tn_ir_keep(tn_ir *ir, tn_tensor *tensor) TN_MUST_USE;
/* Prepares the reference kernel of NODE for its inputs, sets the shapes of its outputs; RUNS it if that is wanted and
 * all inputs are constant, so that the outputs become so. A node that can't be prepared or has an output of unknown
 * shape sets IR's REFUSED. */
tn_error *tn_ir_infer(tn_ir *ir, tn_ir_node *node, bool runs) TN_MUST_USE;

#endif
