/* Deterministic synchronous training: a step is divided into a fixed number of shards. Whoever computes a shard, and
 * whenever its gradients come, they are kept by shard and added in the order of shards. */
#ifndef TN_OPS_STATE_SHARDS_H
#define TN_OPS_STATE_SHARDS_H

#include "kernel/kernel.h"

/* What a claim gives: four int64. The epoch is a random number, another one whenever the chief begins anew, so that
 * what was computed from other values of the variables is never used. */
typedef struct tn_shard_place {
  int64_t epoch, step, shard, kind;
} tn_shard_place;

enum {
  TN_SHARD_COMPUTE, /* compute the gradients of SHARD in STEP */
  TN_SHARD_UPDATE,  /* all of STEP have come: update the variables */
  TN_SHARD_STOP     /* there are no more steps */
};

/* The place in input I. INVALID_ARGUMENT: not four numbers. */
tn_error *tn_shard_place_of(const tn_run *r, int i, tn_shard_place *out) TN_MUST_USE;

/* OUT gets the mean of VALUES[0..N), added in that order and divided by N; all have one dtype and shape.
 * UNIMPLEMENTED where DTYPE has no sums. */
tn_error *tn_shard_mean(int n, const tn_tensor *values, tn_tensor *out) TN_MUST_USE;
/* The N elements at DATA are divided by COUNT. */
tn_error *tn_shard_divide(tn_dtype dtype, void *data, int64_t n, int64_t count) TN_MUST_USE;

#endif
