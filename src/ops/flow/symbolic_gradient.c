/* SymbolicGradient: the gradients of a function's inputs from its inputs and the gradients of its results. */
#include <string.h>

#include "graph/shape.h"
#include "kernel/call.h"

typedef struct symbolic {
  tn_function *function, *gradient;
} symbolic;

static tn_error *prepare(tn_prepare *p) {
  symbolic *s = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  TN_TRY(tn_node_function(p->node, "f", &s->function));
  const tn_function *f = s->function;
  if (f->n_inputs != (size_t)p->n_outputs || f->n_inputs + f->n_outputs != (size_t)p->n_inputs) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "function '%s' has %zu inputs and %zu results; the node has %d, %d", f->name, f->n_inputs,
                             f->n_outputs, p->n_inputs, p->n_outputs);
  }
  return tn_function_gradient(s->function, &s->gradient);
}

static bool trainable(tn_dtype type) { return tn_dtype_is_floating(type) || tn_dtype_is_complex(type); }

/* What the gradient function made of GRADS goes to the inputs that it is for; the others get zeros. */
static tn_error *hand_out(tn_run *r, const tn_function *f, bool all, const tn_tensor *grads) {
  size_t at = 0;
  for (size_t i = 0; i < f->n_inputs; i++) {
    if (all || trainable(f->input_types[i])) {
      tn_run_set(r, (int)i, &grads[at++]);
    } else {
      TN_TRY(tn_run_allocate(r, (int)i, &r->inputs[i]->shape));
      memset(r->outputs[i]->data, 0, (size_t)tn_elements(r->outputs[i]) * tn_dtype_size(r->outputs[i]->dtype));
    }
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  const symbolic *s = r->state;
  const tn_function *f = s->function, *g = s->gradient;
  bool all = f->gradient != NULL;
  size_t n = 0, room = (size_t)r->n_inputs + g->n_outputs + 1;
  tn_tensor *values = tn_calloc(room, sizeof *values);
  if (!values) return tn_out_of_memory();
  for (int i = 0; i < r->n_inputs; i++) {
    bool gradient = (size_t)i >= f->n_inputs;
    if (all || !gradient || trainable(r->inputs[i]->dtype)) memcpy(&values[n++], r->inputs[i], sizeof *values);
  }
  tn_tensor *grads = values + n;
  tn_error *error = tn_call_function(s->gradient, r->step, n, values, grads);
  if (!error) error = hand_out(r, f, all, grads);
  for (size_t i = 0; i < g->n_outputs; i++) tn_tensor_clear(&grads[i]);
  tn_free(values);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

static tn_error *shape(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs && i < c->n_inputs; i++) c->out[i] = c->in[i];
  return NULL;
}

TN_OP(SymbolicGradient, .inputs = "input: Tin", .outputs = "output: Tout",
      .attrs = "Tin: list(type) >= 1; Tout: list(type) >= 1; f: func",
      .doc = "The gradients of f's inputs, from these and from the gradients of its results.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
