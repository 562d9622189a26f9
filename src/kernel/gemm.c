/* The matrix product around the tiles of one instruction set: blocking, packing and the split into tasks. */
#include "kernel/gemm.h"

#include <string.h>

#include "base/isa.h"
#include "base/parallel.h"

static const tn_gemm_table *table(void) {
  switch (tn_isa_active()) {
#if defined(__x86_64__)
  case TN_ISA_AVX512: return &tn_gemm_avx512;
  case TN_ISA_AVX2: return &tn_gemm_avx2;
#elif defined(__aarch64__)
  case TN_ISA_NEON: return &tn_gemm_neon;
#endif
  default: return &tn_gemm_generic;
  }
}

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t limit) { return a < limit ? a : limit; }

/* Rows of B, STEP floats apart, that stay in a cache of 1 MiB in 8 ways: few where STEP is a large power of two. */
static int64_t rows_in_cache(int64_t step) {
  const int64_t period = 128 << 10, bytes = step * (int64_t)sizeof(float);
  const int64_t distinct = period / (bytes & -bytes);
  return at_most(distinct, period / 64) * 4;
}

void tn_gemm_plan(tn_gemm *g) {
  enum { BLOCK = 512, PANELS_TO_KEEP = 3, TASKS = 32, TASK_SIZE = 1 << 18 };
  const tn_gemm_table *t = table();
  g->columns = 2 * t->lanes;
  g->column_panels = ceil_div(g->n, g->columns);
  g->panels = ceil_div(g->m, t->rows);
  g->rows = ceil_div(ceil_div(g->m, g->panels), t->lanes) * t->lanes; /* room for one */
  g->block_k = ceil_div(g->k, ceil_div(g->k, BLOCK));
  g->pack_a = g->a_row != 1 || rows_in_cache(g->a_col) < g->block_k;
  g->keep_b = g->b_col == 1 && g->panels >= PANELS_TO_KEEP;
  const int64_t steps = (int64_t)((double)g->m * (double)g->n * (double)g->k / TASK_SIZE);
  const int64_t tasks = steps < 1 ? 1 : at_most(steps, TASKS);
  g->column_tasks = at_most(g->column_panels, tasks);
  g->row_tasks = at_most(g->panels, tasks / g->column_tasks);
  g->a_bytes = g->pack_a ? (size_t)(g->panels * g->rows * g->k) * sizeof(float) : 0;
  g->a_bytes = (g->a_bytes + 63) / 64 * 64;
  g->task_bytes = ((size_t)(g->block_k * g->columns) * sizeof(float) + 63) / 64 * 64;
}

size_t tn_gemm_scratch(const tn_gemm *g) {
  return g->a_bytes + (size_t)(g->column_tasks * g->row_tasks) * g->task_bytes;
}

typedef struct job {
  const tn_gemm *g;
  const tn_gemm_table *t;
  const float *a, *b;
  float *c;
  char *scratch;
} job;

/* Row panel I of A becomes [k][rows]. */
static void pack_a(void *argument, int64_t i) {
  const job *j = argument;
  const tn_gemm *g = j->g;
  int64_t begin, end;
  tn_chunk(g->m, g->panels, i, 1, &begin, &end);
  float *out = (float *)j->scratch + i * g->rows * g->k;
  if (g->a_row == 1)
    j->t->copy(end - begin, g->k, j->a + begin, g->a_col, out, g->rows);
  else
    j->t->transpose(end - begin, g->k, j->a + begin * g->a_row, g->a_row, out, g->rows);
}

/* K steps from row K0 of B, columns [C0, C0 + N), become [k][columns]. */
static void pack_b(const job *j, int64_t k0, int64_t steps, int64_t c0, int64_t n, float *out) {
  const tn_gemm *g = j->g;
  const float *in = j->b + k0 * g->b_row + c0 * g->b_col;
  if (g->b_col == 1)
    j->t->copy(n, steps, in, g->b_row, out, g->columns);
  else
    j->t->transpose(n, steps, in, g->b_col, out, g->columns);
}

/* The row panels [FIRST, LAST) of C under one block of B. */
static void run_panels(const job *j, tn_gemm_tile *tile, int64_t k0, int64_t c0, int64_t first, int64_t last) {
  const tn_gemm *g = j->g;
  for (int64_t p = first; p < last; p++) {
    int64_t begin, end;
    tn_chunk(g->m, g->panels, p, 1, &begin, &end);
    tile->rows = end - begin;
    tile->a_step = g->pack_a ? g->rows : g->a_col;
    tile->a = g->pack_a ? (const float *)j->scratch + (p * g->k + k0) * g->rows : j->a + begin + k0 * g->a_col;
    tile->c = j->c + begin * g->n + c0;
    j->t->tile(tile);
  }
}

static void run_task(void *argument, int64_t i) {
  const job *j = argument;
  const tn_gemm *g = j->g;
  float *packed = (float *)(j->scratch + g->a_bytes + (size_t)i * g->task_bytes);
  int64_t column, last_column, first, last;
  tn_chunk(g->column_panels, g->column_tasks, i % g->column_tasks, 1, &column, &last_column);
  tn_chunk(g->panels, g->row_tasks, i / g->column_tasks, 1, &first, &last);
  for (; column < last_column; column++) {
    const int64_t c0 = column * g->columns, n = at_most(g->columns, g->n - c0);
    const bool packs = g->b_col != 1 || n < g->columns; /* the end of a row has no whole vectors */
    for (int64_t k0 = 0; k0 < g->k; k0 += g->block_k) {
      tn_gemm_tile tile = {.columns = n, .k = at_most(g->block_k, g->k - k0), .c_step = g->n, .add = k0 > 0};
      if (packs) pack_b(j, k0, tile.k, c0, n, packed);
      tile.b = packs ? packed : j->b + k0 * g->b_row + c0;
      tile.b_step = packs ? g->columns : g->b_row;
      int64_t next = first;
      if (g->keep_b && !packs) {
        tile.keep = packed;
        run_panels(j, &tile, k0, c0, next, next + 1);
        next++;
        tile.keep = NULL;
        tile.b = packed;
        tile.b_step = g->columns;
      }
      run_panels(j, &tile, k0, c0, next, last);
    }
  }
}

void tn_gemm_run(const tn_gemm *g, const float *a, const float *b, float *c, void *scratch) {
  job j = {g, table(), a, b, c, scratch};
  if (g->pack_a) {
    const bool small = g->m * g->k < 1 << 14;
    if (small)
      for (int64_t i = 0; i < g->panels; i++) pack_a(&j, i);
    else
      tn_parallel(g->panels, pack_a, &j);
  }
  tn_parallel(g->column_tasks * g->row_tasks, run_task, &j);
}
