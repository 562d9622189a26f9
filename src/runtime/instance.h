/* What a running step of a plan needs for itself: an arena, slots, and the arguments of every kernel. */
#ifndef TN_RUNTIME_INSTANCE_H
#define TN_RUNTIME_INSTANCE_H

#include "compile/plan.h"
#include "kernel/step.h"

typedef struct tn_instance {
  tn_plan *plan;
  char *arena;
  struct tn_account *account; /* which the arena is charged to */
  tn_tensor *slots;
  tn_run *runs;         /* per operation */
  tn_tensor **operands; /* what the runs' arrays point into */
  uint64_t *versions;   /* per variable: the one whose buffer is bound; 0: none */
  tn_step step;
} tn_instance;

/* RESOURCE_EXHAUSTED names the largest tensors of the plan. */
tn_error *tn_instance_new(tn_plan *plan, tn_instance **out) TN_MUST_USE;
/* Adds the largest tensors of PLAN that are not in the arena or, if ARENA, are in it, to ERROR's message. */
tn_error *tn_name_largest_slots(tn_error *error, const tn_plan *plan, bool arena) TN_MUST_USE;
void tn_instance_free(tn_instance *instance);

#endif
