/* Datasets of elements that were collected. */
#include "data/stored.h"

#include <string.h>

#include "base/alloc.h"

tn_error *tn_stored_add(tn_stored *list, int n, tn_tensor *element) {
  if (list->rows == list->capacity) {
    int64_t more = list->capacity ? 2 * list->capacity : 8;
    tn_tensor *grown = tn_realloc(list->elements, (size_t)(more * n + 1) * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    list->elements = grown;
    list->capacity = more;
    list->n = n;
  }
  tn_element_move(n, list->elements + list->rows++ * n, element);
  return NULL;
}

void tn_stored_drop(tn_stored *list, int64_t rows) {
  if (rows > list->rows) rows = list->rows;
  for (int64_t i = 0; i < rows * list->n; i++) tn_tensor_clear(&list->elements[i]);
  list->rows -= rows;
  if (rows > 0 && list->rows > 0) {
    memmove(list->elements, list->elements + rows * list->n, (size_t)(list->rows * list->n) * sizeof *list->elements);
  }
}

void tn_stored_clear(tn_stored *list) {
  tn_stored_drop(list, list->rows);
  tn_free(list->elements);
  *list = (tn_stored){0};
}

typedef struct stored {
  tn_source base;
  tn_stored list;
} stored;

typedef struct place {
  tn_cursor base;
  int64_t at;
} place;

static void drop(tn_source *s) { tn_stored_clear(&((stored *)s)->list); }
static int64_t size(const tn_source *s) { return ((const stored *)s)->list.rows; }

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  const tn_stored *list = &((const stored *)c->source)->list;
  place *p = (place *)c;
  *end = p->at >= list->rows;
  if (!*end) tn_element_share(c->source->n, out, list->elements + p->at++ * list->n);
  return NULL;
}

static const tn_source_kind kind = {
    "WindowDataset", sizeof(stored), sizeof(place), 0, NULL, drop, size, NULL, next, NULL};

static tn_error *fill(const tn_stored_view *view, stored *s) {
  tn_tensor *row = NULL;
  TN_TRY(tn_element_new(view->n, &row));
  tn_error *error = NULL;
  for (int64_t i = 0; i < view->rows && !error; i++) {
    tn_element_share(view->n, row, view->list->elements + i * view->stride * view->list->n + view->first);
    error = tn_stored_add(&s->list, view->n, row);
  }
  tn_element_free(view->n, row);
  return error;
}

tn_error *tn_stored_dataset(const tn_stored_view *view, const tn_source *like, tn_tensor *out) {
  tn_source *made = NULL;
  TN_TRY(tn_source_new(&kind, like, &made));
  made->n = view->n;
  for (int i = 0; i < view->n; i++) {
    made->types[i] = like->types[view->first + i];
    made->shapes[i] = like->shapes[view->first + i];
  }
  tn_error *error = fill(view, (stored *)made);
  if (error) {
    tn_source_unref(made);
    return error;
  }
  return tn_source_wrap(made, out);
}
