/* The formulas of optimizers that complex numbers have too: included once per dtype with E (element), R (arithmetic),
 * GET, PUT, FN(name) and SQRT. INDEPENDENT says that iterations do not depend on each other. */

static void FN(gradient_descent)(const tn_sweep *s) {
  E *var = s->slots[0];
  const E *grad = s->gradient;
  R alpha = H(0);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) var[i] = PUT(GET(var[i]) - GET(grad[i]) * alpha);
}

static void FN(momentum)(const tn_sweep *s) {
  E *var = s->slots[0], *accum = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0), momentum = H(1);
  bool nesterov = s->flag;
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), a = GET(accum[i]) * momentum + g;
    R step = nesterov ? g * lr + a * momentum * lr : a * lr;
    var[i] = PUT(GET(var[i]) - step);
    accum[i] = PUT(a);
  }
}

static void FN(keras_momentum)(const tn_sweep *s) {
  E *var = s->slots[0], *accum = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0), momentum = H(1);
  bool nesterov = s->flag;
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), a = GET(accum[i]) * momentum - g * lr;
    R step = nesterov ? a * momentum - g * lr : a;
    var[i] = PUT(GET(var[i]) + step);
    accum[i] = PUT(a);
  }
}

static void FN(adam)(const tn_sweep *s) {
  E *var = s->slots[0], *m = s->slots[1], *v = s->slots[2];
  const E *grad = s->gradient;
  R beta1 = H(3), beta2 = H(4), epsilon = H(5), alpha = H(2) * SQRT((R)1 - H(1)) / ((R)1 - H(0));
  bool nesterov = s->flag;
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), mi = GET(m[i]), vi = GET(v[i]);
    mi += (g - mi) * ((R)1 - beta1);
    vi += (g * g - vi) * ((R)1 - beta2);
    R direction = nesterov ? g * ((R)1 - beta1) + beta1 * mi : mi;
    var[i] = PUT(GET(var[i]) - direction * alpha / (SQRT(vi) + epsilon));
    m[i] = PUT(mi);
    v[i] = PUT(vi);
  }
}

static void FN(rmsprop)(const tn_sweep *s) {
  E *var = s->slots[0], *ms = s->slots[1], *mom = s->slots[2];
  const E *grad = s->gradient;
  R lr = H(0), rho = H(1), momentum = H(2), epsilon = H(3);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), square = GET(ms[i]);
    square += (g * g - square) * ((R)1 - rho);
    R step = GET(mom[i]) * momentum + g * lr / SQRT(square + epsilon);
    var[i] = PUT(GET(var[i]) - step);
    ms[i] = PUT(square);
    mom[i] = PUT(step);
  }
}

static void FN(centered_rmsprop)(const tn_sweep *s) {
  E *var = s->slots[0], *mg = s->slots[1], *ms = s->slots[2], *mom = s->slots[3];
  const E *grad = s->gradient;
  R lr = H(0), rho = H(1), momentum = H(2), epsilon = H(3);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), square = GET(ms[i]), mean = GET(mg[i]);
    square += (g * g - square) * ((R)1 - rho);
    mean += (g - mean) * ((R)1 - rho);
    R step = GET(mom[i]) * momentum + g * lr / SQRT(square - mean * mean + epsilon);
    var[i] = PUT(GET(var[i]) - step);
    mg[i] = PUT(mean);
    ms[i] = PUT(square);
    mom[i] = PUT(step);
  }
}

static void FN(adagrad)(const tn_sweep *s) {
  E *var = s->slots[0], *accum = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0);
  bool update = s->flag;
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), a = GET(accum[i]);
    a = update ? a + g * g : a;
    var[i] = PUT(GET(var[i]) - g * lr / SQRT(a));
    accum[i] = PUT(a);
  }
}

static void FN(adagrad_v2)(const tn_sweep *s) {
  E *var = s->slots[0], *accum = s->slots[1];
  const E *grad = s->gradient;
  R lr = H(0), epsilon = H(1);
  bool update = s->flag;
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), a = GET(accum[i]);
    a = update ? a + g * g : a;
    var[i] = PUT(GET(var[i]) - g * lr / (SQRT(a) + epsilon));
    accum[i] = PUT(a);
  }
}

static void FN(adadelta)(const tn_sweep *s) {
  E *var = s->slots[0], *accum = s->slots[1], *updates = s->slots[2];
  const E *grad = s->gradient;
  R lr = H(0), rho = H(1), epsilon = H(2);
  INDEPENDENT
  for (int64_t i = 0; i < s->n; i++) {
    R g = GET(grad[i]), u = GET(updates[i]), a = GET(accum[i]) * rho + g * g * ((R)1 - rho);
    R step = SQRT(u + epsilon) / SQRT(a + epsilon) * g;
    var[i] = PUT(GET(var[i]) - step * lr);
    updates[i] = PUT(u * rho + step * step * ((R)1 - rho));
    accum[i] = PUT(a);
  }
}

#define FIELDS                                                                                                         \
  [TN_GRADIENT_DESCENT] = FN(gradient_descent), [TN_MOMENTUM] = FN(momentum),                                          \
  [TN_KERAS_MOMENTUM] = FN(keras_momentum), [TN_ADAM] = FN(adam), [TN_RMSPROP] = FN(rmsprop),                          \
  [TN_CENTERED_RMSPROP] = FN(centered_rmsprop), [TN_ADAGRAD] = FN(adagrad), [TN_ADAGRAD_V2] = FN(adagrad_v2),          \
  [TN_ADADELTA] = FN(adadelta)
