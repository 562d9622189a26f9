/* SparseReduceSum and SparseReduceMax, to dense and to sparse tensors. */
#include "ops/segment/segment.h"
#include "ops/sparse/sparse.h"

typedef struct reduction {
  tn_segment_kind kind;
  int rank, n_kept; /* dimensions; those that stay */
  bool reduced[TN_MAX_RANK];
  tn_shape out;
} reduction;

static tn_error *axes(tn_prepare *p, reduction *s) {
  const tn_tensor *t = &p->inputs[3];
  if (t->shape.rank > 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected reduction_axes to be a scalar or a vector, got %s",
                             TN_SHAPE_STR(&t->shape));
  for (int64_t i = 0; i < tn_elements(t); i++) {
    int axis = 0;
    TN_TRY(tn_array_axis(p->node, "reduction axis", TN_DATA(int32_t, t)[i], s->rank, &axis));
    s->reduced[axis] = true;
  }
  return NULL;
}

static tn_error *prepare(tn_prepare *p, tn_segment_kind kind) {
  reduction *s;
  TN_TRY(tn_coo_prepare(p, 0));
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  if (p->inputs[2].shape.dims[0] > TN_MAX_RANK) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "too many dimensions");
  s->kind = kind;
  s->rank = (int)p->inputs[2].shape.dims[0];
  TN_TRY(axes(p, s));
  const int64_t *dims = TN_DATA(int64_t, &p->inputs[2]);
  bool keep = tn_node_get_bool(p->node, "keep_dims");
  for (int d = 0; d < s->rank; d++) {
    if (dims[d] < 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dimension %d of the shape is negative: %lld", d,
                               (long long)dims[d]);
    s->n_kept += !s->reduced[d];
    if (!s->reduced[d] || keep) s->out.dims[s->out.rank++] = s->reduced[d] ? 1 : dims[d];
  }
  if (p->n_outputs > 1) {
    tn_sparse_all_dynamic(p);
    return NULL;
  }
  return tn_prepare_output(p, 0, &s->out);
}

static tn_error *sum_prepare(tn_prepare *p) { return prepare(p, TN_SEGMENT_SUM); }
static tn_error *max_prepare(tn_prepare *p) { return prepare(p, TN_SEGMENT_MAX); }

/* The coordinates that stay, then the others: elements of one result are neighbours when sorted by them. */
static void regroup(const reduction *s, const tn_coo *x, int64_t *at) {
  for (int64_t i = 0; i < x->n; i++)
    for (int pass = 0; pass < 2; pass++)
      for (int d = 0; d < s->rank; d++)
        if (s->reduced[d] == (pass == 1)) *at++ = tn_coo_row(x, i)[d];
}

typedef struct job {
  tn_run *r;
  const reduction *s;
  tn_coo x;
  int64_t *at, *order; /* regrouped places; the elements in their order */
} job;

static const int64_t *place(const job *j, int64_t i) { return j->at + j->order[i] * j->s->rank; }

/* Joins the elements from I on that belong together into OUT and returns where the next ones begin. */
static int64_t join(const job *j, int64_t i, void *out) {
  const tn_segment_type *type = tn_segment_type_of(j->x.values->dtype);
  size_t size = tn_dtype_size(j->x.values->dtype);
  memcpy(out, tn_at(j->x.values, j->order[i]), size);
  int64_t first = i;
  for (i++; i < j->x.n && !tn_coo_compare(place(j, first), place(j, i), j->s->n_kept); i++)
    type->step[j->s->kind](out, tn_at(j->x.values, j->order[i]), 1);
  return i;
}

static tn_error *to_dense(const job *j) {
  tn_tensor *out = j->r->outputs[0];
  const int64_t *dims = j->x.dims;
  TN_TRY(tn_copy_zero(out->dtype, out->data, tn_elements(out)));
  for (int64_t i = 0; i < j->x.n;) {
    int64_t flat = 0, k = 0;
    for (int d = 0; d < j->s->rank; d++)
      if (!j->s->reduced[d]) flat = flat * dims[d] + place(j, i)[k++];
    i = join(j, i, tn_at(out, flat));
  }
  return NULL;
}

