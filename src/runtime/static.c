/* Walking plans: the prologue sets up what moves from step to step, the walk only computes, the epilogue hands over. */
#include "runtime/static.h"

#include <string.h>
#include <tenon/testing.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/thread.h"
#include "runtime/instance.h"
#include "runtime/node.h"
#include "runtime/threads.h"

#define IDLE       16
#define BIND_TRIES 100

struct tn_static {
  tn_plan *plan;
  _Atomic(tn_instance *) idle[IDLE];
};

static __thread tn_counters last_counters;
static __thread bool last_was_static;

tn_counters tn_last_step_counters(void) { return last_counters; }
bool tn_last_step_was_static(void) { return last_was_static; }
void tn_note_step(bool is_static) { last_was_static = is_static; }

tn_error *tn_static_new(tn_plan *plan, tn_static **out) {
  tn_static *s = tn_calloc(1, sizeof *s);
  if (!s) {
    tn_plan_unref(plan);
    return tn_out_of_memory();
  }
  s->plan = plan;
  *out = s;
  return NULL;
}

void tn_static_trim(tn_static *s) {
  for (int i = 0; i < IDLE; i++) tn_instance_free(atomic_exchange(&s->idle[i], NULL));
}

void tn_static_free(tn_static *s) {
  if (!s) return;
  tn_static_trim(s);
  tn_plan_unref(s->plan);
  tn_free(s);
}

const tn_plan *tn_static_plan(const tn_static *s) { return s->plan; }

bool tn_static_fits(const tn_static *s, tn_tensor *const *values) {
  for (int i = 0; i < s->plan->n_feeds; i++) {
    const tn_plan_slot *want = &s->plan->feeds[i];
    const tn_tensor *value = values[i];
    if (value->dtype != want->dtype || value->shape.rank != want->shape.rank) return false;
    for (int d = 0; d < want->shape.rank; d++) {
      if (value->shape.dims[d] != want->shape.dims[d]) return false;
    }
  }
  return true;
}

static tn_error *take_instance(tn_static *s, tn_instance **out) {
  for (int i = 0; i < IDLE; i++) {
    if (!atomic_load_explicit(&s->idle[i], memory_order_relaxed)) continue;
    tn_instance *found = atomic_exchange_explicit(&s->idle[i], NULL, memory_order_acquire);
    if (!found) continue;
    *out = found;
    return NULL;
  }
  return tn_instance_new(s->plan, out);
}

static void give_instance(tn_static *s, tn_instance *in) {
  for (int i = 0; i < IDLE; i++) {
    tn_instance *none = NULL;
    if (atomic_load_explicit(&s->idle[i], memory_order_relaxed)) continue;
    if (atomic_compare_exchange_strong_explicit(&s->idle[i], &none, in, memory_order_release, memory_order_relaxed)) {
      return;
    }
  }
  tn_instance_free(in);
}

/* Pins variable I, binding its buffer anew if it has another one. *STALE: the plan does not fit it any more. */
static tn_error *pin(tn_instance *in, size_t i, bool *stale) {
  const tn_plan_variable *v = &in->plan->variables[i];
  tn_tensor *slot = &in->slots[v->slot];
  for (int tries = 0; tries < BIND_TRIES; tries++) {
    if (in->versions[i] && tn_variable_pin(v->variable, in->versions[i])) return NULL;
    if (in->versions[i]) tn_variable_unbind(v->variable, slot, in->versions[i]);
    in->versions[i] = 0;
    uint64_t version = 0;
    tn_error *error = tn_variable_bind(v->variable, slot, &version);
    *stale = error || slot->dtype != in->plan->slots[v->slot].dtype || !tn_shape_equal(&slot->shape, &v->shape);
    tn_error_free(error); /* the dynamic executor will tell which read it was */
    if (!error) in->versions[i] = version;
    if (*stale) return NULL;
  }
  *stale = true; /* somebody replaces the value all the time */
  return NULL;
}

