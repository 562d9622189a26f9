/* SparseConcat and SparseSplit. */
#include "ops/sparse/sparse.h"

/* --- SparseConcat: N indices, N values, N shapes --- */

static tn_error *concat_prepare(tn_prepare *p) {
  int n = p->n_inputs / 3;
  for (int i = 0; i < n; i++) {
    const tn_shape *indices = &p->inputs[i].shape, *values = &p->inputs[n + i].shape,
                   *shape = &p->inputs[2 * n + i].shape;
    if (indices->rank != 2 || values->rank != 1 || shape->rank != 1 || indices->dims[0] != values->dims[0] ||
        indices->dims[1] != shape->dims[0] || shape->dims[0] != p->inputs[2 * n].shape.dims[0])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d is no sparse tensor of that rank: %s, %s, %s", i,
                               TN_SHAPE_STR(indices), TN_SHAPE_STR(values), TN_SHAPE_STR(shape));
  }
  int dim;
  TN_TRY(tn_array_axis(p->node, "concat_dim", tn_node_get_int(p->node, "concat_dim"),
                       (int)p->inputs[2 * n].shape.dims[0], &dim));
  tn_sparse_all_dynamic(p);
  return NULL;
}

/* The shape of the result; the others must agree but for DIM. */
static tn_error *concat_dims(tn_run *r, int n, int rank, int dim) {
  TN_TRY(tn_sparse_vector(r, 2, rank));
  int64_t *out = TN_DATA(int64_t, r->outputs[2]);
  memcpy(out, r->inputs[2 * n]->data, (size_t)rank * sizeof *out);
  for (int i = 1; i < n; i++)
    for (int d = 0; d < rank; d++) {
      int64_t size = TN_DATA(int64_t, r->inputs[2 * n + i])[d];
      if (d != dim && size != out[d])
        return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                             "Input shapes must match: expected %lld for dimension %d but got %lld at position %d",
                             (long long)out[d], d, (long long)size, i);
      if (d == dim && __builtin_add_overflow(out[d], size, &out[d]))
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the sizes of dimension %d are too large", d);
    }
  return NULL;
}

/* All elements one after the other, with their new places. */
static void collect(const tn_run *r, int rank, int dim, int64_t *at) {
  int n = r->n_inputs / 3;
  int64_t offset = 0;
  for (int i = 0; i < n; i++) {
    const tn_tensor *indices = r->inputs[i];
    for (int64_t k = 0; k < tn_elements(indices); k++)
      *at++ = TN_DATA(int64_t, indices)[k] + (k % rank == dim ? offset : 0);
    offset += TN_DATA(int64_t, r->inputs[2 * n + i])[dim];
  }
}

static tn_error *concat_place(tn_run *r, const int64_t *at, const int64_t *order, int rank) {
  int n = r->n_inputs / 3;
  int64_t *first = tn_malloc(((size_t)n + 1) * sizeof *first);
  if (!first) return tn_out_of_memory();
  first[0] = 0;
  for (int i = 0; i < n; i++) first[i + 1] = first[i] + tn_elements(r->inputs[n + i]);
  tn_error *error = NULL;
  for (int64_t i = 0; i < first[n] && !error; i++) {
    int from = 0;
    while (order[i] >= first[from + 1]) from++;
    memcpy(TN_DATA(int64_t, r->outputs[0]) + i * rank, at + order[i] * rank, (size_t)rank * sizeof *at);
    error = tn_sparse_copy(r->outputs[1], i, r->inputs[n + from], order[i] - first[from]);
  }
  tn_free(first);
  return error;
}

static tn_error *concat_run(tn_run *r) {
  int n = r->n_inputs / 3, rank = (int)r->inputs[2 * n]->shape.dims[0], dim = 0;
  TN_TRY(tn_array_axis(r->node, "concat_dim", tn_node_get_int(r->node, "concat_dim"), rank, &dim));
  TN_TRY(concat_dims(r, n, rank, dim));
  int64_t total = 0, *order = NULL;
  for (int i = 0; i < n; i++) total += tn_elements(r->inputs[n + i]);
  TN_TRY(tn_sparse_matrix(r, 0, total, rank));
  TN_TRY(tn_sparse_vector(r, 1, total));
  int64_t *at = tn_malloc(((size_t)total * (size_t)rank + 1) * sizeof *at);
  if (!at) return tn_out_of_memory();
  collect(r, rank, dim, at);
  tn_error *error = tn_coo_order(at, total, rank, &order);
  if (!error) error = concat_place(r, at, order, rank);
  tn_free(order);
  tn_free(at);
  return error;
}

static tn_error *concat_shape(tn_shape_ctx *c) {
  int n = c->n_inputs / 3;
  int64_t rows = 0, rank = -1;
  tn_shape all = tn_shape_unknown_of_rank(1);
  for (int i = 0; i < n; i++) {
    tn_shape indices, values, shape;
    int64_t count;
    TN_TRY(tn_shape_with_rank(c, i, 2, &indices));
    TN_TRY(tn_shape_with_rank(c, n + i, 1, &values));
    TN_TRY(tn_shape_with_rank(c, 2 * n + i, 1, &shape));
    TN_TRY(tn_dim_merge(c, indices.dims[0], values.dims[0], &count));
    TN_TRY(tn_dim_merge(c, rank, indices.dims[1], &rank));
    TN_TRY(tn_shape_merge(c, &all, &shape, &all));
    rows = rows < 0 || count < 0 ? -1 : rows + count;
  }
  c->out[0] = tn_shape_of(2, (int64_t[]){rows, rank});
  c->out[1] = tn_shape_of(1, &rows);
  c->out[2] = all;
  return NULL;
}

