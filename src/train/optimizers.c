/* The optimizers' defaults. */
#include <tenon/train.h>

static tn_optimizer with_rate(tn_optimizer_method method, float rate) {
  return (tn_optimizer){.method = method, .rate = {.rate = rate}};
}

tn_optimizer tn_sgd(float rate) { return with_rate(TN_SGD, rate); }

tn_optimizer tn_momentum(float rate, float momentum) {
  tn_optimizer o = with_rate(TN_MOMENTUM_SGD, rate);
  o.momentum = momentum;
  return o;
}

tn_optimizer tn_adam(float rate) {
  tn_optimizer o = with_rate(TN_ADAM_METHOD, rate);
  o.beta1 = 0.9f;
  o.beta2 = 0.999f;
  o.epsilon = 1e-8f;
  return o;
}

tn_optimizer tn_rmsprop(float rate) {
  tn_optimizer o = with_rate(TN_RMSPROP_METHOD, rate);
  o.rho = 0.9f;
  o.epsilon = 1e-10f;
  return o;
}

tn_optimizer tn_adagrad(float rate) {
  tn_optimizer o = with_rate(TN_ADAGRAD_METHOD, rate);
  o.initial = 0.1f;
  return o;
}

tn_optimizer tn_adadelta(float rate) {
  tn_optimizer o = with_rate(TN_ADADELTA_METHOD, rate);
  o.rho = 0.95f;
  o.epsilon = 1e-8f;
  return o;
}

tn_optimizer tn_ftrl(float rate) {
  tn_optimizer o = with_rate(TN_FTRL_METHOD, rate);
  o.power = -0.5f;
  o.initial = 0.1f;
  return o;
}
