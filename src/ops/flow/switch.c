/* Switch and Merge: data that flows along one of two ways. The executor runs them itself. */
#include "graph/build.h"
#include "graph/shape.h"

static tn_error *switch_shape(tn_shape_ctx *c) {
  tn_shape pred;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &pred));
  for (int i = 0; i < 2; i++) {
    c->out[i] = c->in[0];
    if (c->out_handles) c->out_handles[i] = c->in_handles[0];
  }
  return NULL;
}

/* What all inputs have in common. */
static tn_error *merge_shape(tn_shape_ctx *c) {
  tn_shape out = c->in[0];
  for (int i = 1; i < c->n_inputs && out.rank >= 0; i++) {
    const tn_shape *in = &c->in[i];
    if (in->rank != out.rank) out = tn_shape_unknown();
    for (int j = 0; j < out.rank; j++) {
      if (in->dims[j] != out.dims[j]) out.dims[j] = -1;
    }
  }
  c->out[0] = out;
  c->out[1] = tn_shape_scalar();
  return NULL;
}

TN_OP(Switch, .inputs = "data: T, pred: bool", .outputs = "output_false: T, output_true: T", .attrs = "T: type",
      .doc = "Forwards data to the output that pred chooses; the other one is dead.", .flags = TN_OP_CONTROL_FLOW,
      .shape = switch_shape, .gradient = tn_grad_switch);

TN_OP(RefSwitch, .inputs = "data: Ref(T), pred: bool", .outputs = "output_false: Ref(T), output_true: Ref(T)",
      .attrs = "T: type", .doc = "Switch for references to variables.",
      .flags = TN_OP_CONTROL_FLOW | TN_OP_ALLOWS_UNINITIALIZED, .shape = switch_shape, .gradient = tn_grad_switch);

TN_OP(Merge, .inputs = "inputs: N * T", .outputs = "output: T, value_index: int32", .attrs = "T: type; N: int >= 1",
      .doc = "Forwards the first input that is alive, and says which one that was.", .flags = TN_OP_CONTROL_FLOW,
      .shape = merge_shape, .gradient = tn_grad_merge);

TN_OP(RefMerge, .inputs = "inputs: Ref(N * T)", .outputs = "output: Ref(T), value_index: int32",
      .attrs = "T: type; N: int >= 1", .doc = "Merge for references to variables.", .flags = TN_OP_CONTROL_FLOW,
      .shape = merge_shape, .gradient = tn_grad_merge);
