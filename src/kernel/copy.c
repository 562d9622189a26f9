/* Strided copies: boxes are simplified once, then moved as runs of bytes, by strided loops or by blocked transposes. */
#include "kernel/copy.h"

#include <string.h>

#include "base/parallel.h"

enum {
  CHUNK_BYTES = 1 << 16,    /* work of one parallel chunk */
  PARALLEL_BYTES = 1 << 18, /* below this one thread is faster */
  PIECE_BYTES = 1 << 15,    /* long runs are cut into pieces of this size */
  LINE_BYTES = 64,
  STRIP_BYTES =
      256 /* of the source, side by side, in one piece of a transpose: lines that lie together are fetched together */
};

/* Elements as unaligned integers: fed buffers may lie anywhere. */
typedef struct __attribute__((packed, may_alias)) e1 {
  uint8_t v;
} e1;
typedef struct __attribute__((packed, may_alias)) e2 {
  uint16_t v;
} e2;
typedef struct __attribute__((packed, may_alias)) e4 {
  uint32_t v;
} e4;
typedef struct __attribute__((packed, may_alias)) e8 {
  uint64_t v;
} e8;
typedef struct __attribute__((packed, may_alias)) e16 {
  uint64_t v[2];
} e16;

void tn_copy_strides(int rank, const int64_t *dims, int64_t *strides) {
  int64_t stride = 1;
  for (int i = rank - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= dims[i];
  }
}

/* Joins the innermost run into one wider element where every other stride allows it. */
static void widen(tn_copy *c) {
  if (!c->plain || c->rank < 2) return;
  int last = c->rank - 1;
  int64_t n = c->dims[last], size = n * c->size;
  if (c->to[last] != 1 || c->from[last] != 1 || size > 16 || (size & (size - 1)) != 0) return;
  for (int i = 0; i < last; i++)
    if (c->to[i] % n != 0 || c->from[i] % n != 0) return;
  for (int i = 0; i < last; i++) {
    c->to[i] /= n;
    c->from[i] /= n;
  }
  c->size = size;
  c->rank--;
}

void tn_copy_init(tn_copy *c, tn_dtype dtype, int rank, const int64_t *dims, const int64_t *to, const int64_t *from) {
  c->dtype = dtype;
  c->plain = tn_dtype_is_plain(dtype);
  c->size = (int64_t)tn_dtype_size(dtype);
  c->rank = 0;
  c->total = 1;
  for (int i = 0; i < rank; i++) {
    c->total *= dims[i];
    if (dims[i] == 1) continue;
    int last = c->rank - 1;
    if (last >= 0 && c->to[last] == to[i] * dims[i] && c->from[last] == from[i] * dims[i]) {
      c->dims[last] *= dims[i];
      c->to[last] = to[i];
      c->from[last] = from[i];
    } else {
      c->dims[c->rank] = dims[i];
      c->to[c->rank] = to[i];
      c->from[c->rank++] = from[i];
    }
  }
  if (c->rank == 0) {
    c->dims[0] = c->to[0] = c->from[0] = 1;
    c->rank = 1;
  }
  if (c->total > 0) {
    int64_t bytes = c->total * c->size;
    widen(c);
    c->total = bytes / c->size;
  }
}

#define STRIDED(T)                                                                                                     \
  static void strided_##T(char *to, const char *from, int64_t n, int64_t to_stride, int64_t from_stride) {             \
    T *target = (T *)to;                                                                                               \
    const T *source = (const T *)from;                                                                                 \
    if (from_stride == 0 && to_stride == 1) {                                                                          \
      T value = *source;                                                                                               \
      for (int64_t i = 0; i < n; i++) target[i] = value;                                                               \
    } else if (from_stride == -1 && to_stride == 1) {                                                                  \
      for (int64_t i = 0; i < n; i++) target[i] = source[-i];                                                          \
    } else if (to_stride == 1) {                                                                                       \
      for (int64_t i = 0; i < n; i++) target[i] = source[i * from_stride];                                             \
    } else {                                                                                                           \
      for (int64_t i = 0; i < n; i++) target[i * to_stride] = source[i * from_stride];                                 \
    }                                                                                                                  \
  }
STRIDED(e1)
STRIDED(e2)
STRIDED(e4)
STRIDED(e8)
STRIDED(e16)

typedef void (*strided_fn)(char *to, const char *from, int64_t n, int64_t to_stride, int64_t from_stride);

static strided_fn strided_of(int64_t size) {
  switch (size) {
  case 1: return strided_e1;
  case 2: return strided_e2;
  case 4: return strided_e4;
  case 8: return strided_e8;
  default: return strided_e16;
  }
}

/* Rows x columns of the target: it is dense along a row, the source is dense along a column. */
#define TRANSPOSE(T)                                                                                                   \
  static void transpose_##T(char *to, const char *from, const int64_t size[2], int64_t to_stride,                      \
                            int64_t from_stride) {                                                                     \
    T *target = (T *)to;                                                                                               \
    const T *source = (const T *)from;                                                                                 \
    for (int64_t j = 0; j < size[1]; j++)                                                                              \
      for (int64_t i = 0; i < size[0]; i++) target[i * to_stride + j] = source[j * from_stride + i];                   \
  }
