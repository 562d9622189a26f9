/* Loops of neural network ops over floats, compiled once per instruction set. */
#include "kernel/nn.h"

#include <float.h>

#include "kernel/simd/vec.h"
#include "kernel/simd/vmath.h"

/* The next K elements, a vector at most; lanes beyond them are of no account. */
static inline vf get(const float *p, int64_t k) { return k >= LANES ? v_load(p) : v_load_part(p, k); }
static inline void put(float *p, vf v, int64_t k) {
  if (k >= LANES)
    v_store(p, v);
  else
    v_store_part(p, v, k);
}
/* As get, with -infinity in lanes beyond. */
static inline vf get_low(const float *p, int64_t k) {
  if (k >= LANES) return v_load(p);
  vf v = v_set(-INFINITY);
  memcpy(&v, p, (size_t)k * sizeof(float));
  return v;
}

/* --- classes --- */

static float largest(const float *x, int64_t n) {
  vf m = v_set(-INFINITY);
  for (int64_t i = 0; i < n; i += LANES) m = v_max(get_low(x + i, n - i), m);
  float max = m[0];
  for (int l = 1; l < LANES; l++) max = m[l] > max || m[l] != m[l] ? m[l] : max;
  return max;
}

/* The sum of exp(x - max), which Y (may be NULL) gets. */
static float exponentials(const float *x, int64_t n, float max, float *y) {
  vf sum = {0};
  for (int64_t i = 0; i < n; i += LANES) {
    const vf e = v_exp(get_low(x + i, n - i) - max);
    if (y) put(y + i, e, n - i);
    sum += e;
  }
  float total = 0;
  for (int l = 0; l < LANES; l++) total += sum[l];
  return total;
}

static void scale(float *y, int64_t n, float factor) {
  for (int64_t i = 0; i < n; i += LANES) put(y + i, get(y + i, n - i) * factor, n - i);
}

static void softmax(const float *x, int64_t n, float *y) { scale(y, n, 1 / exponentials(x, n, largest(x, n), y)); }

static void log_softmax(const float *x, int64_t n, float *y) {
  const float max = largest(x, n), log_sum = logf(exponentials(x, n, max, NULL));
  for (int64_t i = 0; i < n; i += LANES) put(y + i, get(x + i, n - i) - max - log_sum, n - i);
}

static void sparse_entropy(const float *x, int64_t n, int64_t label, float *loss, float *back) {
  const float max = largest(x, n), at = x[label], sum = exponentials(x, n, max, back);
  scale(back, n, 1 / sum);
  *loss = logf(sum) - (at - max);
  back[label] -= 1;
}

static void entropy(const float *x, const float *labels, int64_t n, float *loss, float *back) {
  const float max = largest(x, n), sum = exponentials(x, n, max, NULL), log_sum = logf(sum), factor = 1 / sum;
  float total = 0;
  vf losses = {0};
  for (int64_t i = 0; i < n; i += LANES) {
    const vf away = get_low(x + i, n - i) - max, l = get(labels + i, n - i), part = l * (log_sum - away);
    if (n - i >= LANES)
      losses += part;
    else
      for (int64_t j = 0; j < n - i; j++) total += part[j];
    put(back + i, v_exp(away) * factor - l, n - i);
  }
  for (int l = 0; l < LANES; l++) total += losses[l];
  *loss = total;
}

/* --- pools --- */

static void max_pool(const tn_nn_window *w, const float *image, float *out) {
  for (int64_t c = 0; c < w->channels; c += LANES) {
    const int64_t k = w->channels - c;
    vf m = v_set(-FLT_MAX);
    for (int64_t r = w->r0; r < w->r1; r++)
      for (int64_t p = w->c0; p < w->c1; p++) {
        const vf x = get(image + r * w->row + p * w->channels + c, k);
        m = v_blend(x > m, x, m);
      }
    put(out + c, m, k);
  }
}

