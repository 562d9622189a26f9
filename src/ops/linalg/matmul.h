/* The kernels that MatMul and the batch products share. Their state is a tn_batch_product. */
#ifndef TN_OPS_LINALG_MATMUL_H
#define TN_OPS_LINALG_MATMUL_H

#include "ops/linalg/matrix.h"

/* Scratch for, and the run of, the plain kernel for all dtypes. */
size_t tn_matmul_reference_scratch(const tn_prepare *p);
tn_error *tn_matmul_reference(tn_run *r) TN_MUST_USE;

#endif
