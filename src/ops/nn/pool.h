/* Pools: what the max and average ones share, in two and three dimensions. */
#ifndef TN_OPS_NN_POOL_H
#define TN_OPS_NN_POOL_H

#include "ops/nn/window.h"

typedef enum tn_pool_kind {
  TN_POOL_MAX,
  TN_POOL_MAX_ARG,       /* with the place of each maximum */
  TN_POOL_MAX_GRAD,      /* (input, output, gradient) -> gradient of the input */
  TN_POOL_MAX_GRAD_GRAD, /* (input, output, gradient of the input's gradient) -> that of the output's */
  TN_POOL_AVG,
  TN_POOL_AVG_GRAD /* (shape of the input, gradient) -> gradient of the input */
} tn_pool_kind;

/* The state of every pool kernel. */
typedef struct tn_pool {
  tn_window window;
  int64_t depth; /* neighbouring channels that are pooled into one */
  bool batch_index;
} tn_pool;

/* --- shape functions; MaxPoolV2 and its kin take ksize and strides as their last two inputs --- */
/* Output 0 from image input 0. AVERAGE: no pooling over channels. */
tn_error *tn_pool_shape(tn_shape_ctx *c, int spatial, bool average, bool inputs) TN_MUST_USE;
/* The shape of input 0, which has rank SPATIAL + 2. */
tn_error *tn_pool_grad_shape(tn_shape_ctx *c, int spatial) TN_MUST_USE;
/* As tn_pool_shape; input 2 has the shape of input 0, and input 1 that of the output. */
tn_error *tn_pool_grad_grad_shape(tn_shape_ctx *c, int spatial, bool inputs) TN_MUST_USE;
/* The value of input 0, SPATIAL + 2 sizes. */
tn_error *tn_pool_sizes_shape(tn_shape_ctx *c, int spatial) TN_MUST_USE;

/* --- kernels --- */
/* Finds the geometry, checks all inputs and sets all outputs. */
tn_error *tn_pool_prepare(tn_prepare *p, tn_pool_kind kind, int spatial, tn_pool *out) TN_MUST_USE;
/* The plain kernels for all dtypes; the state is a tn_pool. */
tn_error *tn_pool_reference_prepare(tn_prepare *p, tn_pool_kind kind, int spatial) TN_MUST_USE;
tn_error *tn_pool_reference(tn_run *r, tn_pool_kind kind) TN_MUST_USE;

/* Float images with the channels last, a vector of channels at a time: all kinds but TN_POOL_MAX_ARG and
 * TN_POOL_MAX_GRAD_GRAD. */
tn_error *tn_pool_vector_prepare(tn_prepare *p, tn_pool_kind kind, int spatial) TN_MUST_USE;
tn_error *tn_pool_vector(tn_run *r, tn_pool_kind kind) TN_MUST_USE;

#endif
