/* The plain convolutions, forward and backward: one walk over images, output positions and window places, in wide
 * elements. Filters are [window..., channels of a group, output channels]; a depthwise filter has the same bytes with a
 * group a channel. */
#include <string.h>

#include "kernel/wide.h"
#include "ops/nn/window.h"

/* The three tensors, one of which is summed into. */
typedef struct walk {
  const tn_window *w;
  tn_conv_kind kind;
  char *x, *f, *y;
} walk;

/* What one window place does for all channels, group by group: DEFINE_TAP makes the function for one element type. */
#define DEFINE_TAP(NAME, TYPE)                                                                                         \
  static void NAME(const walk *k, int64_t xi, int64_t fi, int64_t yi, int64_t xs, int64_t ys) {                        \
    const tn_window *w = k->w;                                                                                         \
    const int64_t ins = w->in_channels / w->groups, outs = w->out_channels / w->groups;                                \
    for (int64_t i = 0; i < w->in_channels; i++) {                                                                     \
      const int64_t group = i / ins;                                                                                   \
      TYPE *x = (TYPE *)k->x + xi + i * xs, *y = (TYPE *)k->y + yi + group * outs * ys;                                \
      TYPE *f = (TYPE *)k->f + fi + i % ins * w->out_channels + group * outs;                                          \
      if (k->kind == TN_CONV_FORWARD) {                                                                                \
        for (int64_t c = 0; c < outs; c++) y[c * ys] += *x * f[c];                                                     \
      } else if (k->kind == TN_CONV_BACK_INPUT) {                                                                      \
        for (int64_t c = 0; c < outs; c++) *x += y[c * ys] * f[c];                                                     \
      } else {                                                                                                         \
        for (int64_t c = 0; c < outs; c++) f[c] += *x * y[c * ys];                                                     \
      }                                                                                                                \
    }                                                                                                                  \
  }
DEFINE_TAP(tap_real, double)
DEFINE_TAP(tap_int, uint64_t)

/* All window places of output position O of image N. */
static void walk_position(const walk *k, tn_wide wide, int64_t n, const int64_t o[TN_WINDOW_DIMS]) {
  const tn_window *w = k->w;
  const tn_window_strides xs = tn_window_image(w, false), ys = tn_window_image(w, true);
  const int64_t tap = w->in_channels / w->groups * w->out_channels;
  const int64_t taps = w->kernel[0] * w->kernel[1] * w->kernel[2];
  int64_t yi = n * ys.batch;
  for (int d = 0; d < TN_WINDOW_DIMS; d++) yi += o[d] * ys.spatial[d];
  for (int64_t t = 0; t < taps; t++) {
    const int64_t place[] = {t / w->kernel[2] / w->kernel[1], t / w->kernel[2] % w->kernel[1], t % w->kernel[2]};
    int64_t xi = n * xs.batch;
    bool inside = true;
    for (int d = 0; d < TN_WINDOW_DIMS; d++) {
      const int64_t i = o[d] * w->stride[d] - w->before[d] + place[d] * w->dilation[d];
      inside = inside && i >= 0 && i < w->in[d];
      xi += i * xs.spatial[d];
    }
    if (!inside) continue;
    if (wide == TN_WIDE_REAL)
      tap_real(k, xi, t * tap, yi, xs.channel, ys.channel);
    else
      tap_int(k, xi, t * tap, yi, xs.channel, ys.channel);
  }
}

tn_error *tn_conv_reference_prepare(tn_prepare *p, tn_conv_kind kind, int spatial, bool depthwise) {
  tn_window w, *state;
  TN_TRY(tn_conv_prepare(p, kind, spatial, depthwise, &w));
  TN_TRY(tn_prepare_state(p, sizeof w, &state));
  *state = w;
  p->scratch = tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0]));
  for (int i = 0; i < p->n_inputs; i++)
    if (p->inputs[i].dtype == p->outputs[0].dtype)
      p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i]));
  return NULL;
}

tn_error *tn_conv_reference(tn_run *r, tn_conv_kind kind) {
  const tn_window *w = r->state;
  char *scratch = r->scratch;
  tn_tensor *out = r->outputs[0];
  const tn_wide wide = tn_wide_of(out->dtype);
  char *result = tn_wide_out(out, &scratch);
  walk k = {.w = w, .kind = kind};
  k.x = kind == TN_CONV_BACK_INPUT ? result : (char *)tn_wide_in(r->inputs[0], &scratch);
  k.f = kind == TN_CONV_BACK_FILTER ? result : (char *)tn_wide_in(r->inputs[1], &scratch);
  k.y = kind == TN_CONV_FORWARD ? result : (char *)tn_wide_in(r->inputs[2], &scratch);
  memset(result, 0, (size_t)tn_elements(out) * tn_wide_size(wide));
  for (int64_t n = 0; n < w->batch; n++) {
    int64_t o[TN_WINDOW_DIMS];
    for (o[0] = 0; o[0] < w->out[0]; o[0]++)
      for (o[1] = 0; o[1] < w->out[1]; o[1]++)
        for (o[2] = 0; o[2] < w->out[2]; o[2]++) walk_position(&k, wide, n, o);
    TN_TRY(tn_run_check(r));
  }
  tn_wide_finish(out, result);
  return NULL;
}
