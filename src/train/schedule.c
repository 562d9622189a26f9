/* Learning rates as functions of the global step, as tf.train's decays compute them. */
#include <math.h>

#include "train/train.h"

tn_output tn_net_global_step(tn_net *net) {
  const tn_net_variable *known = tn_net_find_variable(net, "global_step");
  if (known) return known->read;
  tn_shape scalar = tn_shape_scalar();
  tn_initializer zero = {.kind = TN_INIT_ZEROS};
  bool reuse = net->reuse;
  net->reuse = false;
  tn_output read = tn_net_variable_new(net, "global_step", TN_INT64, &scalar, &zero, false);
  net->reuse = reuse;
  return read;
}

static tn_output number(tn_net *net, const char *name, double value) {
  return tn_net_scalar(net, name, TN_FLOAT, value);
}

static tn_output progress(tn_net *net, const tn_schedule *s, tn_output step) {
  tn_output p = tn_net_two(net, "RealDiv", "truediv", step, number(net, "decay_steps", (double)s->steps));
  return s->staircase ? tn_net_one(net, "Floor", NULL, p) : p;
}

static tn_output exponential(tn_net *net, const tn_schedule *s, tn_output rate, tn_output step) {
  tn_output decay = number(net, "decay_rate", (double)s->decay), p = progress(net, s, step);
  return tn_net_two(net, "Mul", NULL, rate, tn_net_two(net, "Pow", NULL, decay, p));
}

static tn_output natural(tn_net *net, const tn_schedule *s, tn_output rate, tn_output step) {
  tn_output exponent =
      tn_net_two(net, "Mul", "mul", number(net, "decay_rate", -(double)s->decay), progress(net, s, step));
  return tn_net_two(net, "Mul", NULL, rate, tn_net_one(net, "Exp", NULL, exponent));
}

static tn_output inverse(tn_net *net, const tn_schedule *s, tn_output rate, tn_output step) {
  tn_output grown = tn_net_two(net, "Mul", "mul", number(net, "decay_rate", (double)s->decay), progress(net, s, step));
  return tn_net_two(net, "RealDiv", NULL, rate, tn_net_two(net, "AddV2", "add", number(net, "one", 1), grown));
}

static tn_output polynomial(tn_net *net, const tn_schedule *s, tn_output rate, tn_output step) {
  tn_output steps = number(net, "decay_steps", (double)s->steps), one = number(net, "one", 1);
  if (s->cycle) {
    tn_output rounds = tn_net_one(net, "Ceil", NULL, tn_net_two(net, "RealDiv", "cycles", step, steps));
    steps = tn_net_two(net, "Mul", "stretched", steps, tn_net_two(net, "Maximum", NULL, rounds, one));
  } else {
    step = tn_net_two(net, "Minimum", NULL, step, steps);
  }
  tn_output left = tn_net_two(net, "Sub", "left", one, tn_net_two(net, "RealDiv", "truediv", step, steps));
  tn_output end = number(net, "end", (double)s->end), range = tn_net_two(net, "Sub", "range", rate, end);
  tn_output power = number(net, "power", s->power == 0 ? 1 : (double)s->power);
  tn_output part = tn_net_two(net, "Mul", "Mul", range, tn_net_two(net, "Pow", NULL, left, power));
  return tn_net_two(net, "AddV2", NULL, part, end);
}

static tn_output cosine(tn_net *net, const tn_schedule *s, tn_output rate, tn_output step) {
  tn_output steps = number(net, "decay_steps", (double)s->steps), one = number(net, "one", 1);
  tn_output done = tn_net_two(net, "RealDiv", "truediv", tn_net_two(net, "Minimum", NULL, step, steps), steps);
  tn_output wave = tn_net_one(net, "Cos", NULL, tn_net_two(net, "Mul", "angle", number(net, "pi", M_PI), done));
  tn_output half = tn_net_two(net, "Mul", "half", number(net, "x", 0.5), tn_net_two(net, "AddV2", "add", one, wave));
  tn_output alpha = number(net, "alpha", (double)s->alpha);
  tn_output part = tn_net_two(net, "Mul", "part", tn_net_two(net, "Sub", "rest", one, alpha), half);
  return tn_net_two(net, "Mul", NULL, rate, tn_net_two(net, "AddV2", "factor", part, alpha));
}

/* The last value, replaced from behind by each value whose boundary the step has not passed. */
static tn_output piecewise(tn_net *net, const tn_schedule *s) {
  tn_output step = tn_net_global_step(net), rate = number(net, "value", (double)s->values[s->n]);
  for (size_t i = s->n; i-- > 0;) {
    tn_output boundary = tn_net_scalar(net, "boundary", TN_INT64, (double)s->boundaries[i]);
    tn_output before = tn_net_two(net, "LessEqual", NULL, step, boundary);
    rate = tn_net_op(net, "Select", NULL, TN_IN(before, number(net, "value", (double)s->values[i]), rate), NULL);
  }
  return rate;
}

static tn_output decayed(tn_net *net, const tn_schedule *s) {
  tn_output rate = number(net, "learning_rate", (double)s->rate);
  if (s->kind == TN_RATE_CONSTANT) return rate;
  tn_output step = tn_net_op(net, "Cast", NULL, TN_IN(tn_net_global_step(net)), TN_ATTRS(TN_A_TYPE("DstT", TN_FLOAT)));
  switch (s->kind) {
  case TN_RATE_EXPONENTIAL: return exponential(net, s, rate, step);
  case TN_RATE_NATURAL_EXP: return natural(net, s, rate, step);
  case TN_RATE_INVERSE_TIME: return inverse(net, s, rate, step);
  case TN_RATE_POLYNOMIAL: return polynomial(net, s, rate, step);
  default: return cosine(net, s, rate, step);
  }
}

tn_output tn_net_learning_rate(tn_net *net, const tn_schedule *schedule) {
  bool arrays = schedule->values && (schedule->boundaries || !schedule->n);
  if (schedule->kind == TN_RATE_PIECEWISE && !arrays)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "a piecewise learning rate needs boundaries and values");
  if (schedule->kind != TN_RATE_PIECEWISE && schedule->kind != TN_RATE_CONSTANT && schedule->steps < 1)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "a learning rate can't decay over %lld steps", (long long)schedule->steps);
  if (tn_net_failed(net)) return TN_NONE;
  return schedule->kind == TN_RATE_PIECEWISE ? piecewise(net, schedule) : decayed(net, schedule);
}
