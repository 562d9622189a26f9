/* The gather kernel: all indices are checked, then rows are moved as fast as memory goes. */
#include <string.h>

#include "base/parallel.h"
#include "ops/array/gather.h"

enum { CHUNK_BYTES = 1 << 16, PARALLEL_BYTES = 1 << 18, AHEAD = 8 };

typedef struct job {
  const tn_gather_state *s;
  char *to;
  const char *from;
  const tn_tensor *indices;
  int64_t row, chunks; /* bytes of a row; chunks of (batch, outer, count) */
} job;

/* True if all of INDICES are in [0, SIZE). */
#define IN_RANGE(TYPE)                                                                                                 \
  static bool in_range_##TYPE(const TYPE *index, int64_t n, int64_t size) {                                            \
    TYPE low = 0, high = 0;                                                                                            \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      low = index[i] < low ? index[i] : low;                                                                           \
      high = index[i] > high ? index[i] : high;                                                                        \
    }                                                                                                                  \
    return n == 0 || (low >= 0 && high < size);                                                                        \
  }
IN_RANGE(int16_t)
IN_RANGE(int32_t)
IN_RANGE(int64_t)

static bool in_range(const tn_tensor *indices, int64_t size) {
  int64_t n = tn_elements(indices);
  if (indices->dtype == TN_INT64) return in_range_int64_t(indices->data, n, size);
  if (indices->dtype == TN_INT32) return in_range_int32_t(indices->data, n, size);
  return in_range_int16_t(indices->data, n, size);
}

static tn_error *bad_index(const tn_run *r, int64_t size) {
  const tn_tensor *indices = r->inputs[1];
  int64_t i = 0;
  while (tn_int_at(indices, i) >= 0 && tn_int_at(indices, i) < size) i++;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices%s = %lld is not in [0, %lld)", TN_PLACE_STR(&indices->shape, i),
                       (long long)tn_int_at(indices, i), (long long)size);
}

/* N rows that follow each other in the output. BASE is the first row of their batch and outer place in params. */
#define MOVE_ROWS(TYPE)                                                                                                \
  static void move_rows_##TYPE(char *to, const char *base, const TYPE *index, int64_t n, int64_t row) {                \
    if (row == 4) {                                                                                                    \
      for (int64_t i = 0; i < n; i++) memcpy(to + 4 * i, base + 4 * (int64_t)index[i], 4);                             \
    } else if (row == 8) {                                                                                             \
      for (int64_t i = 0; i < n; i++) memcpy(to + 8 * i, base + 8 * (int64_t)index[i], 8);                             \
    } else {                                                                                                           \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        if (i + AHEAD < n) {                                                                                           \
          const char *next = base + row * (int64_t)index[i + AHEAD];                                                   \
          __builtin_prefetch(next);                                                                                    \
          if (row > 64) __builtin_prefetch(next + 64);                                                                 \
        }                                                                                                              \
        memcpy(to + i * row, base + row * (int64_t)index[i], (size_t)row);                                             \
      }                                                                                                                \
    }                                                                                                                  \
  }
MOVE_ROWS(int16_t)
MOVE_ROWS(int32_t)
MOVE_ROWS(int64_t)

static void move_rows(const job *j, int64_t row, int64_t n) {
  const tn_gather_state *s = j->s;
  int64_t block = row / s->count, first = row % s->count, batch = block / s->outer;
  const char *base = j->from + block * s->size * j->row;
  char *to = j->to + row * j->row;
  int64_t at = batch * s->count + first;
  if (j->indices->dtype == TN_INT64)
    move_rows_int64_t(to, base, (const int64_t *)j->indices->data + at, n, j->row);
  else if (j->indices->dtype == TN_INT32)
    move_rows_int32_t(to, base, (const int32_t *)j->indices->data + at, n, j->row);
  else
    move_rows_int16_t(to, base, (const int16_t *)j->indices->data + at, n, j->row);
}

static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  int64_t begin, end;
  tn_chunk(j->s->batch * j->s->outer * j->s->count, j->chunks, chunk, 1, &begin, &end);
  while (begin < end) {
    int64_t n = j->s->count - begin % j->s->count;
    if (n > end - begin) n = end - begin;
    move_rows(j, begin, n);
    begin += n;
  }
}

/* Strings and objects, one row at a time. */
static tn_error *run_objects(const tn_run *r, const tn_gather_state *s) {
  for (int64_t row = 0; row < s->batch * s->outer * s->count; row++) {
    int64_t block = row / s->count, at = block / s->outer * s->count + row % s->count;
    int64_t from = (block * s->size + tn_int_at(r->inputs[1], at)) * s->inner;
    TN_TRY(tn_copy_elements(r->outputs[0]->dtype, tn_at(r->outputs[0], row * s->inner), tn_at(r->inputs[0], from),
                            s->inner));
  }
  return NULL;
}

tn_error *tn_gather_run(tn_run *r) {
  const tn_gather_state *s = r->state;
  int64_t rows = s->batch * s->outer * s->count;
  if (rows * s->inner == 0 && tn_elements(r->inputs[1]) == 0) return NULL;
  if (!in_range(r->inputs[1], s->size)) return bad_index(r, s->size);
  if (rows * s->inner == 0) return NULL;
  if (!tn_dtype_is_plain(r->outputs[0]->dtype)) return run_objects(r, s);
  job j = {
      s, r->outputs[0]->data, r->inputs[0]->data, r->inputs[1], s->inner * (int64_t)tn_dtype_size(r->outputs[0]->dtype),
      1};
  if (rows * j.row >= PARALLEL_BYTES) j.chunks = tn_chunks(rows, j.row >= CHUNK_BYTES ? 1 : CHUNK_BYTES / j.row);
  tn_parallel(j.chunks, run_chunk, &j);
  return NULL;
}
