/* The steps of block LSTMs, forward and back. */
#include "ops/rnn/lstm_block.h"

#include <string.h>

#include "base/parallel.h"
#include "kernel/simd/simd.h"

static tn_error *expect(const tn_prepare *p, int input, int rank, const int64_t *dims) {
  const tn_shape wanted = tn_shape_of(rank, dims);
  if (tn_shape_equal(&p->inputs[input].shape, &wanted)) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d has shape %s, expected %s", input,
                           TN_SHAPE_STR(&p->inputs[input].shape), TN_SHAPE_STR(&wanted));
}

static float number(const tn_node *node, const char *name, float otherwise) {
  return tn_node_attr(node, name) ? tn_node_get_float(node, name) : otherwise;
}

tn_error *tn_lstm_read(tn_prepare *p, tn_lstm *out) {
  const bool sequence = p->inputs[0].dtype == TN_INT64;
  const tn_shape *x = &p->inputs[sequence].shape, *cs = &p->inputs[sequence + TN_LSTM_CS_PREV].shape;
  if (x->rank != 2 + sequence || cs->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "x must have %d dimensions and cs_prev 2, not %s and %s",
                             2 + sequence, TN_SHAPE_STR(x), TN_SHAPE_STR(cs));
  if (sequence && p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "seq_len_max must be a scalar, not %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  tn_lstm l = {.x = sequence,
               .time = sequence ? x->dims[0] : 1,
               .batch = x->dims[x->rank - 2],
               .inputs = x->dims[x->rank - 1],
               .cells = cs->dims[1]};
  l.forget_bias = number(p->node, "forget_bias", 0);
  l.clip = number(p->node, "cell_clip", 0);
  l.peephole = tn_node_get_bool(p->node, "use_peephole");
  /* The second version has i, f, c, o. */
  const char *op = tn_node_op(p->node);
  const bool second = op[strlen(op) - 1] == '2';
  l.gate_f = second ? 1 : 2;
  l.gate_c = second ? 2 : 1;
  l.gate_o = 3;
  TN_TRY(expect(p, l.x + TN_LSTM_CS_PREV, 2, (int64_t[]){l.batch, l.cells}));
  TN_TRY(expect(p, l.x + TN_LSTM_H_PREV, 2, (int64_t[]){l.batch, l.cells}));
  TN_TRY(expect(p, l.x + TN_LSTM_W, 2, (int64_t[]){l.inputs + l.cells, 4 * l.cells}));
  TN_TRY(expect(p, l.x + TN_LSTM_B, 1, (int64_t[]){4 * l.cells}));
  for (int i = TN_LSTM_WCI; i <= TN_LSTM_WCO && l.peephole; i++) TN_TRY(expect(p, l.x + i, 1, (int64_t[]){l.cells}));
  *out = l;
  return NULL;
}

tn_error *tn_lstm_steps(const tn_run *r, const tn_lstm *l, int64_t *out) {
  const int64_t steps = l->x ? TN_DATA(int64_t, r->inputs[0])[0] : 1;
  if (steps < 0 || steps > l->time)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "seq_len_max is %lld, but x has %lld steps", (long long)steps,
                         (long long)l->time);
  *out = steps;
  return NULL;
}

/* Y = sigmoid(GATE + BIAS + CELLS * PEEPHOLE); PEEPHOLE may be NULL. */
static void gate(float *y, const float *in, float bias, const float *cells, const float *peephole, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = in[i] + bias;
  for (int64_t i = 0; i < n && peephole; i++) y[i] += cells[i] * peephole[i];
  tn_simd_active()->micro[TN_MICRO_SIGMOID](y, y, y, y, n, 0);
}

static void row_forward(const tn_lstm *l, const float *gates, const float *cs_prev, float *const out[]) {
  const int64_t n = l->cells;
  const tn_simd *simd = tn_simd_active();
  float *i = out[TN_LSTM_I], *cs = out[TN_LSTM_CS], *f = out[TN_LSTM_F], *ci = out[TN_LSTM_CI], *co = out[TN_LSTM_CO];
  gate(i, gates, 0, cs_prev, l->peephole ? l->wci : NULL, n);
  gate(f, gates + l->gate_f * n, l->forget_bias, cs_prev, l->peephole ? l->wcf : NULL, n);
  simd->micro[TN_MICRO_TANH](ci, gates + l->gate_c * n, ci, ci, n, 0);
  for (int64_t k = 0; k < n; k++) cs[k] = i[k] * ci[k] + f[k] * cs_prev[k];
  for (int64_t k = 0; k < n && l->clip > 0; k++)
    cs[k] = cs[k] > l->clip ? l->clip : cs[k] < -l->clip ? -l->clip : cs[k];
  gate(out[TN_LSTM_O], gates + l->gate_o * n, 0, cs, l->peephole ? l->wco : NULL, n);
  simd->micro[TN_MICRO_TANH](co, cs, co, co, n, 0);
  for (int64_t k = 0; k < n; k++) out[TN_LSTM_H][k] = out[TN_LSTM_O][k] * co[k];
}

