/* The largest live tensors of a step that ran out of memory. */
#ifndef TN_RUNTIME_LIVE_H
#define TN_RUNTIME_LIVE_H

#include "runtime/frames.h"

#define TN_LARGEST 5

typedef struct tn_ranked {
  size_t bytes;
  const void *id; /* what is in the list under this already does not come again */
  tn_dtype dtype;
  tn_shape shape;
  const tn_node *node;
  int output;
} tn_ranked;

typedef struct tn_ranking {
  int n;
  tn_ranked top[TN_LARGEST];
} tn_ranking;

/* Puts ONE into the ranking if it is large enough. */
void tn_rank(tn_ranking *ranking, const tn_ranked *one);
/* Adds the ranking to the message of ERROR. */
tn_error *tn_name_ranked(tn_error *error, const tn_ranking *ranking) TN_MUST_USE;
/* Adds the largest values that wait in FLOW to the message of ERROR. */
tn_error *tn_name_largest(tn_error *error, const tn_flow *flow) TN_MUST_USE;

#endif
