/* Iterators: resources that draw elements from a dataset, one after the other. */
#ifndef TN_DATA_ITERATOR_H
#define TN_DATA_ITERATOR_H

#include "base/str.h"
#include "data/source.h"

#define TN_ITERATOR_TYPE "Iterator"

typedef struct tn_iterator tn_iterator;

/* An iterator without a dataset. TYPES and SHAPES (N each) are what it will give; N 0: not known. */
tn_error *tn_iterator_new(size_t n, const tn_dtype *types, const tn_shape *shapes, tn_object **out) TN_MUST_USE;
/* Starts to draw from SOURCE in the session of STEP. INVALID_ARGUMENT: it has other types or shapes. */
tn_error *tn_iterator_start(tn_iterator *it, tn_source *source, const tn_step *step) TN_MUST_USE;
/* The next element. FAILED_PRECONDITION: there is no dataset yet. */
tn_error *tn_iterator_next(tn_iterator *it, const tn_step *step, int n, tn_tensor *out, bool *end) TN_MUST_USE;
/* Where it is, as bytes: how many elements were asked for, and the seeds of shuffles. FAILED_PRECONDITION: no dataset.
 */
tn_error *tn_iterator_save(tn_iterator *it, const tn_step *step, tn_str *out) TN_MUST_USE;
/* Begins its dataset anew, and goes to where BYTES say. INVALID_ARGUMENT: they are of another dataset. */
tn_error *tn_iterator_restore(tn_iterator *it, const tn_step *step, tn_string bytes) TN_MUST_USE;
bool tn_iterator_started(tn_iterator *it);
/* INVALID_ARGUMENT if the iterator gives other types or shapes than these; N 0: anything will do. */
tn_error *tn_iterator_check(tn_iterator *it, size_t n, const tn_dtype *types, const tn_shape *shapes) TN_MUST_USE;

/* Makes the iterator known as NAME in the container TN_ITERATOR_NAMES of RESOURCES. *OUT is a new reference. */
#define TN_ITERATOR_NAMES "tenon.iterators"
tn_error *tn_iterator_name(tn_iterator *it, tn_resources *resources, const char *name, tn_object **out) TN_MUST_USE;

/* A run through SOURCE that lives no longer than a kernel's RUN: a scope, a step in it and a cursor. */
typedef struct tn_visit {
  tn_session_state *scope;
  tn_step step;
  tn_cursor *cursor;
} tn_visit;
tn_error *tn_visit_begin(tn_visit *visit, tn_source *source, const tn_step *parent) TN_MUST_USE;
void tn_visit_end(tn_visit *visit);

#endif
