/* Softmax cross-entropy with dense or sparse labels; the second output is the gradient for the logits. */
#include <math.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/nn.h"
#include "kernel/wide.h"

static tn_error *shape_sparse(tn_shape_ctx *c) {
  tn_shape features, labels;
  int64_t rows;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &features));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &labels));
  TN_TRY(tn_dim_merge(c, features.dims[0], labels.dims[0], &rows));
  c->out[0] = tn_shape_of(1, &rows);
  c->out[1] = features;
  return NULL;
}

/* Equal shapes give what both know; else they broadcast. */
static tn_error *shape_dense(tn_shape_ctx *c) {
  tn_shape features, merged;
  tn_error *error = tn_shape_with_rank(c, 0, 2, &features);
  if (!error) error = tn_shape_merge(c, &features, &c->in[1], &merged);
  if (error) {
    tn_error_free(error);
    TN_TRY(tn_shape_broadcast_unknown(c, &c->in[0], &c->in[1], &merged));
    if (merged.rank != 2)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                            "features and labels must broadcast to matrices, they are %s and %s",
                            TN_SHAPE_STR(&c->in[0]), TN_SHAPE_STR(&c->in[1]));
  }
  c->out[0] = tn_shape_of(1, merged.dims);
  c->out[1] = merged;
  return NULL;
}

static tn_output columns(tn_scope *s, tn_output vector) {
  return tn_build2(s, "ExpandDims", vector, tn_build_scalar(s, TN_INT32, -1));
}

/* The gradient for the logits: through the loss, and through the second output where something flows into it. */
static tn_output gradient_logits(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output g = tn_build2(s, "Mul", columns(s, tn_grad_dense(c, 0)), tn_grad_y(c, 1));
  if (!tn_grad_has(c, 1)) return g;
  const int64_t last = -1;
  const tn_output gg = tn_grad_dense(c, 1), softmax = tn_build1(s, "Softmax", tn_grad_x(c, 0));
  const tn_output dot = tn_build_sum(s, tn_build2(s, "Mul", gg, softmax), tn_build_ints(s, TN_INT32, 1, &last), true);
  return tn_build2(s, "AddV2", g, tn_build2(s, "Mul", tn_build2(s, "Sub", gg, dot), softmax));
}

static tn_error *gradient_sparse(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, gradient_logits(c));
  return NULL;
}

static tn_error *gradient_dense(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, gradient_logits(c));
  const tn_output log_softmax = tn_build1(s, "LogSoftmax", tn_grad_x(c, 0));
  tn_grad_set(c, 1, tn_build2(s, "Mul", columns(s, tn_grad_dense(c, 0)), tn_build1(s, "Neg", log_softmax)));
  return NULL;
}

static tn_error *prepare_sparse(tn_prepare *p) {
  const tn_shape *features = &p->inputs[0].shape, *labels = &p->inputs[1].shape;
  if (features->rank != 2 || labels->rank != 1 || features->dims[0] != labels->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "logits [rows, classes] and labels [rows] expected, got %s and %s",
                             TN_SHAPE_STR(features), TN_SHAPE_STR(labels));
  if (features->dims[1] <= 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there must be at least one class, logits are %s",
                             TN_SHAPE_STR(features));
  TN_TRY(tn_prepare_output(p, 0, labels));
  p->scratch = 2 * tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) +
               tn_wide_scratch(p->inputs[0].dtype, labels->dims[0]);
  return tn_prepare_output(p, 1, features);
}

static tn_error *prepare_dense(tn_prepare *p) {
  tn_shape both;
  const tn_shape *features = &p->inputs[0].shape, *labels = &p->inputs[1].shape;
  if (!tn_shape_broadcast(features, labels, &both) || both.rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "logits and labels must broadcast to matrices, they are %s and %s",
                             TN_SHAPE_STR(features), TN_SHAPE_STR(labels));
  if (both.dims[1] <= 0 && both.dims[0] > 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there must be at least one class, logits are %s",
                             TN_SHAPE_STR(features));
  const tn_shape rows = tn_shape_of(1, both.dims);
  TN_TRY(tn_prepare_output(p, 0, &rows));
  const tn_dtype dtype = p->inputs[0].dtype;
  p->scratch = tn_wide_scratch(dtype, tn_elements(&p->inputs[0])) + tn_wide_scratch(dtype, tn_elements(&p->inputs[1])) +
               tn_wide_scratch(dtype, tn_shape_elements(&both)) + tn_wide_scratch(dtype, both.dims[0]);
  return tn_prepare_output(p, 1, &both);
}

/* A row of logits with a step between elements (0: broadcast). */
typedef struct row {
  const double *x;
  int64_t n, step;
  double max, sum;
} row;

static row open_row(const double *x, int64_t n, int64_t step) {
  row r = {x, n, step, -INFINITY, 0};
  for (int64_t i = 0; i < n; i++)
    if (!(x[i * step] <= r.max)) r.max = x[i * step];
  for (int64_t i = 0; i < n; i++) r.sum += exp(x[i * step] - r.max);
  return r;
}

static int64_t label_at(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_INT64 ? TN_DATA(const int64_t, t)[i] : TN_DATA(const int32_t, t)[i];
}

static tn_error *check_label(const tn_run *r, int64_t i, int64_t n) {
  const int64_t label = label_at(r->inputs[1], i);
  if (label >= 0 && label < n) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "label %lld of row %lld is not in [0, %lld)", (long long)label,
                       (long long)i, (long long)n);
}