/* --- SparseSplit --- */

typedef struct split_state {
  int dim;
  int64_t n;
} split_state;

static tn_error *split_prepare(tn_prepare *p) {
  split_state *s;
  TN_TRY(tn_coo_prepare(p, 1));
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  int64_t axis;
  TN_TRY(tn_array_scalar(p, 0, &axis));
  TN_TRY(tn_array_axis(p->node, "axis", axis, (int)p->inputs[3].shape.dims[0], &s->dim));
  s->n = tn_node_get_int(p->node, "num_split");
  tn_sparse_all_dynamic(p);
  return NULL;
}

/* Which part coordinate AT of a dimension of SIZE belongs to, and where that begins: the first parts are one larger. */
static int64_t part_of(int64_t size, int64_t n, int64_t at, int64_t *begin) {
  int64_t width = size / n, more = size % n, border = more * (width + 1);
  int64_t part = at < border ? at / (width + 1) : more + (width ? (at - border) / width : 0);
  *begin = part * width + (part < more ? part : more);
  return part;
}

static tn_error *split_fill(tn_run *r, const tn_coo *x, int64_t *next) {
  const split_state *s = r->state;
  for (int64_t i = 0; i < x->n; i++) {
    int64_t begin, part = part_of(x->dims[s->dim], s->n, tn_coo_row(x, i)[s->dim], &begin), k = next[part]++;
    int64_t *out = TN_DATA(int64_t, r->outputs[part]) + k * x->rank;
    memcpy(out, tn_coo_row(x, i), (size_t)x->rank * sizeof *out);
    out[s->dim] -= begin;
    TN_TRY(tn_sparse_copy(r->outputs[s->n + part], k, x->values, i));
  }
  return NULL;
}

static tn_error *split_work(tn_run *r, const tn_coo *x, int64_t *counts) {
  const split_state *s = r->state;
  int64_t size = x->dims[s->dim], begin;
  for (int64_t i = 0; i < x->n; i++) counts[part_of(size, s->n, tn_coo_row(x, i)[s->dim], &begin)]++;
  for (int64_t part = 0; part < s->n; part++) {
    TN_TRY(tn_sparse_matrix(r, (int)part, counts[part], x->rank));
    TN_TRY(tn_sparse_vector(r, (int)(s->n + part), counts[part]));
    TN_TRY(tn_sparse_vector(r, (int)(2 * s->n + part), x->rank));
    int64_t *out = TN_DATA(int64_t, r->outputs[2 * s->n + part]);
    memcpy(out, x->dims, (size_t)x->rank * sizeof *out);
    out[s->dim] = size / s->n + (part < size % s->n);
    counts[part] = 0;
  }
  return split_fill(r, x, counts);
}

static tn_error *split_run(tn_run *r) {
  const split_state *s = r->state;
  tn_coo x = tn_coo_of(r, 1);
  TN_TRY(tn_coo_check(r, &x));
  if (s->n > x.dims[s->dim])
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Input num_split should be between 1 and the splitting dimension size (%lld), got %lld",
                         (long long)x.dims[s->dim], (long long)s->n);
  int64_t *counts = tn_calloc((size_t)s->n, sizeof *counts);
  if (!counts) return tn_out_of_memory();
  tn_error *error = split_work(r, &x, counts);
  tn_free(counts);
  return error;
}

static tn_error *split_shape(tn_shape_ctx *c) {
  int64_t n = tn_node_get_int(c->node, "num_split");
  int rank = c->in[3].rank == 1 ? (int)c->in[3].dims[0] : -1;
  for (int64_t i = 0; i < n; i++) {
    c->out[i] = tn_shape_of(2, (int64_t[]){-1, rank});
    c->out[n + i] = tn_shape_unknown_of_rank(1);
    c->out[2 * n + i] = c->in[3];
  }
  return NULL;
}

static const tn_kernel_def concat_kernels[] = {{.name = "reference", .prepare = concat_prepare, .run = concat_run},
                                               {0}};
static const tn_kernel_def split_kernels[] = {{.name = "reference", .prepare = split_prepare, .run = split_run}, {0}};

TN_OP(SparseConcat, .inputs = "indices: N * int64, values: N * T, shapes: N * int64",
      .outputs = "output_indices: int64, output_values: T, output_shape: int64",
      .attrs = "concat_dim: int; N: int >= 2; T: type", .doc = "Sparse tensors joined along one dimension.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE, .shape = concat_shape, .kernels = concat_kernels);

TN_OP(SparseSplit, .inputs = "split_dim: int64, indices: int64, values: T, shape: int64",
      .outputs = "output_indices: num_split * int64, output_values: num_split * T, output_shape: num_split * int64",
      .attrs = "num_split: int >= 1; T: type", .doc = "A sparse tensor cut into parts along one dimension.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .value_inputs = 1 << 0, .shape = split_shape,
      .kernels = split_kernels);