TRANSPOSE(e1)
TRANSPOSE(e2)
TRANSPOSE(e8)
TRANSPOSE(e16)

typedef uint32_t v4 __attribute__((vector_size(16)));

static inline v4 load_v4(const char *from) {
  v4 v;
  memcpy(&v, from, sizeof v);
  return v;
}

/* Four rows and four columns of 32-bit elements through registers. */
static inline void transpose_4x4(char *to, const char *from, int64_t to_bytes, int64_t from_bytes) {
  v4 a = load_v4(from), b = load_v4(from + from_bytes), c = load_v4(from + 2 * from_bytes),
     d = load_v4(from + 3 * from_bytes);
  v4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  v4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  v4 rows[4] = {
      __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
      __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
  for (int i = 0; i < 4; i++) memcpy(to + i * to_bytes, &rows[i], sizeof rows[i]);
}

enum { BLOCK = LINE_BYTES / 4 };

/* A block of BLOCK x BLOCK elements by way of a buffer, so that the target is written in whole lines: lines of rows
 * that lie a power of two apart would push each other out of the cache half-written. */
static void transpose_block(char *to, const char *from, int64_t to_bytes, int64_t from_bytes) {
  char block[BLOCK * LINE_BYTES];
  for (int j = 0; j < BLOCK; j += 4)
    for (int i = 0; i < BLOCK; i += 4)
      transpose_4x4(block + i * LINE_BYTES + 4 * j, from + j * from_bytes + 4 * i, LINE_BYTES, from_bytes);
  for (int i = 0; i < BLOCK; i++) memcpy(to + i * to_bytes, block + i * LINE_BYTES, LINE_BYTES);
}

/* ROWS x COLUMNS elements (multiples of 4) of the target. */
static void transpose_blocks(char *to, const char *from, const int64_t size[2], int64_t to_bytes, int64_t from_bytes) {
  int64_t whole[2] = {size[0] / BLOCK * BLOCK, size[1] / BLOCK * BLOCK};
  for (int64_t j = 0; j < whole[1]; j += BLOCK)
    for (int64_t i = 0; i < whole[0]; i += BLOCK)
      transpose_block(to + i * to_bytes + 4 * j, from + j * from_bytes + 4 * i, to_bytes, from_bytes);
  for (int64_t j = 0; j < size[1]; j += 4)
    for (int64_t i = j < whole[1] ? whole[0] : 0; i < size[0]; i += 4)
      transpose_4x4(to + i * to_bytes + 4 * j, from + j * from_bytes + 4 * i, to_bytes, from_bytes);
}

static void transpose_e4(char *to, const char *from, const int64_t size[2], int64_t to_stride, int64_t from_stride) {
  int64_t rows = size[0] & ~(int64_t)3, columns = size[1] & ~(int64_t)3;
  transpose_blocks(to, from, (int64_t[2]){rows, columns}, 4 * to_stride, 4 * from_stride);
  e4 *target = (e4 *)to;
  const e4 *source = (const e4 *)from;
  for (int64_t i = rows; i < size[0]; i++)
    for (int64_t j = 0; j < columns; j++) target[i * to_stride + j] = source[j * from_stride + i];
  for (int64_t j = columns; j < size[1]; j++)
    for (int64_t i = 0; i < size[0]; i++) target[i * to_stride + j] = source[j * from_stride + i];
}

typedef void (*transpose_fn)(char *to, const char *from, const int64_t size[2], int64_t to_stride, int64_t from_stride);

static transpose_fn transpose_of(int64_t size) {
  switch (size) {
  case 1: return transpose_e1;
  case 2: return transpose_e2;
  case 4: return transpose_e4;
  case 8: return transpose_e8;
  default: return transpose_e16;
  }
}

/* One copy under way: UNITS pieces of work, in CHUNKS chunks. */
typedef struct job {
  const tn_copy *c;
  char *to;
  const char *from;
  int64_t units, chunks;
  int64_t pieces, piece; /* a run (or the rows of a transpose) is cut into PIECES of PIECE elements */
  int row;               /* the dimension that is dense in the source of a transpose, else -1 */
} job;

/* A place in the outer loops: every dimension but the inner ones. */
typedef struct place {
  int64_t index[TN_COPY_MAX_RANK];
  int64_t to, from;
} place;

static void place_at(const job *j, int64_t outer, place *p) {
  const tn_copy *c = j->c;
  p->to = p->from = 0;
  for (int i = c->rank - 2; i >= 0; i--) {
    p->index[i] = 0;
    if (i == j->row) continue;
    p->index[i] = outer % c->dims[i];
    outer /= c->dims[i];
    p->to += p->index[i] * c->to[i];
    p->from += p->index[i] * c->from[i];
  }
}

static void place_next(const job *j, place *p) {
  const tn_copy *c = j->c;
  for (int i = c->rank - 2; i >= 0; i--) {
    if (i == j->row) continue;
    p->to += c->to[i];
    p->from += c->from[i];
    if (++p->index[i] < c->dims[i]) return;
    p->to -= c->dims[i] * c->to[i];
    p->from -= c->dims[i] * c->from[i];
    p->index[i] = 0;
  }
}

static void run_piece(const job *j, const place *p, int64_t piece) {
  const tn_copy *c = j->c;
  int last = c->rank - 1, cut = j->row >= 0 ? j->row : last;
  int64_t begin = piece * j->piece, n = c->dims[cut] - begin < j->piece ? c->dims[cut] - begin : j->piece;
  char *to = j->to + (p->to + begin * c->to[cut]) * c->size;
  const char *from = j->from + (p->from + begin * c->from[cut]) * c->size;
  if (j->row >= 0)
    transpose_of(c->size)(to, from, (int64_t[2]){n, c->dims[last]}, c->to[cut], c->from[last]);
  else if (c->to[last] == 1 && c->from[last] == 1)
    memcpy(to, from, (size_t)(n * c->size));
  else
    strided_of(c->size)(to, from, n, c->to[last], c->from[last]);
}

static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  int64_t begin, end;
  tn_chunk(j->units, j->chunks, chunk, 1, &begin, &end);
  if (begin >= end) return;
  place p;
  place_at(j, begin / j->pieces, &p);
  int64_t piece = begin % j->pieces;
  for (int64_t unit = begin; unit < end; unit++) {
    run_piece(j, &p, piece);
    if (++piece < j->pieces) continue;
    piece = 0;
    place_next(j, &p);
  }
}