static tn_error *run_sparse(tn_run *r) {
  const int64_t rows = r->inputs[0]->shape.dims[0], n = r->inputs[0]->shape.dims[1];
  char *scratch = r->scratch;
  const double *x = tn_wide_in(r->inputs[0], &scratch);
  double *loss = tn_wide_out(r->outputs[0], &scratch), *back = tn_wide_out(r->outputs[1], &scratch);
  for (int64_t i = 0; i < rows; i++) {
    const int64_t label = label_at(r->inputs[1], i);
    TN_TRY(check_label(r, i, n));
    const row s = open_row(x + i * n, n, 1);
    loss[i] = log(s.sum) - (s.x[label] - s.max);
    for (int64_t c = 0; c < n; c++) back[i * n + c] = exp(s.x[c] - s.max) / s.sum - (c == label);
  }
  tn_wide_finish(r->outputs[0], loss);
  tn_wide_finish(r->outputs[1], back);
  return NULL;
}

/* Element [i, j] of a matrix that broadcasts, as steps. */
static void steps(const tn_shape *s, int64_t *row_step, int64_t *column_step) {
  const int64_t columns = s->rank > 0 ? s->dims[s->rank - 1] : 1;
  *column_step = columns == 1 ? 0 : 1;
  *row_step = s->rank < 2 || s->dims[0] == 1 ? 0 : columns;
}

static tn_error *run_dense(tn_run *r) {
  const int64_t rows = r->outputs[1]->shape.dims[0], n = r->outputs[1]->shape.dims[1];
  char *scratch = r->scratch;
  int64_t xr, xc, lr, lc;
  const double *x = tn_wide_in(r->inputs[0], &scratch), *labels = tn_wide_in(r->inputs[1], &scratch);
  double *loss = tn_wide_out(r->outputs[0], &scratch), *back = tn_wide_out(r->outputs[1], &scratch);
  steps(&r->inputs[0]->shape, &xr, &xc);
  steps(&r->inputs[1]->shape, &lr, &lc);
  for (int64_t i = 0; i < rows; i++) {
    const row s = open_row(x + i * xr, n, xc);
    loss[i] = 0;
    for (int64_t c = 0; c < n; c++) {
      const double label = labels[i * lr + c * lc], e = s.x[c * xc] - s.max;
      loss[i] += label * (log(s.sum) - e);
      back[i * n + c] = exp(e) / s.sum - label;
    }
  }
  tn_wide_finish(r->outputs[0], loss);
  tn_wide_finish(r->outputs[1], back);
  return NULL;
}

/* Rows are cut into chunks by the shape alone. */
static int64_t row_chunks(const tn_run *r) {
  return tn_chunks(r->outputs[1]->shape.dims[0], 1 + 4096 / (1 + r->outputs[1]->shape.dims[1]));
}

static void run_rows(void *argument, int64_t chunk) {
  const tn_run *r = argument;
  const tn_nn *t = tn_nn_active();
  const int64_t rows = r->outputs[1]->shape.dims[0], n = r->outputs[1]->shape.dims[1];
  const bool sparse = r->inputs[1]->dtype != TN_FLOAT;
  int64_t begin, end;
  tn_chunk(rows, row_chunks(r), chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    const float *x = TN_DATA(const float, r->inputs[0]) + i * n;
    float *loss = TN_DATA(float, r->outputs[0]) + i, *back = TN_DATA(float, r->outputs[1]) + i * n;
    if (sparse)
      t->sparse_entropy(x, n, label_at(r->inputs[1], i), loss, back);
    else
      t->entropy(x, TN_DATA(const float, r->inputs[1]) + i * n, n, loss, back);
  }
}

static tn_error *run_vector(tn_run *r) {
  tn_parallel(row_chunks(r), run_rows, r);
  return NULL;
}

static tn_error *run_vector_sparse(tn_run *r) {
  const int64_t rows = r->inputs[0]->shape.dims[0], n = r->inputs[0]->shape.dims[1];
  for (int64_t i = 0; i < rows; i++) TN_TRY(check_label(r, i, n));
  return run_vector(r);
}

static tn_error *prepare_vector_sparse(tn_prepare *p) {
  TN_TRY(prepare_sparse(p));
  p->scratch = 0;
  return NULL;
}

static tn_error *prepare_vector_dense(tn_prepare *p) {
  TN_TRY(prepare_dense(p));
  if (!tn_shape_equal(&p->inputs[0].shape, &p->inputs[1].shape))
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "shapes broadcast");
  p->scratch = 0;
  return NULL;
}

static const tn_kernel_def kernels_sparse[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector_sparse, .run = run_vector_sparse},
    {.name = "reference", .prepare = prepare_sparse, .run = run_sparse},
    {0},
};
static const tn_kernel_def kernels_dense[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector_dense, .run = run_vector},
    {.name = "reference", .prepare = prepare_dense, .run = run_dense},
    {0},
};

TN_OP(SoftmaxCrossEntropyWithLogits,
      .doc = "The cross-entropy between softmax(features) and labels, a row a case, and its gradient for features.",
      .inputs = "features: T, labels: T", .outputs = "loss: T, backprop: T", .attrs = "T: floattype",
      .shape = shape_dense, .gradient = gradient_dense, .kernels = kernels_dense);

TN_OP(SparseSoftmaxCrossEntropyWithLogits, .doc = "SoftmaxCrossEntropyWithLogits for labels that are class numbers.",
      .inputs = "features: T, labels: Tlabels", .outputs = "loss: T, backprop: T",
      .attrs = "T: floattype; Tlabels: indextype = DT_INT64", .shape = shape_sparse, .gradient = gradient_sparse,
      .kernels = kernels_sparse);
