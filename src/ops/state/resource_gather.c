/* Rows and parts of a resource variable, read without reading the rest. */
#include "graph/build.h"
#include "graph/shape.h"
#include "ops/state/update.h"

/* What is gathered, as far as it is known: plans put the variable's value in the place of the handle. */
typedef struct gathering {
  bool known; /* the value came in place of the handle, so that the output's shape is set */
} gathering;

/* params [batch..., rows, rest...] and indices [batch..., more...] give [batch..., more..., rest...]. */
static tn_error *gather_shape(const tn_node *node, const tn_shape *params, const tn_shape *indices, int *batch,
                              tn_shape *out) {
  int64_t given = tn_node_get_int(node, "batch_dims"), dims = given < 0 ? given + indices->rank : given;
  bool fits = dims >= 0 && dims <= indices->rank && dims < params->rank &&
              indices->rank + params->rank - dims - 1 <= TN_MAX_RANK;
  for (int i = 0; fits && i < dims; i++) fits = params->dims[i] == indices->dims[i];
  if (!fits) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "can't gather %s from a variable of shape %s with batch_dims %lld",
                          TN_SHAPE_STR(indices), TN_SHAPE_STR(params), (long long)given);
  }
  *batch = (int)dims;
  out->rank = indices->rank + params->rank - *batch - 1;
  for (int i = 0; i < out->rank; i++) {
    out->dims[i] = i < indices->rank ? indices->dims[i] : params->dims[i - indices->rank + *batch + 1];
  }
  return NULL;
}

static tn_error *gather_nd_shape(const tn_node *node, const tn_shape *params, const tn_shape *indices, int *depth,
                                 tn_shape *out) {
  int batch = indices->rank - 1;
  if (indices->rank < 1 || params->rank < 1 || indices->dims[batch] > params->rank ||
      batch + params->rank - indices->dims[batch] > TN_MAX_RANK) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "can't gather index vectors %s from a variable of shape %s",
                          TN_SHAPE_STR(indices), TN_SHAPE_STR(params));
  }
  *depth = (int)indices->dims[batch];
  out->rank = batch + params->rank - *depth;
  for (int i = 0; i < out->rank; i++) out->dims[i] = i < batch ? indices->dims[i] : params->dims[i - batch + *depth];
  return NULL;
}

typedef tn_error *(*shape_rule)(const tn_node *node, const tn_shape *params, const tn_shape *indices, int *way,
                                tn_shape *out);

static tn_error *prepare(tn_prepare *p, shape_rule rule) {
  gathering *g;
  TN_TRY(tn_prepare_state(p, sizeof *g, &g));
  g->known = p->inputs[0].dtype != TN_RESOURCE;
  if (!g->known) {
    tn_prepare_dynamic(p, 0);
    return NULL;
  }
  tn_shape shape;
  int way;
  TN_TRY(rule(p->node, &p->inputs[0].shape, &p->inputs[1].shape, &way, &shape));
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *prepare_gather(tn_prepare *p) { return prepare(p, gather_shape); }
static tn_error *prepare_gather_nd(tn_prepare *p) { return prepare(p, gather_nd_shape); }

static tn_error *allocate(tn_run *r, const tn_shape *shape) {
  return ((const gathering *)r->state)->known ? NULL : tn_run_allocate(r, 0, shape);
}

static tn_error *gather(tn_run *r, const tn_tensor *params) {
  const tn_tensor *indices = r->inputs[1];
  tn_shape shape;
  int batch;
  TN_TRY(gather_shape(r->node, &params->shape, &indices->shape, &batch, &shape));
  int64_t batches = 1, width = 1, n = tn_elements(indices), rows = params->shape.dims[batch];
  for (int i = 0; i < batch; i++) batches *= params->shape.dims[i];
  for (int i = batch + 1; i < params->shape.rank; i++) width *= params->shape.dims[i];
  for (int64_t i = 0; i < n; i++) {
    int64_t row = tn_index_at(indices, i);
    if (row >= 0 && row < rows) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%lld] = %lld is not in [0, %lld)", (long long)i,
                         (long long)row, (long long)rows);
  }
  TN_TRY(allocate(r, &shape));
  size_t bytes = (size_t)width * tn_dtype_size(params->dtype);
  for (int64_t i = 0; i < n && bytes; i++) {
    int64_t row = i / (n / batches) * rows + tn_index_at(indices, i);
    TN_TRY(tn_copy_elements(params->dtype, (char *)r->outputs[0]->data + (size_t)i * bytes,
                            (const char *)params->data + (size_t)row * bytes, width));
  }
  return NULL;
}