static void unpin(tn_instance *in, size_t n) {
  for (size_t i = 0; i < n; i++) tn_variable_unpin(in->plan->variables[i].variable);
}

static tn_error *pin_all(tn_instance *in, bool *stale) {
  for (size_t i = 0; i < in->plan->n_variables; i++) {
    tn_error *error = pin(in, i, stale);
    if (!error && !*stale) continue;
    unpin(in, i);
    return error;
  }
  return NULL;
}

/* Feeds in place, new buffers for what is fetched, and all that points into those. */
static tn_error *set_moving(tn_instance *in, tn_tensor *const *values) {
  const tn_plan *plan = in->plan;
  for (int i = 0; i < plan->n_fed; i++) {
    const tn_tensor *value = values[plan->slots[plan->fed[i]].index];
    in->slots[plan->fed[i]].data = value->data;
    in->slots[plan->fed[i]].buffer = value->buffer; /* the caller's for as long as the step runs */
  }
  for (int i = 0; i < plan->n_outputs; i++) {
    tn_tensor *slot = &in->slots[plan->outputs[i]];
    tn_error *error = tn_buffer_new(slot->dtype, plan->slots[plan->outputs[i]].bytes, &slot->buffer);
    if (error) return tn_name_largest_slots(error, plan, false);
    slot->data = slot->buffer->data;
  }
  for (int i = 0; i < plan->n_patched; i++) {
    tn_tensor *slot = &in->slots[plan->patched[i]];
    const tn_tensor *root = &in->slots[plan->slots[plan->patched[i]].root];
    slot->data = root->data;
    slot->buffer = root->buffer;
  }
  return NULL;
}

/* Gives back what the step held; boxes have references of their own. */
static void clear_moving(tn_instance *in) {
  const tn_plan *plan = in->plan;
  for (int i = 0; i < plan->n_outputs; i++) {
    tn_tensor *slot = &in->slots[plan->outputs[i]];
    tn_buffer_unref(slot->buffer);
    slot->buffer = NULL;
    slot->data = NULL;
  }
  for (int i = 0; i < plan->n_loose; i++) {
    tn_tensor *slot = &in->slots[plan->loose[i]];
    tn_dtype dtype = plan->slots[plan->loose[i]].dtype;
    tn_tensor_clear(slot);
    slot->dtype = dtype;
    slot->shape = plan->slots[plan->loose[i]].shape;
  }
}

/* Copies the variable's value of this moment. */
static tn_error *read_late(const tn_plan_op *op, const tn_run *r) {
  tn_tensor value = {0}, *target = r->outputs[0];
  TN_TRY(tn_variable_read(op->variable, &value));
  bool fits = value.dtype == target->dtype && tn_shape_equal(&value.shape, &target->shape);
  tn_error *error = NULL;
  if (fits) {
    error = tn_copy_elements(value.dtype, target->data, value.data, tn_elements(&value));
  } else {
    error = tn_errorf(TN_ABORTED, "variable '%s' got the shape %s while the step ran", op->variable->name,
                      TN_SHAPE_STR(&value.shape));
  }
  tn_tensor_clear(&value);
  return error;
}

static tn_error *run_op(const tn_plan_op *op, tn_run *r) {
  return op->kind == TN_PLAN_KERNEL ? op->kernel->def->run(r) : read_late(op, r);
}

/* The walk: no allocation, no lock, no look-up but what kernels do. */
static tn_error *walk(tn_instance *in) {
  const tn_plan *plan = in->plan;
  for (int i = 0; i < plan->n_ops; i++) {
    TN_TRY(tn_step_check(&in->step));
    tn_error *error = run_op(&plan->ops[i], &in->runs[i]);
    if (error) return tn_name_node(error, plan->ops[i].node);
  }
  return NULL;
}

