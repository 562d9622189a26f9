/* Shapes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"

tn_shape tn_shape_unknown(void) { return tn_shape_unknown_of_rank(-1); }
tn_shape tn_shape_scalar(void) { return (tn_shape){.rank = 0}; }

tn_shape tn_shape_of(int rank, const int64_t *dims) {
  tn_shape shape = {.rank = rank};
  if (rank > 0) memcpy(shape.dims, dims, (size_t)rank * sizeof *dims);
  return shape;
}

tn_shape tn_shape_unknown_of_rank(int rank) {
  tn_shape shape = {.rank = rank};
  for (int i = 0; i < rank; i++) shape.dims[i] = -1;
  return shape;
}

bool tn_shape_known(const tn_shape *shape) {
  for (int i = 0; i < shape->rank; i++)
    if (shape->dims[i] < 0) return false;
  return shape->rank >= 0;
}

bool tn_shape_equal(const tn_shape *a, const tn_shape *b) {
  return a->rank == b->rank && (a->rank <= 0 || !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims));
}

int64_t tn_shape_elements(const tn_shape *shape) {
  int64_t n = 1;
  bool overflow = false;
  for (int i = 0; i < shape->rank; i++) {
    if (!shape->dims[i]) return 0;
    overflow |= __builtin_mul_overflow(n, shape->dims[i], &n);
  }
  return overflow ? INT64_MAX : n;
}

const char *tn_shape_text(const tn_shape *shape, char text[TN_SHAPE_TEXT]) {
  if (shape->rank < 0) {
    snprintf(text, TN_SHAPE_TEXT, "<unknown>");
    return text;
  }
  size_t used = 0;
  text[used++] = '[';
  for (int i = 0; i < shape->rank; i++) {
    const char *comma = i ? "," : "";
    int n = shape->dims[i] < 0 ? snprintf(text + used, TN_SHAPE_TEXT - used, "%s?", comma)
                               : snprintf(text + used, TN_SHAPE_TEXT - used, "%s%" PRId64, comma, shape->dims[i]);
    used += (size_t)n;
  }
  text[used++] = ']';
  text[used] = 0;
  return text;
}

bool tn_shape_broadcast(const tn_shape *a, const tn_shape *b, tn_shape *out) {
  tn_shape result = {.rank = a->rank > b->rank ? a->rank : b->rank};
  for (int i = 1; i <= result.rank; i++) {
    int64_t x = i <= a->rank ? a->dims[a->rank - i] : 1, y = i <= b->rank ? b->dims[b->rank - i] : 1;
    if (x != y && x != 1 && y != 1) return false;
    result.dims[result.rank - i] = x == 1 ? y : x;
  }
  *out = result;
  return true;
}
