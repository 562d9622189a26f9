/* InTopK: whether each target is among the k largest predictions of its row. */
#include <math.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape predictions, targets;
  int64_t rows;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &predictions));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &targets));
  TN_TRY(tn_dim_merge(c, predictions.dims[0], targets.dims[0], &rows));
  c->out[0] = tn_shape_of(1, &rows);
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *predictions = &p->inputs[0].shape, *targets = &p->inputs[1].shape;
  if (predictions->rank != 2 || targets->rank != 1 || predictions->dims[0] != targets->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "predictions [rows, classes] and targets [rows] expected, got %s and %s",
                             TN_SHAPE_STR(predictions), TN_SHAPE_STR(targets));
  if (p->n_inputs == 3 && tn_elements(&p->inputs[2]) != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "k must be a scalar, it is %s", TN_SHAPE_STR(&p->inputs[2].shape));
  return tn_prepare_output(p, 0, targets);
}

static int64_t integer(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_INT64 ? TN_DATA(const int64_t, t)[i] : TN_DATA(const int32_t, t)[i];
}

/* No for a target outside or where a value that is not finite leaves the order open; ties count in favour. */
static bool in_top(const float *row, int64_t classes, int64_t target, int64_t k) {
  if (target < 0 || target >= classes || !isfinite(row[target])) return false;
  int64_t above = 0;
  for (int64_t c = 0; c < classes; c++) {
    if (!isfinite(row[c])) return false;
    above += row[c] > row[target];
  }
  return above < k;
}

static tn_error *run(tn_run *r) {
  const int64_t rows = r->inputs[0]->shape.dims[0], classes = r->inputs[0]->shape.dims[1];
  const int64_t k = r->n_inputs == 3 ? integer(r->inputs[2], 0) : tn_node_get_int(r->node, "k");
  for (int64_t i = 0; i < rows; i++) TN_DATA(bool, r->outputs[0])
  [i] = in_top(TN_DATA(const float, r->inputs[0]) + i * classes, classes, integer(r->inputs[1], i), k);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

TN_OP(InTopK, .doc = "Whether each target is among the k largest predictions of its row.",
      .inputs = "predictions: float, targets: T", .outputs = "precision: bool",
      .attrs = "k: int; T: indextype = DT_INT32", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape,
      .kernels = kernels);

TN_OP(InTopKV2, .doc = "InTopK with k as an input.", .inputs = "predictions: float, targets: T, k: T",
      .outputs = "precision: bool", .attrs = "T: indextype = DT_INT32", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = kernels);
