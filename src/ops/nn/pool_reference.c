/* The plain pools: one walk over output elements and window places, in wide elements. */
#include <float.h>
#include <string.h>

#include "kernel/wide.h"
#include "ops/nn/pool.h"

typedef struct walk {
  const tn_pool *pool;
  tn_pool_kind kind;
  tn_window_strides xs, ys;
  const void *x;    /* the image: decides where the maximum is */
  const void *from; /* what flows: the gradient */
  void *out;
  tn_tensor *places;
  tn_wide wide;
  double lowest;
  bool is_unsigned; /* 64-bit integers above the signed range */
} walk;

/* The element of image N under window place T of output position O and channel C; -1 where it lies outside. */
static int64_t element(const walk *k, int64_t n, const int64_t o[TN_WINDOW_DIMS], int64_t c, int64_t t) {
  const tn_window *w = &k->pool->window;
  int64_t at = n * k->xs.batch + (c * k->pool->depth + t % k->pool->depth) * k->xs.channel;
  t /= k->pool->depth;
  const int64_t place[] = {t / w->kernel[2] / w->kernel[1], t / w->kernel[2] % w->kernel[1], t % w->kernel[2]};
  for (int d = 0; d < TN_WINDOW_DIMS; d++) {
    const int64_t i = o[d] * w->stride[d] - w->before[d] + place[d];
    if (i < 0 || i >= w->in[d]) return -1;
    at += i * k->xs.spatial[d];
  }
  return at;
}

static bool above(const walk *k, int64_t a, int64_t b) {
  if (k->wide == TN_WIDE_REAL) return ((const double *)k->x)[a] > ((const double *)k->x)[b];
  if (k->is_unsigned) return ((const uint64_t *)k->x)[a] > ((const uint64_t *)k->x)[b];
  return ((const int64_t *)k->x)[a] > ((const int64_t *)k->x)[b];
}

static void average(const walk *k, int64_t n, const int64_t o[TN_WINDOW_DIMS], int64_t c, int64_t yi) {
  const tn_window *w = &k->pool->window;
  const int64_t places = w->kernel[0] * w->kernel[1] * w->kernel[2];
  double sum = 0, count = 0;
  for (int64_t t = 0; t < places; t++) {
    const int64_t at = element(k, n, o, c, t);
    count += at >= 0;
    if (at >= 0 && k->kind == TN_POOL_AVG) sum += ((const double *)k->x)[at];
  }
  if (k->kind == TN_POOL_AVG) ((double *)k->out)[yi] = sum / count;
  for (int64_t t = 0; t < places && k->kind == TN_POOL_AVG_GRAD; t++) {
    const int64_t at = element(k, n, o, c, t);
    if (at >= 0) ((double *)k->out)[at] += ((const double *)k->from)[yi] / count;
  }
}

static void copy_element(const walk *k, const void *from, int64_t at, int64_t to, bool add) {
  if (k->wide == TN_WIDE_REAL) {
    double *out = (double *)k->out + to;
    *out = (add ? *out : 0) + ((const double *)from)[at];
  } else {
    uint64_t *out = (uint64_t *)k->out + to;
    *out = (add ? *out : 0) + ((const uint64_t *)from)[at];
  }
}

