/* What the ops on queues share. */
#ifndef TN_DATA_OPS_QUEUE_OPS_H
#define TN_DATA_OPS_QUEUE_OPS_H

#include "base/alloc.h"
#include "data/queue.h"
#include "graph/shape.h"

/* The queue behind input 0. */
tn_error *tn_queue_of(const tn_run *r, tn_queue **out) TN_MUST_USE;

#endif
