/* Normal numbers whose mean, deviation and bounds are given for each row. */
#include <math.h>

#include "ops/random/random.h"

enum { TRIES = 1000, BATCH = 100 }; /* BATCH: numbers that TensorFlow draws together when all rows are alike */

#define R        float
#define FN(name) float_##name
#define GROUP    4
#define UNIFORM(b, y)                                                                                                  \
  for (int k = 0; k < 4; k++) (y)[k] = tn_bits_to_float((b)[k])
#define NORMAL(b, y) (tn_box_muller_float((b)[0], (b)[1], y), tn_box_muller_float((b)[2], (b)[3], (y) + 2))
#define PUT(t, i, x) put_float(t, i, x)
#define EXP          expf
#define LOG          logf
#define SQRT         sqrtf

/* Half numbers are drawn and computed as float ones. */
static void put_float(const tn_tensor *t, int64_t i, float x) {
  if (t->dtype == TN_FLOAT) {
    TN_DATA(float, t)[i] = x;
  } else {
    TN_DATA(uint16_t, t)[i] = t->dtype == TN_HALF ? tn_float_to_half(x) : tn_float_to_bfloat16(x);
  }
}

#include "ops/random/truncated_between.h"

#undef R
#undef FN
#undef GROUP
#undef UNIFORM
#undef NORMAL
#undef PUT
#undef EXP
#undef LOG
#undef SQRT
#define R             double
#define FN(name)      double_##name
#define GROUP         2
#define UNIFORM(b, y) ((y)[0] = tn_bits_to_double((b)[0], (b)[1]), (y)[1] = tn_bits_to_double((b)[2], (b)[3]))
#define NORMAL(b, y)  tn_box_muller_double(b, y)
#define PUT(t, i, x)  TN_DATA(double, t)[i] = (x)
#define EXP           exp
#define LOG           log
#define SQRT          sqrt

#include "ops/random/truncated_between.h"

static tn_error *prepare(tn_prepare *p) {
  tn_random_state *state;
  tn_shape shape;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  TN_TRY(tn_random_prepare_state(p, state));
  TN_TRY(tn_prepare_shape(p, 0, &shape));
  if (shape.rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the shape must not be empty");
  for (int i = 1; i < 5; i++) {
    const tn_shape *given = &p->inputs[i].shape;
    bool fits = given->rank == 0 || (given->rank == 1 && (given->dims[0] == 1 || given->dims[0] == shape.dims[0]));
    if (fits) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s is %s, expected a scalar or one number for each of %lld rows",
                             p->node->schema->inputs[i].name, TN_SHAPE_STR(given), (long long)shape.dims[0]);
  }
  return tn_prepare_output(p, 0, &shape);
}

static double get(const tn_tensor *t, int64_t row) {
  int64_t i = tn_elements(t) == 1 ? 0 : row;
  switch (t->dtype) {
  case TN_FLOAT: return (double)TN_DATA(const float, t)[i];
  case TN_DOUBLE: return TN_DATA(const double, t)[i];
  case TN_HALF: return (double)tn_half_to_float(TN_DATA(const uint16_t, t)[i]);
  default: return (double)tn_bfloat16_to_float(TN_DATA(const uint16_t, t)[i]);
  }
}

static bool sample_row(tn_run *r, tn_philox *g, int64_t row, int64_t begin, int64_t end) {
  double p[4];
  for (int i = 0; i < 4; i++) p[i] = get(r->inputs[i + 1], row);
  if (r->outputs[0]->dtype == TN_DOUBLE) return double_sample(g, p, r->outputs[0], begin, end);
  float q[4] = {(float)p[0], (float)p[1], (float)p[2], (float)p[3]};
  return float_sample(g, q, r->outputs[0], begin, end);
}

static tn_error *run(tn_run *r) {
  const tn_tensor *out = r->outputs[0];
  int64_t n = tn_elements(out);
  if (n == 0) return NULL;
  int64_t rows = out->shape.dims[0], width = n / rows;
  bool alike = true;
  for (int i = 1; i < 5; i++) alike = alike && tn_elements(r->inputs[i]) == 1;
  if (alike) {
    rows = (n + BATCH - 1) / BATCH;
    width = BATCH;
  }
  tn_philox g = tn_random_take(r->state, (uint64_t)rows * 2 * TRIES * ((uint64_t)width + 3) / 4);
  for (int64_t row = 0; row < rows; row++) {
    int64_t end = (row + 1) * width < n ? (row + 1) * width : n;
    if (sample_row(r, &g, row, row * width, end)) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "row %lld: the deviation has to be positive and minval below maxval",
                         (long long)row);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_FLOATS, .type_attr = "dtype", .prepare = prepare, .run = run}, {0}};

static tn_error *shape_truncated(tn_shape_ctx *c) {
  for (int i = 1; i < 5; i++) {
    if (c->in[i].rank <= 1) continue;
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "%s has rank %d, expected at most 1",
                          c->node->schema->inputs[i].name, c->in[i].rank);
  }
  return tn_shape_from_value(c, 0, &c->out[0]);
}

TN_OP(ParameterizedTruncatedNormal, .inputs = "shape: T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype",
      .outputs = "output: dtype", .attrs = "seed: int = 0; seed2: int = 0; dtype: floattype; T: indextype",
      .doc = "Normal numbers between bounds, with parameters for each row.",
      .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT, .value_inputs = 1, .shape = shape_truncated, .kernels = kernels);
