/* Tables of reducers by dtype, and what the reduction ops share. */
#ifndef TN_OPS_REDUCE_REDUCERS_H
#define TN_OPS_REDUCE_REDUCERS_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/reduce.h"

/* By dtype; NULL where the op has no kernel for it. */
typedef const tn_reducer *const tn_reducer_table[TN_N_DTYPES];

/* PREPARE of a reduction: the shape of output 0, and state for tn_reduce_run. */
tn_error *tn_reduce_prepare(tn_prepare *p, tn_reducer_table table) TN_MUST_USE;
tn_error *tn_reduce_run(tn_run *r);

/* --- gradients --- */
/* The shape (int32) that the forward output would have with keep_dims, for reshaping gradients; as
 * math_ops.reduced_shape. */
tn_output tn_build_kept_shape(tn_gradient_ctx *c);
/* The incoming gradient broadcast to the shape of the forward input. */
tn_output tn_build_spread(tn_gradient_ctx *c, tn_output gradient);
/* X reshaped to the kept shape unless the op keeps its dimensions. */
tn_output tn_build_kept(tn_gradient_ctx *c, tn_output x);

/* --- reducers: NAME is defined for element TYPE with accumulators ACC, where LOAD(v) makes an ACC of an element,
 * STEP(a, v) joins two ACCs, SAVE(a, count) makes an element. LANES independent sums keep long rows accurate and fast.
 * --- */
#define TN_REDUCER(NAME, TYPE, ACC, START, LOAD, STEP, SAVE)                                                           \
  static void NAME##_init(void *acc, int64_t n) {                                                                      \
    for (int64_t i = 0; i < n; i++) ((ACC *)acc)[i] = (START);                                                         \
  }                                                                                                                    \
  static void NAME##_row(void *acc, const void *in, int64_t n) {                                                       \
    const TYPE *x = in;                                                                                                \
    enum { LANES = 32 };                                                                                               \
    ACC lanes[LANES];                                                                                                  \
    int64_t i = 0;                                                                                                     \
    ACC sum = *(ACC *)acc;                                                                                             \
    if (n >= 2 * LANES) {                                                                                              \
      for (int k = 0; k < LANES; k++) lanes[k] = LOAD(x[k]);                                                           \
      for (i = LANES; i + LANES <= n; i += LANES)                                                                      \
        for (int k = 0; k < LANES; k++) lanes[k] = STEP(lanes[k], LOAD(x[i + k]));                                     \
      for (int half = LANES / 2; half; half /= 2)                                                                      \
        for (int k = 0; k < half; k++) lanes[k] = STEP(lanes[k], lanes[k + half]);                                     \
      sum = STEP(sum, lanes[0]);                                                                                       \
    }                                                                                                                  \
    for (; i < n; i++) sum = STEP(sum, LOAD(x[i]));                                                                    \
    *(ACC *)acc = sum;                                                                                                 \
  }                                                                                                                    \
  static void NAME##_column(void *acc, const void *in, int64_t n) {                                                    \
    ACC *a = acc;                                                                                                      \
    const TYPE *x = in;                                                                                                \
    for (int64_t i = 0; i < n; i++) a[i] = STEP(a[i], LOAD(x[i]));                                                     \
  }                                                                                                                    \
  static void NAME##_merge(void *acc, const void *other, int64_t n) {                                                  \
    ACC *a = acc;                                                                                                      \
    const ACC *b = other;                                                                                              \
    for (int64_t i = 0; i < n; i++) a[i] = STEP(a[i], b[i]);                                                           \
  }                                                                                                                    \
  static void NAME##_store(void *out, const void *acc, int64_t n, int64_t count) {                                     \
    TYPE *y = out;                                                                                                     \
    const ACC *a = acc;                                                                                                \
    (void)count;                                                                                                       \
    for (int64_t i = 0; i < n; i++) y[i] = SAVE(a[i]);                                                                 \
  }                                                                                                                    \
  static const tn_reducer NAME = {sizeof(ACC), NAME##_init, NAME##_row, NAME##_column, NAME##_merge, NAME##_store}

#define TN_AS_IS(v) (v)
typedef float _Complex tn_complex64;
typedef double _Complex tn_complex128;

#endif
