/* Nodes that call a function: PartitionedCall and its kin. */
#include "kernel/call.h"

#include "graph/build.h"
#include "graph/shape.h"

static tn_error *prepare_callee(tn_prepare *p) {
  tn_function **function = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *function, &function));
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  return tn_node_callee(p->node, function);
}

static tn_error *run_callee(tn_run *r) { return tn_run_call(r, *(tn_function **)r->state, 0); }
static tn_error *run_remote(tn_run *r) { return tn_run_call(r, *(tn_function **)r->state, 1); }

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare_callee, .run = run_callee}, {0}};
static const tn_kernel_def remote_kernels[] = {{.name = "reference", .prepare = prepare_callee, .run = run_remote},
                                               {0}};

#define CALL_ATTRS                                                                                                     \
  "Tin: list(type) >= 0; Tout: list(type) >= 0; f: func; config: string = ''; config_proto: string = ''; "             \
  "executor_type: string = ''"

TN_OP(PartitionedCall, .inputs = "args: Tin", .outputs = "output: Tout", .attrs = CALL_ATTRS,
      .doc = "What function f makes of args.", .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS,
      .shape = tn_shape_unknown_out, .gradient = tn_grad_call, .kernels = kernels);

TN_OP(StatefulPartitionedCall, .inputs = "args: Tin", .outputs = "output: Tout", .attrs = CALL_ATTRS,
      .doc = "What function f, which has side effects, makes of args.",
      .flags = TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS, .shape = tn_shape_unknown_out,
      .gradient = tn_grad_call, .kernels = kernels);

TN_OP(RemoteCall, .inputs = "target: string, args: Tin", .outputs = "output: Tout",
      .attrs = "Tin: list(type) >= 1; Tout: list(type) >= 1; f: func",
      .doc = "What function f makes of args on the device target.",
      .flags = TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_CALLS | TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unknown_out, .kernels = remote_kernels);
