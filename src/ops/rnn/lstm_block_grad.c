/* LSTMBlockCellGrad, BlockLSTMGrad and BlockLSTMGradV2. */
#include <string.h>

#include "ops/rnn/lstm_block.h"

/* Inputs after those of the forward op, from X on. */
enum { FORWARD = TN_LSTM_B + 1 };
/* Outputs of the gradients of a sequence, after X's: one for each input. */
enum { SEQUENCE_OUTPUTS = TN_LSTM_B + 1 };

/* --- one step --- */

static tn_error *cell_shape(tn_shape_ctx *c) {
  tn_shape x, cs;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &x));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &cs));
  const int64_t cells = cs.dims[1], batch = x.dims[0];
  c->out[0] = tn_shape_of(2, (int64_t[]){batch, cells});
  c->out[1] = tn_shape_of(2, (int64_t[]){batch, cells < 0 ? -1 : 4 * cells});
  for (int i = 2; i < 5; i++) c->out[i] = tn_shape_of(1, &cells);
  return NULL;
}

/* The forward outputs and the gradients, from input FIRST on, are of TIME steps. */
static tn_error *check_forward(const tn_prepare *p, const tn_lstm *l) {
  const int64_t dims[] = {l->time, l->batch, l->cells};
  const tn_shape wanted = tn_shape_of(2 + l->x, dims + 1 - l->x);
  for (int i = l->x + FORWARD; i < p->n_inputs; i++)
    if (!tn_shape_equal(&p->inputs[i].shape, &wanted))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d has shape %s, expected %s", i,
                               TN_SHAPE_STR(&p->inputs[i].shape), TN_SHAPE_STR(&wanted));
  return NULL;
}

static tn_error *cell_prepare(tn_prepare *p) {
  tn_lstm l, *state;
  TN_TRY(tn_lstm_read(p, &l));
  TN_TRY(check_forward(p, &l));
  const tn_shape before = tn_shape_of(2, (int64_t[]){l.batch, l.cells});
  const tn_shape gates = tn_shape_of(2, (int64_t[]){l.batch, 4 * l.cells});
  TN_TRY(tn_prepare_output(p, 0, &before));
  TN_TRY(tn_prepare_output(p, 1, &gates));
  for (int i = 2; i < 5; i++) TN_TRY(tn_prepare_output(p, i, &p->inputs[TN_LSTM_WCI + i - 2].shape));
  for (int i = 0; i < p->n_inputs; i++) p->scratch += tn_float_scratch(&p->inputs[i]);
  for (int i = 0; i < p->n_outputs; i++) p->scratch += tn_float_scratch(&p->outputs[i]);
  TN_TRY(tn_prepare_state(p, sizeof l, &state));
  *state = l;
  return NULL;
}

/* Sets the peepholes' weights. */
static void set_peepholes(tn_lstm *l, const float *const in[]) {
  l->wci = in[TN_LSTM_WCI];
  l->wcf = in[TN_LSTM_WCF];
  l->wco = in[TN_LSTM_WCO];
}

static tn_error *cell_run(tn_run *r) {
  tn_lstm l = *(const tn_lstm *)r->state;
  char *scratch = r->scratch;
  const float *in[FORWARD + TN_LSTM_H + 2];
  float *out[5];
  for (int i = 0; i < r->n_inputs; i++) in[i] = tn_float_in(r->inputs[i], &scratch);
  for (int i = 0; i < r->n_outputs; i++) out[i] = tn_float_out(r->outputs[i], &scratch);
  for (int i = 2; i < 5; i++) memset(out[i], 0, (size_t)tn_elements(r->outputs[i]) * sizeof(float));
  set_peepholes(&l, in);
  tn_lstm_back b = {.cs_prev = in[TN_LSTM_CS_PREV],
                    .cs_grad = in[FORWARD + TN_LSTM_H],
                    .h_grad = in[FORWARD + TN_LSTM_H + 1],
                    .gates = out[1],
                    .cs_prev_grad = out[0],
                    .wci_grad = out[2],
                    .wcf_grad = out[3],
                    .wco_grad = out[4]};
  for (int i = 0; i < TN_LSTM_H; i++) b.forward[i] = in[FORWARD + i];
  if (l.batch * l.cells > 0) tn_lstm_step_back(&l, &b);
  for (int i = 0; i < r->n_outputs; i++) tn_float_finish(r->outputs[i], out[i]);
  return NULL;
}

/* --- a sequence --- */

