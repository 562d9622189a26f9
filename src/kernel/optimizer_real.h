/* The formulas of optimizers that need an order (signs, maxima): included once per dtype with E (element), R
 * (arithmetic), GET, PUT, FN(name) and real functions SQRT, ABS, POW, EXP. INDEPENDENT says that iterations do not
 * depend on each other. */

static inline R FN(sign)(R x) { return (R)((x > 0) - (x < 0)); }
static inline R FN(max)(R a, R b) { return a < b ? b : a; }

/* The proximal operator of rate * (l1 |x| + l2 x^2 / 2). */
static inline R FN(proximal)(R x, R rate, R l1, R l2) {
  if (l1 > 0) return FN(sign)(x) * FN(max)(ABS(x) - rate * l1, 0) / ((R)1 + rate * l2);
  return x / ((R)1 + rate * l2);
}

static void FN(proximal_gradient_descent)(const tn_sweep *s) {
  E *var = s->slots[0];
  const E *grad = s->gradient;
  R alpha = H(0), l1 = H(1), l2 = H(2);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) var[i] = PUT(FN(proximal)(GET(var[i]) - alpha * GET(grad[i]), alpha, l1, l2));
}

static void FN(proximal_adagrad)(const tn_sweep *s) {
  E *var = s->slots[0], *accum = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0), l1 = H(1), l2 = H(2);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), a = GET(accum[i]) + g * g, rate = lr / SQRT(a);
    var[i] = PUT(FN(proximal)(GET(var[i]) - g * rate, rate, l1, l2));
    accum[i] = PUT(a);
  }
}

static void FN(adagrad_da)(const tn_sweep *s) {
  E *var = s->slots[0], *sum = s->slots[1], *squares = s->slots[2];
  const E *grad = s->gradient;
  R lr = H(0), l1 = H(1), l2 = H(2), step = H(3);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), a = GET(sum[i]) + g, q = GET(squares[i]) + g * g;
    R shrunk = l1 > 0 ? FN(sign)(a) * FN(max)(ABS(a) - l1 * step, 0) : a;
    var[i] = PUT(lr * -shrunk / (l2 * step * lr + SQRT(q)));
    sum[i] = PUT(a);
    squares[i] = PUT(q);
  }
}

static void FN(adamax)(const tn_sweep *s) {
  E *var = s->slots[0], *m = s->slots[1], *v = s->slots[2];
  const E *grad = s->gradient;
  R rate = H(1) / ((R)1 - H(0)), beta1 = H(2), beta2 = H(3), epsilon = H(4);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), mi = GET(m[i]);
    mi += (g - mi) * ((R)1 - beta1);
    R vi = FN(max)(beta2 * GET(v[i]), ABS(g));
    var[i] = PUT(GET(var[i]) - rate * (mi / (vi + epsilon)));
    m[i] = PUT(mi);
    v[i] = PUT(vi);
  }
}

static void FN(adam_amsgrad)(const tn_sweep *s) {
  E *var = s->slots[0], *m = s->slots[1], *v = s->slots[2], *vhat = s->slots[3];
  const E *grad = s->gradient;
  R beta1 = H(3), beta2 = H(4), epsilon = H(5), alpha = H(2) * SQRT((R)1 - H(1)) / ((R)1 - H(0));
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), mi = GET(m[i]), vi = GET(v[i]);
    mi += (g - mi) * ((R)1 - beta1);
    vi += (g * g - vi) * ((R)1 - beta2);
    R top = FN(max)(GET(vhat[i]), vi);
    var[i] = PUT(GET(var[i]) - mi * alpha / (SQRT(top) + epsilon));
    m[i] = PUT(mi);
    v[i] = PUT(vi);
    vhat[i] = PUT(top);
  }
}

/* FTRL for one element, with the powers of the accumulators already taken. */
static inline R FN(ftrl_weight)(R linear, R power, R lr, R l1, R l2, bool multiply) {
  R bound = multiply ? l1 * lr : l1;
  R y = multiply ? power + (R)2 * l2 * lr : power / lr + (R)2 * l2;
  return ABS(linear) > bound ? (bound * FN(sign)(linear) - linear) / y : 0;
}

/* ROOT: the power is -0.5, that of square roots; known where this is inlined, so that one loop has no powers to call.
 */
static inline __attribute__((always_inline)) void FN(ftrl_loop)(const tn_sweep *s, const R h[5], bool root) {
  E *var = s->slots[0], *accum = s->slots[1], *linear = s->slots[2];
  const E *grad = s->gradient;
  R lr = h[0], l1 = h[1], l2 = h[2], shrinkage = h[3], exponent = -h[4];
  bool multiply = s->flag;
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), w = GET(var[i]), old = GET(accum[i]), new = old + g *g;
    R old_power = root ? SQRT(old) : POW(old, exponent), power = root ? SQRT(new) : POW(new, exponent);
    R shrunk = g + (R)2 * shrinkage * w;
    R step = multiply ? shrunk * lr - (power - old_power) * w : shrunk - (power - old_power) / lr * w;
    R line = GET(linear[i]) + step;
    var[i] = PUT(FN(ftrl_weight)(line, power, lr, l1, l2, multiply));
    linear[i] = PUT(line);
    accum[i] = PUT(new);
  }
}

static void FN(ftrl_all)(const tn_sweep *s, R shrinkage, R power) {
  const R h[5] = {H(0), H(1), H(2), shrinkage, power};
  if (power == (R)-0.5) {
    FN(ftrl_loop)(s, h, true);
  } else {
    FN(ftrl_loop)(s, h, false);
  }
}

static void FN(ftrl)(const tn_sweep *s) { FN(ftrl_all)(s, 0, H(3)); }
static void FN(ftrl_v2)(const tn_sweep *s) { FN(ftrl_all)(s, H(3), H(4)); }

static void FN(add_sign)(const tn_sweep *s) {
  E *var = s->slots[0], *m = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0), alpha = H(1), decay = H(2), beta = H(3);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), mi = GET(m[i]) * beta + g * ((R)1 - beta);
    var[i] = PUT(GET(var[i]) - lr * (alpha + decay * (FN(sign)(g) * FN(sign)(mi))) * g);
    m[i] = PUT(mi);
  }
}

static void FN(power_sign)(const tn_sweep *s) {
  E *var = s->slots[0], *m = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0), beta = H(3), power = H(1) * H(2);
  R up = EXP(power), down = EXP(-power);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), mi = GET(m[i]) * beta + g * ((R)1 - beta), agree = FN(sign)(g) * FN(sign)(mi);
    R scale = agree > 0 ? up : agree < 0 ? down : (R)1;
    var[i] = PUT(GET(var[i]) - lr * scale * g);
    m[i] = PUT(mi);
  }
}

#define REALS                                                                                                          \
  [TN_PROXIMAL_GRADIENT_DESCENT] = FN(proximal_gradient_descent), [TN_PROXIMAL_ADAGRAD] = FN(proximal_adagrad),        \
  [TN_ADAGRAD_DA] = FN(adagrad_da), [TN_ADAM_AMSGRAD] = FN(adam_amsgrad), [TN_ADAMAX] = FN(adamax),                    \
  [TN_FTRL] = FN(ftrl), [TN_FTRL_V2] = FN(ftrl_v2), [TN_ADD_SIGN] = FN(add_sign), [TN_POWER_SIGN] = FN(power_sign)