/* The dimension to transpose with the last one, or -1. */
static int transpose_row(const tn_copy *c) {
  int last = c->rank - 1;
  if (c->to[last] != 1 || c->from[last] <= 1) return -1;
  for (int i = last - 1; i >= 0; i--)
    if (c->from[i] == 1 && c->dims[i] >= 4) return i;
  return -1;
}

/* Elements that own memory are copied one by one: copying can fail, so it stays on one thread. */
static tn_error *run_objects(const tn_copy *c, char *to, const char *from) {
  job j = {.c = c, .row = -1};
  int last = c->rank - 1;
  int64_t n = c->dims[last], outer = c->total / n;
  place p;
  place_at(&j, 0, &p);
  for (int64_t o = 0; o < outer; o++, place_next(&j, &p))
    for (int64_t i = 0; i < n; i++)
      TN_TRY(tn_copy_elements(c->dtype, to + (p.to + i * c->to[last]) * c->size,
                              from + (p.from + i * c->from[last]) * c->size, 1));
  return NULL;
}

tn_error *tn_copy_run(const tn_copy *c, void *to, const void *from) {
  if (c->total == 0) return NULL;
  if (!c->plain) return run_objects(c, to, from);
  job j = {.c = c, .to = to, .from = from, .row = transpose_row(c)};
  int cut = j.row >= 0 ? j.row : c->rank - 1;
  j.piece = PIECE_BYTES / c->size;
  if (j.row >= 0) {
    int64_t width = c->dims[c->rank - 1], rows = STRIP_BYTES / c->size;
    j.piece = rows * width * c->size >= PIECE_BYTES / 4 ? rows : PIECE_BYTES / 4 / (width * c->size);
  }
  j.pieces = (c->dims[cut] + j.piece - 1) / j.piece;
  int64_t inner = c->dims[cut] * (j.row >= 0 ? c->dims[c->rank - 1] : 1);
  j.units = c->total / inner * j.pieces;
  int64_t bytes = c->total * c->size;
  if (bytes < PARALLEL_BYTES) {
    j.chunks = 1;
    run_chunk(&j, 0);
    return NULL;
  }
  int64_t unit_bytes = bytes / j.units;
  j.chunks = tn_chunks(j.units, unit_bytes >= CHUNK_BYTES ? 1 : CHUNK_BYTES / (unit_bytes + 1) + 1);
  tn_parallel(j.chunks, run_chunk, &j);
  return NULL;
}

tn_error *tn_copy_dense(tn_dtype dtype, void *target, const void *source, int64_t n) {
  tn_copy c;
  tn_copy_init(&c, dtype, 1, &n, &(int64_t){1}, &(int64_t){1});
  return tn_copy_run(&c, target, source);
}

tn_error *tn_copy_fill(tn_dtype dtype, void *target, const void *value, int64_t n) {
  tn_copy c;
  tn_copy_init(&c, dtype, 1, &n, &(int64_t){1}, &(int64_t){0});
  return tn_copy_run(&c, target, value);
}

tn_error *tn_copy_zero(tn_dtype dtype, void *target, int64_t n) {
  static const char zero[16] = {0};
  _Static_assert(sizeof(tn_string) <= sizeof zero, "an empty string is all zero bytes");
  return tn_copy_fill(dtype, target, zero, n);
}