static tn_error *sequence_shape(tn_shape_ctx *c) {
  static const int ranks[] = {3, 2, 2, 2, 1, 1, 1, 1};
  for (int i = 0; i < c->n_outputs; i++) TN_TRY(tn_shape_with_rank(c, i + 1, ranks[i], &c->out[i]));
  return NULL;
}

typedef struct back {
  tn_lstm l;
  size_t gemm_scratch;
} back;

/* Products with the weights W[inputs + cells, 4 cells] and the gradients of GATES[steps * batch, 4 cells]. */
static tn_gemm product_to_h(const tn_lstm *l, int64_t rows, int64_t columns) {
  const int64_t four = 4 * l->cells;
  return (tn_gemm){.m = rows, .n = columns, .k = four, .a_row = four, .a_col = 1, .b_row = 1, .b_col = four};
}
static tn_gemm product_to_w(const tn_lstm *l, int64_t rows, int64_t steps) {
  const int64_t four = 4 * l->cells;
  return (tn_gemm){.m = rows, .n = four, .k = steps * l->batch, .a_row = 1, .a_col = rows, .b_row = four, .b_col = 1};
}

static void grow(size_t *scratch, tn_gemm g) {
  if (g.m * g.n * g.k == 0) return;
  tn_gemm_plan(&g);
  if (tn_gemm_scratch(&g) > *scratch) *scratch = tn_gemm_scratch(&g);
}

static tn_error *sequence_prepare(tn_prepare *p) {
  back b = {0}, *state;
  TN_TRY(tn_lstm_read(p, &b.l));
  TN_TRY(check_forward(p, &b.l));
  const tn_lstm *l = &b.l;
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &p->inputs[1 + i].shape));
  grow(&b.gemm_scratch, product_to_h(l, l->batch, l->cells));
  /* Fewer steps than there are may need more room. */
  for (int64_t steps = 1; steps <= l->time; steps++) {
    grow(&b.gemm_scratch, product_to_h(l, steps * l->batch, l->inputs));
    grow(&b.gemm_scratch, product_to_w(l, l->inputs, steps));
    grow(&b.gemm_scratch, product_to_w(l, l->cells, steps));
  }
  for (int i = 1; i < p->n_inputs; i++) p->scratch += tn_float_scratch(&p->inputs[i]);
  for (int i = 0; i < p->n_outputs; i++) p->scratch += tn_float_scratch(&p->outputs[i]);
  /* The gates' gradients and the h before each step, then those of a step's h and cs. */
  p->scratch +=
      (size_t)(l->time * l->batch * 5 * l->cells + 2 * l->batch * l->cells) * sizeof(float) + b.gemm_scratch + 64;
  TN_TRY(tn_prepare_state(p, sizeof b, &state));
  *state = b;
  return NULL;
}

static void multiply(tn_gemm g, const float *a, const float *b, float *c, void *scratch) {
  if (g.m * g.n * g.k == 0) return; /* C is zero already */
  tn_gemm_plan(&g);
  tn_gemm_run(&g, a, b, c, NULL, scratch);
}

typedef struct room {
  float *gates, *h_before, *h_grad, *cs_grad;
  void *gemm;
} room;

/* The steps from the last to the first: fills GATES and H_BEFORE, and what flows to the state before. */
static void steps_back(const tn_lstm *l, int64_t steps, const float *const in[], float *const out[], const room *m) {
  const int64_t size = l->batch * l->cells;
  const float *const *forward = in + FORWARD;
  const float *cs_grads = in[FORWARD + TN_LSTM_OUTPUTS], *h_grads = in[FORWARD + TN_LSTM_OUTPUTS + 1];
  float *h_before_grad = out[TN_LSTM_H_PREV], *cs_before_grad = out[TN_LSTM_CS_PREV];
  for (int64_t t = steps - 1; t >= 0; t--) {
    for (int64_t i = 0; i < size; i++) {
      m->h_grad[i] = h_grads[t * size + i] + h_before_grad[i];
      m->cs_grad[i] = cs_grads[t * size + i] + cs_before_grad[i];
    }
    const float *before = t ? forward[TN_LSTM_H] + (t - 1) * size : in[TN_LSTM_H_PREV];
    memcpy(m->h_before + t * size, before, (size_t)size * sizeof *before);
    tn_lstm_back b = {.cs_prev = t ? forward[TN_LSTM_CS] + (t - 1) * size : in[TN_LSTM_CS_PREV],
                      .cs_grad = m->cs_grad,
                      .h_grad = m->h_grad,
                      .gates = m->gates + t * 4 * size,
                      .cs_prev_grad = cs_before_grad,
                      .wci_grad = out[TN_LSTM_WCI],
                      .wcf_grad = out[TN_LSTM_WCF],
                      .wco_grad = out[TN_LSTM_WCO]};
    for (int i = 0; i < TN_LSTM_OUTPUTS; i++) b.forward[i] = forward[i] + t * size;
    tn_lstm_step_back(l, &b);
    multiply(product_to_h(l, l->batch, l->cells), b.gates, in[TN_LSTM_W] + l->inputs * 4 * l->cells, h_before_grad,
             m->gemm);
  }
}

