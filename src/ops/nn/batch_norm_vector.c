/* Batch normalisation of float images with the channels last. Statistics are made chunk by chunk, chunks cut by the
 * shape alone, and joined in order. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "kernel/nn.h"
#include "ops/nn/batch_norm.h"

/* Rows of a chunk: few enough to stay in a near cache between two passes. */
static int64_t count_chunks(const tn_norm_plan *plan) {
  enum { CHUNK = 24576, MOST = 4096 };
  const int64_t rows = plan->batch * plan->inner, chunks = rows * plan->channels / CHUNK;
  return chunks < 1 ? 1 : chunks > MOST ? MOST : chunks > rows ? rows : chunks;
}

tn_error *tn_norm_vector_plan(tn_prepare *p, tn_norm_plan *plan) {
  if (tn_norm_channels_first(p->node) || plan->batch * plan->channels * plan->inner == 0)
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "empty, or channels first");
  for (int i = 0; i < 5; i++)
    if (p->inputs[i].dtype != TN_FLOAT) return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "not floats");
  plan->chunks = count_chunks(plan);
  /* Two vectors a chunk, and three that the chunks read. */
  p->scratch = (size_t)((2 * plan->chunks + 3) * plan->channels) * sizeof(float);
  return NULL;
}

typedef struct job {
  const tn_norm_plan *plan;
  const tn_nn *t;
  const float *x, *gradient, *mean;
  float *sums, *vectors[3], *out;
} job;

static void rows_of(const tn_norm_plan *plan, int64_t chunk, int64_t *begin, int64_t *end) {
  tn_chunk(plan->batch * plan->inner, plan->chunks, chunk, 1, begin, end);
}

static job open_job(const tn_run *r) {
  const tn_norm_plan *plan = r->state;
  job j = {.plan = plan, .t = tn_nn_active(), .sums = r->scratch, .out = r->outputs[0]->data};
  for (int i = 0; i < 3; i++) j.vectors[i] = j.sums + (2 * plan->chunks + i) * plan->channels;
  return j;
}

static void moments_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const int64_t c = j->plan->channels;
  int64_t begin, end;
  rows_of(j->plan, chunk, &begin, &end);
  j->t->moments(j->x + begin * c, end - begin, c, j->sums + 2 * chunk * c, j->sums + (2 * chunk + 1) * c);
}

/* Joins the chunks' means and squares of channel C: differences between the means add to the squares. */
static void join(const job *j, int64_t c, double *mean, double *variance) {
  double count = 0, m = 0, squares = 0;
  for (int64_t chunk = 0; chunk < j->plan->chunks; chunk++) {
    int64_t begin, end;
    rows_of(j->plan, chunk, &begin, &end);
    const double n = (double)(end - begin), total = count + n;
    const double away = j->sums[2 * chunk * j->plan->channels + c] - m;
    m += away * n / total;
    squares += j->sums[(2 * chunk + 1) * j->plan->channels + c] + away * away * count * n / total;
    count = total;
  }
  *mean = m;
  *variance = squares / count;
}

static void affine_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const int64_t c = j->plan->channels;
  int64_t begin, end;
  rows_of(j->plan, chunk, &begin, &end);
  j->t->affine(j->x + begin * c, j->vectors[0], j->vectors[1], end - begin, c, j->out + begin * c);
}

tn_error *tn_norm_vector(tn_run *r) {
  job j = open_job(r);
  const tn_norm_plan *plan = j.plan;
  const double n = (double)(plan->batch * plan->inner), f = plan->factor;
  const float *scale = r->inputs[1]->data, *offset = r->inputs[2]->data, *old_mean = r->inputs[3]->data,
              *old_variance = r->inputs[4]->data;
  float *out[5];
  for (int i = 1; i < 5; i++) out[i] = r->outputs[i]->data;
  j.x = r->inputs[0]->data;
  if (plan->training) tn_parallel(plan->chunks, moments_chunk, &j);
  for (int64_t c = 0; c < plan->channels; c++) {
    double mean, variance;
    if (plan->training) {
      join(&j, c, &mean, &variance);
      const double unbiased = n > 1 ? variance * n / (n - 1) : variance;
      out[1][c] = (float)(f == 1 ? mean : (1 - f) * (double)old_mean[c] + f * mean);
      out[2][c] = (float)(f == 1 ? unbiased : (1 - f) * (double)old_variance[c] + f * unbiased);
    } else {
      out[1][c] = old_mean[c];
      out[2][c] = old_variance[c];
      mean = old_mean[c];
      variance = old_variance[c];
    }
    out[3][c] = (float)mean;
    out[4][c] = (float)variance;
    const double a = scale[c] / sqrt(variance + plan->epsilon);
    j.vectors[0][c] = (float)a;
    j.vectors[1][c] = (float)(offset[c] - mean * a);
  }
  tn_parallel(plan->chunks, affine_chunk, &j);
  if (r->n_outputs > 5) memset(r->outputs[5]->data, 0, sizeof(float));
  return NULL;
}

static void sums_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const int64_t c = j->plan->channels;
  int64_t begin, end;
  rows_of(j->plan, chunk, &begin, &end);
  j->t->norm_sums(j->gradient + begin * c, j->x + begin * c, j->mean, end - begin, c,
                  (float *const[]){j->sums + 2 * chunk * c, j->sums + (2 * chunk + 1) * c});
}

static void gradient_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  const int64_t c = j->plan->channels;
  int64_t begin, end;
  rows_of(j->plan, chunk, &begin, &end);
  j->t->norm_gradient(j->gradient + begin * c, j->x + begin * c,
                      (const float *const[]){j->vectors[0], j->vectors[1], j->vectors[2]}, end - begin, c,
                      j->out + begin * c);
}

tn_error *tn_norm_vector_gradient(tn_run *r) {
  job j = open_job(r);
  const tn_norm_plan *plan = j.plan;
  const double n = (double)(plan->batch * plan->inner);
  const float *scale = r->inputs[2]->data, *variance = r->inputs[4]->data;
  j.gradient = r->inputs[0]->data;
  j.x = r->inputs[1]->data;
  j.mean = r->inputs[3]->data;
  tn_parallel(plan->chunks, sums_chunk, &j);
  for (int64_t c = 0; c < plan->channels; c++) {
    double sum = 0, dot = 0;
    for (int64_t chunk = 0; chunk < plan->chunks; chunk++) {
      sum += j.sums[2 * chunk * plan->channels + c];
      dot += j.sums[(2 * chunk + 1) * plan->channels + c];
    }
    const double inverse = 1 / sqrt(variance[c] + plan->epsilon), a = scale[c] * inverse;
    const double b = plan->training ? -a * dot * inverse * inverse / n : 0;
    j.vectors[0][c] = (float)a;
    j.vectors[1][c] = (float)b;
    j.vectors[2][c] = (float)(plan->training ? -a * sum / n - b * j.mean[c] : 0);
    TN_DATA(float, r->outputs[1])[c] = (float)(dot * inverse);
    TN_DATA(float, r->outputs[2])[c] = (float)sum;
  }
  tn_parallel(plan->chunks, gradient_chunk, &j);
  return NULL;
}
