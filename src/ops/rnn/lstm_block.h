/* What the block LSTMs share. A sequence is TIME steps of a batch; LSTMBlockCell takes one step. */
#ifndef TN_OPS_RNN_LSTM_BLOCK_H
#define TN_OPS_RNN_LSTM_BLOCK_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/gemm.h"
#include "kernel/kernel.h"
#include "kernel/wide.h"

/* The places of the weights' inputs, after X: cs_prev, h_prev, w, wci, wcf, wco, b. */
enum { TN_LSTM_CS_PREV = 1, TN_LSTM_H_PREV, TN_LSTM_W, TN_LSTM_WCI, TN_LSTM_WCF, TN_LSTM_WCO, TN_LSTM_B };
/* What a step gives, in the order of the outputs. */
enum { TN_LSTM_I, TN_LSTM_CS, TN_LSTM_F, TN_LSTM_O, TN_LSTM_CI, TN_LSTM_CO, TN_LSTM_H, TN_LSTM_OUTPUTS };

typedef struct tn_lstm {
  int x;                              /* which input x is: seq_len_max may come before it */
  int64_t time, batch, inputs, cells; /* TIME as the shapes have it */
  float forget_bias, clip;            /* clip <= 0: none */
  bool peephole;
  int gate_i, gate_c, gate_f, gate_o; /* their places among the four in a row of gates */
  const float *wci, *wcf, *wco;       /* set by RUN */
} tn_lstm;

/* Checks the shapes of the inputs that all forms have, and fills *OUT. */
tn_error *tn_lstm_read(tn_prepare *p, tn_lstm *out) TN_MUST_USE;
/* The steps that are to be run: seq_len_max, or 1. INVALID_ARGUMENT if there are not so many. */
tn_error *tn_lstm_steps(const tn_run *r, const tn_lstm *l, int64_t *out) TN_MUST_USE;
/* One step, [batch, cells] each: from GATES[batch, 4 cells], which still lack the peepholes, and CS_PREV to OUT. */
void tn_lstm_step(const tn_lstm *l, const float *gates, const float *cs_prev, float *const out[TN_LSTM_OUTPUTS]);

/* What the step back needs beside the weights; all [batch, cells]. */
typedef struct tn_lstm_back {
  const float *cs_prev, *forward[TN_LSTM_OUTPUTS], *cs_grad, *h_grad;
  float *gates;                          /* [batch, 4 cells]: the gradients of the gates */
  float *cs_prev_grad;                   /* may be CS_GRAD */
  float *wci_grad, *wcf_grad, *wco_grad; /* [cells], added to where there are peepholes */
} tn_lstm_back;
void tn_lstm_step_back(const tn_lstm *l, const tn_lstm_back *b);

#endif
