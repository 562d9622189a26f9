/* L2Loss: half the sum of the squares. */
#include "base/parallel.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/wide.h"

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0, tn_build2(c->scope, "Mul", tn_grad_x(c, 0), tn_grad_dense(c, 0)));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape out = tn_shape_scalar();
  p->scratch = tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) + 64;
  return tn_prepare_output(p, 0, &out);
}

static tn_error *run_reference(tn_run *r) {
  char *scratch = r->scratch;
  const double *x = tn_wide_in(r->inputs[0], &scratch);
  double *out = tn_wide_out(r->outputs[0], &scratch);
  double sum = 0;
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) sum += x[i] * x[i];
  *out = sum / 2;
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

#define LANES 16 /* partial sums inside a chunk, so that the loop is a vector one */
#define GRAIN 16384

static tn_error *prepare_float(tn_prepare *p) {
  const tn_shape out = tn_shape_scalar();
  p->scratch = (size_t)tn_chunks(tn_elements(&p->inputs[0]), GRAIN) * sizeof(double);
  return tn_prepare_output(p, 0, &out);
}

static void sum_chunk(void *argument, int64_t chunk) {
  const tn_run *r = argument;
  const float *x = r->inputs[0]->data;
  const int64_t n = tn_elements(r->inputs[0]);
  float lanes[LANES] = {0};
  int64_t i, end;
  tn_chunk(n, tn_chunks(n, GRAIN), chunk, LANES, &i, &end);
  for (; i + LANES <= end; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l] * x[i + l];
  double sum = 0;
  for (; i < end; i++) sum += (double)x[i] * x[i];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  ((double *)r->scratch)[chunk] = sum;
}

static tn_error *run_float(tn_run *r) {
  const int64_t chunks = tn_chunks(tn_elements(r->inputs[0]), GRAIN);
  double sum = 0;
  tn_parallel(chunks, sum_chunk, r);
  for (int64_t i = 0; i < chunks; i++) sum += ((const double *)r->scratch)[i];
  *TN_DATA(float, r->outputs[0]) = (float)(sum / 2);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_float, .run = run_float},
    {.name = "reference", .prepare = prepare, .run = run_reference},
    {0},
};

TN_OP(L2Loss, .doc = "Half the sum of the squares of all elements.", .inputs = "t: T", .outputs = "output: T",
      .attrs = "T: floattype", .shape = tn_shape_scalar_out, .gradient = gradient, .kernels = kernels);
