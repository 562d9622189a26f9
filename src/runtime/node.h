/* Running one item of a subgraph. */
#ifndef TN_RUNTIME_NODE_H
#define TN_RUNTIME_NODE_H

#include "compile/subgraph.h"
#include "kernel/step.h"
#include "runtime/kernel_cache.h"
#include "runtime/trace.h"

typedef struct tn_node_context {
  tn_kernel_cache *kernels;
  tn_step *step;
  tn_trace *trace;
  const tn_subgraph *subgraph;
  struct tn_program *const *islands; /* of SUBGRAPH */
  tn_waiter *waiter;                 /* not NULL: the item's kernel attempts, and is given this */
  tn_run_outcome outcome;            /* what came of that */
} tn_node_context;

/* True if ITEM, which may wait, can do so without a thread. */
bool tn_item_attempts(const tn_item *item);

/* Runs ITEM on INPUTS, which it may use up, and fills OUTPUTS, which are clear; on an error they stay so. */
tn_error *tn_run_item(tn_node_context *context, const tn_item *item, tn_tensor *inputs, tn_tensor *outputs) TN_MUST_USE;
/* Reads what the reference REF refers to. OUT may be REF. FAILED_PRECONDITION if that is an uninitialised variable. */
tn_error *tn_deref(const tn_tensor *ref, tn_tensor *out) TN_MUST_USE;
/* Puts the node's op and name before ERROR's message unless they are in it. */
tn_error *tn_name_node(tn_error *error, const tn_node *node) TN_MUST_USE;

#endif
