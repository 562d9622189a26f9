/* The static executor: walks a plan. Instances of a plan let several threads run it at once. */
#ifndef TN_RUNTIME_STATIC_H
#define TN_RUNTIME_STATIC_H

#include "compile/plan.h"
#include "kernel/step.h"
#include "runtime/trace.h"

typedef struct tn_static tn_static;

/* Takes over the caller's reference on PLAN, also when it fails. */
tn_error *tn_static_new(tn_plan *plan, tn_static **out) TN_MUST_USE;
void tn_static_free(tn_static *s);
/* Frees the instances that nobody uses now. Safe while others run the plan. */
void tn_static_trim(tn_static *s);
const tn_plan *tn_static_plan(const tn_static *s);
/* True if VALUES have the dtypes and shapes that the plan was made for. */
bool tn_static_fits(const tn_static *s, tn_tensor *const *values);

/* One step. */
typedef struct tn_static_call {
  tn_session_state *session;
  const atomic_bool *closed;
  const tn_run_options *options; /* may be NULL */
  tn_tensor *const *values;
  const tn_step *parent; /* the step that this is a part of, with its limits; NULL: none */
  tn_trace *trace;       /* NULL: none */
  int threads;
} tn_static_call;

/* Runs it. *STALE: nothing was run, because what the plan was made for (a variable's shape, a resource) is not so any
 * more. */
tn_error *tn_static_run(tn_static *s, const tn_static_call *call, tn_tensor **out, bool *stale) TN_MUST_USE;

/* Whether the last step of this thread was static: told by who runs steps. */
void tn_note_step(bool is_static);

#endif