/* Rows of the batch, shared out. */
typedef struct rows_job {
  const tn_lstm *l;
  const float *gates, *cs_prev;
  float *const *out;
  const tn_lstm_back *back;
  int64_t chunks;
} rows_job;

enum { GRAIN = 4096 };
static int64_t chunks_of(const tn_lstm *l) {
  const int64_t chunks = tn_chunks(l->batch * l->cells, GRAIN);
  return chunks < l->batch ? chunks : l->batch;
}

static void rows_forward(void *argument, int64_t chunk) {
  const rows_job *j = argument;
  int64_t begin, end;
  tn_chunk(j->l->batch, j->chunks, chunk, 1, &begin, &end);
  for (int64_t b = begin; b < end; b++) {
    float *out[TN_LSTM_OUTPUTS];
    const int64_t at = b * j->l->cells;
    for (int i = 0; i < TN_LSTM_OUTPUTS; i++) out[i] = j->out[i] + at;
    row_forward(j->l, j->gates + 4 * at, j->cs_prev + at, out);
  }
}

void tn_lstm_step(const tn_lstm *l, const float *gates, const float *cs_prev, float *const out[TN_LSTM_OUTPUTS]) {
  rows_job j = {.l = l, .gates = gates, .cs_prev = cs_prev, .out = out, .chunks = chunks_of(l)};
  tn_parallel(j.chunks, rows_forward, &j);
}

static void row_back(const tn_lstm *l, const tn_lstm_back *b, int64_t row) {
  const int64_t n = l->cells, at = row * n;
  const float *i = b->forward[TN_LSTM_I] + at, *f = b->forward[TN_LSTM_F] + at, *o = b->forward[TN_LSTM_O] + at;
  const float *ci = b->forward[TN_LSTM_CI] + at, *co = b->forward[TN_LSTM_CO] + at;
  float *gates = b->gates + 4 * at, *di = gates, *df = gates + l->gate_f * n, *dc = gates + l->gate_c * n;
  float *dout = gates + l->gate_o * n;
  for (int64_t k = 0; k < n; k++) {
    const float dh = b->h_grad[at + k];
    dout[k] = o[k] * (1 - o[k]) * dh * co[k];
    float dcs = (1 - co[k] * co[k]) * dh * o[k] + b->cs_grad[at + k];
    if (l->peephole) dcs += dout[k] * l->wco[k];
    dc[k] = (1 - ci[k] * ci[k]) * dcs * i[k];
    df[k] = f[k] * (1 - f[k]) * dcs * b->cs_prev[at + k];
    di[k] = i[k] * (1 - i[k]) * dcs * ci[k];
    float before = dcs * f[k];
    if (l->peephole) before += di[k] * l->wci[k] + df[k] * l->wcf[k];
    b->cs_prev_grad[at + k] = before;
  }
}

static void rows_back(void *argument, int64_t chunk) {
  const rows_job *j = argument;
  int64_t begin, end;
  tn_chunk(j->l->batch, j->chunks, chunk, 1, &begin, &end);
  for (int64_t b = begin; b < end; b++) row_back(j->l, j->back, b);
}

void tn_lstm_step_back(const tn_lstm *l, const tn_lstm_back *b) {
  rows_job j = {.l = l, .back = b, .chunks = chunks_of(l)};
  tn_parallel(j.chunks, rows_back, &j);
  const int64_t n = l->cells;
  for (int64_t row = 0; row < l->batch && l->peephole; row++) {
    const float *gates = b->gates + 4 * row * n, *cs_prev = b->cs_prev + row * n;
    const float *cs = b->forward[TN_LSTM_CS] + row * n;
    for (int64_t k = 0; k < n; k++) {
      b->wci_grad[k] += gates[k] * cs_prev[k];
      b->wcf_grad[k] += gates[l->gate_f * n + k] * cs_prev[k];
      b->wco_grad[k] += gates[l->gate_o * n + k] * cs[k];
    }
  }
}
