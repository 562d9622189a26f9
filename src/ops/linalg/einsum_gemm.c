/* Einsum of two float tensors as a batch of matrix products: axes are sorted by who has them, inputs are copied into
 * that order where they don't lie so, and so is the result. */
#include "base/parallel.h"
#include "kernel/copy.h"
#include "kernel/gemm.h"
#include "ops/linalg/einsum.h"

/* An argument as [batch, rows, columns]: where it lies, or how it is copied. */
typedef struct part {
  bool copied;
  tn_copy copy; /* from the tensor; for the result, to it */
  size_t bytes;
} part;

typedef struct gemm_state {
  int64_t batch, tasks;
  tn_gemm g;
  part parts[TN_EINSUM_ARGUMENTS];
  size_t task_scratch;
} gemm_state;

/* Groups of axes by who has them: both and the result; one input and the result; both inputs. */
enum { BATCH, LEFT, RIGHT, SUMMED, GROUPS };

static int group_of(const tn_einsum_walk *w, int axis) {
  const bool x = w->step[0][axis] != 0, y = w->step[1][axis] != 0, z = w->step[2][axis] != 0;
  if (x && y) return z ? BATCH : SUMMED;
  if (z) return x ? LEFT : y ? RIGHT : GROUPS;
  return GROUPS;
}

/* Describes argument A with the axes of the groups ORDER. */
static void make_part(const tn_einsum_walk *w, int a, const int order[3], part *out) {
  int64_t dims[TN_COPY_MAX_RANK], steps[TN_COPY_MAX_RANK], dense[TN_COPY_MAX_RANK], elements = 1;
  int n = 0;
  for (int g = 0; g < 3; g++)
    for (int axis = 0; axis < w->n_axes; axis++) {
      if (w->size[axis] == 1 || group_of(w, axis) != order[g]) continue;
      dims[n] = w->size[axis];
      steps[n++] = w->step[a][axis];
      elements *= w->size[axis];
    }
  tn_copy_strides(n, dims, dense);
  out->copied = false;
  for (int i = 0; i < n; i++) out->copied = out->copied || dense[i] != steps[i];
  tn_copy_init(&out->copy, TN_FLOAT, n, dims, a == 2 ? steps : dense, a == 2 ? dense : steps);
  out->bytes = out->copied ? ((size_t)elements * sizeof(float) + 63) / 64 * 64 : 0;
}

tn_error *tn_einsum_gemm_prepare(tn_prepare *p) {
  enum { TASKS = 16, LARGE = 4 << 20 };
  static const int orders[TN_EINSUM_ARGUMENTS][3] = {
      {BATCH, LEFT, SUMMED}, {BATCH, SUMMED, RIGHT}, {BATCH, LEFT, RIGHT}};
  tn_einsum_walk w = {0};
  gemm_state *s;
  int64_t sizes[GROUPS] = {1, 1, 1, 1};
  int n = 0;
  TN_TRY(tn_einsum_walk_of(p, &w));
  for (int axis = 0; axis < w.n_axes; axis++) {
    if (w.size[axis] == 1) continue;
    const int group = group_of(&w, axis);
    if (group == GROUPS || w.size[axis] == 0 || ++n > TN_COPY_MAX_RANK)
      return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "not a matrix product");
    sizes[group] *= w.size[axis];
  }
  /* A result with a label twice has places that no product reaches. */
  if (w.n_inputs != 2 || sizes[BATCH] * sizes[LEFT] * sizes[RIGHT] != tn_elements(&p->outputs[0]))
    return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "not a matrix product");
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->batch = sizes[BATCH];
  s->g = (tn_gemm){.m = sizes[LEFT],
                   .n = sizes[RIGHT],
                   .k = sizes[SUMMED],
                   .a_row = sizes[SUMMED],
                   .a_col = 1,
                   .b_row = sizes[RIGHT],
                   .b_col = 1};
  tn_gemm_plan(&s->g);
  s->task_scratch = tn_gemm_scratch(&s->g);
  s->tasks = 1;
  if ((double)s->g.m * (double)s->g.n * (double)s->g.k < LARGE) s->tasks = s->batch < TASKS ? s->batch : TASKS;
  p->scratch = (size_t)s->tasks * s->task_scratch;
  for (int a = 0; a < TN_EINSUM_ARGUMENTS; a++) {
    make_part(&w, a, orders[a], &s->parts[a]);
    p->scratch += s->parts[a].bytes;
  }
  return NULL;
}

typedef struct job {
  const gemm_state *s;
  const float *a, *b;
  float *c;
  char *scratch;
} job;

static void run_task(void *argument, int64_t task) {
  const job *j = argument;
  const tn_gemm *g = &j->s->g;
  int64_t begin, end;
  tn_chunk(j->s->batch, j->s->tasks, task, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    tn_gemm_run(g, j->a + i * g->m * g->k, j->b + i * g->k * g->n, j->c + i * g->m * g->n, NULL,
                j->scratch + (size_t)task * j->s->task_scratch);
}

tn_error *tn_einsum_gemm(tn_run *r) {
  const gemm_state *s = r->state;
  char *scratch = r->scratch;
  void *data[TN_EINSUM_ARGUMENTS] = {r->inputs[0]->data, r->inputs[1]->data, r->outputs[0]->data};
  for (int a = 0; a < TN_EINSUM_ARGUMENTS; a++) {
    if (!s->parts[a].copied) continue;
    if (a < 2) TN_TRY(tn_copy_run(&s->parts[a].copy, scratch, data[a]));
    data[a] = scratch;
    scratch += s->parts[a].bytes;
  }
  job j = {s, data[0], data[1], data[2], scratch};
  if (s->tasks > 1)
    tn_parallel(s->tasks, run_task, &j);
  else
    run_task(&j, 0);
  return s->parts[2].copied ? tn_copy_run(&s->parts[2].copy, r->outputs[0]->data, data[2]) : NULL;
}
