/* The losses of dual coordinate ascent: the step in one dual variable, the loss, its conjugate and its derivative. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/train/sdca.h"

enum { NEWTON_STEPS = 10 }; /* the iteration converges quadratically */

static double scale(const tn_sdca_example *e) { return e->partitions * e->norm * e->weight; }

/* --- logistic loss: log(1 + exp(-y wx)) --- */

/* With y a = (1 + tanh x) / 2 the dual variable stays inside of its bounds; Newton's method finds x. */
static double logistic_update(const tn_sdca_example *e) {
  double x = 0;
  for (int i = 0; i < NEWTON_STEPS; i++) {
    double t = tanh(x), value = -2 * e->label * x - e->wx - scale(e) * (0.5 * (1 + t) / e->label - e->dual);
    x -= value / (-2 * e->label - scale(e) * (1 - t * t) * 0.5 / e->label);
  }
  return 0.5 * (1 + tanh(x)) / e->label;
}

static double logistic_primal(const tn_sdca_example *e, double wx) {
  double y = e->label * wx;
  return (y > 0 ? log1p(exp(-y)) : log1p(exp(y)) - y) * e->weight;
}

static double x_log_x(double x) { return x > 0 ? x * log(x) : 0; }

static double logistic_dual(const tn_sdca_example *e) {
  double a = e->dual * e->label;
  return (x_log_x(a) + x_log_x(1 - a)) * e->weight;
}

static double logistic_slope(const tn_sdca_example *e) {
  double y = e->label * e->wx;
  return -(y > 0 ? exp(-y) / (1 + exp(-y)) : 1 / (1 + exp(y))) * e->label;
}

/* --- squared loss: (wx - y)^2 / 2 --- */

static double squared_update(const tn_sdca_example *e) {
  return e->dual + (e->label - e->dual - e->wx) / (1 + scale(e));
}

static double squared_primal(const tn_sdca_example *e, double wx) {
  return (wx - e->label) * (wx - e->label) * e->weight * 0.5;
}

static double squared_dual(const tn_sdca_example *e) { return e->dual * (0.5 * e->dual - e->label) * e->weight; }

static double squared_slope(const tn_sdca_example *e) { return e->wx - e->label; }

/* --- hinge loss: max(0, 1 - y wx) --- */

/* A, with y A brought into [0, 1]. */
static double bounded(const tn_sdca_example *e, double a) {
  if (e->label * a < 0) return 0;
  return e->label * a > 1 ? e->label : a;
}

static double hinge_update(const tn_sdca_example *e) { return bounded(e, e->dual + (e->label - e->wx) / scale(e)); }

static double hinge_primal(const tn_sdca_example *e, double wx) { return fmax(0, 1 - e->label * wx) * e->weight; }

static double hinge_dual(const tn_sdca_example *e) {
  double a = e->dual * e->label;
  return a < 0 || a > 1 ? DBL_MAX : -a * e->weight;
}

static double hinge_slope(const tn_sdca_example *e) { return e->label * e->wx < 1 ? -e->label : 0; }

/* --- hinge loss whose corner is rounded: a parabola between 0 and 1 --- */

static double smooth_update(const tn_sdca_example *e) {
  return bounded(e, e->dual + (e->label - e->wx - e->dual) / (scale(e) + 1));
}

static double smooth_primal(const tn_sdca_example *e, double wx) {
  double y = e->label * wx;
  if (y >= 1) return 0;
  return (y <= 0 ? 0.5 - y : (1 - y) * (1 - y) * 0.5) * e->weight;
}

static double smooth_dual(const tn_sdca_example *e) {
  double a = e->dual * e->label;
  return a < 0 || a > 1 ? DBL_MAX : (-a + 0.5 * e->dual * e->dual) * e->weight;
}

static double smooth_slope(const tn_sdca_example *e) {
  double y = e->label * e->wx;
  if (y >= 1) return 0;
  return y <= 0 ? -e->label : e->wx - e->label;
}

/* --- Poisson loss: exp(wx) - y wx --- */

/* With y - a = exp(x), which is positive; Newton's method finds x. */
static double poisson_update(const tn_sdca_example *e) {
  double rest = e->label - e->dual, x = rest > 0 ? log(rest) : 0;
  for (int i = 0; i < NEWTON_STEPS; i++) x -= (x - e->wx - scale(e) * (rest - exp(x))) / (1 + scale(e) * exp(x));
  return e->label - exp(x);
}

static double poisson_primal(const tn_sdca_example *e, double wx) { return (exp(wx) - wx * e->label) * e->weight; }

static double poisson_dual(const tn_sdca_example *e) {
  double rest = e->label - e->dual;
  if (rest < 0) return DBL_MAX;
  return rest > 0 ? rest * (log(rest) - 1) * e->weight : 0;
}

static double poisson_slope(const tn_sdca_example *e) { return exp(e->wx) - e->label; }

static const tn_sdca_loss losses[] = {
    {"logistic_loss", 4, true, logistic_update, logistic_primal, logistic_dual, logistic_slope},
    {"squared_loss", 1, false, squared_update, squared_primal, squared_dual, squared_slope},
    {"hinge_loss", 0, true, hinge_update, hinge_primal, hinge_dual, hinge_slope},
    {"smooth_hinge_loss", 1, true, smooth_update, smooth_primal, smooth_dual, smooth_slope},
    {"poisson_loss", 1, false, poisson_update, poisson_primal, poisson_dual, poisson_slope},
};

const tn_sdca_loss *tn_sdca_loss_find(tn_string name) {
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
    if (strlen(losses[i].name) == name.size && memcmp(losses[i].name, name.data, name.size) == 0) return &losses[i];
  }
  return NULL;
}

bool tn_sdca_label(const tn_sdca_loss *loss, float *label) {
  if (loss->binary) {
    bool known = *label == 0 || *label == 1;
    if (*label == 0) *label = -1;
    return known;
  }
  return loss->update != poisson_update || !(*label < 0);
}