static tn_error *sequence_run(tn_run *r) {
  const back *state = r->state;
  tn_lstm l = state->l;
  int64_t steps;
  TN_TRY(tn_lstm_steps(r, &l, &steps));
  char *scratch = r->scratch;
  const float *in[FORWARD + TN_LSTM_OUTPUTS + 2];
  float *out[SEQUENCE_OUTPUTS];
  for (int i = 1; i < r->n_inputs; i++) in[i - 1] = tn_float_in(r->inputs[i], &scratch);
  for (int i = 0; i < SEQUENCE_OUTPUTS; i++) out[i] = tn_float_out(r->outputs[i], &scratch);
  for (int i = 0; i < SEQUENCE_OUTPUTS; i++) memset(out[i], 0, (size_t)tn_elements(r->outputs[i]) * sizeof(float));
  set_peepholes(&l, in);
  const int64_t size = l.batch * l.cells, rows = steps * l.batch, four = 4 * l.cells;
  room m = {.gates = (float *)scratch};
  m.h_before = m.gates + l.time * 4 * size;
  m.h_grad = m.h_before + l.time * size;
  m.cs_grad = m.h_grad + size;
  m.gemm = (void *)(((uintptr_t)(m.cs_grad + size) + 63) / 64 * 64);
  if (size > 0) {
    steps_back(&l, steps, in, out, &m);
    multiply(product_to_h(&l, rows, l.inputs), m.gates, in[TN_LSTM_W], out[0], m.gemm);
    multiply(product_to_w(&l, l.inputs, steps), in[0], m.gates, out[TN_LSTM_W], m.gemm);
    multiply(product_to_w(&l, l.cells, steps), m.h_before, m.gates, out[TN_LSTM_W] + l.inputs * four, m.gemm);
    for (int64_t i = 0; i < rows; i++)
      for (int64_t k = 0; k < four; k++) out[TN_LSTM_B][k] += m.gates[i * four + k];
  }
  for (int i = 0; i < SEQUENCE_OUTPUTS; i++) tn_float_finish(r->outputs[i], out[i]);
  return NULL;
}

static const tn_kernel_def cell_kernels[] = {{.name = "reference", .prepare = cell_prepare, .run = cell_run}, {0}};
static const tn_kernel_def sequence_kernels[] = {
    {.name = "reference", .prepare = sequence_prepare, .run = sequence_run}, {0}};

#define WEIGHTS         "cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T, "
#define FORWARDS        "i: T, cs: T, f: T, o: T, ci: T, co: T, "
#define GRADS           "cs_grad: T, h_grad: T"
#define SEQUENCE_INPUTS "seq_len_max: int64, x: T, " WEIGHTS FORWARDS "h: T, " GRADS
#define SEQUENCE_RESULTS                                                                                               \
  "x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, wci_grad: T, wcf_grad: T, wco_grad: T, b_grad: T"
#define ATTRS "use_peephole: bool; T: {half, float}"

TN_OP(LSTMBlockCellGrad, .inputs = "x: T, " WEIGHTS FORWARDS GRADS,
      .outputs = "cs_prev_grad: T, dicfo: T, wci_grad: T, wcf_grad: T, wco_grad: T", .attrs = ATTRS,
      .doc = "The gradients of LSTMBlockCell's gates, peepholes and state.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = cell_shape, .kernels = cell_kernels);

TN_OP(BlockLSTMGrad, .inputs = SEQUENCE_INPUTS, .outputs = SEQUENCE_RESULTS, .attrs = ATTRS,
      .doc = "The gradients of BlockLSTM.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = sequence_shape,
      .kernels = sequence_kernels);

TN_OP(BlockLSTMGradV2, .inputs = SEQUENCE_INPUTS, .outputs = SEQUENCE_RESULTS, .attrs = ATTRS,
      .doc = "The gradients of BlockLSTMV2.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = sequence_shape,
      .kernels = sequence_kernels);
