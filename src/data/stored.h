/* Datasets of elements that were collected: windows and groups. */
#ifndef TN_DATA_STORED_H
#define TN_DATA_STORED_H

#include "data/source.h"

/* A growing list of elements of N components each. */
typedef struct tn_stored {
  int n;
  int64_t rows, capacity;
  tn_tensor *elements;
} tn_stored;
/* Moves ELEMENT to the end of the list. */
tn_error *tn_stored_add(tn_stored *list, int n, tn_tensor *element) TN_MUST_USE;
/* Drops the first ROWS elements. */
void tn_stored_drop(tn_stored *list, int64_t rows);
void tn_stored_clear(tn_stored *list);

/* The variant of a dataset of components [FIRST, FIRST + N) of ROWS elements of LIST, every STRIDE-th. */
typedef struct tn_stored_view {
  const tn_stored *list;
  int first, n;
  int64_t rows, stride;
} tn_stored_view;
tn_error *tn_stored_dataset(const tn_stored_view *view, const tn_source *like, tn_tensor *out) TN_MUST_USE;

#endif
