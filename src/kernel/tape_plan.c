/* Binds tapes to shapes: how each input is read, which registers hold what, and how large a block is. */
#include "kernel/tape_plan.h"

#include <string.h>

#include "base/alloc.h"
#include "kernel/elementwise.h"

enum { MAX_VALUES = TN_TAPE_MAX_INPUTS + TN_TAPE_MAX_OPS, MAX_STEPS = MAX_VALUES + 2 * TN_TAPE_MAX_OUTPUTS };

/* A program being bound. Values are numbered as in the tape. */
typedef struct binder {
  const tn_tape *tape;
  tape_input inputs[TN_TAPE_MAX_INPUTS];
  tape_place place[MAX_VALUES]; /* where a value lies */
  bool placed[MAX_VALUES];
  int last_use[MAX_VALUES]; /* the last step of the tape that reads it; n_ops if an output does; -1: none */
  bool busy[MAX_VALUES];    /* per register */
  int n_registers;
  tape_step steps[MAX_STEPS];
  int n_setup, n_steps;
  int64_t block; /* inputs whose period divides it are loaded once per chunk; 0: none are, -1: all */
  tape_place reduced[TN_TAPE_MAX_OUTPUTS];
} binder;

/* What strides over dims mean. */
static void classify(tape_input *input, int rank, const int64_t *dims, const int64_t *strides) {
  int i = rank;
  int64_t dense = 1;
  while (i > 0 && strides[i - 1] == dense) dense *= dims[--i];
  input->period = dense;
  int outer = i;
  while (outer > 0 && strides[outer - 1] == 0) outer--;
  if (outer > 0) {
    input->access = TAPE_STRIDED;
    memcpy(input->strides, strides, (size_t)rank * sizeof *strides);
  } else if (i == 0) {
    input->access = input->dtype == TN_FLOAT ? TAPE_DIRECT : TAPE_DENSE;
  } else {
    input->access = i == rank ? TAPE_SPLAT : TAPE_REPEAT;
  }
}

static tape_place take_register(binder *b) {
  int i = 0;
  while (b->busy[i]) i++;
  b->busy[i] = true;
  if (i >= b->n_registers) b->n_registers = i + 1;
  return (tape_place)i;
}

/* Values that are loaded or computed once per chunk keep their registers. */
static bool is_setup(const binder *b, int value) {
  const tn_tape *tape = b->tape;
  if (value >= tape->n_inputs) return tape->ops[value - tape->n_inputs].micro == TN_MICRO_CONST;
  const tape_input *input = &b->inputs[value];
  if (input->access == TAPE_SPLAT) return true;
  if (input->access != TAPE_REPEAT || b->block == 0) return false;
  return b->block < 0 || b->block % input->period == 0;
}

static void release_after(binder *b, int value, int step) {
  if (b->last_use[value] > step || b->place[value] < 0 || is_setup(b, value)) return;
  b->busy[b->place[value]] = false;
}

static void add_load(binder *b, int input) {
  b->place[input] = take_register(b);
  b->placed[input] = true;
  b->steps[b->n_steps++] = (tape_step){.kind = TAPE_LOAD, .index = (uint8_t)input, .to = b->place[input]};
}

static void find_last_uses(binder *b) {
  const tn_tape *tape = b->tape;
  for (int v = 0; v < MAX_VALUES; v++) b->last_use[v] = -1;
  for (int i = 0; i < tape->n_ops; i++)
    for (int k = 0; k < tn_micro_operands(tape->ops[i].micro); k++) b->last_use[tape->ops[i].operand[k]] = i;
  for (int i = 0; i < tape->n_outputs; i++) b->last_use[tape->outputs[i].value] = tape->n_ops;
}

static void add_setup(binder *b) {
  const tn_tape *tape = b->tape;
  for (int v = 0; v < tape->n_inputs + tape->n_ops; v++) {
    if (b->last_use[v] < 0 || !is_setup(b, v)) continue;
    if (v < tape->n_inputs) {
      add_load(b, v);
      continue;
    }
    b->place[v] = take_register(b);
    b->placed[v] = true;
    b->steps[b->n_steps++] = (tape_step){
        .kind = TAPE_RUN, .index = TN_MICRO_CONST, .to = b->place[v], .imm = tape->ops[v - tape->n_inputs].imm};
  }
  b->n_setup = b->n_steps;
}

/* The output that step I may write straight into memory, or -1. An output may lie over an input, so nothing may be read
 * from inputs after it in this block. */
static int direct_output(const binder *b, int i) {
  const tn_tape *tape = b->tape;
  for (int v = 0; v < tape->n_inputs; v++)
    if (b->last_use[v] > i && (!b->placed[v] || b->place[v] < 0)) return -1;
  for (int k = 0; k < tape->n_outputs; k++) {
    const tn_tape_output *output = &tape->outputs[k];
    if (output->value == tape->n_inputs + i && output->dtype == TN_FLOAT && !output->reduce) return k;
  }
  return -1;
}

