/* The dynamic executor: runs a subgraph as its values come, with kernels prepared when their inputs' shapes are known.
 */
#ifndef TN_RUNTIME_DYNAMIC_H
#define TN_RUNTIME_DYNAMIC_H

#include "compile/subgraph.h"
#include "kernel/step.h"
#include "runtime/kernel_cache.h"
#include "runtime/trace.h"

typedef struct tn_dynamic tn_dynamic;

/* What it runs, and with what. All of it outlives the run. */
typedef struct tn_dynamic_request {
  const tn_subgraph *subgraph;
  tn_kernel_cache *kernels;
  tn_step *step;
  tn_trace *trace; /* NULL: none */
  size_t n_fetches;
  int threads;                       /* inside an op */
  int workers;                       /* nodes that run at once; at least 1 */
  struct tn_program *const *islands; /* of the subgraph's islands */
} tn_dynamic_request;

tn_error *tn_dynamic_new(const tn_dynamic_request *request, tn_dynamic **out) TN_MUST_USE;
/* Passes VALUE on as feed I; nothing runs yet. */
void tn_dynamic_feed(tn_dynamic *run, int i, tn_tensor *value);
/* Runs until nothing more can. */
tn_error *tn_dynamic_go(tn_dynamic *run) TN_MUST_USE;
/* The value of fetch I; dtype TN_INVALID if it has none. */
tn_error *tn_dynamic_fetched(tn_dynamic *run, size_t i, const tn_tensor **out) TN_MUST_USE;
void tn_dynamic_free(tn_dynamic *run);

/* Between these two, a thread that brings several tensors of steps (tn_rendezvous_send) wakes whoever waits for them
 * once, at the end. */
void tn_dynamic_hold(void);
void tn_dynamic_release(void);

#endif