static tn_error *gather_nd(tn_run *r, const tn_tensor *params) {
  const tn_tensor *indices = r->inputs[1];
  const tn_shape *from = &params->shape, *by = &indices->shape;
  tn_shape shape;
  int depth;
  TN_TRY(gather_nd_shape(r->node, from, by, &depth, &shape));
  int64_t n = 1, width = 1;
  for (int i = 0; i < by->rank - 1; i++) n *= by->dims[i];
  for (int i = depth; i < from->rank; i++) width *= from->dims[i];
  TN_TRY(allocate(r, &shape));
  size_t bytes = (size_t)width * tn_dtype_size(params->dtype);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = 0;
    for (int j = 0; j < depth; j++) {
      int64_t index = tn_index_at(indices, i * depth + j);
      if (index < 0 || index >= from->dims[j]) {
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index vector %lld of the indices does not point into %s",
                             (long long)i, TN_SHAPE_STR(from));
      }
      at = at * from->dims[j] + index;
    }
    TN_TRY(tn_copy_elements(params->dtype, (char *)r->outputs[0]->data + (size_t)i * bytes,
                            (const char *)params->data + (size_t)at * bytes, width));
  }
  return NULL;
}

static tn_error *run(tn_run *r, tn_error *(*compute)(tn_run *, const tn_tensor *)) {
  if (((const gathering *)r->state)->known) return compute(r, r->inputs[0]);
  tn_variable *v;
  tn_tensor value = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->outputs[0]->dtype));
  TN_TRY(tn_state_read(r, v, &value));
  tn_error *error = compute(r, &value);
  tn_tensor_clear(&value);
  return error;
}

static tn_error *run_gather(tn_run *r) { return run(r, gather); }
static tn_error *run_gather_nd(tn_run *r) { return run(r, gather_nd); }

static const tn_kernel_def gather_kernels[] = {{.name = "reference", .prepare = prepare_gather, .run = run_gather},
                                               {0}};
static const tn_kernel_def gather_nd_kernels[] = {
    {.name = "reference", .prepare = prepare_gather_nd, .run = run_gather_nd}, {0}};

static tn_error *shape_gather(tn_shape_ctx *c) {
  tn_shape params, indices = c->in[1];
  TN_TRY(tn_state_handle_shape(c, 0, "dtype", &params));
  if (params.rank == 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the variable is a scalar, expected rank 1 or more");
  if (params.rank < 0 || indices.rank < 0) return NULL;
  int64_t batch = tn_node_get_int(c->node, "batch_dims");
  if (batch < 0) batch += indices.rank;
  int64_t rank = indices.rank + params.rank - batch - 1;
  if (batch < 0 || batch > indices.rank || batch >= params.rank || rank > TN_MAX_RANK) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "batch_dims is %lld for indices %s and a variable %s",
                          (long long)batch, TN_SHAPE_STR(&indices), TN_SHAPE_STR(&params));
  }
  c->out[0].rank = (int)rank;
  for (int i = 0; i < rank; i++) {
    c->out[0].dims[i] = i < indices.rank ? indices.dims[i] : params.dims[i - indices.rank + batch + 1];
    if (i < batch) TN_TRY(tn_dim_merge(c, params.dims[i], indices.dims[i], &c->out[0].dims[i]));
  }
  return NULL;
}

static tn_error *shape_gather_nd(tn_shape_ctx *c) {
  tn_shape params, indices = c->in[1];
  TN_TRY(tn_state_handle_shape(c, 0, "dtype", &params));
  if (indices.rank == 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "indices are a scalar, expected rank 1 or more");
  if (params.rank < 0 || indices.rank < 0 || indices.dims[indices.rank - 1] < 0) return NULL;
  int64_t depth = indices.dims[indices.rank - 1];
  int batch = indices.rank - 1;
  if (depth > params.rank || batch + params.rank - depth > TN_MAX_RANK) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "index vectors have %lld elements, but the variable is %s",
                          (long long)depth, TN_SHAPE_STR(&params));
  }
  c->out[0].rank = batch + params.rank - (int)depth;
  for (int i = 0; i < c->out[0].rank; i++) {
    c->out[0].dims[i] = i < batch ? indices.dims[i] : params.dims[i - batch + (int)depth];
  }
  return NULL;
}

