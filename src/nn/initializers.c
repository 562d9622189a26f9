/* The first values of variables, as TensorFlow 1.15's initializers build them, names included. */
#include <math.h>

#include "base/alloc.h"
#include "base/str.h"
#include "nn/net.h"

/* The standard deviation of a normal that is cut off at two. */
#define CUT_OFF .87962566103423978

/* Inputs and outputs of one element of a kernel of SHAPE, as TensorFlow's _compute_fans. */
static void fans(const tn_shape *shape, double *in, double *out) {
  double field = 1;
  int r = shape->rank;
  for (int i = 0; i < r - 2; i++) field *= (double)shape->dims[i];
  *in = r == 0 ? 1 : r == 1 ? (double)shape->dims[0] : field * (double)shape->dims[r - 2];
  *out = r == 0 ? 1 : r == 1 ? (double)shape->dims[0] : field * (double)shape->dims[r - 1];
}

tn_output tn_net_filled(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape, double value) {
  if (tn_net_failed(net)) return TN_NONE;
  int64_t n = tn_shape_elements(shape);
  tn_net_push(net, name);
  tn_output dims = tn_net_ints(net, "shape_as_tensor", shape->rank, shape->dims);
  tn_output number = tn_net_scalar(net, "Const", dtype, value);
  if (n > INT32_MAX) tn_net_failf(net, TN_INVALID_ARGUMENT, "a variable of %lld elements is too large", (long long)n);
  tn_output out = tn_net_op(net, "Fill", TN_AS_SCOPE, TN_IN(dims, number), TN_ATTRS(TN_A_TYPE("index_type", TN_INT32)));
  tn_net_pop(net);
  return out;
}

/* SCALE * draw + OFFSET, where DRAW is the op that draws; the names are those of tf.random_uniform and its kin. */
typedef struct draw {
  const char *scope, *op, *first, *second; /* names of the scope, the op and two constants */
  double a, b;                             /* the constants */
  bool range;                              /* the scale is b - a and the offset a; else b and a */
} draw;

static tn_output drawn(tn_net *net, const draw *d, tn_dtype dtype, const tn_shape *shape, const tn_initializer *init) {
  int64_t seed, seed2;
  tn_net_push(net, d->scope);
  tn_output dims = tn_net_ints(net, "shape", shape->rank, shape->dims);
  tn_output a = tn_net_scalar(net, d->first, dtype, d->a), b = tn_net_scalar(net, d->second, dtype, d->b);
  tn_graph_get_seed(net->graph, init->seeded ? &init->seed : NULL, &seed, &seed2);
  tn_output random = tn_net_op(net, d->op, NULL, TN_IN(dims),
                               TN_ATTRS(TN_A_TYPE("dtype", dtype), TN_A_INT("seed", seed), TN_A_INT("seed2", seed2)));
  tn_output scale = d->range ? tn_net_op(net, "Sub", "sub", TN_IN(b, a), NULL) : b;
  tn_output scaled = tn_net_op(net, "Mul", "mul", TN_IN(random, scale), NULL);
  tn_output out = tn_net_op(net, "Add", TN_AS_SCOPE, TN_IN(scaled, a), NULL);
  tn_net_pop(net);
  return out;
}

static tn_output uniform(tn_net *net, double a, double b, tn_dtype dtype, const tn_shape *shape,
                         const tn_initializer *init) {
  draw d = {"random_uniform", "RandomUniform", "min", "max", a, b, true};
  return drawn(net, &d, dtype, shape, init);
}

static tn_output normal(tn_net *net, double mean, double deviation, tn_dtype dtype, const tn_shape *shape,
                        const tn_initializer *init) {
  draw d = {"random_normal", "RandomStandardNormal", "mean", "stddev", mean, deviation, false};
  return drawn(net, &d, dtype, shape, init);
}

static tn_output truncated(tn_net *net, double mean, double deviation, tn_dtype dtype, const tn_shape *shape,
                           const tn_initializer *init) {
  draw d = {"truncated_normal", "TruncatedNormal", "mean", "stddev", mean, deviation, false};
  return drawn(net, &d, dtype, shape, init);
}

static tn_output build(tn_net *net, tn_dtype dtype, const tn_shape *shape, const tn_initializer *init) {
  double in, out;
  fans(shape, &in, &out);
  double mean = fmax(1, (in + out) / 2), a = (double)init->a, b = (double)init->b;
  in = fmax(1, in);
  switch (init->kind) {
  case TN_INIT_ZEROS: return tn_net_filled(net, "zeros", dtype, shape, 0);
  case TN_INIT_ONES: return tn_net_filled(net, "ones", dtype, shape, 1);
  case TN_INIT_CONSTANT: return tn_net_filled(net, "Const", dtype, shape, a);
  case TN_INIT_UNIFORM: return uniform(net, a, b, dtype, shape, init);
  case TN_INIT_NORMAL: return normal(net, a, b, dtype, shape, init);
  case TN_INIT_TRUNCATED_NORMAL: return truncated(net, a, b, dtype, shape, init);
  case TN_INIT_GLOROT_NORMAL: return truncated(net, 0, sqrt(1 / mean) / CUT_OFF, dtype, shape, init);
  case TN_INIT_HE_UNIFORM: return uniform(net, -sqrt(6 / in), sqrt(6 / in), dtype, shape, init);
  case TN_INIT_HE_NORMAL: return truncated(net, 0, sqrt(2 / in) / CUT_OFF, dtype, shape, init);
  case TN_INIT_LECUN_NORMAL: return truncated(net, 0, sqrt(1 / in) / CUT_OFF, dtype, shape, init);
  default: return uniform(net, -sqrt(3 / mean), sqrt(3 / mean), dtype, shape, init);
  }
}

tn_output tn_net_initial(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape,
                         const tn_initializer *initializer) {
  tn_str text = {0};
  char *scope;
  tn_str_addf(&text, "%s/Initializer/", name);
  tn_error *error = tn_str_take(&text, &scope, NULL);
  if (error) {
    tn_net_fail(net, error);
    return TN_NONE;
  }
  tn_net_push(net, scope);
  tn_output value = build(net, dtype, shape, initializer);
  tn_net_pop(net);
  tn_free(scope);
  return value;
}
