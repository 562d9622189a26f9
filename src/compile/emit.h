/* The state in which a plan is being made. */
#ifndef TN_COMPILE_EMIT_H
#define TN_COMPILE_EMIT_H

#include "compile/plan.h"

/* When the value of a root slot is needed. */
typedef struct tn_lifetime {
  int from, to;
  bool fetched;
} tn_lifetime;

typedef struct tn_emit {
  tn_ir *ir;
  tn_plan *plan;
  const char *disabled;
  tn_ir_node **order; /* the nodes that run */
  int n;
  tn_kernel **kernels; /* per node in ORDER; NULL for reads */
  int *first_slot;     /* per node id: the slot of its output 0, -1: none */
  tn_lifetime *lives;  /* per slot, valid for roots */
} tn_emit;

/* Makes slots for all values; aliases have their roots. */
tn_error *tn_emit_slots(tn_emit *e) TN_MUST_USE;
/* Lets outputs overwrite inputs that end with them, decides which roots get buffers of their own, and lays out the
 * arena. */
tn_error *tn_emit_memory(tn_emit *e) TN_MUST_USE;
/* The root of SLOT. */
int tn_emit_root(const tn_emit *e, int slot);

#endif