static void max_gradient(const tn_nn_window *w, const float *image, const float *gradient, int add, float *out) {
  for (int64_t c = 0; c < w->channels; c += LANES) {
    const int64_t k = w->channels - c, first = w->r0 * w->row + w->c0 * w->channels + c;
    vf m = get(image + first, k);
    vi at = {0}, place = {0};
    for (int64_t r = w->r0; r < w->r1; r++)
      for (int64_t p = w->c0; p < w->c1; p++) {
        const vf x = get(image + r * w->row + p * w->channels + c, k);
        const vi more = x > m;
        m = v_blend(more, x, m);
        at = v_blendi(more, place, at);
        place += 1;
      }
    const vf g = get(gradient + c, k);
    place = (vi){0};
    for (int64_t r = w->r0; r < w->r1; r++)
      for (int64_t p = w->c0; p < w->c1; p++) {
        float *to = out + r * w->row + p * w->channels + c;
        const vf here = (vf)((at == place) & (vi)g);
        put(to, add ? get(to, k) + here : here, k);
        place += 1;
      }
  }
}

static void average(const tn_nn_window *w, const float *image, float *out) {
  const float count = (float)((w->r1 - w->r0) * (w->c1 - w->c0));
  for (int64_t c = 0; c < w->channels; c += LANES) {
    const int64_t k = w->channels - c;
    vf sum = {0};
    for (int64_t r = w->r0; r < w->r1; r++)
      for (int64_t p = w->c0; p < w->c1; p++) sum += get(image + r * w->row + p * w->channels + c, k);
    put(out + c, sum / count, k);
  }
}

static void average_gradient(const tn_nn_window *w, const float *gradient, float *out) {
  const float count = (float)((w->r1 - w->r0) * (w->c1 - w->c0));
  for (int64_t c = 0; c < w->channels; c += LANES) {
    const int64_t k = w->channels - c;
    const vf part = get(gradient + c, k) / count;
    for (int64_t r = w->r0; r < w->r1; r++)
      for (int64_t p = w->c0; p < w->c1; p++) {
        float *to = out + r * w->row + p * w->channels + c;
        put(to, get(to, k) + part, k);
      }
  }
}

/* --- channels --- */

static void moments(const float *x, int64_t rows, int64_t c, float *mean, float *squares) {
  const float share = 1 / (float)rows;
  for (int64_t i = 0; i < c; i += LANES) {
    const int64_t k = c - i;
    vf sum = {0}, square = {0};
    for (int64_t r = 0; r < rows; r++) sum += get(x + r * c + i, k);
    const vf m = sum * share;
    for (int64_t r = 0; r < rows; r++) {
      const vf d = get(x + r * c + i, k) - m;
      square = v_fma(d, d, square);
    }
    put(mean + i, m, k);
    put(squares + i, square, k);
  }
}

static void affine(const float *x, const float *a, const float *b, int64_t rows, int64_t c, float *y) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < c; i += LANES)
      put(y + r * c + i, v_fma(get(x + r * c + i, c - i), get(a + i, c - i), get(b + i, c - i)), c - i);
}

static void norm_sums(const float *g, const float *x, const float *mean, int64_t rows, int64_t c,
                      float *const sum_dot[2]) {
  for (int64_t i = 0; i < c; i += LANES) {
    const int64_t k = c - i;
    const vf m = get(mean + i, k);
    vf s = {0}, d = {0};
    for (int64_t r = 0; r < rows; r++) {
      const vf flow = get(g + r * c + i, k);
      s += flow;
      d = v_fma(flow, get(x + r * c + i, k) - m, d);
    }
    put(sum_dot[0] + i, s, k);
    put(sum_dot[1] + i, d, k);
  }
}

static void norm_gradient(const float *g, const float *x, const float *const abd[3], int64_t rows, int64_t c,
                          float *y) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < c; i += LANES) {
      const int64_t k = c - i, at = r * c + i;
      const vf rest = v_fma(get(x + at, k), get(abd[1] + i, k), get(abd[2] + i, k));
      put(y + at, v_fma(get(g + at, k), get(abd[0] + i, k), rest), k);
    }
}

const tn_nn SIMD_NAME(tn_nn) = {softmax, log_softmax,      sparse_entropy, entropy, max_pool,  max_gradient,
                                average, average_gradient, moments,        affine,  norm_sums, norm_gradient};
