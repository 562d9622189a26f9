/* A group of elementwise ops in one pass over memory: the internal op that the pass fuse_elementwise makes. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/simd/simd.h"
#include "kernel/tape.h"

static tn_error *check_inputs(const tn_prepare *p, const tn_tape *tape, const tn_shape *full) {
  if (tape->n_inputs != p->n_inputs || tape->n_outputs != p->n_outputs || !tn_shape_known(full))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the tape has %d inputs and %d outputs, the node %d and %d",
                             tape->n_inputs, tape->n_outputs, p->n_inputs, p->n_outputs);
  for (int i = 0; i < p->n_inputs; i++) {
    tn_shape joined;
    if (p->inputs[i].dtype != tape->input_types[i] || !tn_shape_broadcast(&p->inputs[i].shape, full, &joined) ||
        !tn_shape_equal(&joined, full))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d, %s%s, does not fit %s", i,
                               tn_dtype_name(p->inputs[i].dtype), TN_SHAPE_STR(&p->inputs[i].shape),
                               TN_SHAPE_STR(full));
  }
  for (int i = 0; i < p->n_outputs; i++)
    if (tape->outputs[i].dtype != p->outputs[i].dtype || tape->outputs[i].reduce)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output %d does not fit the tape", i);
  return NULL;
}

/* Each output may lie over an input of its own. */
static void offer_in_place(tn_prepare *p, const tn_shape *full) {
  uint32_t taken = 0;
  for (int k = 0; k < p->n_outputs; k++) {
    for (int i = 0; i < p->n_inputs; i++) {
      if ((taken >> i & 1) || !tn_shape_equal(&p->inputs[i].shape, full)) continue;
      if (tn_dtype_size(p->inputs[i].dtype) != tn_dtype_size(p->outputs[k].dtype)) continue;
      tn_prepare_in_place(p, k, i);
      taken |= (uint32_t)1 << i;
      break;
    }
  }
}

static tn_error *prepare_on(tn_prepare *p, const tn_simd *simd) {
  tn_tape tape;
  tn_string text = tn_node_get_string(p->node, "tape");
  const tn_shape *full = tn_node_get_shape(p->node, "shape");
  TN_TRY(tn_tape_from_text(text.data, text.size, &tape));
  TN_TRY(check_inputs(p, &tape, full));
  for (int k = 0; k < p->n_outputs; k++) TN_TRY(tn_prepare_output(p, k, full));
  tn_tape_plan *plan = NULL;
  TN_TRY(tn_tape_plan_new(&tape, p->inputs, full, 0, simd, &plan));
  p->state = plan;
  offer_in_place(p, full);
  return NULL;
}

static tn_error *vector_prepare(tn_prepare *p) { return prepare_on(p, NULL); }
static tn_error *reference_prepare(tn_prepare *p) { return prepare_on(p, tn_simd_for(TN_ISA_GENERIC)); }

static tn_error *fused_run(tn_run *r) {
  const void *inputs[TN_TAPE_MAX_INPUTS];
  void *outputs[TN_TAPE_MAX_OUTPUTS];
  for (int i = 0; i < r->n_inputs; i++) inputs[i] = r->inputs[i]->data;
  for (int i = 0; i < r->n_outputs; i++) outputs[i] = r->outputs[i]->data;
  tn_tape_run(r->state, inputs, outputs);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "vector", .prepare = vector_prepare, .run = fused_run},
                                        {.name = "reference", .prepare = reference_prepare, .run = fused_run},
                                        {0}};

static tn_error *fused_shape(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = *tn_node_get_shape(c->node, "shape");
  return NULL;
}

TN_OP(_Fused, .inputs = "x: Tin", .outputs = "y: Tout",
      .attrs = "Tin: list(type) >= 0; Tout: list(type) >= 1; shape: shape; tape: string",
      .doc = "Runs a tape of elementwise operations over inputs that broadcast to a shape.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = fused_shape, .kernels = kernels);
