/* Accumulators: they add up gradients, dense ones or rows, until enough have come; those of old steps are dropped. */
#ifndef TN_OPS_STATE_ACCUMULATOR_H
#define TN_OPS_STATE_ACCUMULATOR_H

#include <pthread.h>

#include "base/map.h"
#include "graph/shape.h"
#include "kernel/handle.h"
#include "kernel/step.h"

#define TN_ACCUMULATOR_TYPE        "ConditionalAccumulator"
#define TN_SPARSE_ACCUMULATOR_TYPE "SparseConditionalAccumulator"

typedef struct tn_accumulator {
  tn_object object;
  char *name;
  tn_dtype dtype;
  tn_shape shape;        /* of the gradients, as far as it is known */
  bool mean;             /* what is taken is divided by the number of gradients */
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  tn_waiting waiting; /* for enough gradients */
  int64_t wanted;     /* the least number that somebody waits for; 0: none since they were woken */
  int64_t step, count;
  tn_tensor sum; /* dense */
  /* Rows: each index is at a place, with a row of ROW elements and the number of gradients that it got. */
  tn_map *places;
  tn_shape row;
  int64_t n, room;
  int64_t *indices, *counts;
  void *rows;
} tn_accumulator;

tn_error *tn_accumulator_new(const char *name, const tn_node *node, bool sparse, tn_accumulator **out) TN_MUST_USE;
/* The accumulator behind input 0, of either kind. */
tn_error *tn_accumulator_of(const tn_run *r, tn_accumulator **out) TN_MUST_USE;
/* The same, of TYPE, with its lock held; the dtype is that of the node. *STALE: local_step, input 1, is too old. */
tn_error *tn_accumulator_hold(const tn_run *r, const char *type, tn_accumulator **out, bool *stale) TN_MUST_USE;
/* The same for input 1 num_required: once as many gradients have come. *OUT stays NULL, and the lock free, if R is to
 * wait without a thread. */
tn_error *tn_accumulator_wait(tn_run *r, const char *type, tn_accumulator **out) TN_MUST_USE;
/* With the lock held: one gradient more has come. */
void tn_accumulator_count(tn_accumulator *a);
/* With the lock held: it is empty, for the next step. */
void tn_accumulator_next(tn_accumulator *a);
/* N elements of DTYPE at DATA are divided by COUNT. */
tn_error *tn_accumulator_divide(tn_dtype dtype, void *data, int64_t n, int64_t count) TN_MUST_USE;

#endif
