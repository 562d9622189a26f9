/* What the ops on lookup tables share. */
#ifndef TN_DATA_OPS_LOOKUP_OPS_H
#define TN_DATA_OPS_LOOKUP_OPS_H

#include "base/alloc.h"
#include "data/lookup.h"
#include "graph/shape.h"

/* The table behind input 0. */
static inline tn_error *tn_lookup_of(const tn_run *r, tn_lookup **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_LOOKUP_TYPE, &object));
  *out = (tn_lookup *)object;
  return NULL;
}

/* INVALID_ARGUMENT unless the table goes from KEY to VALUE (TN_INVALID: whatever it is). */
static inline tn_error *tn_lookup_check_types(const tn_run *r, const tn_lookup *table, tn_dtype key, tn_dtype value) {
  const tn_lookup_spec *spec = &table->spec;
  if (key == spec->key_type && (value == TN_INVALID || value == spec->value_type)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Conflicting key/value dtypes %s->%s with %s->%s for table %s",
                       tn_dtype_name(key), tn_dtype_name(value), tn_dtype_name(spec->key_type),
                       tn_dtype_name(spec->value_type), table->name);
}

/* Fills a fixed table with N keys; with content they have to be as many. */
tn_error *tn_lookup_fill(const tn_run *r, tn_lookup *table, const void *keys, const void *values,
                         int64_t n) TN_MUST_USE;

#endif
