/* A group of elementwise ops in one pass over memory: the internal op that the pass fuse_elementwise makes. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/simd/simd.h"
#include "kernel/tape.h"

/* What the attributes say. */
typedef struct fused {
  tn_tape tape;
  const tn_shape *full, *shapes;
  int reduced; /* innermost dimensions of FULL that reducing outputs run over */
} fused;

static tn_error *read_attrs(const tn_prepare *p, fused *f) {
  tn_string text = tn_node_get_string(p->node, "tape");
  const tn_attr *shapes = tn_node_attr(p->node, "out_shapes");
  int64_t reduced = tn_node_get_int(p->node, "reduced");
  f->full = tn_node_get_shape(p->node, "shape");
  TN_TRY(tn_tape_from_text(text.data, text.size, &f->tape));
  if (f->tape.n_inputs != p->n_inputs || f->tape.n_outputs != p->n_outputs || (int64_t)shapes->n != p->n_outputs)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the tape has %d inputs and %d outputs, the node %d and %d",
                             f->tape.n_inputs, f->tape.n_outputs, p->n_inputs, p->n_outputs);
  if (!tn_shape_known(f->full) || reduced < 0 || reduced > f->full->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the shape is %s", TN_SHAPE_STR(f->full));
  f->shapes = shapes->shapes;
  f->reduced = (int)reduced;
  return NULL;
}

static tn_error *check_inputs(const tn_prepare *p, const fused *f) {
  for (int i = 0; i < p->n_inputs; i++) {
    tn_shape joined;
    if (p->inputs[i].dtype != f->tape.input_types[i] || !tn_shape_broadcast(&p->inputs[i].shape, f->full, &joined) ||
        !tn_shape_equal(&joined, f->full))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d, %s%s, does not fit %s", i,
                               tn_dtype_name(p->inputs[i].dtype), TN_SHAPE_STR(&p->inputs[i].shape),
                               TN_SHAPE_STR(f->full));
  }
  tn_shape rows = *f->full, row = {.rank = f->reduced};
  rows.rank -= f->reduced;
  for (int i = 0; i < row.rank; i++) row.dims[i] = f->full->dims[rows.rank + i];
  for (int i = 0; i < p->n_outputs; i++) {
    const tn_shape *shape = &f->shapes[i];
    int reduce = f->tape.outputs[i].reduce;
    const tn_shape *left = reduce == TN_TAPE_COLUMNS ? &row : reduce ? &rows : f->full;
    bool fits = reduce ? tn_shape_elements(shape) == tn_shape_elements(left) : tn_shape_equal(shape, left);
    if (f->tape.outputs[i].dtype != p->outputs[i].dtype || !tn_shape_known(shape) || !fits)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "output %d, %s, does not fit the tape", i, TN_SHAPE_STR(shape));
  }
  return NULL;
}

/* Each output may lie over an input of its own; the first, which is all that most groups have, over any. */
static void offer_in_place(tn_prepare *p, const fused *f) {
  const tn_shape *full = f->full;
  uint32_t taken = 0;
  for (int k = 0; k < p->n_outputs; k++) {
    if (f->tape.outputs[k].reduce) continue;
    if (k == 0) tn_prepare_in_place_any(p, tn_shape_elements(full));
    for (int i = 0; i < p->n_inputs; i++) {
      if ((taken >> i & 1) || !tn_shape_equal(&p->inputs[i].shape, full)) continue;
      if (tn_dtype_size(p->inputs[i].dtype) != tn_dtype_size(p->outputs[k].dtype)) continue;
      if (k > 0) tn_prepare_in_place(p, k, i);
      taken |= (uint32_t)1 << i;
      break;
    }
  }
}

static tn_error *prepare_on(tn_prepare *p, const tn_simd *simd) {
  fused f;
  TN_TRY(read_attrs(p, &f));
  TN_TRY(check_inputs(p, &f));
  for (int k = 0; k < p->n_outputs; k++) TN_TRY(tn_prepare_output(p, k, &f.shapes[k]));
  tn_tape_plan *plan = NULL;
  TN_TRY(tn_tape_plan_new(&f.tape, p->inputs, f.full, f.reduced, simd, &plan));
  p->state = plan;
  p->scratch = tn_tape_scratch(plan);
  offer_in_place(p, &f);
  return NULL;
}

static tn_error *vector_prepare(tn_prepare *p) { return prepare_on(p, NULL); }
static tn_error *reference_prepare(tn_prepare *p) { return prepare_on(p, tn_simd_for(TN_ISA_GENERIC)); }

static tn_error *fused_run(tn_run *r) {
  const void *inputs[TN_TAPE_MAX_INPUTS];
  void *outputs[TN_TAPE_MAX_OUTPUTS];
  for (int i = 0; i < r->n_inputs; i++) inputs[i] = r->inputs[i]->data;
  for (int i = 0; i < r->n_outputs; i++) outputs[i] = r->outputs[i]->data;
  tn_tape_run(r->state, inputs, outputs, r->scratch);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "vector", .prepare = vector_prepare, .run = fused_run},
                                        {.name = "reference", .prepare = reference_prepare, .run = fused_run},
                                        {0}};

static tn_error *fused_shape(tn_shape_ctx *c) {
  const tn_attr *shapes = tn_node_attr(c->node, "out_shapes");
  for (int i = 0; i < c->n_outputs && (size_t)i < shapes->n; i++) c->out[i] = shapes->shapes[i];
  return NULL;
}

TN_OP(
    _Fused, .inputs = "x: Tin", .outputs = "y: Tout",
    .attrs = "Tin: list(type) >= 0; Tout: list(type) >= 1; shape: shape; out_shapes: list(shape); reduced: int = 0; "
             "tape: string",
    .doc = "Runs a tape of elementwise operations over inputs that broadcast to a shape; outputs may reduce its rows.",
    .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = fused_shape, .kernels = kernels);
