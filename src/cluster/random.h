/* Numbers that nobody can guess or get again. */
#ifndef TN_CLUSTER_RANDOM_H
#define TN_CLUSTER_RANDOM_H

#include <stdint.h>
#include <tenon/error.h>

/* Not 0. */
tn_error *tn_random_u64(uint64_t *out) TN_MUST_USE;

#endif
