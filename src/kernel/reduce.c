/* The walk of a reduction: a grid of (outer kept index) x (block of the inner dimension) x (chunk of the reduced
 * range). */
#include "kernel/reduce.h"

#include <inttypes.h>
#include <string.h>

#include "base/parallel.h"

enum { BLOCK = 512, GRAIN = 16384 };

tn_error *tn_prepare_axes(const tn_prepare *p, int input, int rank, uint32_t *out) {
  int n;
  int64_t values[64];
  TN_TRY(tn_prepare_ints(p, input, 64, &n, values));
  uint32_t mask = 0;
  for (int i = 0; i < n; i++) {
    int64_t axis = values[i] < 0 ? values[i] + rank : values[i];
    if (axis < 0 || axis >= rank)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "axis %" PRId64 " is not in [-%d,%d): the input is %s",
                               values[i], rank, rank, TN_SHAPE_STR(&p->inputs[0].shape));
    if (mask >> axis & 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "axis %" PRId64 " is given twice", values[i]);
    mask |= 1u << axis;
  }
  *out = mask;
  return NULL;
}

tn_shape tn_reduced_shape(const tn_shape *shape, uint32_t axes, bool keep) {
  tn_shape out = {.rank = 0};
  for (int i = 0; i < shape->rank; i++) {
    bool reduced = axes >> i & 1;
    if (!reduced || keep) out.dims[out.rank++] = reduced ? 1 : shape->dims[i];
  }
  return out;
}

/* Merges neighbours of the same kind and drops dimensions of size 1, from the innermost outwards. */
static void collapse(tn_reduction *r, const tn_shape *shape, uint32_t axes) {
  int64_t stride = 1;
  int last = -1; /* kind of the last dimension taken: 0 kept, 1 reduced */
  int64_t dims[2][TN_MAX_RANK], strides[2][TN_MAX_RANK];
  int n[2] = {0, 0};
  for (int i = shape->rank - 1; i >= 0; i--) {
    int64_t size = shape->dims[i];
    int kind = (int)(axes >> i & 1);
    if (size != 1) {
      if (kind == last) {
        dims[kind][n[kind] - 1] *= size;
      } else {
        dims[kind][n[kind]] = size;
        strides[kind][n[kind]++] = stride;
      }
      last = kind;
    }
    stride *= size;
  }
  int first_kept = n[0] && strides[0][0] == 1 && dims[0][0] ? 1 : 0;
  r->inner = first_kept ? dims[0][0] : 1;
  r->run = n[1] && strides[1][0] == 1 ? dims[1][0] : 1;
  r->n_kept = n[0] - first_kept;
  r->n_reduced = n[1];
  for (int i = 0; i < r->n_kept; i++) {
    r->kept_dims[r->n_kept - 1 - i] = dims[0][i + first_kept];
    r->kept_strides[r->n_kept - 1 - i] = strides[0][i + first_kept];
  }
  for (int i = 0; i < n[1]; i++) {
    r->reduced_dims[n[1] - 1 - i] = dims[1][i];
    r->reduced_strides[n[1] - 1 - i] = strides[1][i];
  }
}

void tn_reduction_init(tn_reduction *r, const tn_shape *shape, uint32_t axes, const tn_reducer *reducer) {
  *r = (tn_reduction){.reducer = reducer};
  collapse(r, shape, axes);
  r->outer = r->count = 1;
  for (int i = 0; i < r->n_kept; i++) r->outer *= r->kept_dims[i];
  for (int i = 0; i < r->n_reduced; i++) r->count *= r->reduced_dims[i];
  r->blocks = (r->inner + BLOCK - 1) / BLOCK;
  int64_t wide = r->inner < BLOCK ? r->inner : BLOCK;
  r->chunks = r->outer * r->blocks >= 16 ? 1 : tn_chunks(r->count * wide, GRAIN);
  if (r->chunks > r->count) r->chunks = r->count > 0 ? r->count : 1;
}

size_t tn_reduction_scratch(const tn_reduction *r) {
  if (r->chunks == 1) return 0;
  return (size_t)(r->chunks * r->outer * r->inner) * r->reducer->acc_size;
}

/* Input offset, in elements, of index I of a collapsed dimension list. */
static int64_t offset_of(int64_t i, int n, const int64_t *dims, const int64_t *strides) {
  int64_t offset = 0;
  for (int d = n - 1; d > 0; d--) {
    offset += i % dims[d] * strides[d];
    i /= dims[d];
  }
  return n ? offset + i * strides[0] : 0;
}

typedef struct job {
  const tn_reduction *r;
  const char *in;
  char *out, *partial;
  int64_t tasks, groups;
} job;

/* Accumulates the reduced range [BEGIN, END) for WIDE accumulators whose first input element is IN. */
static void accumulate(const tn_reduction *r, const char *in, int64_t wide, int64_t begin, int64_t end, void *acc) {
  for (int64_t i = begin; i < end;) {
    int64_t left = r->run - i % r->run, n = left < end - i ? left : end - i;
    const char *from = in + (size_t)offset_of(i, r->n_reduced, r->reduced_dims, r->reduced_strides) * r->element;
    if (r->inner == 1) {
      r->reducer->row(acc, from, n);
    } else {
      r->reducer->column(acc, from, wide);
      n = 1;
    }
    i += n;
  }
}

static void run_task(const job *j, int64_t task) {
  const tn_reduction *r = j->r;
  int64_t chunk = task % r->chunks, block = task / r->chunks % r->blocks, outer = task / (r->chunks * r->blocks);
  int64_t first = block * BLOCK, wide = r->inner - first < BLOCK ? r->inner - first : BLOCK;
  int64_t begin, end;
  tn_chunk(r->count, r->chunks, chunk, 1, &begin, &end);
  _Alignas(64) char local[BLOCK * TN_REDUCER_MAX_ACC];
  int64_t place = outer * r->inner + first;
  char *acc =
      r->chunks == 1 ? local : j->partial + (size_t)(chunk * r->outer * r->inner + place) * r->reducer->acc_size;
  r->reducer->init(acc, wide);
  int64_t offset = offset_of(outer, r->n_kept, r->kept_dims, r->kept_strides) + first;
  accumulate(r, j->in + (size_t)offset * r->element, wide, begin, end, acc);
  if (r->chunks == 1) r->reducer->store(j->out + (size_t)place * r->out_element, acc, wide, r->count);
}

static void run_group(void *argument, int64_t group) {
  const job *j = argument;
  int64_t begin, end;
  tn_chunk(j->tasks, j->groups, group, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++) run_task(j, i);
}

void tn_reduction_run(const tn_reduction *r, const void *in, void *out, void *scratch) {
  if (!r->outer || !r->inner) return;
  job j = {.r = r, .in = in, .out = out, .partial = scratch, .tasks = r->outer * r->blocks * r->chunks};
  int64_t groups = tn_chunks(r->outer * r->inner * (r->count + 1), GRAIN);
  j.groups = groups < j.tasks ? groups : j.tasks;
  tn_parallel(j.groups, run_group, &j);
  if (r->chunks == 1) return;
  int64_t n = r->outer * r->inner;
  for (int64_t c = 1; c < r->chunks; c++)
    r->reducer->merge(scratch, (char *)scratch + (size_t)(c * n) * r->reducer->acc_size, n);
  r->reducer->store(out, scratch, n, r->count);
}
