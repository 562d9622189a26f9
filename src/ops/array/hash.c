/* Hashing and comparing slices by value. */
#include "ops/array/hash.h"

#include <string.h>

#include "base/map.h"

static uint64_t capacity(int64_t n) {
  uint64_t size = 16;
  while (size < 2 * (uint64_t)n) size *= 2;
  return size;
}

size_t tn_slots_size(int64_t n) { return capacity(n) * sizeof(int64_t); }

void tn_slots_init(tn_slots *s, int64_t n, void *scratch) {
  s->slot = scratch;
  s->mask = capacity(n) - 1;
  memset(s->slot, 0, tn_slots_size(n));
}

static double real_at(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: return TN_DATA(float, t)[i];
  case TN_DOUBLE: return TN_DATA(double, t)[i];
  case TN_HALF: return tn_half_to_float(TN_DATA(uint16_t, t)[i]);
  default: return tn_bfloat16_to_float(TN_DATA(uint16_t, t)[i]);
  }
}

static bool same_element(const tn_tensor *a, int64_t i, const tn_tensor *b, int64_t j) {
  if (tn_dtype_is_floating(a->dtype)) return real_at(a, i) == real_at(b, j);
  if (a->dtype == TN_STRING) {
    const tn_string *x = TN_DATA(tn_string, a) + i, *y = TN_DATA(tn_string, b) + j;
    return x->size == y->size && (x->size == 0 || memcmp(x->data, y->data, x->size) == 0);
  }
  return memcmp(tn_at(a, i), tn_at(b, j), tn_dtype_size(a->dtype)) == 0;
}

static uint64_t element_hash(const tn_tensor *t, int64_t i, uint64_t seed) {
  if (tn_dtype_is_floating(t->dtype)) {
    double value = real_at(t, i);
    if (value == 0) value = 0; /* both zeros hash alike */
    return tn_hash(&value, sizeof value, seed);
  }
  if (t->dtype == TN_STRING) return tn_hash(TN_DATA(tn_string, t)[i].data, TN_DATA(tn_string, t)[i].size, seed);
  return tn_hash(tn_at(t, i), tn_dtype_size(t->dtype), seed);
}

static bool same_item(const tn_items *a, int64_t i, const tn_items *b, int64_t j) {
  for (int64_t o = 0; o < a->outer; o++)
    for (int64_t k = 0; k < a->inner; k++)
      if (!same_element(a->t, (o * a->n + i) * a->inner + k, b->t, (o * b->n + j) * b->inner + k)) return false;
  return true;
}

static uint64_t item_hash(const tn_items *items, int64_t i) {
  uint64_t hash = 0;
  for (int64_t o = 0; o < items->outer; o++)
    for (int64_t k = 0; k < items->inner; k++)
      hash = element_hash(items->t, (o * items->n + i) * items->inner + k, hash);
  return hash;
}

/* The bits of an integer element, the same for equal ones. */
static inline uint64_t bits_at(const tn_tensor *t, int64_t i, size_t size) {
  switch (size) {
  case 8: return TN_DATA(uint64_t, t)[i];
  case 4: return TN_DATA(uint32_t, t)[i];
  case 2: return TN_DATA(uint16_t, t)[i];
  default: return TN_DATA(uint8_t, t)[i];
  }
}

/* Items that are single integers: no need to go through bytes. */
static int64_t find_integer(tn_slots *s, const tn_items *in, const tn_items *items, int64_t i, bool put) {
  size_t size = tn_dtype_size(items->t->dtype);
  uint64_t key = bits_at(items->t, i, size), at = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
  for (at = (at >> 32) & s->mask; s->slot[at]; at = (at + 1) & s->mask)
    if (bits_at(in->t, s->slot[at] - 1, size) == key) return s->slot[at] - 1;
  if (put) s->slot[at] = i + 1;
  return -1;
}

int64_t tn_slots_find(tn_slots *s, const tn_items *in, const tn_items *items, int64_t i, bool put) {
  if (items->outer == 1 && items->inner == 1 && tn_dtype_is_integer(items->t->dtype))
    return find_integer(s, in, items, i, put);
  uint64_t at = item_hash(items, i) & s->mask;
  for (; s->slot[at]; at = (at + 1) & s->mask)
    if (same_item(in, s->slot[at] - 1, items, i)) return s->slot[at] - 1;
  if (put) s->slot[at] = i + 1;
  return -1;
}
