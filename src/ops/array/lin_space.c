/* LinSpace: numbers at equal distances between two ends. */
#include "ops/array/array.h"

static tn_error *lin_space_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  for (int i = 0; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  bool known = false;
  int64_t num = -1;
  TN_TRY(tn_shape_scalar_value(c, 2, &known, &num));
  if (known && num <= 0) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Requires num > 0: %lld", (long long)num);
  if (!known) num = -1;
  c->out[0] = tn_shape_of(1, &num);
  return NULL;
}

static tn_error *lin_space_prepare(tn_prepare *p) {
  static const char *const names[3] = {"start", "stop", "num"};
  int64_t num;
  for (int i = 0; i < 3; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar, not shape %s", names[i],
                               TN_SHAPE_STR(&p->inputs[i].shape));
  TN_TRY(tn_array_scalar(p, 2, &num));
  if (num <= 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Requires num > 0: %lld", (long long)num);
  tn_shape shape = tn_shape_of(1, &num);
  return tn_prepare_output(p, 0, &shape);
}

/* The last number is STOP itself, whatever the sums round to. */
#define NUMBERS(TYPE)                                                                                                  \
  do {                                                                                                                 \
    TYPE *out = TN_DATA(TYPE, r->outputs[0]), start = TN_DATA(TYPE, r->inputs[0])[0],                                  \
         stop = TN_DATA(TYPE, r->inputs[1])[0];                                                                        \
    TYPE step = n > 1 ? (stop - start) / (TYPE)(n - 1) : 0;                                                            \
    out[0] = start;                                                                                                    \
    for (int64_t i = 1; i < n - 1; i++) out[i] = start + step * (TYPE)i;                                               \
    if (n > 1) out[n - 1] = stop;                                                                                      \
  } while (0)

static tn_error *lin_space_run(tn_run *r) {
  int64_t n = tn_elements(r->outputs[0]);
  if (r->outputs[0]->dtype == TN_FLOAT)
    NUMBERS(float);
  else
    NUMBERS(double);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE),
                                         .type_attr = "T",
                                         .prepare = lin_space_prepare,
                                         .run = lin_space_run},
                                        {0}};

TN_OP(LinSpace, .inputs = "start: T, stop: T, num: Tidx", .outputs = "output: T",
      .attrs = "T: floattype; Tidx: indextype = DT_INT32", .doc = "NUM numbers at equal distances from START to STOP.",
      .flags = TN_OP_NO_GRADIENT, .value_inputs = 1 << 2, .shape = lin_space_shape, .kernels = kernels);
