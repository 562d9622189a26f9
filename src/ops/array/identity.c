/* Ops that hand their inputs on: identities, gradient stops, snapshots and copies. */
#include "ops/array/array.h"

static tn_error *alias_prepare(tn_prepare *p) {
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_alias(p, i, i, &p->inputs[i].shape));
  return NULL;
}

static tn_error *alias_run(tn_run *r) {
  (void)r;
  return NULL;
}

static const tn_kernel_def alias_kernels[] = {{.name = "reference", .prepare = alias_prepare, .run = alias_run}, {0}};

TN_OP(Identity, .inputs = "input: T", .outputs = "output: T", .attrs = "T: type", .doc = "The input.",
      .shape = tn_shape_same_as_input, .gradient = tn_grad_pass, .kernels = alias_kernels);

TN_OP(RefIdentity, .inputs = "input: Ref(T)", .outputs = "output: Ref(T)", .attrs = "T: type",
      .doc = "The same reference.", .flags = TN_OP_ALLOWS_UNINITIALIZED, .shape = tn_shape_same_as_input,
      .gradient = tn_grad_pass, .kernels = alias_kernels);

TN_OP(StopGradient, .inputs = "input: T", .outputs = "output: T", .attrs = "T: type",
      .doc = "The input; no gradient flows through it.", .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_same_as_input,
      .kernels = alias_kernels);

static tn_error *prevent_gradient(tn_gradient_ctx *c) {
  tn_string message = tn_node_get_string(c->node, "message");
  return tn_node_errorf(c->node, TN_NOT_FOUND, "Gradient explicitly disabled. Reason: %.*s", (int)message.size,
                        message.size ? message.data : "");
}

TN_OP(PreventGradient, .inputs = "input: T", .outputs = "output: T", .attrs = "T: type; message: string = ''",
      .doc = "The input; asking for a gradient through it is an error that carries MESSAGE.",
      .shape = tn_shape_same_as_input, .gradient = prevent_gradient, .kernels = alias_kernels);

static const tn_kernel_def snapshot_kernels[] = {
    {.name = "reference", .types = TN_BASIC, .prepare = alias_prepare, .run = alias_run}, {0}};

TN_OP(Snapshot, .inputs = "input: T", .outputs = "output: T", .attrs = "T: type", .doc = "The input, as it is now.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_same_as_input, .kernels = snapshot_kernels);

static tn_error *copy_prepare(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static tn_error *copy_run(tn_run *r) {
  return tn_copy_dense(r->inputs[0]->dtype, r->outputs[0]->data, r->inputs[0]->data, tn_elements(r->inputs[0]));
}

static const tn_kernel_def copy_kernels[] = {{.name = "reference", .prepare = copy_prepare, .run = copy_run}, {0}};

TN_OP(DeepCopy, .inputs = "x: T", .outputs = "y: T", .attrs = "T: type",
      .doc = "A copy of the input in memory of its own.", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_same_as_input, .kernels = copy_kernels);

TN_OP(GuaranteeConst, .inputs = "input: T", .outputs = "output: T", .attrs = "T: type",
      .doc = "The input, which the program promises not to change.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_same_as_input, .kernels = alias_kernels);
