/* GRUBlockCell and its gradient: one step of a GRU as one op. */
#include <string.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/gemm.h"
#include "kernel/kernel.h"
#include "kernel/simd/simd.h"

enum { X, H_PREV, W_RU, W_C, B_RU, B_C, WEIGHTS };

typedef struct gru {
  int64_t batch, inputs, cells;
} gru;

static tn_error *expect(const tn_prepare *p, int input, int rank, const int64_t *dims) {
  const tn_shape wanted = tn_shape_of(rank, dims);
  if (tn_shape_equal(&p->inputs[input].shape, &wanted)) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d has shape %s, expected %s", input,
                           TN_SHAPE_STR(&p->inputs[input].shape), TN_SHAPE_STR(&wanted));
}

static tn_error *read_sizes(tn_prepare *p, gru *out) {
  const tn_shape *x = &p->inputs[X].shape, *h = &p->inputs[H_PREV].shape;
  if (x->rank != 2 || h->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "x and h_prev must be matrices, not %s and %s", TN_SHAPE_STR(x),
                             TN_SHAPE_STR(h));
  const gru g = {x->dims[0], x->dims[1], h->dims[1]};
  TN_TRY(expect(p, H_PREV, 2, (int64_t[]){g.batch, g.cells}));
  TN_TRY(expect(p, W_RU, 2, (int64_t[]){g.inputs + g.cells, 2 * g.cells}));
  TN_TRY(expect(p, W_C, 2, (int64_t[]){g.inputs + g.cells, g.cells}));
  TN_TRY(expect(p, B_RU, 1, (int64_t[]){2 * g.cells}));
  TN_TRY(expect(p, B_C, 1, (int64_t[]){g.cells}));
  for (int i = WEIGHTS; i < p->n_inputs; i++) TN_TRY(expect(p, i, 2, (int64_t[]){g.batch, g.cells}));
  *out = g;
  return NULL;
}

static tn_error *finish_prepare(tn_prepare *p, const gru *g, int64_t floats, const tn_gemm *products) {
  size_t most = 0;
  for (int i = 0; i < 2 && g->batch * g->cells > 0; i++) {
    tn_gemm one = products[i];
    tn_gemm_plan(&one);
    if (tn_gemm_scratch(&one) > most) most = tn_gemm_scratch(&one);
  }
  p->scratch = (size_t)floats * sizeof(float) + 64 + most;
  gru *state;
  TN_TRY(tn_prepare_state(p, sizeof *g, &state));
  *state = *g;
  return NULL;
}

static void multiply(tn_gemm g, const float *a, const float *b, float *c, const float *bias, void *scratch) {
  const tn_gemm_end end = {.bias = bias};
  tn_gemm_plan(&g);
  tn_gemm_run(&g, a, b, c, bias ? &end : NULL, scratch);
}

/* [x, h] W for W with COLUMNS columns; and gradients[batch, COLUMNS] W^T. */
static tn_gemm forward_product(const gru *g, int64_t columns) {
  const int64_t k = g->inputs + g->cells;
  return (tn_gemm){.m = g->batch, .n = columns, .k = k, .a_row = k, .a_col = 1, .b_row = columns, .b_col = 1};
}
static tn_gemm backward_product(const gru *g, int64_t columns) {
  return (tn_gemm){.m = g->batch,
                   .n = g->inputs + g->cells,
                   .k = columns,
                   .a_row = columns,
                   .a_col = 1,
                   .b_row = 1,
                   .b_col = columns};
}

static void *aligned(const void *p) { return (void *)(((uintptr_t)p + 63) / 64 * 64); }

/* --- forward --- */

static tn_error *prepare(tn_prepare *p) {
  gru g;
  TN_TRY(read_sizes(p, &g));
  const tn_shape out = tn_shape_of(2, (int64_t[]){g.batch, g.cells});
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, &out));
  const tn_gemm products[] = {forward_product(&g, 2 * g.cells), forward_product(&g, g.cells)};
  return finish_prepare(p, &g, g.batch * (g.inputs + 3 * g.cells), products);
}

