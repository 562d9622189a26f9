/* If and Case: one of several functions. */
#include "kernel/call.h"

#include "graph/build.h"
#include "graph/shape.h"
#include "ops/flow/truth.h"

/* What the attribute output_shapes says; NULL shapes: nothing. */
static tn_error *shapes_given(tn_shape_ctx *c) {
  const tn_attr *attr = tn_node_attr(c->node, "output_shapes");
  for (int i = 0; attr && i < c->n_outputs && (size_t)i < attr->n; i++) c->out[i] = attr->shapes[i];
  return NULL;
}

bool tn_truth(const tn_tensor *t) {
  if (t->shape.rank > 0) return tn_elements(t) > 0;
  if (t->dtype == TN_STRING) return TN_DATA(tn_string, t)[0].size > 0;
  switch (t->dtype) {
  case TN_FLOAT: return *TN_DATA(float, t) != 0;
  case TN_DOUBLE: return *TN_DATA(double, t) != 0;
  default: break;
  }
  const char *bytes = t->data;
  for (size_t i = 0; i < tn_dtype_size(t->dtype); i++) {
    if (bytes[i]) return true;
  }
  return false;
}

typedef struct branches {
  size_t n;
  tn_function *functions[];
} branches;

static tn_error *prepare_if(tn_prepare *p) {
  branches *b = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *b + 2 * sizeof(tn_function *), &b));
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  b->n = 2;
  TN_TRY(tn_node_function(p->node, "else_branch", &b->functions[0]));
  return tn_node_function(p->node, "then_branch", &b->functions[1]);
}

static tn_error *run_if(tn_run *r) {
  const branches *b = r->state;
  return tn_run_call(r, b->functions[tn_truth(r->inputs[0])], 1);
}

static tn_error *prepare_case(tn_prepare *p) {
  branches *b = NULL;
  size_t n = tn_node_attr(p->node, "branches")->n;
  TN_TRY(tn_prepare_state(p, sizeof *b + n * sizeof(tn_function *), &b));
  if (p->inputs[0].shape.rank != 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "branch_index must be a scalar; its shape is %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  }
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  b->n = n;
  for (size_t i = 0; i < n; i++) TN_TRY(tn_node_function_at(p->node, "branches", i, &b->functions[i]));
  return NULL;
}

/* An index out of range takes the last branch. */
static tn_error *run_case(tn_run *r) {
  const branches *b = r->state;
  int32_t at = *TN_DATA(int32_t, r->inputs[0]);
  return tn_run_call(r, b->functions[at < 0 || (size_t)at >= b->n ? b->n - 1 : (size_t)at], 1);
}

static const tn_kernel_def if_kernels[] = {{.name = "reference", .prepare = prepare_if, .run = run_if}, {0}};
static const tn_kernel_def case_kernels[] = {{.name = "reference", .prepare = prepare_case, .run = run_case}, {0}};

#define FLAGS (TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS)
#define IF_ATTRS                                                                                                       \
  "Tcond: type; Tin: list(type) >= 0; Tout: list(type) >= 0; then_branch: func; else_branch: func; "                   \
  "output_shapes: list(shape) = []"
#define CASE_ATTRS                                                                                                     \
  "Tin: list(type) >= 0; Tout: list(type) >= 0; branches: list(func) >= 1; output_shapes: list(shape) = []"

TN_OP(If, .inputs = "cond: Tcond, input: Tin", .outputs = "output: Tout", .attrs = IF_ATTRS,
      .doc = "What then_branch makes of input, or else_branch where cond is false.", .flags = TN_OP_STATEFUL | FLAGS,
      .shape = shapes_given, .gradient = tn_grad_branches, .kernels = if_kernels);

TN_OP(StatelessIf, .inputs = "cond: Tcond, input: Tin", .outputs = "output: Tout", .attrs = IF_ATTRS,
      .doc = "If, with functions that have no side effects.", .flags = FLAGS, .shape = shapes_given,
      .gradient = tn_grad_branches, .kernels = if_kernels);

TN_OP(Case, .inputs = "branch_index: int32, input: Tin", .outputs = "output: Tout", .attrs = CASE_ATTRS,
      .doc = "What branch number branch_index makes of input; the last one where there is no such branch.",
      .flags = TN_OP_STATEFUL | FLAGS, .shape = shapes_given, .gradient = tn_grad_branches, .kernels = case_kernels);

TN_OP(StatelessCase, .inputs = "branch_index: int32, input: Tin", .outputs = "output: Tout", .attrs = CASE_ATTRS,
      .doc = "Case, with functions that have no side effects.", .flags = FLAGS, .shape = shapes_given,
      .gradient = tn_grad_branches, .kernels = case_kernels);

/* --- While --- */

typedef struct loop {
  tn_function *cond, *body;
} loop;

static tn_error *prepare_while(tn_prepare *p) {
  loop *l = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *l, &l));
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  TN_TRY(tn_node_function(p->node, "cond", &l->cond));
  TN_TRY(tn_node_function(p->node, "body", &l->body));
  if (l->cond->n_outputs == 1 && l->body->n_outputs == (size_t)p->n_outputs) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "cond must have 1 result, not %zu, and body %d, not %zu",
                           l->cond->n_outputs, p->n_outputs, l->body->n_outputs);
}

/* Runs the loop on N values at NOW; NEXT has room for as many. */
static tn_error *iterate(tn_run *r, size_t n, tn_tensor *now, tn_tensor *next) {
  const loop *l = r->state;
  for (;;) {
    tn_tensor more = {0};
    TN_TRY(tn_call_function(l->cond, r->step, n, now, &more));
    bool go = tn_truth(&more);
    tn_tensor_clear(&more);
    if (!go) return NULL;
    TN_TRY(tn_run_check(r));
    TN_TRY(tn_call_function(l->body, r->step, n, now, next));
    for (size_t i = 0; i < n; i++) {
      tn_tensor_clear(&now[i]);
      now[i] = next[i];
      next[i] = (tn_tensor){0};
    }
  }
}

static tn_error *run_while(tn_run *r) {
  size_t n = (size_t)r->n_inputs;
  tn_tensor *now = tn_calloc(2 * n + 1, sizeof *now);
  if (!now) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) tn_tensor_set(&now[i], r->inputs[i]);
  tn_error *error = iterate(r, n, now, now + n);
  for (size_t i = 0; i < n; i++) {
    if (!error) tn_run_set(r, (int)i, &now[i]);
    tn_tensor_clear(&now[i]);
    tn_tensor_clear(&now[n + i]);
  }
  tn_free(now);
  return error;
}

/* A variable of the loop keeps its shape only where the attribute says so. */
static const tn_kernel_def while_kernels[] = {{.name = "reference", .prepare = prepare_while, .run = run_while}, {0}};

#define WHILE_ATTRS                                                                                                    \
  "T: list(type) >= 0; cond: func; body: func; output_shapes: list(shape) = []; parallel_iterations: int = 10"

TN_OP(While, .inputs = "input: T", .outputs = "output: T", .attrs = WHILE_ATTRS,
      .doc = "Replaces input by what body makes of it for as long as cond holds.", .flags = TN_OP_STATEFUL | FLAGS,
      .shape = shapes_given, .gradient = tn_grad_while, .kernels = while_kernels);

TN_OP(StatelessWhile, .inputs = "input: T", .outputs = "output: T", .attrs = WHILE_ATTRS,
      .doc = "While, with functions that have no side effects.", .flags = FLAGS, .shape = shapes_given,
      .gradient = tn_grad_while, .kernels = while_kernels);