/* The shape of the variable behind the handle, where all of it is known and no dimension after the first is 0. */
static bool known_shape(const tn_gradient_ctx *c, tn_shape *out) {
  tn_output handle = tn_grad_x(c, 0);
  const tn_handle_info *info = handle.node->handles ? &handle.node->handles[handle.index] : NULL;
  if (!info || info->dtype == TN_INVALID || !tn_shape_known(&info->shape)) return false;
  for (int i = 1; i < info->shape.rank; i++) {
    if (info->shape.dims[i] == 0) return false;
  }
  *out = info->shape;
  return true;
}

/* A sparse gradient: one row for each index, whatever the shape of the indices was. */
static tn_error *gradient_gather(tn_gradient_ctx *c) {
  if (!tn_grad_has(c, 0)) return NULL;
  tn_scope *s = c->scope;
  tn_shape known;
  tn_output gradient = tn_grad_dense(c, 0), shape, rows, size;
  if (known_shape(c, &known)) {
    shape = tn_build_ints(s, TN_INT32, known.rank, known.dims);
    known.dims[0] = -1;
    rows = tn_build_ints(s, TN_INT32, known.rank, known.dims);
    size = tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1});
  } else {
    tn_output one = tn_build_ints(s, TN_INT32, 1, (int64_t[]){1}), zero = tn_build_scalar(s, TN_INT32, 0);
    shape = tn_build1(s, "VariableShape", tn_grad_x(c, 0));
    size = tn_build2(s, "ExpandDims", tn_build1(s, "Size", tn_grad_x(c, 1)), zero);
    tn_output rest = tn_build(s, "StridedSlice", TN_IN(shape, one, tn_build_ints(s, TN_INT32, 1, (int64_t[]){0}), one),
                              TN_ATTRS(TN_A_INT("end_mask", 1)));
    rows = tn_build(s, "ConcatV2", TN_IN(size, rest, zero), NULL);
  }
  c->grad_in[0].values = tn_build2(s, "Reshape", gradient, rows);
  c->grad_in[0].indices = tn_build2(s, "Reshape", tn_grad_x(c, 1), size);
  c->grad_in[0].dense_shape = shape;
  return NULL;
}

static tn_error *gradient_gather_nd(tn_gradient_ctx *c) {
  if (!tn_grad_has(c, 0)) return NULL;
  tn_scope *s = c->scope;
  tn_output indices = tn_grad_x(c, 1), gradient = tn_grad_dense(c, 0);
  tn_dtype type = tn_dtype_base(tn_output_dtype(indices));
  tn_output shape = tn_build(s, "VariableShape", TN_IN(tn_grad_x(c, 0)), TN_ATTRS(TN_A_TYPE("out_type", type)));
  tn_shape known = tn_output_shape(indices);
  if (known.rank == 2 && known.dims[1] == 1) {
    c->grad_in[0].values = gradient;
    c->grad_in[0].indices =
        tn_build(s, "Reshape", TN_IN(indices, tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1})), NULL);
    c->grad_in[0].dense_shape = shape;
    return NULL;
  }
  tn_grad_set(c, 0, tn_build(s, "ScatterNd", TN_IN(indices, gradient, shape), NULL));
  return NULL;
}

TN_OP(ResourceGather, .inputs = "resource: resource, indices: Tindices", .outputs = "output: dtype",
      .attrs = "batch_dims: int = 0; validate_indices: bool = true; dtype: type; Tindices: indextype",
      .doc = "Rows of the variable behind the handle.", .flags = TN_OP_STATEFUL | TN_OP_READ_ONLY,
      .shape = shape_gather, .gradient = gradient_gather, .kernels = gather_kernels);

TN_OP(ResourceGatherNd, .inputs = "resource: resource, indices: Tindices", .outputs = "output: dtype",
      .attrs = "dtype: type; Tindices: indextype", .doc = "Parts of the variable behind the handle, by index vectors.",
      .flags = TN_OP_STATEFUL | TN_OP_READ_ONLY, .shape = shape_gather_nd, .gradient = gradient_gather_nd,
      .kernels = gather_nd_kernels);
