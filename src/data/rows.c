/* Rows of tensors along dimension 0. */
#include "data/rows.h"

#include <string.h>

#include "base/alloc.h"

static size_t row_bytes(const tn_tensor *t, tn_shape *shape) {
  *shape = t->shape;
  shape->rank--;
  memmove(shape->dims, t->shape.dims + 1, (size_t)shape->rank * sizeof *shape->dims);
  return (size_t)tn_shape_elements(shape) * tn_dtype_size(t->dtype);
}

tn_error *tn_row_of(const tn_tensor *t, int64_t i, tn_tensor *out) {
  tn_shape shape;
  size_t bytes = row_bytes(t, &shape);
  tn_tensor row = {.dtype = t->dtype, .shape = shape, .data = (char *)t->data + (size_t)i * bytes, .buffer = t->buffer};
  /* A small row is copied: it would keep the whole alive, and nobody could overwrite it. */
  if (bytes <= 4096 && tn_dtype_is_plain(t->dtype)) return tn_tensor_init_copy(out, &row);
  tn_tensor_set(out, &row);
  return NULL;
}

tn_error *tn_row_set(tn_tensor *t, int64_t i, tn_tensor *row) {
  tn_shape shape;
  size_t bytes = row_bytes(t, &shape);
  char *target = (char *)t->data + (size_t)i * bytes;
  const tn_buffer *buffer = row->buffer;
  bool own = buffer && !buffer->release && row->data == buffer->data && buffer->size == bytes &&
             atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1;
  if (!own || tn_dtype_is_plain(t->dtype)) {
    return tn_copy_elements(t->dtype, target, row->data, tn_shape_elements(&shape));
  }
  /* The elements change hands: swap them, and the row's end frees what was there. */
  char *from = row->data;
  for (size_t k = 0; k < bytes; k += sizeof(void *)) {
    void *a, *b;
    memcpy(&a, target + k, sizeof a);
    memcpy(&b, from + k, sizeof b);
    memcpy(target + k, &b, sizeof b);
    memcpy(from + k, &a, sizeof a);
  }
  return NULL;
}

tn_error *tn_shape_of_rows(const tn_shape *shape, int64_t n, tn_shape *out) {
  if (shape->rank + 1 > TN_MAX_RANK) {
    return tn_errorf(TN_INVALID_ARGUMENT, "rows of shape %s make a tensor of too large a rank", TN_SHAPE_STR(shape));
  }
  tn_shape made = tn_shape_unknown_of_rank(shape->rank + 1);
  made.dims[0] = n;
  memcpy(made.dims + 1, shape->dims, (size_t)shape->rank * sizeof *shape->dims);
  *out = made;
  return NULL;
}

void tn_rows_first(tn_tensor *t, int64_t n) { t->shape.dims[0] = n; }
