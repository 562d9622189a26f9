/* _WhileGrad: back through a While. It runs the loop once more, keeps the values that each round began with, and goes
 * through these from the last to the first. */
#include <string.h>

#include "graph/shape.h"
#include "kernel/call.h"
#include "ops/flow/truth.h"

typedef struct loop {
  tn_function *cond, *body, *gradient;
  size_t n, n_grads;
} loop;

/* The values of all rounds, N for each. */
typedef struct rounds {
  size_t n, capacity;
  tn_tensor *values;
} rounds;

static tn_error *prepare(tn_prepare *p) {
  loop *l = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *l, &l));
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  TN_TRY(tn_node_function(p->node, "cond", &l->cond));
  TN_TRY(tn_node_function(p->node, "body", &l->body));
  TN_TRY(tn_node_function(p->node, "gradient", &l->gradient));
  l->n_grads = (size_t)p->n_outputs;
  l->n = (size_t)p->n_inputs - l->n_grads;
  bool fits = l->cond->n_outputs == 1 && l->body->n_inputs == l->n && l->body->n_outputs == l->n &&
              l->gradient->n_inputs == l->n + l->n_grads && l->gradient->n_outputs == l->n_grads;
  return fits ? NULL : tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the functions don't fit the node");
}

/* Room for one round more. */
static tn_error *grow(rounds *r, size_t n) {
  if (r->n < r->capacity) return NULL;
  size_t capacity = r->capacity ? 2 * r->capacity : 16;
  tn_tensor *values = tn_realloc(r->values, (capacity * n + 1) * sizeof *values);
  if (!values) return tn_out_of_memory();
  r->values = values;
  r->capacity = capacity;
  return NULL;
}

/* Runs the loop. The last of the rounds is what it ends with. */
static tn_error *forward(tn_run *run, const loop *l, rounds *r) {
  TN_TRY(grow(r, l->n));
  memset(r->values, 0, l->n * sizeof *r->values);
  for (size_t i = 0; i < l->n; i++) tn_tensor_set(&r->values[i], run->inputs[i]);
  r->n = 1;
  for (;;) {
    const tn_tensor *now = &r->values[(r->n - 1) * l->n];
    tn_tensor more = {0};
    TN_TRY(tn_call_function(l->cond, run->step, l->n, now, &more));
    bool go = tn_truth(&more);
    tn_tensor_clear(&more);
    if (!go) return NULL;
    TN_TRY(tn_run_check(run));
    TN_TRY(grow(r, l->n));
    tn_tensor *next = &r->values[r->n * l->n];
    memset(next, 0, l->n * sizeof *next);
    r->n++;
    TN_TRY(tn_call_function(l->body, run->step, l->n, next - l->n, next));
  }
}

/* From the gradients of what the loop ended with to those of what it began with, in GRADS. ROOM: as many as the
 * gradient function takes and gives. */
static tn_error *backward(tn_run *run, const loop *l, rounds *r, tn_tensor *grads, tn_tensor *room) {
  for (size_t k = r->n - 1; k-- > 0;) {
    TN_TRY(tn_run_check(run));
    memcpy(room, &r->values[k * l->n], l->n * sizeof *room);
    memcpy(room + l->n, grads, l->n_grads * sizeof *room);
    tn_tensor *made = room + l->n + l->n_grads;
    memset(made, 0, l->n_grads * sizeof *made);
    tn_error *error = tn_call_function(l->gradient, run->step, l->n + l->n_grads, room, made);
    for (size_t i = 0; i < l->n_grads; i++) {
      if (!error) tn_tensor_set(&grads[i], &made[i]);
      tn_tensor_clear(&made[i]);
    }
    if (error) return error;
    for (size_t i = 0; i < l->n; i++) tn_tensor_clear(&r->values[k * l->n + i]);
  }
  return NULL;
}

static tn_error *run(tn_run *run) {
  const loop *l = run->state;
  rounds r = {0};
  size_t n_room = l->n + 3 * l->n_grads + 1;
  tn_tensor *grads = tn_calloc(n_room, sizeof *grads);
  tn_error *error = grads ? forward(run, l, &r) : tn_out_of_memory();
  if (!error) {
    for (size_t i = 0; i < l->n_grads; i++) tn_tensor_set(&grads[i], run->inputs[l->n + i]);
    error = backward(run, l, &r, grads, grads + l->n_grads);
  }
  for (size_t i = 0; grads && i < l->n_grads; i++) {
    if (!error) tn_run_set(run, (int)i, &grads[i]);
    tn_tensor_clear(&grads[i]);
  }
  for (size_t i = 0; i < r.n * l->n; i++) tn_tensor_clear(&r.values[i]);
  tn_free(r.values);
  tn_free(grads);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(_WhileGrad, .inputs = "input: T, grads: Tgrad", .outputs = "output: Tgrad",
      .attrs = "T: list(type) >= 0; Tgrad: list(type) >= 0; cond: func; body: func; gradient: func",
      .doc = "The gradients of what a While begins with, from those of what it ends with.",
      .flags = TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS | TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unknown_out, .kernels = kernels);
