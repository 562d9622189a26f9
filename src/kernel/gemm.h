/* Our own product of float32 matrices: C[m,n] = A[m,k] B[k,n]. Every element of C is one chain of multiply-adds over k,
 * split in blocks that depend on the shape alone, so the bits are the same for any number of threads. */
#ifndef TN_KERNEL_GEMM_H
#define TN_KERNEL_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A planned product. C is dense; A and B have strides in elements, one of which is 1 in each. */
typedef struct tn_gemm {
  int64_t m, n, k;
  int64_t a_row, a_col, b_row, b_col;
  /* the plan */
  int64_t block_k;               /* steps of k between two visits of C */
  int64_t rows, panels, columns; /* row panels of up to ROWS rows; column panels of COLUMNS columns */
  int64_t column_panels;
  int64_t row_tasks, column_tasks; /* tasks: a grid over the panels */
  bool pack_a, pack_b;             /* pack_b: all of B; else only the end of its rows */
  bool keep_b;                     /* the first row panel leaves a packed copy of B for the others */
  size_t a_bytes, task_bytes;      /* scratch */
} tn_gemm;

/* What becomes of the sums. */
typedef struct tn_gemm_end {
  const float *bias; /* a row of n that is added to each row of C; NULL: none */
  bool relu;         /* then what is negative becomes 0 */
  const float *gate; /* not NULL: C is multiplied by 1 where this matrix of C's size is positive, else by 0 */
  const float *rate; /* not NULL: C -= sum * *RATE instead; only with K <= TN_GEMM_BLOCK */
} tn_gemm_end;

enum { TN_GEMM_BLOCK = 1024 }; /* the most steps of k between two visits of C */

/* A tile of C: C(i, j) (=, or += where ADD) the sum over K steps of a[i * a_row + k * a_col] * b[k * b_step + j]. B has
 * whole vectors. */
typedef struct tn_gemm_tile {
  int64_t rows, columns, k;
  const float *a, *b;
  int64_t a_row, a_col, b_step;
  int64_t tail; /* more steps after these, whose whole vectors of B lie in TAIL_B without gaps */
  const float *tail_b;
  float *c;
  int64_t c_step;
  bool add;
  const tn_gemm_end *end; /* NULL: nothing more is to do */
  int64_t column;         /* of C, for the bias */
  const float *gate;      /* END's, at this tile */
  float *keep;            /* not NULL: the rows of B are also put here, two vectors each */
} tn_gemm_tile;

/* What the code for one instruction set gives. */
typedef struct tn_gemm_table {
  int64_t lanes, rows;
  void (*tile)(const tn_gemm_tile *t); /* up to ROWS rows and two vectors of columns */
  /* out[k * out_step + i] = in[i * in_step + k] for i < n, k < steps; anything up to whole vectors. */
  void (*transpose)(int64_t n, int64_t steps, const float *in, int64_t in_step, float *out, int64_t out_step);
  /* The same from in[k * in_step + i]. */
  void (*copy)(int64_t n, int64_t steps, const float *in, int64_t in_step, float *out, int64_t out_step);
} tn_gemm_table;

extern const tn_gemm_table tn_gemm_generic, tn_gemm_neon, tn_gemm_avx2, tn_gemm_avx512;

/* Fills the plan from the sizes and strides; all sizes at least 1. */
void tn_gemm_plan(tn_gemm *g);
size_t tn_gemm_scratch(const tn_gemm *g);
/* Runs it with tn_parallel; END may be NULL. */
void tn_gemm_run(const tn_gemm *g, const float *a, const float *b, float *c, const tn_gemm_end *end, void *scratch);

#endif
