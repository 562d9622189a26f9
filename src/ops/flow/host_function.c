/* Calls of code of the program: PyFunc, PyFuncStateless, EagerPyFunc. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/host.h"
#include "kernel/prepared.h"

typedef struct call {
  tn_tensor **in, **out;
  tn_dtype *types;
} call;

static void end(const tn_run *r, call *c) {
  for (int i = 0; c->in && i < r->n_inputs; i++) tn_tensor_free(c->in[i]);
  for (int i = 0; c->out && i < r->n_outputs; i++) tn_tensor_free(c->out[i]);
  tn_free(c->in);
  tn_free(c->out);
  tn_free(c->types);
}

static tn_error *begin(const tn_run *r, call *c) {
  c->in = tn_calloc((size_t)r->n_inputs + 1, sizeof *c->in);
  c->out = tn_calloc((size_t)r->n_outputs + 1, sizeof *c->out);
  c->types = tn_calloc((size_t)r->n_outputs + 1, sizeof *c->types);
  if (!c->in || !c->out || !c->types) return tn_out_of_memory();
  for (int i = 0; i < r->n_inputs; i++) TN_TRY(tn_tensor_box(r->inputs[i], &c->in[i]));
  for (int i = 0; i < r->n_outputs; i++) c->types[i] = r->node->output_types[i];
  return NULL;
}

static tn_error *take(tn_run *r, const call *c) {
  for (int i = 0; i < r->n_outputs; i++) {
    if (!c->out[i] || c->out[i]->dtype != c->types[i]) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%d-th value returned by the host function is %s, but expects %s", i,
                           c->out[i] ? tn_dtype_name(c->out[i]->dtype) : "missing", tn_dtype_name(c->types[i]));
    }
    tn_run_set(r, i, c->out[i]);
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  call c = {0};
  tn_string token = tn_node_get_string(r->node, "token");
  tn_error *error = begin(r, &c);
  if (!error) {
    error = tn_host_call(token, (size_t)r->n_inputs, c.in, (size_t)r->n_outputs, c.types, c.out);
    error = tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  }
  if (!error) error = take(r, &c);
  end(r, &c);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run}, {0}};

TN_OP(PyFunc, .inputs = "input: Tin", .outputs = "output: Tout",
      .attrs = "token: string; Tin: list(type) >= 0; Tout: list(type) >= 0",
      .doc = "Calls the host function that is registered under token.",
      .flags = TN_OP_CODE | TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = tn_shape_unknown_out,
      .kernels = kernels);

/* It may change nothing, but what it computes only the step can tell: it is never folded. */
TN_OP(PyFuncStateless, .inputs = "input: Tin", .outputs = "output: Tout",
      .attrs = "token: string; Tin: list(type) >= 0; Tout: list(type) >= 0", .doc = "PyFunc without side effects.",
      .flags = TN_OP_CODE | TN_OP_DEBUG | TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = tn_shape_unknown_out,
      .kernels = kernels);

TN_OP(EagerPyFunc, .inputs = "input: Tin", .outputs = "output: Tout",
      .attrs = "token: string; is_async: bool = false; Tin: list(type) >= 0; Tout: list(type) >= 0",
      .doc = "The same as PyFunc.",
      .flags = TN_OP_CODE | TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unknown_out, .kernels = kernels);