static tn_error *to_sparse(const job *j) {
  const reduction *s = j->s;
  int64_t n = 0;
  for (int64_t i = 0; i < j->x.n; i++) n += i == 0 || tn_coo_compare(place(j, i - 1), place(j, i), s->n_kept) != 0;
  TN_TRY(tn_sparse_matrix(j->r, 0, n, s->out.rank));
  TN_TRY(tn_sparse_vector(j->r, 1, n));
  TN_TRY(tn_sparse_vector(j->r, 2, s->out.rank));
  memcpy(j->r->outputs[2]->data, s->out.dims, (size_t)s->out.rank * sizeof(int64_t));
  int64_t *out = TN_DATA(int64_t, j->r->outputs[0]);
  bool keep = s->out.rank == s->rank;
  for (int64_t i = 0, row = 0; i < j->x.n; row++) {
    for (int d = 0, k = 0; d < s->rank; d++) {
      if (!s->reduced[d])
        *out++ = place(j, i)[k++];
      else if (keep)
        *out++ = 0;
    }
    i = join(j, i, tn_at(j->r->outputs[1], row));
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  job j = {.r = r, .s = r->state, .x = tn_coo_of(r, 0)};
  TN_TRY(tn_coo_check(r, &j.x));
  j.at = tn_malloc(((size_t)j.x.n * (size_t)j.x.rank + 1) * sizeof *j.at);
  if (!j.at) return tn_out_of_memory();
  regroup(j.s, &j.x, j.at);
  tn_error *error = tn_coo_order(j.at, j.x.n, j.s->rank, &j.order);
  if (!error) error = r->n_outputs == 1 ? to_dense(&j) : to_sparse(&j);
  tn_free(j.order);
  tn_free(j.at);
  return error;
}

static tn_error *dense_shape(tn_shape_ctx *c) {
  tn_shape full;
  TN_TRY(tn_shape_from_value(c, 2, &full));
  const tn_tensor *t = c->value(c, 3);
  if (full.rank < 0 || !t) return NULL;
  bool reduced[TN_MAX_RANK] = {0}, keep = tn_node_get_bool(c->node, "keep_dims");
  for (int64_t i = 0; i < tn_elements(t); i++) {
    int axis = 0;
    TN_TRY(tn_array_axis(c->node, "reduction axis", TN_DATA(int32_t, t)[i], full.rank, &axis));
    reduced[axis] = true;
  }
  tn_shape out = tn_shape_scalar();
  for (int d = 0; d < full.rank; d++)
    if (!reduced[d] || keep) out.dims[out.rank++] = reduced[d] ? 1 : full.dims[d];
  c->out[0] = out;
  return NULL;
}

/* Each element gets what its result got. */
static tn_error *sum_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output shape = tn_grad_x(c, 2), dy = tn_grad_dense(c, 0);
  tn_output rank = tn_build1(s, "Size", shape), zero = tn_build_scalar(s, TN_INT32, 0),
            one = tn_build_scalar(s, TN_INT32, 1);
  tn_output all = tn_build(s, "Range", TN_IN(zero, rank, one), NULL);
  tn_output axes = tn_build2(s, "Reshape", tn_grad_x(c, 3), tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
  axes = tn_build2(s, "FloorMod", tn_build2(s, "AddV2", axes, rank), rank);
  tn_output ones = tn_build2(s, "Fill", tn_build1(s, "Shape", axes), tn_build_scalar(s, TN_INT64, 1));
  tn_output kept = tn_build(s, "DynamicStitch", TN_IN(all, axes, shape, ones), TN_ATTRS(TN_A_INT("N", 2)));
  tn_output scale = tn_build2(s, "FloorDiv", shape, kept);
  tn_output places = tn_build2(s, "FloorDiv", tn_grad_x(c, 0), scale);
  tn_grad_set(c, 1, tn_build2(s, "GatherNd", tn_build2(s, "Reshape", dy, kept), places));
  return NULL;
}

static const tn_kernel_def sum_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = sum_prepare, .run = run}, {0}};
static const tn_kernel_def max_kernels[] = {
    {.name = "reference", .types = TN_REALS, .prepare = max_prepare, .run = run}, {0}};

TN_OP(SparseReduceSum, .inputs = "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
      .outputs = "output: T", .attrs = "keep_dims: bool = false; T: numbertype",
      .doc = "Sums of a sparse tensor's elements along axes.", .value_inputs = 1 << 2 | 1 << 3, .shape = dense_shape,
      .gradient = sum_gradient, .kernels = sum_kernels);

TN_OP(SparseReduceSumSparse,
      .inputs = "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
      .outputs = "output_indices: int64, output_values: T, output_shape: int64",
      .attrs = "keep_dims: bool = false; T: numbertype",
      .doc = "Sums of a sparse tensor's elements along axes, as a sparse tensor.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .value_inputs = 1 << 2 | 1 << 3,
      .shape = tn_shape_unknown_out, .kernels = sum_kernels);

TN_OP(SparseReduceMax, .inputs = "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
      .outputs = "output: T", .attrs = "keep_dims: bool = false; T: realnumbertype",
      .doc = "The largest of a sparse tensor's elements along axes; 0 where there is none.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 2 | 1 << 3, .shape = dense_shape,
      .kernels = max_kernels);

TN_OP(SparseReduceMaxSparse,
      .inputs = "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32",
      .outputs = "output_indices: int64, output_values: T, output_shape: int64",
      .attrs = "keep_dims: bool = false; T: realnumbertype",
      .doc = "The largest of a sparse tensor's elements along axes, as a sparse tensor.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .value_inputs = 1 << 2 | 1 << 3,
      .shape = tn_shape_unknown_out, .kernels = max_kernels);