static tn_error *run(tn_run *r) {
  const gru *g = r->state;
  const int64_t n = g->cells, wide = g->inputs + n;
  if (g->batch * n == 0) return NULL;
  const tn_simd *simd = tn_simd_active();
  const float *x = r->inputs[X]->data, *h_prev = r->inputs[H_PREV]->data;
  float *out[4], *xh = r->scratch, *ru = xh + g->batch * wide;
  void *room = aligned(ru + g->batch * 2 * n);
  for (int i = 0; i < 4; i++) out[i] = r->outputs[i]->data;
  for (int64_t b = 0; b < g->batch; b++) {
    memcpy(xh + b * wide, x + b * g->inputs, (size_t)g->inputs * sizeof *x);
    memcpy(xh + b * wide + g->inputs, h_prev + b * n, (size_t)n * sizeof *x);
  }
  multiply(forward_product(g, 2 * n), xh, r->inputs[W_RU]->data, ru, r->inputs[B_RU]->data, room);
  simd->micro[TN_MICRO_SIGMOID](ru, ru, ru, ru, g->batch * 2 * n, 0);
  for (int64_t b = 0; b < g->batch; b++) {
    memcpy(out[0] + b * n, ru + b * 2 * n, (size_t)n * sizeof *x);
    memcpy(out[1] + b * n, ru + b * 2 * n + n, (size_t)n * sizeof *x);
    for (int64_t k = 0; k < n; k++) xh[b * wide + g->inputs + k] = h_prev[b * n + k] * out[0][b * n + k];
  }
  multiply(forward_product(g, n), xh, r->inputs[W_C]->data, out[2], r->inputs[B_C]->data, room);
  simd->micro[TN_MICRO_TANH](out[2], out[2], out[2], out[2], g->batch * n, 0);
  for (int64_t i = 0; i < g->batch * n; i++) out[3][i] = (1 - out[1][i]) * out[2][i] + out[1][i] * h_prev[i];
  return NULL;
}

/* --- back --- */

static tn_error *grad_prepare(tn_prepare *p) {
  gru g;
  TN_TRY(read_sizes(p, &g));
  const int64_t widths[] = {g.inputs, g.cells, g.cells, 2 * g.cells};
  for (int i = 0; i < p->n_outputs; i++) {
    const tn_shape out = tn_shape_of(2, (int64_t[]){g.batch, widths[i]});
    TN_TRY(tn_prepare_output(p, i, &out));
  }
  const tn_gemm products[] = {backward_product(&g, 2 * g.cells), backward_product(&g, g.cells)};
  return finish_prepare(p, &g, 2 * g.batch * (g.inputs + g.cells), products);
}

/* The gradients of what the sigmoids and the tanh take, but for that of the reset gate. */
static void before_gates(const tn_run *r, const gru *g) {
  const float *h_prev = r->inputs[H_PREV]->data, *u = r->inputs[WEIGHTS + 1]->data, *c = r->inputs[WEIGHTS + 2]->data;
  const float *dh = r->inputs[WEIGHTS + 3]->data;
  float *dc = r->outputs[2]->data, *dru = r->outputs[3]->data;
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t k = 0; k < g->cells; k++) {
      const int64_t i = b * g->cells + k;
      dc[i] = dh[i] * (1 - u[i]) * (1 - c[i] * c[i]);
      dru[2 * b * g->cells + g->cells + k] = dh[i] * (h_prev[i] - c[i]) * u[i] * (1 - u[i]);
    }
}

