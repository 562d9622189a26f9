/* Fused batch normalisation: what the forward and gradient ops share. */
#ifndef TN_OPS_NN_BATCH_NORM_H
#define TN_OPS_NN_BATCH_NORM_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/wide.h"

/* Images as [batch, channels, inner] with a step between neighbours in each. */
typedef struct tn_norm_plan {
  int64_t batch, channels, inner;
  int64_t batch_step, channel_step, inner_step;
  bool training;
  double epsilon, factor; /* FACTOR: how much of the batch's statistics goes into the running ones */
  int64_t chunks;         /* of the vector kernels: over batch * inner positions */
} tn_norm_plan;

/* True for NCHW and NCDHW. */
bool tn_norm_channels_first(const tn_node *node);
/* 4 or 5, as the data format says. */
int tn_norm_rank(const tn_node *node);
/* Checks that input IMAGE has the right rank and that the N inputs VECTORS are [channels]; makes the state. */
tn_error *tn_norm_prepare(tn_prepare *p, int image, int n, const int *vectors, tn_norm_plan **out) TN_MUST_USE;

/* Float images with the channels last: completes a plan, runs it. */
tn_error *tn_norm_vector_plan(tn_prepare *p, tn_norm_plan *plan) TN_MUST_USE;
tn_error *tn_norm_vector(tn_run *r) TN_MUST_USE;
tn_error *tn_norm_vector_gradient(tn_run *r) TN_MUST_USE;

/* The gradient of the gradient ops: built from plain ops, then differentiated (V3 has one more input). */
tn_error *tn_norm_second_gradient(tn_gradient_ctx *c) TN_MUST_USE;

#endif
