/* The kernels that MatMul and the batch products share, for the lists of each op. */
#ifndef TN_OPS_LINALG_MATMUL_H
#define TN_OPS_LINALG_MATMUL_H

#include "ops/linalg/matrix.h"

/* Each prepares the product of inputs 0 and 1. */
typedef struct tn_matmul_options {
  bool transpose_a, transpose_b, conjugate;
  bool matrices;  /* no batch dimensions */
  bool broadcast; /* batch dimensions broadcast */
} tn_matmul_options;

/* Our own: float, and 16-bit floats through it. */
tn_error *tn_matmul_gemm_prepare(tn_prepare *p, const tn_matmul_options *o) TN_MUST_USE;
tn_error *tn_matmul_gemm(tn_run *r) TN_MUST_USE;
/* The plain one, for all dtypes. */
tn_error *tn_matmul_reference_prepare(tn_prepare *p, const tn_matmul_options *o) TN_MUST_USE;
tn_error *tn_matmul_reference(tn_run *r) TN_MUST_USE;

/* The list of an op: OPTIONS(prepare) gives a tn_matmul_options; TYPE is the attribute that decides. */
#define TN_MATMUL_KERNELS(LIST, OPTIONS, TYPE)                                                                         \
  static tn_error *LIST##_gemm(tn_prepare *p) {                                                                        \
    const tn_matmul_options o = OPTIONS(p);                                                                            \
    return tn_matmul_gemm_prepare(p, &o);                                                                              \
  }                                                                                                                    \
  static tn_error *LIST##_reference(tn_prepare *p) {                                                                   \
    const tn_matmul_options o = OPTIONS(p);                                                                            \
    return tn_matmul_reference_prepare(p, &o);                                                                         \
  }                                                                                                                    \
  static const tn_kernel_def LIST[] = {                                                                                \
      {.name = "gemm",                                                                                                 \
       .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF) | TN_BIT(TN_BFLOAT16),                                              \
       .type_attr = TYPE,                                                                                              \
       .prepare = LIST##_gemm,                                                                                         \
       .run = tn_matmul_gemm},                                                                                         \
      {.name = "reference", .type_attr = TYPE, .prepare = LIST##_reference, .run = tn_matmul_reference},               \
      {0},                                                                                                             \
  }

#endif
