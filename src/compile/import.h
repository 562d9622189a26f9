/* From a pruned subgraph to a plan graph. */
#ifndef TN_COMPILE_IMPORT_H
#define TN_COMPILE_IMPORT_H

#include "compile/ir.h"

typedef struct tn_ir_source {
  const tn_subgraph *subgraph;
  const tn_step_signature *signature;
  const tn_tensor *const *feeds; /* dtypes and shapes of what is fed */
  tn_session_state *session;
  int threads;
} tn_ir_source;

/* Makes the plan graph; its REFUSED tells why there can be no static plan. */
tn_error *tn_ir_import(const tn_ir_source *source, tn_ir **out) TN_MUST_USE;

/* --- the steps of it --- */
/* With the edges of the graph in place: sends users of references to the handles, and makes reads of variables
 * explicit. */
tn_error *tn_ir_resolve_references(tn_ir *ir) TN_MUST_USE;
/* With all shapes known: an assignment that gives a variable another shape than its reads expect refuses the plan. */
void tn_ir_refuse_reshaping(tn_ir *ir);
/* Keeps, of all control edges, those between nodes with an effect that say the same. */
tn_error *tn_ir_reduce_controls(tn_ir *ir) TN_MUST_USE;

#endif
