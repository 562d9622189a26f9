/* Batches put together row by row. */
#ifndef TN_DATA_BATCH_H
#define TN_DATA_BATCH_H

#include "data/source.h"

/* Rows that become one tensor per component. */
typedef struct tn_batch {
  int n;
  int64_t rows, capacity;
  tn_tensor *parts;
} tn_batch;

/* Adds ELEMENT, which is used up. ASK: the rows that are expected. INVALID_ARGUMENT where its shapes differ from those
 * of the first. */
tn_error *tn_batch_add(tn_batch *b, int n, tn_tensor *element, int64_t ask) TN_MUST_USE;
/* Moves the tensors to OUT. */
void tn_batch_finish(tn_batch *b, tn_tensor *out);
void tn_batch_clear(tn_batch *b);

/* The source and cursor of BatchDataset. */
typedef struct tn_batch_source {
  tn_source base;
  int64_t size;
  bool drop;
} tn_batch_source;
extern const tn_source_kind tn_batch_kind;
/* INVALID_ARGUMENT unless SIZE is positive. */
tn_error *tn_batch_check(tn_run *r, int64_t size) TN_MUST_USE;
int64_t tn_batch_size(const tn_source *s);
tn_error *tn_batch_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) TN_MUST_USE;

#endif
