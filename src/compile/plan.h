/* Plans: a step as an array of prepared kernels over fixed places. Immutable and shared; instances hold what a running
 * step changes. */
#ifndef TN_COMPILE_PLAN_H
#define TN_COMPILE_PLAN_H

#include "compile/ir.h"

typedef enum tn_slot_kind {
  TN_SLOT_ARENA,  /* at OFFSET of the instance's arena */
  TN_SLOT_CONST,  /* TENSOR: a constant or a handle */
  TN_SLOT_FEED,   /* what is fed as number INDEX */
  TN_SLOT_BOUND,  /* the buffer of variable number INDEX, bound by version */
  TN_SLOT_OUTPUT, /* fetched: a buffer of its own in every step */
  TN_SLOT_LOOSE   /* a reference that a kernel hands on: holds a buffer until the step ends */
} tn_slot_kind;

typedef struct tn_plan_slot {
  tn_slot_kind kind;
  int root; /* the slot whose bytes these are: itself, or one of another kind than LOOSE that it aliases or overwrites
             */
  tn_dtype dtype;
  tn_shape shape;
  int index;
  size_t offset, bytes;
  tn_tensor *tensor;
} tn_plan_slot;

typedef enum tn_plan_op_kind {
  TN_PLAN_KERNEL,
  TN_PLAN_READ /* output 0 gets a copy of VARIABLE's value: it is changed before the last use of what is read */
} tn_plan_op_kind;

typedef struct tn_plan_op {
  tn_plan_op_kind kind;
  const tn_node *node;
  tn_kernel *kernel;
  tn_variable *variable;
  int n_inputs, n_outputs;
  int first;      /* in OPERANDS: the slots of the inputs, then of the outputs */
  size_t scratch; /* its offset in the arena */
} tn_plan_op;

/* A variable that the plan reads in place. */
typedef struct tn_plan_variable {
  tn_variable *variable;
  tn_shape shape;
  int slot;
} tn_plan_variable;

typedef struct tn_plan {
  atomic_int refs;
  tn_ir *ir;            /* keeps the nodes, constants and handles that the rest points to */
  char *refused;        /* there is no plan, for this reason; nothing below is set then */
  bool refused_for_now; /* ... and that may change */
  int n_feeds;
  tn_plan_slot *feeds; /* dtype and shape that it was made for */
  int n_slots, n_ops, n_operands;
  tn_plan_slot *slots;
  tn_plan_op *ops;
  int *operands;
  size_t n_variables;
  tn_plan_variable *variables; /* sorted by address */
  tn_variable **pinned;        /* the same, as tn_variable_set_own_pins takes them */
  int n_fed;
  int *fed; /* FEED slots */
  int n_outputs;
  int *outputs; /* OUTPUT slots that are roots */
  int n_patched;
  int *patched; /* slots that point into a root which moves from step to step */
  int n_loose;
  int *loose;
  size_t n_fetches;
  int *fetches; /* slots; -1: nothing */
  size_t arena;
  uint64_t epoch; /* of the session's resources */
} tn_plan;

typedef struct tn_plan_request {
  const tn_subgraph *subgraph;
  const tn_step_signature *signature;
  const tn_tensor *const *feeds;
  tn_session_state *session;
  int threads;
  const char *disabled; /* passes */
} tn_plan_request;

/* Makes a plan; one with REFUSED set if the step is not static. */
tn_error *tn_plan_new(const tn_plan_request *request, tn_plan **out) TN_MUST_USE;
tn_plan *tn_plan_ref(tn_plan *plan);
void tn_plan_unref(tn_plan *plan);

/* --- the steps of it --- */
/* The nodes that run, in the order in which they will. */
tn_error *tn_plan_order(tn_ir *ir, const char *disabled, tn_ir_node ***order, int *n) TN_MUST_USE;

/* A piece of memory that is in use from operation FROM to operation TO. */
typedef struct tn_interval {
  int from, to;
  size_t bytes, offset;
} tn_interval;
/* Sets the offsets, multiples of 64, so that no two pieces that are in use at once overlap; *TOTAL is the arena's size.
 * SHARE false: no two overlap at all. */
tn_error *tn_plan_memory(tn_interval *intervals, int n, bool share, size_t *total) TN_MUST_USE;

#endif
