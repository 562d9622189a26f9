/* Sums of many tensors: AddN, AccumulateNV2. */
#include "base/parallel.h"
#include "ops/math/grad.h"
#include "ops/math/loops.h"

EACH_NUMBERS(LOOP2, add_n, (U)x + (U)y)
static const tn_loop_row add_n_rows[] = {EACH_NUMBERS(LOOP_ROW, add_n){0}};

enum { GRAIN = 16384 };

typedef struct add_n_state {
  tn_loop_fn loop;
  int64_t elements, chunks;
} add_n_state;

static tn_error *add_n_prepare(tn_prepare *p) {
  TN_TRY(tn_prepare_same_size(p, true));
  if (p->n_inputs == 1) return tn_prepare_alias(p, 0, 0, &p->inputs[0].shape);
  add_n_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  const tn_loop_row *row = add_n_rows;
  while (row->loop && row->dtype != p->outputs[0].dtype) row++;
  state->loop = row->loop;
  state->elements = tn_shape_elements(&p->outputs[0].shape);
  state->chunks = tn_chunks(state->elements, GRAIN);
  tn_prepare_in_place(p, 0, 0);
  return NULL;
}

static void add_n_chunk(void *argument, int64_t i) {
  static const int64_t step[] = {1, 1};
  const tn_run *r = argument;
  const add_n_state *state = r->state;
  size_t size = tn_dtype_size(r->outputs[0]->dtype);
  int64_t begin, end;
  tn_chunk(state->elements, state->chunks, i, 64, &begin, &end);
  if (begin >= end) return;
  char *z = (char *)r->outputs[0]->data + (size_t)begin * size;
  const void *in[] = {(const char *)r->inputs[0]->data + (size_t)begin * size, NULL};
  for (int k = 1; k < r->n_inputs; k++) {
    in[1] = (const char *)r->inputs[k]->data + (size_t)begin * size;
    state->loop(z, in, step, end - begin, 0);
    in[0] = z;
  }
}

static tn_error *add_n_run(tn_run *r) {
  const add_n_state *state = r->state;
  if (r->n_inputs > 1 && state->elements > 0) tn_parallel(state->chunks, add_n_chunk, r);
  return NULL;
}

/* Floats in one pass: a tape of additions, from left to right as the plain kernel. */
static bool fits_a_tape(const tn_prepare *p) { return p->n_inputs > 1 && p->n_inputs <= TN_TAPE_MAX_INPUTS; }

static tn_error *add_n_vector_prepare(tn_prepare *p) {
  TN_TRY(tn_prepare_same_size(p, true));
  tn_tape tape = {.n_inputs = p->n_inputs, .n_ops = p->n_inputs - 1, .n_outputs = 1};
  for (int k = 0; k < p->n_inputs; k++) {
    tape.input_types[k] = (uint8_t)p->inputs[k].dtype;
    if (k == 0) continue;
    uint8_t sum = (uint8_t)(k == 1 ? 0 : p->n_inputs + k - 2);
    tape.ops[k - 1] = (tn_tape_op){.micro = TN_MICRO_ADD, .operand = {sum, (uint8_t)k}};
  }
  tape.outputs[0] =
      (tn_tape_output){.value = (uint8_t)(p->n_inputs + tape.n_ops - 1), .dtype = (uint8_t)p->outputs[0].dtype};
  return tn_tape_kernel_prepare_with(p, &tape);
}

static const tn_kernel_def add_n_kernels[] = {
    {.name = "vector",
     .types = TN_BIT(TN_FLOAT),
     .supports = fits_a_tape,
     .prepare = add_n_vector_prepare,
     .run = tn_tape_kernel_run},
    {.name = "reference", .types = TN_NUMBERS, .prepare = add_n_prepare, .run = add_n_run},
    {0}};

static tn_error *add_n_gradient(tn_gradient_ctx *c) {
  for (int k = 0; k < c->node->n_inputs; k++) tn_grad_set(c, k, tn_grad_dense(c, 0));
  return c->scope->error;
}

static tn_error *accumulate_shape(tn_shape_ctx *c) {
  c->out[0] = *tn_node_get_shape(c->node, "shape");
  return NULL;
}

TN_OP(AddN, .inputs = "inputs: N * T", .outputs = "sum: T",
      .attrs = "N: int >= 1; T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
               "bfloat16, qint16, quint16, uint16, complex128, half, uint32, uint64, variant}",
      .doc = "The sum of tensors of one shape.", .flags = TN_OP_COMMUTATIVE | TN_OP_AGGREGATE | TN_OP_ELEMENTWISE,
      .shape = tn_shape_merge_all, .gradient = add_n_gradient, .kernels = add_n_kernels);
TN_OP(AccumulateNV2, .inputs = "inputs: N * T", .outputs = "sum: T",
      .attrs = "N: int >= 1; T: numbertype; shape: shape", .doc = "The sum of tensors of a given shape.",
      .flags = TN_OP_COMMUTATIVE | TN_OP_AGGREGATE | TN_OP_ELEMENTWISE, .shape = accumulate_shape,
      .gradient = add_n_gradient, .kernels = add_n_kernels);
