/* The kernels that MatMul and the batch products share. */
#include "ops/linalg/matmul.h"

#include "base/parallel.h"
#include "kernel/gemm.h"

static tn_error *plan(tn_prepare *p, const tn_matmul_options *o, tn_batch_product *out) {
  const tn_shape *a = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  if (o->matrices && (a->rank != 2 || b->rank != 2))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "matrices expected, got a %s and b %s", TN_SHAPE_STR(a),
                             TN_SHAPE_STR(b));
  return tn_batch_product_prepare(p, o->transpose_a, o->transpose_b, o->broadcast, out);
}

/* --- the plain one --- */

tn_error *tn_matmul_reference_prepare(tn_prepare *p, const tn_matmul_options *o) {
  tn_batch_product b, *state;
  TN_TRY(plan(p, o, &b));
  const tn_wide wide = tn_wide_of(p->outputs[0].dtype);
  if (tn_wide_of(p->inputs[0].dtype) != wide || tn_wide_of(p->inputs[1].dtype) != wide)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "no product of %s and %s as %s", tn_dtype_name(p->inputs[0].dtype),
                             tn_dtype_name(p->inputs[1].dtype), tn_dtype_name(p->outputs[0].dtype));
  b.one.conjugate_a = o->conjugate && o->transpose_a;
  b.one.conjugate_b = o->conjugate && o->transpose_b;
  TN_TRY(tn_prepare_state(p, sizeof b, &state));
  *state = b;
  p->scratch = tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) +
               tn_wide_scratch(p->inputs[1].dtype, tn_elements(&p->inputs[1])) +
               tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0]));
  return NULL;
}

tn_error *tn_matmul_reference(tn_run *r) {
  const tn_batch_product *b = r->state;
  char *scratch = r->scratch;
  const tn_wide wide = tn_wide_of(r->outputs[0]->dtype);
  const size_t size = tn_wide_size(wide);
  const char *x = tn_wide_in(r->inputs[0], &scratch), *y = tn_wide_in(r->inputs[1], &scratch);
  char *out = tn_wide_out(r->outputs[0], &scratch);
  for (int64_t i = 0; i < b->count; i++) {
    int64_t at, bt;
    tn_batch_product_offsets(b, i, &at, &bt);
    tn_product_reference(wide, &b->one, x + (size_t)at * size, y + (size_t)bt * size,
                         out + (size_t)(i * b->one.m * b->one.n) * size);
    TN_TRY(tn_run_check(r));
  }
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

/* --- our own --- */

typedef struct gemm_state {
  tn_batch_product b;
  tn_gemm g;
  int64_t tasks; /* of the batch; 1: the products use the threads one after the other */
  size_t task_scratch;
} gemm_state;

tn_error *tn_matmul_gemm_prepare(tn_prepare *p, const tn_matmul_options *o) {
  enum { TASKS = 16, LARGE = 4 << 20 };
  gemm_state s = {.tasks = 1}, *state;
  TN_TRY(plan(p, o, &s.b));
  const tn_product *one = &s.b.one;
  if (!tn_float_like(p->inputs[0].dtype) || !tn_float_like(p->inputs[1].dtype) || one->m * one->n * one->k == 0)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "empty, or not floats");
  s.g = (tn_gemm){.m = one->m,
                  .n = one->n,
                  .k = one->k,
                  .a_row = one->a_row,
                  .a_col = one->a_col,
                  .b_row = one->b_row,
                  .b_col = one->b_col};
  tn_gemm_plan(&s.g);
  s.task_scratch = tn_gemm_scratch(&s.g);
  if (s.b.count > 1 && (double)one->m * (double)one->n * (double)one->k < LARGE)
    s.tasks = s.b.count < TASKS ? s.b.count : TASKS;
  TN_TRY(tn_prepare_state(p, sizeof s, &state));
  *state = s;
  p->scratch = tn_float_scratch(&p->inputs[0]) + tn_float_scratch(&p->inputs[1]) + tn_float_scratch(&p->outputs[0]) +
               (size_t)s.tasks * s.task_scratch;
  return NULL;
}

typedef struct gemm_job {
  const gemm_state *s;
  const float *a, *b;
  float *c;
  char *scratch;
} gemm_job;

static void run_batch(void *argument, int64_t task) {
  const gemm_job *j = argument;
  const tn_batch_product *b = &j->s->b;
  int64_t begin, end;
  tn_chunk(b->count, j->s->tasks, task, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++) {
    int64_t at, bt;
    tn_batch_product_offsets(b, i, &at, &bt);
    tn_gemm_run(&j->s->g, j->a + at, j->b + bt, j->c + i * b->one.m * b->one.n, NULL,
                j->scratch + (size_t)task * j->s->task_scratch);
  }
}

tn_error *tn_matmul_gemm(tn_run *r) {
  const gemm_state *s = r->state;
  char *scratch = r->scratch;
  gemm_job j = {.s = s, .a = tn_float_in(r->inputs[0], &scratch), .b = tn_float_in(r->inputs[1], &scratch)};
  j.c = tn_float_out(r->outputs[0], &scratch);
  j.scratch = scratch;
  if (s->tasks > 1)
    tn_parallel(s->tasks, run_batch, &j);
  else
    run_batch(&j, 0);
  tn_float_finish(r->outputs[0], j.c);
  return NULL;
}
