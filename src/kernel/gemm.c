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

/* How many rows of at most two lines, STEP floats apart, stay in a cache of 8 ways of WAY bytes: few where STEP is a
 * large power of two. */
static int64_t rows_in_cache(int64_t step, int64_t way) {
  const int64_t bytes = step * (int64_t)sizeof(float), distinct = way / (bytes & -bytes);
  return distinct < 1 ? 4 : at_most(distinct, way / 64) * 4;
}

/* How many of B's last rows end too early for whole vectors: in others these reach into the next row, which does no
 * harm. */
static int64_t unsafe_rows(const tn_gemm *g, int64_t lanes) {
  return at_most(ceil_div(ceil_div(g->n, lanes) * lanes - g->n, g->b_row), g->k);
}

/* Operands are read where they lie, unless their rows push each other out of the caches. */
void tn_gemm_plan(tn_gemm *g) {
  enum {
    USES_TO_KEEP = 3,
    MANY_USES = 8,
    TASKS = 32,
    TASK_SIZE = 1 << 16,
    FIRST_CACHE = 4 << 10,
    SECOND_CACHE = 128 << 10
  };
  enum { FIRST_ROWS = 256, MOST_PAGES = 512, PAGE = 1024 };
  const tn_gemm_table *t = table();
  g->columns = 2 * t->lanes;
  g->column_panels = ceil_div(g->n, g->columns);
  g->panels = ceil_div(g->m, t->rows);
  g->rows = ceil_div(ceil_div(g->m, g->panels), t->lanes) * t->lanes; /* room for one */
  g->block_k = ceil_div(g->k, ceil_div(g->k, TN_GEMM_BLOCK));
  g->pack_a = g->a_row == 1 ? rows_in_cache(g->a_col, SECOND_CACHE) < g->block_k
                            : rows_in_cache(g->a_row, FIRST_CACHE) < 2 * t->rows && g->panels > 1;
  g->pack_b = g->b_col != 1;
  const int64_t steps = (int64_t)((double)g->m * (double)g->n * (double)g->k / TASK_SIZE);
  const int64_t tasks = steps < 1 ? 1 : at_most(steps, TASKS);
  g->column_tasks = at_most(g->column_panels, tasks);
  g->row_tasks = at_most(g->panels, tasks / g->column_tasks);
  const int64_t uses = g->panels / g->row_tasks;
  const int64_t fits = rows_in_cache(g->b_row, g->block_k <= FIRST_ROWS ? FIRST_CACHE : SECOND_CACHE);
  g->keep_b = !g->pack_b && uses >= USES_TO_KEEP &&
              (uses >= MANY_USES || fits < g->block_k || g->block_k * g->b_row > MOST_PAGES * PAGE);
  g->a_bytes = g->pack_a ? (size_t)(g->panels * g->rows * g->k) * sizeof(float) : 0;
  g->a_bytes = (g->a_bytes + 63) / 64 * 64;
  const int64_t packed = g->pack_b || g->keep_b ? g->block_k : unsafe_rows(g, t->lanes);
  g->task_bytes = ((size_t)(packed * g->columns) * sizeof(float) + 63) / 64 * 64;
}

size_t tn_gemm_scratch(const tn_gemm *g) {
  return g->a_bytes + (size_t)(g->column_tasks * g->row_tasks) * g->task_bytes;
}

typedef struct job {
  const tn_gemm *g;
  const tn_gemm_table *t;
  const float *a, *b;
  float *c;
  const tn_gemm_end *end;
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
static void run_panels(const job *j, tn_gemm_tile *tile, int64_t k0, int64_t first, int64_t last) {
  const tn_gemm *g = j->g;
  tile->a_row = g->pack_a ? 1 : g->a_row;
  tile->a_col = g->pack_a ? g->rows : g->a_col;
  for (int64_t p = first; p < last; p++) {
    int64_t begin, end;
    tn_chunk(g->m, g->panels, p, 1, &begin, &end);
    tile->rows = end - begin;
    tile->a =
        g->pack_a ? (const float *)j->scratch + (p * g->k + k0) * g->rows : j->a + begin * g->a_row + k0 * g->a_col;
    tile->c = j->c + begin * g->n + tile->column;
    if (j->end && j->end->gate) tile->gate = j->end->gate + begin * g->n + tile->column;
    j->t->tile(tile);
  }
}

/* A block of B, from row K0 and column COLUMN, against the row panels [FIRST, LAST). */
static void run_block(const job *j, int64_t k0, int64_t column, int64_t first, int64_t last, float *packed) {
  const tn_gemm *g = j->g;
  const int64_t c0 = column * g->columns, n = at_most(g->columns, g->n - c0);
  const bool whole = n % j->t->lanes == 0, packs = g->pack_b || (g->keep_b && !whole);
  tn_gemm_tile tile = {.columns = n, .k = at_most(g->block_k, g->k - k0), .c_step = g->n, .add = k0 > 0, .column = c0};
  if (k0 + tile.k == g->k) tile.end = j->end; /* before a tail is split off */
  if (packs) pack_b(j, k0, tile.k, c0, n, packed);
  tile.b = packs ? packed : j->b + k0 * g->b_row + c0;
  tile.b_step = packs ? g->columns : g->b_row;
  const int64_t safe = g->k - (whole || packs ? 0 : unsafe_rows(g, j->t->lanes));
  if (k0 + tile.k > safe) {
    const int64_t tail = safe > k0 ? safe : k0;
    tile.tail = k0 + tile.k - tail;
    tile.k = tail - k0;
    tile.tail_b = packed;
    pack_b(j, tail, tile.tail, c0, n, packed);
  }
  if (g->keep_b && !packs && n == g->columns) {
    tile.keep = packed;
    run_panels(j, &tile, k0, first, first + 1);
    first++;
    tile.keep = NULL;
    tile.b = packed;
    tile.b_step = g->columns;
  }
  run_panels(j, &tile, k0, first, last);
}

static void run_task(void *argument, int64_t i) {
  const job *j = argument;
  const tn_gemm *g = j->g;
  float *packed = (float *)(j->scratch + g->a_bytes + (size_t)i * g->task_bytes);
  int64_t column, last_column, first, last;
  tn_chunk(g->column_panels, g->column_tasks, i / g->row_tasks, 1, &column, &last_column);
  tn_chunk(g->panels, g->row_tasks, i % g->row_tasks, 1, &first, &last);
  for (int64_t k0 = 0; k0 < g->k; k0 += g->block_k)
    for (int64_t c = column; c < last_column; c++) run_block(j, k0, c, first, last, packed);
}

void tn_gemm_run(const tn_gemm *g, const float *a, const float *b, float *c, const tn_gemm_end *end, void *scratch) {
  job j = {g, table(), a, b, c, end, scratch};
  if (g->pack_a) {
    const bool small = g->m * g->k < 1 << 14;
    if (small)
      for (int64_t i = 0; i < g->panels; i++) pack_a(&j, i);
    else
      tn_parallel(g->panels, pack_a, &j);
  }
  /* The product before an update often read the variable: what it read last is still in a cache. */
  if (end && end->rate)
    tn_parallel_backwards(g->column_tasks * g->row_tasks, run_task, &j);
  else
    tn_parallel(g->column_tasks * g->row_tasks, run_task, &j);
}
