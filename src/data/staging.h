/* Staging areas: tuples of tensors under keys, which steps put in and others take out. Stage and Unstage number their
 * tuples; MapStage is given the keys, and may bring a tuple in parts. */
#ifndef TN_DATA_STAGING_H
#define TN_DATA_STAGING_H

#include "kernel/step.h"

#define TN_STAGING_TYPE "Staging"

typedef struct tn_staged {
  int64_t key;
  int n, n_there; /* components, and how many of them are there */
  bool complete;  /* it was whole at some time: parts may have been taken out since */
  int64_t bytes;
  tn_tensor *values; /* dtype TN_INVALID: not there */
} tn_staged;

typedef struct tn_staging {
  tn_object object;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  int64_t capacity, memory_limit; /* 0: none */
  int64_t bytes, next_key;
  size_t n, room;
  tn_staged *tuples; /* by key */
} tn_staging;

tn_error *tn_staging_new(int64_t capacity, int64_t memory_limit, tn_staging **out) TN_MUST_USE;

/* Some components of one tuple: number INDICES[i], or i where that is NULL, is VALUES[i]. */
typedef struct tn_staging_part {
  const int64_t *key; /* NULL: a new one, greater than all others; for taking: the least that there is */
  int n;              /* components of a whole tuple */
  int n_values;
  const int32_t *indices;
  tn_tensor *values;
} tn_staging_part;

/* Puts PART in, once there is room. INVALID_ARGUMENT: an index out of range, a component that is there already;
 * RESOURCE_EXHAUSTED: more bytes than the area may hold. */
tn_error *tn_staging_put(tn_staging *s, const tn_step *step, const tn_staging_part *part) TN_MUST_USE;
/* Waits until the tuple is whole and takes the components out, or (PEEK) copies them. *KEY: which tuple it was. */
tn_error *tn_staging_take(tn_staging *s, const tn_step *step, const tn_staging_part *part, bool peek,
                          int64_t *key) TN_MUST_USE;
/* The same from the whole tuple at INDEX in the order of keys. */
tn_error *tn_staging_peek_at(tn_staging *s, const tn_step *step, int64_t index,
                             const tn_staging_part *part) TN_MUST_USE;
/* The number of whole tuples, or of the others. */
int64_t tn_staging_size(tn_staging *s, bool complete);
void tn_staging_clear(tn_staging *s);

#endif