static tn_error *grad_run(tn_run *r) {
  const gru *g = r->state;
  const int64_t n = g->cells, wide = g->inputs + n;
  float *dx = r->outputs[0]->data, *dh_prev = r->outputs[1]->data, *dru = r->outputs[3]->data;
  if (g->batch * n == 0) {
    memset(dx, 0, (size_t)(g->batch * g->inputs) * sizeof *dx);
    return NULL;
  }
  const float *h_prev = r->inputs[H_PREV]->data, *reset = r->inputs[WEIGHTS]->data, *u = r->inputs[WEIGHTS + 1]->data;
  const float *dh = r->inputs[WEIGHTS + 3]->data;
  float *from_c = r->scratch, *from_ru = from_c + g->batch * wide;
  void *room = aligned(from_ru + g->batch * wide);
  before_gates(r, g);
  multiply(backward_product(g, n), r->outputs[2]->data, r->inputs[W_C]->data, from_c, NULL, room);
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t k = 0; k < n; k++) {
      const int64_t i = b * n + k;
      dru[2 * b * n + k] = from_c[b * wide + g->inputs + k] * h_prev[i] * reset[i] * (1 - reset[i]);
    }
  multiply(backward_product(g, 2 * n), dru, r->inputs[W_RU]->data, from_ru, NULL, room);
  for (int64_t b = 0; b < g->batch; b++) {
    const float *c = from_c + b * wide, *ru = from_ru + b * wide;
    for (int64_t k = 0; k < g->inputs; k++) dx[b * g->inputs + k] = ru[k] + c[k];
    for (int64_t k = 0; k < n; k++) {
      const int64_t i = b * n + k;
      dh_prev[i] = ru[g->inputs + k] + c[g->inputs + k] * reset[i] + dh[i] * u[i];
    }
  }
  return NULL;
}

/* --- shapes, and the gradient as contrib has it: only that of h counts --- */

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape x, h;
  TN_TRY(tn_shape_with_rank(c, X, 2, &x));
  TN_TRY(tn_shape_with_rank(c, H_PREV, 2, &h));
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_of(2, (int64_t[]){x.dims[0], h.dims[1]});
  return NULL;
}

static tn_error *grad_shape(tn_shape_ctx *c) {
  tn_shape x, h, w;
  TN_TRY(tn_shape_with_rank(c, X, 2, &x));
  TN_TRY(tn_shape_with_rank(c, H_PREV, 2, &h));
  TN_TRY(tn_shape_with_rank(c, W_RU, 2, &w));
  const int64_t widths[] = {x.dims[1], h.dims[1], h.dims[1], w.dims[1]};
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_of(2, (int64_t[]){x.dims[0], widths[i]});
  return NULL;
}

/* Of a product [x, h] W + b: the gradients of W and b from that of the result. */
static void weights_gradient(tn_gradient_ctx *c, tn_output h, tn_output g, int w, int b) {
  tn_scope *s = c->scope;
  const tn_output xh = tn_build(s, "ConcatV2", TN_IN(tn_grad_x(c, X), h, tn_build_scalar(s, TN_INT32, 1)), NULL);
  tn_grad_set(c, w, tn_build(s, "MatMul", TN_IN(xh, g), TN_ATTRS(TN_A_BOOL("transpose_a", true))));
  tn_grad_set(c, b, tn_build1(s, "BiasAddGrad", g));
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output in[WEIGHTS + 5];
  for (int i = 0; i < WEIGHTS; i++) in[i] = tn_grad_x(c, i);
  for (int i = 0; i < 3; i++) in[WEIGHTS + i] = tn_grad_y(c, i);
  in[WEIGHTS + 3] = tn_grad_dense(c, 3);
  in[WEIGHTS + 4] = TN_END;
  const tn_output back = tn_build(s, "GRUBlockCellGrad", in, NULL), h_prev = tn_grad_x(c, H_PREV);
  tn_grad_set(c, X, back);
  tn_grad_set(c, H_PREV, tn_nth(back, 1));
  weights_gradient(c, h_prev, tn_nth(back, 3), W_RU, B_RU);
  weights_gradient(c, tn_build2(s, "Mul", h_prev, tn_grad_y(c, 0)), tn_nth(back, 2), W_C, B_C);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};
static const tn_kernel_def grad_kernels[] = {{.name = "reference", .prepare = grad_prepare, .run = grad_run}, {0}};

#define INPUTS "x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T"

TN_OP(GRUBlockCell, .inputs = INPUTS, .outputs = "r: T, u: T, c: T, h: T", .attrs = "T: {float}",
      .doc = "One step of a GRU.", .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(GRUBlockCellGrad, .inputs = INPUTS ", r: T, u: T, c: T, d_h: T",
      .outputs = "d_x: T, d_h_prev: T, d_c_bar: T, d_r_bar_u_bar: T", .attrs = "T: {float}",
      .doc = "The gradients of GRUBlockCell's input, state and gates.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = grad_shape, .kernels = grad_kernels);
