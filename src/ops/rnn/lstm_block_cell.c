/* LSTMBlockCell, BlockLSTM and BlockLSTMV2: an LSTM's step, and its steps over a sequence, as one op. */
#include <string.h>

#include "ops/rnn/lstm_block.h"

/* --- shapes --- */

static tn_error *cell_shape(tn_shape_ctx *c) {
  tn_shape x, cs;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &x));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &cs));
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_of(2, (int64_t[]){x.dims[0], cs.dims[1]});
  return NULL;
}

static tn_error *sequence_shape(tn_shape_ctx *c) {
  tn_shape x, b;
  TN_TRY(tn_shape_with_rank(c, 1, 3, &x));
  TN_TRY(tn_shape_with_rank(c, 1 + TN_LSTM_B, 1, &b));
  if (b.dims[0] > 0 && b.dims[0] % 4 != 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "b must hold four gates, but has %lld elements",
                          (long long)b.dims[0]);
  const int64_t cells = b.dims[0] < 0 ? -1 : b.dims[0] / 4;
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_of(3, (int64_t[]){x.dims[0], x.dims[1], cells});
  return NULL;
}

/* --- the kernel --- */

typedef struct forward {
  tn_lstm l;
  tn_gemm from_x, from_h;
  size_t gemm_scratch;
} forward;

static bool empty(const tn_lstm *l) { return l->batch == 0 || l->cells == 0; }

static tn_error *prepare(tn_prepare *p) {
  forward f = {0}, *state;
  TN_TRY(tn_lstm_read(p, &f.l));
  const tn_lstm *l = &f.l;
  const int64_t dims[] = {l->time, l->batch, l->cells};
  const tn_shape out = tn_shape_of(2 + l->x, dims + 1 - l->x);
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &out));
  if (!empty(l) && l->time > 0) {
    const int64_t four = 4 * l->cells;
    f.from_h =
        (tn_gemm){.m = l->batch, .n = four, .k = l->cells, .a_row = l->cells, .a_col = 1, .b_row = four, .b_col = 1};
    tn_gemm_plan(&f.from_h);
    f.gemm_scratch = tn_gemm_scratch(&f.from_h);
    if (l->inputs > 0) {
      f.from_x = (tn_gemm){.m = l->time * l->batch,
                           .n = four,
                           .k = l->inputs,
                           .a_row = l->inputs,
                           .a_col = 1,
                           .b_row = four,
                           .b_col = 1};
      tn_gemm_plan(&f.from_x);
      if (tn_gemm_scratch(&f.from_x) > f.gemm_scratch) f.gemm_scratch = tn_gemm_scratch(&f.from_x);
    }
    for (int i = l->x; i < p->n_inputs; i++) p->scratch += tn_float_scratch(&p->inputs[i]);
    for (int i = 0; i < p->n_outputs; i++) p->scratch += tn_float_scratch(&p->outputs[i]);
    p->scratch += (size_t)((l->time + 1) * l->batch * four) * sizeof(float) + f.gemm_scratch + 64;
  }
  TN_TRY(tn_prepare_state(p, sizeof f, &state));
  *state = f;
  return NULL;
}

/* GATES = X Wx + b for all steps. */
static void gates_of_x(const forward *f, const float *const in[], float *gates, void *scratch) {
  const tn_lstm *l = &f->l;
  const int64_t four = 4 * l->cells;
  if (l->inputs > 0) {
    const tn_gemm_end end = {.bias = in[TN_LSTM_B]};
    tn_gemm_run(&f->from_x, in[0], in[TN_LSTM_W], gates, &end, scratch);
    return;
  }
  for (int64_t row = 0; row < l->time * l->batch; row++)
    memcpy(gates + row * four, in[TN_LSTM_B], (size_t)four * sizeof *gates);
}

static void sequence(const forward *f, int64_t steps, const float *const in[], float *const out[], char *scratch) {
  tn_lstm l = f->l;
  l.wci = in[TN_LSTM_WCI];
  l.wcf = in[TN_LSTM_WCF];
  l.wco = in[TN_LSTM_WCO];
  const int64_t size = l.batch * l.cells, four = 4 * size;
  float *gates = (float *)scratch, *from_h = gates + l.time * four;
  void *room = (void *)(((uintptr_t)(from_h + four) + 63) / 64 * 64);
  gates_of_x(f, in, gates, room);
  const float *h = in[TN_LSTM_H_PREV], *cs = in[TN_LSTM_CS_PREV];
  for (int64_t t = 0; t < steps; t++) {
    float *now[TN_LSTM_OUTPUTS], *gates_now = gates + t * four;
    for (int i = 0; i < TN_LSTM_OUTPUTS; i++) now[i] = out[i] + t * size;
    tn_gemm_run(&f->from_h, h, in[TN_LSTM_W] + l.inputs * 4 * l.cells, from_h, NULL, room);
    for (int64_t i = 0; i < four; i++) gates_now[i] += from_h[i];
    tn_lstm_step(&l, gates_now, cs, now);
    h = now[TN_LSTM_H];
    cs = now[TN_LSTM_CS];
  }
  for (int i = 0; i < TN_LSTM_OUTPUTS; i++)
    memset(out[i] + steps * size, 0, (size_t)((l.time - steps) * size) * sizeof(float));
}

