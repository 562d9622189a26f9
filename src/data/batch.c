/* Batches: each row is copied to its place as it comes. */
#include "data/batch.h"

#include <string.h>

#include "base/alloc.h"
#include "data/rows.h"

/* Rows that room is made for at once where nothing tells how many come. */
#define FIRST_ROWS  4096
#define FIRST_BYTES ((int64_t)256 << 20)

static tn_error *begin(tn_batch *b, int n, const tn_tensor *element, int64_t ask) {
  b->n = n;
  int64_t capacity = ask;
  for (int i = 0; i < n; i++) {
    int64_t bytes = tn_elements(&element[i]) * (int64_t)tn_dtype_size(element[i].dtype) + 1;
    int64_t most = FIRST_BYTES / bytes > 1 ? FIRST_BYTES / bytes : 1;
    if (ask > FIRST_ROWS && capacity > FIRST_ROWS) capacity = FIRST_ROWS;
    if (capacity > most) capacity = most;
  }
  TN_TRY(tn_element_new(n, &b->parts));
  for (int i = 0; i < n; i++) {
    tn_shape shape;
    TN_TRY(tn_shape_of_rows(&element[i].shape, capacity, &shape));
    TN_TRY(tn_tensor_init(&b->parts[i], element[i].dtype, &shape));
  }
  b->capacity = capacity;
  return NULL;
}

/* Room for twice as many rows: elements move bit by bit, and their old places are forgotten. */
static tn_error *grow(tn_batch *b) {
  for (int i = 0; i < b->n; i++) {
    tn_tensor *part = &b->parts[i], larger = {0};
    tn_shape shape = part->shape;
    shape.dims[0] = 2 * b->capacity;
    TN_TRY(tn_tensor_init(&larger, part->dtype, &shape));
    if (part->buffer->size) {
      memcpy(larger.data, part->data, part->buffer->size);
      memset(part->data, 0, part->buffer->size);
    }
    tn_tensor_clear(part);
    *part = larger;
  }
  b->capacity *= 2;
  return NULL;
}

static tn_error *check_row(const tn_batch *b, int i, const tn_tensor *row) {
  const tn_tensor *part = &b->parts[i];
  bool same = row->dtype == part->dtype && row->shape.rank == part->shape.rank - 1;
  for (int d = 0; same && d < row->shape.rank; d++) same = row->shape.dims[d] == part->shape.dims[d + 1];
  if (same) return NULL;
  tn_shape first = part->shape;
  first.rank--;
  memmove(first.dims, part->shape.dims + 1, (size_t)first.rank * sizeof *first.dims);
  return tn_errorf(TN_INVALID_ARGUMENT,
                   "Cannot batch tensors with different shapes in component %d. First element had shape %s and element "
                   "%lld had shape %s.",
                   i, TN_SHAPE_STR(&first), (long long)b->rows, TN_SHAPE_STR(&row->shape));
}

tn_error *tn_batch_add(tn_batch *b, int n, tn_tensor *element, int64_t ask) {
  if (!b->parts) TN_TRY(begin(b, n, element, ask));
  if (b->rows == b->capacity) TN_TRY(grow(b));
  for (int i = 0; i < n; i++) {
    TN_TRY(check_row(b, i, &element[i]));
    TN_TRY(tn_row_set(&b->parts[i], b->rows, &element[i]));
    tn_tensor_clear(&element[i]);
  }
  b->rows++;
  return NULL;
}

void tn_batch_finish(tn_batch *b, tn_tensor *out) {
  for (int i = 0; i < b->n; i++) tn_rows_first(&b->parts[i], b->rows);
  tn_element_move(b->n, out, b->parts);
  tn_batch_clear(b);
}

void tn_batch_clear(tn_batch *b) {
  tn_element_free(b->n, b->parts);
  *b = (tn_batch){0};
}

/* --- the dataset --- */

tn_error *tn_batch_check(tn_run *r, int64_t size) {
  if (size > 0) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Batch size must be greater than zero.");
}

int64_t tn_batch_size(const tn_source *s) {
  const tn_batch_source *b = (const tn_batch_source *)s;
  int64_t n = tn_source_size(s->inputs[0]);
  return n < 0 ? n : n / b->size + (!b->drop && n % b->size != 0);
}

static tn_error *collect(tn_cursor *c, tn_step *step, tn_batch *b, tn_tensor *element) {
  const tn_batch_source *s = (const tn_batch_source *)c->source;
  int64_t known = tn_source_size(c->input->source), ask = known >= 0 && known < s->size ? known : s->size;
  for (bool end = false; b->rows < s->size;) {
    TN_TRY(tn_cursor_next(c->input, step, element, &end));
    if (end) return NULL;
    TN_TRY(tn_batch_add(b, c->source->n, element, ask > 0 ? ask : 1));
  }
  return NULL;
}

tn_error *tn_batch_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  const tn_batch_source *s = (const tn_batch_source *)c->source;
  tn_batch b = {0};
  tn_error *error = collect(c, step, &b, out);
  if (error) tn_element_clear(c->source->n, out);
  *end = b.rows == 0 || (s->drop && b.rows < s->size);
  if (error || *end) {
    tn_batch_clear(&b);
    return error;
  }
  tn_batch_finish(&b, out);
  return NULL;
}