static void add_op(binder *b, int i) {
  const tn_tape *tape = b->tape;
  const tn_tape_op *op = &tape->ops[i];
  int value = tape->n_inputs + i, operands = tn_micro_operands(op->micro);
  if (b->last_use[value] < 0 || b->placed[value]) return;
  tape_step step = {.kind = TAPE_RUN, .index = op->micro, .imm = op->imm};
  for (int k = 0; k < operands; k++) {
    int v = op->operand[k];
    if (!b->placed[v]) add_load(b, v);
    step.from[k] = b->place[v];
  }
  for (int k = 0; k < operands; k++) release_after(b, op->operand[k], i);
  int output = direct_output(b, i);
  step.to = output >= 0 ? TAPE_OUTPUT(output) : take_register(b);
  b->place[value] = step.to;
  b->placed[value] = true;
  b->steps[b->n_steps++] = step;
}

/* Inputs that are stored as they are go through a register: another output may lie over them. */
static void add_outputs(binder *b) {
  const tn_tape *tape = b->tape;
  for (int k = 0; k < tape->n_outputs; k++) {
    int v = tape->outputs[k].value;
    if (!b->placed[v]) add_load(b, v);
    if (b->place[v] > TAPE_OUTPUT(0) && b->place[v] < 0) {
      tape_place from = b->place[v];
      b->place[v] = take_register(b);
      b->steps[b->n_steps++] = (tape_step){.kind = TAPE_RUN, .index = TN_MICRO_COPY, .to = b->place[v], .from = {from}};
    }
  }
  for (int k = 0; k < tape->n_outputs; k++) {
    tape_place from = b->place[tape->outputs[k].value];
    b->reduced[k] = from;
    if (tape->outputs[k].reduce || from == TAPE_OUTPUT(k)) continue;
    b->steps[b->n_steps++] = (tape_step){.kind = TAPE_STORE, .index = (uint8_t)k, .from = {from}};
  }
}

static void bind(binder *b) {
  const tn_tape *tape = b->tape;
  b->n_steps = b->n_registers = 0;
  memset(b->busy, 0, sizeof b->busy);
  memset(b->placed, 0, sizeof b->placed);
  for (int v = 0; v < tape->n_inputs; v++) {
    if (b->inputs[v].access != TAPE_DIRECT) continue;
    b->place[v] = TAPE_INPUT(v);
    b->placed[v] = true;
  }
  add_setup(b);
  for (int i = 0; i < tape->n_ops; i++) add_op(b, i);
  add_outputs(b);
}

/* The largest block for which the registers fit, cut to a multiple of the first period that fits in it. */
static int64_t block_size(const binder *b, bool reduces) {
  int64_t block = TAPE_BUFFER / (b->n_registers ? b->n_registers : 1) / 64 * 64;
  if (block > TAPE_MAX_BLOCK) block = TAPE_MAX_BLOCK;
  for (int v = 0; v < b->tape->n_inputs && !reduces; v++)
    if (b->inputs[v].access == TAPE_REPEAT && b->inputs[v].period <= block) return block - block % b->inputs[v].period;
  return block;
}

static tn_error *finish(const binder *b, tn_tape_plan *plan, tn_tape_plan **out) {
  size_t steps = (size_t)b->n_steps * sizeof(tape_step), inputs = (size_t)b->tape->n_inputs * sizeof(tape_input);
  size_t before = (sizeof *plan + steps + 15) / 16 * 16;
  tn_tape_plan *result = tn_calloc(1, before + inputs);
  if (!result) return tn_out_of_memory();
  *result = *plan;
  result->n_setup = b->n_setup;
  result->n_steps = b->n_steps;
  memcpy(result->reduced, b->reduced, sizeof b->reduced);
  memcpy(result->steps, b->steps, steps);
  result->inputs = (tape_input *)((char *)result + before);
  memcpy(result->inputs, b->inputs, inputs);
  *out = result;
  return NULL;
}

tn_error *tn_tape_plan_new(const tn_tape *tape, const tn_tensor *inputs, const tn_shape *full, int reduced_dims,
                           const tn_simd *simd, tn_tape_plan **out) {
  binder b = {.tape = tape};
  tn_tape_plan plan = {
      .simd = simd ? simd : tn_simd_active(), .n_inputs = tape->n_inputs, .n_outputs = tape->n_outputs};
  int64_t strides[TN_TAPE_MAX_INPUTS][TN_MAX_RANK];
  plan.elements = tn_shape_elements(full);
  plan.rank = tn_broadcast_join(tape->n_inputs, inputs, full, plan.dims, strides);
  plan.rows = plan.row = 1;
  for (int i = 0; i < full->rank; i++) *(i < full->rank - reduced_dims ? &plan.rows : &plan.row) *= full->dims[i];
  memcpy(plan.outputs, tape->outputs, sizeof plan.outputs);
  for (int k = 0; k < tape->n_outputs; k++) {
    plan.reduces |= tape->outputs[k].reduce != TN_TAPE_NO_REDUCE;
    plan.columns |= tape->outputs[k].reduce == TN_TAPE_COLUMNS;
  }
  for (int v = 0; v < tape->n_inputs; v++) {
    b.inputs[v].dtype = tape->input_types[v];
    classify(&b.inputs[v], plan.rank, plan.dims, strides[v]);
  }
  find_last_uses(&b);
  /* First as if all periods fitted, which takes the most registers. */
  b.block = plan.reduces ? 0 : -1;
  bind(&b);
  plan.block = block_size(&b, plan.reduces);
  b.block = plan.reduces ? 0 : plan.block;
  bind(&b);
  return finish(&b, &plan, out);
}
