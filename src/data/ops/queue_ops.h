/* What the ops on queues share. */
#ifndef TN_DATA_OPS_QUEUE_OPS_H
#define TN_DATA_OPS_QUEUE_OPS_H

#include "base/alloc.h"
#include "data/queue.h"
#include "graph/shape.h"

/* The queue behind input 0. */
tn_error *tn_queue_of(const tn_run *r, tn_queue **out) TN_MUST_USE;
/* Cuts input I + 1 into its COUNT rows: tuples[k * (inputs - 1) + i]. They share one buffer. */
tn_error *tn_queue_cut(const tn_run *r, int i, int64_t count, tn_tensor *tuples) TN_MUST_USE;
/* INVALID_ARGUMENT unless the node's outputs have the types of Q's components. */
tn_error *tn_queue_check_outputs(const tn_run *r, const tn_queue *q) TN_MUST_USE;
/* Output I becomes component I of COUNT elements of Q, as tn_queue_take takes them. */
tn_error *tn_queue_take_batch(tn_run *r, tn_queue *q, int64_t count, bool less) TN_MUST_USE;

#endif
