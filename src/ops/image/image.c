/* Loops over rows, and rows as floats. */
#include "ops/image/image.h"

#include "base/parallel.h"

typedef struct rows {
  int64_t n, chunks;
  void (*fn)(void *argument, int64_t row);
  void *argument;
} rows;

static void run_chunk(void *argument, int64_t i) {
  const rows *all = argument;
  int64_t begin, end;
  tn_chunk(all->n, all->chunks, i, 1, &begin, &end);
  for (int64_t row = begin; row < end; row++) all->fn(all->argument, row);
}

void tn_image_rows(int64_t n, int64_t elements, void (*fn)(void *argument, int64_t row), void *argument) {
  if (n <= 0) return;
  int64_t total = elements > INT64_MAX / n ? INT64_MAX : n * elements, chunks = tn_chunks(total, 16384);
  rows all = {n, chunks < n ? chunks : n, fn, argument};
  tn_parallel(all.chunks, run_chunk, &all);
}

#define CONVERT(TYPE)                                                                                                  \
  do {                                                                                                                 \
    const TYPE *from = (const TYPE *)base + offset;                                                                    \
    for (int64_t i = 0; i < n; i++) room[i] = (float)from[i];                                                          \
  } while (0);                                                                                                         \
  break

const float *tn_image_floats(tn_dtype dtype, const void *base, int64_t offset, int64_t n, float *room) {
  const uint16_t *half = (const uint16_t *)base + offset;
  switch (dtype) {
  case TN_FLOAT: return (const float *)base + offset;
  case TN_UINT8: CONVERT(uint8_t);
  case TN_INT8: CONVERT(int8_t);
  case TN_UINT16: CONVERT(uint16_t);
  case TN_INT16: CONVERT(int16_t);
  case TN_INT32: CONVERT(int32_t);
  case TN_INT64: CONVERT(int64_t);
  case TN_UINT32: CONVERT(uint32_t);
  case TN_UINT64: CONVERT(uint64_t);
  case TN_DOUBLE: CONVERT(double);
  case TN_HALF:
    for (int64_t i = 0; i < n; i++) room[i] = tn_half_to_float(half[i]);
    break;
  default:
    for (int64_t i = 0; i < n; i++) room[i] = tn_bfloat16_to_float(half[i]);
  }
  return room;
}
