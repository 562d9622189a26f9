/* The largest live tensors of a step that ran out of memory. */
#ifndef TN_RUNTIME_LIVE_H
#define TN_RUNTIME_LIVE_H

#include "runtime/frames.h"

/* Adds the largest values that wait in FLOW to the message of ERROR. */
tn_error *tn_name_largest(tn_error *error, const tn_flow *flow) TN_MUST_USE;

#endif
