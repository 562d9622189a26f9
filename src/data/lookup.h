/* Lookup tables: from keys to values, in the order in which the keys came. */
#ifndef TN_DATA_LOOKUP_H
#define TN_DATA_LOOKUP_H

#include <pthread.h>

#include "base/map.h"
#include "base/str.h"
#include "kernel/kernel.h"

#define TN_LOOKUP_TYPE "Table"

typedef enum tn_lookup_kind { TN_LOOKUP_FIXED, TN_LOOKUP_MUTABLE, TN_LOOKUP_TENSORS, TN_LOOKUP_DENSE } tn_lookup_kind;

typedef struct tn_lookup_spec {
  tn_lookup_kind kind;
  tn_dtype key_type, value_type;
  tn_shape key, value;                      /* of one key and one value */
  const tn_tensor *empty_key, *deleted_key; /* of TN_LOOKUP_DENSE: keys that may not be used; NULL: none */
} tn_lookup_spec;

typedef struct tn_lookup {
  tn_object object;
  char *name;
  tn_lookup_spec spec; /* its two keys are the table's own */
  tn_tensor reserved[2];
  int64_t key_elements, value_elements;
  pthread_rwlock_t lock; /* guards what follows */
  bool initialized;      /* a fixed table has got its content */
  tn_map *places;        /* key: its place + 1 */
  int64_t n, room;
  void *keys, *values; /* ROOM keys and values one behind the other */
} tn_lookup;

tn_error *tn_lookup_new(const char *name, const tn_lookup_spec *spec, tn_lookup **out) TN_MUST_USE;
/* INVALID_ARGUMENT if the table is not what SPEC says. */
tn_error *tn_lookup_check(const tn_lookup *table, const tn_lookup_spec *spec) TN_MUST_USE;

/* --- with the lock held --- */
/* Finds N keys: copies their values to OUT, or the one of MISSING (EACH: the one at the same place there). */
tn_error *tn_lookup_find(const tn_lookup *table, const void *keys, int64_t n, const void *missing, bool each,
                         void *out) TN_MUST_USE;
/* Sets N keys. FRESH: FAILED_PRECONDITION for a key that has another value already. */
tn_error *tn_lookup_put(tn_lookup *table, const void *keys, const void *values, int64_t n, bool fresh) TN_MUST_USE;
tn_error *tn_lookup_remove(tn_lookup *table, const void *keys, int64_t n) TN_MUST_USE;
void tn_lookup_clear(tn_lookup *table);
/* INVALID_ARGUMENT if one of N keys is one that may not be used. */
tn_error *tn_lookup_check_keys(const tn_lookup *table, const void *keys, int64_t n) TN_MUST_USE;

#endif
