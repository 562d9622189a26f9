/* Softmax and LogSoftmax over the last dimension. */
#include <math.h>

#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/nn.h"
#include "kernel/wide.h"

static tn_error *shape(tn_shape_ctx *c) { return tn_shape_at_least_rank(c, 0, 1, &c->out[0]); }

static tn_output sum_rows(tn_scope *s, tn_output x) {
  const int64_t last = -1;
  return tn_build_sum(s, x, tn_build_ints(s, TN_INT32, 1, &last), true);
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output y = tn_grad_y(c, 0), g = tn_grad_dense(c, 0);
  const tn_output sum = sum_rows(s, tn_build2(s, "Mul", g, y));
  tn_grad_set(c, 0, tn_build2(s, "Mul", tn_build2(s, "Sub", g, sum), y));
  return NULL;
}

static tn_error *gradient_log(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output softmax = tn_build1(s, "Exp", tn_grad_y(c, 0)), g = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build2(s, "Sub", g, tn_build2(s, "Mul", sum_rows(s, g), softmax)));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank < 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "logits must have at least one dimension");
  tn_prepare_in_place(p, 0, 0);
  p->scratch = 2 * tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0]));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static void softmax_row(const double *x, int64_t n, bool log_of, double *y) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++)
    if (!(x[i] <= max)) max = x[i];
  for (int64_t i = 0; i < n; i++) sum += exp(x[i] - max);
  for (int64_t i = 0; i < n; i++) y[i] = log_of ? x[i] - max - log(sum) : exp(x[i] - max) / sum;
}

static tn_error *run_reference(tn_run *r, bool log_of) {
  const tn_tensor *in = r->inputs[0];
  const int64_t n = in->shape.dims[in->shape.rank - 1];
  char *scratch = r->scratch;
  const double *x = tn_wide_in(in, &scratch);
  double *y = tn_wide_out(r->outputs[0], &scratch);
  for (int64_t i = 0; i < tn_elements(in); i += n) softmax_row(x + i, n, log_of, y + i);
  tn_wide_finish(r->outputs[0], y);
  return NULL;
}

static tn_error *run(tn_run *r) { return run_reference(r, false); }
static tn_error *run_log(tn_run *r) { return run_reference(r, true); }

/* Rows are cut into chunks by the shape alone. */
typedef struct rows_job {
  const tn_run *r;
  int64_t rows, n;
  void (*row)(const float *x, int64_t n, float *y);
} rows_job;

static int64_t row_chunks(int64_t rows, int64_t n) { return tn_chunks(rows, 1 + 4096 / n); }

static void run_rows(void *argument, int64_t chunk) {
  const rows_job *j = argument;
  int64_t begin, end;
  tn_chunk(j->rows, row_chunks(j->rows, j->n), chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    j->row(TN_DATA(const float, j->r->inputs[0]) + i * j->n, j->n, TN_DATA(float, j->r->outputs[0]) + i * j->n);
}

static tn_error *run_vector_rows(tn_run *r, void (*row)(const float *, int64_t, float *)) {
  const tn_tensor *in = r->inputs[0];
  const int64_t n = in->shape.dims[in->shape.rank - 1];
  if (tn_elements(in) == 0) return NULL;
  rows_job j = {r, tn_elements(in) / n, n, row};
  tn_parallel(row_chunks(j.rows, n), run_rows, &j);
  return NULL;
}
static tn_error *run_vector(tn_run *r) { return run_vector_rows(r, tn_nn_active()->softmax); }
static tn_error *run_vector_log(tn_run *r) { return run_vector_rows(r, tn_nn_active()->log_softmax); }

static tn_error *prepare_vector(tn_prepare *p) {
  TN_TRY(prepare(p));
  p->scratch = 0;
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector, .run = run_vector},
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};
static const tn_kernel_def kernels_log[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_vector, .run = run_vector_log},
    {.name = "reference", .prepare = prepare, .run = run_log},
    {0},
};

TN_OP(Softmax, .doc = "exp(logits) divided by its sum over the last dimension.", .inputs = "logits: T",
      .outputs = "softmax: T", .attrs = "T: floattype", .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(LogSoftmax, .doc = "The logarithm of Softmax.", .inputs = "logits: T", .outputs = "logsoftmax: T",
      .attrs = "T: floattype", .shape = shape, .gradient = gradient_log, .kernels = kernels_log);