static tn_error *walk_traced(tn_instance *in, tn_trace *trace) {
  const tn_plan *plan = in->plan;
  for (int i = 0; i < plan->n_ops; i++) {
    TN_TRY(tn_step_check(&in->step));
    int64_t start = tn_wall_ns();
    tn_error *error = run_op(&plan->ops[i], &in->runs[i]);
    if (error) return tn_name_node(error, plan->ops[i].node);
    const tn_run *r = &in->runs[i];
    tn_trace_add(trace, plan->ops[i].node, (int64_t[2]){start, tn_wall_ns()}, r->n_outputs,
                 (const tn_tensor *const *)r->outputs);
  }
  return NULL;
}

/* Walks with all cores if nobody else has them. */
static tn_error *walk_counted(tn_instance *in, const tn_static_call *call) {
  bool all = call->threads > 1 && tn_cores_take();
  int before = tn_parallel_set_threads(all ? call->threads : 1);
  tn_thread_counts start = tn_counts;
  tn_error *error = call->trace ? walk_traced(in, call->trace) : walk(in);
  last_counters = (tn_counters){.allocations = tn_counts.allocations - start.allocations,
                                .locks = tn_counts.locks - start.locks,
                                .lookups = tn_counts.lookups - start.lookups};
  tn_parallel_set_threads(before);
  if (all) tn_cores_give();
  return error;
}

/* Boxes what is fetched. OUT is filled when all is there. */
static tn_error *hand_over(tn_instance *in, tn_tensor **out) {
  enum { FEW = 16 };
  const tn_plan *plan = in->plan;
  tn_tensor *few[FEW], **boxed = few;
  if (plan->n_fetches > FEW) boxed = tn_malloc(plan->n_fetches * sizeof *boxed);
  if (!boxed) return tn_out_of_memory();
  tn_error *error = NULL;
  size_t n = 0;
  for (; n < plan->n_fetches && !error; n++) {
    boxed[n] = NULL;
    if (plan->fetches[n] >= 0) error = tn_tensor_box(&in->slots[plan->fetches[n]], &boxed[n]);
  }
  for (size_t i = 0; i < n; i++) {
    if (error) {
      tn_tensor_free(boxed[i]);
    } else {
      out[i] = boxed[i];
    }
  }
  if (boxed != few) tn_free(boxed);
  return error;
}

static void start_step(tn_instance *in, const tn_static_call *call) {
  tn_step_init(&in->step, call->session);
  in->step.closed = call->closed;
  in->step.parent = call->parent;
  if (!call->options) return;
  in->step.cancellation = call->options->cancellation;
  if (call->options->timeout_ms > 0) in->step.deadline_ns = tn_now_ns() + call->options->timeout_ms * 1000000;
}

/* With the variables pinned. */
static tn_error *run_pinned(tn_instance *in, const tn_static_call *call, tn_tensor **out) {
  start_step(in, call);
  tn_error *error = tn_step_check(&in->step); /* the plan may have nothing to do that would ask */
  if (!error) error = set_moving(in, call->values);
  if (!error) {
    tn_variable_set_own_pins(in->plan->n_variables, in->plan->pinned);
    error = walk_counted(in, call);
    tn_variable_set_own_pins(0, NULL);
  }
  if (!error) error = hand_over(in, out);
  clear_moving(in);
  tn_step_finish(&in->step);
  return error;
}

tn_error *tn_static_run(tn_static *s, const tn_static_call *call, tn_tensor **out, bool *stale) {
  tn_instance *in = NULL;
  *stale = s->plan->epoch != tn_resources_epoch(tn_session_state_resources(call->session));
  if (*stale) return NULL;
  TN_TRY(take_instance(s, &in));
  tn_error *error = pin_all(in, stale);
  if (!error && !*stale) {
    error = run_pinned(in, call, out);
    unpin(in, in->plan->n_variables);
  }
  give_instance(s, in);
  return error;
}