static tn_error *run(tn_run *r) {
  const forward *f = r->state;
  int64_t steps;
  TN_TRY(tn_lstm_steps(r, &f->l, &steps));
  if (empty(&f->l) || f->l.time == 0) return NULL;
  char *scratch = r->scratch;
  const float *in[TN_LSTM_B + 1];
  float *out[TN_LSTM_OUTPUTS];
  for (int i = 0; i <= TN_LSTM_B; i++) in[i] = tn_float_in(r->inputs[f->l.x + i], &scratch);
  for (int i = 0; i < TN_LSTM_OUTPUTS; i++) out[i] = tn_float_out(r->outputs[i], &scratch);
  sequence(f, steps, in, out, scratch);
  for (int i = 0; i < TN_LSTM_OUTPUTS; i++) tn_float_finish(r->outputs[i], out[i]);
  return NULL;
}

/* --- gradients --- */

/* As contrib's gradient: only those of cs and h count. */
static tn_error *cell_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output in[TN_LSTM_B + 1 + TN_LSTM_OUTPUTS + 2];
  int n = 0;
  for (int i = 0; i <= TN_LSTM_B; i++) in[n++] = tn_grad_x(c, i);
  for (int i = 0; i < TN_LSTM_H; i++) in[n++] = tn_grad_y(c, i);
  in[n++] = tn_grad_dense(c, TN_LSTM_CS);
  in[n++] = tn_grad_dense(c, TN_LSTM_H);
  in[n] = TN_END;
  const tn_output back = tn_build(s, "LSTMBlockCellGrad", in, TN_ATTRS(TN_A_SAME(c->node, "use_peephole")));
  const tn_output gates = tn_nth(back, 1), x = tn_grad_x(c, 0), h = tn_grad_x(c, TN_LSTM_H_PREV);
  const tn_output xh_grad =
      tn_build(s, "MatMul", TN_IN(gates, tn_grad_x(c, TN_LSTM_W)), TN_ATTRS(TN_A_BOOL("transpose_b", true)));
  const tn_output one = tn_build_scalar(s, TN_INT32, 1),
                  sizes =
                      tn_build(s, "ConcatOffset", TN_IN(one, tn_build_shape_of(s, x), tn_build_shape_of(s, h)), NULL);
  tn_grad_set(c, 0, tn_build(s, "Slice", TN_IN(xh_grad, tn_nth(sizes, 0), tn_build_shape_of(s, x)), NULL));
  tn_grad_set(c, TN_LSTM_H_PREV, tn_build(s, "Slice", TN_IN(xh_grad, tn_nth(sizes, 1), tn_build_shape_of(s, h)), NULL));
  tn_grad_set(c, TN_LSTM_CS_PREV, back);
  const tn_output xh = tn_build(s, "ConcatV2", TN_IN(x, h, one), NULL);
  tn_grad_set(c, TN_LSTM_W, tn_build(s, "MatMul", TN_IN(xh, gates), TN_ATTRS(TN_A_BOOL("transpose_a", true))));
  for (int i = 0; i < 3; i++) tn_grad_set(c, TN_LSTM_WCI + i, tn_nth(back, 2 + i));
  tn_grad_set(c, TN_LSTM_B, tn_build1(s, "BiasAddGrad", gates));
  return NULL;
}

static tn_error *sequence_gradient(tn_gradient_ctx *c, const char *op) {
  tn_output in[2 + TN_LSTM_B + TN_LSTM_OUTPUTS + 3];
  int n = 0;
  for (int i = 0; i <= 1 + TN_LSTM_B; i++) in[n++] = tn_grad_x(c, i);
  for (int i = 0; i < TN_LSTM_OUTPUTS; i++) in[n++] = tn_grad_y(c, i);
  in[n++] = tn_grad_dense(c, TN_LSTM_CS);
  in[n++] = tn_grad_dense(c, TN_LSTM_H);
  in[n] = TN_END;
  const tn_output back = tn_build(c->scope, op, in, TN_ATTRS(TN_A_SAME(c->node, "use_peephole")));
  for (int i = 0; i <= TN_LSTM_B; i++) tn_grad_set(c, 1 + i, tn_nth(back, i));
  return NULL;
}
static tn_error *first_gradient(tn_gradient_ctx *c) { return sequence_gradient(c, "BlockLSTMGrad"); }
static tn_error *second_gradient(tn_gradient_ctx *c) { return sequence_gradient(c, "BlockLSTMGradV2"); }

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

#define WEIGHTS "cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
#define OUTPUTS "i: T, cs: T, f: T, o: T, ci: T, co: T, h: T"
#define ATTRS   "forget_bias: float = 1.0; cell_clip: float = 3.0; use_peephole: bool = false; T: {half, float}"

TN_OP(LSTMBlockCell, .inputs = "x: T, " WEIGHTS, .outputs = OUTPUTS, .attrs = ATTRS, .doc = "One step of an LSTM.",
      .shape = cell_shape, .gradient = cell_gradient, .kernels = kernels);

TN_OP(BlockLSTM, .inputs = "seq_len_max: int64, x: T, " WEIGHTS, .outputs = OUTPUTS, .attrs = ATTRS,
      .doc = "An LSTM over seq_len_max steps; zeros after them.", .shape = sequence_shape, .gradient = first_gradient,
      .kernels = kernels);

TN_OP(BlockLSTMV2, .inputs = "seq_len_max: int64, x: T, " WEIGHTS, .outputs = OUTPUTS,
      .attrs = "cell_clip: float = 0.0; use_peephole: bool = false; T: {half, float}",
      .doc = "BlockLSTM with its gates in the order i, f, c, o.", .shape = sequence_shape, .gradient = second_gradient,
      .kernels = kernels);
