/* Float pools over images with the channels last, a vector of channels at a time. */
#include <string.h>

#include "base/parallel.h"
#include "kernel/nn.h"
#include "ops/nn/pool.h"

/* UNITS are images, or rows of results where they touch nothing in common. */
typedef struct vector_pool {
  tn_window w;
  bool rows;    /* units are rows */
  bool overlap; /* windows share places */
  bool clear;   /* some places lie in no window */
  int64_t units, chunks;
} vector_pool;

tn_error *tn_pool_vector_prepare(tn_prepare *p, tn_pool_kind kind, int spatial) {
  enum { GRAIN = 16384 };
  tn_pool pool;
  vector_pool v = {0}, *state;
  TN_TRY(tn_pool_prepare(p, kind, spatial, &pool));
  const tn_window *w = &pool.window;
  bool covered = true;
  if (spatial != 2 || w->channels_first || pool.depth != 1 || w->batch * w->in_channels * w->out[1] * w->out[2] == 0)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "no images with the channels last");
  for (int d = 1; d < TN_WINDOW_DIMS; d++) {
    /* A window in the padding alone has nothing to average. */
    if (w->before[d] >= w->kernel[d] || w->after[d] >= w->kernel[d])
      return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "windows in the padding alone");
    v.overlap = v.overlap || w->stride[d] < w->kernel[d];
    covered = covered && w->stride[d] <= w->kernel[d] && w->after[d] >= 0;
  }
  const bool back = kind == TN_POOL_MAX_GRAD || kind == TN_POOL_AVG_GRAD;
  v.w = *w;
  v.clear = back && (v.overlap || !covered || kind == TN_POOL_AVG_GRAD);
  v.rows = !back || (!v.clear && !v.overlap);
  v.units = v.rows ? w->batch * w->out[1] : w->batch;
  const int64_t size = w->batch * w->in[1] * w->in[2] * w->in_channels;
  v.chunks = tn_chunks(v.units, 1 + GRAIN * v.units / (size + 1));
  TN_TRY(tn_prepare_state(p, sizeof v, &state));
  *state = v;
  return NULL;
}

typedef struct job {
  const vector_pool *v;
  const tn_nn *t;
  tn_pool_kind kind;
  const float *x, *gradient;
  float *out;
} job;

/* Row O of the results of image N. */
static void run_row(const job *j, int64_t n, int64_t o) {
  const tn_window *w = &j->v->w;
  const int64_t c = w->in_channels, image = n * w->in[1] * w->in[2] * c;
  const int64_t top = o * w->stride[1] - w->before[1], bottom = top + w->kernel[1];
  tn_nn_window at = {
      .r0 = top > 0 ? top : 0, .r1 = bottom < w->in[1] ? bottom : w->in[1], .row = w->in[2] * c, .channels = c};
  for (int64_t i = 0; i < w->out[2]; i++) {
    const int64_t left = i * w->stride[2] - w->before[2], right = left + w->kernel[2];
    const int64_t y = ((n * w->out[1] + o) * w->out[2] + i) * c;
    at.c0 = left > 0 ? left : 0;
    at.c1 = right < w->in[2] ? right : w->in[2];
    if (j->kind == TN_POOL_MAX)
      j->t->max(&at, j->x + image, j->out + y);
    else if (j->kind == TN_POOL_AVG)
      j->t->average(&at, j->x + image, j->out + y);
    else if (j->kind == TN_POOL_AVG_GRAD)
      j->t->average_gradient(&at, j->gradient + y, j->out + image);
    else
      j->t->max_gradient(&at, j->x + image, j->gradient + y, j->v->overlap, j->out + image);
  }
}

static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const vector_pool *v = j->v;
  const int64_t image = v->w.in[1] * v->w.in[2] * v->w.in_channels, rows = v->w.out[1];
  int64_t begin, end;
  tn_chunk(v->units, v->chunks, chunk, 1, &begin, &end);
  for (int64_t u = begin; u < end; u++) {
    if (v->rows) {
      run_row(j, u / rows, u % rows);
      continue;
    }
    if (v->clear) memset(j->out + u * image, 0, (size_t)image * sizeof(float));
    for (int64_t o = 0; o < rows; o++) run_row(j, u, o);
  }
}

tn_error *tn_pool_vector(tn_run *r, tn_pool_kind kind) {
  const vector_pool *v = r->state;
  job j = {.v = v, .t = tn_nn_active(), .kind = kind, .x = r->inputs[0]->data, .out = r->outputs[0]->data};
  if (kind == TN_POOL_MAX_GRAD) j.gradient = r->inputs[2]->data;
  if (kind == TN_POOL_AVG_GRAD) j.gradient = r->inputs[1]->data;
  tn_parallel(v->chunks, run_chunk, &j);
  return NULL;
}
