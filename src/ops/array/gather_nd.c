/* GatherNd: slices named by index tuples. */
#include <string.h>

#include "base/parallel.h"
#include "ops/array/nd_index.h"

static tn_error *gather_nd_shape(tn_shape_ctx *c) {
  tn_shape indices;
  const tn_shape *params = &c->in[0];
  TN_TRY(tn_shape_at_least_rank(c, 1, 1, &indices));
  if (params->rank < 0 || indices.rank < 0 || indices.dims[indices.rank - 1] < 0) return NULL;
  int64_t depth = indices.dims[indices.rank - 1];
  if (depth > params->rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "indices.shape[-1] must be <= params.rank, but saw indices shape %s and params shape %s",
                          TN_SHAPE_STR(&indices), TN_SHAPE_STR(params));
  tn_shape places = tn_shape_part(&indices, 0, indices.rank - 1),
           rest = tn_shape_part(params, (int)depth, params->rank);
  return tn_shape_join(c, &places, &rest, &c->out[0]);
}

static tn_error *gather_nd_prepare(tn_prepare *p) {
  const tn_shape *params = &p->inputs[0].shape, *indices = &p->inputs[1].shape;
  if (params->rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "params must be at least a vector");
  tn_nd_index *n;
  TN_TRY(tn_prepare_state(p, sizeof *n, &n));
  TN_TRY(tn_nd_index_init(p->node, indices, params, n));
  if (indices->rank - 1 + params->rank - n->depth > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                             indices->rank - 1 + params->rank - n->depth, TN_MAX_RANK);
  if (tn_elements(&p->inputs[0]) == 0 && n->count > 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Requested more than 0 entries, but params is empty. Params shape: %s",
                             TN_SHAPE_STR(params));
  tn_shape out = tn_shape_part(indices, 0, indices->rank - 1);
  for (int i = n->depth; i < params->rank; i++) out.dims[out.rank++] = params->dims[i];
  return tn_prepare_output(p, 0, &out);
}

static tn_error *gather_nd_run(tn_run *r) {
  const tn_nd_index *n = r->state;
  for (int64_t i = 0; i < n->count; i++) {
    int64_t slice;
    TN_TRY(tn_nd_index_at(r, n, r->inputs[1], i, &slice));
    void *to = tn_at(r->outputs[0], i * n->size);
    if (slice < 0)
      TN_TRY(tn_copy_zero(r->outputs[0]->dtype, to, n->size));
    else
      TN_TRY(tn_copy_elements(r->outputs[0]->dtype, to, tn_at(r->inputs[0], slice * n->size), n->size));
  }
  return NULL;
}

/* --- plain bytes on several threads --- */

enum { CHUNK_ROWS = 4096 };

typedef struct job {
  const tn_nd_index *n;
  const tn_tensor *indices;
  const char *from;
  char *to;
  int64_t row, chunks;
  atomic_bool outside; /* some chunk met an index that is out of range */
} job;

#define ROWS(TYPE)                                                                                                     \
  static bool rows_##TYPE(const job *j, int64_t begin, int64_t end) {                                                  \
    const tn_nd_index *n = j->n;                                                                                       \
    const TYPE *index = (const TYPE *)j->indices->data + begin * n->depth;                                             \
    for (int64_t i = begin; i < end; i++, index += n->depth) {                                                         \
      int64_t slice = 0;                                                                                               \
      bool outside = false;                                                                                            \
      for (int d = 0; d < n->depth; d++) {                                                                             \
        outside |= (uint64_t)(int64_t)index[d] >= (uint64_t)n->shape.dims[d];                                          \
        slice += (int64_t)((uint64_t)index[d] * (uint64_t)n->strides[d]);                                              \
      }                                                                                                                \
      if (outside) return false;                                                                                       \
      if (j->row == 4)                                                                                                 \
        memcpy(j->to + 4 * i, j->from + 4 * slice, 4);                                                                 \
      else                                                                                                             \
        memcpy(j->to + i * j->row, j->from + slice * j->row, (size_t)j->row);                                          \
    }                                                                                                                  \
    return true;                                                                                                       \
  }