static void maximum(const walk *k, int64_t n, const int64_t o[TN_WINDOW_DIMS], int64_t c, int64_t yi) {
  const tn_window *w = &k->pool->window;
  const int64_t places = w->kernel[0] * w->kernel[1] * w->kernel[2] * k->pool->depth;
  int64_t best = -1;
  for (int64_t t = 0; t < places; t++) {
    const int64_t at = element(k, n, o, c, t);
    if (at >= 0 && (best < 0 || above(k, at, best))) best = at;
  }
  if (best < 0) { /* a window in the padding alone */
    if (k->kind == TN_POOL_MAX && k->wide == TN_WIDE_REAL) ((double *)k->out)[yi] = k->lowest;
    return;
  }
  if (k->kind == TN_POOL_MAX_GRAD)
    copy_element(k, k->from, yi, best, true);
  else
    copy_element(k, k->kind == TN_POOL_MAX_GRAD_GRAD ? k->from : k->x, best, yi, false);
  /* TensorFlow's maximum starts at the lowest finite number. */
  if (k->kind == TN_POOL_MAX && k->wide == TN_WIDE_REAL && ((double *)k->out)[yi] < k->lowest)
    ((double *)k->out)[yi] = k->lowest;
  if (k->kind != TN_POOL_MAX_ARG) return;
  if (!k->pool->batch_index) best -= n * k->xs.batch;
  if (k->places->dtype == TN_INT64)
    TN_DATA(int64_t, k->places)[yi] = best;
  else
    TN_DATA(int32_t, k->places)[yi] = (int32_t)best;
}

static void walk_image(const walk *k, int64_t n) {
  const tn_window *w = &k->pool->window;
  int64_t o[TN_WINDOW_DIMS];
  for (o[0] = 0; o[0] < w->out[0]; o[0]++)
    for (o[1] = 0; o[1] < w->out[1]; o[1]++)
      for (o[2] = 0; o[2] < w->out[2]; o[2]++)
        for (int64_t c = 0; c < w->out_channels; c++) {
          int64_t yi = n * k->ys.batch + c * k->ys.channel;
          for (int d = 0; d < TN_WINDOW_DIMS; d++) yi += o[d] * k->ys.spatial[d];
          if (k->kind == TN_POOL_AVG || k->kind == TN_POOL_AVG_GRAD)
            average(k, n, o, c, yi);
          else
            maximum(k, n, o, c, yi);
        }
}

static double lowest(tn_dtype dtype) {
  switch ((int)dtype) {
  case TN_HALF: return -65504;
  case TN_BFLOAT16: return (double)-tn_bfloat16_to_float(0x7f7f);
  case TN_FLOAT: return -FLT_MAX;
  default: return -DBL_MAX;
  }
}

tn_error *tn_pool_reference_prepare(tn_prepare *p, tn_pool_kind kind, int spatial) {
  tn_pool pool, *state;
  TN_TRY(tn_pool_prepare(p, kind, spatial, &pool));
  TN_TRY(tn_prepare_state(p, sizeof pool, &state));
  *state = pool;
  p->scratch = tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0]));
  for (int i = 0; i < p->n_inputs; i++) p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i]));
  return NULL;
}

tn_error *tn_pool_reference(tn_run *r, tn_pool_kind kind) {
  const tn_pool *pool = r->state;
  char *scratch = r->scratch;
  tn_tensor *out = r->outputs[0];
  walk k = {.pool = pool, .kind = kind, .wide = tn_wide_of(out->dtype), .is_unsigned = out->dtype == TN_UINT64};
  k.lowest = lowest(out->dtype);
  k.xs = tn_window_image(&pool->window, false);
  k.ys = tn_window_image(&pool->window, true);
  k.out = tn_wide_out(out, &scratch);
  if (kind != TN_POOL_AVG_GRAD) k.x = tn_wide_in(r->inputs[0], &scratch);
  if (kind == TN_POOL_MAX_GRAD || kind == TN_POOL_MAX_GRAD_GRAD) k.from = tn_wide_in(r->inputs[2], &scratch);
  if (kind == TN_POOL_AVG_GRAD) k.from = tn_wide_in(r->inputs[1], &scratch);
  if (kind == TN_POOL_MAX_ARG) k.places = r->outputs[1];
  memset(k.out, 0, (size_t)tn_elements(out) * tn_wide_size(k.wide));
  for (int64_t n = 0; n < pool->window.batch; n++) {
    walk_image(&k, n);
    TN_TRY(tn_run_check(r));
  }
  tn_wide_finish(out, k.out);
  return NULL;
}
