/* Calling functions from kernels. */
#include "kernel/call.h"

#include <string.h>

#include "base/alloc.h"
#include "kernel/step.h"

/* Each level takes some kilobytes of stack. */
#define DEEPEST 400

static __thread int depth;

tn_error *tn_scope_new(tn_session_state *parent, tn_session_state **out) {
  tn_caller *caller = parent ? tn_session_state_caller(parent) : NULL;
  if (!caller) return tn_errorf(TN_INTERNAL, "there is nothing here that runs functions");
  tn_session_state *state = NULL;
  TN_TRY(tn_session_state_new_child(parent, &state));
  tn_error *error = caller->fork(caller, state);
  if (error) {
    tn_session_state_free(state);
    return error;
  }
  *out = state;
  return NULL;
}

static tn_error *check(const tn_function *function, size_t n, const tn_tensor *inputs) {
  if (n != function->n_inputs) {
    return tn_errorf(TN_INVALID_ARGUMENT, "function '%s' takes %zu arguments, not %zu", function->name,
                     function->n_inputs, n);
  }
  for (size_t i = 0; i < n; i++) {
    if (inputs[i].dtype == function->input_types[i]) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "function '%s' takes a %s as argument %zu, not a %s", function->name,
                     tn_dtype_name(function->input_types[i]), i, tn_dtype_name(inputs[i].dtype));
  }
  return NULL;
}

tn_error *tn_call_function(tn_function *function, tn_step *step, size_t n_inputs, const tn_tensor *inputs,
                           tn_tensor *outputs) {
  tn_caller *caller = step && step->session ? tn_session_state_caller(step->session) : NULL;
  if (!caller) return tn_errorf(TN_INTERNAL, "there is nothing here that runs functions");
  TN_TRY(check(function, n_inputs, inputs));
  if (depth >= DEEPEST) {
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "function '%s': calls are nested more than %d deep", function->name,
                     DEEPEST);
  }
  depth++;
  tn_error *error = caller->call(caller, function, step, inputs, outputs);
  depth--;
  return error;
}

tn_error *tn_run_call(tn_run *r, tn_function *function, int first) {
  enum { FEW = 8 };
  size_t n = (size_t)(r->n_inputs - first), m = function->n_outputs;
  if (m != (size_t)r->n_outputs) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "function '%s' has %zu results; the node has %d outputs",
                         function->name, m, r->n_outputs);
  }
  tn_tensor few[2 * FEW], *inputs = few;
  if (n + m > 2 * FEW) inputs = tn_malloc((n + m) * sizeof *inputs);
  if (!inputs) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) memcpy(&inputs[i], r->inputs[(size_t)first + i], sizeof *inputs);
  memset(inputs + n, 0, m * sizeof *inputs);
  tn_error *error = tn_call_function(function, r->step, n, inputs, inputs + n);
  for (size_t i = 0; i < m; i++) {
    if (!error && inputs[n + i].dtype != r->outputs[i]->dtype) {
      error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "result %zu of function '%s' is %s; expected %s", i, function->name,
                            tn_dtype_name(inputs[n + i].dtype), tn_dtype_name(r->outputs[i]->dtype));
    }
    if (!error) tn_run_set(r, (int)i, &inputs[n + i]);
    tn_tensor_clear(&inputs[n + i]);
  }
  if (inputs != few) tn_free(inputs);
  return error;
}