ROWS(int16_t)
ROWS(int32_t)
ROWS(int64_t)

static void run_chunk(void *argument, int64_t chunk) {
  job *j = argument;
  int64_t begin, end;
  tn_chunk(j->n->count, j->chunks, chunk, 1, &begin, &end);
  bool good = j->indices->dtype == TN_INT64   ? rows_int64_t(j, begin, end)
              : j->indices->dtype == TN_INT32 ? rows_int32_t(j, begin, end)
                                              : rows_int16_t(j, begin, end);
  if (!good) atomic_store(&j->outside, true);
}

static bool plain_supports(const tn_prepare *p) { return tn_dtype_is_plain(p->inputs[0].dtype); }

/* Where an index is out of range the plain way says which one, or passes over it. */
static tn_error *plain_run(tn_run *r) {
  const tn_nd_index *n = r->state;
  if (n->count == 0 || n->size == 0) return gather_nd_run(r);
  job j = {.n = n, .indices = r->inputs[1], .from = r->inputs[0]->data, .to = r->outputs[0]->data};
  j.row = n->size * (int64_t)tn_dtype_size(r->outputs[0]->dtype);
  j.chunks = tn_chunks(n->count, j.row >= (1 << 16) ? 1 : CHUNK_ROWS / (1 + j.row / 64));
  tn_parallel(j.chunks, run_chunk, &j);
  return atomic_load(&j.outside) ? gather_nd_run(r) : NULL;
}

/* A list of single indices gives rows, which stay sparse; tuples are scattered. */
static tn_error *gather_nd_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), indices = tn_grad_x(c, 1);
  if (c->scope->error) return NULL;
  tn_shape shape = tn_output_shape(indices);
  tn_dtype dtype = tn_output_dtype(indices) == TN_INT64 ? TN_INT64 : TN_INT32;
  tn_output params = tn_grad_shape(c, tn_grad_x(c, 0), dtype);
  indices = tn_build_cast(c->scope, indices, dtype);
  if (shape.rank == 2 && shape.dims[1] == 1) {
    tn_output rows = tn_build2(c->scope, "Reshape", indices, tn_build_ints(c->scope, TN_INT32, 1, &(int64_t){-1}));
    c->grad_in[0] = (tn_gradient_value){.values = dy, .indices = rows, .dense_shape = params};
    return NULL;
  }
  if (shape.rank == 1) { /* one tuple, which a scatter would take for single indices */
    tn_output zero = tn_build_scalar(c->scope, TN_INT32, 0);
    indices = tn_build2(c->scope, "ExpandDims", indices, zero);
    dy = tn_build2(c->scope, "ExpandDims", dy, zero);
  }
  tn_grad_set(
      c, 0,
      tn_build(c->scope, "ScatterNd", TN_IN(indices, dy, params), TN_ATTRS(TN_A_SAME(c->node, "bad_indices_policy"))));
  return NULL;
}

#define GATHER_ND_TYPES (TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED3 | TN_OBJECTS)

static const tn_kernel_def kernels[] = {{.name = "parallel",
                                         .types = GATHER_ND_TYPES,
                                         .type_attr = "Tparams",
                                         .supports = plain_supports,
                                         .prepare = gather_nd_prepare,
                                         .run = plain_run},
                                        {.name = "reference",
                                         .types = GATHER_ND_TYPES,
                                         .type_attr = "Tparams",
                                         .prepare = gather_nd_prepare,
                                         .run = gather_nd_run},
                                        {0}};

TN_OP(GatherNd, .inputs = "params: Tparams, indices: Tindices", .outputs = "output: Tparams",
      .attrs = "Tparams: type; Tindices: {int16, int32, int64}; bad_indices_policy: string = ''",
      .doc = "The slices of PARAMS that the rows of INDICES name.", .shape = gather_nd_shape,
      .gradient = gather_nd_gradient, .kernels = kernels);
