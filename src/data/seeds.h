/* What gives each run through a shuffled dataset its seeds. */
#ifndef TN_DATA_SEEDS_H
#define TN_DATA_SEEDS_H

#include "tensor/tensor.h"

#define TN_SEEDS_TYPE "SeedGenerator"

typedef struct tn_seeds tn_seeds;

/* TensorFlow's rule: two zeros stand for seeds that nobody chose. FIXED: each run gets the same ones. */
tn_error *tn_seeds_new(int64_t seed, int64_t seed2, bool fixed, tn_seeds **out) TN_MUST_USE;
void tn_seeds_draw(tn_seeds *s, int64_t out[2]);
/* What it was made from; and to begin anew from other ones. */
void tn_seeds_get(tn_seeds *s, int64_t out[2]);
void tn_seeds_restart(tn_seeds *s, const int64_t seeds[2]);

#endif
