/* Slices of tensors: their text form and their extent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/bundle.h"

static tn_error *malformed(const char *text) {
  return tn_errorf(TN_INVALID_ARGUMENT,
                   "'%s' is no shape and slice: expected sizes, a blank, and START,LENGTH or - per dimension", text);
}

/* Reads a number >= 0 that ends before one of the characters in ENDS. */
static bool read_number(const char **at, const char *ends, int64_t *out) {
  char *end;
  errno = 0;
  if (**at < '0' || **at > '9') return false;
  long long value = strtoll(*at, &end, 10);
  if (errno || !strchr(ends, *end)) return false;
  *at = end;
  *out = value;
  return true;
}

/* "0,2:-:1,3" after the sizes. */
static bool read_slice(const char *at, int rank, tn_slice *out) {
  tn_slice slice = {.rank = 0};
  while (slice.rank < rank) {
    int i = slice.rank++;
    if (*at == '-') {
      slice.length[i] = -1;
      at++;
    } else {
      if (!read_number(&at, ",", &slice.start[i]) || *at++ != ',') return false;
      if (!read_number(&at, ":", &slice.length[i])) return false;
    }
    if (slice.rank < rank && *at++ != ':') return false;
  }
  *out = slice;
  return !*at;
}

tn_error *tn_parse_shape_and_slice(const char *text, bool *sliced, tn_shape *full, tn_slice *slice) {
  if (!*text) {
    *sliced = false;
    return NULL;
  }
  tn_shape shape = {.rank = 0};
  tn_slice part = {.rank = 0};
  const char *at = text;
  while (*at >= '0' && *at <= '9' && strchr(at, ' ')) {
    if (shape.rank == TN_MAX_RANK || !read_number(&at, " ", &shape.dims[shape.rank++]) || *at++ != ' ')
      return malformed(text);
  }
  if (!read_slice(at, shape.rank, &part)) return malformed(text);
  tn_shape extent;
  TN_TRY(tn_slice_shape(&part, &shape, &extent));
  *sliced = true;
  *full = shape;
  *slice = part;
  return NULL;
}

tn_error *tn_slice_shape(const tn_slice *slice, const tn_shape *full, tn_shape *out) {
  if (slice->rank != full->rank)
    return tn_errorf(TN_INVALID_ARGUMENT, "a slice of rank %d does not fit the shape %s", slice->rank,
                     TN_SHAPE_STR(full));
  tn_shape shape = {.rank = full->rank};
  for (int i = 0; i < full->rank; i++) {
    bool whole = slice->length[i] < 0;
    if (!whole &&
        (slice->start[i] < 0 || slice->start[i] > full->dims[i] || slice->length[i] > full->dims[i] - slice->start[i]))
      return tn_errorf(TN_INVALID_ARGUMENT, "a slice from %lld of length %lld does not fit dimension %d of %s",
                       (long long)slice->start[i], (long long)slice->length[i], i, TN_SHAPE_STR(full));
    shape.dims[i] = whole ? full->dims[i] : slice->length[i];
  }
  *out = shape;
  return NULL;
}
