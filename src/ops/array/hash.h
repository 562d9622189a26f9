/* A hash table over the slices of a tensor, in scratch memory: for Unique and ListDiff. */
#ifndef TN_OPS_ARRAY_HASH_H
#define TN_OPS_ARRAY_HASH_H

#include "ops/array/array.h"

/* Item I of T, seen as [outer, n, inner], is the elements [:, i, :]. Floats compare as numbers: 0 is -0, NaN is
 * nothing. */
typedef struct tn_items {
  const tn_tensor *t;
  int64_t outer, n, inner;
} tn_items;

typedef struct tn_slots {
  int64_t *slot; /* item + 1, 0 where empty; a power of two of them */
  uint64_t mask;
} tn_slots;

/* Bytes of scratch for a table of N items. */
size_t tn_slots_size(int64_t n);
void tn_slots_init(tn_slots *s, int64_t n, void *scratch);
/* The item in S that equals item I of ITEMS (those in S are of IN), else -1. PUT: then adds I (ITEMS must be IN). */
int64_t tn_slots_find(tn_slots *s, const tn_items *in, const tn_items *items, int64_t i, bool put);

#endif
